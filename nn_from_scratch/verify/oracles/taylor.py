"""Truth: an expression over FLINT power series, whose coefficients are balls that contain it provably.

An input becomes the series ``x + d t``; the coefficient of ``t`` in the result is the directional
derivative, and the ball around it holds every rounding error of the computation. No derivative rule of
ours takes part: FLINT's series arithmetic is the rule. (F. Johansson, "Arb: efficient arbitrary-precision
midpoint-radius interval arithmetic", IEEE Transactions on Computers 66, 2017.)

At a kink the coefficient is the hull of both one-sided derivatives, so that any value between is right.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from flint import arb, arb_series, ctx

from nn_from_scratch.verify.questions.expressions import Arithmetic, Expression

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


def enclose(
    expression: Expression,
    point: Sequence[float],
    precision: int = PRECISION,
    directions: Iterable[Sequence[float]] | None = None,
) -> tuple[arb, list[arb]]:
    """Enclose the value and the gradient, or derivatives along directions.

    Parameters
    ----------
    expression, point
        What is asked, and where: one float an input.
    precision
        In bits.
    directions
        Each a number an input; by default each input on its own.

    Returns
    -------
    value, derivatives
        A ball, and a ball for each direction. A ball that is not finite says that the point is outside the
        domain, or on its edge.

    """
    used = expression.reachable()
    function = expression.function(SERIES, used)
    result: Any = None
    derivatives = []
    with working(precision):
        for direction in directions or _inputs(expression):
            if result is None or any(d for k, d in enumerate(direction) if k in used):
                result = function([arb_series([x, d]) for x, d in zip(point, direction, strict=True)])
                derivatives.append(result[1])
            else:
                derivatives.append(arb(0))
        value = result[0]
        if not value.is_finite():  # it may exist where a derivative on the way does not
            ctx.cap = 1
            value = series(function([arb_series([x]) for x in point]))[0]
        return value, derivatives


def enclose_second(
    expression: Expression,
    point: Sequence[float],
    tangent: Sequence[float],
    directions: Iterable[Sequence[float]] | None = None,
    precision: int = PRECISION,
) -> tuple[arb, list[arb]]:
    """Enclose the derivative along a tangent v, and its gradient, the Hessian H times v.

    The coefficient of t^2 along d is d.Hd / 2. For any w, w.Hv = ((v + w).H(v + w) - (v - w).H(v - w)) / 4.

    Parameters
    ----------
    expression, point, directions, precision
        As for `enclose`.
    tangent
        The direction v: one float an input.

    Returns
    -------
    derivative, products
        A ball for v.g, where g is the gradient, and a ball for each w.Hv.

    """
    function = expression.function(SERIES)

    def coefficients(direction: Iterable[arb]) -> Any:
        return series(function([arb_series([x, d]) for x, d in zip(point, direction, strict=True)]))

    with working(precision, 3):
        v = [arb(x) for x in tangent]
        products = []
        for w in directions or _inputs(expression):
            ahead = coefficients(a + b for a, b in zip(v, w, strict=True))
            back = coefficients(a - b for a, b in zip(v, w, strict=True))
            products.append((ahead[2] - back[2]) / 2)
        return coefficients(v)[1], products


def _inputs(expression: Expression) -> list[list[int]]:
    """Return the direction of each input on its own."""
    inputs = range(expression.inputs)
    return [[int(i == chosen) for i in inputs] for chosen in inputs]


def values(expression: Expression, point: Sequence[float]) -> list[float]:
    """Return the true value of every node, rounded to float64; NaN outside the domain."""
    with working(PRECISION, 1):  # without derivatives, which may not exist where a value does
        nodes = expression.evaluate(SERIES, [arb_series([x]) for x in point])
        return [float(series(node)[0].mid()) for node in nodes]


def series(x: Any) -> Any:
    """Return a number as a series; a constant operand is a float."""
    return arb_series([x]) if isinstance(x, float) else x


def _sigmoid(x: Any) -> Any:
    return _divide(1.0, 1 + (-x).exp())


def exactly(value: Any, approximate: Any) -> Any:
    """Take the value from FLINT's own function, where the series has to cancel and loses digits of it."""
    return arb_series([value, *(approximate[k] for k in range(1, ctx.cap))])


def _hyperbolic(x: Any) -> tuple[Any, Any]:
    """Return sinh and cosh by the addition theorem: differences of exponentials would cancel near 0."""
    sinh, cosh = x[0].sinh(), x[0].cosh()
    step = arb_series([0, *(x[k] for k in range(1, ctx.cap))])
    ahead, back = step.exp(), (-step).exp()
    even, odd = (ahead + back) / 2, (ahead - back) / 2
    return sinh * even + cosh * odd, cosh * even + sinh * odd


def _tanh(x: Any) -> Any:
    return exactly(x[0].tanh(), 1 - _divide(2.0, (2 * x).exp() + 1))


def _pow(x: Any, y: Any) -> Any:
    if isinstance(y, float) and y.is_integer():
        return x ** int(y) if y >= 0 else _divide(1.0, x ** int(-y))
    x, y = series(x), series(y)
    if x[0] == 0 and y[0] > 0:
        return _power_of_zero(x, y)
    return (x.log() * y).exp()


def _power_of_zero(x: Any, y: Any) -> Any:
    """Return x ** y at x = 0 and a positive y, where it has no logarithm: along one of the two at a time."""
    if not any(x[k] != 0 for k in range(ctx.cap)):
        return arb_series([0])  # 0 to any positive power
    exponent = float(y[0].mid())
    if y[0].is_exact() and exponent.is_integer() and not any(y[k] != 0 for k in range(1, ctx.cap)):
        return x ** int(exponent)
    return _unknown()


def _unknown() -> Any:
    """Return the series of a point outside the domain, or too near its edge to tell."""
    return arb_series([arb.nan()] * ctx.cap)


def _divide(x: Any, y: Any) -> Any:
    x, y = series(x), series(y)
    # FLINT refuses a divisor that may be 0; here that is a point outside the domain.
    return _unknown() if y[0].contains(0) else x / y


def _subtract(x: Any, y: Any) -> Any:
    # A node from itself leaves exactly nothing, which ball arithmetic cannot know.
    return arb_series([0]) if x is y else x - y


def _greater(x: Any, y: Any) -> Any:
    x, y = series(x), series(y)
    difference = _subtract(x, y)[0]
    if difference > 0:
        return x
    if difference < 0:
        return y
    return arb_series([x[k].union(y[k]) for k in range(ctx.cap)])


def _less(x: Any, y: Any) -> Any:
    return -_greater(-series(x), -series(y))


def _arctan2(y: Any, x: Any) -> Any:
    y, x = series(y), series(x)
    if x[0] > 0:
        return (y / x).atan()
    if y[0] > 0:
        return arb.pi() / 2 - (x / y).atan()
    if y[0] < 0:
        return -arb.pi() / 2 - (x / y).atan()
    return _unknown()  # on the branch cut


def _sign(x: Any) -> Any:
    if x[0] > 0:
        return arb_series([1])
    if x[0] < 0:
        return arb_series([-1])
    value = arb(0) if x[0] == 0 else arb.nan()
    return exactly(value, _unknown())  # it jumps here


def _where(c: Any, x: Any, y: Any) -> Any:
    c, x, y = series(c), series(x), series(y)
    if c[0] > 0:
        return x
    if c[0] <= 0:
        return y
    return _unknown()


def _logaddexp(x: Any, y: Any) -> Any:
    return (series(x).exp() + series(y).exp()).log()


def _log_of_gamma(x: Any) -> Any:
    """Return log of the size of gamma, below 0 by its reciprocal, which has no poles."""
    if x[0] > 0:
        return x.lgamma()
    reciprocal = x.rgamma()
    if reciprocal[0] > 0:
        return -reciprocal.log()
    return -(-reciprocal).log() if reciprocal[0] < 0 else _unknown()


def _polygamma(order: int) -> Callable[[Any], Any]:
    """Return the derivative of log of gamma of an order from 1, read from its series about the point."""

    def function(x: Any) -> Any:
        length = ctx.cap
        with working(ctx.prec, length + order):
            about = _log_of_gamma(arb_series([x[0], 1]))
        return _derivative(about, order, x)

    return function


def _derivative(about: Any, order: int, x: Any) -> Any:
    """Return the derivative of an order, at x, of the function whose series about x[0] is given."""
    length = ctx.cap
    known = [math.perm(k + order, order) * about[k + order] for k in range(length)]
    step = arb_series([0, *(x[k] for k in range(1, length))])
    result = arb_series([known[-1]])
    for coefficient in known[-2::-1]:
        result = result * step + coefficient
    return result


def polygamma(x: arb, order: int) -> arb:
    """Return lgamma of an exact number, or its derivative of an order."""
    with working(ctx.prec, 1):
        value: arb = (_polygamma(order) if order else _log_of_gamma)(arb_series([x]))[0]
        return value


def _arcsinh(x: Any) -> Any:
    size = -x if x[0] < 0 else x
    whole = (size + (1 + x * x).sqrt()).log()
    return exactly(x[0].asinh(), -whole if x[0] < 0 else whole)


def _cube_root(x: Any) -> Any:
    if x[0] == 0:
        return exactly(arb(0), _unknown())  # its slope is infinite
    return -((-x).log() / 3).exp() if x[0] < 0 else (x.log() / 3).exp()


def _sinc(order: int) -> Callable[[Any], Any]:
    """Return sin(pi x) / (pi x), or its derivative of an order, read from its series about the point."""

    def function(x: Any) -> Any:
        with working(ctx.prec, ctx.cap + order):
            about = _sinc_about(x[0])
        return _derivative(about, order, x)

    return function


_SMALL = 2.0**-20
_SINC_TERMS = 13


def _sinc_about(x: arb) -> Any:
    """Return the series about a point; near 0, where the quotient cancels, by sinc's own, with its remainder.

    The terms from k on, differentiated j times, are at most 2 pi^j (pi x)^(2k - j): each is less than half of
    the one before.
    """
    along = arb_series([x, 1])
    size = abs(x).upper()
    if not size < _SMALL:
        return _divide(along.sin_pi(), arb.pi() * along)
    square = (arb.pi() * along) * (arb.pi() * along)
    result = arb_series([0])
    for k in reversed(range(_SINC_TERMS)):
        result = result * square + arb((-1) ** k) / math.factorial(2 * k + 1)
    bounds = [2 * arb.pi() ** j * (arb.pi() * size) ** (2 * _SINC_TERMS - j) for j in range(ctx.cap)]
    return result + arb_series([arb(0, bound.upper()) for bound in bounds])


def sinc(x: arb, order: int) -> arb:
    """Return sinc of an exact number, or its derivative of an order."""
    with working(ctx.prec, 1):
        value: arb = _sinc(order)(arb_series([x]))[0]
        return value


def _method(name: str) -> Callable[[Any], Any]:
    return operator.methodcaller(name)


SERIES: Arithmetic = {
    "add": operator.add,
    "sub": _subtract,
    "mul": operator.mul,
    "div": _divide,
    "pow": _pow,
    "neg": operator.neg,
    "reciprocal": lambda x: _divide(1.0, x),
    "square": lambda x: x * x,
    "exp": _method("exp"),
    "expm1": lambda x: exactly(x[0].expm1(), x.exp()),
    "log": _method("log"),
    "log1p": lambda x: exactly(x[0].log1p(), (1 + x).log()),
    "sqrt": _method("sqrt"),
    "sin": _method("sin"),
    "cos": _method("cos"),
    "tan": _method("tan"),
    "arcsin": _method("asin"),
    "arccos": _method("acos"),
    "arctan": _method("atan"),
    "arctan2": _arctan2,
    "sinh": lambda x: _hyperbolic(x)[0],
    "cosh": lambda x: _hyperbolic(x)[1],
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "softplus": lambda x: exactly(x[0].exp().log1p(), (1 + x.exp()).log()),
    "hypot": lambda x, y: (series(x) * x + series(y) * y).sqrt(),
    "logaddexp": _logaddexp,
    "relu": lambda x: _greater(x, 0.0),
    "abs": lambda x: _greater(x, -x),
    "sign": _sign,
    "maximum": _greater,
    "minimum": _less,
    "where": _where,
    "clip": lambda x, low, high: _less(_greater(x, low), high),
    "erf": _method("erf"),
    "erfc": _method("erfc"),
    "bell": lambda x: 2 / arb.pi().sqrt() * (-x * x).exp(),
    "lgamma": _log_of_gamma,
    "digamma": _polygamma(1),
    "trigamma": _polygamma(2),
    "exp2": lambda x: (x * arb.const_log2()).exp(),
    "log2": lambda x: x.log() / arb.const_log2(),
    "log10": lambda x: x.log() / arb.const_log10(),
    "cbrt": _cube_root,
    "arcsinh": _arcsinh,
    "arccosh": lambda x: exactly(x[0].acosh(), (x + (x * x - 1).sqrt()).log()),
    "arctanh": lambda x: exactly(x[0].atanh(), ((1 + x).log() - (1 - x).log()) / 2),
    "sinc": _sinc(0),
    "sinc_slope": _sinc(1),
    "deg2rad": lambda x: x * arb.pi() / 180,
    "rad2deg": lambda x: x * 180 / arb.pi(),
    "side_off": lambda _: arb_series([0]),
    "factored": lambda *_: arb_series([0]),
    "inverted": lambda *_: arb_series([0]),
}
