"""How far rounding may move values and derivatives at kinks, whatever is chosen there.

Where a kink is in reach, the derived tolerance of one choice says nothing of another. So reverse mode runs
once more, each kink passing on all that arrives to each of its operands: no choice passes on more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flint import arb

from nn_from_scratch.verify.judging.rounded_numbers import MARGIN, Rounded
from nn_from_scratch.verify.judging.splits import curvatures
from nn_from_scratch.verify.judging.tolerance import rounded_functions, rounded_values
from nn_from_scratch.verify.judging.usual_derivatives import PARTIALS
from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.oracles.kinks import Kinks
from nn_from_scratch.verify.oracles.selections import SELECTIONS
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.questions.formats import Format


def held_values(expression: Expression, point: Sequence[float], working_format: Format) -> list[arb]:
    """Return for each node a ball with every number that an engine may hold in it."""
    with taylor.working(taylor.PRECISION):
        balls = map(_ball, rounded_values(expression, point, working_format))
        return [arb(ball.mid(), MARGIN * ball.rad()) for ball in balls]


def _ball(number: Rounded | float) -> arb:
    return number.ball if isinstance(number, Rounded) else arb(number)


@dataclass(slots=True)
class Magnitude:
    """The magnitudes of terms that are summed, and how far rounding may move their sum."""

    unit_roundoff: float
    size: float = 0.0
    error: float = 0.0

    def add(self, other: Magnitude) -> None:
        """Add what another sum has, and a rounding of it all."""
        if other.size or other.error:
            self.error += other.error + self.unit_roundoff * (self.size + other.size)
            self.size += other.size

    def __mul__(self, other: Magnitude) -> Magnitude:
        """Multiply two sums, and round the product."""
        size = self.size * other.size
        error = self.error * other.size + self.size * other.error + self.unit_roundoff * size
        return Magnitude(self.unit_roundoff, size, error)

    def times(self, slope: Any) -> Magnitude:
        """Multiply by what a ball holds, which is rounded itself."""
        factor = _ball(slope)
        if not factor.is_finite():
            return Magnitude(self.unit_roundoff, math.inf, math.inf)
        size, radius = float(factor.abs_upper()), float(factor.rad())
        return self * Magnitude(self.unit_roundoff, size, radius + self.unit_roundoff * size)

    @property
    def radius(self) -> float:
        """How far rounding may move the sum; by one rounding of it all at least."""
        return max(self.error, self.unit_roundoff * self.size)


class _Magnitudes:
    """The magnitudes in an expression at kinks."""

    def __init__(self, kinks: Kinks, working_format: Format) -> None:
        self.kinks = kinks
        self.unit_roundoff = working_format.unit_roundoff
        expression = kinks.expression
        self.functions = rounded_functions(working_format)
        self.values = rounded_values(expression, kinks.point, working_format)
        self.slopes = {
            node: self._slopes(node, [self.values[k] for k in step.operands]) for node, step in kinks.steps
        }

    def operands(self, step: Step) -> list[Any]:
        """Return the operands' balls, and constants as floats."""
        values = [self.values[k] for k in step.operands]
        return [value.ball if isinstance(value, Rounded) else value for value in values]

    def none(self) -> list[Magnitude]:
        """Return a sum of nothing for each node."""
        return [Magnitude(self.unit_roundoff) for _ in self.values]

    def reverse(self, found: list[Magnitude]) -> list[Magnitude]:
        """Run reverse mode, from the adjoints that some nodes have already; return those of the inputs."""
        expression = self.kinks.expression
        for node, step in reversed(self.kinks.steps):
            for operand, slope in zip(step.operands, self.slopes[node], strict=True):
                if not expression.is_constant(operand):
                    found[operand].add(found[node].times(slope))
        return found[: expression.inputs]

    def forward(self, tangent: Sequence[float]) -> list[Magnitude]:
        """Run forward mode along a tangent."""
        found = self.none()
        for k, x in enumerate(tangent):
            found[k].size = abs(x)
        for node, step in self.kinks.steps:
            for operand, slope in zip(step.operands, self.slopes[node], strict=True):
                found[node].add(found[operand].times(slope))
        return found

    def _slopes(self, node: int, operands: Sequence[Any]) -> Sequence[Any]:
        condition = (0.0,) * (len(operands) - 2)  # that of `where` has no derivative
        if node in self.kinks.open:
            return (*condition, 1.0, 1.0)
        if node in self.kinks.selected:
            return (*condition, *((1.0, 0.0), (0.0, 1.0))[self.kinks.selected[node]])
        operation = self.kinks.expression.steps[node - self.kinks.expression.first_step].operation
        return PARTIALS[operation](self.functions, self.values[node], *operands)


def magnitudes(kinks: Kinks, working_format: Format) -> list[Magnitude]:
    """Return the magnitude of each derivative."""
    with taylor.working(taylor.PRECISION):
        measured = _Magnitudes(kinks, working_format)
        adjoints = measured.none()
        adjoints[kinks.expression.output].size = 1.0
        return measured.reverse(adjoints)


def second_magnitudes(kinks: Kinks, tangent: Sequence[float], working_format: Format) -> list[Magnitude]:
    """Return the magnitude of the derivative along a tangent, and those of that derivative's gradient."""
    with taylor.working(taylor.PRECISION, 3):
        measured = _Magnitudes(kinks, working_format)
        tangents, adjoints, sources = measured.forward(tangent), measured.none(), measured.none()
        adjoints[kinks.expression.output].size = 1.0
        measured.reverse(adjoints)
        for node, step in kinks.steps:
            if step.operation not in SELECTIONS:
                for by, other, curvature in curvatures(step, measured.operands(step)):
                    sources[by].add(adjoints[node].times(curvature) * tangents[other])
        return [tangents[kinks.expression.output], *measured.reverse(sources)]
