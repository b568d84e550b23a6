"""Digits that an engine's formula loses although the question would allow them.

The tolerance allows whatever the usual formulas lose, so that nobody is accused for using one: 1 - s, in the
derivative of a sigmoid s, has no digit left at 40. What a better formula could keep is bounded by the
numbers asked alone: each may be off by half a unit in its last place, which moves a result f by u |x f'(x)|,
and the result is rounded once more, by u |f|, where u is the unit roundoff (conditioning: Higham, Accuracy
and Stability of Numerical Algorithms, 2nd edition, section 1.6). As many decimal digits as the error is
larger were lost without need.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from nn_from_scratch.verify.judging.examine import Examination, names
from nn_from_scratch.verify.judging.verdicts import Judgement, Verdict
from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.questions.formats import Format

_FEW = 4  # roundings: no formula is blamed for them


@dataclass(frozen=True, slots=True)
class Loss:
    """How many decimal digits are lost at most, and where."""

    digits: float = 0.0
    example: str = ""

    def larger(self, other: Loss) -> Loss:
        """Return the larger of two."""
        return other if other.digits > self.digits else self


def avoidable_loss(seen: Examination, working_format: Format) -> Loss:
    """Return the digits that one operation, asked alone, loses in its value or in a derivative.

    Parameters
    ----------
    seen
        A scalar case of first order; of what is wrong no digits are counted.
    working_format
        The format of the engine.

    """
    worst = Loss()
    value, derivative = names(seen.case)
    whats = (value, *(f"{derivative} for x{k}" for k in range(len(seen.case.point))))
    for index, (what, judged) in enumerate(zip(whats, seen.judgements, strict=False)):
        if not _counts(judged, working_format):
            continue
        unit, truth = working_format.unit_roundoff, abs(judged.expected)
        if judged.error <= _FEW * unit * truth:
            continue
        allowed = unit * (truth + sum(_moved(seen, index)))
        if judged.error > _FEW * allowed:
            most = working_format.precision * math.log10(2)
            digits = min(math.log10(judged.error / allowed), most) if allowed else most
            text = f"{seen.case}: {what} is {judged.got!r}, expected {judged.expected!r}"
            worst = worst.larger(Loss(digits, text))
    return worst


def _counts(judged: Judgement, working_format: Format) -> bool:
    """Whether digits can be counted: there is a number of the format to be met, and it is roughly met."""
    smallest, largest = (2.0**e for e in (working_format.smallest_exponent, working_format.largest_exponent))
    in_range = smallest <= abs(judged.expected) <= largest
    roughly = judged.verdict in (Verdict.RIGHT, Verdict.UNDECIDED, Verdict.INACCURATE)
    return roughly and math.isfinite(judged.got) and in_range


def _moved(seen: Examination, index: int) -> Iterator[float]:
    """Yield how much a relative change of each number of the point moves the value, or a derivative."""
    case = seen.case
    if index == 0:
        _, slopes = taylor.enclose(case.expression, case.point)
    else:
        direction = [float(k == index - 1) for k in range(len(case.point))]
        _, slopes = taylor.enclose_second(case.expression, case.point, direction)
    for x, slope in zip(case.point, slopes, strict=True):
        yield abs(x) * float(slope.abs_upper()) if slope.is_finite() else math.inf
