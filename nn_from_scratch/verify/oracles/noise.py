"""How far the values of a function are off the smooth function that it computes.

J. J. More and S. M. Wild, "Estimating computational noise", SIAM Journal on Scientific Computing 33 (2011):
the differences of order k of values at equal distances are those of the noise alone once k is large, and
their mean square is then (2k)! / (k!)^2 times the variance of the noise.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_AGREE = 4.0  # estimates of consecutive orders that differ by no more are one
_SHOWN = 4  # values that are not the same, for a type so short that a few numbers are its by chance
_FULL = 5  # binary digits that the median of a type's numbers may lack: fractions such as 3/4 show no type
SAMPLES = 9
"""Of how many values at equal distances the noise is estimated."""


def difference_noise(values: Floats) -> float | None:
    """Estimate the standard deviation of the noise in values at equal distances.

    Parameters
    ----------
    values
        Float64, shape (points,), 7 points or more.

    Returns
    -------
    float or None
        None if the function still changes too much between neighbours for noise to be seen.

    """
    differences = values
    levels: list[float] = []
    changes: list[bool] = []
    for order in range(1, len(values) - 1):
        differences = np.diff(differences)
        factor = math.factorial(order) ** 2 / math.factorial(2 * order)
        levels.append(math.sqrt(factor * float(np.mean(differences**2))))
        changes.append(bool((differences > 0).any() and (differences < 0).any()))
    for k in range(len(levels) - 2):
        some = levels[k : k + 3]
        if changes[k] and max(some) <= _AGREE * min(some):
            return levels[k]
    return None


def unit_roundoff(dtype: npt.DTypeLike) -> float:
    """Return the unit roundoff of a type of numbers."""
    return float(np.finfo(dtype).eps) / 2


def shown_unit(values: Floats, dtype: np.dtype[np.floating], *, expected: float = 0.0) -> float:
    """Return the unit roundoff of the numbers that a function computes with, as its values show it.

    Values that all are numbers of a shorter type were computed in it, whatever type they are handed over in:
    the chance for a single float64 to be a float32 is 2^-29. Values of few digits, such as 3/4, show nothing.

    Parameters
    ----------
    values
        Float64, shape (points,).
    dtype
        The type that they were handed over in.
    expected
        The unit roundoff that they are believed to have if they show nothing else.

    """
    smallest = unit_roundoff(dtype)
    known = np.unique(values[np.isfinite(values) & (values != 0)])
    if not known.size:
        return max(smallest, expected)
    bits = _bits(known)
    for shorter, most in ((np.float16, 11), (np.float32, 24)):
        with np.errstate(over="ignore"):
            same = known.astype(shorter).astype(np.float64) == known
        full = np.median(bits) > most - _FULL and (most > 11 or len(known) >= _SHOWN)
        if same.all() and (full or expected >= unit_roundoff(shorter)):
            return max(smallest, unit_roundoff(shorter))
    return smallest


def _bits(values: Floats) -> Floats:
    """Return how many binary digits each number has, from its first to its last."""
    whole = np.abs(np.frexp(values)[0] * 2.0**53).astype(np.int64)
    last = np.log2((whole & -whole).astype(np.float64))
    return np.asarray(53 - last)
