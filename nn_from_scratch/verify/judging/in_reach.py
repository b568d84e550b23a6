"""A question at a point where kinks are in reach: judges any answer to it, an engine's or a witness's."""

from __future__ import annotations

from collections.abc import Sequence

from nn_from_scratch.verify.engines.answers import Answer
from nn_from_scratch.verify.judging.at_kinks import AtKinks, Entry, Finding
from nn_from_scratch.verify.judging.chosen import Choice, chosen
from nn_from_scratch.verify.judging.question import Question
from nn_from_scratch.verify.judging.second_at_kinks import SecondAtKinks
from nn_from_scratch.verify.questions.formats import Format


class InReach:
    """First or second derivatives where a kink is in reach of an engine's format.

    Raises
    ------
    UnsettledError
        By this and everything that it is asked: where nothing can be said.

    """

    def __init__(self, asked: Question, working_format: Format) -> None:
        scalar = asked.scalar
        self._first = AtKinks(scalar.expression, scalar.point, working_format)
        self._second: SecondAtKinks | None = None
        if scalar.tangent and self.any:
            self._second = SecondAtKinks(self._first, scalar.tangent)

    @property
    def any(self) -> bool:
        """Whether there is a kink, on closer inspection."""
        return self._first.any

    @property
    def entries(self) -> list[Entry]:
        """The truth: of the gradient, or of the derivative along the tangent followed by its gradient."""
        return self._second.entries if self._second else self._first.entries

    def judge(self, answer: Answer) -> Finding:
        """Judge an answer, but for the value if first derivatives are asked."""
        if self._second:
            return self._second.judge([answer.value, *answer.gradient])
        return self._first.judge(answer.gradient)

    def choices(self, finding: Finding, inputs: Sequence[str]) -> tuple[Choice, ...]:
        """Tell the choices of a finding, given the name of each number of the point."""
        splits = (self._second or self._first).splits
        return chosen(self._first.kinks, self._first.expression, splits, finding.weights, inputs)
