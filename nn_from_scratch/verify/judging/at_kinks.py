"""The judgement of a gradient where kinks are in reach.

The truth are the exact one-sided derivatives along each input. Where they agree there is a derivative, and
nothing else is it. An answer that is not the derivative, but follows from one choice at each kink, is a
convention. What lies between the one-sided derivatives is right if one choice at each kink gives it, all
entries together; what no choice gives is wrong. A kink that an engine's rounding may take for one counts as
what it is and as what it may be taken for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import cached_property

from flint import arb

from nn_from_scratch.verify.judging.choices import Explanation, Weights, explain, fraction
from nn_from_scratch.verify.judging.rounded_numbers import MARGIN
from nn_from_scratch.verify.judging.rounding_at_kinks import held_values, magnitudes
from nn_from_scratch.verify.judging.splits import OpenGradient, Split, open_gradient
from nn_from_scratch.verify.judging.usual_choices import usual_choices
from nn_from_scratch.verify.judging.verdicts import Judgement, Verdict
from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.oracles.kinks import Kinks, State, find
from nn_from_scratch.verify.oracles.one_sided import OneSided
from nn_from_scratch.verify.oracles.selections import as_selections
from nn_from_scratch.verify.questions.expressions import Expression
from nn_from_scratch.verify.questions.formats import Format

Explain = Callable[[Sequence[float]], list[Explanation]]
"""Explains an answer within tolerances, one for each entry."""


class Place(StrEnum):
    """Where an answer lies."""

    RIGHT = "right"
    """At the derivative: the one-sided ones agree."""
    BETWEEN = "between"
    """Between one-sided derivatives that differ."""
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Entry:
    """One number that is asked: the one-sided truths, how far rounding may move it, and what it is a sum of.

    `size` is the sum of the magnitudes of all terms.
    """

    sides: Sequence[arb]
    tolerance: float
    size: float

    @classmethod
    def of(cls, sides: Sequence[arb], radius: float, size: float, working_format: Format) -> Entry:
        """Return an entry whose tolerance is a radius of rounding times the margin."""
        return cls(sides, MARGIN * radius + working_format.smallest, size)

    def known(self) -> bool:
        """Whether rounding leaves a digit of it."""
        return math.isfinite(self.tolerance) and all(side.is_finite() for side in self.sides)

    def place(self, got: float, tolerance: float) -> Place:
        """Return where an answer lies, within a tolerance."""
        within, answer = Fraction(tolerance), Fraction(got)
        lowest = min(fraction(side.lower()) for side in self.sides)
        highest = max(fraction(side.upper()) for side in self.sides)
        if not lowest - within <= answer <= highest + within:
            return Place.OUTSIDE
        return Place.RIGHT if highest - lowest <= within else Place.BETWEEN

    @property
    def hull(self) -> arb:
        """The ball that holds every one-sided truth."""
        with taylor.working(taylor.PRECISION):
            hull = self.sides[0]
            for side in self.sides[1:]:
                hull = hull.union(side)
            return hull

    @property
    def width(self) -> float:
        """How far the one-sided truths lie apart."""
        return 2 * float(self.hull.rad())

    def distance(self, number: float) -> float:
        """Return how far a number lies from what the one-sided truths enclose."""
        with taylor.working(taylor.PRECISION):
            return float((arb(number) - self.hull).abs_lower()) if math.isfinite(number) else math.inf

    def judgement(self, verdict: Verdict, reason: str, got: float) -> Judgement:
        """Return what is said of an answer."""
        return Judgement(verdict, reason, got, self.hull, self.distance(got), self.tolerance)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is said of each entry, and choices that give those which are no derivatives, by split."""

    entries: tuple[Judgement, ...]
    weights: Weights

    @property
    def verdict(self) -> Verdict:
        """The verdict on all of them."""
        return max((one.verdict for one in self.entries), key=lambda one: one.severity)


def judge_entries(
    entries: Sequence[Entry],
    got: Sequence[float],
    working_format: Format,
    explained: Explain,
    *,
    doubtful: bool,
) -> Finding:
    """Judge an answer: entry by entry, and by choices where that is not enough.

    Parameters
    ----------
    entries, got
        The truth and the answer.
    working_format
        The engine's floating-point format.
    explained
        Explains the answer by choices.
    doubtful
        Whether the point may be taken for a kink, for want of digits, where there is none.

    """
    if not all(entry.known() for entry in entries):
        reason = "too close to the edge of the domain for this precision"
        return Finding(
            tuple(
                entry.judgement(Verdict.UNDECIDED, reason, x) for entry, x in zip(entries, got, strict=True)
            ),
            {},
        )
    if not all(map(math.isfinite, got)):
        judgements = [
            entry.judgement(Verdict.RIGHT, "not judged, as others are no numbers", number)
            if math.isfinite(number)
            else entry.judgement(Verdict.WRONG, f"{number} is no finite number", number)
            for entry, number in zip(entries, got, strict=True)
        ]
        return Finding(tuple(judgements), {})
    tight = [entry.tolerance for entry in entries]
    places = _places(entries, got, tight)
    verdicts = dict.fromkeys(range(len(entries)), (Verdict.RIGHT, "the derivative"))
    weights: Weights = {}
    if set(places) != {Place.RIGHT}:
        half = 2.0 ** -(working_format.precision // 2)
        loose = [max(entry.tolerance, half * entry.size) for entry in entries]
        for part in explained(tight):
            found = _said(part, places, doubtful=doubtful)
            if found[0] is Verdict.WRONG and _explains(
                explained(loose), part.entries, _places(entries, got, loose)
            ):
                found = (Verdict.INACCURATE, f"{found[1]}, but for half of the digits")
            for k in part.entries:
                if places[k] is not Place.RIGHT:
                    verdicts[k] = found
                    weights |= part.weights
    judgements = [
        entry.judgement(*verdicts[k], number)
        for k, (entry, number) in enumerate(zip(entries, got, strict=True))
    ]
    return Finding(tuple(judgements), weights)


def _places(entries: Sequence[Entry], got: Sequence[float], tolerances: Sequence[float]) -> list[Place]:
    return [entry.place(*one) for entry, *one in zip(entries, got, tolerances, strict=True)]


def _said(part: Explanation, places: Sequence[Place], *, doubtful: bool) -> tuple[Verdict, str]:
    """Return the verdict on those entries of a part that are not at the derivative."""
    outside = any(places[k] is Place.OUTSIDE for k in part.entries)
    if part.possible is None:
        return Verdict.UNDECIDED, "whether choices at the kinks give it is not known"
    if not part.possible:
        alone = "no choice at the kinks gives it"
        return Verdict.WRONG, alone if outside else f"{alone} and the others together"
    if not outside:
        return Verdict.RIGHT, "between the one-sided derivatives, by one choice at each kink"
    if doubtful:
        return Verdict.UNDECIDED, "whether the point lies at a kink is not known"
    return Verdict.CONVENTION, "not the derivative, but what one choice at each kink gives"


def _explains(parts: Sequence[Explanation], entries: Sequence[int], places: Sequence[Place]) -> bool:
    """Whether choices may give some entries, or they are at the derivative."""
    part = next(part for part in parts if part.entries == entries)
    return part.possible is not False or all(places[k] is Place.RIGHT for k in entries)


class AtKinks:
    """First derivatives of a scalar expression at a point where a kink may be in reach.

    Raises
    ------
    UnsettledError
        By this and everything that it is asked: where nothing can be said, see `kinks.find`.

    """

    def __init__(self, expression: Expression, point: Sequence[float], working_format: Format) -> None:
        selecting = as_selections(expression)
        held = held_values(selecting.expression, point, working_format)
        self.kinks: Kinks = find(selecting, point, held)
        self.expression = expression
        self.format = working_format

    @property
    def any(self) -> bool:
        """Whether a kink is in reach."""
        return bool(self.kinks.open)

    @cached_property
    def entries(self) -> list[Entry]:
        """The truth for each input."""
        sides = [list(pair) for pair in OneSided(self.kinks, near_is_exact=True).derivatives()]
        if self.kinks.has(State.NEAR) and not self.kinks.has(State.UNDECIDED):
            as_they_are = OneSided(self.kinks, near_is_exact=False).derivatives()
            sides = [[*both, *pair] for both, pair in zip(sides, as_they_are, strict=True)]
        return [
            Entry.of(both, one.radius, one.size, self.format)
            for both, one in zip(sides, magnitudes(self.kinks, self.format), strict=True)
        ]

    @cached_property
    def gradient(self) -> OpenGradient:
        """The gradient with its choices left open."""
        return open_gradient(self.kinks)

    @property
    def splits(self) -> list[Split]:
        """The kinks that derivatives pass."""
        return self.gradient.splits

    @cached_property
    def _usual(self) -> list[Weights]:
        return usual_choices(self.kinks, self.expression, self.splits)

    def judge(self, got: Sequence[float]) -> Finding:
        """Judge a gradient."""

        def explained(tolerances: Sequence[float]) -> list[Explanation]:
            exactly = [*map(Fraction, got)]
            return explain(self.gradient, exactly, [*map(Fraction, tolerances)], self._usual)

        doubtful = self.kinks.has(State.UNDECIDED)
        return judge_entries(self.entries, got, self.format, explained, doubtful=doubtful)
