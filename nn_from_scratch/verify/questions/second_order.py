"""Second derivatives are asked of the same cases, along a tangent."""

from __future__ import annotations

from dataclasses import replace

from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.generate import Below


def with_tangent(case: Case, below: Below) -> Case:
    """Return the case asked to second order, along a tangent of short decimals."""
    return replace(case, tangent=tuple((1 - 2 * below(2)) * (1 + below(2999)) / 1000 for _ in case.point))
