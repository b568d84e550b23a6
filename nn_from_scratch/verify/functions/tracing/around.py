"""Whether a derivative is nearly the same all around a point: beside a kink it is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.tracing.rules import drawn
from nn_from_scratch.verify.functions.tracing.shadows import Numbers

TIMES = 2
"""How often both sides of the point are looked at."""

PART = 8
"""Of an error, what the derivative may change around the point."""


def is_known_around(
    derivative: Callable[[Sequence[Numbers]], arb],
    point: Sequence[Numbers],
    eps: Sequence[float],
    error: float,
    *,
    tied: bool,
    rng: np.random.Generator,
) -> bool:
    """Whether a derivative changes by much less than an error between points on both sides of one.

    Parameters
    ----------
    derivative
        Takes a point, and returns the derivative along some direction there.
    point, eps
        Arrays, and the distance from 1 to the next number of the format of each.
    error
        What is to be told from a kink's jump.
    tied
        Whether numbers are equal at the point that decide: then what is between its two sides is not known
        either.
    rng
        Draws where it is asked.

    """
    here = derivative(point)
    for _ in range(TIMES):
        parts = [drawn(rng, x.shape) for x in point]
        before, after = (
            derivative([_moved(x, sign * part, e) for x, part, e in zip(point, parts, eps, strict=True)])
            for sign in (-1.0, 1.0)
        )
        changes = (before - here, after - here) if tied else ((before + after) - 2 * here,)
        if not all(bool(abs(change) * PART < error) for change in changes):
            return False
    return True


def nearby(eps: float) -> float:
    """Return how near numbers are, relatively, that another formula may order otherwise.

    `eps` is the distance from 1 to the next number of their format.
    """
    return max(min(eps * 2**9, 2.0**-14), 4 * eps)  # 2^9 units of float16 are half of a number


def _moved(x: Numbers, parts: Numbers, eps: float) -> Numbers:
    """Return a point so far away that a kink may be between the two which another formula has elsewhere."""
    return np.asarray(x + nearby(eps) * (np.max(np.abs(x), initial=0) or 1.0) * parts)
