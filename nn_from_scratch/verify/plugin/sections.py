"""What a report says more of what `check` has found in a test: as the command line tells it, with a script.

The test is over by then: of what Hypothesis has drawn, this is the case that it has shrunk.
"""

from __future__ import annotations

from collections.abc import Iterator

from nn_from_scratch.verify.engines.deaths import NotAskedError
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.failures.blame import diagnose
from nn_from_scratch.verify.failures.reproduce import reproducer
from nn_from_scratch.verify.failures.shrink import minimal
from nn_from_scratch.verify.failures.telling import failure
from nn_from_scratch.verify.judging.checking import GradientError
from nn_from_scratch.verify.judging.examine import Examination

_QUESTIONS = 100  # to make one smaller still


def sections_of(error: BaseException) -> list[tuple[str, str]]:
    """Return title and text for each case that an engine was wrong about, in whatever a test has raised."""
    return [
        ("gradient", _told(one.engine, one.result))
        for one in _found_in(error)
        if one.engine is not None and isinstance(one.result, Examination)
    ]


def _found_in(error: BaseException) -> Iterator[GradientError]:
    if isinstance(error, BaseExceptionGroup):  # what Hypothesis raises where it has found several
        for one in error.exceptions:
            yield from _found_in(one)
    elif isinstance(error, GradientError):
        yield error


def _told(engine: Engine, found: Examination) -> str:
    engine.driver.begin_phase()
    try:
        smallest = minimal(engine, found, _QUESTIONS)
        told = failure(engine, smallest, diagnose(engine, smallest), drawn=False)
    except NotAskedError as given_up:
        return f"no smaller case was looked for: {given_up}\n\n{reproducer(engine, found)}"
    return f"{told['message']}\n\n{told['reproducer']}"
