"""The derivative along a tangent, written down as an expression that has a gradient.

Truth for second derivatives comes from power series (`taylor.enclose_second`), which know no rule. How far
rounding may move them is derived from what an engine computes: reverse mode by the usual formulas, as an
expression that `tolerance.rounding` takes like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from nn_from_scratch.verify.judging.usual_derivatives import PARTIALS
from nn_from_scratch.verify.questions.expressions import Expression
from nn_from_scratch.verify.questions.lower import Tracer


def derivative(expression: Expression, tangent: Sequence[float]) -> Expression:
    """Return the expression of the derivative of a scalar expression along a tangent.

    Parameters
    ----------
    expression
        Its inputs are those of the result as well.
    tangent
        A number for each input, that its derivative is multiplied by.

    """
    tracer = Tracer()
    functions = _Written(tracer)
    inputs = [tracer.symbol(k) for k in range(expression.inputs)]
    names = {step.operation for step in expression.steps}
    values = expression.evaluate({name: partial(tracer.apply, name) for name in names}, inputs)
    adjoints: list[Any] = [0.0] * len(expression)
    adjoints[expression.output] = 1.0
    for index in range(len(expression) - 1, expression.first_step - 1, -1):
        step = expression.steps[index - expression.first_step]
        partials = PARTIALS[step.operation](functions, values[index], *[values[k] for k in step.operands])
        for operand, slope in zip(step.operands, partials, strict=True):
            if not expression.is_constant(operand):
                adjoints[operand] = functions.sum(
                    adjoints[operand], functions.product(adjoints[index], slope)
                )
    total: Any = 0.0
    for adjoint, weight in zip(adjoints, tangent, strict=False):
        total = functions.sum(total, functions.product(adjoint, weight))
    # A derivative that no input moves is still asked: its own derivatives are 0.
    constant = isinstance(total, float)
    output = tracer.apply("add", tracer.apply("mul", inputs[0], 0.0), total) if constant else total
    return tracer.case(output, (0.0,) * expression.inputs).expression


@dataclass(frozen=True)
class _Written:
    """The functions of the usual formulas, recorded as steps of an expression."""

    tracer: Tracer

    def sum(self, x: Any, y: Any) -> Any:
        """Add, of constants too, which an engine adds as well; but nothing is recorded for adding 0."""
        if isinstance(x, float) and x == 0:
            return y
        return x if isinstance(y, float) and y == 0 else self.tracer.apply("add", x, y)

    def product(self, x: Any, y: Any) -> Any:
        """Multiply, as `sum` adds; nothing is recorded for a factor of 0 or 1."""
        for factor, other in ((x, y), (y, x)):
            if isinstance(factor, float) and factor in (0.0, 1.0):
                return other if factor else 0.0
        return self.tracer.apply("mul", x, y)

    def quotient(self, x: Any, y: Any) -> Any:
        return self.tracer.apply("div", x, y)

    def difference(self, x: Any, y: Any) -> Any:
        return self.tracer.apply("sub", x, y)

    def sigmoid_slope(self, z: Any) -> Any:
        return z * (1 - z)

    def squared_secant(self, slope: Any) -> Any:
        return slope

    def heaviside(self, x: Any) -> Any:
        not_below = self.tracer.apply("where", -x, 0.0, 1.0)
        return 0.5 * (self.is_positive(x) + not_below)

    def side(self, x: Any) -> Any:
        return self.sum(2.0 * self.heaviside(x) - 1.0, self.side_off(x))

    def is_positive(self, x: Any) -> Any:
        return self.tracer.apply("where", x, 1.0, 0.0)

    def __getattr__(self, name: str) -> Callable[[Any], Any]:
        """Record an operation that has the function's name."""
        return partial(self.tracer.apply, name)
