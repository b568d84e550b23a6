"""Inputs as what they may have been before they were rounded: other numbers that are as good.

Labels that sum to 1, a rotation or a unit vector do so but for the rounding of their entries, and then a
gradient that is right for exact ones differs from the derivative by as much.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.tracing.constants import unit_roundoff
from nn_from_scratch.verify.functions.tracing.places import at_place, moved_to
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow, exact, joined, of_entries


@dataclass
class Moves:
    """By how much inputs are moved, and which of them.

    Attributes
    ----------
    least
        By what part of itself a number may be moved, whatever its format.
    which
        Whether an input is moved, by its numbers.
    largest
        The largest such part until now.

    """

    least: float = 0.0
    which: Callable[[Numbers], bool] | None = None
    largest: float = 0.0


_WRITTEN = 12
"""Binary digits that a number has at most, if somebody wrote it."""
_MANY = 0.5
"""The part of some numbers that has so few, if somebody wrote them."""
_MOVES: ContextVar[Moves | None] = ContextVar("moves", default=None)


@contextmanager
def inputs_moved(
    place: int, least: float = 0.0, which: Callable[[Numbers], bool] | None = None
) -> Iterator[Moves]:
    """Let inputs be other numbers, inside the block, that their format rounds to those given."""
    moves = Moves(least, which)
    token = _MOVES.set(moves)
    try:
        with at_place(place):
            yield moves
    finally:
        _MOVES.reset(token)


def of_input(numbers: Any) -> Shadow:
    """Return the balls of an input's numbers: of radius 0, and moved where inputs are.

    The same numbers are moved alike each time, and equal ones too: what is symmetric stays so.
    """
    moves, array = _MOVES.get(), np.asarray(numbers)
    if moves is None or array.dtype.kind != "f" or not np.isfinite(array).all():
        return exact(numbers)
    if moves.which is not None and not moves.which(array):
        return exact(numbers)
    rounded_to = "float32" if _is_of_float32(array) else str(array.dtype)
    unit = max(unit_roundoff(rounded_to), moves.least)
    moves.largest = max(moves.largest, unit)
    different, places = np.unique(array.ravel(), return_inverse=True)
    draw = np.random.default_rng([moved_to(), zlib.crc32(array.tobytes())])
    parts = unit * draw.uniform(-1, 1, different.shape)[places]
    pairs = zip(exact(array).ravel(), exact(parts).ravel(), strict=True)
    return of_entries((x * (arb(1) + part) for x, part in pairs), array.shape)


def _is_of_float32(array: Numbers) -> bool:
    """Whether numbers of float64 were rounded to float32: they have all of its digits, and no more."""
    if array.dtype != np.float64:
        return False
    with np.errstate(over="ignore"):
        held = bool(np.array_equal(array, array.astype(np.float32)))
    return held and not _has_few_digits(array)


def _has_few_digits(array: Numbers) -> bool:
    """Whether half of some numbers or more are such as somebody writes, with few binary digits."""
    significands, _ = np.frexp(array)
    written = significands * 2.0**_WRITTEN == np.rint(significands * 2.0**_WRITTEN)
    return bool(np.mean(written) >= _MANY)


def series_of_input(numbers: Any, direction: Any) -> Shadow:
    """Return the series x + d t of each entry of an input, and the direction to differentiate it along."""
    return joined(of_input(numbers), exact(direction))
