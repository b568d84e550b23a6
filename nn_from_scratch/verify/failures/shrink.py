"""A failing case made minimal, and the operation to blame."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.failures.rebuild import rebuilt, simpler, size, values, with_inputs
from nn_from_scratch.verify.judging.examine import Examination, examine
from nn_from_scratch.verify.judging.question import representable
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.questions.operations import Form

REVERSE_PASS = "reverse pass"  # noqa: S105  no password
"""What is blamed when every operation is right on its own, and so is the value."""
FORWARD_PASS = "forward pass"  # noqa: S105  no password
"""What is blamed when every operation is right on its own, and the value is not."""


MOST_QUESTIONS = 500
"""How often the engine is asked to make one failure small: every failure is small enough then, or too large
for a person anyway."""


def minimal(engine: Engine, found: Examination, questions: int = MOST_QUESTIONS) -> Examination:
    """Shrink a failing case for as long as it fails in the same way.

    Steps are dropped, skipped or replaced by inputs, inputs are merged, arrays and numbers made simpler. What
    is asked is rounded to the engine's format first: so the measure of what was asked strictly falls.

    Parameters
    ----------
    engine
        The engine that fails.
    found
        How it fails.
    questions
        How often the engine is asked at most.

    """
    asked = {found.case}
    while True:
        smaller = _smaller(engine, found, asked, questions)
        seen = next((seen for seen in smaller if _fails_alike(seen, found)), None)
        if seen is None:
            return found
        found = seen


def _smaller(engine: Engine, found: Examination, asked: set[Case], questions: int) -> Iterator[Examination]:
    """Examine cases that are simpler and were not asked before, for as long as questions are left."""
    least = size(found.case, engine.format)
    for drawn in simpler(found.case):
        case = representable(drawn, engine.format)
        if not case.point or size(case, engine.format) >= least or case in asked:
            continue
        if len(asked) > questions:
            return
        asked.add(case)
        yield examine(engine, case)


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


def _fails_alike(seen: Examination, found: Examination) -> bool:
    """Whether a smaller case shows the same failure, and as much of it.

    A value that was wrong stays so. With other numbers alone whatever was wrong stays so: elsewhere right and
    wrong results may coincide, and what is left looks like another fault.
    """
    same_exception = seen.error.partition(":")[0] == found.error.partition(":")[0]
    if seen.verdict is not found.verdict or not same_exception:
        return False
    before, after = ([one.verdict.accuses for one in examination.judgements] for examination in (found, seen))
    same_graph = seen.case.expression.steps == found.case.expression.steps
    compared = len(before) if same_graph and len(before) == len(after) else 1
    return all(now or not then for then, now in zip(before[:compared], after[:compared], strict=True))


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
