"""Answers that are no derivatives but follow from choices at kinks, as a person wants them."""

from __future__ import annotations

from typing import Any

from nn_from_scratch.verify.judging.examine import Examination
from nn_from_scratch.verify.judging.verdicts import Verdict

MOST_EXAMPLES = 10
_MOST_CHOICES = 20  # of an example


def example(seen: Examination) -> dict[str, Any]:
    """Return an example, for the results JSON: what was asked, what was got, and the choices that give it."""
    case = seen.case
    outside = [one for one in seen.judgements if one.verdict is Verdict.CONVENTION]
    return {
        "text": str(case),
        "expression": case.expression.to_json(),
        "point": list(case.point),
        "shapes": [list(shape) for shape in case.shapes],
        "cotangent": list(case.cotangent),
        "tangent": list(case.tangent),
        "got": [one.got for one in outside],
        "between": [[float(one.truth.lower()), float(one.truth.upper())] for one in outside],
        "choices": [
            {
                "text": str(choice),
                "node": choice.node,
                "kink": choice.kink,
                "operands": list(choice.operands),
                "weights": list(choice.weights),
                "again": choice.again,
            }
            for choice in seen.choices[:_MOST_CHOICES]
        ],
        "more_choices": max(0, len(seen.choices) - _MOST_CHOICES),
    }
