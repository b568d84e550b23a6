"""Writing an adapter: a module is probed, and what was guessed is a file that can be read and mended."""
