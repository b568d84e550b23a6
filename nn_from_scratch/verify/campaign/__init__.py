"""Many checks of one engine: an engine goes in, results come out."""
