"""The check of one case: ask the engine, judge value and gradient, ask the other witnesses."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from flint import arb

from nn_from_scratch.verify.engines.answers import Answer
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.judging.many_inputs import bisect
from nn_from_scratch.verify.judging.question import Question, representable
from nn_from_scratch.verify.judging.verdicts import Judgement, Verdict, judge
from nn_from_scratch.verify.oracles import finite_differences, pytorch
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.exact_sums import exact_sum
from nn_from_scratch.verify.questions.formats import FORMATS, Format

Testimony = Literal["agrees", "differs", "no answer"]
"""What an oracle says of the engine's gradient."""
WITNESSES = ("finite differences", "pytorch")
"""The oracles beside the truth."""


_FEW = 64  # inputs that are judged one by one


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found: judgements of the value and of derivatives, and what the witnesses said.

    The derivatives are those by each number of the point, where they were judged one by one; for an array
    case that is right, only the one along a random direction. Of many inputs only those that are wrong are
    judged one by one: `entries` are their positions in the point. `margin` is the distance from the nearest
    kink, if witnesses were asked.
    """

    case: Case
    verdict: Verdict
    value: Judgement | None = None
    gradient: tuple[Judgement, ...] = ()
    error: str = ""
    oracles: dict[str, Testimony] = field(default_factory=dict)
    entries: tuple[int, ...] = ()
    margin: float | None = None

    @property
    def judgements(self) -> tuple[Judgement, ...]:
        """All judgements, the value's first."""
        return (*([self.value] if self.value else []), *self.gradient)

    @property
    def message(self) -> str:
        """What is wrong, entry by entry; one line each."""
        if self.error:
            return f"the engine raised {self.error}"
        every = _entries(self.case)
        entries = [every[k] for k in self.entries] or every
        value, derivative = names(self.case)
        each = [f"{derivative} for {entry}" for entry in entries]
        if len(self.gradient) < len(each):
            each = [f"{derivative} along a random direction"]
        return "\n".join(
            f"{name} is {one.got!r}, expected {one.expected!r}: {one.reason}"
            for name, one in zip(
                [value, *each, f"{derivative} along all inputs"], self.judgements, strict=False
            )
            if one.verdict.accuses
        )


def names(case: Case) -> tuple[str, str]:
    """Return what the value and a derivative of a case are called."""
    if case.tangent:
        return "the derivative along the tangent", "its derivative"
    return "the value", "the derivative"


def examine(engine: Engine, case: Case, *, witnesses: Collection[str] = ()) -> Examination:
    """Check the engine's value and gradient of one case.

    A scalar case is judged by each of its derivatives. An array case is judged by the derivative along one
    random direction, which a single wrong entry changes by far more than the tolerance; when that is wrong,
    entry by entry, of many inputs those that bisection finds. The engine is asked once in any case.

    Parameters
    ----------
    engine
        The system under test.
    case
        What is asked, and where.
    witnesses
        Which of `WITNESSES` are asked as well, about first derivatives (PyTorch where it is installed).

    """
    case = representable(case, engine.format)
    asked = Question.of(case)
    value, truth = asked.truth()
    try:
        with np.errstate(all="ignore"):
            answer = engine.answer(case)
    except Exception as error:  # noqa: BLE001  whatever an engine raises is an outcome
        # An engine may raise where a value overflows its format, or may lie outside the domain.
        rounding = asked.rounding(value, truth, engine.format)
        fair = all(ball.is_finite() for ball in (value, *truth)) and rounding.in_range(engine.format)
        verdict = Verdict.ERROR if fair else Verdict.UNDECIDED
        return Examination(case, verdict, error=_legible(error))
    found = _judged(engine.format, asked, answer, value, truth)
    tie = any(map(_is_interval, truth))  # where a direction tells little
    if found.verdict.accuses and case.shapes and len(case.point) > _FEW:
        found = _located(engine.format, asked, answer, found)
    elif case.shapes and (found.verdict.accuses or (tie and len(case.point) <= _FEW)):
        entries = asked.towards(None)
        one_by_one = _judged(engine.format, entries, answer, *entries.truth())
        if one_by_one.verdict.accuses and found.verdict in (one_by_one.verdict, Verdict.RIGHT):
            found = one_by_one
    if witnesses and not case.tangent:
        found = replace(
            found, oracles=_ask_witnesses(witnesses, asked, answer, found, truth), margin=asked.margin()
        )
    return found


def _legible(error: Exception) -> str:
    """Return an exception's name and what it says, on one line that is not too long."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"


def _judged(
    working_format: Format, asked: Question, answer: Answer, true_value: arb, truth: Sequence[arb]
) -> Examination:
    rounding = asked.rounding(true_value, truth, working_format)
    value = judge(answer.value, true_value, rounding.value, working_format, summed=rounding.value_scale)
    scale = float(true_value.abs_upper()) if asked.case.tangent and true_value.is_finite() else 0.0
    gradient = [
        judge(got, true, radius, working_format, scale, summed=summed)
        for got, true, radius, summed in zip(
            asked.along(answer.gradient),
            truth,
            rounding.derivatives,
            rounding.derivative_scales,
            strict=True,
        )
    ]
    if asked.directions is None and not asked.case.tangent and any(_is_interval(ball) for ball in truth):
        # At a tie each derivative alone may be 0 or 1; together they may not be 0 or 2.
        together = asked.towards([[1.0] * len(asked.scalar.point)])
        total, along = together.truth()
        found = together.rounding(total, along, working_format)
        (radius,), (summed,) = found.derivatives, found.derivative_scales
        gradient.append(judge(exact_sum(answer.gradient), along[0], radius, working_format, summed=summed))
    verdict = max((one.verdict for one in (value, *gradient)), key=lambda one: one.severity)
    if verdict.accuses and not rounding.in_range(working_format):
        verdict = Verdict.UNDECIDED  # what overflowed or underflowed on the way is not explained by radii
    return Examination(asked.case, verdict, value, tuple(gradient))


def _located(working_format: Format, asked: Question, answer: Answer, found: Examination) -> Examination:
    """Find the wrong ones among many derivatives by bisection; each question is one to the oracle only."""
    (along,) = asked.directions or [[]]

    def judged(part: range) -> Judgement:
        only = [d if k in part else 0.0 for k, d in enumerate(along)]
        if len(part) == 1:
            only[part[0]] = 1.0
        narrowed = asked.towards([only])
        return _judged(working_format, narrowed, answer, *narrowed.truth()).gradient[0]

    if not any(one.verdict.accuses for one in found.gradient):
        return found  # it is the value that is wrong
    places = bisect(lambda part: judged(part).verdict.accuses, len(along))
    single = {part[0]: judged(part) for part in places if len(part) == 1}
    if not single:
        return found
    verdict = max((found.verdict, *(one.verdict for one in single.values())), key=lambda one: one.severity)
    return replace(found, verdict=verdict, gradient=tuple(single.values()), entries=tuple(single))


def _is_interval(ball: arb) -> bool:
    """Whether the truth is an interval, as at a kink."""
    return bool(ball.is_finite() and ball.rad() > ball.abs_upper() * 2.0**-20)


def _entries(case: Case) -> list[str]:
    """Return the name of each number of the point: x0, or x0[1, 2]."""
    if not case.shapes:
        return [f"x{i}" for i in range(len(case.point))]
    return [
        f"x{i}[{', '.join(map(str, entry))}]" if shape else f"x{i}"
        for i, shape in enumerate(case.shapes)
        for entry in np.ndindex(*shape)
    ]


def _ask_witnesses(
    witnesses: Collection[str], asked: Question, answer: Answer, found: Examination, truth: Sequence[arb]
) -> dict[str, Testimony]:
    """Compare the engine's derivatives with each oracle's, within the oracle's own error."""
    installed = [name for name in WITNESSES if name in witnesses and (name != "pytorch" or pytorch.version())]
    names = ["taylor", *installed]
    gradient = found.gradient[: len(truth)]
    if found.verdict is Verdict.UNDECIDED or len(gradient) != len(truth):
        return dict.fromkeys(names, "no answer")
    if asked.directions and found.verdict.accuses:
        return {name: "differs" if name == "taylor" else "no answer" for name in names}
    got = np.array(asked.along(answer.gradient))
    # Two right results may each be off by the tolerance, and lie at either end of a kink's interval.
    hull = np.array([2 * float(ball.rad()) for ball in truth])
    slack = hull + [2 * one.tolerance for one in gradient]
    testimony: dict[str, Testimony] = {
        "taylor": "differs" if any(one.verdict.accuses for one in gradient) else "agrees"
    }
    if "finite differences" in names:
        scalar = asked.scalar
        estimate, error = finite_differences.gradient(scalar.expression, scalar.point, asked.directions)
        scale = abs(answer.value) / max(1.0, *map(abs, scalar.point))
        # At a kink no answer can be narrower than the truth, and 0 needs no more digits than a rough number.
        vague = any(error > np.maximum(1e-6 * max(*abs(estimate), scale, 1e-6), hull))
        testimony["finite differences"] = "no answer" if vague else _agreement(got - estimate, slack + error)
    if "pytorch" in names:
        theirs = asked.along(pytorch.gradient(asked.case).tolist())
        testimony["pytorch"] = _agreement(got - np.array(theirs), slack)
    float64 = FORMATS["float64"]
    if "differs" in testimony.values() and not asked.rounding(*asked.truth(), float64).in_range(float64):
        # They compute in float64 too, and may overflow or underflow where the engine does not.
        testimony |= dict.fromkeys(names[1:], "no answer")
    return testimony


def _agreement(difference: finite_differences.Floats, within: finite_differences.Floats) -> Testimony:
    return "agrees" if bool(np.all(np.abs(difference) <= within)) else "differs"
