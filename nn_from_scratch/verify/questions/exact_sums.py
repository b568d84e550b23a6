"""Sums without rounding of their own: what is done with an engine's numbers must not make them worse."""

from __future__ import annotations

import math
from collections.abc import Iterable


def exact_sum(numbers: Iterable[float]) -> float:
    """Return the sum, correctly rounded; NaN where `math.fsum` raises about what is no finite number."""
    try:
        return math.fsum(numbers)
    except (ValueError, OverflowError):
        return math.nan
