"""Where what was rounded is moved to within its rounding: one of several places, beside where it is."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
from flint import arb

_PLACE: ContextVar[int] = ContextVar("place", default=0)


def moved_to() -> int:
    """Return the number of the place that inputs or constants are moved to, 0 if they are where they are."""
    return _PLACE.get()


@contextmanager
def at_place(which: int) -> Iterator[None]:
    """Let that be the place inside the block."""
    token = _PLACE.set(which)
    try:
        yield
    finally:
        _PLACE.reset(token)


def within(ball: arb) -> arb:
    """Return a number of a ball: another at each place, and at one place the same for the same middle."""
    middle = float(ball.mid())
    seed = zlib.crc32(np.float64(middle).tobytes(), abs(moved_to()))
    part = 2 * (seed % 65_521) / 65_520 - 1
    return ball.mid() + ball.rad() * part
