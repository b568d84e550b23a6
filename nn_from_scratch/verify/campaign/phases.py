"""The phases of a check: what an engine was not asked that dies too often, or takes too long."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from nn_from_scratch.verify.engines.deaths import Death, NotAskedError
from nn_from_scratch.verify.engines.engine import Engine

T = TypeVar("T")
_MOST = 3  # ways to end that are told of a kind: what a program prints may be another each time


class TimeIsUpError(NotAskedError):
    """The engine is asked no more of a phase: it took too long."""


class Phases:
    """The phases of the check of an engine.

    Parameters
    ----------
    engine
        The system under test.

    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.not_asked: dict[str, str] = {}
        """By phase, why not all of it was asked."""
        self.stopped_by_time = False

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Ask in a phase, and leave it where the engine is asked no more."""
        self._engine.driver.begin_phase()
        try:
            yield
        except NotAskedError as given_up:
            self.not_asked[name] = str(given_up)
            self.stopped_by_time |= isinstance(given_up, TimeIsUpError)


def within(seconds: float, things: Iterable[T]) -> Iterator[T]:
    """Yield what is to be asked, one thing after another as long as there is time.

    Raises
    ------
    TimeIsUpError
        If there is more when the time is up. What is asked is not cut short.

    """
    end = time.monotonic() + seconds
    for thing in things:
        if time.monotonic() > end:
            raise TimeIsUpError(f"it took more than {seconds:g} s")
        yield thing


def told_deaths(deaths: list[Death]) -> list[dict[str, Any]]:
    """Return deaths as JSON values: those that are the same once, with their number."""
    counts = Counter(deaths)
    return [
        {
            "outcome": death.kind,
            "message": death.words,
            "when asked again alone": "the same" if death.again else "answered",
            "printed": death.printed,
            "times": times,
        }
        for death, times in counts.items()
    ]


def alarms_of_deaths(deaths: list[Death], not_asked: dict[str, str]) -> list[str]:
    """Say that the engine's process died, and what was not asked because of that."""
    told = Counter((death.kind, death.words) for death in deaths)
    most, left = dict[tuple[str, str], int](), Counter[str]()
    for (kind, words), times in told.items():
        if sum(kind == other for other, _ in most) < _MOST:
            most[kind, words] = times
        else:
            left[kind] += times
    found = [_ended(times, f"{kind}, {words}") for (kind, words), times in most.items()]
    found += [_ended(times, f"{kind}, in other words") for kind, times in left.items()]
    return found + [f"{phase}: not all was asked, for {why}" for phase, why in not_asked.items()]


def _ended(times: int, how: str) -> str:
    return f"the engine's process ended {times} time{'s' * (times > 1)}: {how}"
