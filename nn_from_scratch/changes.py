"""Whether anything may have changed that a network was computed with: see `moment`.

These are no numbers, which two threads might count up as one.
"""

values = object()
"""Replaced whenever a value is assigned to a node, or handed out by one."""
wiring = object()
"""Replaced whenever a layer gets other parts, or another activation."""
