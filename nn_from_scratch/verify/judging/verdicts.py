"""Verdicts: what can be said of one number that an engine returned, and why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from flint import arb

from nn_from_scratch.verify.judging.rounded_numbers import MARGIN
from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.questions.formats import Format


class Verdict(StrEnum):
    """The outcomes, from best to worst."""

    RIGHT = "right"
    """Within the derived tolerance; at a kink, between the one-sided derivatives, by one choice at each."""
    CONVENTION = "convention"
    """Not the derivative, but what one choice at each kink gives."""
    UNDECIDED = "undecided"
    """Outside the domain, or so ill-conditioned that rounding may change all digits."""
    INACCURATE = "inaccurate"
    """Beyond the tolerance, but at least half of the digits hold."""
    WRONG = "wrong"
    """Beyond both."""
    ERROR = "error"
    """The engine raised, or returned something that is no number."""

    @property
    def severity(self) -> int:
        """Return a number that is larger for a worse verdict."""
        return _SEVERITY[self]

    @property
    def accuses(self) -> bool:
        """Whether the engine is to blame."""
        return self.severity >= Verdict.INACCURATE.severity


_A_DIGIT = 16
"""How much smaller than what was summed a tolerance is that still tells something: a hexadecimal digit."""
_SEVERITY = {verdict: rank for rank, verdict in enumerate(Verdict)}


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one number.

    `error` is its distance from the nearest number that may be the truth (which at a kink is an interval),
    `tolerance` the largest error that rounding explains; both are absolute.
    """

    verdict: Verdict
    reason: str
    got: float
    truth: arb
    error: float
    tolerance: float

    @property
    def in_tolerances(self) -> float:
        """The error as a multiple of the tolerance; 0 where there is nothing to compare with."""
        return 0.0 if math.isnan(self.error) else self.error / self.tolerance

    @property
    def expected(self) -> float:
        """The truth's midpoint, rounded to float64."""
        return float(self.truth.mid()) if self.truth.is_finite() else math.nan


def judge(
    got: float,
    truth: arb,
    radius: float,
    working_format: Format,
    scale: float = 0.0,
    *,
    summed: float = 0.0,
) -> Judgement:
    """Judge one number against the ball that contains its true value.

    Parameters
    ----------
    got
        What the engine returned.
    truth
        The enclosure from `oracles.taylor`.
    radius
        How far rounding may move the result (`tolerance.rounding`), absolute.
    working_format
        The engine's floating-point format.
    scale
        The size of what may have cancelled to leave this number: an error beyond the tolerance, but small
        beside it, is no sign of a wrong formula.
    summed
        At least the largest term that was summed on the way. No digit is known where the tolerance reaches
        the truth itself, and a sixteenth of that term.

    """
    if not truth.is_finite():
        return Judgement(Verdict.UNDECIDED, "outside the domain", got, truth, math.nan, math.nan)
    with taylor.working(taylor.PRECISION):
        magnitude = float(truth.abs_upper())
        error = float((arb(got) - truth).abs_lower()) if math.isfinite(got) else math.inf
    # Nobody is asked for more than the nearest number of the format, subnormal ones included.
    smallest = working_format.smallest
    tolerance = MARGIN * max(radius, working_format.unit_roundoff * magnitude) + smallest
    if not math.isfinite(got):
        if math.isinf(radius):
            reason = "too close to the edge of the domain for this precision"
            return Judgement(Verdict.UNDECIDED, reason, got, truth, math.inf, tolerance)
        return Judgement(Verdict.WRONG, f"{got} is no finite number", got, truth, math.inf, tolerance)
    if error <= tolerance:
        within = MARGIN * radius
        unknown = within >= magnitude and within * _A_DIGIT >= summed
        if unknown and radius > 0 and not (got == 0 and truth.contains(0)):
            reason = "ill-conditioned: rounding alone may change every digit"
            return Judgement(Verdict.UNDECIDED, reason, got, truth, error, tolerance)
        return Judgement(Verdict.RIGHT, "within the derived tolerance", got, truth, error, tolerance)
    # Chosen: what cancels, or is computed in the next lower format, keeps about half; a wrong rule none.
    half_of_the_digits = 2.0 ** -(working_format.precision // 2) * max(magnitude, scale)
    ratio = f"the error {error:.2g} is {error / tolerance:.3g} times the tolerance {tolerance:.2g}"
    if tolerance == smallest:
        ratio = f"the error is {error:.2g}, and no rounding explains any"
    verdict = Verdict.INACCURATE if error <= half_of_the_digits else Verdict.WRONG
    return Judgement(verdict, ratio, got, truth, error, tolerance)
