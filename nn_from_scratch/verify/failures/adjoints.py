"""What an engine's nodes hold after a reverse pass, beside the truth.

The true adjoint of a node is the derivative by a *shadow*: a new input, 0, that is added to the node where
it is used. No derivative rule takes part.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nn_from_scratch.verify.engines.answers import NoNumber, as_numbers, asking
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.failures.rebuild import rebuilt, values
from nn_from_scratch.verify.judging.many_inputs import direction
from nn_from_scratch.verify.judging.question import Question
from nn_from_scratch.verify.judging.tolerance import derive_rounding
from nn_from_scratch.verify.judging.verdicts import Judgement, Verdict, judge
from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.questions import programs
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.exact_sums import exact_sum
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.questions.formats import Format
from nn_from_scratch.verify.questions.lower import lower

Use = tuple[int, int]
"""A place where a node is used: the consuming node, and which of its operands."""


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node of a case: what it is, and what the engine holds in it; arrays are flat.

    `got` is None where the engine does not tell its value, `adjoint` where it keeps none.
    """

    index: int
    label: str
    operands: tuple[int, ...]
    got: tuple[float, ...] | None
    expected: tuple[float, ...]
    adjoint: tuple[float, ...] | None
    true_adjoint: tuple[float, ...]
    wrong: bool
    """Whether the adjoint is."""
    wrong_value: bool


def inspect(engine: Engine, case: Case) -> list[NodeView]:
    """Return the nodes that the output depends on, in their order; their adjoints are of first order."""
    expression, known, given = case.expression, values(case), case.constants()
    held = _held(engine, case)
    views = []
    for index in sorted(expression.reachable()):
        got, adjoint = held[index] if held else (None, None)
        constant = expression.is_constant(index)
        truths = [] if constant else judged_adjoint(engine.format, case, index, got=adjoint)
        step = expression.steps[index - expression.first_step] if index >= expression.first_step else None
        views.append(
            NodeView(
                index,
                step.operation
                if step
                else repr(given[index - expression.inputs])
                if constant
                else f"x{index}",
                step.operands if step else (),
                got,
                tuple(np.ravel(known[index]).tolist()),
                adjoint,
                tuple(one.expected for one in truths),
                adjoint is not None and any(one.verdict.accuses for one in truths),
                _is_wrong_value(engine.format, case, index, got, int(np.size(known[index]))),
            )
        )
    return views


def judged_adjoint(
    working_format: Format,
    case: Case,
    node: int,
    *,
    use: Use | None = None,
    got: Sequence[float] | None = None,
) -> list[Judgement]:
    """Judge a node's adjoint, or what it gets from one use: a judgement an entry (of NaN without `got`)."""
    entries = int(np.size(values(case)[node]))
    shadow = shadowed(case, node, use)
    scalar = lower(shadow) if shadow.shapes else replace(shadow, expression=shadow.expression.closed())
    first = len(scalar.point) - entries
    units = [[float(k == first + entry) for k in range(len(scalar.point))] for entry in range(entries)]
    if not units:
        return []
    _, truth = taylor.enclose(scalar.expression, scalar.point, directions=units)
    found = derive_rounding(scalar.expression, scalar.point, working_format, units)
    numbers = [math.nan] * entries if got is None or len(got) != entries else got
    judged = [
        judge(number, true, radius, working_format, summed=summed)
        for number, true, radius, summed in zip(
            numbers, truth, found.derivatives, found.derivative_scales, strict=True
        )
    ]
    if any(one.verdict.accuses for one in judged) and not found.in_range(working_format):
        return [replace(one, verdict=Verdict.UNDECIDED) for one in judged]  # no radius tells of overflow
    return judged


def _is_wrong_value(
    working_format: Format, case: Case, node: int, got: Sequence[float] | None, size: int
) -> bool:
    """Judge what the engine holds as a node's value, an array by its sum with a random direction."""
    if got is None or node < case.expression.first_step:
        return False
    if len(got) != size:
        return True
    part = rebuilt(case, output=node)
    if not part.point:  # it hangs on constants alone
        return False
    along = direction(size, got) if case.shapes else [1.0]
    asked = Question.of(replace(part, cotangent=tuple(along) if case.shapes else (), tangent=()))
    value, truth = asked.truth()
    rounding = asked.rounding(value, truth, working_format)
    total = exact_sum(weight * number for weight, number in zip(along, got, strict=True))
    verdict = judge(total, value, rounding.value, working_format, summed=rounding.value_scale).verdict
    return verdict.accuses and rounding.in_range(working_format)


def shadowed(case: Case, node: int, use: Use | None = None) -> Case:
    """Return the case with a last input, 0, added to a node wherever it is used, or in one use."""
    expression, known = case.expression, values(case)
    place = max(0, node - expression.first_step + 1)  # of the addition among the steps
    added = expression.first_step + 1 + place

    def number(index: int) -> int:
        moved = index + (index >= expression.inputs)
        return moved + (moved >= added)

    steps = [
        Step(
            step.operation,
            tuple(
                added if k == node and use in (None, (index, side)) else number(k)
                for side, k in enumerate(step.operands)
            ),
            step.parameters,
        )
        for index, step in enumerate(expression.steps, expression.first_step)
    ]
    steps.insert(place, Step("add", (number(node), expression.inputs)))
    output = added if node == expression.output else number(expression.output)
    graph = Expression(expression.inputs + 1, expression.constants, tuple(steps), output)
    shape = np.shape(known[node])
    zeros = (0.0,) * math.prod(shape)
    shapes = (*case.shapes, shape) if case.shapes else ()
    return Case(graph, (*case.point, *zeros), shapes, case.cotangent)


def uses(expression: Expression, node: int) -> list[Use]:
    """Return the places where a node is used by what the output depends on."""
    reachable = expression.reachable()
    return [
        (index, side)
        for index, step in enumerate(expression.steps, expression.first_step)
        if index in reachable
        for side, operand in enumerate(step.operands)
        if operand == node
    ]


def _held(engine: Engine, case: Case) -> list[tuple[tuple[float, ...] | None, tuple[float, ...] | None]]:
    """Return value and adjoint of every node of the engine; nothing if it has no tape, or raises."""
    if not engine.has_tape:
        return []
    expression = case.expression
    try:
        with asking(), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # PyTorch warns that inner nodes keep no gradient
            said = iter(map(_flat, engine.session().run(programs.of_nodes(case))))
    except Exception:  # noqa: BLE001  whatever an engine raises was judged before
        return []
    held = [
        (None, None) if expression.is_constant(k) else (next(said), next(said))
        for k in range(len(expression))
    ]
    seed = case.cotangent if case.shapes else (1.0,)
    if held[expression.output][1] != seed:  # inner nodes keep nothing, or not this
        held = [(got, adjoint if k < expression.inputs else None) for k, (got, adjoint) in enumerate(held)]
    return held


def _flat(x: Any) -> tuple[float, ...] | None:
    found = None if x is None else as_numbers(x)
    return None if found is None or isinstance(found, NoNumber) else tuple(found.ravel().tolist())
