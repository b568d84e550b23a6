"""Truth: an expression over FLINT power series, whose coefficients are balls that contain it provably.

An input becomes the series ``x + d t``; the coefficient of ``t`` in the result is the directional
derivative, and the ball around it holds every rounding error of the computation. No derivative rule of
ours takes part: FLINT's series arithmetic is the rule. (F. Johansson, "Arb: efficient arbitrary-precision
midpoint-radius interval arithmetic", IEEE Transactions on Computers 66, 2017.)

At a kink the coefficient is the hull of both one-sided derivatives, so that any value between is right.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from flint import arb, arb_series, ctx

from nn_from_scratch.verify.oracles import eigen_series, special_series
from nn_from_scratch.verify.oracles.series import PRECISION, divide, exactly, series, unknown, working
from nn_from_scratch.verify.questions.expressions import Arithmetic, Expression

__all__ = ["PRECISION", "SERIES", "enclose", "enclose_second", "exactly", "series", "values", "working"]


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


def _sigmoid(x: Any) -> Any:
    return divide(1.0, 1 + (-x).exp())


def _hyperbolic(x: Any) -> tuple[Any, Any]:
    """Return sinh and cosh by the addition theorem: differences of exponentials would cancel near 0."""
    sinh, cosh = x[0].sinh(), x[0].cosh()
    step = arb_series([0, *(x[k] for k in range(1, ctx.cap))])
    ahead, back = step.exp(), (-step).exp()
    even, odd = (ahead + back) / 2, (ahead - back) / 2
    return sinh * even + cosh * odd, cosh * even + sinh * odd


def _tanh(x: Any) -> Any:
    return exactly(x[0].tanh(), 1 - divide(2.0, (2 * x).exp() + 1))


def _pow(x: Any, y: Any) -> Any:
    if isinstance(y, float) and y.is_integer():
        return x ** int(y) if y >= 0 else divide(1.0, x ** int(-y))
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
    return unknown()


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
    return unknown()  # on the branch cut


def _sign(x: Any) -> Any:
    if x[0] > 0:
        return arb_series([1])
    if x[0] < 0:
        return arb_series([-1])
    value = arb(0) if x[0] == 0 else arb.nan()
    return exactly(value, unknown())  # it jumps here


def _where(c: Any, x: Any, y: Any) -> Any:
    c, x, y = series(c), series(x), series(y)
    if c[0] > 0:
        return x
    if c[0] <= 0:
        return y
    return unknown()


def _logaddexp(x: Any, y: Any) -> Any:
    return (series(x).exp() + series(y).exp()).log()


def _log1p(x: Any) -> Any:
    return exactly(x[0].log1p(), (1 + x).log())


def _softplus(x: Any) -> Any:
    return exactly(x[0].exp().log1p(), (1 + x.exp()).log())


def _floor(x: Any) -> Any:
    return unknown() if x[0].contains_integer() else arb_series([x[0].floor()])  # it jumps at integers


def _trunc(x: Any) -> Any:
    if abs(x[0]) < 1:
        return arb_series([0])
    return -_floor(-x) if x[0] < 0 else _floor(x)


def _arcsinh(x: Any) -> Any:
    size = -x if x[0] < 0 else x
    whole = (size + (1 + x * x).sqrt()).log()
    return exactly(x[0].asinh(), -whole if x[0] < 0 else whole)


def _cube_root(x: Any) -> Any:
    if x[0] == 0:
        return exactly(arb(0), unknown())  # its slope is infinite
    return -((-x).log() / 3).exp() if x[0] < 0 else (x.log() / 3).exp()


def _method(name: str) -> Callable[[Any], Any]:
    return operator.methodcaller(name)


SERIES: Arithmetic = {
    "add": operator.add,
    "sub": _subtract,
    "mul": operator.mul,
    "div": divide,
    "pow": _pow,
    "neg": operator.neg,
    "reciprocal": lambda x: divide(1.0, x),
    "square": lambda x: x * x,
    "exp": _method("exp"),
    "expm1": lambda x: exactly(x[0].expm1(), x.exp()),
    "log": _method("log"),
    "log1p": _log1p,
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
    "softplus": _softplus,
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
    "lgamma": special_series.lgamma,
    "digamma": special_series.polygamma_series(1),
    "trigamma": special_series.polygamma_series(2),
    "exp2": lambda x: (x * arb.const_log2()).exp(),
    "log2": lambda x: x.log() / arb.const_log2(),
    "log10": lambda x: x.log() / arb.const_log10(),
    "cbrt": _cube_root,
    "arcsinh": _arcsinh,
    "arccosh": lambda x: exactly(x[0].acosh(), (x + (x * x - 1).sqrt()).log()),
    "arctanh": lambda x: exactly(x[0].atanh(), ((1 + x).log() - (1 - x).log()) / 2),
    "sinc": special_series.sinc_series(0),
    "sinc_slope": special_series.sinc_series(1),
    "deg2rad": lambda x: x * arb.pi() / 180,
    "rad2deg": lambda x: x * 180 / arb.pi(),
    "logaddexp2": lambda x, y: _logaddexp(x * arb.const_log2(), y * arb.const_log2()) / arb.const_log2(),
    "remainder": lambda x, y: series(x) - y * _floor(divide(x, y)),
    "fmod": lambda x, y: series(x) - y * _trunc(divide(x, y)),
    "floor": _floor,
    "trunc": _trunc,
    "expit": _sigmoid,
    "log_expit": lambda x: -_softplus(-x),
    "logit": lambda x: divide(x, 1 - x).log(),
    "xlogy": lambda x, y: x * series(y).log(),
    "xlog1py": lambda x, y: x * _log1p(series(y)),
    "entr": lambda x: -x * x.log(),
    "ndtr": special_series.normal_below,
    "log_ndtr": special_series.log_of_normal_below,
    "erfinv": special_series.inverse_series(_method("erf"), arb.erfinv),
    "erfcinv": special_series.inverse_series(_method("erfc"), arb.erfcinv),
    "ndtri": special_series.inverse_series(special_series.normal_below, special_series.normal_quantile),
    "erfcx": lambda x: (x * x).exp() * x.erfc(),
    "j0": special_series.bessel_series(-1, 0),
    "j1": special_series.bessel_series(-1, 1),
    "j1_slope": special_series.bessel_series(-1, 1, 1),
    "i0": special_series.bessel_series(1, 0),
    "i1": special_series.bessel_series(1, 1),
    "i1_slope": special_series.bessel_series(1, 1, 1),
    "jv": special_series.bessel_of_order(-1),
    "iv": special_series.bessel_of_order(1),
    "zeta": special_series.zeta,
    "betainc": special_series.incomplete_beta,
    "gammainc": special_series.incomplete_gamma(upper=False),
    "gammaincc": special_series.incomplete_gamma(upper=True),
    "gamma": lambda x: divide(1.0, x.rgamma()),
    "beta": lambda x, y: special_series.log_of_beta(x, y).exp(),
    "betaln": special_series.log_of_beta,
    "rel_entr": lambda x, y: x * divide(x, y).log(),
    "side_off": lambda _: arb_series([0]),
    "factored": lambda *_: arb_series([0]),
    "mixed": lambda *_: arb_series([0]),
    "mixed_slope": lambda *_: arb_series([0]),
    "inverted": lambda *_: arb_series([0]),
    "inverted_slope": lambda *_: arb_series([0]),
    "eigenvalue": eigen_series.eigenvalue,
    "eigenvector": eigen_series.eigenvector,
}
