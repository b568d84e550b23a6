"""Kinks that meet at a point: by a choice at each a gradient need not lie between the slopes at both sides.

relu(x) - 2 relu(-x) has the slopes 2 and 1 at the sides of 0, and 0 by the choice that relu has none there.
Beside the point kinks that meet lie apart: where one input is moved past them, each is seen on its own.

No choice changes the derivative along a line that passes no kink, there and beside it. Where kinks are those
of differences, as in a total variation, such are the lines along which numbers that are equal stay so.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from nn_from_scratch.verify.functions.black_box import BlackBox, Floats

MEET = (
    "several kinks meet here, and a choice at each may give what the gradient says: move the point a little, "
    "so that none is at it"
)

_AWAY = 2.0**-13  # of a drawn direction: how far beside the point
_NEARER = (1.0, 2.0**-4, 2.0**-8)  # and closer, where kinks hardly move with the number, and lie far apart
_REACH, _POINTS = 8.0, 65  # so many times as far to both sides, by so many values
_PLACES = 4  # beside the point
_GROUPS = 8  # of equal numbers, the largest first
_SHARE, _CLEAR = 2.0**-5, 16.0  # a bend, of the largest one; the largest one, of what is everywhere
_ROUNDINGS = 64.0  # by so many of the values second differences are off


def kinks_meet(box: BlackBox, index: int, seen: int) -> bool:
    """Say whether more kinks lie at the point that moving one number goes past than are seen there.

    Where one is seen, what may be the rounding of values counts as another.
    """
    vector = box.unit_vector(index)
    unit = 0.0 if seen else box.believed
    return any(_bends(values, unit) > seen for values in _beside(box, vector))


def passes_no_kink(box: BlackBox, vector: Floats) -> bool:
    """Say whether no kink is seen along a vector beside the point."""
    return all(
        np.isfinite(values).all() and not _bends(values, box.believed) for values in _beside(box, vector)
    )


def of_equal_numbers(box: BlackBox) -> Iterator[Floats]:
    """Yield vectors that move numbers of one input that are equal by the same, and no others."""
    groups = []
    for leaf in box.arguments.leaves:
        numbers = box.point[leaf.start : leaf.stop]
        _, names, sizes = np.unique(numbers, return_inverse=True, return_counts=True)
        groups += [leaf.start + np.flatnonzero(names == k) for k in np.flatnonzero(sizes > 1)]
    for group in sorted(groups, key=len, reverse=True)[:_GROUPS]:
        vector = np.zeros(len(box.point))
        vector[group] = box.sizes[group]
        yield vector


def _beside(box: BlackBox, vector: Floats) -> Iterator[Floats]:
    """Yield values at equal distances along lines beside the point."""
    moved = vector != 0
    steps = np.linspace(-_REACH, _REACH, _POINTS) * _AWAY
    for share in _NEARER:
        for number in range(_PLACES):
            place = box.point + share * _AWAY * box.direction(number + 1)
            if moved.sum() == 1:
                place[moved] = box.point[moved]
            yield np.array([box.value(place + t * vector) for t in steps])


def _bends(values: Floats, unit: float) -> int:
    """Count the kinks: where second differences are large, neighbours being of one.

    They are large beside the others, and beside the rounding of the values, `unit` of each.
    """
    second = np.abs(np.diff(values, 2))
    rounded = _ROUNDINGS * unit * float(np.abs(values).max())
    if not np.isfinite(second).all() or second.max() <= max(_CLEAR * float(np.median(second)), rounded):
        return 0
    places = np.flatnonzero(second > _SHARE * second.max())
    return 1 + sum(b - a > 1 for a, b in pairwise(places.tolist()))
