"""Numbers that are out of range, where what they stand for is not."""

from __future__ import annotations

import numpy as np

from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow, value

_SPARE = 4.0
"""What is nearer to the largest number of a format may be rounded beyond it."""


def out_of_range(what: str, numbers: Numbers, shadow: Shadow, largest: float) -> str | None:
    """Say which number is not finite where its formula is, and in range; None if none is.

    Parameters
    ----------
    what
        What the numbers are.
    numbers, shadow
        As they were computed, and what they stand for.
    largest
        The largest number of their format.

    """
    entries, found = shadow.ravel(), numbers.ravel()
    for place in np.flatnonzero(~np.isfinite(found)):
        true = value(entries[place])
        if true.is_finite() and abs(true) < largest / _SPARE:
            at = f" at entry {place}" if len(entries) > 1 else ""
            return f"{what} is {found[place]}{at}, where its formula is {float(true.mid()):.6g}"
    return None
