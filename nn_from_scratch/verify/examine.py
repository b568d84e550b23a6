"""The check of one case: ask the engine, judge value and gradient, hear the other witnesses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from flint import arb

from nn_from_scratch.verify.engines import Engine
from nn_from_scratch.verify.expressions import Case
from nn_from_scratch.verify.oracles import finite_differences, pytorch, taylor
from nn_from_scratch.verify.tolerance import rounding
from nn_from_scratch.verify.verdicts import Judgement, Verdict, judge

Hearing = Literal["agrees", "differs", "no answer"]
"""What an oracle says of the engine's gradient."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found: judgements of the value and of each gradient entry, and what the witnesses said."""

    case: Case
    verdict: Verdict
    value: Judgement | None = None
    gradient: tuple[Judgement, ...] = ()
    error: str = ""
    oracles: dict[str, Hearing] = field(default_factory=dict)

    @property
    def judgements(self) -> tuple[Judgement, ...]:
        """All judgements, the value's first."""
        return (*([self.value] if self.value else []), *self.gradient)

    @property
    def message(self) -> str:
        """What is wrong, entry by entry; one line each."""
        if self.error:
            return f"the engine raised {self.error}"
        names = ["the value", *(f"the derivative for x{i}" for i in range(len(self.gradient)))]
        return "\n".join(
            f"{name} is {one.got!r}, expected {one.expected!r}: {one.reason}"
            for name, one in zip(names, self.judgements, strict=True)
            if one.verdict.accuses
        )


def examine(engine: Engine, case: Case, *, witnesses: bool = False) -> Examination:
    """Check the engine's value and gradient of one case.

    Parameters
    ----------
    engine
        The system under test.
    case
        What is asked, and where.
    witnesses
        Whether PyTorch (where installed) and finite differences are asked as well.

    """
    expression, point = case.expression, case.point
    true_value, true_gradient = taylor.enclose(expression, point)
    try:
        with np.errstate(all="ignore"):
            answer = engine.answer(expression, point)
    except Exception as error:  # noqa: BLE001  whatever an engine raises is an outcome
        smooth = all(ball.is_finite() for ball in (true_value, *true_gradient))
        verdict = Verdict.ERROR if smooth else Verdict.UNDECIDED
        return Examination(case, verdict, error=f"{type(error).__name__}: {error}")
    radii = rounding(expression, point, true_gradient, engine.format)
    value = judge(answer.value, true_value, radii.value, engine.format)
    gradient = tuple(
        judge(got, truth, radius, engine.format)
        for got, truth, radius in zip(answer.gradient, true_gradient, radii.gradient, strict=True)
    )
    verdict = max((one.verdict for one in (value, *gradient)), key=lambda one: one.severity)
    if verdict.accuses and not radii.in_range(engine.format):
        verdict = Verdict.UNDECIDED  # what overflowed or underflowed on the way is not explained by radii
    hearings = _hear(case, value.expected, answer.gradient, gradient, true_gradient) if witnesses else {}
    return Examination(case, verdict, value, gradient, oracles=hearings)


def _hear(
    case: Case, value: float, got: Sequence[float], judgements: Sequence[Judgement], truth: Sequence[arb]
) -> dict[str, Hearing]:
    """Compare the engine's gradient with each oracle, within the oracle's own error."""
    if any(one.verdict is Verdict.UNDECIDED for one in judgements):
        return dict.fromkeys(("taylor", "finite differences", *_pytorch()), "no answer")
    accused = any(one.verdict.accuses for one in judgements)
    # Two right results may each be off by the tolerance, and lie at either end of a kink's interval.
    slack = [2 * one.tolerance + 2 * float(ball.rad()) for one, ball in zip(judgements, truth, strict=True)]
    estimate, error = finite_differences.gradient(case.expression, case.point)
    vague = any(error > 1e-6 * max(*abs(estimate), abs(value) / max(1.0, *map(abs, case.point))))
    return {
        "taylor": "differs" if accused else "agrees",
        "finite differences": "no answer" if vague else _compare(got, estimate, slack + error),
        **{name: _compare(got, pytorch.gradient(case.expression, case.point), slack) for name in _pytorch()},
    }


def _pytorch() -> tuple[str, ...]:
    return ("pytorch",) if pytorch.version() else ()


def _compare(got: Sequence[float], theirs: Iterable[float], within: Iterable[float]) -> Hearing:
    close = all(abs(g - t) <= w for g, t, w in zip(got, theirs, within, strict=True))
    return "agrees" if close else "differs"
