"""The rules of a backward: its formula against the derivative of the forward's, by tracing both."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.pytorch.origins import origin
from nn_from_scratch.verify.functions.pytorch.question import Pass, Question, Tensors, numbers, reached
from nn_from_scratch.verify.functions.pytorch.runs import NO_GRADIENT, Tracing
from nn_from_scratch.verify.functions.pytorch.tracing.constants import Cutting, ReadingBuffers
from nn_from_scratch.verify.functions.pytorch.tracing.formats import FORMATS
from nn_from_scratch.verify.functions.pytorch.tracing.operands import NotTracedError
from nn_from_scratch.verify.functions.pytorch.tracing.size import TOO_LARGE, is_too_large
from nn_from_scratch.verify.functions.pytorch.tracing.tracer import Progress
from nn_from_scratch.verify.functions.rows import first_line
from nn_from_scratch.verify.functions.tracing.approximations import FOR_THE_OTHER
from nn_from_scratch.verify.functions.tracing.constants import UNIT, Reading
from nn_from_scratch.verify.functions.tracing.copies import right_here_alone
from nn_from_scratch.verify.functions.tracing.local import LocalCheck
from nn_from_scratch.verify.functions.tracing.rules import (
    Comparison,
    Rule,
    Rules,
    compare,
    judge,
    unless_left_out,
    unlike_sizes,
)
from nn_from_scratch.verify.functions.tracing.shadows import (
    Numbers,
    Shadow,
    exactly_computing,
    nearest,
)

PLAIN_TO_SEE = 1e-2
"""A relative difference that no approximation has."""
_OF_A_TABLE = 2.0**-50
"""Relative to the largest, a number of a table that was computed in float64 is off by less than this."""


@dataclass(frozen=True, slots=True)
class Formula:
    """What tracing found: how the formulas compare, and the gradient that the backward's formula has here."""

    rules: Rules
    difference: float
    """By how much they differ as they are written, relative to their size."""
    explain: Callable[[], list[str]]
    """Says which inputs a wrong formula is wrong for, with an entry of each where that is looked for; and the
    constant or operation of the backward that explains it, where one alone does. That takes longest."""
    gradient: list[Shadow]
    constants: float
    """By how much the rounding of its constants changes the gradient, relative to each largest entry."""
    notes: tuple[str, ...]
    narrower: str | None
    """A format that the backward alone computes in, narrower than those of the inputs, and the line."""
    here_alone: str | None
    """Why it is right at this point alone, if it is."""
    lost: str | None
    """Which output is not finite where its formula is, and in range."""
    local: LocalCheck
    """What was seen of each operation."""
    drawn_apart: float
    """By how much random numbers that are drawn may let an entry differ, at least; infinite if none are."""


@dataclass(frozen=True, slots=True)
class NotCompared:
    """Why nothing is said of the formulas: what was not traced, and on which line, or why they may differ."""

    reason: str
    by_code: bool = False
    """Whether there is code that is not traced, maybe of the backward alone."""


def trace(
    question: Question, cotangents: Tensors, seed: int, progress: Progress | None = None
) -> Formula | NotCompared:
    """Compare the formula of a function's backward with the derivative of its forward."""
    if question.inside:
        return NotCompared("the function closes over its inputs")
    dtypes = {x.dtype for x in question.tensors}
    if not dtypes <= set(FORMATS):
        return NotCompared(f"inputs of {dtypes - set(FORMATS)}")
    if is_too_large(question):
        return NotCompared(TOO_LARGE)
    narrowest = max((FORMATS[x] for x in dtypes), key=lambda name: UNIT[name])
    tracing = Tracing(question, cotangents, seed, progress)
    try:
        # Kernels leave memory that nobody reads as it was, such as infinite.
        with exactly_computing(), np.errstate(all="ignore"):
            return _compared(tracing, narrowest)
    except NotTracedError as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001  whatever a function does not like about being watched
        reason = f"it raises {type(error).__name__} while it is traced: {first_line(error)}"
    return NotCompared(reason, by_code=not tracing.replayed and reason not in {TOO_LARGE, NO_GRADIENT})


def _compared(tracing: Tracing, dtype: str) -> Formula:
    """Replay a trace, and judge its formulas."""
    weights = [numbers(c) for c in tracing.cotangents]
    tracing.replay()
    rules = _unless_left_out(tracing, _judged(tracing, dtype), dtype)
    if rules.rule is not Rule.DIFFERENT and tracing.alone:
        raise NotTracedError(f"its formula is of this point alone: {tracing.alone[0]}")
    if rules.rule is Rule.DIFFERENT and tracing.ties:
        raise NotTracedError(f"a kink: {tracing.ties[0]}")
    if rules.rule is Rule.DIFFERENT and tracing.decisions:
        raise NotTracedError(
            f"the formulas differ by {rules.comparison.relative:.2g} of their size, but the forward may be "
            f"stopped before it has what it computes: a value decides what is run ({tracing.decisions[0]})"
        )
    if rules.rule is Rule.DIFFERENT and tracing.bisects:
        raise NotTracedError(
            f"the formulas differ by {rules.comparison.relative:.2g} of their size, but the forward may be a "
            f"bisection: {tracing.bisects}"
        )
    if rules.rule is Rule.DIFFERENT and tracing.has_tables and rules.comparison.relative < _OF_A_TABLE:
        gap = rules.comparison.relative
        raise NotTracedError(f"the formulas differ by {gap:.2g} of their size, as tables that cancel may")
    if rules.rule is Rule.DIFFERENT and tracing.repeated.explain(rules.comparison.relative):
        gap = rules.comparison.relative
        raise NotTracedError(f"the formulas differ by {gap:.2g} of their size, but {tracing.repeated.limit}")
    other = _by_the_other_formula(tracing, rules, dtype)
    if other is not None:
        gap = rules.comparison.relative
        said = f"the forward {FOR_THE_OTHER} ({other[1]})"
        if gap > min(UNIT[FORMATS[x.dtype]] for x in tracing.question.tensors):
            raise NotTracedError(f"the formulas differ by {gap:.2g} of their size, but {said}")
        rules = other[0]
        tracing.notes[f"its own derivative is {gap:.2g} apart, for {said}"] = None
    gradient = tracing.gradients(Reading.LITERAL)
    literal = 0.0
    if rules.rule in {Rule.SHORT, Rule.DIFFERENT}:
        outputs = tracing.derivative(Reading.LITERAL)
        literal = compare(outputs, weights, gradient, tracing.directions).relative
    constants = max(map(largest_error, tracing.meant, gradient), default=0.0)
    explain = partial(_explained, tracing, rules)
    alone = None if rules.rule is Rule.DIFFERENT else _right_here_alone(tracing, rules.rule)
    rest = tuple(tracing.notes), tracing.narrower, alone, tracing.lost, tracing.local
    return Formula(rules, literal, explain, gradient, constants, *rest, _drawn_apart(tracing))


def _drawn_apart(tracing: Tracing) -> float:
    """Return the gap of the formulas for each unit of a direction, where random numbers are drawn."""
    if not tracing.draws:
        return math.inf
    along = tracing.replacing({})
    return float(abs(along.truth - along.formula).mid()) / sum(
        float(np.abs(x).sum()) for x in tracing.directions
    )


def _right_here_alone(tracing: Tracing, rule: Rule) -> str | None:
    weights = [numbers(c) for c in tracing.cotangents]

    def compared(reading: Reading) -> Comparison:
        return compare(tracing.derivative(reading), weights, tracing.gradients(reading), tracing.directions)

    return right_here_alone(
        tracing.constants, tracing.tables_of_forward, tracing.inputs, compared, rule, may_be_fixed=False
    )


def _judged(tracing: Tracing, dtype: str) -> Rules:
    """Judge along a direction; of inputs of unlike sizes along one that moves each by its own, too."""
    found = _judged_along(tracing, dtype, tracing.directions, None)
    sizes = None if found.rule is Rule.EQUAL else unlike_sizes([numbers(x) for x in tracing.question.tensors])
    if sizes is None:
        return found
    others = [x * size for x, size in zip(tracing.directions, sizes, strict=True)]
    return found.unless(_judged_along(tracing, dtype, others, sizes))


def _unless_left_out(tracing: Tracing, found: Rules, dtype: str) -> Rules:
    constants = {key for trace in tracing.traces for key in trace.constants}

    def without(number: float) -> Comparison:
        return tracing.replacing({key: arb(0) for key in constants if key[0] == number})

    return unless_left_out(found, UNIT[dtype], [number for number, _ in constants], without)


def _judged_along(
    tracing: Tracing, dtype: str, directions: list[Numbers], sizes: list[Numbers] | None
) -> Rules:
    return judge(
        lambda reading: tracing.slopes(reading, directions),
        tracing.gradients,
        [numbers(c) for c in tracing.cotangents],
        directions,
        dtype=dtype,
        rounding=lambda: tracing.rounding(directions),
        along=lambda number: tracing.along(number, sizes),
    )


def _by_the_other_formula(tracing: Tracing, found: Rules, dtype: str) -> tuple[Rules, str] | None:
    """Compare with the forward's other formulas, where two that it selects between are nearly alike.

    Such a forward computes the one for the other, as x for log(1 + exp(x)) where x is large, and its
    derivative may be meant to be that of the other. Returned is the line of a selection that explains a
    backward that differs by little, with what is found then.
    """
    if found.rule is not Rule.DIFFERENT or found.comparison.relative >= PLAIN_TO_SEE:
        return None
    for line in tracing.switches:
        for side in ("self", "other"):
            tracing.taking = line, side
            try:
                rules = _judged(tracing, dtype)
            finally:
                tracing.taking = None
            if rules.rule not in {Rule.DIFFERENT, Rule.UNKNOWN}:
                return rules, line
    return None


def _explained(tracing: Tracing, rules: Rules) -> list[str]:
    """Say where formulas differ, and where that comes from; what is not traced with a change is no origin."""
    if rules.rule is not Rule.DIFFERENT:
        return []
    places: list[str] = []
    try:
        with exactly_computing(), np.errstate(all="ignore"):
            places = tracing.where(rules.comparison.relative)
            found = origin(tracing, 0)
    except NotTracedError:
        return places
    return [*places, found] if found else places


def largest_error(got: Shadow, truth: Shadow) -> float:
    """Return the largest difference of two gradients relative to the largest entry of the second."""
    with exactly_computing():
        pairs = zip(nearest(got).ravel(), nearest(truth).ravel(), strict=True)
    return relative_error(list(pairs))


def relative_error(pairs: Sequence[tuple[float, float]]) -> float:
    """Return the largest error over pairs of a number and its truth, relative to the largest truth."""
    finite = [(a, b) for a, b in pairs if math.isfinite(a - b)]
    size = max((abs(b) for _, b in finite), default=0.0)
    error = max((abs(a - b) for a, b in finite), default=0.0)
    return error / size if size else 0.0


def detaches(question: Question) -> bool:
    """Whether a function makes a constant of one of its inputs, or of anything that depends on one."""
    if question.meant is not None:
        return False  # it says what is meant
    return any(_cuts(question, mode) for mode in (Cutting(), ReadingBuffers()))


def _cuts(question: Question, mode: Cutting | ReadingBuffers) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the compiler's own, of tensors that it looks at
        inputs = question.run(watching=lambda _: mode).inputs
    directly = any(x is y for x in mode.cut for y in inputs)
    return directly or any(reached(Pass(inputs, [], mode.cut, [])))
