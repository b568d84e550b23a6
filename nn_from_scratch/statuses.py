"""The exit statuses of the command line."""

RIGHT, WRONG, INTERRUPTED, INTERNAL_ERROR, BAD_USAGE, NOTHING_CHECKED = range(6)

MEANINGS = {
    RIGHT: "all right",
    WRONG: "a gradient is wrong or not settled, a curve differs, or what is checked ended its process",
    INTERRUPTED: "interrupted by Ctrl-C, SIGTERM or a closed terminal, with what was checked written",
    INTERNAL_ERROR: "internal error",
    BAD_USAGE: "bad usage, an engine or function that cannot be loaded, or all right but results that cannot "
    "be written or printed",
    NOTHING_CHECKED: "nothing could be checked or decided, or not what was asked for",
}
"""By status, what it says. A verdict other than right goes before what could not be written."""
