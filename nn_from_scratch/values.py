"""What values are: real numbers as floats and arrays, each of its own memory.

A float64 without axes is a Python float, several times as fast as numpy's; any other value without axes is a
scalar of numpy's, so that it keeps its precision.
"""

from reprlib import Repr
from typing import Any

import numpy as np

FLOAT64 = np.dtype(np.float64)
NUMBERS = (int, float, bool)
"""Python's numbers, which take the precision of the arrays that they meet, as in numpy."""
LONGEST = 200
"""How many characters a message shows of a value."""


def own_value(value: Any, taker: str) -> Any:
    """Return a value as a float or as an array that shares no memory with it.

    Integers and booleans become float64. What is no real number, or no array of them, is a TypeError that
    names `taker`; so is what would lose a part of itself: a mask, a matrix's product, a graph of PyTorch's.
    """
    if type(value) is float:
        return value
    if type(value) is np.ndarray and value.dtype is FLOAT64 and value.ndim:
        return value.copy()
    if stripped := _what_is_stripped(value):
        raise TypeError(f"{taker}: expected real numbers, got {type(value).__name__} {stripped}")
    try:
        if isinstance(value, int | np.integer | np.float64):
            return float(value)
        array = np.array(value)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise TypeError(f"{taker}: expected real numbers, got {brief(value)}: {cut(str(error))}") from error
    if array.dtype.kind not in "iubf":
        raise TypeError(f"{taker}: expected real numbers, got {type(value).__name__} {brief(value)}")
    return without_axes(array if array.dtype.kind == "f" else array.astype(np.float64))


def _what_is_stripped(value: Any) -> str:
    """Say what an array made of `value` would lose, and what to give instead; nothing of plain numbers."""
    if isinstance(value, np.ma.MaskedArray):
        return "whose mask would be lost: give its .filled(...), and choose by np.where"
    if isinstance(value, np.matrix):
        return "whose product is another one than an array's: give its .A, an array"
    if getattr(value, "requires_grad", False) is True:
        return "whose graph would be lost: give its .detach().numpy()"
    return ""


def without_axes(value: Any) -> Any:
    """Return a float64 without axes as a float, any other value without axes as numpy's scalar."""
    if type(value) is float or value.ndim:
        return value
    return float(value) if value.dtype == FLOAT64 else value[()]


def brief(value: Any) -> str:
    """Write a value for a message, in at most `LONGEST` characters however large it is."""
    try:
        return cut(repr(value) if isinstance(value, np.ndarray | np.generic) else _BRIEF.repr(value))
    except ValueError:  # an integer of more digits than Python writes
        return f"<{type(value).__name__}, too long to be written>"


def cut(text: str) -> str:
    """Return the beginning of a text, in at most `LONGEST` characters."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


_BRIEF = Repr()
_BRIEF.maxstring = _BRIEF.maxother = _BRIEF.maxlong = LONGEST
