"""The guide's special functions: rough values that steer the choice of the next step, and judge nothing."""

from __future__ import annotations

import math
from collections.abc import Callable

_POINTS = 90  # on a circle, with which trapezoids are exact for operands up to 25
_TURNS = [2 * math.pi * (k + 0.25) / _POINTS for k in range(_POINTS)]
_NEAR = 5e-4  # where two terms of a quantile's series have twelve digits


def normal_quantile(p: float) -> float:
    """Return the number below which a part of the normal distribution lies.

    Halley's steps from a quotient (M. Abramowitz, I. Stegun, "Handbook of Mathematical Functions", 26.2.23),
    each of which has three times as many digits.
    """
    if abs(p - 0.5) < _NEAR:
        return _beside_the_median(p - 0.5)
    if p > 0.5:
        return -normal_quantile(1 - p)
    t = math.sqrt(-2 * math.log(p))
    above = 2.515517 + t * (0.802853 + t * 0.010328)
    z = above / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t
    for _ in range(2):
        step = (math.erfc(-z / math.sqrt(2)) / 2 - p) * math.sqrt(2 * math.pi) * math.exp(z * z / 2)
        z -= step / (1 + z * step / 2)
    return z


def _beside_the_median(off: float) -> float:
    return math.sqrt(2 * math.pi) * off * (1 + math.pi * off * off / 3)


def erfinv(x: float) -> float:
    """Return the inverse of erf, a normal quantile."""
    half = x / 2
    quantile = _beside_the_median(half) if abs(half) < _NEAR else normal_quantile(0.5 + half)
    return quantile / math.sqrt(2)


def log_of_beta(x: float, y: float) -> float:
    """Return the logarithm of gamma(x) gamma(y) / gamma(x + y)."""
    return math.lgamma(x) + math.lgamma(y) - math.lgamma(x + y)


def erfcx(x: float) -> float:
    """Return exp(x^2) erfc(x), far from 0 as a continued fraction."""
    if x < 3:
        return math.exp(x * x) * math.erfc(x)
    fraction = x
    for k in range(60, 0, -1):
        fraction = x + k / 2 / fraction
    return 1 / (math.sqrt(math.pi) * fraction)


def jv(order: float, x: float) -> float:
    """Return Bessel's J of a whole order, by its integral over a circle."""
    if x == 0:
        return 0.0 if order else 1.0
    return sum(math.cos(order * turn - x * math.sin(turn)) for turn in _TURNS) / _POINTS


def iv(order: float, x: float) -> float:
    """Return Bessel's I of a whole order."""
    if x == 0:
        return 0.0 if order else 1.0
    return sum(math.exp(x * math.cos(turn)) * math.cos(order * turn) for turn in _TURNS) / _POINTS


def zeta(exponent: float, x: float) -> float:
    """Return the sum of 1 / (x + k)^exponent, its end by Euler and Maclaurin."""
    far = x + 10
    end = far / (exponent - 1) + 0.5 + exponent / (12 * far)
    end -= exponent * (exponent + 1) * (exponent + 2) / (720 * far**3)
    terms: float = sum((x + k) ** -exponent for k in range(10))
    return terms + end * float(far**-exponent)


def betainc(first: float, second: float, x: float) -> float:
    """Return how much of a beta distribution lies below a number, by a series of positive terms."""
    if x > (first + 1) / (first + second + 2):
        return 1 - betainc(second, first, 1 - x)
    term = total = 1 / first
    for k in range(400):
        term *= (first + second + k) / (first + 1 + k) * x
        total += term
    powers = first * math.log(x) + second * math.log1p(-x)
    return total * math.exp(powers - log_of_beta(first, second))


def bessel(order: int, kernel: Callable[[float], float], x: float) -> float:
    """Return a Bessel function by its integral: the mean over a circle of what depends on a coordinate."""
    sines = (math.sin(2 * math.pi * (k + 0.25) / _POINTS) for k in range(_POINTS))
    return sum(kernel(x * sine) * sine**order for sine in sines) / _POINTS


def gammainc(order: float, x: float) -> float:
    """Return how much of a gamma distribution lies below a number, near 0 by a series."""
    if x > order + 1:
        return 1 - gammaincc(order, x)
    term = total = 1 / order
    for k in range(1, 200):
        term *= x / (order + k)
        total += term
    return total * math.exp(order * math.log(x) - x - math.lgamma(order))


def gammaincc(order: float, x: float) -> float:
    """Return how much lies above, far from 0 by Legendre's continued fraction."""
    if x <= order + 1:
        return 1 - gammainc(order, x)
    fraction = 1.0
    for k in range(200, 0, -1):
        fraction = x + 2 * k - 1 - order + k * (order - k) / fraction if k < 200 else x + 2 * k - 1 - order
    return math.exp(order * math.log(x) - x - math.lgamma(order)) / fraction
