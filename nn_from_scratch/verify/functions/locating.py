"""Which entries of a gradient are wrong, among any number of them.

A single wrong entry is found by eight parts at a time: each part is moved by a multiple of its own of the
direction's components, and the multiple at which the error comes out names the part. Where no multiple fits,
more than one entry is wrong, and halves are asked, the worse one first.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from nn_from_scratch.verify.functions.black_box import BlackBox, Floats, Measured
from nn_from_scratch.verify.functions.judging import SOME, Judged, entry, only

_PARTS = 8
_CLEAR = (0.05, 0.3)  # of the distance between two multiples: at least, and at most
_STEP = 2.0**-7
_MOST = 4  # entries that are named
_ENOUGH = 8  # of which more are not looked for where they are looked for one by one


def wrong_entries(box: BlackBox, judged: Judged) -> tuple[dict[int, Measured], bool]:
    """Find wrong entries, given a direction along which the gradient is wrong.

    Returns
    -------
    entries, complete
        What was measured for each wrong entry that was found, at most 4 where there are many inputs and at
        most 9 where there are few, and whether they are all.

    """
    count = len(box.point)
    unusable = np.flatnonzero(~np.isfinite(box.slopes))
    if unusable.size:
        return {int(k): entry(box, int(k)) for k in unusable[:_MOST]}, len(unusable) <= _MOST
    if count <= SOME:
        some: dict[int, Measured] = {}
        for k in range(count):
            measured = entry(box, k)
            if measured.wrong:
                some[k] = measured
            if len(some) > _ENOUGH:
                return some, False
        return some, True
    found: dict[int, Measured] = {}
    whole, left = judged.whole, judged.vector.copy()
    error, unsure = whole.got - whole.expected, 0.0
    step = _STEP if judged.steps is None else 2.0**-judged.steps.start
    while len(found) < _MOST and abs(error) > whole.interval:
        blur = 2 * (_PARTS - 1) * whole.interval / abs(error)
        index = _descend(box, left, error, step, clear=float(np.clip(blur, *_CLEAR)))
        measured = entry(box, index)
        if not measured.wrong:  # several errors may look like one
            index = _descend(box, left, error, step, clear=None)
            measured = entry(box, index)
        if not measured.wrong or index in found:  # what is left is of entries that no direction tells apart
            return found, False
        found[index] = measured
        times = left[index] / box.unit_vector(index)[index]
        left[index] = 0.0
        error -= times * (measured.got - measured.expected)
        unsure += abs(times) * measured.interval
        if whole.interval < abs(error) <= whole.interval + unsure:
            whole = box.along(left, thorough=False, steps=judged.steps)
            error, unsure = whole.got - whole.expected, 0.0
    return found, abs(error) <= whole.interval


def _descend(box: BlackBox, vector: Floats, error: float, step: float, *, clear: float | None) -> int:
    """Return the entry that explains the error along a direction, or the worst of a few.

    `clear` is how near to a whole number a multiple must be to name a part; None asks halves only.
    """
    part = range(len(vector))
    while len(part) > 1:
        narrower = None if clear is None else _part_of_eight(box, vector, part, error, step=step, clear=clear)
        if narrower is None:
            middle = (part.start + part.stop) // 2
            first, second = range(part.start, middle), range(middle, part.stop)
            in_first = _error(box, only(vector, first), step)
            part, error = (
                (first, in_first) if abs(in_first) > abs(error - in_first) else (second, error - in_first)
            )
        else:
            part = narrower
    return part.start


def _part_of_eight(
    box: BlackBox, vector: Floats, part: range, error: float, *, step: float, clear: float
) -> range | None:
    """Return the part that alone explains the error, if one does."""
    edges = np.unique(np.linspace(part.start, part.stop, _PARTS + 1).round().astype(int))
    parts = [range(int(a), int(b)) for a, b in pairwise(edges)]
    moved = only(vector, part)
    for k, piece in enumerate(parts):
        moved[piece.start : piece.stop] *= k / (_PARTS - 1)
    multiple = (_PARTS - 1) * _error(box, moved, step) / error
    nearest = round(multiple) if np.isfinite(multiple) else -1
    if not 0 <= nearest < len(parts) or abs(multiple - nearest) > clear:
        return None
    return parts[nearest]


def _error(box: BlackBox, vector: Floats, step: float) -> float:
    """Return how far the gradient is off along a direction, by a difference of order 4."""
    near = box.value(box.point + step * vector) - box.value(box.point - step * vector)
    far = box.value(box.point + 2 * step * vector) - box.value(box.point - 2 * step * vector)
    return float(vector @ box.slopes) - (8 * near - far) / (12 * step)
