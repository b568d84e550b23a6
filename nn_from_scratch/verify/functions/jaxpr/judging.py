"""The verdict on a formula, and where it is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.jaxpr.causes import causes
from nn_from_scratch.verify.functions.jaxpr.comparing import Formulas, derivatives, own_values
from nn_from_scratch.verify.functions.jaxpr.formulas import Trace
from nn_from_scratch.verify.functions.rows import Row
from nn_from_scratch.verify.functions.tracing.approximations import FOR_THE_OTHER, bisects
from nn_from_scratch.verify.functions.tracing.constants import Reading
from nn_from_scratch.verify.functions.tracing.copies import right_here_alone
from nn_from_scratch.verify.functions.tracing.rules import AT_ANY_INPUTS, Rule, compare
from nn_from_scratch.verify.functions.tracing.shadows import exactly_computing, slope, value
from nn_from_scratch.verify.judging.many_inputs import bisect
from nn_from_scratch.verify.judging.verdicts import Verdict

PLAIN_TO_SEE = 1e-2
"""A relative difference that no approximation has, but of what a loop computes until it is near enough."""

WRITTEN = 64
"""Roundings that a constant which looks written may have gone through."""

NAMED = 4
"""How many wrong places are named."""


def formula_row(name: str, mode: str, traced: Trace, outputs: Sequence[Any], inputs: Sequence[Any]) -> Row:
    """Judge the formula of a gradient (mode "rev") or of a tangent, from drawn cotangents and directions."""
    formulas = derivatives(traced, mode, outputs, inputs)
    row = _judged(name, formulas)
    if row.verdict is Verdict.WRONG:
        row = _by_the_other_formula(row, formulas) or row
    replay = traced.replay(outputs if mode == "rev" else inputs)
    traced.refuted = replay.refutes
    differs = replay.difference()
    if differs is not None:
        return Row(name, Verdict.UNDECIDED, differs)
    if row.verdict is not Verdict.WRONG:
        traced.alone = _right_here_alone(traced, formulas)
        return row
    reverse = mode == "rev"
    places = _wrong_inputs(traced, outputs, inputs) if reverse else _wrong_outputs(traced, inputs)
    with exactly_computing():
        found = causes(traced, mode, outputs, inputs)
    return Row(name, Verdict.WRONG, "\n".join([row.said, *places, *found]))


def _right_here_alone(traced: Trace, formulas: Formulas) -> str | None:
    question = traced.question
    constants = _of_numpy((*traced.derived.consts, *(x for x, _ in traced.numbers)))
    forward = _of_numpy(traced.primal.consts)
    inputs = dict(zip(question.names, _of_numpy(question.point), strict=True))
    rule = formulas.compare(question.narrowest).rule
    with exactly_computing():
        return right_here_alone(constants, forward, inputs, formulas.compared, rule, may_be_fixed=False)


def _of_numpy(constants: Iterable[Any]) -> list[Any]:
    """Return arrays in their formats, or float32 if numpy has not theirs, without keys of random numbers."""
    keys = jax.dtypes.extended
    arrays = [np.asarray(x) for x in constants if not jnp.issubdtype(jnp.result_type(x), keys)]
    return [x.astype(np.float32) if x.dtype.kind == "V" else x for x in arrays]


def _by_the_other_formula(row: Row, formulas: Formulas) -> Row | None:
    """Compare with the function's other formulas, where two that it selects between are nearly alike.

    Such a function computes the one for the other, as x for log(1 + exp(x)) where x is large, and its
    derivative may be meant to be that of the other: one that differs by less than its dtype shows is right.
    """
    traced, dtype = formulas.traced, formulas.traced.question.narrowest
    gap = formulas.compare(dtype).comparison.relative
    if gap >= PLAIN_TO_SEE:
        return None
    for place in dict.fromkeys(traced.switches):
        for case in (0, 1):
            traced.taking = place, case
            try:
                rules = formulas.compare(dtype)
            finally:
                traced.taking = None
            if rules.rule not in {Rule.DIFFERENT, Rule.UNKNOWN}:
                said = f"it {FOR_THE_OTHER}: {place}"
                if gap > min(float(jnp.finfo(x.dtype).eps) for x in traced.question.point) / 2:
                    said = f"formula differs by {gap:.2g} of its size, but {said}"
                    return Row(row.name, Verdict.UNDECIDED, said)
                said = f"{rules}; the function's own derivative is {gap:.2g} apart, for {said}"
                return Row(row.name, Verdict.RIGHT, said)
    return None


def value_row(name: str, mode: str, traced: Trace, outputs: Sequence[Any], inputs: Sequence[Any]) -> Row:
    """Judge the value that a rule computes beside its derivative."""
    return _judged(name, own_values(traced, mode, outputs, inputs))


def _judged(name: str, formulas: Formulas) -> Row:
    traced = formulas.traced
    rules = formulas.compare(traced.question.narrowest)
    if traced.kinks:
        traced.by_choice = rules.rule in AT_ANY_INPUTS or _is_by_a_choice(formulas)
        return Row(name, Verdict.UNDECIDED, f"a derivative may jump here: {traced.kinks[0]}")
    if rules.rule is Rule.UNKNOWN:
        return Row(
            name, Verdict.UNDECIDED, "the derivative is not known here: the edge of the domain, or overflow"
        )
    if rules.rule is not Rule.DIFFERENT:
        return Row(name, Verdict.RIGHT, str(rules))
    size = rules.comparison.relative
    approximates = traced.approximates if size < PLAIN_TO_SEE or "while" in traced.primitives else None
    approximates = approximates or bisects(traced.switches)
    if approximates is None:
        repeated = traced.repetitions()
        traced.near_a_limit = repeated.explain(size)
        approximates = repeated.limit if traced.near_a_limit else None
    if approximates is not None:
        said = f"formula differs by {size:.2g} of its size, but the function may approximate: "
        return Row(name, Verdict.UNDECIDED, said + approximates)
    if traced.tables:
        table = max(traced.tables, key=lambda dtype: float(jnp.finfo(dtype).eps))
        explained = _explained_by_constants(traced, float(jnp.finfo(table).eps))
        if size <= explained and not formulas.is_of_no_constants():
            traced.differs = True
            said = (
                f"formula differs by {size:.2g} of its size, which constants computed in {table} may explain"
            )
            return Row(name, Verdict.UNDECIDED, said)
    return Row(name, Verdict.WRONG, str(rules))


def _is_by_a_choice(formulas: Formulas) -> bool:
    """Whether the formulas are equal where all ties are decided alike."""
    traced = formulas.traced
    try:
        for traced.at_ties in (-1, 1):
            if formulas.compare(traced.question.narrowest).rule in AT_ANY_INPUTS:
                return True
    finally:
        traced.at_ties = 0
    return False


def _explained_by_constants(traced: Trace, eps: float) -> float:
    """Return the relative difference that constants of a narrow dtype may make.

    A table, or a number that nobody would write, may have been computed with half of its digits; one that
    somebody wrote is rounded, or was computed in a few steps.
    """
    computed = traced.arrays or any(dtype != "float64" for _, dtype in traced.unrecognised)
    return eps**0.5 if computed else WRITTEN * eps


def _wrong_inputs(traced: Trace, cotangents: Sequence[Any], directions: Sequence[Any]) -> list[str]:
    """Say which derivatives are wrong, by bisection."""
    points = traced.question.numbers()
    literal = traced.unrecognised  # one number each: balls would hide what is small
    sizes = [x.size for x in points]
    flat = np.concatenate([np.ravel(d) for d in directions])
    with exactly_computing():
        gradients = traced.derived_values(Reading.RECOGNISED, cotangents, literal)[1]

        def found(part: range) -> Any:
            chosen = np.zeros(sum(sizes))
            chosen[part.start : part.stop] = flat[part.start : part.stop]
            split = [
                x.reshape(p.shape)
                for x, p in zip(np.split(chosen, np.cumsum(sizes)[:-1]), points, strict=True)
            ]
            outputs = traced.primal_values(Reading.RECOGNISED, split, literal)
            return compare(outputs, cotangents, gradients, split), flat[part.start]

        def wrong(part: range) -> bool:
            comparison, _ = found(part)
            return bool(comparison.different)

        places = bisect(wrong, sum(sizes), most=NAMED)
        lines = []
        for place in places:
            comparison, weight = found(place)
            name = _named(traced.question.names, points, place.start)
            got, true = comparison.formula / float(weight), comparison.truth / float(weight)
            lines.append(
                _line(name if len(place) == 1 else f"{name} and {len(place) - 1} more, weighed,", got, true)
            )
    return lines


def _wrong_outputs(traced: Trace, directions: Sequence[Any]) -> list[str]:
    """Say which tangents are wrong."""
    literal = traced.unrecognised  # one number each: balls would hide what is small
    with exactly_computing():
        tangents = traced.derived_values(Reading.RECOGNISED, directions, literal)[1]
        truths = traced.primal_values(Reading.RECOGNISED, directions, literal)
        names = [f"output {k}" for k in range(len(truths))]
        wrong = [
            _line(f"the tangent of {_entry(name, truth.shape, k)}", value(b), slope(a))
            for name, truth, tangent in zip(names, truths, tangents, strict=True)
            for k, (a, b) in enumerate(zip(truth.ravel(), tangent.ravel(), strict=True))
            if not (slope(a) - value(b)).contains(0)
        ]
    return wrong[:NAMED] + ([f"and {len(wrong) - NAMED} more"] if len(wrong) > NAMED else [])


def _line(what: str, got: arb, true: arb) -> str:
    """Say what a derivative is and should be; a ratio, or how little it is off, says more where it can."""
    numbers = f"{float(got.mid())!r} by its formula, the truth is {float(true.mid())!r}"
    said = f"the derivative for {what} is {numbers}"
    if true.contains(0):
        return said
    off = float(abs(got / true - 1).mid())
    return (
        f"{said}: {float((got / true).mid()):.9g} times it"
        if off > 1e-8
        else f"{said}: off by {off:.2g} of it"
    )


def _named(names: list[str], points: Sequence[Any], index: int) -> str:
    for name, x in zip(names, points, strict=True):
        if index < x.size:
            return _entry(name, x.shape, index)
        index -= x.size
    raise IndexError(index)


def _entry(name: str, shape: Any, index: int) -> str:
    place = ", ".join(str(int(k)) for k in np.unravel_index(index, shape)) if shape else ""
    return f"{name} at [{place}]" if place else name
