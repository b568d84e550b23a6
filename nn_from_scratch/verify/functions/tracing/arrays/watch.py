"""Signs of progress from a long trace."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

PAUSE = 0.5
"""Seconds between two signs."""

RUNS = 5
"""How often forward and backward run until a right gradient is right, the local check counted as one."""

Report = Callable[[int, int, str], None]
"""Called as report(done, of, words)."""


@dataclass
class Watch:
    """Counts scalar operations, and tells of them every half second."""

    report: Report
    of: int = 0
    done: int = 0
    last: float = field(default_factory=time.monotonic)

    def expect(self, operations: int) -> None:
        """Say how many operations one run has."""
        self.of, self.done = RUNS * operations, 0

    def add(self, operations: int) -> None:
        """Count operations."""
        self.done += operations
        now = time.monotonic()
        if self.of and now - self.last >= PAUSE:
            self.last = now
            self.report(min(self.done, self.of), self.of, "scalar operations traced")
