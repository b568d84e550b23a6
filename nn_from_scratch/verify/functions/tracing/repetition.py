"""A forward that gives nearly the same numbers again and again may iterate to a limit.

The derivative of its steps is then not the one that is meant, which is that of the limit. The two differ by
about what a step still changes, times the number of the steps.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from nn_from_scratch.verify.functions.tracing.shadows import Numbers

ITERATES = "it may iterate to a limit"
TO_ITS_END = "run it to its end, where the derivative of its steps is that of the limit"

_TIMES, _CHANGE = 4, 1e-2  # so often, and by so little at the end
_OFTEN, _MORE = 8, 0.2  # likewise
_PERIOD = 2  # results that may take turns
_EXPLAINED = 100.0  # times what the steps change
_PLAIN = 1e-2
_UNIT = 2.0**-53


@dataclass
class _Repeated:
    """How often a line gave a result of one shape, and the last ones."""

    last: deque[Numbers] = field(default_factory=lambda: deque(maxlen=_PERIOD + 1))
    times: int = 0

    def add(self, numbers: Numbers) -> None:
        """Add a result."""
        self.times += 1
        self.last.append(numbers.copy())

    @property
    def change(self) -> float:
        """How much the last result differs from one before; a line may compute two things by turns."""
        *before, numbers = self.last
        with np.errstate(all="ignore"):
            size = float(np.max(np.abs(numbers), initial=0)) or 1.0
            changes = [float(np.max(np.abs(numbers - x), initial=0)) / size for x in before]
        return min(changes, default=np.inf)

    @property
    def settles(self) -> bool:
        """Whether it changes little at last."""
        return self.times >= _TIMES and self.change < (_MORE if self.times >= _OFTEN else _CHANGE)


@dataclass
class Repetitions:
    """What the operations of each line gave, and whether that comes to rest."""

    _results: dict[tuple[str, str, tuple[int, ...]], _Repeated] = field(default_factory=dict)

    def note(self, line: str, name: str, numbers: Numbers) -> None:
        """Note what an operation gave."""
        self._results.setdefault((line, name, numbers.shape), _Repeated()).add(numbers)

    @property
    def limit(self) -> str | None:
        """Say that there may be a limit, with the first line that comes to rest; None if none does."""
        return next((f"{ITERATES} ({line})" for (line, *_), x in self._results.items() if x.settles), None)

    def explain(self, relative: float) -> bool:
        """Whether the limit's derivative may differ by so much, relatively, from that of the steps.

        What is plain to see is no limit's.
        """
        settled = [x.times * max(x.change, _UNIT) for x in self._results.values() if x.settles]
        return relative <= min(_EXPLAINED * max(settled, default=0.0), _PLAIN)
