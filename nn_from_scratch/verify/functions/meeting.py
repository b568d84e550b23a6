"""Kinks that meet at a point: by a choice at each a gradient need not lie between the slopes at both sides.

relu(x) - 2 relu(-x) has the slopes 2 and 1 at the sides of 0, and 0 by the choice that relu has none there.
Beside the point kinks that meet lie apart: where one input is moved past them, each is seen on its own.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from nn_from_scratch.verify.functions.black_box import BlackBox, Floats

MEET = (
    "several kinks meet here, and a choice at each may give what the gradient says: move the point a little, "
    "so that none is at it"
)

_AWAY = 2.0**-13  # of a drawn direction: how far beside the point
_NEARER = (1.0, 2.0**-4, 2.0**-8)  # and closer, where kinks hardly move with the number, and lie far apart
_REACH, _POINTS = 8.0, 129  # so many times as far to both sides, by so many values
_PLACES = 2  # beside the point
_SHARE, _CLEAR = 2.0**-5, 16.0  # a bend, of the largest one; the largest one, of what is everywhere


def kinks_meet(box: BlackBox, index: int) -> bool:
    """Say whether more than one kink lies at the point that moving one number goes past."""
    return any(
        _bends(_beside(box, index, number, share * _AWAY)) > 1
        for share in _NEARER
        for number in range(_PLACES)
    )


def _beside(box: BlackBox, index: int, number: int, away: float) -> Floats:
    """Return values at equal distances, as one number is moved beside the point, `away` from it."""
    place = box.point + away * box.direction(number + 1)
    place[index] = box.point[index]
    length = _AWAY * float(box.unit_vector(index)[index])
    values = []
    for t in np.linspace(-_REACH, _REACH, _POINTS):
        place[index] = box.point[index] + t * length
        values.append(box.value(place))
    return np.array(values)


def _bends(values: Floats) -> int:
    """Count the kinks: where second differences are large, neighbours being of one."""
    second = np.abs(np.diff(values, 2))
    if not np.isfinite(second).all() or second.max() <= _CLEAR * np.median(second):
        return 0
    places = np.flatnonzero(second > _SHARE * second.max())
    return 1 + sum(b - a > 1 for a, b in pairwise(places.tolist()))
