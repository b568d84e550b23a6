"""What was found of a function and its gradient: a row for each question, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass

from nn_from_scratch.verify.functions.black_box import Measured
from nn_from_scratch.verify.functions.rows import Row
from nn_from_scratch.verify.judging.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class FunctionResult:
    """The verdict on a gradient, and what it rests on.

    Attributes
    ----------
    verdict
        RIGHT, UNDECIDED, INACCURATE or WRONG.
    rows
        What was asked: "rules" (the two formulas, compared exactly), "accuracy" (the gradient's numbers by
        its own formula), "values" (finite differences), "contract", "other shapes"; or "value" alone, where
        that is out of range. A verdict is None where it was not asked, for the reason that it says.
    said
        Why, unless it is right: what is wrong, or what to do to find out.
    measured
        The derivative along a random direction: by finite differences, or, where those were not asked,
        exactly.
    evaluations
        How often the function was called at the point or near it.

    """

    verdict: Verdict
    rows: tuple[Row, ...]
    said: str
    measured: Measured | None
    evaluations: int

    def __bool__(self) -> bool:
        """Whether the gradient was seen to be right."""
        return self.verdict is Verdict.RIGHT

    def __str__(self) -> str:
        """Say it in words: what is wrong first."""
        return "\n".join([*([self.said] if self.said else []), *map(str, self.rows)])

    @property
    def message(self) -> str:
        """What was possible, in one line: of the formula and of the numbers."""
        said = [row.said for row in self.rows if row.name in {"rules", "accuracy"} and row.said]
        return ", ".join(said)

    @property
    def right(self) -> bool:
        """Whether the gradient was seen to be right."""
        return bool(self)

    @property
    def wrong(self) -> bool:
        """Whether the gradient certainly is wrong, or loses digits that its dtype has."""
        return self.verdict.accuses

    @property
    def got(self) -> float:
        """The derivative along the direction by the gradient."""
        return self._measured.got

    @property
    def expected(self) -> float:
        """The derivative along the direction."""
        return self._measured.expected

    @property
    def interval(self) -> float:
        """The largest difference of the two that rounding, noise and truncation explain."""
        return self._measured.interval

    @property
    def kink(self) -> float:
        """By how much more a kink at the point lets them differ."""
        return self._measured.kink

    @property
    def digits(self) -> int:
        """How many digits of the derivative were compared."""
        return self._measured.digits

    def miss_probability(self, error: float) -> float:
        """Bound the probability that a gradient passed although its worst entry is off by `error`."""
        return self._measured.miss_probability(error)

    @property
    def _measured(self) -> Measured:
        if self.measured is None:
            raise AttributeError("nothing was measured: the gradient was refused before")
        return self.measured
