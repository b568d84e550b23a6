"""The derived tolerance: how far rounding alone may move a result of this expression at this point.

Reverse mode runs over FLINT balls at the *engine's* working precision. Each step rounds as the engine
does, and the ball's radius accumulates what that may change. The midpoints are never used: this pass has
derivative rules of its own, and truth comes from `oracles.taylor`, which has none.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flint import arb

from nn_from_scratch.verify.judging.usual_derivatives import PARTIALS, sum_of_squares
from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.questions.expressions import Arithmetic, Expression
from nn_from_scratch.verify.questions.formats import Format

MARGIN = 4
"""Radii that an error may reach. Correct engines were measured to stay below 1.3."""


@dataclass(frozen=True, slots=True)
class Rounding:
    """What rounding alone may do: the radii of balls, absolute, and the balls met on the way."""

    value: float
    derivatives: tuple[float, ...]
    balls: tuple[arb, ...]

    def in_range(self, working_format: Format) -> bool:
        """Whether no intermediate value or adjoint overflows or underflows: the radii hold only then."""
        return all(map(working_format.holds, self.balls))


def derive_rounding(
    expression: Expression,
    point: Sequence[float],
    truth: Sequence[arb],
    working_format: Format,
    directions: Sequence[Sequence[float]] | None = None,
    *,
    any_order: bool = False,
) -> Rounding:
    """Derive the radii of the value and of each gradient entry, or of derivatives along directions.

    Parameters
    ----------
    expression, point
        What is asked, and where.
    truth
        The enclosures of the derivatives, from `taylor.enclose`.
    working_format
        The format in which the engine computes.
    directions
        As for `taylor.enclose`; the radius is that of the sum of the gradient's entries, each computed on
        its own, times the direction.
    any_order
        Whether sums may be added up in another order than the expression's, as array engines do: then a sum
        is off by a rounding of its largest terms, however much of them cancels.

    Returns
    -------
    Rounding
        A radius is infinite where the point cannot be told from one outside the domain.

    """
    with taylor.working(working_format.precision):
        add = _adder(working_format.unit_roundoff) if any_order else operator.add
        values = expression.evaluate({**_VALUES, "add": add}, [arb(x) for x in point])
        adjoints = [arb(0)] * len(expression)
        adjoints[expression.output] = arb(1)
        inputs, first = expression.inputs, expression.first_step
        met: list[arb] = list(values[first:])
        reached = {expression.output}
        for index in range(len(expression) - 1, first - 1, -1):
            step = expression.steps[index - first]
            operands = [values[k] for k in step.operands]
            if step.operation in _ON_THE_WAY:
                met.append(_ON_THE_WAY[step.operation](*operands))
            if index not in reached:
                continue
            partials = PARTIALS[step.operation](_BALLS, values[index], *operands)
            reached.update(step.operands)
            for operand, slope in zip(step.operands, partials, strict=True):
                if not inputs <= operand < first:  # a constant
                    contribution = adjoints[index] * slope
                    adjoints[operand] = add(adjoints[operand], contribution)
                    met += (arb(slope), contribution)
        met += (values[k] for k in reached if k < inputs)  # processors may take a subnormal input for 0
    # Where the usual rule cancels (1 - y * y of tanh), one mode may be much wider than the other. At a kink
    # forward mode gives the hull of both one-sided derivatives: that width is the truth's, not rounding's.
    value, forward = taylor.enclose(expression, point, working_format.precision, directions)
    reverse = [_radius(adjoint) for adjoint in adjoints[: expression.inputs]]
    if directions is not None:
        sizes = [_radius(adjoint) + working_format.unit_roundoff * _size(adjoint) for adjoint in adjoints]
        reverse = [
            sum(abs(d) * size for d, size in zip(direction, sizes, strict=False)) for direction in directions
        ]
    return Rounding(
        value=max(_radius(values[expression.output]), _radius(value)),
        derivatives=tuple(
            max(radius, _radius(ball) - _radius(true))
            for radius, ball, true in zip(reverse, forward, truth, strict=True)
        ),
        balls=tuple(met),
    )


def _adder(unit_roundoff: float) -> Callable[[Any, Any], Any]:
    def add(x: Any, y: Any) -> Any:
        return x + y + arb(0, unit_roundoff * (_size(arb(x)) + _size(arb(y))))

    return add


def _radius(ball: arb) -> float:
    return float(ball.rad()) if ball.is_finite() else float("inf")


def _size(ball: arb) -> float:
    return float(ball.abs_upper()) if ball.is_finite() else float("inf")


class _Balls:
    """The functions of the usual formulas, over balls; see `Functions`."""

    exp = staticmethod(arb.exp)
    sqrt = staticmethod(arb.sqrt)
    sin = staticmethod(arb.sin)
    cos = staticmethod(arb.cos)
    sinh = staticmethod(arb.sinh)
    cosh = staticmethod(arb.cosh)

    @staticmethod
    def sum(x: Any, y: Any) -> Any:
        return arb(x) + y

    @staticmethod
    def product(x: Any, y: Any) -> Any:
        return arb(x) * y

    @staticmethod
    def quotient(x: Any, y: Any) -> Any:
        return arb(x) / y

    @staticmethod
    def difference(x: Any, y: Any) -> Any:
        """Subtract; that a node leaves nothing of itself, ball arithmetic cannot know."""
        return arb(0) if x is y else arb(x) - y

    @staticmethod
    def log(x: Any) -> Any:
        return arb(x).log()

    @staticmethod
    def sigmoid(x: Any) -> Any:
        return 1 / (1 + (-x).exp())

    @staticmethod
    def heaviside(x: Any) -> arb:
        if x > 0:
            return arb(1)
        if x < 0:
            return arb(0)
        return arb(0.5) if x == 0 else arb(0.5, 0.5)

    @staticmethod
    def is_positive(x: Any) -> arb:
        return arb(int(x > 0))


_BALLS = _Balls()


def _sign(x: Any) -> arb:
    """Return the sign; anything from -1 to 1 where rounding may change it."""
    return arb(x.sgn()) if x > 0 or x < 0 or x == 0 else arb(0, 1)


_VALUES: Arithmetic = {
    "add": operator.add,
    "sub": _Balls.difference,
    "mul": operator.mul,
    "div": operator.truediv,
    "pow": lambda x, y: arb(x) ** arb(y),
    "neg": operator.neg,
    "reciprocal": lambda x: 1 / x,
    "square": lambda x: x * x,
    "exp": lambda x: x.exp(),
    "expm1": lambda x: x.expm1(),
    "log": lambda x: x.log(),
    "log1p": lambda x: x.log1p(),
    "sqrt": lambda x: x.sqrt(),
    "sin": lambda x: x.sin(),
    "cos": lambda x: x.cos(),
    "tan": lambda x: x.tan(),
    "arcsin": lambda x: x.asin(),
    "arccos": lambda x: x.acos(),
    "arctan": lambda x: x.atan(),
    "arctan2": lambda y, x: arb.atan2(arb(y), arb(x)),
    "sinh": lambda x: x.sinh(),
    "cosh": lambda x: x.cosh(),
    "tanh": lambda x: x.tanh(),
    "sigmoid": _Balls.sigmoid,
    "softplus": lambda x: x.exp().log1p(),
    "hypot": lambda x, y: sum_of_squares(_BALLS, x, y).sqrt(),
    "logaddexp": lambda x, y: (arb(x).exp() + arb(y).exp()).log(),
    "relu": lambda x: arb.max(x, arb(0)),
    "abs": abs,
    "sign": _sign,
    "maximum": lambda x, y: arb.max(arb(x), arb(y)),
    "minimum": lambda x, y: arb.min(arb(x), arb(y)),
    "where": lambda c, x, y: arb(x) if c > 0 else arb(y),
    "clip": lambda x, low, high: arb.min(arb.max(x, arb(low)), arb(high)),
}

# What the usual formulas pass through: it may overflow or underflow where their result does neither. Other
# formulas (the square in that of reciprocal) stay in range as long as the result does.
_ON_THE_WAY: Mapping[str, Callable[..., Any]] = {
    "div": lambda x, y: arb(y) * y,
    "pow": lambda x, y: arb(0) if isinstance(x, float) or y == 0 else x ** (arb(y) - 1),
    "arctan2": partial(sum_of_squares, _BALLS),
    "hypot": partial(sum_of_squares, _BALLS),
}
