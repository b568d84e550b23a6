"""FLINT power series: with which precision they are computed, and how they are made."""

from __future__ import annotations

import math
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
