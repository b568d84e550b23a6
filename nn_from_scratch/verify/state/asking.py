"""Whole questions that an engine is asked twice: whether it answers the same, and leaves what it is given.

Answers that differ are no contradiction while each is right within its rounding: an engine may add in another
order each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nn_from_scratch.verify.engines.answers import Answer
from nn_from_scratch.verify.engines.driver import Driver
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.session import MoveError
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.questions import programs
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Arithmetic
from nn_from_scratch.verify.questions.generate import case, seeded
from nn_from_scratch.verify.questions.generate_arrays import array_case

Said = str | list[float]
"""The value and the gradient in one list, or the name of what was raised."""

_SCALARS, _ARRAYS = 20, 10  # questions
_SEED = -1  # none of a campaign's graphs


def cases(engine: Engine) -> Iterator[Case]:
    """Yield the questions that are asked more than once: the same in every process."""
    if engine.forms:
        yield from (case(seeded(_SEED, k), engine.forms) for k in range(_SCALARS))
    # What an engine that transforms functions is known to lack depends on what it was asked before: not here.
    forms = engine.array_forms if engine.has_tape else engine.claimed_array_forms
    if forms:
        drawn = (array_case(seeded(_SEED, _SCALARS + k), forms) for k in range(_ARRAYS))
        yield from (case for case in drawn if not (engine.has_tape and engine.lacking(case)))


def said(engine: Engine, asked: Case) -> Said:
    """Ask an engine."""
    try:
        with np.errstate(all="ignore"):
            answer = engine.answer(asked)
    except Exception as error:  # noqa: BLE001  whatever an engine raises is an answer
        return type(error).__name__
    return [answer.value, *answer.gradient]


def contradict(engine: Engine, asked: Case, first: Said, second: Said) -> bool:
    """Whether two answers to one question differ by more than rounding."""
    if isinstance(first, str) or isinstance(second, str):
        return first != second
    if np.array_equal(first, second, equal_nan=True):
        return False
    return any(examine(_answering(engine, answer), asked).verdict.accuses for answer in (first, second))


def run(engine: Engine, asked: Case, *moves: list[Any]) -> list[Any]:
    """Ask a case as a program, with further moves after it; return what is said.

    Raises
    ------
    Exception
        Whatever the engine raises.

    """
    program = programs.of_case(asked, tape=engine.has_tape, leaves=range(asked.expression.inputs))
    try:
        return engine.session().run([*program, *moves])
    except MoveError as error:
        raise error.reason from error


def changed_arrays(engine: Engine) -> tuple[dict[str, Case], int]:
    """Find a question for each thing that the engine writes into; return how many it answered, too."""
    changed: dict[str, Case] = {}
    answered = 0
    for asked in cases(engine):
        if not asked.shapes:
            continue
        with suppress(Exception), np.errstate(all="ignore"):  # whatever it raises is told by others
            *_, written = run(engine, asked, ["changed"])
            answered += 1
            changed |= {what: asked for what in written if what not in changed}
    return changed, answered


@dataclass(frozen=True, slots=True)
class _Recorded(Driver):
    """A driver that answers what was answered before."""

    recorded: Answer

    def answer(self, operations: Arithmetic, case: Case) -> Answer:  # noqa: ARG002
        return self.recorded

    def forward(self, operations: Arithmetic, case: Case) -> object:  # noqa: ARG002
        return self.recorded.value


def _answering(engine: Engine, answer: Sequence[float]) -> Engine:
    return replace(engine, driver=_Recorded(Answer(answer[0], tuple(answer[1:]))), second_order=False)
