"""Running extremes: which entry has been the largest or smallest up to each place, as the numbers say."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.tracing.arrays.array import TracedArray, plain


def running_maximum(x: Any, axis: int = 0) -> Any:
    """Return the largest entry up to each place along an axis."""
    return _running(x, np.maximum.accumulate(plain(x), axis=axis), axis)


def running_minimum(x: Any, axis: int = 0) -> Any:
    """Return the smallest entry up to each place along an axis."""
    return _running(x, np.minimum.accumulate(plain(x), axis=axis), axis)


def _running(x: TracedArray, extremes: Any, axis: int) -> Any:
    """Take each entry from where its extreme was met first."""
    numbers = np.moveaxis(plain(x), axis, -1)
    found = np.moveaxis(extremes, axis, -1)
    met = np.where(numbers == found, np.arange(numbers.shape[-1]), 0)
    if x.traced_by.forward and np.any(np.diff(np.sort(numbers, axis=-1), axis=-1) == 0):
        x.traced_by.note_tie("equal entries are compared")
    first = np.maximum.accumulate(np.where(np.diff(found, axis=-1, prepend=np.nan) != 0, met, 0), axis=-1)
    return np.take_along_axis(x, np.moveaxis(first, -1, axis), axis)
