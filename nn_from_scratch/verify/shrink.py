"""A failing case made minimal, the operation to blame, and a script that reproduces it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping

from nn_from_scratch.verify.engines import Engine
from nn_from_scratch.verify.examine import Examination, examine
from nn_from_scratch.verify.expressions import Case, Expression, Step
from nn_from_scratch.verify.generate import Form
from nn_from_scratch.verify.oracles import taylor

REVERSE_PASS = "reverse pass"  # noqa: S105  no password
"""What is blamed when every operation is right on its own."""

_SIMPLE = (1.0, 2.0, 0.5, -1.0, 3.0, -2.0, 0.0)


def minimal(engine: Engine, found: Examination) -> Examination:
    """Shrink a failing case for as long as the verdict stays the same.

    Steps are dropped, skipped or replaced by inputs, inputs are merged, and numbers made simpler.
    """
    while True:
        size = _size(found.case)
        smaller = (case for case in _simpler(found.case) if _size(case) < size)
        seen = next((seen for case in smaller if _the_same(seen := examine(engine, case), found)), None)
        if seen is None:
            return found
        found = seen


def blame(engine: Engine, found: Examination) -> str:
    """Name the operation whose value or local derivative is wrong, or the reverse pass.

    Every step of the (minimal) case is checked on its own at the values it has there; also with something
    after it, where a dropped cotangent shows, and with its operand used again, where a lost sum does.
    """
    expression = found.case.expression
    values = taylor.values(expression, found.case.point)
    for index in range(len(expression) - 1, expression.first_step - 1, -1):
        step = expression.steps[index - expression.first_step]
        cut = {k: values[k] for k in step.operands if not expression.is_constant(k)}
        alone = _rebuilt(found.case, output=index, cut=cut)
        if any(examine(engine, case).verdict.accuses for case in _surrounded(alone, engine.forms)):
            return step.operation
    return REVERSE_PASS


def reproducer(engine: Engine, case: Case) -> str:
    """Return a script that checks the case again, and fails while the engine does."""
    comment = "\n".join(f"# {line}" for line in str(case.expression).splitlines())
    return f"""{comment}
from nn_from_scratch.verify import Case, Expression, check, load

expression = Expression.from_json({json.dumps(case.expression.to_json())})
check(load({engine.spec or engine.name!r}), Case(expression, {case.point!r}))
"""


def _the_same(seen: Examination, found: Examination) -> bool:
    """Whether a smaller case shows a fault of the same kind."""
    same_exception = seen.error.partition(":")[0] == found.error.partition(":")[0]
    return seen.verdict is found.verdict and same_exception


def _size(case: Case) -> tuple[int, int, int]:
    """Return what makes a case hard to grasp, the most important first."""
    numbers = (*case.point, *case.expression.constants)
    hard = (_SIMPLE.index(x) if x in _SIMPLE else len(_SIMPLE) + len(repr(x)) for x in numbers)
    return len(case.expression.steps), len(numbers), sum(hard)


def _simpler(case: Case) -> Iterator[Case]:
    """Yield cases that may be simpler, the boldest first."""
    yield from _simpler_graphs(case)
    yield from _simpler_numbers(case)


def _simpler_graphs(case: Case) -> Iterator[Case]:
    expression = case.expression
    values = taylor.values(expression, case.point)
    steps = range(expression.first_step, len(expression))
    for index in steps:
        yield _rebuilt(case, output=index)
    for index in reversed(steps):
        if index != expression.output:
            yield _rebuilt(case, cut={index: values[index]})
    for index in steps:
        for operand in expression.steps[index - expression.first_step].operands:
            if not expression.is_constant(operand):
                yield _rebuilt(case, redirect={index: operand})
    for second in range(expression.inputs):
        for first in range(second):
            yield _rebuilt(case, redirect={second: first})


def _simpler_numbers(case: Case) -> Iterator[Case]:
    expression, constants = case.expression, case.expression.constants
    for k, number in enumerate(case.point):
        for simple in (*_SIMPLE, float(f"{number:.3g}")):
            yield Case(expression, (*case.point[:k], simple, *case.point[k + 1 :]))
    for k in range(len(constants)):
        for simple in _SIMPLE:
            changed = (*constants[:k], simple, *constants[k + 1 :])
            yield Case(
                Expression(expression.inputs, changed, expression.steps, expression.output), case.point
            )


def _rebuilt(
    case: Case,
    *,
    output: int | None = None,
    cut: Mapping[int, float] | None = None,
    redirect: Mapping[int, int] | None = None,
) -> Case:
    """Return the case with another output, nodes cut off to be inputs, or nodes replaced by earlier ones.

    What is not needed any more is left out.
    """
    expression, cut, redirect = case.expression, cut or {}, redirect or {}
    output = expression.output if output is None else output
    output = redirect.get(output, output)
    operands = {
        index: tuple(redirect.get(k, k) for k in step.operands)
        for index, step in enumerate(expression.steps, expression.first_step)
        if index not in cut
    }
    needed = {output}
    for index in range(len(expression) - 1, -1, -1):
        if index in needed:
            needed.update(operands.get(index, ()))
    kept = sorted(needed)
    inputs = [k for k in kept if k < expression.inputs or k in cut]
    constants = [k for k in kept if expression.is_constant(k)]
    steps = [k for k in kept if k in operands]
    number = {k: position for position, k in enumerate([*inputs, *constants, *steps])}
    return Case(
        Expression(
            len(inputs),
            tuple(expression.constants[k - expression.inputs] for k in constants),
            tuple(
                Step(
                    expression.steps[k - expression.first_step].operation,
                    tuple(number[j] for j in operands[k]),
                )
                for k in steps
            ),
            number[output],
        ),
        tuple(cut[k] if k in cut else case.point[k] for k in inputs),
    )


def _surrounded(alone: Case, forms: Collection[Form]) -> Iterator[Case]:
    """Yield the case of one step, then with a multiplication after it, then added to its own operand."""
    yield alone
    expression = alone.expression
    (step,) = expression.steps
    result = len(expression)  # the step's index once the constant 3 stands before it
    constants = (*expression.constants, 3.0)
    for name, form, operands in (
        ("mul", "xc", (result, result - 1)),
        ("add", "xx", (result, 0)),
        ("add", "xx", (0, result)),
    ):
        if (name, form) in forms:
            steps = (step, Step(name, operands))
            yield Case(Expression(expression.inputs, constants, steps, result + 1), alone.point)
