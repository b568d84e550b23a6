"""How far answers are off that are right in at least half of their digits: in tolerances, and in ulps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from nn_from_scratch.verify.judging.examine import Examination
from nn_from_scratch.verify.judging.verdicts import Judgement, Verdict
from nn_from_scratch.verify.questions.formats import Format

_COUNTED = (Verdict.RIGHT, Verdict.INACCURATE)  # what is wrong is told by itself, and is no rounding


@dataclass
class LargestErrors:
    """The largest errors of the answers about one operation that stands alone.

    A tolerance is what rounding may do to the usual formulas; a unit in the last place (ulp) is the distance
    of two neighbouring numbers of the format at the true number, whatever the formula. Ulps are those of
    single numbers: of arrays, whose gradients are judged along a direction, none are counted.
    """

    questions: int = 0
    tolerances: float | None = None
    ulps: float | None = None
    text: str = ""
    """The question with the most ulps."""

    def add(self, seen: Examination, working_format: Format) -> None:
        """Count the answer to one question."""
        self.questions += 1
        if seen.verdict not in _COUNTED:
            return
        for judged in seen.judgements:
            if judged.verdict in _COUNTED and math.isfinite(judged.got):
                self.tolerances = max(self.tolerances or 0.0, judged.in_tolerances)
                if not seen.case.shapes:
                    self._add_ulps(judged, seen, working_format)

    def _add_ulps(self, judged: Judgement, seen: Examination, working_format: Format) -> None:
        unit = ulp(judged.expected, working_format)
        if not unit:
            return
        ulps = judged.error / unit
        if self.ulps is None or ulps > self.ulps:
            self.ulps, self.text = ulps, str(seen.case)

    def told(self) -> dict[str, Any]:
        """Return them as the results JSON has them; None where there is no such answer."""
        ulps = None if self.ulps is None else min(self.ulps, 1e300)
        tolerances = None if self.tolerances is None else min(self.tolerances, 1e300)
        return {"questions": self.questions, "tolerances": tolerances, "ulps": ulps, "text": self.text}


def ulp(x: float, working_format: Format) -> float:
    """Return the distance of neighbouring numbers of a format at `x`; 0 where that says nothing.

    At 0 and where `x` is no finite number, nothing is a last place.
    """
    if x == 0 or not math.isfinite(x):
        return 0.0
    exponent = max(math.frexp(x)[1] - 1, working_format.smallest_exponent)
    return math.ldexp(1.0, exponent - working_format.precision + 1)
