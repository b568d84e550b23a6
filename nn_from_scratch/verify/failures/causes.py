"""Causes that stand behind several operations at once, told from the kinds of their faults."""

from __future__ import annotations

import re

from nn_from_scratch.verify.failures.kinds import LOST
from nn_from_scratch.verify.failures.shrink import REVERSE_PASS

BROADCASTING, PRECISION = "broadcasting", "precision"
CAUSES = (REVERSE_PASS, BROADCASTING, PRECISION)
"""What may be at fault behind several operations."""
SEVERAL = 4
"""Operations that have to show the same cause before it is taken for one: what operations share, such as the
sum over broadcast axes, is used by all of them, and a slip that was copied by few."""

_FACTOR = re.compile(r"constant factor (\S+?)(,|$)")
_NEAR = 2.0**-20  # a factor as near to 1 is a matter of digits


def cause(kind: str) -> str:
    """Return what is behind a kind of fault that no single operation needs to have; else nothing."""
    if LOST in kind:
        return REVERSE_PASS
    if "broadcast" in kind:
        return BROADCASTING
    factor = _FACTOR.search(kind)
    if "precision" in kind or "digits" in kind or (factor and abs(float(factor[1]) - 1) < _NEAR):
        return PRECISION
    return ""
