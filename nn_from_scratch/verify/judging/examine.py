"""The check of one case: ask the engine, judge value and gradient, ask the other witnesses."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from flint import arb

from nn_from_scratch.verify.engines.answers import Answer, AnswerError
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.errors import is_lacking
from nn_from_scratch.verify.engines.legible import told
from nn_from_scratch.verify.judging.chosen import Choice
from nn_from_scratch.verify.judging.in_reach import InReach
from nn_from_scratch.verify.judging.many_inputs import bisect
from nn_from_scratch.verify.judging.question import Question, representable
from nn_from_scratch.verify.judging.tolerance import Rounding
from nn_from_scratch.verify.judging.verdicts import Judgement, Verdict, judge
from nn_from_scratch.verify.oracles import finite_differences, pytorch
from nn_from_scratch.verify.oracles.kinks import JumpError, UnsettledError
from nn_from_scratch.verify.questions.cases import Case
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
    kink, if witnesses were asked. `choices` at kinks give the answer, where it is no derivative.
    `is_lacking` says that it is the engine's own table that lacks what was asked.
    """

    case: Case
    verdict: Verdict
    value: Judgement | None = None
    gradient: tuple[Judgement, ...] = ()
    error: str = ""
    oracles: dict[str, Testimony] = field(default_factory=dict)
    entries: tuple[int, ...] = ()
    margin: float | None = None
    choices: tuple[Choice, ...] = ()
    is_lacking: bool = False

    @property
    def judgements(self) -> tuple[Judgement, ...]:
        """All judgements, the value's first."""
        return (*([self.value] if self.value else []), *self.gradient)

    @property
    def message(self) -> str:
        """What is wrong, entry by entry; one line each."""
        if self.error.startswith(AnswerError.__name__):
            return f"the engine answered what is no gradient: {self.error.partition(': ')[2]}"
        if self.error:
            return f"the engine raised {self.error}"
        every = _entries(self.case)
        entries = [every[k] for k in self.entries] or every
        value, derivative = names(self.case)
        each = [f"{derivative} for {entry}" for entry in entries]
        if len(self.gradient) < len(each):
            each = [f"{derivative} along a random direction"]
        return "\n".join(
            f"{name} is {one.got!r}, expected {_expected(one)}: {one.reason}"
            for name, one in zip([value, *each], self.judgements, strict=False)
            if one.verdict.accuses
        )


def _expected(judgement: Judgement) -> str:
    """Return the truth, or at a kink the ends of what holds it.

    A ball's radius has 30 bits: an end that is 0 but for these is 0.
    """
    radius = float(judgement.truth.rad())
    if judgement.truth.is_finite() and radius > judgement.tolerance:
        ends = float(judgement.truth.lower()), float(judgement.truth.upper())
        low, high = (0.0 if abs(end) < 2.0**-28 * radius else end for end in ends)
        return f"{low:.6g} to {high:.6g}"
    return repr(judgement.expected)


def names(case: Case) -> tuple[str, str]:
    """Return what the value and a derivative of a case are called."""
    if case.tangent:
        return "the derivative along the tangent", "its derivative"
    return "the value", "the derivative"


def examine(
    engine: Engine, case: Case, *, witnesses: Collection[str] = (), if_accused: Collection[str] = ()
) -> Examination:
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
    if_accused
        Those that are asked as well only where the engine is accused.

    """
    case = representable(case, engine.format)
    asked = Question.of(case)
    value, truth = asked.truth()
    rounding = asked.rounding(value, truth, engine.format)
    try:
        with np.errstate(all="ignore"):
            answer = engine.answer(case)
    except Exception as error:  # noqa: BLE001  whatever an engine raises is an outcome
        # An engine may raise where a value overflows its format, or may lie outside the domain.
        fair = all(ball.is_finite() for ball in (value, *truth)) and rounding.in_range(engine.format)
        # Of numbers alone each operation was asked before, and answered: a table knows no more of them.
        lacking = is_lacking(error) and bool(case.shapes)
        verdict = Verdict.ERROR if fair and not lacking else Verdict.UNDECIDED
        return Examination(case, verdict, error=told(error), is_lacking=lacking)
    found = _judged(engine.format, asked, answer, (value, truth), rounding)
    in_reach = None
    if rounding.kinks:
        found, in_reach = _judged_at_kinks(engine.format, asked, answer, rounding, found)
    if not in_reach and found.verdict.accuses and case.shapes:
        if len(case.point) > _FEW:
            found = _located(engine.format, asked, answer, found)
        else:
            one_by_one = _judged_each(engine.format, asked, answer)
            found = one_by_one if one_by_one.verdict is found.verdict else found
    if (witnesses or if_accused) and not case.tangent:
        chosen = {*witnesses, *(if_accused if found.verdict.accuses else ())}
        testimony = (
            _ask_witnesses_at_kinks(chosen, asked, in_reach, answer, found)
            if in_reach
            else _ask_witnesses(chosen, asked, answer, found, truth)
        )
        found = replace(found, oracles=testimony, margin=asked.margin())
    return found


def _judged(
    working_format: Format,
    asked: Question,
    answer: Answer,
    true: tuple[arb, Sequence[arb]],
    rounding: Rounding,
) -> Examination:
    true_value, truth = true
    value = judge(answer.value, true_value, rounding.value, working_format, summed=rounding.value_scale)
    scale = float(true_value.abs_upper()) if asked.case.tangent and true_value.is_finite() else 0.0
    gradient = tuple(
        judge(got, true, radius, working_format, scale, summed=summed)
        for got, true, radius, summed in zip(
            asked.along(answer.gradient),
            truth,
            rounding.derivatives,
            rounding.derivative_scales,
            strict=True,
        )
    )
    verdict = _overall((value, *gradient), rounding, working_format)
    return Examination(asked.case, verdict, value, gradient)


def _overall(judgements: Sequence[Judgement], rounding: Rounding, working_format: Format) -> Verdict:
    """Return the worst verdict; what overflowed or underflowed on the way is not explained by radii."""
    verdict = max((one.verdict for one in judgements), key=lambda one: one.severity)
    accused = verdict.accuses and not rounding.in_range(working_format)
    return Verdict.UNDECIDED if accused else verdict


def _judged_each(working_format: Format, asked: Question, answer: Answer) -> Examination:
    """Judge each derivative on its own."""
    each = asked.towards(None)
    true = each.truth()
    return _judged(working_format, each, answer, true, each.rounding(*true, working_format))


def _judged_at_kinks(
    working_format: Format, asked: Question, answer: Answer, rounding: Rounding, found: Examination
) -> tuple[Examination, InReach | None]:
    """Judge all derivatives where a kink may be in reach; what was found, and None, where there is none."""
    try:
        in_reach = InReach(asked, working_format)
        if not in_reach.any:
            return found, None
        finding = in_reach.judge(answer)
        choices = in_reach.choices(finding, _entries(asked.case))
    except UnsettledError as error:
        kept = 0 if asked.case.tangent or isinstance(error, JumpError) else 1  # a value is known all the same
        unsettled = [
            one if k < kept else replace(one, verdict=Verdict.UNDECIDED, reason=str(error))
            for k, one in enumerate(found.judgements)
        ]
        verdict = _overall(unsettled, rounding, working_format)
        return replace(found, verdict=verdict, value=unsettled[0], gradient=tuple(unsettled[1:])), None
    judgements = finding.entries
    if found.value and not asked.case.tangent:
        judgements = (found.value, *judgements)
    found = replace(
        found,
        verdict=_overall(judgements, rounding, working_format),
        value=judgements[0],
        gradient=judgements[1:],
        choices=choices,
    )
    return found, in_reach


def _located(working_format: Format, asked: Question, answer: Answer, found: Examination) -> Examination:
    """Find the wrong ones among many derivatives by bisection; each question is one to the oracle only."""
    (along,) = asked.directions or [[]]

    def judged(part: range) -> Judgement:
        only = [d if k in part else 0.0 for k, d in enumerate(along)]
        if len(part) == 1:
            only[part[0]] = 1.0
        narrowed = asked.towards([only])
        true = narrowed.truth()
        rounding = narrowed.rounding(*true, working_format)
        return _judged(working_format, narrowed, answer, true, rounding).gradient[0]

    if not any(one.verdict.accuses for one in found.gradient):
        return found  # it is the value that is wrong
    places = bisect(lambda part: judged(part).verdict.accuses, len(along))
    single = {part[0]: judged(part) for part in places if len(part) == 1}
    if not single:
        return found
    verdict = max((found.verdict, *(one.verdict for one in single.values())), key=lambda one: one.severity)
    return replace(found, verdict=verdict, gradient=tuple(single.values()), entries=tuple(single))


def _entries(case: Case) -> list[str]:
    """Return the name of each number of the point: x0, or x0[1, 2]."""
    if not case.shapes:
        return [f"x{i}" for i in range(len(case.point))]
    return [
        f"x{i}[{', '.join(map(str, entry))}]" if shape else f"x{i}"
        for i, shape in enumerate(case.shapes)
        for entry in np.ndindex(*shape)
    ]


def _installed(witnesses: Collection[str], case: Case) -> list[str]:
    """Return the witnesses that may be asked."""
    return [
        name for name in WITNESSES if name in witnesses and (name != "pytorch" or pytorch.testifies(case))
    ]


def _ask_witnesses(
    witnesses: Collection[str], asked: Question, answer: Answer, found: Examination, truth: Sequence[arb]
) -> dict[str, Testimony]:
    """Compare the engine's derivatives with each oracle's, within the oracle's own error."""
    installed = _installed(witnesses, asked.case)
    names = ["taylor", *installed]
    gradient = found.gradient[: len(truth)]
    if found.verdict is Verdict.UNDECIDED or len(gradient) != len(truth):
        return dict.fromkeys(names, "no answer")
    if asked.directions and found.verdict.accuses:
        return {name: "differs" if name == "taylor" else "no answer" for name in names}
    got = np.array(asked.along(answer.gradient))
    slack = np.array([2 * one.tolerance for one in gradient])  # two right results may each be off by it
    testimony: dict[str, Testimony] = {
        "taylor": "differs" if any(one.verdict.accuses for one in gradient) else "agrees"
    }
    if "finite differences" in names:
        scalar = asked.scalar
        estimate, error = finite_differences.gradient(scalar.expression, scalar.point, asked.directions)
        vague = np.any(error > _rough(scalar, answer, estimate))
        testimony["finite differences"] = "no answer" if vague else _agreement(got - estimate, slack + error)
    if "pytorch" in names:
        theirs = asked.along(pytorch.gradient(asked.case).tolist())
        testimony["pytorch"] = _agreement(got - np.array(theirs), slack)
    return _unless_out_of_range(asked, testimony)


def _rough(scalar: Case, answer: Answer, estimate: finite_differences.Floats) -> float:
    """Return the largest error with which an estimate says something."""
    # A derivative of 0 needs no more digits than a rough number.
    scale = abs(answer.value) / max(1.0, *map(abs, scalar.point))
    return 1e-6 * float(max(*abs(estimate), scale, 1e-6))


def _unless_out_of_range(asked: Question, testimony: dict[str, Testimony]) -> dict[str, Testimony]:
    float64 = FORMATS["float64"]
    if "differs" in testimony.values() and not asked.rounding(*asked.truth(), float64).in_range(float64):
        # They compute in float64 too, and may overflow or underflow where the engine does not.
        testimony |= dict.fromkeys(testimony.keys() - {"taylor"}, "no answer")
    return testimony


def _ask_witnesses_at_kinks(
    witnesses: Collection[str], asked: Question, in_reach: InReach, answer: Answer, found: Examination
) -> dict[str, Testimony]:
    """Compare each oracle with the same truth as the engine: beside a kink both may be right, and differ."""
    installed = _installed(witnesses, asked.case)
    if found.verdict is Verdict.UNDECIDED:
        return dict.fromkeys(["taylor", *installed], "no answer")
    accused = any(one.verdict.accuses for one in found.gradient)
    testimony: dict[str, Testimony] = {"taylor": "differs" if accused else "agrees"}
    if "finite differences" in installed:
        testimony["finite differences"] = _differences_at_kinks(asked, in_reach, answer, found)
    if "pytorch" in installed:
        theirs = in_reach.judge(Answer(answer.value, tuple(pytorch.gradient(asked.case).tolist()))).verdict
        alike = theirs.accuses is accused
        testimony["pytorch"] = (
            "no answer" if theirs is Verdict.UNDECIDED else "agrees" if alike else "differs"
        )
    return _unless_out_of_range(asked, testimony)


def _differences_at_kinks(
    asked: Question, in_reach: InReach, answer: Answer, found: Examination
) -> Testimony:
    """Say whether finite differences see each derivative, or something between the one-sided ones."""
    scalar = asked.scalar
    if len(scalar.point) > _FEW:
        return "no answer"
    estimate, error = finite_differences.gradient(scalar.expression, scalar.point)
    enough = _rough(scalar, answer, estimate)
    if any(e > max(enough, entry.width) for e, entry in zip(error, in_reach.entries, strict=True)):
        return "no answer"
    if any(one.verdict.accuses for one in found.gradient):
        # What no choices give together may lie between the one-sided derivatives, entry by entry.
        seen = any(one.error > one.tolerance + e for one, e in zip(found.gradient, error, strict=True))
        return "differs" if seen else "no answer"
    near = all(
        entry.distance(float(number)) <= entry.tolerance + e
        for entry, number, e in zip(in_reach.entries, estimate, error, strict=True)
    )
    return "agrees" if near else "differs"


def _agreement(difference: finite_differences.Floats, within: finite_differences.Floats) -> Testimony:
    return "agrees" if bool(np.all(np.abs(difference) <= within)) else "differs"
