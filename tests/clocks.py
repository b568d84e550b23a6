"""A clock that tests set: what would take minutes takes none."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest


class Clock:
    """A clock, and with it those of `time`, that goes on by a second whenever it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        for clock in ("monotonic", "perf_counter"):
            monkeypatch.setattr(time, clock, partial(self.read, getattr(time, clock)))

    def read(self, clock: Callable[[], float]) -> float:
        return clock() + self.seconds

    def slow(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that takes a second longer."""

        def slow(*arguments: Any) -> Any:
            self.seconds += 1.0
            return function(*arguments)

        return slow
