"""The derived tolerance: how far rounding alone may move a result of this expression at this point.

Reverse mode runs over numbers that count every rounding (`rounded_numbers`), at the unit roundoff of the
*engine's* format. The midpoints are never used: this pass has derivative rules of its own, and truth comes
from `oracles.taylor`, which has none.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from flint import arb

from nn_from_scratch.verify.judging.comparisons import COMPARING, in_reach
from nn_from_scratch.verify.judging.rounded_functions import RoundedFunctions
from nn_from_scratch.verify.judging.rounded_numbers import MARGIN, Rounded, StandardModel
from nn_from_scratch.verify.judging.usual_derivatives import PARTIALS, sum_of_squares
from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.questions.expressions import Expression
from nn_from_scratch.verify.questions.formats import Format


@dataclass(frozen=True, slots=True)
class Rounding:
    """What rounding alone may do to a value and to each of its derivatives; all numbers are absolute.

    Attributes
    ----------
    value, derivatives
        The radii: how far rounding may move each.
    value_scale, derivative_scales
        At least the largest term that was summed on the way to each.
    values
        Returns what engines meet on the way to every node's value, those included that the output does not
        depend on; constants are floats.
    adjoints
        What they meet on the way back.
    kinks
        Whether a comparison was met that rounding may take for a tie.
    tangents
        Returns bounds of the derivatives that forward mode meets.

    """

    value: float
    derivatives: tuple[float, ...]
    value_scale: float
    derivative_scales: tuple[float, ...]
    values: Callable[[], list[Rounded | float]]
    adjoints: tuple[Rounded | float, ...]
    kinks: bool
    tangents: Callable[[], Iterator[float]]

    def in_range(self, working_format: Format) -> bool:
        """Whether nothing on the way overflows or underflows, in any order: the radii hold only then."""
        largest = 2.0**working_format.largest_exponent
        met = [*self.values(), *self.adjoints]
        computed = [one for one in met if isinstance(one, Rounded)]
        constants = (working_format.holds(arb(one)) for one in met if not isinstance(one, Rounded))
        return (
            all(constants)
            and all(working_format.holds(one.ball) and one.size <= largest for one in computed)
            and all(bound <= largest for bound in self.tangents())
        )


def derive_rounding(
    expression: Expression,
    point: Sequence[float],
    working_format: Format,
    directions: Sequence[Sequence[float]] | None = None,
) -> Rounding:
    """Derive the radii of the value and of each gradient entry, or of derivatives along directions.

    Parameters
    ----------
    expression, point
        What is asked, and where.
    working_format
        The format in which the engine computes.
    directions
        As for `taylor.enclose`; the radius is that of the sum of the gradient's entries, each computed on
        its own, times the direction.

    Returns
    -------
    Rounding
        A radius is infinite where the point cannot be told from one outside the domain.

    """
    functions = rounded_functions(working_format)
    model, kinks = functions.model, False
    inputs, first = expression.inputs, expression.first_step
    with taylor.working(taylor.PRECISION):
        values = rounded_values(expression, point, working_format, expression.reachable())
        adjoints: list[Rounded | None] = [None] * len(expression)
        adjoints[expression.output] = model.number(1.0)
        met: list[Rounded | float] = []
        for index in range(len(expression) - 1, first - 1, -1):
            adjoint = adjoints[index]
            if adjoint is None:  # the output does not depend on it
                continue
            step = expression.steps[index - first]
            operands = [values[k] for k in step.operands]
            if step.operation in COMPARING:
                kinks = kinks or in_reach(step.operation, operands, MARGIN)
            partials = PARTIALS[step.operation](functions, values[index], *operands)
            for operand, slope in zip(step.operands, partials, strict=True):
                if inputs <= operand < first:  # a constant
                    continue
                contribution = adjoint.path(slope)
                present = adjoints[operand]
                adjoints[operand] = contribution if present is None else present + contribution
                met += (slope, contribution)
        # A processor may take a subnormal input for 0.
        met += [values[k] for k in range(inputs) if adjoints[k] is not None]
    gradient = [adjoint or model.number(0.0) for adjoint in adjoints[:inputs]]
    reverse, scales = [_radius(one.ball) for one in gradient], [one.scale for one in gradient]
    if directions is not None:
        sizes = [
            radius + working_format.unit_roundoff * abs(float(one.ball))
            for radius, one in zip(reverse, gradient, strict=True)
        ]
        reverse = [_along(direction, sizes) for direction in directions]
        scales = [_along(direction, scales) for direction in directions]
    output = model.number(values[expression.output])
    return Rounding(
        value=_radius(output.ball),
        derivatives=tuple(reverse),
        value_scale=output.scale,
        derivative_scales=tuple(scales),
        values=partial(_met, expression, point, working_format),
        adjoints=tuple(met),
        kinks=kinks,
        tangents=partial(_tangents, expression, functions, values),
    )


def _tangents(
    expression: Expression, functions: RoundedFunctions, values: Sequence[Rounded | float]
) -> Iterator[float]:
    """Yield a bound of the derivatives by any input, of each node that the output depends on.

    Where a branch was not taken, reverse mode multiplies the 0 that arrives there by one slope after the
    other; forward mode multiplies the slopes first, which may overflow.
    """
    needed, first = expression.reachable(), expression.first_step
    bounds = dict.fromkeys(needed & set(range(expression.inputs)), 1.0)
    with taylor.working(taylor.PRECISION):
        for index, step in enumerate(expression.steps, first):
            if index in needed:
                operands = [values[k] for k in step.operands]
                partials = PARTIALS[step.operation](functions, values[index], *operands)
                bounds[index] = sum(
                    bounds[k] * float(functions.model.number(slope).ball.abs_upper())
                    for k, slope in zip(step.operands, partials, strict=True)
                    if k in bounds
                )
                yield bounds[index]


def rounded_values(
    expression: Expression,
    point: Sequence[float],
    working_format: Format,
    needed: Container[int] | None = None,
) -> list[Any]:
    """Return nodes' values as engines of a format may compute them; constants stay floats.

    `Rounded.sign` of a difference of two says whether such an engine can tell it from 0. To be called within
    `taylor.working`.

    Parameters
    ----------
    expression, point, working_format
        As for `derive_rounding`.
    needed
        Of which steps a value is asked, by default of all; the place of another is taken by the step.

    """
    functions = rounded_functions(working_format)
    values: list[Any] = [*map(functions.model.number, point), *expression.constants, *expression.steps]
    for index, step in enumerate(expression.steps, expression.first_step):
        if needed is None or index in needed:
            values[index] = _VALUES[step.operation](functions, *[values[k] for k in step.operands])
    return values


def _met(expression: Expression, point: Sequence[float], working_format: Format) -> list[Rounded | float]:
    """Return the values of all steps, and what the usual formulas pass through."""
    functions, first = rounded_functions(working_format), expression.first_step
    with taylor.working(taylor.PRECISION):
        values = rounded_values(expression, point, working_format)
        on_the_way = [
            _ON_THE_WAY[step.operation](functions, *[values[k] for k in step.operands])
            for step in expression.steps
            if step.operation in _ON_THE_WAY
        ]
        on_the_way += _parts_of_products(expression, values, functions.model)
    return [*values[first:], *on_the_way]


def _parts_of_products(
    expression: Expression, values: Sequence[Rounded | float], model: StandardModel
) -> list[Rounded]:
    """Return how large, and how small, a part of each product may be, in whatever order it is multiplied.

    0 * 1e200 * 1e200 is 0 from the left, and NaN from the right.
    """
    found: list[Rounded] = []
    parts: dict[int, tuple[arb, arb]] = {}
    for index, step in enumerate(expression.steps, expression.first_step):
        if step.operation == "mul":
            (large, small), (larger, smaller) = (
                parts.get(k) or _beside_one(values[k]) for k in step.operands
            )
            parts[index] = large * larger, small * smaller
            found += [model.term(ball, 0.0) for ball in parts[index]]
    return found


def _beside_one(factor: Rounded | float) -> tuple[arb, arb]:
    """Return by how much a factor makes a product larger, and smaller; a 0 leaves it out."""
    size = abs(factor.ball if isinstance(factor, Rounded) else arb(factor))
    one = arb(1)
    return (one, one) if size.contains(0) else (size.max(one), size.min(one))


def rounding_of_value(
    expression: Expression, point: Sequence[float], working_format: Format
) -> tuple[float, float]:
    """Return `Rounding.value` and `Rounding.value_scale` alone, where no derivative is asked."""
    with taylor.working(taylor.PRECISION):
        values = rounded_values(expression, point, working_format)
        output = rounded_functions(working_format).model.number(values[expression.output])
        return _radius(output.ball), output.scale


@cache
def rounded_functions(working_format: Format) -> RoundedFunctions:
    """Return the functions of the usual formulas, as engines of a format round."""
    return RoundedFunctions(StandardModel(working_format.unit_roundoff))


def _along(direction: Sequence[float], sizes: Sequence[float]) -> float:
    return sum(abs(d) * size for d, size in zip(direction, sizes, strict=True) if d)


def _radius(ball: arb) -> float:
    return float(ball.rad()) if ball.is_finite() else float("inf")


def _function(name: str) -> Callable[[RoundedFunctions, Rounded], Rounded]:
    return lambda f, x: x.function(name)


_VALUES: Mapping[str, Callable[..., Rounded]] = {
    "add": lambda f, x, y: x + y,
    "sub": lambda f, x, y: x - y,
    "mul": lambda f, x, y: x * y,
    "div": lambda f, x, y: x / y,
    "pow": lambda f, x, y: x**y,
    "neg": lambda f, x: -x,
    "reciprocal": lambda f, x: 1 / x,
    "square": lambda f, x: x * x,
    "exp": _function("exp"),
    "expm1": _function("expm1"),
    "log": _function("log"),
    "log1p": _function("log1p"),
    "sqrt": _function("sqrt"),
    "sin": _function("sin"),
    "cos": _function("cos"),
    "tan": _function("tan"),
    "arcsin": _function("asin"),
    "arccos": _function("acos"),
    "arctan": _function("atan"),
    "arctan2": RoundedFunctions.arctan2,
    "sinh": _function("sinh"),
    "cosh": _function("cosh"),
    "tanh": _function("tanh"),
    "sigmoid": RoundedFunctions.sigmoid,
    "softplus": RoundedFunctions.softplus,
    "hypot": lambda f, x, y: f.sqrt(sum_of_squares(f, x, y)),
    "logaddexp": lambda f, x, y: f.log(f.sum(f.exp(x), f.exp(y))),
    "relu": lambda f, x: f.larger(x, 0.0),
    "abs": lambda f, x: abs(x),
    "sign": RoundedFunctions.signum,
    "maximum": RoundedFunctions.larger,
    "minimum": RoundedFunctions.smaller,
    "where": RoundedFunctions.where,
    "clip": lambda f, x, low, high: f.smaller(f.larger(x, low), high),
    "erf": _function("erf"),
    "erfc": RoundedFunctions.erfc,
    "bell": RoundedFunctions.bell,
    "lgamma": RoundedFunctions.lgamma,
    "digamma": RoundedFunctions.digamma,
    "trigamma": RoundedFunctions.trigamma,
    "exp2": RoundedFunctions.exp2,
    "log2": RoundedFunctions.log2,
    "log10": lambda f, x: x.of_scale(x.ball.log() / arb.const_log10() * f.model.function),
    "cbrt": RoundedFunctions.cube_root,
    "arcsinh": _function("asinh"),
    "arccosh": _function("acosh"),
    "arctanh": _function("atanh"),
    "sinc": RoundedFunctions.sinc,
    "sinc_slope": RoundedFunctions.sinc_slope,
    "deg2rad": RoundedFunctions.deg2rad,
    "rad2deg": RoundedFunctions.rad2deg,
    "logaddexp2": lambda f, x, y: f.log2(f.sum(f.exp2(x), f.exp2(y))),
    "remainder": lambda f, x, y: f.difference(x, f.product(y, f.floor(f.quotient(x, y)))),
    "fmod": lambda f, x, y: f.difference(x, f.product(y, f.trunc(f.quotient(x, y)))),
    "floor": RoundedFunctions.floor,
    "trunc": RoundedFunctions.trunc,
    "expit": RoundedFunctions.sigmoid,
    "log_expit": lambda f, x: -f.softplus(-x),
    "logit": lambda f, x: f.log(x / (1 - x)),
    "xlogy": lambda f, x, y: f.product(x, f.log(y)),
    "xlog1py": lambda f, x, y: f.product(x, f.log1p(y)),
    "entr": lambda f, x: -(x * f.log(x)),
    "ndtr": RoundedFunctions.normal_below,
    "log_ndtr": RoundedFunctions.log_of_normal_below,
    "erfinv": RoundedFunctions.erfinv,
    "erfcinv": RoundedFunctions.erfcinv,
    "ndtri": RoundedFunctions.normal_quantile,
    "erfcx": RoundedFunctions.erfcx,
    "j0": RoundedFunctions.j0,
    "j1": RoundedFunctions.j1,
    "j1_slope": RoundedFunctions.j1_slope,
    "i0": RoundedFunctions.i0,
    "i1": RoundedFunctions.i1,
    "i1_slope": RoundedFunctions.i1_slope,
    "jv": RoundedFunctions.jv,
    "iv": RoundedFunctions.iv,
    "zeta": RoundedFunctions.zeta,
    "betainc": RoundedFunctions.betainc,
    "gammainc": RoundedFunctions.gammainc,
    "gammaincc": RoundedFunctions.gammaincc,
    "gamma": RoundedFunctions.gamma,
    "beta": lambda f, x, y: f.exp(f.log_of_beta(x, y)),
    "betaln": RoundedFunctions.log_of_beta,
    "rel_entr": RoundedFunctions.relative_entropy,
    "side_off": RoundedFunctions.side_off,
    "factored": RoundedFunctions.factored,
    "mixed": RoundedFunctions.mixed,
    "mixed_slope": RoundedFunctions.mixed_slope,
    "inverted": RoundedFunctions.inverted,
    "inverted_slope": RoundedFunctions.inverted_slope,
    "eigenvalue": RoundedFunctions.eigenvalue,
    "eigenvector": RoundedFunctions.eigenvector,
}
"""By operation, its value over rounded numbers."""


def _power_less_one(f: RoundedFunctions, x: Any, y: Any) -> Any:
    if isinstance(x, float) or y == 0:
        return 0.0
    return x ** (y - 1.0 if isinstance(y, float) else f.sum(y, -1.0))


# What the usual formulas pass through: it may overflow or underflow where their result does neither. Other
# formulas (the square in that of reciprocal) stay in range as long as the result does.
_ON_THE_WAY: Mapping[str, Callable[..., Any]] = {
    "div": lambda f, x, y: f.product(y, y),
    "pow": _power_less_one,
    "arctan2": sum_of_squares,
    **dict.fromkeys(("arcsinh", "arccosh"), lambda f, x: f.product(x, x)),
    "hypot": sum_of_squares,
}
