"""Asking again and again with other objects in memory, where an answer may hang on the order of a set.

Between two questions more and more small objects are kept alive (`engines.disturbing`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from nn_from_scratch.verify.engines.deaths import DeathError
from nn_from_scratch.verify.engines.disturbing import disturb
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.questions.cases import Case

TIMES = 300
"""How often a script asks: what happens once in twenty times is missed by one script in five million."""

STATE_LEFT_OVER = "state left over from an earlier pass"
UNSTEADY = "right or wrong from one time to the next, as by the order of a set in memory"
RANDOM = "another answer each time"

_ENOUGH = 16  # answers that are all the same


def answers(engine: Engine, case: Case, times: int = _ENOUGH) -> Iterator[tuple[float, ...] | str]:
    """Yield value and derivatives, or the name of what was raised, time after time."""
    kept: list[list[bytes]] = []
    for attempt in range(times):
        disturb(kept, attempt)
        engine.driver.disturb(attempt)
        try:
            with np.errstate(all="ignore"):
                answer = engine.answer(case)
        except DeathError as death:
            yield type(death).__name__  # it was asked again alone: once more would tell nothing new
            return
        except Exception as error:  # noqa: BLE001  whatever an engine raises was judged before
            yield type(error).__name__
        else:
            yield tuple(map(float, (answer.value, *answer.gradient)))


def is_steady(engine: Engine, case: Case) -> bool:
    """Whether the engine answers the same each time."""
    return kind_of_change([*answers(engine, case)]) == ""


def kind_of_change(answers: Sequence[tuple[float, ...] | str]) -> str:
    """Tell why answers to one question differ; nothing if they do not."""
    texts = list(map(repr, answers))  # by its text NaN is NaN
    if len(set(texts)) == 1:
        return ""
    raised = {answer for answer in answers if isinstance(answer, str)}
    later = texts[len(texts) // 2 :]
    if len(set(later)) == 1 or len(set(texts)) == len(texts):
        if raised:
            return f"raises {min(raised)} when it is asked again"
        settled = len(set(later)) == 1
        return STATE_LEFT_OVER if settled or _only_grows(answers) else RANDOM
    return UNSTEADY


def _only_grows(answers: Sequence[tuple[float, ...] | str]) -> bool:
    """Whether every number moves one way only, as what is added to again and again does."""
    steps = np.diff(np.array(answers, dtype=np.float64), axis=0)
    return bool(np.all(np.all(steps >= 0, axis=0) | np.all(steps <= 0, axis=0)))
