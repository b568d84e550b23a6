"""Special functions over FLINT power series: of gamma and the normal distribution, and sinc.

Their derivatives are read from longer series: no rule of ours takes part.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from flint import arb, arb_series, ctx

from nn_from_scratch.verify.oracles.series import (
    about,
    composed,
    divide,
    exactly,
    expanded,
    series,
    unknown,
    working,
)


def log_of_gamma(x: Any) -> Any:
    """Return log of the size of gamma, below 0 by its reciprocal, which has no poles."""
    if x[0] > 0:
        return x.lgamma()
    reciprocal = x.rgamma()
    if reciprocal[0] > 0:
        return -reciprocal.log()
    return -(-reciprocal).log() if reciprocal[0] < 0 else unknown()


def lgamma(x: Any) -> Any:
    """Return the same, of what is asked."""
    return expanded(log_of_gamma, x)


def log_of_beta(x: Any, y: Any) -> Any:
    """Return the logarithm of gamma(x) gamma(y) / gamma(x + y), of positive operands."""
    x, y = series(x), series(y)
    return lgamma(x) + lgamma(y) - lgamma(x + y)


def polygamma_series(order: int) -> Callable[[Any], Any]:
    """Return the derivative of log of gamma of an order from 1, read from its series about the point."""
    return lambda x: expanded(log_of_gamma, x, order)


def polygamma(x: arb, order: int, precision: int) -> tuple[arb, arb]:
    """Return lgamma of an exact number, or its derivative of an order, and the next one, to so many bits."""
    of_gamma = about(log_of_gamma, x, precision, order + 2)
    return math.factorial(order) * of_gamma[order], math.factorial(order + 1) * of_gamma[order + 1]


def normal_below(x: Any) -> Any:
    """Return how much of the normal distribution lies below a number."""
    return (-x / arb(2).sqrt()).erfc() / 2


def log_of_normal_below(x: Any) -> Any:
    """Return the logarithm of that, which above 0 is that of 1 less what lies above, and may be tiny."""
    found = normal_below(x)
    if not found[0] > 0:
        return unknown()
    return exactly((-normal_below(-x)[0]).log1p(), found.log()) if x[0] > 0 else found.log()


def inverse_series(function: Callable[[Any], Any], value: Callable[[arb], arb]) -> Callable[[Any], Any]:
    """Return the inverse of a function: FLINT reverts its series about the value, which is given."""

    def reverted(x: Any) -> Any:
        start = value(x[0])
        along = function(arb_series([start, 1]))
        if ctx.cap < 2 or not start.is_finite() or along[1].contains(0):
            return arb_series([start]) if ctx.cap < 2 else unknown()
        return start + arb_series([0, *(along[k] for k in range(1, ctx.cap))]).reversion()

    return lambda x: expanded(reverted, x)


def normal_quantile(p: arb) -> arb:
    """Return the number below which a part of the normal distribution lies."""
    return -arb(2).sqrt() * (2 * p).erfcinv()


def incomplete_gamma(*, upper: bool) -> Callable[[Any, Any], Any]:
    """Return how much of a gamma distribution of an order, a constant, lies below a number, or above it."""

    def function(order: Any, x: Any) -> Any:
        return expanded(_part_of_gamma(order, upper), x) if isinstance(order, float) else unknown()

    return function


@lru_cache(maxsize=256)
def _part_of_gamma(order: float, upper: bool) -> Callable[[Any], Any]:
    part = arb_series.gamma_upper if upper else arb_series.gamma_lower
    return lambda x: part(arb(order), x, 1)


def incomplete_beta(first: Any, second: Any, x: Any) -> Any:
    """Return how much of a beta distribution of two constants lies below a number."""
    if not (isinstance(first, float) and isinstance(second, float)):
        return unknown()
    return expanded(_part_of_beta(first, second), x)


@lru_cache(maxsize=256)
def _part_of_beta(first: float, second: float) -> Callable[[Any], Any]:
    return lambda x: arb_series.beta_lower(arb(first), arb(second), x, 1)


def zeta(exponent: Any, x: Any) -> Any:
    """Return the sum of 1 / (x + k)^exponent, a constant, for k from 0."""
    converges = isinstance(exponent, float) and exponent > 1
    return expanded(_zeta_of(exponent), x) if converges else unknown()


@lru_cache(maxsize=256)
def _zeta_of(exponent: float) -> Callable[[Any], Any]:
    return lambda x: _sum_of_powers(arb(exponent), x)


_ZETA_TERMS = 80
_ZETA_CORRECTIONS = 50


def _sum_of_powers(exponent: arb, x: Any) -> Any:
    """Sum by Euler and Maclaurin: 80 terms, an integral, a half, and 50 corrections.

    What is left has the sign of the next correction and is smaller, as for each function all of whose
    derivatives alternate (G. H. Hardy, "Divergent Series", 1949, 13.7), and so have its own derivatives.
    """
    if not x[0] > 0:
        return unknown()
    total, far = arb_series([0]), x + _ZETA_TERMS
    for k in range(_ZETA_TERMS):
        total += (-exponent * (x + k).log()).exp()
    power = (-exponent * far.log()).exp()
    total += power * far / (exponent - 1) + power / 2
    correction = power * exponent / far
    for k in range(1, _ZETA_CORRECTIONS + 1):
        total += arb.bernoulli(2 * k) / math.factorial(2 * k) * correction
        correction = correction * (exponent + 2 * k - 1) * (exponent + 2 * k) / (far * far)
    k = _ZETA_CORRECTIONS + 1
    following = arb.bernoulli(2 * k) / math.factorial(2 * k) * correction
    return total + arb_series([arb(0, abs(following[j]).upper()) for j in range(ctx.cap)])


def bessel_of_order(sign: int) -> Callable[[Any, Any], Any]:
    """Return Bessel's J (its sign is -1) or I (1) of a whole order, a constant."""
    kept = lru_cache(maxsize=64)(bessel_series)

    def function(order: Any, x: Any) -> Any:
        whole = isinstance(order, float) and order.is_integer() and 0 <= order <= HIGHEST_ORDER
        return kept(sign, int(order))(x) if whole else unknown()

    return function


def bessel_series(sign: int, order: int, derivative: int = 0) -> Callable[[Any], Any]:
    """Return Bessel's J (its sign is -1) or I (1) of order n, or its derivative of an order.

    That is (x / 2)^n / n! times a series in z = sign x^2 / 4, whose term k is the one before times
    z / k (k + n).
    """

    def function(x: Any) -> Any:
        if not abs(x[0]) < _BESSEL_LARGEST:
            return unknown()
        z = sign * x * x / 4
        terms = _BESSEL_TERMS + 3 * math.ceil(float(abs(x[0]).upper()))
        result = _rest(z, terms)
        for k in range(terms, 0, -1):
            result = 1 + z * result / (k * (k + order))
        for k in range(1, order + 1):
            result = x / (2 * k) * result
        return result

    return lambda x: expanded(function, x, derivative)


HIGHEST_ORDER = 100
"""Of a Bessel function whose series is taken."""
_BESSEL_TERMS = 36
_BESSEL_LARGEST = 100.0
"""Beyond it J is far less than its largest term, and its digits cost too much."""


def _rest(z: Any, terms: int) -> Any:
    """Enclose what is left of a Bessel function's series after so many terms, over the next of them.

    In z it is a power series whose coefficient k is at most r^-k, for r = terms^2. Where z is at most r / 4,
    its derivative of an order k, over k!, is at most r^-k (1 - z / r)^-(k + 1), and it differs from 1 by at
    most a third.
    """
    r = terms * terms
    slopes = [arb(0, (arb(4) / 3) ** (k + 1) / arb(r) ** k) for k in range(1, ctx.cap)]
    return composed(arb_series([arb(1, arb(1) / 3), *slopes]), 0, z)


def sinc_series(order: int) -> Callable[[Any], Any]:
    """Return sin(pi x) / (pi x), or its derivative of an order, read from its series about the point."""
    return lambda x: expanded(_sinc, x, order)


_SMALL = 2.0**-20
_SINC_TERMS = 13


def _sinc(x: Any) -> Any:
    """Return sinc, of x + t; near 0, where the quotient cancels, by its own series, with its remainder.

    The terms from k on, differentiated j times, are at most 2 pi^j (pi x)^(2k - j): each is less than half of
    the one before.
    """
    size = abs(x[0]).upper()
    if not size < _SMALL:
        return divide(x.sin_pi(), arb.pi() * x)
    square = (arb.pi() * x) * (arb.pi() * x)
    result = arb_series([0])
    for k in reversed(range(_SINC_TERMS)):
        result = result * square + arb((-1) ** k) / math.factorial(2 * k + 1)
    bounds = [2 * arb.pi() ** j * (arb.pi() * size) ** (2 * _SINC_TERMS - j) for j in range(ctx.cap)]
    return result + arb_series([arb(0, bound.upper()) for bound in bounds])


def sinc(x: arb, order: int) -> arb:
    """Return sinc of an exact number, or its derivative of an order."""
    with working(ctx.prec, 1):
        value: arb = sinc_series(order)(arb_series([x]))[0]
        return value
