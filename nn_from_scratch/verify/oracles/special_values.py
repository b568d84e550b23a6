"""Values of special functions over numpy arrays, for finite differences: from `math` alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

_erf = np.vectorize(math.erf, otypes=[float])
_erfc = np.vectorize(math.erfc, otypes=[float])
_STEPS = 8


def normal_below(x: npt.ArrayLike) -> Any:
    """Return how much of the normal distribution lies below a number."""
    return _erfc(-np.asarray(x) / math.sqrt(2)) / 2


def normal_quantile(p: npt.ArrayLike) -> Any:
    """Return the inverse of that, by Newton's method.

    The logarithm of a normal distribution is concave, so that no step goes too far from where p is
    exp(-z^2 / 2) / 2, which is more than lies below z.
    """
    p = np.asarray(p, dtype=np.float64)
    tail = np.minimum(p, 1 - p)
    z = -np.sqrt(-2 * np.log(2 * tail))
    for _ in range(_STEPS):
        below = normal_below(z)
        z = z - np.log(below / tail) * below * math.sqrt(2 * math.pi) * np.exp(z * z / 2)
    return np.where(p < 0.5, z, -z)


def erfinv(x: npt.ArrayLike) -> Any:
    """Return the inverse of erf: in its middle by Newton's method, which does not go too far from 0."""
    x = np.asarray(x, dtype=np.float64)
    slope = 2 / math.sqrt(math.pi)
    middle = np.where(abs(x) < 0.5, x, 0.0)
    z = middle / slope
    for _ in range(_STEPS):
        z = z + (middle - _erf(z)) / slope * np.exp(z * z)
    tail = -normal_quantile((1 - abs(x)) / 2) / math.sqrt(2)
    return np.where(abs(x) < 0.5, z, np.copysign(tail, x))
