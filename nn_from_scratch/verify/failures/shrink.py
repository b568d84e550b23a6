"""A failing case made minimal, and the operation to blame."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.failures.rebuild import rebuilt, simpler, size, values, with_inputs
from nn_from_scratch.verify.judging.examine import Examination, examine
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.questions.operations import Form

REVERSE_PASS = "reverse pass"  # noqa: S105  no password
"""What is blamed when every operation is right on its own."""


def minimal(engine: Engine, found: Examination) -> Examination:
    """Shrink a failing case for as long as the verdict stays the same.

    Steps are dropped, skipped or replaced by inputs, inputs are merged, arrays and numbers made simpler.
    """
    while True:
        least = size(found.case)
        smaller = (case for case in simpler(found.case) if case.point and size(case) < least)
        seen = next((seen for case in smaller if _the_same(seen := examine(engine, case), found)), None)
        if seen is None:
            return found
        found = seen


def accused_alone(engine: Engine, case: Case, index: int) -> Examination | None:
    """Check one step on its own at the values it has in a case; return what accuses it, if anything does.

    It is also checked with something after it, where a dropped cotangent shows, and with its operand used
    again, where a lost sum does.
    """
    expression, known = case.expression, values(case)
    step = expression.steps[index - expression.first_step]
    cut = {k: known[k] for k in step.operands if not expression.is_constant(k)}
    alone = rebuilt(case, output=index, cut=cut)
    examined = (examine(engine, one) for one in _surrounded(alone, engine.forms))
    return next((seen for seen in examined if seen.verdict.accuses), None)


def _the_same(seen: Examination, found: Examination) -> bool:
    """Whether a smaller case shows a fault of the same kind."""
    same_exception = seen.error.partition(":")[0] == found.error.partition(":")[0]
    return seen.verdict is found.verdict and same_exception


def _surrounded(alone: Case, forms: Collection[Form]) -> Iterator[Case]:
    """Yield the case of one step, then with a multiplication after it, then added to its own operand."""
    if not alone.point:  # empty arrays have no derivatives
        return
    yield alone
    expression = alone.expression
    (step,) = expression.steps
    result = len(expression)  # the step's index once the constant 3 stands before it
    constants = (*expression.constants, 3.0)
    for name, kinds, operands in (
        ("mul", "xc", (result, result - 1)),
        ("add", "xx", (result, 0)),
        ("add", "xx", (0, result)),
    ):
        if (name, kinds) in forms:
            steps = (step, Step(name, operands))
            graph = Expression(expression.inputs, constants, steps, result + 1)
            try:
                yield with_inputs(alone, graph, alone.inputs())
            except ValueError:
                continue  # the result does not broadcast with the operand
