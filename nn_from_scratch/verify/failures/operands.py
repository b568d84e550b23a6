"""Which operands of a step an examination has found wrong."""

from __future__ import annotations

import numpy as np

from nn_from_scratch.verify.judging.examine import Examination
from nn_from_scratch.verify.questions.expressions import Expression

Operands = tuple[int | str, ...]
"""Operands by number; "value" stands for what the step computes."""


def wrong_operands(seen: Examination, node: int) -> Operands:
    """Return which operands of a step have a wrong derivative; "value" stands for its value."""
    expression = seen.case.expression
    wrong: list[int | str] = ["value"] if seen.value is not None and seen.value.verdict.accuses else []
    sizes = [int(np.size(x)) for x in seen.case.inputs()]
    owners = [k for k, size in enumerate(sizes) for _ in range(size)]
    if len(seen.gradient) < len(owners) and not seen.entries:
        return tuple(wrong)
    entries = seen.entries or range(len(owners))
    inputs = {
        owners[entry] for entry, one in zip(entries, seen.gradient, strict=False) if one.verdict.accuses
    }
    operands = expression.steps[node - expression.first_step].operands
    return (
        *wrong,
        *(side for side, operand in enumerate(operands) if _inputs_of(expression, operand) & inputs),
    )


def _inputs_of(expression: Expression, node: int) -> set[int]:
    """Return the inputs that a node depends on."""
    reached, waiting = set(), [node]
    while waiting:
        one = waiting.pop()
        reached.add(one)
        if one >= expression.first_step:
            waiting += expression.steps[one - expression.first_step].operands
    return {one for one in reached if one < expression.inputs}
