"""What a campaign gives: the results as a dict, ready for JSON, whose truth is the verdict."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

_MOST_TOLD = 3  # failures in a message


class Results(dict[str, Any]):
    """The results of `verify`: a dict in every respect, but that it is true only if the verdict is "right".

    So ``assert verify(engine)`` means what it says. An interrupted run is no pass either.
    """

    __slots__ = ()

    def __bool__(self) -> bool:
        # json's encoder in Python, which writes indented text, takes what is false for empty: it asks for the
        # dict's truth, and is told that.
        if sys._getframe(1).f_globals.get("__name__") == "json.encoder":  # noqa: SLF001
            return len(self) > 0
        return self.get("verdict") == "right" and not self.get("interrupted", False)

    def __repr__(self) -> str:
        """Return the verdict and the first failures, where a dict's text would fill pages."""
        return f"<{self.summary()}>"

    def summary(self) -> str:
        """Return the verdict in a line, and what speaks against the engine: the first failures and alarms."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        grades = ", ".join(f"{name} {outcome}" for name, outcome in self.get("grades", {}).items())
        interrupted = ", interrupted" if self.get("interrupted") else ""
        yield f"{self.get('engine')}: {self.get('verdict')}{interrupted} ({grades})"
        failures = self.get("failures", [])
        for failure in failures[:_MOST_TOLD]:
            yield f"{failure['grade']}: {failure['message']}"
        if len(failures) > _MOST_TOLD:
            yield f"and {len(failures) - _MOST_TOLD} more failures"
        if not failures and not self:
            yield from self.get("alarms", [])[:_MOST_TOLD]
