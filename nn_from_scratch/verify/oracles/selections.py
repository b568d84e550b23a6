"""Kinks written alike: every operation that has one becomes `maximum`, `minimum` or `where`.

relu(x) is max(x, 0), abs(x) is max(x, -x), and clip(x, low, high) is min(max(x, low), high): then each kink
selects one of two operands, by the sign of a difference or of a condition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nn_from_scratch.verify.questions.expressions import Expression
from nn_from_scratch.verify.questions.lower import Tracer
from nn_from_scratch.verify.questions.symbols import Symbol

SELECTIONS = frozenset({"maximum", "minimum", "where"})
"""The operations that select an operand."""
KINKED = SELECTIONS | {"relu", "abs", "clip"}
"""The operations that have a kink."""


@dataclass(frozen=True, slots=True)
class Selecting:
    """A scalar expression whose only kinks are selections, and which node of the original each step is of."""

    expression: Expression
    original: dict[int, int]


def as_selections(expression: Expression) -> Selecting:
    """Rewrite what the output of a scalar expression depends on."""
    tracer = Tracer()
    needed = expression.reachable()
    values: list[Any] = [tracer.symbol(k) for k in range(expression.inputs)]
    values += expression.constants
    owners: list[int] = []
    for index, step in enumerate(expression.steps, expression.first_step):
        operands = [values[k] for k in step.operands]
        values.append(_written(tracer, step.operation, operands) if index in needed else None)
        owners += [index] * (len(tracer.steps) - len(owners))
    selecting = tracer.case(values[expression.output], (0.0,) * expression.inputs).expression
    return Selecting(selecting, dict(enumerate(owners, selecting.first_step)))


def _written(tracer: Tracer, operation: str, operands: list[Any]) -> Symbol:
    if operation == "relu":
        return tracer.apply("maximum", operands[0], 0.0)
    if operation == "abs":
        return tracer.apply("maximum", operands[0], tracer.apply("neg", operands[0]))
    if operation == "clip":
        x, low, high = operands
        return tracer.apply("minimum", tracer.apply("maximum", x, low), high)
    return tracer.apply(operation, *operands)
