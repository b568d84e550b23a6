"""One short file an engine."""
