"""What operations mean entry by entry, over balls and over series.

The derivative of an operation is never written down: it is the second coefficient of FLINT's series. Where
the value of a series cancels, it is taken from FLINT's function of balls.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from flint import acb, acb_series, arb, arb_series, fmpq

from nn_from_scratch.verify.functions.tracing.shadows import slope, value
from nn_from_scratch.verify.oracles.taylor import PRECISION, SERIES, working

Entry = Callable[..., Any]


def _unknown() -> arb_series:
    return arb_series([arb.nan(), arb.nan()], 2)


def _method(name: str) -> Entry:
    """Return a method that balls and series have; outside its domain a series is not finite, as a ball is."""

    def apply(x: Any) -> Any:
        if not isinstance(x, arb_series):
            return getattr(x, name)()
        if not (x[0].is_finite() and x[1].is_finite()):
            return arb_series([getattr(x[0], name)(), arb.nan()], 2)
        try:
            result = getattr(x, name)()
        except (ValueError, ZeroDivisionError):
            return _unknown()
        return _completed(result, getattr(x[0], name))

    return apply


def _completed(result: arb_series, at_value: Callable[[], arb]) -> arb_series:
    """Take the value from balls where the series has none: a square root has one at 0, and no derivative."""
    return result if result[0].is_finite() else arb_series([at_value(), arb.nan()], 2)


def _both(of_ball: Entry, of_series: Entry) -> Entry:
    """Return an operation by its ball, and by the derivative of its series."""

    def apply(x: Any) -> Any:
        if not isinstance(x, arb_series):
            return of_ball(x)
        return arb_series([of_ball(x[0]), of_series(x)[1]], 2)

    return apply


def _inverse(of_ball: Entry, forward: Entry) -> Entry:
    """Return the inverse of an operation: its derivative is one over that of the operation's series."""

    def apply(x: Any) -> Any:
        y = of_ball(value(x))
        if not isinstance(x, arb_series):
            return y
        return arb_series([y, x[1] / forward(arb_series([y, 1], 2))[1]], 2)

    return apply


def divide(x: Any, y: Any) -> Any:
    """Divide; by what may be 0 the result is not finite."""
    if isinstance(y, arb_series):
        return SERIES["div"](x if isinstance(x, arb_series) else arb_series([x], 2), y)
    if isinstance(x, arb_series):
        return arb_series([x[0] / y, x[1] / y], 2)
    return x / y


def _multiply(x: Any, y: Any) -> Any:
    if isinstance(x, arb_series) and isinstance(y, arb_series):
        return arb_series([x[0] * y[0], x[0] * y[1] + x[1] * y[0]], 2)
    if isinstance(x, arb_series):
        return arb_series([x[0] * y, x[1] * y], 2)
    return arb_series([x * y[0], x * y[1]], 2) if isinstance(y, arb_series) else x * y


def _integer(exponent: Any) -> int | None:
    """Return an exponent that is exactly an integer as one."""
    if isinstance(exponent, arb) and exponent.is_exact() and exponent.is_integer():
        whole: Any = exponent.unique_fmpz()
        return int(whole)
    return None


def power(x: Any, y: Any) -> Any:
    """Raise to a power: an integer by products, half an integer by the root, any other by the logarithm."""
    whole = _integer(y)
    if whole is not None and abs(whole) <= 1024:
        return _whole_power(x, whole)
    doubled = _integer(2 * y) if isinstance(y, arb) else None
    if doubled is not None and abs(doubled) <= 1024:
        return _whole_power(_method("sqrt")(x), doubled)
    if value(x) == 0 and value(y) > 0:
        return arb(0) if not isinstance(x, arb_series) else arb_series([0, _slope_at_zero(y)], 2)
    return _method("exp")(_multiply(y, _method("log")(x)))


def _slope_at_zero(y: Any) -> arb:
    """Return the derivative of x ** y at x = 0 for a fixed y > 1; otherwise it is not known."""
    return arb(0) if isinstance(y, arb) and y > 1 else arb.nan()


def _whole_power(x: Any, exponent: int) -> Any:
    if exponent < 0:
        return divide(arb(1), _whole_power(x, -exponent))
    result: Any = arb(1)
    square = x
    while exponent:
        if exponent & 1:
            result = _multiply(result, square)
        exponent >>= 1
        if exponent:
            square = _multiply(square, square)
    return result


_sigmoid = _both(lambda x: 1 / (1 + (-x).exp()), SERIES["sigmoid"])


def _digamma_slope(x: Any) -> Any:
    """Return digamma of a series by -(1/gamma)' / (1/gamma), whose series FLINT has."""
    with working(PRECISION, 3):
        reciprocal = arb_series([value(x), 1], 3).rgamma()
    ratio = divide(
        arb_series([-reciprocal[1], -2 * reciprocal[2]], 2), arb_series([reciprocal[0], reciprocal[1]], 2)
    )
    return arb_series([ratio[0], ratio[1] * slope(x)], 2)


def _exponential(x: Any) -> Any:
    """Return exp; at minus infinity, where masks put what has no weight, value and derivative are 0."""
    if isinstance(x, arb_series) and x[0] == arb.neg_inf() and x[1].is_finite():
        return arb_series([0, 0], 2)
    return _method("exp")(x)


def _hypot(x: Any, y: Any) -> Any:
    return _method("sqrt")(_multiply(x, x) + _multiply(y, y))


def _logaddexp(x: Any, y: Any) -> Any:
    for one, other in ((x, y), (y, x)):
        if value(one) == arb.neg_inf():
            return other
    larger = value(x) if value(x).mid() > value(y).mid() else value(y)
    pivot = larger.mid()
    found = pivot + _method("log")(_method("exp")(x - pivot) + _method("exp")(y - pivot))
    if value(found).is_finite() or not (value(x).is_finite() and value(y).is_finite()):
        return found
    # Balls of numbers as large as masks have are too wide for exp: the result is up to log 2 above the larger
    # one, and its derivative is between theirs.
    bound = value(x).union(value(y)) + arb(0.35, 0.35)
    if not isinstance(found, arb_series):
        return bound
    return arb_series([bound, slope(x).union(slope(y))], 2)


def _arctan2(y: Any, x: Any) -> Any:
    result = SERIES["arctan2"](_as_series(y), _as_series(x))
    return result if isinstance(x, arb_series) or isinstance(y, arb_series) else arb.atan2(y, x)


def _as_series(x: Any) -> arb_series:
    return x if isinstance(x, arb_series) else arb_series([x], 2)


def _log_of_base(base: int) -> Entry:
    return lambda x: divide(_method("log")(x), arb(base).log())


def _cancelling(name: str) -> Entry:
    """Return an operation of which the series cancels: its value is FLINT's function of the ball."""
    return _both(_method(name), SERIES[name])


def _gelu(x: Any) -> Any:
    return _multiply(x, 1 + _method("erf")(divide(x, arb(2).sqrt()))) / 2


def _tanh_gelu(x: Any) -> Any:
    """Return the gelu that is written with tanh."""
    cube = _multiply(x, _multiply(x, x))
    inside = _multiply((2 / arb.pi()).sqrt(), x + _multiply(arb(fmpq(44715, 1000000)), cube))
    return _multiply(x, 1 + _cancelling("tanh")(inside)) / 2


def _hypergeometric(order: int, sign: int) -> Entry:
    """Return the Bessel function I (sign 1) or J (sign -1) of order 0 or 1, by its hypergeometric series."""

    def apply(x: Any) -> Any:
        if not isinstance(x, arb_series):
            return x.bessel_i(order) if sign > 0 else x.bessel_j(order)
        argument = acb_series(_multiply(x, x)) * acb(sign) / acb(4)
        found = acb_series.hypgeom([], [acb_series([order + 1])], argument)
        series = arb_series([found[0].real, found[1].real], 2)
        return series if order == 0 else _multiply(series, x) / 2

    return apply


def _damped(entry: Entry) -> Entry:
    """Return a function times exp(-abs(x))."""
    return lambda x: _multiply(_exponential(-x if value(x).mid() > 0 else x), entry(x))


def _polygamma(x: Any, order: Any) -> Any:
    """Return a derivative of digamma, which is a coefficient of the series of the logarithm of gamma."""
    known: Any = value(order).unique_fmpz()
    if known is None or known < 0:
        return arb.nan()
    whole = int(known)
    with working(PRECISION, whole + 3):
        logarithm = arb_series([value(x), 1], whole + 3).lgamma()
    found = logarithm[whole + 1] * math.factorial(whole + 1)
    if not isinstance(x, arb_series):
        return found
    return arb_series([found, logarithm[whole + 2] * math.factorial(whole + 2) * x[1]], 2)


def _error_function_scaled(x: Any) -> Any:
    return _multiply(_method("exp")(_multiply(x, x)), _method("erfc")(x))


def _normal_distribution(x: Any) -> Any:
    return _method("erfc")(divide(-x, arb(2).sqrt())) / 2


ENTRIES: Mapping[str, Entry] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": _multiply,
    "divide": divide,
    "power": power,
    "negative": operator.neg,
    "positive": operator.pos,
    "reciprocal": lambda x: divide(arb(1), x),
    "square": lambda x: _multiply(x, x),
    "sqrt": _method("sqrt"),
    "rsqrt": _method("rsqrt"),
    "cbrt": _inverse(lambda x: -((-x).root(3)) if x < 0 else x.root(3), lambda x: x * x * x),
    "exp": _exponential,
    "exp2": lambda x: _method("exp")(x * arb(2).log()),
    "expm1": _cancelling("expm1"),
    "log": _method("log"),
    "log2": _log_of_base(2),
    "log10": _log_of_base(10),
    "log1p": _cancelling("log1p"),
    "sin": _method("sin"),
    "cos": _method("cos"),
    "tan": _method("tan"),
    "arcsin": _method("asin"),
    "arccos": _method("acos"),
    "arctan": _method("atan"),
    "arctan2": _arctan2,
    "sinh": _cancelling("sinh"),
    "cosh": _cancelling("cosh"),
    "tanh": _cancelling("tanh"),
    "arcsinh": _inverse(lambda x: x.asinh(), SERIES["sinh"]),
    "arccosh": _inverse(lambda x: x.acosh(), SERIES["cosh"]),
    "arctanh": _inverse(lambda x: x.atanh(), SERIES["tanh"]),
    "sigmoid": _sigmoid,
    "softplus": _both(lambda x: x.exp().log1p(), SERIES["softplus"]),
    "silu": lambda x: _multiply(x, _sigmoid(x)),
    "gelu": _gelu,
    "gelu by tanh": _tanh_gelu,
    "sinc": lambda x: SERIES["sinc"](x) if isinstance(x, arb_series) else SERIES["sinc"](_as_series(x))[0],
    "hypot": _hypot,
    "logaddexp": _logaddexp,
    "erf": _method("erf"),
    "erfc": _method("erfc"),
    "erfinv": _inverse(lambda x: x.erfinv(), _method("erf")),
    "lgamma": _method("lgamma"),
    "gamma": _method("gamma"),
    "digamma": _both(lambda x: x.digamma(), _digamma_slope),
    "polygamma": _polygamma,
    "erfcx": _error_function_scaled,
    "ndtr": _normal_distribution,
    "log_ndtr": lambda x: _method("log")(_normal_distribution(x)),
    "ndtri": _inverse(lambda p: arb(2).sqrt() * (2 * p - 1).erfinv(), _normal_distribution),
    "i0": _hypergeometric(0, 1),
    "i1": _hypergeometric(1, 1),
    "i0e": _damped(_hypergeometric(0, 1)),
    "i1e": _damped(_hypergeometric(1, 1)),
    "j0": _hypergeometric(0, -1),
    "j1": _hypergeometric(1, -1),
}
"""An operation on entries by its name, which is numpy's; each takes and gives balls and series."""
