"""Arrays of exact numbers that run beside an array of rounded ones: its shadow.

A `Shadow` is a numpy array of objects, each a ball (FLINT's ``arb``) or a series of two coefficients
(``arb_series``): a value, and its derivative along the direction that was drawn for the inputs. It has the
shape of the numbers that it runs beside. A 0-dimensional array stays an array: a series on its own looks
like a sequence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from flint import arb, arb_series

from nn_from_scratch.verify.oracles.taylor import PRECISION, working

Shadow = np.ndarray[Any, np.dtype[np.object_]]
Numbers = np.ndarray[Any, np.dtype[Any]]


@contextmanager
def exactly_computing() -> Iterator[None]:
    """Let FLINT compute shadows inside the block, and restore its precision on every way out."""
    with working(PRECISION, 2):
        yield


def of_entries(entries: Iterable[Any], shape: tuple[int, ...]) -> Shadow:
    """Return a shadow of a shape, given its entries in row-major order."""
    return np.fromiter(entries, dtype=object, count=math.prod(shape)).reshape(shape)


def exact(numbers: Any) -> Shadow:
    """Return balls of radius 0: the numbers themselves, whatever their dtype."""
    array = np.asarray(numbers)
    if array.dtype.kind in "iub":
        return of_entries((arb(int(x)) for x in array.ravel().tolist()), array.shape)
    if array.dtype != np.float64:
        array = array.astype(np.float64)
    return of_entries(map(arb, array.ravel().tolist()), array.shape)


def series(numbers: Any, direction: Any) -> Shadow:
    """Return the series x + d t of each entry: an input, and the direction to differentiate it along."""
    pairs = zip(exact(numbers).ravel(), exact(direction).ravel(), strict=True)
    return of_entries((arb_series([x, d], 2) for x, d in pairs), np.shape(numbers))


def value(entry: Any) -> arb:
    """Return the value of an entry: the first coefficient of a series."""
    return entry[0] if isinstance(entry, arb_series) else entry


def slope(entry: Any) -> arb:
    """Return the derivative of an entry along the direction; that of a ball is 0."""
    return entry[1] if isinstance(entry, arb_series) else arb(0)


def values(shadow: Shadow) -> Shadow:
    """Return the balls of the values."""
    return mapped(value, shadow)


def slopes(shadow: Shadow) -> Shadow:
    """Return the balls of the derivatives."""
    return mapped(slope, shadow)


def has_series(shadow: Shadow) -> bool:
    """Whether any entry carries a derivative."""
    return any(isinstance(entry, arb_series) for entry in shadow.ravel())


def joined(values: Shadow, slopes: Shadow) -> Shadow:
    """Return series, given their values and derivatives."""
    pairs = zip(values.ravel(), slopes.ravel(), strict=True)
    return of_entries((arb_series([x, d], 2) for x, d in pairs), values.shape)


def mapped(function: Callable[..., Any], *shadows: Any) -> Shadow:
    """Apply a function of entries to every entry of shadows, broadcast against each other."""
    arrays: Sequence[Shadow] = [as_shadow(shadow) for shadow in shadows]
    shape = arrays[0].shape
    if any(x.shape != shape for x in arrays):
        arrays = np.broadcast_arrays(*arrays)
        shape = arrays[0].shape
    return of_entries(map(function, *(x.ravel() for x in arrays)), shape)


def as_shadow(x: Any) -> Shadow:
    """Return a shadow as it is, an entry as one of no dimensions, and numbers exactly."""
    if isinstance(x, np.ndarray) and x.dtype == object:
        return x
    return of_entries([x], ()) if isinstance(x, (arb, arb_series)) else exact(x)


def moved(shadow: Shadow, positions: Any) -> Shadow:
    """Return entries by their row-major positions: what a movement of data is, once run on positions.

    Run the movement on ``np.arange(size).reshape(shape)`` in place of the numbers, and give what came out.
    The result shares no memory with `shadow`.
    """
    return of_entries(shadow.ravel()[np.asarray(positions).ravel()], np.shape(positions))


def select(mask: Any, x: Any, y: Any) -> Shadow:
    """Return entries of x where the mask holds, and of y elsewhere: the numbers decide a comparison."""
    chosen, left, right = np.broadcast_arrays(np.asarray(mask, dtype=bool), as_shadow(x), as_shadow(y))
    rows = zip(chosen.ravel().tolist(), left.ravel(), right.ravel(), strict=True)
    return of_entries((a if holds else b for holds, a, b in rows), chosen.shape)


def same_slopes(one: Shadow, other: Shadow, where: Numbers) -> bool:
    """Say whether two arrays have the same derivatives along the direction in some places."""
    first, second, asked = np.broadcast_arrays(one, other, where)
    pairs = zip(first.ravel(), second.ravel(), asked.ravel(), strict=True)
    return all(slope(a) == slope(b) for a, b, counts in pairs if counts)


def same_entries(one: Shadow, other: Shadow) -> Numbers:
    """Return where two arrays have one entry: a number that was moved, and is compared with itself."""
    first, second = np.broadcast_arrays(one, other)
    same = [a is b for a, b in zip(first.ravel(), second.ravel(), strict=True)]
    return np.array(same, dtype=bool).reshape(first.shape)


def either_moves(one: Shadow, other: Shadow) -> Numbers:
    """Return where either of two arrays moves with the inputs: what was rounded down, for one, does not."""
    first, second = np.broadcast_arrays(one, other)
    pairs = zip(first.ravel(), second.ravel(), strict=True)
    moves = [isinstance(a, arb_series) or isinstance(b, arb_series) for a, b in pairs]
    return np.array(moves, dtype=bool).reshape(first.shape)


def nearest(shadow: Shadow) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the midpoints of the values as float64."""
    return np.array([float(value(entry)) for entry in shadow.ravel()]).reshape(shadow.shape)
