"""Which comparisons an engine's rounding may decide either way: those within reach of a kink or a jump."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nn_from_scratch.verify.judging.rounded_numbers import Rounded

_DIFFERENCES: Mapping[str, Callable[..., tuple[Any, ...]]] = {
    "relu": lambda x: (x,),
    "abs": lambda x: (x,),
    "sign": lambda x: (x,),
    "maximum": lambda x, y: (x - y,),
    "minimum": lambda x, y: (x - y,),
    "clip": lambda x, low, high: (x - low, x - high),
    "where": lambda condition, x, y: (condition,),
}
"""By operation, what is compared with 0."""
COMPARING = _DIFFERENCES.keys()
"""The operations that compare."""


def in_reach(operation: str, operands: Sequence[Rounded | float], margin: float) -> bool:
    """Whether a comparison is with 0, or as good as that, for an engine.

    Parameters
    ----------
    operation, operands
        The operation, and what an engine computes for its operands; a constant is a float.
    margin
        By how many radii engines may be off.

    """
    differences = _DIFFERENCES.get(operation)
    if differences is None or (operation == "where" and isinstance(operands[0], float)):
        return False
    balls = (one.ball for one in differences(*operands))
    return any(abs(ball.mid()) <= margin * ball.rad() for ball in balls)
