"""Values of special functions over numpy arrays, for finite differences: from `math` alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt


def _or_a_pole(function: Callable[[float], float]) -> Any:
    """Return a function of arrays that is infinite where the one of numbers raises."""

    def value(x: float) -> float:
        try:
            return function(x)
        except (ValueError, OverflowError):
            return math.inf

    return np.vectorize(value, otypes=[float])


lgamma = _or_a_pole(math.lgamma)
gamma = _or_a_pole(math.gamma)
_erf = np.vectorize(math.erf, otypes=[float])
_erfc = np.vectorize(math.erfc, otypes=[float])
_STEPS = 8
_FAR = 1e9
_CIRCLE = 2 * np.pi * (np.arange(96) + 0.5) / 96  # sums over it are exact integrals for operands up to 25


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


def log_of_beta(x: npt.ArrayLike, y: npt.ArrayLike) -> Any:
    """Return the logarithm of gamma(x) gamma(y) / gamma(x + y), of positive numbers.

    Where one is far larger, nothing is left of the difference of two logarithms: by the first two terms of
    their series (M. Abramowitz, I. Stegun, "Handbook of Mathematical Functions", 6.1.47).
    """
    small, large = np.minimum(x, y), np.maximum(x, y)
    between = np.where(
        large > _FAR * (1 + small) ** 2,
        -small * np.log(large) - small * (small - 1) / (2 * large),
        lgamma(large) - lgamma(np.add(x, y)),
    )
    return lgamma(small) + between


def erfcx(x: npt.ArrayLike) -> Any:
    """Return exp(x^2) erfc(x): above 2 by Laplace's continued fraction."""
    x = np.asarray(x, dtype=np.float64)
    far = fraction = np.maximum(x, 2.0)
    for k in range(120, 0, -1):
        fraction = far + k / 2 / fraction
    near = np.minimum(x, 2.0)
    return np.where(x > 2, 1 / (math.sqrt(math.pi) * fraction), np.exp(near * near) * _erfc(near))


def j0(x: npt.ArrayLike) -> Any:
    """Return Bessel's J of order 0, by its integral."""
    return np.cos(np.multiply.outer(x, np.sin(_CIRCLE))).mean(-1)


def j1(x: npt.ArrayLike) -> Any:
    """Return Bessel's J of order 1."""
    return (np.sin(np.multiply.outer(x, np.sin(_CIRCLE))) * np.sin(_CIRCLE)).mean(-1)


def i0(x: npt.ArrayLike) -> Any:
    """Return Bessel's I of order 0."""
    return np.cosh(np.multiply.outer(x, np.sin(_CIRCLE))).mean(-1)


def i1(x: npt.ArrayLike) -> Any:
    """Return Bessel's I of order 1."""
    return (np.sinh(np.multiply.outer(x, np.sin(_CIRCLE))) * np.sin(_CIRCLE)).mean(-1)


def jv(order: npt.ArrayLike, x: npt.ArrayLike) -> Any:
    """Return Bessel's J of a whole order."""
    turned = np.multiply.outer(order, _CIRCLE) - np.multiply.outer(x, np.sin(_CIRCLE))
    return _near_or_far(order, x, -1, np.cos(turned).mean(-1))


def iv(order: npt.ArrayLike, x: npt.ArrayLike) -> Any:
    """Return Bessel's I of a whole order."""
    grown = np.exp(np.multiply.outer(x, np.cos(_CIRCLE)))
    return _near_or_far(order, x, 1, (grown * np.cos(np.multiply.outer(order, _CIRCLE))).mean(-1))


def _near_or_far(order: npt.ArrayLike, x: npt.ArrayLike, sign: int, far: Any) -> Any:
    """Return a Bessel function by its series where no term is larger than the first; else as it is given.

    A mean over a circle has few digits of what is far smaller than 1.
    """
    square = sign * np.multiply(x, x) / 4
    term = total = np.power(np.divide(x, 2), order) / gamma(np.add(order, 1))
    for k in range(1, 40):
        term = term * square / (k * np.add(order, k))
        total = total + term
    return np.where(abs(square) < np.add(order, 1), total, far)


def zeta(exponent: npt.ArrayLike, x: npt.ArrayLike) -> Any:
    """Return the sum of 1 / (x + k)^exponent: thirty terms, and the rest by Euler and Maclaurin."""
    exponent, x = np.asarray(exponent, dtype=np.float64), np.asarray(x, dtype=np.float64)
    far = x + 30
    rest = far / (exponent - 1) + 0.5
    correction = exponent / far
    for k, bernoulli in enumerate((1 / 6, -1 / 30, 1 / 42, -1 / 30), 1):
        rest = rest + bernoulli / math.factorial(2 * k) * correction
        correction = correction * (exponent + 2 * k - 1) * (exponent + 2 * k) / (far * far)
    return sum((x + k) ** -exponent for k in range(30)) + rest * far**-exponent


def betainc(first: npt.ArrayLike, second: npt.ArrayLike, x: npt.ArrayLike) -> Any:
    """Return how much of a beta distribution lies below a number; beyond its middle, 1 less the rest."""
    first, second, x = (np.asarray(one, dtype=np.float64) for one in (first, second, x))
    above = x > (first + 1) / (first + second + 2)
    part = _small_part_of_beta(
        np.where(above, second, first), np.where(above, first, second), np.where(above, 1 - x, x)
    )
    return np.where(above, 1 - part, part)


def _small_part_of_beta(first: Any, second: Any, x: Any) -> Any:
    """Return the same by a series of positive terms."""
    term = total = 1 / first
    for k in range(600):
        term = term * (first + second + k) / (first + 1 + k) * x
        total = total + term
    return total * np.exp(first * np.log(x) + second * np.log1p(-x) - log_of_beta(first, second))


def gammainc(order: npt.ArrayLike, x: npt.ArrayLike) -> Any:
    """Return how much of a gamma distribution lies below a number, by a series of positive terms."""
    order, x = np.asarray(order, dtype=np.float64), np.asarray(x, dtype=np.float64)
    term = total = np.exp(order * np.log(x) - x - lgamma(order + 1))
    for k in range(1, 250):
        term = term * x / (order + k)
        total = total + term
    return total
