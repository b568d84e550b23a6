"""What tells that a forward may be an approximation, whose own derivative nobody means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import isfinite
from operator import itemgetter
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.tracing.constants import decimal, significant
from nn_from_scratch.verify.functions.tracing.repetition import Repetitions
from nn_from_scratch.verify.functions.tracing.shadows import Numbers

ALIKE = 1e-2
"""Two formulas that differ by so little, relatively, may approximate each other."""

FOR_THE_OTHER = "takes one of two formulas that are nearly alike for the other"
"""How it is said that a gradient is the derivative of the other formula: no differences accuse it."""

CLOSE = 1e-6
"""Formulas that differ by less are taken for each other on purpose, as where exp(-x) is small beside 1."""

FITTED = 6
"""Digits from which on a constant is one of a fitted formula, if there are several of them."""

OFTEN = 6
"""So many selections on one line, between numbers that are nearly alike, are those of an iteration."""

SEVERAL = 3
"""So many they are at least."""

MOST_COEFFICIENTS = 64
"""A row of more numbers is data."""


def alike(x: Any, y: Any) -> bool:
    """Whether two arrays are nearly the same number somewhere, as a formula and its approximation are."""
    return bool(np.any(where_alike(x, y)))


def where_alike(x: Any, y: Any) -> Numbers:
    """Return at which entries two arrays are nearly the same number, finite, and not both 0."""
    a, b = np.broadcast_arrays(_wide(x), _wide(y))
    with np.errstate(all="ignore"):
        near = np.abs(a - b) <= ALIKE * np.maximum(np.abs(a), np.abs(b))
    found: Numbers = near & np.isfinite(a) & np.isfinite(b) & ((a != 0) | (b != 0))
    return found


def _wide(x: Any) -> Numbers:
    """Return numbers in a format that holds them all: of float64, complex ones as they are."""
    array = np.asarray(x)
    return array if array.dtype.kind == "c" else array.astype(np.float64)


def is_fitted(number: float, dtype: str) -> bool:
    """Whether a constant of a format has as many digits as those of a fitted formula."""
    return significant(decimal(number, dtype)) >= FITTED


def is_grid(array: Numbers) -> bool:
    """Whether an array is a row of growing or falling numbers, as the nodes of a quadrature are."""
    steps = np.diff(array.ravel())
    return max(array.shape) == array.size >= 4 and bool(np.all(steps > 0) or np.all(steps < 0))


def is_fitted_array(array: Numbers, dtype: str) -> bool:
    """Whether an array is a grid, or one row of several numbers that are fitted: no mask and no matrix."""
    if array.ndim == 0 or array.size < SEVERAL or max(array.shape) < array.size:
        return False
    few = array.ravel().tolist() if array.size <= MOST_COEFFICIENTS else []
    fitted = [number for number in few if isfinite(number) and is_fitted(number, dtype)]
    return is_grid(array) or len(fitted) >= SEVERAL


def stopped(repeated: Repetitions, decisions: Sequence[str]) -> str | None:
    """Say why a forward may be stopped before it has what it computes, however far from it, or None.

    Parameters
    ----------
    repeated
        What its lines gave, time after time.
    decisions
        The lines on which computed values decide what is run, or are counted with.

    """
    if repeated.limit is not None:
        return repeated.limit
    return f"computed values decide what is run ({decisions[0]})" if decisions else None


def approximation(switches: Sequence[str], fitted: Sequence[str], tables: Sequence[str]) -> str | None:
    """Say why what a forward has at its end may be an approximation, or None.

    Parameters
    ----------
    switches
        The lines that select between formulas that are nearly alike.
    fitted
        The lines with constants that are fitted, each as often as it has some.
    tables
        The lines with grids of numbers.

    """
    if switches:
        return f"it switches between formulas that are nearly alike ({switches[0]})"
    if len(fitted) >= SEVERAL:
        return f"it has the constants of a fitted formula ({fitted[0]})"
    return f"it uses a grid of numbers ({tables[0]})" if tables else None


def bisects(switches: Sequence[str]) -> str | None:
    """Say that a line selects between numbers that are nearly alike time after time, as a bisection does.

    What it comes to is not the piece that was selected last: however far their derivatives are apart.
    """
    line, times = max(Counter(switches).items(), key=itemgetter(1), default=("", 0))
    return (
        f"it selects between numbers that are nearly alike {times} times ({line})" if times >= OFTEN else None
    )


def selected(selections: Sequence[str]) -> str | None:
    """Say that numbers select a formula, if they do: what is cut off is not meant to have that derivative."""
    return f"its numbers select a formula, and may cut one off ({selections[0]})" if selections else None


def excused(relative: float, repeated: Repetitions, approximates: str | None) -> str | None:
    """Say why a derivative may differ so far, relatively, from that of a forward's formula, or None."""
    if repeated.explain(relative):
        return repeated.limit
    return None if approximates is None else f"the forward may approximate: {approximates}"
