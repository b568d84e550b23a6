"""The command line, one of the suite's doors."""
