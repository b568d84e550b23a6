"""Questions ahead of their turn: an engine in another process computes the next while one is judged."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.wire.asker import IN_FLIGHT
from nn_from_scratch.verify.judging.question import representable
from nn_from_scratch.verify.questions.cases import Case

Asked = TypeVar("Asked")


def foreseen(engine: Engine, questions: Iterable[Asked], case_of: Callable[[Asked], Case]) -> Iterator[Asked]:
    """Yield questions in their order, each after the engine was told of those that follow.

    Parameters
    ----------
    engine
        Who is asked. It is not told of what it is known to lack, or to die of.
    questions
        What is asked.
    case_of
        Returns a question's case, as it is given to `examine`.

    """
    waiting: deque[Asked] = deque()
    for question in questions:
        case = case_of(question)
        if case not in engine.deadly and not engine.lacking(case):
            engine.foresee(representable(case, engine.format))
        waiting.append(question)
        if len(waiting) == IN_FLIGHT:
            yield waiting.popleft()
    yield from waiting
