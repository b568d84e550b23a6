"""How far the values of a function are off the smooth function that it computes.

J. J. More and S. M. Wild, "Estimating computational noise", SIAM Journal on Scientific Computing 33 (2011): the
differences of order k of values at equal distances are those of the noise alone once k is large, and their mean
square is then (2k)! / (k!)^2 times the variance of the noise.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_AGREE = 4.0  # estimates of consecutive orders that differ by no more are one
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


def unit(dtypes: list[np.dtype[np.floating]]) -> float:
    """Return the largest unit roundoff of some types of numbers."""
    return max(float(np.finfo(dtype).eps) / 2 for dtype in dtypes)


def shown_unit(values: Floats, dtype: np.dtype[np.floating]) -> float:
    """Return the unit roundoff of the numbers that a function computes with, as its values show it.

    Values that all are numbers of a shorter type were computed in it, whatever type they are handed over in:
    the chance for a single float64 to be a float32 is 2^-29. Values that are all the same show nothing.
    """
    smallest = unit([dtype])
    known = values[np.isfinite(values)]
    if len(np.unique(known)) < 4:
        return smallest
    for shorter in (np.float16, np.float32):
        with np.errstate(over="ignore"):
            if np.array_equal(known.astype(shorter).astype(np.float64), known):
                return max(smallest, unit([np.dtype(shorter)]))
    return smallest
