"""Inputs that a backward has copies of: it is right where they are what was copied, and nowhere else.

A backward that reads a global, or a weight of its module, in place of what it was given is right at the one
point where both are the same: its formula has the numbers of an input as constants, or numbers that were
computed from it before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nn_from_scratch.verify.functions.tracing.constants import Reading, is_certain, unit_roundoff
from nn_from_scratch.verify.functions.tracing.moving import inputs_moved
from nn_from_scratch.verify.functions.tracing.rules import AT_ANY_INPUTS, Comparison, Rule
from nn_from_scratch.verify.functions.tracing.shadows import Numbers

_MOVED = 2.0**-20
"""The part of themselves that inputs are moved by: no comparison of theirs is likely to turn."""
_ALL, _SINGLE, _LONG = 101, 102, 103
"""Places that nothing else is moved to: what is computed at a place may be kept."""
_FEW, _MANY_DIGITS = 4, 12
"""Binary digits that a number has at most, if somebody wrote it: of a short format, and of a long one."""
_MANY = 0.5
"""The part of some numbers that has so few, if somebody wrote them."""
_SEVERAL = 2
"""So many sizes beside 0 and 1 say whose numbers they are, though somebody wrote them."""
_ROUNDINGS = 4
"""By so many units of the last place a multiple of an input may be off."""
_TOLD = 2.0**-32
"""Of a formula's size: more than that its difference changes there, if it has a constant for an input."""
_OF_ITSELF = 2.0**-3
"""Of that difference: what the rounding of constants makes of it changes by less, where phases are no larger
than some thousands."""


def copied(constants: Sequence[Numbers], inputs: Mapping[str, Numbers]) -> str | None:
    """Return the name of the first input that a constant is a copy of, in the input's format, or None.

    Numbers that somebody may have written say nothing where they are few, as 0.5, or ones and zeros, nor does
    one number in an array.
    """
    for name, numbers in inputs.items():
        if _says_whose_it_is(numbers) and any(_is_copy(x, numbers) for x in constants):
            return name
    return None


def _says_whose_it_is(numbers: Numbers) -> bool:
    if not numbers.size:
        return False
    sizes = np.unique(np.abs(numbers))
    return not _are_written(numbers) or int(np.sum((sizes != 0) & (sizes != 1))) >= _SEVERAL


def stand_for(
    constants: Iterable[Numbers], forward: Iterable[Numbers], inputs: Mapping[str, Numbers]
) -> list[str]:
    """Return the names of the inputs that a constant of the gradient alone may be computed from.

    Such a one has as many numbers as the input, or is made of some of them; or it is any that nobody wrote,
    as a mean or a norm, unless inputs are of a kind that a gradient may be right for alone. What is a
    constant of the forward, too, in whatever order, is none.
    """
    known = {_in_order(x) for x in forward}
    own = [x for x in constants if _are_computed(x) and _in_order(x) not in known]
    measured = {name: numbers for name, numbers in inputs.items() if _are_measured(numbers)}
    if own and _are_of_no_kind(inputs.values()):
        return list(measured)
    return [name for name, numbers in measured.items() if any(_may_be_of(x, numbers) for x in own)]


def _may_be_of(constant: Numbers, numbers: Numbers) -> bool:
    if constant.size == 1:
        return False
    with np.errstate(over="ignore"):
        return constant.size == numbers.size or bool(np.isin(constant.astype(numbers.dtype), numbers).all())


def _are_of_no_kind(inputs: Iterable[Numbers]) -> bool:
    """Whether no inputs are seen to be of a kind that a gradient may be right for alone."""
    return not any(map(_are_of_a_kind, inputs))


def _are_of_a_kind(numbers: Numbers) -> bool:
    """Whether rows or columns, or all numbers, sum to 0 or 1, or are of length 1."""
    if numbers.size < 2:
        return False
    wide = numbers.astype(np.float64)
    near = _ROUNDINGS * wide.size * unit_roundoff(str(numbers.dtype)) * max(1.0, float(np.abs(wide).max()))
    axes = (None, *range(wide.ndim)) if wide.ndim > 1 else (None,)
    sums = [np.sum(part, axis=axis) for axis in axes for part in (wide, wide * wide)]
    return any(bool(np.all(np.abs(x - whole) <= near)) for x in sums for whole in (0.0, 1.0))


def _in_order(numbers: Numbers) -> bytes:
    return np.sort(numbers, axis=None).tobytes()


def _are_computed(constant: Numbers) -> bool:
    """Whether a constant is of numbers that nobody wrote: a single one is no simple number's rounding."""
    if constant.size != 1:
        return _are_measured(constant)
    floats = constant.dtype.kind == "f" and bool(np.isfinite(constant).all())
    return floats and not is_certain(float(constant.item()), str(constant.dtype))


def _are_measured(numbers: Numbers) -> bool:
    """Whether an array has numbers that nobody wrote."""
    return numbers.size > 1 and numbers.dtype.kind == "f" and not _are_written(numbers)


def _are_written(numbers: Numbers) -> bool:
    """Whether half of some numbers or more have no more than half of the digits of the longest of them.

    So many have those that somebody writes, as 0.5 and 12, of whatever format they are; of numbers with all
    digits of their format hardly one has.
    """
    significands, _ = np.frexp(np.where(np.isfinite(numbers), numbers, 0).astype(np.float64))
    whole = np.abs(significands * 2.0**53).astype(np.int64)
    digits = 53 - np.log2(np.maximum(whole & -whole, 1)).astype(np.int64)
    longest = int(np.max(digits, initial=0, where=whole > 0))
    return bool(np.mean(digits <= min(max(longest // 2, _FEW), _MANY_DIGITS)) >= _MANY)


def _is_single(numbers: Numbers) -> bool:
    return numbers.size == 1


def _is_copy(constant: Numbers, numbers: Numbers) -> bool:
    """Whether a constant is an input, which may have been transposed, or a multiple of one that is an array.

    What is computed from constants alone is one to some tracers, as 2 W is.
    """
    if constant.size != numbers.size:
        return False
    with np.errstate(over="ignore"):
        held = constant.astype(numbers.dtype).ravel()
    return any(_is_multiple(held, x.ravel()) for x in (numbers, numbers.T))


def _is_multiple(numbers: Numbers, other: Numbers) -> bool:
    if numbers.size == 1 or not other.all():
        return np.array_equal(numbers, other)
    with np.errstate(all="ignore"):
        ratios = numbers / other
        unit = unit_roundoff(str(ratios.dtype))
        return bool(np.ptp(ratios) <= 2 * _ROUNDINGS * unit * abs(ratios[0]))


@dataclass(frozen=True, slots=True)
class Nearby:
    """What becomes of a formula that is right where the inputs are, where they are moved a little.

    Attributes
    ----------
    differs
        Whether it is not the derivative there.
    moves
        Whether it gives other numbers there.

    """

    differs: bool
    moves: bool

    @classmethod
    def of(
        cls,
        compared: Callable[[Reading], Comparison],
        which: Callable[[Numbers], bool] | None = None,
        place: int = _ALL,
    ) -> Nearby:
        """Compare the formulas here and there, constants as the numbers that they are.

        Moved are `which` inputs, or all, to a `place` where no others are.
        """
        here = compared(Reading.LITERAL)
        with inputs_moved(place, _MOVED, which):
            there = compared(Reading.LITERAL)
        if not (here.finite and there.finite and here.size != 0 and there.size != 0):
            return cls(differs=False, moves=True)
        moves = bool(abs(there.formula - here.formula) > _TOLD * here.size)
        told = _TOLD + _OF_ITSELF * abs(here.off_by)
        return cls(differs=bool(abs(there.off_by - here.off_by) > told), moves=moves)


def right_here_alone(
    constants: Iterable[Numbers],
    forward: Iterable[Numbers],
    inputs: Mapping[str, Numbers],
    compared: Callable[[Reading], Comparison],
    rule: Rule,
    *,
    may_be_fixed: bool,
) -> str | None:
    """Say why a formula is right at the point asked alone, where constants stand for inputs, or nothing.

    Parameters
    ----------
    constants
        Those of the formula.
    forward
        Those of the forward.
    inputs
        By their names.
    compared
        Compares the formulas, with constants read as it is told: see `judge`.
    rule
        How they compare here. Where they are equal up to the rounding of the inputs, it may be right for such
        as these alone, as for distributions, and no array is moved, nor one number beside others: unless a
        constant may be computed from inputs that are seen to be of no such kind.
    may_be_fixed
        Whether a gradient that stays where the inputs move is one that was computed for this point, which was
        asked about.

    """
    known = list(constants)
    single = {name: x for name, x in inputs.items() if x.size == 1}
    anywhere = rule in AT_ANY_INPUTS
    name = copied(known, inputs if anywhere else single)
    measured = not may_be_fixed and anywhere and any(map(_are_measured, known))
    if name or measured:
        there = Nearby.of(compared)
        if there.differs and name and (there.moves or not may_be_fixed):
            return _COPIED.format(name)
        if there.differs and measured and not there.moves:
            return _FIXED
    of_no_kind = rule is Rule.INPUTS and _are_of_no_kind(inputs.values())
    names = stand_for(known, forward, inputs) if anywhere or of_no_kind else []
    if names:
        there = Nearby.of(compared, _are_measured, _LONG)
        if there.differs and (there.moves or not may_be_fixed):
            return _COMPUTED.format(" or ".join(names))
    if (
        single
        and (anywhere or len(single) == 1 or of_no_kind)
        and Nearby.of(compared, _is_single, _SINGLE).differs
    ):
        is_fixed = may_be_fixed and not Nearby.of(compared).moves
        return None if is_fixed else _WRITTEN.format(" or ".join(single))
    return None


_COPIED = (
    "right at this point alone: the gradient has the numbers of {} as a constant, and is wrong where others "
    "are given: is a global, or a weight of a module, read in place of what was given?"
)
_FIXED = (
    "right at this point alone: where the inputs are others the derivative stays as it is, and is wrong: it "
    "was computed for this point, or keeps its inputs"
)
_COMPUTED = (
    "right at this point alone: the gradient has constants that the function has not, and is wrong where the "
    "inputs are others: are they computed from {}, or some of its numbers?"
)
_WRITTEN = (
    "right at this point alone: it is wrong where {} is another number: is one written in the gradient in "
    "its place?"
)
