"""What values are: real numbers as floats and arrays, each of its own memory.

A float64 without axes is a Python float, several times as fast as numpy's; any other value without axes is a
scalar of numpy's, so that it keeps its precision.
"""

from typing import Any

import numpy as np

FLOAT64 = np.dtype(np.float64)
NUMBERS = (int, float, bool)
"""Python's numbers, which take the precision of the arrays that they meet, as in numpy."""


def own_value(value: Any, taker: str) -> Any:
    """Return a value as a float or as an array that shares no memory with it.

    Integers and booleans become float64. What is no real number, or no array of them, is a TypeError that
    names `taker`.
    """
    if type(value) is float:
        return value
    if type(value) is np.ndarray and value.dtype is FLOAT64 and value.ndim:
        return value.copy()
    try:
        if isinstance(value, int | np.integer | np.float64):
            return float(value)
        array = np.array(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(f"{taker}: expected real numbers, got {value!r}: {error}") from error
    if array.dtype.kind not in "iubf":
        raise TypeError(f"{taker}: expected real numbers, got {type(value).__name__} {value!r}")
    return without_axes(array if array.dtype.kind == "f" else array.astype(np.float64))


def without_axes(value: Any) -> Any:
    """Return a float64 without axes as a float, any other value without axes as numpy's scalar."""
    if type(value) is float or value.ndim:
        return value
    return float(value) if value.dtype == FLOAT64 else value[()]
