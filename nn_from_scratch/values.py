"""What a node may hold: a Python float for a float64 without axes, else numpy's array or scalar."""

from typing import Any

import numpy as np

FLOAT64 = np.dtype(np.float64)


def number_or_array(value: Any, taker: str) -> Any:
    """Return the value as a float or as an array of its own, integers and booleans as float64.

    Raises
    ------
    TypeError
        If the value is not made of real numbers; the message starts with `taker`.
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
    if array.dtype.kind in "iub":
        array = array.astype(np.float64)
    if array.dtype.kind != "f":
        raise TypeError(f"{taker}: expected real numbers, got {type(value).__name__} {value!r}")
    return plain(array)


def plain(value: Any) -> Any:
    """Return a float64 without axes as a float, any other value without axes as numpy's scalar."""
    if type(value) is float or value.ndim:
        return value
    return float(value) if value.dtype == FLOAT64 else value[()]


def strong(operand: Any, value: Any) -> Any:
    """Return the operand's value such that among arrays only a Python number adopts their precision."""
    return np.float64(value) if type(value) is float and type(operand) not in (int, float, bool) else value
