"""How near to a kink the checks were made."""

from collections import Counter
from typing import Any

import numpy as np

from nn_from_scratch.verify.report.figures.columns import numbers

_NEAR = 1e-12  # of a value's size: some thousand roundings


def margins(checks: Any) -> list[tuple[str, Counter[str]]]:
    """Count the verdicts of checks on a kink, very near one, and away from any; empty if none is known."""
    columns = checks if isinstance(checks, dict) else {}
    margin, verdicts = numbers(columns.get("margin")), columns.get("verdict") or []
    if not np.isfinite(margin).any():
        return []
    rows = (
        ("on a kink", margin == 0),
        ("within 10⁻¹² of one", (margin > 0) & (margin <= _NEAR)),
        ("farther away", margin > _NEAR),
        ("no branch", np.isnan(margin)),
    )
    return [
        (name, Counter(verdict for verdict, chosen in zip(verdicts, chosen, strict=False) if chosen))
        for name, chosen in rows
    ]
