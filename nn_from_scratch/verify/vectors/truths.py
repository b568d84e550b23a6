"""The true answers to a case, number by number, and how far each format's rounding may move them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from flint import arb

from nn_from_scratch.verify.judging.at_kinks import AtKinks
from nn_from_scratch.verify.judging.question import Question, representable
from nn_from_scratch.verify.judging.tolerance import Rounding, rounding_of_value
from nn_from_scratch.verify.judging.verdicts import Verdict, judge
from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.oracles.kinks import UnsettledError
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.formats import FORMATS, Format
from nn_from_scratch.verify.questions.lower import lower
from nn_from_scratch.verify.vectors.at_kinks import Accepted, accepted, all_exact
from nn_from_scratch.verify.vectors.decimals import (
    Enclosed,
    HugeError,
    UncertainError,
    enclosed,
    rounded_up,
)

PRECISIONS = (256, 1024, 4096)
"""Bits with which the truth is computed: as few of these as tell its digits."""
_SMALLEST = 5e-324

OTHER_NUMBERS = "its numbers are not all of this format"
OUT_OF_RANGE = "out of range on the way"
NO_DIGIT = "rounding leaves no digit"
NEAR_A_KINK = "a kink is within rounding"


@dataclass(frozen=True, slots=True)
class Truth:
    """The true numbers of an answer, in the order in which a program says them.

    Parameters
    ----------
    numbers
        One for each number that is said; None at a kink, for a derivative that does not exist.
    tolerances
        By format, for each number how far it may be off; None where rounding leaves no digit.
    left_out
        Why a case is not judged in the other formats.
    kinks
        What is accepted, where the case lies at kinks.

    """

    numbers: list[Enclosed | None]
    tolerances: dict[str, list[str | None]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    kinks: Accepted | None = None


def truth_of(case: Case, precisions: Sequence[int] = PRECISIONS) -> Truth | None:
    """Return the truth about a case; None where no format can be judged by it.

    Parameters
    ----------
    case
        What is asked.
    precisions
        In bits: more of them are tried where fewer do not tell the digits.

    """
    answers = _Answers(case)
    for precision in precisions:
        try:
            return _truth(answers, precision)
        except UncertainError:
            continue
        except (HugeError, UnsettledError):
            return None
    return None


def _truth(answers: _Answers, precision: int) -> Truth | None:
    balls = answers.balls(precision)
    if not all(ball.is_finite() for ball in balls[: answers.values]):
        return None
    at_kinks = answers.kinks_in(FORMATS["float64"])
    choices = None
    if at_kinks and at_kinks.kinks.open and all_exact(at_kinks):
        choices = None if answers.case.tangent else accepted(at_kinks)
        if choices is None:
            return None
        numbers = [*map(enclosed, balls[: answers.values]), *choices.truth()]
    else:
        numbers = [*map(enclosed, balls)]
    found = Truth(numbers, kinks=choices)
    for name, working_format in FORMATS.items():
        tolerances = answers.tolerances(working_format, balls, at_kinks=choices is not None)
        if isinstance(tolerances, str):
            found.left_out[name] = tolerances
        else:
            found.tolerances[name] = tolerances
    return found if found.tolerances else None


class _Answers:
    """The numbers that the program of a case says: the entries of its value, then derivatives."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.asked = Question.of(case).towards(None)
        self.parts = [lower(part) for part in _entries(case)] if case.shapes else [replace(case, tangent=())]
        self.values = len(self.parts)
        self._roundings: dict[Format, Rounding] = {}

    def balls(self, precision: int) -> list[arb]:
        """Enclose all of them."""
        scalar = self.asked.scalar
        if self.case.tangent:
            derivative, derivatives = taylor.enclose_second(
                scalar.expression, scalar.point, scalar.tangent, precision=precision
            )
            return [*self._values(precision), derivative, *derivatives]
        value, derivatives = taylor.enclose(scalar.expression, scalar.point, precision)
        return [*(self._values(precision) if self.case.shapes else [value]), *derivatives]

    def _values(self, precision: int) -> list[arb]:
        nowhere = [[0.0] * len(self.case.point)]  # the direction of no derivative
        return [taylor.enclose(part.expression, part.point, precision, nowhere)[0] for part in self.parts]

    @cached_property
    def _truth(self) -> tuple[arb, list[arb]]:
        return self.asked.truth()

    def kinks_in(self, working_format: Format) -> AtKinks | None:
        """Return what is known of kinks that a format's rounding may reach, if there are any.

        Raises
        ------
        UnsettledError
            Where rounding decides what function it is.

        """
        if not self._rounding(working_format).kinks:
            return None
        scalar = self.asked.scalar
        found = AtKinks(scalar.expression, scalar.point, working_format)
        return found if found.any else None

    def _rounding(self, working_format: Format) -> Rounding:
        if working_format not in self._roundings:
            self._roundings[working_format] = self.asked.rounding(*self._truth, working_format)
        return self._roundings[working_format]

    def tolerances(
        self, working_format: Format, balls: Sequence[arb], *, at_kinks: bool
    ) -> list[str | None] | str:
        """Return how far each number may be off in a format, or why nothing can be judged in it."""
        if representable(self.case, working_format) != self.case:
            return OTHER_NUMBERS
        rounding = self._rounding(working_format)
        if not rounding.in_range(working_format):
            return OUT_OF_RANGE
        try:
            kinks = self.kinks_in(working_format)
        except UnsettledError:
            return NEAR_A_KINK
        if (kinks is not None) != at_kinks or (kinks and not all_exact(kinks)):
            return NEAR_A_KINK
        radii = [rounding_of_value(part.expression, part.point, working_format) for part in self.parts]
        if kinks is None:
            if self.case.tangent:
                radii.append((rounding.value, rounding.value_scale))
            radii += zip(rounding.derivatives, rounding.derivative_scales, strict=True)
        texts = [_tolerance(ball, *one, working_format) for ball, one in zip(balls, radii, strict=False)]
        if kinks:
            if not all(entry.known() for entry in kinks.entries):
                return NO_DIGIT
            texts += [rounded_up(entry.tolerance) for entry in kinks.entries]
        return texts if any(texts) else NO_DIGIT


def _entries(case: Case) -> list[Case]:
    """Return the case of each entry of an array's value."""
    first, count = replace(case, tangent=()), len(case.cotangent)
    return [
        replace(first, cotangent=tuple(float(k == entry) for k in range(count))) for entry in range(count)
    ]


def _tolerance(truth: arb, radius: float, scale: float, working_format: Format) -> str | None:
    """Return what the suite's own judgement allows; None where it decides nothing."""
    got = float(truth.mid()) or _SMALLEST  # not 0: to meet a true 0 is right, however much was summed
    found = judge(got, truth, radius, working_format, summed=scale)
    if found.verdict is not Verdict.RIGHT or not math.isfinite(found.tolerance):
        return None
    return rounded_up(found.tolerance)
