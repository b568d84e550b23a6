"""Single entries of a gradient, each beside its own difference quotient: what a reader wants to see."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nn_from_scratch.verify.functions.black_box import BlackBox
from nn_from_scratch.verify.functions.judging import entry, judge
from nn_from_scratch.verify.functions.locating import wrong_entries
from nn_from_scratch.verify.functions.named.numeric import Numeric
from nn_from_scratch.verify.judging.checking import GradientError, UndecidedError
from nn_from_scratch.verify.judging.verdicts import Verdict

ALL = 64
"""So many entries are all asked about."""
SAMPLE = 48
"""Of more, so many are, evenly spread, beside those that are wrong."""
SECONDS = 5.0
"""How long entries are asked about: what was not reached by then is not shown."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A derivative: got, expected, and by how much they may differ."""

    name: str
    input: int
    place: int
    got: float
    expected: float
    tolerance: float
    verdict: Verdict

    @property
    def error(self) -> float:
        """The difference of the two."""
        return abs(self.got - self.expected)

    @property
    def digits(self) -> int:
        """How many decimal digits of the expected derivative hold, at most 16."""
        if not self.error > 0:
            return 16
        if not 0 < self.error < abs(self.expected):
            return 0
        return min(16, int(-np.log10(self.error / abs(self.expected))))


def measured_entries(numeric: Numeric, seed: int, *, accused: bool) -> tuple[list[Entry], BlackBox | None]:
    """Ask about entries one by one: all, or the wrong ones and a sample; none where values cannot tell.

    What differs in a gradient that is not `accused` is shown as undecided: its formula has been seen to be
    right, or another question has more to say.
    """
    try:
        box = numeric.black_box(seed)
        places = list(_places(box, accused=accused))
    except (ArithmeticError, GradientError, UndecidedError, ValueError):
        return [], None
    norm = float(np.linalg.norm(np.where(np.isfinite(box.slopes), box.slopes, 0.0)))
    largest = float(np.abs(np.where(np.isfinite(box.slopes), box.slopes, 0.0)).max(initial=0.0))
    found: list[Entry] = []
    end = time.monotonic() + SECONDS
    for index in places:
        if time.monotonic() > end:
            break
        found.append(_entry(numeric, box, index, norm, numeric.spare * largest, accused=accused))
    return sorted(found, key=_order), box


def _order(found: Entry) -> tuple[int, int]:
    return found.input, found.place


def _places(box: BlackBox, *, accused: bool) -> Iterator[int]:
    """Yield what to ask about: the wrong entries first."""
    count = len(box.point)
    if count <= ALL:
        yield from range(count)
        return
    wrong: list[int] = []
    if accused:
        judged = judge(box)
        if judged.verdict == "wrong":
            wrong = list(wrong_entries(box, judged)[0])
    yield from wrong
    yield from (int(k) for k in np.unique(np.linspace(0, count - 1, SAMPLE).round()) if k not in wrong)


def _entry(numeric: Numeric, box: BlackBox, index: int, norm: float, spare: float, *, accused: bool) -> Entry:
    length = float(np.abs(box.unit_vector(index)).max())
    measured = entry(box, index, norm * length)
    got, expected = float(box.slopes[index]), measured.expected / length
    tolerance = (measured.interval + measured.kink) / length + spare
    which, place = numeric.located(index)
    verdict = Verdict(measured.verdict)
    if measured.wrong and abs(got - expected) <= tolerance:
        verdict = Verdict.RIGHT
    elif measured.wrong and not accused:
        verdict = Verdict.UNDECIDED
    return Entry(numeric.inputs[which].entry(place), which, place, got, expected, tolerance, verdict)
