"""Whether a backward's formula is the derivative of its forward, to how many digits, or proved not."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.tracing.constants import Reading, read, unit_roundoff
from nn_from_scratch.verify.functions.tracing.moving import inputs_moved
from nn_from_scratch.verify.functions.tracing.places import at_place
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow, exact, slope, value

ALL_DIGITS = 50.0
"""Digits from which on formulas are called equal outright: balls of 256 bits keep 77 at most."""

_ROUNDINGS = 256.0
"""Of the inputs: a larger difference is none of theirs."""
_PLAIN = 1e-2
"""Of the formula's size, likewise."""
_CHANGES = 0.1
"""Of itself: by so much a difference changes within the rounding of the inputs, if it is made by that."""
_SENSITIVE = 128.0
"""Times the rounding of the inputs, likewise: so much a wrong formula's may change by itself in bfloat16."""
_PLACES = 4
"""Places that inputs and constants are moved to: at one alone a difference may be the same by chance."""
_TIMES_MOVED = 16
"""A difference of so many times its changes, where constants move, is not made by their rounding."""

_GUARD = 1e-8
"""A number up to which one may be added so that nothing is divided by 0, and left out of a derivative.

A larger one, as of a layer norm, is a part of the function for inputs of some sizes.
"""
_GUARDS = 4
"""So many are tried."""

_UNLIKE = 100.0
"""Times a number another is so large that each is moved in proportion, too."""

_FEW_DIGITS = 3.0
"""Up to so many digits, of the terms, two may agree along one direction by chance."""
_OTHERS = 4
"""Directions that are asked then."""
_PART = 0.1
"""Of the larger of the two, over all directions: what differs by more is not the same."""

Formula = Callable[[Reading], Sequence[Shadow]]

Constant = TypeVar("Constant", bound=tuple[object, ...])


class Rule(enum.Enum):
    """How two formulas compare, the gravest last."""

    EQUAL = "equal"
    ROUNDED = "equal up to the rounding of its constants"
    INPUTS = "equal up to the rounding of its inputs"
    SHORT = "equal if constants that are written short stand for what they are short for"
    LEFT_OUT = "equal if a constant that guards against 0 is left out, which is less than its format shows"
    UNKNOWN = "unknown"
    DIFFERENT = "different"


AT_ANY_INPUTS = frozenset({Rule.EQUAL, Rule.ROUNDED, Rule.SHORT, Rule.LEFT_OUT})
"""How formulas compare that are one, whatever the inputs are."""
AT_SUCH_INPUTS = AT_ANY_INPUTS | {Rule.INPUTS}
"""The same, or where they are one for inputs of a kind, but for rounding."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A derivative and what a backward's formula makes of it, as balls; `size` is of the terms."""

    truth: arb
    formula: arb
    size: arb

    @property
    def finite(self) -> bool:
        """Whether both are known; a ball that is not a number would contain everything."""
        return bool(self.truth.is_finite() and self.formula.is_finite() and self.size.is_finite())

    @property
    def different(self) -> bool:
        """Whether the two are proved to differ: both are known, and the ball of the difference excludes 0."""
        return self.finite and not (self.truth - self.formula).contains(0)

    @property
    def digits(self) -> float:
        """To how many decimal digits of the terms' size the two are proved to agree."""
        if not self.finite:
            return 0.0
        error = abs(self.truth - self.formula).abs_upper()
        if error == 0:
            return 77.0
        if self.size == 0:
            return 0.0
        return max(0.0, -float((error / self.size).log().mid()) / math.log(10))

    @property
    def off_by(self) -> arb:
        """The difference over the terms' size, with its sign."""
        return (self.truth - self.formula) / self.size

    @property
    def relative(self) -> float:
        """Its absolute value."""
        return float(abs(self.truth - self.formula).mid() / self.size.mid())


@dataclass(frozen=True, slots=True)
class Rules:
    """What was found of a backward's rules: how the formulas compare, and how closely."""

    rule: Rule
    comparison: Comparison

    def unless(self, others: Rules) -> Rules:
        """Return these, or others if a difference that these do not show, or show less, is seen by them."""
        if others.rule is not self.rule:
            return max(self, others, key=lambda found: [*Rule].index(found.rule))
        wider = others.rule is Rule.DIFFERENT and others.comparison.relative > self.comparison.relative
        return others if wider else self

    def __str__(self) -> str:
        """Say it in words."""
        if self.rule is Rule.EQUAL:
            return f"formula equal at this point to {self.comparison.digits:.0f} digits"
        if self.rule is Rule.DIFFERENT:
            return f"formula proved to differ, by {self.comparison.relative:.2g} of its size"
        return f"formula {self.rule.value}, to {self.comparison.digits:.0f} digits"


def drawn(rng: np.random.Generator, shape: tuple[int, ...]) -> Numbers:
    """Draw an array of signs and unlike sizes: what a direction, or a cotangent, has for every entry."""
    return np.asarray(rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 1.5, shape))


def unlike_sizes(inputs: Sequence[Any]) -> list[Numbers] | None:
    """Return by how much each number is to be moved where their sizes, or units, are unlike; else None.

    Along a direction that moves all by as much, what is wrong for one is next to nothing beside what is right
    for another. A number that is 0 is taken to be of the size of the others in its array, or 1.
    """
    sizes = [_sizes(np.asarray(x, np.float64)) for x in inputs]
    each = np.concatenate([np.ones(0), *(x.ravel() for x in sizes)])
    return sizes if each.size and each.max() > _UNLIKE * each.min() else None


def _sizes(x: Numbers) -> Numbers:
    mean = math.sqrt(float(np.mean(x * x))) if x.size else 0.0
    return np.where(x == 0, mean or 1.0, np.abs(x))


def truth_along(outputs: Sequence[Shadow], cotangents: Sequence[Any]) -> tuple[arb, arb]:
    """Return the derivative of the outputs weighed by cotangents, and the sum of its terms' sizes."""
    return _weighed(outputs, cotangents, slope)


def formula_along(gradients: Sequence[Shadow], directions: Sequence[Any]) -> tuple[arb, arb]:
    """Return the gradients weighed by directions, and the sum of the terms' sizes."""
    return _weighed(gradients, directions, value)


def _weighed(
    shadows: Sequence[Shadow], weights: Sequence[Any], part: Callable[[Any], arb]
) -> tuple[arb, arb]:
    total, size = arb(0), arb(0)
    for shadow, numbers in zip(shadows, weights, strict=True):
        for entry, weight in zip(shadow.ravel(), exact(numbers).ravel(), strict=True):
            if weight == 0:
                continue
            term = part(entry) * weight
            total, size = total + term, size + abs(term)
    return total, size


def compare(
    outputs: Sequence[Shadow],
    cotangents: Sequence[Any],
    gradients: Sequence[Shadow],
    directions: Sequence[Any],
) -> Comparison:
    """Compare series of the outputs with balls of the gradients."""
    truth, truth_size = truth_along(outputs, cotangents)
    formula, formula_size = formula_along(gradients, directions)
    return Comparison(truth, formula, truth_size.max(formula_size))


def judge(
    derivative: Formula,
    gradients: Formula,
    cotangents: Sequence[Any],
    directions: Sequence[Any],
    *,
    dtype: str = "float64",
    rounding: Callable[[], tuple[Comparison, arb] | None] | None = None,
    along: Callable[[int], Comparison] | None = None,
    scale: float = 0.0,
) -> Rules:
    """Judge a backward's formula.

    Parameters
    ----------
    derivative
        Runs the forward over series along `directions`, with constants read as it is told: the outputs.
    gradients
        Runs forward and backward over balls, from `cotangents`: a gradient for each direction.
    cotangents, directions
        A drawn array for each output and each differentiated input.
    dtype
        Of the numbers: what a formula with rounded constants must agree to is half of its digits.
    rounding
        Compares with every constant at one number, and bounds by how much the rounding of those that are not
        recognised changes the difference, all uses of one together: balls take them apart, and may be too
        wide to tell. None where that is not known.
    along
        Compares along another direction, by its number, with constants as the numbers that they are.
    scale
        The size of what may cancel: where all of it does, the two are equal if both are 0 to all digits of
        that.

    """

    def compared(reading: Reading) -> Comparison:
        return compare(derivative(reading), cotangents, gradients(reading), directions)

    first = compared(Reading.RECOGNISED)
    if _vanish(first, scale):
        first = Comparison(first.truth, first.formula, arb(scale))
    if _equal(first):
        return Rules(Rule.EQUAL, first)
    literal = compared(Reading.LITERAL)
    if _equal(literal):
        return Rules(Rule.EQUAL, literal)
    rounded = compared(Reading.ROUNDED)
    if not rounded.finite:
        return Rules(Rule.UNKNOWN, rounded)
    beyond = rounded if rounded.different else _beyond(rounding)
    if beyond is None:
        best = max((c for c in (first, literal, rounded) if not c.different), key=lambda c: c.digits)
        close = max(best.digits, _observed_digits(first, literal)) >= _half_of_the_digits(dtype)
        close = close and _agree_along_others(literal, along)
        if not (close and is_of_no_constants(compared, literal)):
            return Rules(Rule.ROUNDED if close else Rule.UNKNOWN, best)
        beyond = literal
    short = compared(Reading.SHORT)
    if _equal(short):
        return Rules(Rule.SHORT, short)
    reading = Reading.RECOGNISED if first.different else Reading.LITERAL
    return Rules(_of_the_inputs(lambda: compared(reading), dtype, along), beyond)


def moved_by_rounding(
    compared: Callable[[Mapping[Constant, arb]], Comparison], literal: Mapping[Constant, arb]
) -> tuple[Comparison, arb]:
    """Compare with each constant at one number, and bound what the rounding of some changes.

    Parameters
    ----------
    compared
        Compares with constants replaced by numbers.
    literal
        The constants that may stand for other numbers, as the numbers they are; the second of each key is its
        dtype. One after the other is moved by its rounding, wherever it is used, and the changes add up.

    """
    before = compared(literal)
    effect = arb(0)
    for constant, number in literal.items():
        radius = read(float(number.mid()), Reading.ROUNDED, str(constant[1])).rad()
        after = compared({**literal, constant: number + radius})
        effect += abs((after.formula - after.truth) - (before.formula - before.truth)).abs_upper()
    return before, effect


def unless_left_out(
    found: Rules,
    unit: float,
    numbers: Iterable[float],
    without: Callable[[float], Comparison],
) -> Rules:
    """Return how formulas compare, or that they are equal where a small constant is left out of both.

    A derivative is often written without what is added to a denominator or below a logarithm, so that it is
    never 0. That counts where the whole difference is less than the format of the numbers shows.

    Parameters
    ----------
    found
        How they compare as they are.
    unit
        The unit roundoff of the format.
    numbers, without
        The constants of the function, and what compares without one of them.

    """
    if found.rule is not Rule.DIFFERENT or found.comparison.relative >= unit:
        return found
    guards = sorted({x for x in numbers if 0 < x <= _GUARD})
    for number in guards[:_GUARDS]:
        comparison = without(number)
        if _equal(comparison):
            return Rules(Rule.LEFT_OUT, comparison)
    return found


def _equal(comparison: Comparison) -> bool:
    return comparison.finite and not comparison.different and comparison.digits >= ALL_DIGITS


def _vanish(comparison: Comparison, scale: float) -> bool:
    """Whether both are 0, as closely as balls tell, next to what cancelled."""
    if not (comparison.finite and comparison.truth.contains(0) and comparison.formula.contains(0)):
        return False
    largest = max(float(abs(x).abs_upper()) for x in (comparison.truth, comparison.formula))
    return bool(0 < largest <= 10.0**-ALL_DIGITS * scale)


def _beyond(rounding: Callable[[], tuple[Comparison, arb] | None] | None) -> Comparison | None:
    """Return a difference that is at least twice what the rounding of constants makes of it."""
    found = rounding() if rounding is not None else None
    if found is None:
        return None
    comparison, effect = found
    proved = comparison.different and bool(abs(comparison.truth - comparison.formula) > 2 * effect)
    return comparison if proved else None


def _agree_along_others(here: Comparison, along: Callable[[int], Comparison] | None) -> bool:
    """Whether two that agree to few digits of the terms along a direction do so along others as well.

    Half of the digits of a narrow format are few: along a direction in which terms cancel even 0 agrees with
    a derivative to so many.
    """
    if not here.finite or here.digits >= _FEW_DIGITS or along is None:
        return True
    found = [here, *(along(number) for number in range(_OTHERS))]
    gaps = math.hypot(*(float((x.truth - x.formula).mid()) for x in found))
    sizes = math.hypot(*(max(abs(float(x.truth.mid())), abs(float(x.formula.mid()))) for x in found))
    return gaps <= _PART * sizes


def is_of_no_constants(compared: Callable[[Reading], Comparison], here: Comparison) -> bool:
    """Whether a difference is far more than what becomes of it where constants move within their rounding.

    Balls may be too wide to tell, and a direction along which terms cancel shows an error that is small
    beside them. One that is made by the rounding of constants becomes another of its size.
    """
    if not here.different:
        return False
    changes = []
    for which in range(1, _PLACES + 1):
        with at_place(-which):
            there = compared(Reading.MOVED)
        if not there.finite:
            return False
        changes.append(abs(there.off_by - here.off_by))
    return all(bool(_TIMES_MOVED * change < abs(here.off_by)) for change in changes)


def _of_the_inputs(
    compared: Callable[[], Comparison], dtype: str, along: Callable[[int], Comparison] | None
) -> Rule:
    """Say whether a difference is one of the rounding of the inputs: elsewhere within it, it is another.

    What a formula that is wrong is off by, of its size, hardly changes where inputs do in their last digits.
    """
    here, coarse = compared(), max(unit_roundoff(dtype), unit_roundoff("float32"))
    if not here.different or here.relative > min(_ROUNDINGS * coarse, _PLAIN):
        return Rule.DIFFERENT
    unit = unit_roundoff(dtype)
    for which in range(1, _PLACES + 1):
        # Inputs that were computed have gone through a few roundings; of a short format one is much.
        with inputs_moved(which, which * unit if unit < coarse else unit) as moves:
            there = compared()
        if not there.finite or here.relative > _ROUNDINGS * moves.largest:
            return Rule.DIFFERENT
        changes = max(_CHANGES, _SENSITIVE * moves.largest)
        if bool(abs(there.off_by - here.off_by) > changes * abs(here.off_by)):
            return Rule.INPUTS if _agree_along_others(here, along) else Rule.UNKNOWN
    return Rule.DIFFERENT


def _observed_digits(*comparisons: Comparison) -> float:
    return max((c.digits for c in comparisons if c.finite), default=0.0)


def _half_of_the_digits(dtype: str) -> float:
    return -math.log10(unit_roundoff(dtype)) / 2
