"""Direct questions, asked of an engine: every operation in every form and role, before any random graph."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from nn_from_scratch.verify.campaign.ahead import foreseen
from nn_from_scratch.verify.campaign.largest_errors import LargestErrors
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.judging.examine import Examination, examine
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.questions.direct import direct_questions
from nn_from_scratch.verify.questions.formats import Format
from nn_from_scratch.verify.questions.operations import Form
from nn_from_scratch.verify.questions.roles import (
    ALONE,
    BENDS,
    JOINS,
    SCALES,
    DirectQuestion,
    Surroundings,
)


@dataclass
class Direct:
    """What direct questions found: counts of verdicts, by order and by operation, and all that failed."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    second_order: Counter[Verdict] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    undecided: Counter[str] = field(default_factory=Counter)
    conventions: Counter[str] = field(default_factory=Counter)
    alone: dict[str, LargestErrors] = field(default_factory=dict)
    """By operation, how far answers are off where nothing stands around it, to first order."""
    lacks: dict[str, list[str]] = field(default_factory=dict)
    """By operation, the questions that it cannot be asked, beside what `Engine.note` says that it lacks."""
    not_supported: int = 0
    """How many questions the engine cannot be asked."""
    failing: list[tuple[DirectQuestion, Examination]] = field(default_factory=list)

    def add(self, question: DirectQuestion, seen: Examination, working_format: Format) -> None:
        """Count a question that was answered in a format."""
        self.checked[question.operation] += 1
        (self.second_order if question.case.tangent else self.verdicts)[seen.verdict] += 1
        if seen.verdict is Verdict.UNDECIDED:
            self.undecided[question.operation] += 1
        if seen.verdict is Verdict.CONVENTION:
            self.conventions[question.operation] += 1
        if len(question.case.expression.steps) == 1 and not question.case.tangent:
            self.alone.setdefault(question.operation, LargestErrors()).add(seen, working_format)
        if seen.verdict.accuses:
            self.failing.append((question, seen))


def ask_directly(engine: Engine, found: Direct, go_on: Callable[[], bool]) -> bool:
    """Ask an engine all direct questions, as long as `go_on` says so, and count what is found.

    Return whether all were asked.
    """
    return ask_questions(engine, questions_for(engine), found, go_on)


def questions_for(engine: Engine) -> Iterator[DirectQuestion]:
    """Yield every direct question that an engine can be asked, those first that its process died of."""
    yield from deadly_questions(engine)
    yield from direct_questions(
        engine.forms,
        engine.array_forms,
        surroundings(engine),
        second=engine.asks_second_order,
        integers=engine.integers,
        in_python=engine.in_python,
    )


def ask_questions(
    engine: Engine,
    questions: Iterable[DirectQuestion],
    found: Direct,
    go_on: Callable[[], bool] = lambda: True,
) -> bool:
    """Ask an engine direct questions, as long as `go_on` says so, and count what is found.

    Return whether all were asked.
    """
    for question in foreseen(engine, questions, lambda question: question.case):
        if not go_on():
            return False
        if question.case in engine.deadly:
            found.add(question, examine(engine, question.case), engine.format)
            continue
        if engine.lacking(question.case):
            found.not_supported += 1
            continue
        seen = examine(engine, question.case)
        if seen.is_lacking:
            found.not_supported += 1
            continue
        fails = seen.verdict is Verdict.ERROR and question.operation not in engine.broken
        if fails and engine.lacking(question.case, raised=True):
            found.not_supported += 1
            continue
        missing = engine.lack(question.case, may_refuse=question.rare) if fails else _nan_for_none(seen)
        if missing:
            found.not_supported += 1
            found.lacks.setdefault(question.operation, []).append(f"{_shown(question)}: {missing}")
        else:
            found.add(question, seen, engine.format)
    return True


def deadly_questions(engine: Engine) -> Iterator[DirectQuestion]:
    """Yield the questions that the engine's process died of when it was asked what it has."""
    for case in engine.deadly:
        graph = case.expression
        (step,) = graph.steps
        yield DirectQuestion(case, step.operation, graph.operand_kinds(step), ALONE, None, graph.first_step)


def surroundings(engine: Engine) -> Surroundings:
    """Return what may stand around an operation: what is right itself, where there is such a thing."""
    default = Surroundings.of((*engine.forms, *engine.array_forms))
    for candidate in _candidates(engine):
        asked = [
            question
            for form in (candidate.scale, candidate.join)
            for question in direct_questions([form] if form else [], (), candidate)
        ]
        if not any(examine(engine, question.case).verdict.accuses for question in asked):
            default = candidate
            break
    return replace(default, bend=_bend(engine))


def _bend(engine: Engine) -> Form | None:
    """Return the best of what may stand after an operation that is differentiated twice, if any is right."""
    for form in BENDS if engine.asks_second_order else ():
        if form not in engine.forms:
            continue
        asked = (
            question
            for question in direct_questions([form], (), Surroundings(None, None), second=True)
            if question.case.tangent
        )
        if not any(examine(engine, question.case).verdict.accuses for question in asked):
            return form
    return None


def _candidates(engine: Engine) -> Iterator[Surroundings]:
    default = Surroundings.of((*engine.forms, *engine.array_forms))
    for scale in SCALES:
        for join in JOINS:
            if scale in engine.forms and join in engine.forms:
                yield replace(default, scale=scale, join=join)


def _nan_for_none(seen: Examination) -> str:
    """Say so where an engine takes None for NaN, as numpy does for an array: it does not know one bound."""
    is_nan = seen.value is not None and math.isnan(seen.value.got)
    return "None is taken for NaN" if is_nan and None in seen.case.expression.constants else ""


def _shown(question: DirectQuestion) -> str:
    typed = question.case.integers or question.case.only_in_python
    text = question.role if typed else "; ".join(question.case.lines())
    shapes = ", ".join(f"x{k} of shape {shape}" for k, shape in enumerate(question.case.shapes))
    return f"{text} ({shapes})" if shapes else text
