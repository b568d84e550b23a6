"""Answer and truth in, a verdict out, and why."""
