"""The report's drawings, one module per subject; each returns None where the results hold nothing to draw."""
