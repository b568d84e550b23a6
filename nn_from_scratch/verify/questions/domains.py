"""Where operations are asked: their domains, and how far operands lie from a kink or a tie."""

from __future__ import annotations

import math


def everywhere(*_: float) -> bool:
    """Return whether operands are inside a domain that has no edge."""
    return True


def apart(x: float, y: float) -> float:
    """Return how far two operands are from a tie, relative to their size if that is larger than 1."""
    size = max(abs(x), abs(y), 1.0)
    return abs(x / size - y / size)  # where x - y may overflow


def from_zero(x: float, *_: float) -> float:
    """Return how far the first operand is from 0, at most 1."""
    return min(abs(x), 1.0)


def power_is_real(x: float, y: float) -> bool:
    """Return whether x to the power of y is a real number."""
    return x > 0 or (y.is_integer() and (x != 0 or y >= 0))


def is_in_gamma(order: float, x: float) -> bool:
    """Whether engines have most digits of an incomplete gamma function: PyTorch has nine above 20."""
    return 0.1 <= order <= 10 and 0 < x <= 50


def is_in_beta(first: float, second: float, x: float) -> bool:
    """Whether engines have most digits of an incomplete beta function."""
    return 0.1 <= first <= 10 and 0.1 <= second <= 10 and 0 < x < 1


def is_zeta(exponent: float, x: float) -> bool:
    """Whether the sum of 1 / (x + k)^exponent is finite, and its charge was measured."""
    return 1 < exponent <= 10 and 1e-3 <= x <= 1e4


BESSEL_LARGEST = 25.0
"""Up to which the series of Bessel functions have digits left."""


def is_of_whole_order(order: float, x: float) -> bool:
    """Whether a Bessel function is smooth on both sides of 0, and libraries have its digits.

    That of scipy is 0 where it is less than 1e-300.
    """
    is_near = x == 0 or 1e-20 < abs(x) < BESSEL_LARGEST
    return order.is_integer() and 0 <= order <= 10 and is_near


def are_positive(x: float, y: float) -> bool:
    """Return whether both operands are above 0."""
    return x > 0 and y > 0


def no_pole_of_gamma(x: float) -> bool:
    """Return whether gamma is finite."""
    return x > 0 or not x.is_integer()


def between_wholes(x: float, y: float) -> bool:
    """Whether x / y is between two integers, and not so near to one that rounding makes it one."""
    whole = x / y if y else math.inf
    return abs(whole) < 1e6 and abs(whole - round(whole)) > 1e-3


def beside_its_jumps(x: float, y: float) -> bool:
    """Whether x / y is so, or about 0, where what it is cut to does not jump."""
    return between_wholes(x, y) or (y != 0 and abs(x / y) < 0.5)
