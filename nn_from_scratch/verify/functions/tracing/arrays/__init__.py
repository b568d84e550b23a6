"""The tracer of numpy: an array type of its own, which keeps a shadow beside its numbers."""
