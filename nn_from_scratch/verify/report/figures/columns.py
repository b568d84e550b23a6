"""Columns of numbers out of results that may lack some."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def numbers(values: Any) -> NDArray[np.float64]:
    """Return a list of numbers and nulls as an array, with NaN for what is no number; empty if it is no list.

    A rectangular list of lists gives a matrix.
    """
    try:
        array = np.asarray(values if isinstance(values, list) else [], dtype=np.float64)
    except (TypeError, ValueError):
        return np.empty(0)
    return np.where(np.isfinite(array), array, np.nan)


def together(*columns: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Cut columns to the length of the shortest: an interrupted run may have written one entry less."""
    length = min(len(column) for column in columns)
    return [column[:length] for column in columns]


def log10(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return decimal logarithms, -inf for zero and NaN for NaN or a negative number."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log10(values)
