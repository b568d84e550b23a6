"""The exit statuses of the command line."""

RIGHT, WRONG, INTERRUPTED, INTERNAL_ERROR, BAD_USAGE, NOTHING_CHECKED = range(6)
