"""Second derivatives are asked of the same cases, along a tangent."""

from __future__ import annotations

from dataclasses import replace

from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.generate import Choose


def with_tangent(case: Case, choose: Choose) -> Case:
    """Return the case asked to second order, along a tangent of short decimals."""
    return replace(case, tangent=tuple((1 - 2 * choose(2)) * (1 + choose(2999)) / 1000 for _ in case.point))
