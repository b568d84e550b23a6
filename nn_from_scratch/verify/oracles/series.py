"""FLINT power series: with which precision they are computed, and how they are made."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from flint import arb, arb_series, ctx

PRECISION = 256
"""Bits of the midpoints."""


class working:  # noqa: N801  read as a function; a generator would take twice as long, eight times a graph
    """Let FLINT compute with `precision` bits and series of `length` coefficients inside the block."""

    __slots__ = ("_before", "_inside")

    def __init__(self, precision: int, length: int = 2) -> None:
        self._inside = precision, length
        self._before = self._inside

    def __enter__(self) -> None:
        self._before = ctx.prec, ctx.cap
        ctx.prec, ctx.cap = self._inside

    def __exit__(self, *_: object) -> None:
        ctx.prec, ctx.cap = self._before


def series(x: Any) -> Any:
    """Return a number as a series; a constant operand is a float."""
    return arb_series([x]) if isinstance(x, float) else x


def exactly(value: Any, approximate: Any) -> Any:
    """Take the value from FLINT's own function, where the series has to cancel and loses digits of it."""
    return arb_series([value, *(approximate[k] for k in range(1, ctx.cap))])


def unknown() -> Any:
    """Return the series of a point outside the domain, or too near its edge to tell."""
    return arb_series([arb.nan()] * ctx.cap)


def divide(x: Any, y: Any) -> Any:
    """Return the quotient, unknown where the divisor may be 0."""
    x, y = series(x), series(y)
    # FLINT refuses a divisor that may be 0; here that is a point outside the domain.
    return unknown() if y[0].contains(0) else x / y


def composed(about: Any, order: int, x: Any) -> Any:
    """Return the derivative of an order, at x, of the function whose series about x[0] is given."""
    length = ctx.cap
    known = [math.perm(k + order, order) * about[k + order] for k in range(length)]
    step = arb_series([0, *(x[k] for k in range(1, length))])
    result = arb_series([known[-1]])
    for coefficient in known[-2::-1]:
        result = result * step + coefficient
    return result


def expanded(function: Callable[[Any], Any], x: Any, order: int = 0) -> Any:
    """Return a function, or its derivative of an order, at x, by its series about x[0].

    What is asked in many roles is asked at the same numbers: a series about an exact one is kept.
    """
    return composed(about(function, x[0], ctx.prec, ctx.cap + order), order, x)


def about(function: Callable[[Any], Any], x: arb, precision: int, length: int) -> Any:
    """Return the series of a function about a number, to so many bits, and of so many coefficients.

    About what is no finite number, as behind a divisor that may be 0, it is unknown.
    """
    if not x.is_finite():
        with working(precision, length):
            return unknown()
    if x.is_exact():
        return _about_an_exact_one(function, *x.man_exp(), precision, length)
    with working(precision, length):
        return function(arb_series([x, 1]))


@lru_cache(maxsize=4096)
def _about_an_exact_one(
    function: Callable[[Any], Any], mantissa: int, exponent: int, precision: int, length: int
) -> Any:
    with working(precision, length):
        return function(arb_series([arb((mantissa, exponent)), 1]))
