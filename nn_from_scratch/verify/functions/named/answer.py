"""What a door answers about a function: its rows, and the verdict that follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nn_from_scratch.verify.functions.rows import Row
from nn_from_scratch.verify.judging.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows and the verdict, which may be better than that of the worst row: one may outrule another.

    `said` is what is said of it all, and `measured` what else is known, such as the noise of the function.
    """

    rows: tuple[Row, ...]
    verdict: Verdict
    said: str = ""
    measured: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Sequence[Row], **measured: Any) -> Answer:
        """Return rows of which each counts: the worst one is the verdict, and of none it is UNDECIDED."""
        verdicts = [row.verdict for row in rows if row.verdict is not None]
        worst = max(verdicts, key=lambda x: x.severity, default=Verdict.UNDECIDED)
        return cls(tuple(rows), worst, measured=measured)
