"""What kind of fault it is, told from what an engine answers at several points beside the truth."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations, product

import numpy as np
import numpy.typing as npt

from nn_from_scratch.verify.engines.answers import Answer, AnswerError
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.failures.adjoints import judged_adjoint, uses
from nn_from_scratch.verify.failures.again import STATE_LEFT_OVER, answers, kind_of_change
from nn_from_scratch.verify.failures.expectations import expectations
from nn_from_scratch.verify.failures.precision import CANCELLATION, Answered, kind_of_loss
from nn_from_scratch.verify.judging.examine import Examination
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.exact_sums import exact_sum
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.questions.lower import lower

Floats = npt.NDArray[np.float64]

LOST = "lost accumulation"
SPECIAL = "wrong only at special points"
COUNTED_TWICE = "an operand counted more than once"
OTHER = "another derivative"
FIRST = "the gradient to be differentiated is another than the one that backward computes"

_PROBES = 6  # other points at which the engine is asked
_CLOSE = 1e-9  # relative: the numbers compared differ by far more, or by rounding
_COPYING = ("index", "broadcast_to", "concatenate", "stack")  # they do nothing else
_RESHAPED = re.compile(r"the gradient for x\d+ has shape (\(.*?\)), x\d+ has (\(.*?\))$")


def kind(engine: Engine, found: Examination) -> str:  # noqa: PLR0911  a chain of tests, the surest first
    """Tell the kind of fault that a failing case shows, in a few words.

    Parameters
    ----------
    engine
        The engine that fails.
    found
        A small failing case: best the operation to blame on its own.

    """
    if found.error:
        return _kind_of_error(found.error)
    told = [*answers(engine, found.case)]
    changing = kind_of_change(told)
    if changing:
        return changing
    if isinstance(told[-1], str):
        return f"raises {told[-1]} when it is asked again"
    case, first = _well_separated(engine, found.case)
    if first is None:
        return OTHER
    if not first.wrong.any():
        return STATE_LEFT_OVER
    others = [probe for one in _elsewhere(case) if (probe := _ask(engine, one)) is not None]
    # At a point of the failure's choice right and wrong values may coincide.
    if first.wrong[0] or (others and all(probe.wrong[0] for probe in others)):
        return FIRST if case.tangent else f"value: {_kind_of_value(engine, case, [first, *others])}"
    if not np.isfinite(first.got).all():
        return "not a number"
    return _kind_of_derivatives(engine, found, case, [first, *others])


def _well_separated(engine: Engine, case: Case) -> tuple[Case, Answered | None]:
    """Return the case with an input of its own for every operand, if that fails, and what was answered."""
    apart = _apart(case)
    separate = None if apart is None else _ask(engine, apart)
    if apart is not None and separate is not None and separate.wrong.any():
        return apart, separate
    return case, _ask(engine, case)


def _kind_of_derivatives(engine: Engine, found: Examination, case: Case, probes: Sequence[Answered]) -> str:
    """Tell what is wrong with the reverse pass; the first of the probes is at the failure's own point."""
    first, *others = probes
    entries = [k for k in np.flatnonzero(first.wrong).tolist() if k <= len(case.point)]
    loss = kind_of_loss(engine.format, probes, entries)
    if not loss and case.tangent and found.verdict is Verdict.INACCURATE:
        loss = CANCELLATION
    special = SPECIAL if others and not any(probe.wrong.any() for probe in others) else ""
    if case.tangent:
        return f"second derivative: {loss or special or _kind_of_ratio(case, probes) or OTHER}"
    return (
        (loss and loss + _which(case, entries))
        or special
        or _kind_of_sum(engine, case, first)
        or _kind_of_arrangement(probes)
        or _kind_of_ratio(case, probes)
        or OTHER
    )


def _kind_of_error(error: str) -> str:
    shapes = _RESHAPED.search(error)
    if shapes is None and error.startswith(AnswerError.__name__):
        return "an answer that is no gradient"
    if shapes is None:
        return f"raises {error.partition(':')[0]}"
    got, expected = (tuple(int(n) for n in re.findall(r"\d+", text)) for text in shapes.groups())
    if got == expected[::-1]:
        return "transposed"
    broadcast = len(got) >= len(expected) and math.prod(got) > math.prod(expected)
    return "not reduced over broadcast axes" if broadcast else "a gradient of another shape"


def _kind_of_value(engine: Engine, case: Case, probes: Sequence[Answered]) -> str:
    """Tell what is wrong with the forward pass."""
    loss = kind_of_loss(engine.format, probes, [0])
    if loss:
        return loss
    steps = case.expression.steps
    if len(steps) == 1 and len(steps[0].operands) == 2 and not case.shapes:
        exchanged = replace(case.expression, steps=(replace(steps[0], operands=steps[0].operands[::-1]),))
        swapped = [
            (probe, expectations(engine.format, replace(probe.case, expression=exchanged))[0])
            for probe in probes
        ]
        if all(abs(one.expected - probe.got[0]) <= one.tolerance for probe, one in swapped):
            return "operands exchanged"
    return "wrong in the forward pass"


def _kind_of_sum(engine: Engine, case: Case, probe: Answered) -> str:
    """Compare each derivative with sums of what it gets along each way from a shared node to the output."""
    expression = case.expression
    for node in sorted(expression.reachable()):
        ways = [] if expression.is_constant(node) else uses(expression, node)
        if not 2 <= len(ways) <= 6 or (case.shapes and node >= expression.inputs):
            continue
        shares = [
            [one.expected for one in judged_adjoint(engine.format, case, node, use=way)] for way in ways
        ]
        for entry, position, local in _entering(engine, case, node):
            if probe.wrong[1 + entry]:
                parts = [local * share[position] for share in shares]
                found = _miscounted(parts, probe.got[1 + entry])
                if found:
                    return found
    return _kind_of_copies(engine, case, probe) if case.shapes else ""


def _kind_of_copies(engine: Engine, case: Case, probe: Answered) -> str:
    """Do the same with the entries of an array, where an operation does no more than copy them."""
    steps = case.expression.live_steps()
    if len(steps) != 1 or steps[0].operation not in _COPYING:
        return ""
    scalar = lower(case)
    for entry in np.flatnonzero(probe.wrong[1 : 1 + len(case.point)]).tolist():
        ways = uses(scalar.expression, entry)
        if 2 <= len(ways) <= 6:
            parts = [judged_adjoint(engine.format, scalar, entry, use=way)[0].expected for way in ways]
            found = _miscounted(parts, probe.got[1 + entry])
            if found:
                return found
    return ""


def _miscounted(parts: Sequence[float], got: float) -> str:
    """Tell whether a derivative is the sum of its parts with some of them left out, or counted again.

    A part that is 0 tells nothing, and a sum that is nearly the right one neither.
    """
    telling = [part for part in parts if part]
    largest = max(map(abs, telling), default=0.0)
    if len(telling) < 2:
        return ""
    for counts in product(range(3), repeat=len(telling)):
        total = math.fsum(n * part for n, part in zip(counts, telling, strict=True))
        elsewhere = abs(total - math.fsum(telling)) > 1e3 * _CLOSE * largest
        if any(counts) and elsewhere and abs(got - total) <= _CLOSE * largest:
            return COUNTED_TWICE if min(counts) else LOST
    return ""


def _entering(engine: Engine, case: Case, node: int) -> Iterator[tuple[int, int, float]]:
    """Yield entries of the point, the entry of the node that each enters, and with what derivative."""
    expression = case.expression
    if node < expression.inputs:
        sizes = [math.prod(shape) for shape in case.shapes] or [1] * expression.inputs
        yield from ((sum(sizes[:node]) + k, k, 1.0) for k in range(sizes[node]))
    else:
        up_to_node = replace(case, expression=replace(expression, output=node))
        for entry in range(len(case.point)):
            (local,) = judged_adjoint(engine.format, up_to_node, entry)
            yield entry, 0, local.expected


def _kind_of_arrangement(probes: Sequence[Answered]) -> str:
    """Look for the right numbers in the wrong places, the same at all points."""
    found = {_arrangement(probe) for probe in probes if probe.wrong.any()}
    return found.pop() if len(found) == 1 else ""


def _arrangement(probe: Answered) -> str:
    case = probe.case
    count = 1 + len(case.point)
    got, expected = probe.got[1:count], probe.expected[1:count]
    shapes = case.shapes or ((),) * case.expression.inputs
    ends = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
    parts = list(zip(np.split(got, ends), np.split(expected, ends), shapes, strict=True))
    if (
        len(shapes) == 2
        and shapes[0] == shapes[1]
        and _close(got, np.concatenate([e for _, e, _ in parts[::-1]]))
    ):
        return "derivatives of the operands exchanged"
    for mine, true, shape in parts:
        if not _close(mine, true) and any(
            tuple(shape[a] for a in axes) == shape
            and _close(mine, true.reshape(shape).transpose(axes).ravel())
            for axes in permutations(range(len(shape)))
        ):
            return "transposed"
    return ""


def _kind_of_ratio(case: Case, probes: Sequence[Answered]) -> str:
    """Look at what the wrong derivatives are divided by the right ones."""
    entries = [k for k in range(1, 1 + len(case.point)) if any(probe.wrong[k] for probe in probes)]
    which = _which(case, entries)
    ratios = np.array(
        [
            probe.got[k] / probe.expected[k]
            for probe in probes
            for k in entries
            if probe.expected[k] != 0 and math.isfinite(probe.got[k]) and math.isfinite(probe.expected[k])
        ]
    )
    if not ratios.size:
        return ""
    ratio = float(np.median(ratios))
    if np.ptp(ratios) <= 1e-3 * abs(ratio - 1) + 1e-13:
        if abs(ratio) < 1e-12:
            return f"gradient detached: always 0{which}"
        return f"wrong sign{which}" if math.isclose(ratio, -1) else f"constant factor {ratio:.13g}{which}"
    return ""


def _which(case: Case, entries: Sequence[int]) -> str:
    """Name the operands if only some of several are wrong."""
    steps = case.expression.steps
    if len(case.point) == len(entries) or len(steps) != 1 or case.shapes:
        return ""
    sides = [steps[0].operands.index(k - 1) for k in entries]
    return f", by the {' and '.join(('first', 'second', 'third')[side] for side in sorted(sides))} operand"


def _ask(engine: Engine, case: Case) -> Answered | None:
    """Ask the engine; None where it raises, or nothing of the truth is known."""
    try:
        with np.errstate(all="ignore"):
            answer: Answer = engine.answer(case)
    except Exception:  # noqa: BLE001  whatever an engine raises was judged before
        return None
    truths = expectations(engine.format, case)
    known = np.array([one.truth.is_finite() for one in truths])
    if not known.any():
        return None
    got = np.array([answer.value, *answer.gradient, exact_sum(answer.gradient)][: len(truths)])
    expected = np.array([one.expected for one in truths])
    slack = np.array([one.tolerance + float(one.truth.rad()) for one in truths])
    with np.errstate(invalid="ignore"):  # what overflows as it should is its equal, and their difference none
        wrong = known & (got != expected) & ~(np.abs(got - expected) <= slack)
    return Answered(case, got, expected, np.array([one.tolerance for one in truths]), wrong)


def _elsewhere(case: Case) -> Iterator[Case]:
    """Yield the case at other points, some near, some of no special numbers at all."""
    source = random.Random(repr(case.point))
    for k in range(_PROBES):
        near = [x * source.uniform(0.7, 1.3) for x in case.point]
        fresh = [math.copysign(source.uniform(0.1, 0.9), x) for x in case.point]
        yield replace(case, point=tuple(near if k % 2 and any(case.point) else fresh))


def _apart(case: Case) -> Case | None:
    """Return the case of one step with an input of its own for every operand, if that is another case."""
    expression = case.expression
    if len(expression.steps) != 1 or case.tangent:
        return None
    (step,) = expression.steps
    inputs = [k for k in step.operands if not expression.is_constant(k)]
    if len(set(inputs)) == len(inputs):
        return None
    fresh = iter(range(len(inputs)))
    operands = tuple(
        len(inputs) + k - expression.inputs if expression.is_constant(k) else next(fresh)
        for k in step.operands
    )
    steps = (Step(step.operation, operands, step.parameters),)
    graph = Expression(len(inputs), expression.constants, steps, len(inputs) + len(expression.constants))
    arrays = case.inputs()
    point = tuple(float(x) for k in inputs for x in np.ravel(arrays[k]))
    return replace(
        case,
        expression=graph,
        point=point,
        shapes=tuple(case.shapes[k] for k in inputs) if case.shapes else (),
    )


def _close(x: Floats, y: Floats) -> bool:
    return bool(np.all(np.abs(x - y) <= _CLOSE * np.max(np.abs(y), initial=0.0)))
