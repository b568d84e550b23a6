"""Digits that are lost, told apart by their pattern over many points.

Each way of losing digits leaves errors of its own size: a lower format loses as much everywhere, terms that
cancel lose what is small beside them, and a few units in the last place stay a few. A factor that is nearly 1
is none of these: its errors are as large as a formula's, and always the same part of the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nn_from_scratch.verify.failures.expectations import expectations
from nn_from_scratch.verify.judging.question import representable
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.formats import FORMATS, Format

Floats = npt.NDArray[np.float64]

CANCELLATION = "digits lost, as when terms cancel"
_FEW = 64  # units of rounding: a chain of operations loses no more, and any lower format thousands
_TOLERANCES = 16  # as much, where the question itself makes digits hard to get
_TYPICAL = 2.0**-6  # of a format's rounding: at simple numbers its errors are less, hardly elsewhere


@dataclass(frozen=True, slots=True)
class Answered:
    """What an engine answered at a point, and what is expected: the value first, then each derivative.

    At a tie the sum of all derivatives is last. What is not known is NaN, and not `wrong`.
    """

    case: Case
    got: Floats
    expected: Floats
    tolerance: Floats
    wrong: npt.NDArray[np.bool_]


def kind_of_loss(working_format: Format, probes: Sequence[Answered], entries: Sequence[int]) -> str:
    """Tell how digits of some entries are lost; nothing if it is no loss of digits.

    Parameters
    ----------
    working_format
        The engine's format.
    probes
        What it answered at the point of the failure, and at points elsewhere.
    entries
        What is wrong there: 0 is the value.

    """
    columns = list(entries)
    got, expected, tolerance = (
        np.array([getattr(probe, name)[columns] for probe in probes])
        for name in ("got", "expected", "tolerance")
    )
    known = np.isfinite(expected)
    # At a tie the sum of all derivatives may be all that is wrong.
    if not known.any() or not np.isfinite(got[known]).all():
        return ""
    with np.errstate(all="ignore"):
        errors = np.where(known, np.abs(got - expected), 0.0)
        unit = working_format.unit_roundoff
        few = np.maximum(_FEW * unit * np.abs(expected), _TOLERANCES * tolerance)
        if np.all(errors[known] <= few[known]):
            units = np.max((errors / (2 * unit * np.abs(expected)))[known & (expected != 0)], initial=1.0)
            return f"off by a few units in the last place: {max(1, round(float(units)))}"
        lower = _lower_format(working_format, probes, columns, got, expected)
        if lower:
            return f"precision loss ({lower} inside)"
        sizes = np.array([[_size(probe.case)] for probe in probes])
        terms = np.maximum(np.abs(expected), sizes)
        if np.all(errors[known] <= _FEW * unit * terms[known]):
            return CANCELLATION
    return ""


def _size(case: Case) -> float:
    """Return the size of what may have cancelled: the numbers of the question, or 1."""
    return max(1.0, *map(abs, (*case.point, *case.cotangent, *case.tangent)))


def _lower_format(
    working_format: Format, probes: Sequence[Answered], columns: list[int], got: Floats, expected: Floats
) -> str:
    """Return the name of the format in which errors of this size are usual, at all points but one.

    They are of no constant part of the result, as those of a factor are.
    """
    told = np.isfinite(expected) & (expected != 0)
    signed = np.array((got - expected) / np.abs(expected))[told]
    if not signed.size or np.ptp(signed) <= 0.1 * np.max(np.abs(signed)):
        return ""
    smallest = np.sort(np.abs(signed))[min(len(columns), len(signed) - 1)]
    for name, lower in FORMATS.items():
        if lower.precision >= working_format.precision or smallest < _TYPICAL * lower.unit_roundoff:
            continue
        usual = (
            np.all((np.abs(mine - true) <= _allowed(lower, probe)[columns]) | ~np.isfinite(true))
            for probe, mine, true in zip(probes, got, expected, strict=True)
        )
        if all(usual):  # most are not even at the first point
            return name
    return ""


def _allowed(lower: Format, probe: Answered) -> Floats:
    """Return the errors of a computation in a lower format, of inputs that are rounded to it first."""
    here = expectations(lower, probe.case)
    there = expectations(lower, representable(probe.case, lower))
    return np.array(
        [
            one.tolerance + 2 * abs(one.expected - other.expected)
            for one, other in zip(here, [*there, *here[len(there) :]], strict=False)
        ]
        + [np.inf] * (len(probe.got) - len(here))
    )
