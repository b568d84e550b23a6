"""Symmetric matrices, and how it is seen whether a function's matrices stay so where its inputs move."""

from __future__ import annotations

from typing import Any

import numpy as np

STREAM = 0x747269616E676C65
"""Nobody's inputs are drawn from this stream, by which inputs are moved."""
STEP = 2.0**-12
"""By how much of its size an input is moved."""
LEAST = 2.0**-18
"""By how much of its size an output moves that follows, and not by the square of that step alone."""
ROUNDINGS = 64
"""By so many roundings the triangles of a matrix that was computed may differ."""


def symmetric(x: Any) -> Any:
    """Return the symmetric part of a matrix, or of each of a stack, of any library.

    A symmetric one stays as it is, for x + x is exact.
    """
    return (x + x.swapaxes(-1, -2)) / 2


def has_square_matrices(x: Any) -> bool:
    """Whether an array's last two axes are of one size."""
    return x.ndim > 1 and bool(x.shape[-1] == x.shape[-2])


def is_symmetric(x: Any) -> bool:
    """Whether matrices are symmetric: a gradient may be right for such alone."""
    return has_square_matrices(x) and np.array_equal(x, x.swapaxes(-1, -2))


def stays(x: Any, before: Any) -> bool:
    """Whether numpy's array of outputs is, but for the square of a step, what it was before the step."""
    return bool(np.abs(x - before).max(initial=0.0) <= LEAST * (np.abs(before).max(initial=0.0) or 1.0))


def by_convention(said: str) -> str:
    """Say what may be done about a gradient that is right along symmetric matrices, `said` as that is."""
    return f"it is the derivative {said}, by convention: make the matrix symmetric within the function"
