"""What was found about one promise of a function: a row of the answer."""

from __future__ import annotations

from dataclasses import dataclass

from nn_from_scratch.verify.judging.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Row:
    """One promise: its name, the verdict (None where the function does not make it), and why."""

    name: str
    verdict: Verdict | None
    said: str = ""

    def __str__(self) -> str:
        verdict = "not supported" if self.verdict is None else str(self.verdict)
        return f"{self.name}: {verdict}" + (f": {self.said}" if self.said else "")

    @property
    def accuses(self) -> bool:
        """Whether the function is to blame."""
        return self.verdict is not None and self.verdict.accuses


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or what it is called: a row has room for no more."""
    return beginning(str(error)) or type(error).__name__


def beginning(reason: str) -> str:
    """Return the first line of a reason."""
    return reason.strip().partition("\n")[0]
