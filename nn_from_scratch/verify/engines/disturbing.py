"""Small objects that are kept alive between two questions, so that the next nodes lie elsewhere in memory.

A set of nodes is gone through in the order of their addresses, which is another in each process, and in one
process may be the same a thousand times: what is freed is used again.
"""

from __future__ import annotations

OBJECTS = "kept.append([bytes(size * 37 % 400) for size in range(attempt % 61)])"
"""Keeps small objects of all sizes alive, given a list of those that are `kept` and the number of the
`attempt`: a line of Python, for a script says it as well."""
_KEEP = compile(OBJECTS, "<objects>", "exec")


def disturb(kept: list[list[bytes]], attempt: int) -> None:
    """Keep more objects alive; those of earlier attempts are let go with the first."""
    if attempt == 0:
        kept.clear()
    exec(_KEEP, {"kept": kept, "attempt": attempt})  # noqa: S102  the line above, which scripts show
