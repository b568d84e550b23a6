"""What is asked of an engine, beside its truth and how far rounding may be off."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from flint import arb

from nn_from_scratch.verify.judging.many_inputs import direction
from nn_from_scratch.verify.judging.tolerance import Rounding, derive_rounding
from nn_from_scratch.verify.judging.written_derivative import derivative
from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.constants import mapped
from nn_from_scratch.verify.questions.exact_sums import exact_sum
from nn_from_scratch.verify.questions.formats import FORMATS, Format
from nn_from_scratch.verify.questions.lower import lower
from nn_from_scratch.verify.questions.operations import SCALARS


@dataclass(frozen=True, slots=True)
class Question:
    """A case, the same as a scalar one, and the directions along which it is judged (None: each input).

    By default those are each input of a scalar case, and one random direction of an array case.
    """

    case: Case
    scalar: Case
    directions: list[list[float]] | None

    @classmethod
    def of(cls, case: Case) -> Question:
        """Return what is asked in a case."""
        if case.shapes:
            return cls(case, lower(case), [direction(len(case.point), case.point)])
        expression = case.expression.closed()
        scalar = case if expression is case.expression else replace(case, expression=expression)
        return cls(case, scalar, None)

    def towards(self, directions: list[list[float]] | None) -> Question:
        """Return the same, judged along other directions."""
        return replace(self, directions=directions)

    def truth(self) -> tuple[arb, list[arb]]:
        """Return balls that contain the value and the derivatives: see `taylor`."""
        expression, point, tangent = self.scalar.expression, self.scalar.point, self.scalar.tangent
        if tangent:
            return taylor.enclose_second(expression, point, tangent, self.directions)
        return taylor.enclose(expression, point, directions=self.directions)

    def rounding(self, value: arb, truth: Sequence[arb], working_format: Format) -> Rounding:
        """Return how far rounding may be off, given the true value and derivatives."""
        expression, point, tangent = self.scalar.expression, self.scalar.point, self.scalar.tangent
        if not tangent:
            return derive_rounding(expression, point, working_format, self.directions)
        asked = derivative(expression, tangent)
        found = derive_rounding(asked, point, working_format, self.directions)
        # What is the value here is a first derivative, too, of which more formulas are charged.
        along = derive_rounding(expression, point, working_format, [tangent])
        # Engines get a second derivative that is 0 as a difference of equal terms, as large as the first one
        # over x: from the derivative of x / abs(x), or of a product taken as the result over an element.
        # Each of the two is off by a quotient's roundings. The size is chosen: no formula here has it.
        unit = 2 * working_format.unit_roundoff * float(value.abs_upper())
        sizes = [unit / min(1.0, abs(x) or 1.0) for x in point]
        if self.directions is not None:
            sizes = [
                sum(abs(d) * size for d, size in zip(each, sizes, strict=True)) for each in self.directions
            ]
        # Where a product is, a part of the sum may be such a difference.
        part = unit if any(step.operation == "prod" for step in self.case.expression.live_steps()) else 0.0
        derivatives = tuple(
            max(radius, size if true.contains(0) else part)
            for radius, size, true in zip(found.derivatives, sizes, truth, strict=True)
        )
        return replace(found, value=max(found.value, *along.derivatives), derivatives=derivatives)

    def margin(self) -> float | None:
        """Return how far the point is from the nearest kink, tie or threshold; None without a branch.

        The distance is relative, as the catalogue says it, of values that are true to float64.
        """
        expression = self.scalar.expression
        branches = [
            (distance, step.operands)
            for step in expression.live_steps()
            if (distance := SCALARS[step.operation].distance)
        ]
        if not branches:
            return None
        values = taylor.values(expression, self.scalar.point)
        distances = (distance(*(values[k] for k in operands)) for distance, operands in branches)
        return min(filter(math.isfinite, distances), default=None)

    def along(self, gradient: Sequence[float]) -> Sequence[float]:
        """Return the derivatives along the directions, given a gradient."""
        if self.directions is None:
            return gradient
        return [exact_sum(d * g for d, g in zip(each, gradient, strict=True)) for each in self.directions]


def representable(case: Case, working_format: Format) -> Case:
    """Round a case's numbers to the engine's format, so that it is asked what the oracles are asked."""
    if working_format is FORMATS["float64"]:
        return case
    point, cotangent, tangent = (
        tuple(map(working_format.nearest, numbers)) for numbers in (case.point, case.cotangent, case.tangent)
    )
    constants = tuple(mapped(working_format.nearest, constant) for constant in case.expression.constants)
    expression = replace(case.expression, constants=constants)
    return replace(case, expression=expression, point=point, cotangent=cotangent, tangent=tangent)
