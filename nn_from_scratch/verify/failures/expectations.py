"""What is expected of an engine that has not answered yet."""

from __future__ import annotations

import math

from nn_from_scratch.verify.judging.question import Question
from nn_from_scratch.verify.judging.verdicts import Judgement, judge
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.formats import Format


def expectations(working_format: Format, case: Case) -> list[Judgement]:
    """Return what is expected of the value, of each derivative and, at a tie, of their sum.

    They are judgements of NaN: only the truth and the tolerance in them mean anything.
    """
    asked = Question.of(case)
    judgements: list[Judgement] = []
    for directions in (None, [[1.0] * len(case.point)]):
        question = asked.towards(directions)
        value, truth = question.truth()
        rounding = question.rounding(value, truth, working_format)
        if directions is None:
            judgements.append(judge(math.nan, value, rounding.value, working_format))
        judgements += [
            judge(math.nan, ball, radius, working_format)
            for ball, radius in zip(truth, rounding.derivatives, strict=True)
        ]
        tie = any(one.truth.is_finite() and float(one.truth.rad()) > one.tolerance for one in judgements[1:])
        if case.tangent or not tie:
            break
    return judgements
