"""What a formula is at drawn inputs of other shapes, where the function takes them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.tracing.arrays.ended import TraceEndedError
from nn_from_scratch.verify.functions.tracing.arrays.examine import PLAIN_TO_SEE, Examination
from nn_from_scratch.verify.functions.tracing.arrays.other_numbers import (
    Drawn,
    OtherNumbers,
    other_numbers,
)
from nn_from_scratch.verify.functions.tracing.arrays.runs import Subject
from nn_from_scratch.verify.functions.tracing.arrays.shapes import (
    has_squares,
    other_inputs,
    same_shapes,
    three_for_one,
)
from nn_from_scratch.verify.functions.tracing.rules import AT_ANY_INPUTS, AT_SUCH_INPUTS, Rule
from nn_from_scratch.verify.judging.verdicts import Verdict

ENOUGH = 2
"""Shapes that are asked, unlike each other and the one given."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What was found elsewhere: RIGHT, WRONG, or UNDECIDED where a size may be meant as a constant.

    Where `decides` is true nothing is right that is undecided there, at other numbers of the same shape.
    """

    verdict: Verdict
    said: str
    decides: bool = False


def examined_elsewhere(subject: Subject, seed: int, *, scalar: bool) -> list[Elsewhere]:
    """Ask at inputs of other shapes; where the function does not take them, nothing is said.

    A function of one number that has one of the given sizes as a constant may be meant for that size only: it
    is told, and not accused.
    """
    found = _with_other_numbers(subject, seed, scalar)
    if found:
        return found
    squares = has_squares(subject.inputs)
    for drawn in other_inputs(subject.inputs, seed):
        if squares and found and not _keeps_squares(subject.inputs, drawn):
            continue  # one square that is none is enough
        asked = _asked(subject, drawn, seed, scalar)
        if asked is not None:
            found.append(asked)
        if len(found) == ENOUGH or (asked is not None and asked.verdict.accuses):
            break
    return found


def _with_other_numbers(subject: Subject, seed: int, scalar: bool) -> list[Elsewhere]:
    """Ask with other numbers in inputs that may hide something; nothing is said if it is right there."""
    for other in other_numbers(subject.inputs, seed):
        found = _with(other, subject, seed, scalar)
        if found is not None:
            return [found]
    return []


def _with(other: OtherNumbers, subject: Subject, seed: int, scalar: bool) -> Elsewhere | None:
    def asked(drawn: Drawn) -> Examination | None:
        inputs = [x if y is None else y for x, y in zip(subject.inputs, drawn, strict=True)]
        examination = Examination(replace(subject.at(inputs), cotangents=()), seed, scalar=scalar)
        try:
            examination.run()
        except TraceEndedError:
            return None
        return examination

    def is_right(drawn: Drawn) -> bool:
        found = asked(drawn)
        return found is not None and found.rules.rule in AT_SUCH_INPUTS

    found = asked(other.drawn)
    if found is None or found.rules.rule is not Rule.DIFFERENT:
        return None
    blamed = other.blames(is_right, plain=found.rules.comparison.relative > PLAIN_TO_SEE)
    if blamed is None:
        return None
    names = ", ".join(f"input {k}" for k, x in enumerate(other.drawn) if x is not None)
    said = f"right where {names} {other.hides}, but with drawn ones: {found.rules}"
    return Elsewhere(Verdict.WRONG if blamed else Verdict.UNDECIDED, _explained(said, found), decides=True)


def _explained(said: str, examination: Examination) -> str:
    """Add to what is said where a formula is wrong, and why, if that can be told."""
    try:
        examination.explain()
    except TraceEndedError:
        return said
    return "\n".join([said, *examination.message.splitlines()[1:]])


def _keeps_squares(inputs: Sequence[Any], drawn: Sequence[Any]) -> bool:
    """Whether equal sizes of one input are equal sizes still."""
    return all(len(set(np.shape(x))) == len(set(np.shape(y))) for x, y in zip(inputs, drawn, strict=True))


def _asked(subject: Subject, drawn: Sequence[Any], seed: int, scalar: bool) -> Elsewhere | None:
    there = replace(subject.at(drawn), cotangents=())
    examination = Examination(there, seed, scalar=scalar)
    try:
        _outputs(subject.at(three_for_one(subject.inputs, drawn)))
        if scalar and _ignores(there, subject.inputs):
            return None
        examination.run()
    except TraceEndedError:
        return None
    found = _found(examination, subject.inputs, scalar)
    if found is None or found.verdict is Verdict.RIGHT:
        return found
    if not _is_general(subject, seed, scalar):
        return None
    return replace(found, said=_explained(found.said, examination)) if found.verdict.accuses else found


def _is_general(subject: Subject, seed: int, scalar: bool) -> bool:
    """Whether the formula holds at drawn numbers of the shapes that were given.

    One that holds for numbers that sum to 1, or for rotations alone, says nothing about shapes.
    """
    for drawn in same_shapes(subject.inputs, seed):
        examination = Examination(replace(subject.at(drawn), cotangents=()), seed, scalar=scalar)
        try:
            examination.run()
        except TraceEndedError:
            return False
        if examination.rules.rule not in AT_ANY_INPUTS:
            return False
    return True


def _found(examination: Examination, given: Sequence[Any], scalar: bool) -> Elsewhere | None:
    """Judge what was found at another shape than the one given."""
    there, rules = examination.subject, examination.rules
    sizes = ", ".join(str(x.shape) for x in there.inputs if isinstance(x, np.ndarray))
    if rules.rule is Rule.EQUAL:
        return Elsewhere(Verdict.RIGHT, f"at inputs of shape {sizes}: {rules}")
    if rules.rule is not Rule.DIFFERENT or rules.comparison.relative <= PLAIN_TO_SEE:
        return None
    said = f"at drawn inputs of shape {sizes}, forward and backward differ: is a size a constant?"
    if not scalar:
        return Elsewhere(Verdict.WRONG, said)
    if _may_be_meant(there, examination, given):
        return Elsewhere(Verdict.UNDECIDED, said)
    said = f"right at the shape given, but not at drawn inputs of shape {sizes}"
    return Elsewhere(Verdict.WRONG, f"{said}: {rules}")


def _ignores(there: Subject, inputs: Sequence[Any]) -> bool:
    """Whether an axis is longer, and the function does not look at what is new: it is of a fixed size."""
    outputs = _outputs(there)
    for k, (x, y) in enumerate(zip(inputs, there.inputs, strict=True)):
        for axis in range(np.ndim(x)):
            if y.dtype.kind != "f" or y.shape[axis] <= x.shape[axis]:
                continue
            moved = y.copy()
            last = [slice(None)] * y.ndim
            last[axis] = slice(-1, None)
            moved[tuple(last)] *= 1 - 2.0**-4
            others = [moved if n == k else z for n, z in enumerate(there.inputs)]
            found = _outputs(there.at(others))
            if all(np.array_equal(a, b, equal_nan=True) for a, b in zip(outputs, found, strict=True)):
                return True
    return False


def _outputs(subject: Subject) -> list[Any]:
    try:
        return subject.plainly().outputs
    except Exception as error:
        raise TraceEndedError(f"it raises {type(error).__name__}") from error


def _may_be_meant(there: Subject, examination: Examination, inputs: Sequence[Any]) -> bool:
    """Whether a difference may be no fault: a number may be a size, or the entries are too few."""
    pairs = zip(inputs, there.inputs, strict=True)
    if any(np.ndim(x) == 1 and np.size(x) > np.size(y) == 1 for x, y in pairs):
        return True  # the first and the last entry are one
    given = {size for x in inputs for size in np.shape(x)} | {np.size(x) for x in inputs}
    now = {size for x in there.inputs for size in np.shape(x)} | {np.size(x) for x in there.inputs}
    made = {float(size + k) for size in given - now - {1} for k in (-1, 0, 1)}
    # Any formula has 1 and 2; and the root of the size of a square is its side.
    made |= {math.sqrt(x) for x in made} - {2.0} - {float(x) for x in now}
    made -= {0.0, 1.0}
    made |= {1 / x for x in made}
    return any(math.isclose(abs(number), x, rel_tol=1e-6) for number in examination.numbers for x in made)
