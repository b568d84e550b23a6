"""The question of a black box from its first direction to its verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from nn_from_scratch.verify.functions.black_box import BlackBox, Floats, Measured
from nn_from_scratch.verify.oracles.slopes import QUICK

FEW = 16
"""So many numbers are asked about one by one, even if a direction shows nothing wrong."""
SOME = 64
"""So many are, if a direction shows something."""
_EXACT = 1e-6  # relative: an interval from which on one direction sees what there is to be seen
_EXACT_OF_MANY = 1e-5  # likewise, of many inputs in float32
_PIECEWISE = 1e-4  # likewise, of many inputs of which some pass a kink
_SEEN = 1e-3  # of a gradient of many inputs: an error that is to be seen along one direction of several
_HIDDEN = 0.01  # the chance that it is not
_DIRECTIONS = 8  # how many more are asked if the interval is wider
_SPREAD = 1e-3  # of the sizes within one array: from there on each number moves by its own size, too
_FAR = 32.0  # times the interval: an error that a quick look is believed
_SHORTEST = 26  # the exponent of the shortest step where inputs are too many for a second look


@dataclass
class Judged:
    """What was found along a direction, which one, and the entries that were asked about, by their places.

    `steps` are the exponents of those that show it, None of the usual ones. Of many inputs the verdict is
    `tentative` where it needs wrong entries to explain it. `along` says what the direction is.
    """

    whole: Measured
    entries: dict[int, Measured]
    vector: Floats
    steps: range | None = None
    tentative: bool = False
    along: str = "a random direction"

    @property
    def verdict(self) -> str:
        """The verdict on the gradient."""
        return self.whole.verdict


def judge(box: BlackBox, *, tentatively: bool = True) -> Judged:
    """Judge the gradient along directions, and by entries where they are few or a direction is not clear.

    Parameters
    ----------
    box
        The question.
    tentatively
        Whether many inputs may be accused where a few wrong entries would have to explain it.

    """
    vector = box.direction(0)
    whole = box.along(vector, thorough=False)
    if not _is_clear(box, whole):
        found = _tentatively(box, vector, whole) if tentatively and box.is_large else None
        if found is not None:
            return found
        whole = _well_enough(box, vector, whole)
    count = len(box.point)
    if whole.wrong and not np.isfinite(whole.got):
        return Judged(whole, {}, vector)
    if 1 < count <= FEW and is_unlike(box):  # steps that suit one are far too long for another
        whole, vector = in_proportion(box)
    if count > 1 and (count <= FEW or (count <= SOME and (not whole.right or whole.kink))):
        judged = _by_entries(box, vector, whole)
        return _unless_others_accuse(box, judged) if judged.verdict == "undecided" else judged
    if count > 1 and whole.kink and not whole.wrong:
        return around_kinks(box, vector, whole)
    if whole.right:
        whole, vector = _more_directions(box, vector, whole)
        if whole.verdict == "undecided" and count <= SOME:
            return _by_entries(box, vector, whole)
    elif count > 1 and not whole.wrong and is_unlike(box):
        whole, vector = in_proportion(box)
    return Judged(whole, {}, vector)


def in_proportion(box: BlackBox) -> tuple[Measured, Floats]:
    """Judge along a direction that moves each number by about its own size."""
    vector = box.relative_direction(1)
    return sure(box, vector, box.along(vector, thorough=False)), vector


def entry(box: BlackBox, index: int, floor: float = 0.0) -> Measured:
    """Judge the derivative for one number."""
    vector = box.unit_vector(index)
    quick = box.along(vector, thorough=False, floor=floor)
    if _is_clear(box, quick):
        return quick
    return sure(box, vector, quick, floor)


def _is_clear(box: BlackBox, found: Measured) -> bool:
    """Say whether a direction shows that the gradient is right, as exactly as one can."""
    exact = _EXACT_OF_MANY if box.is_large and box.short is None else _EXACT
    return found.right and found.interval <= exact * found.scale and not found.kink


def _tentatively(box: BlackBox, vector: Floats, quick: Measured) -> Judged | None:
    """Judge many inputs by what is no proof by itself: a quick look, or steps by which few pass a kink."""
    if quick.wrong:
        return Judged(quick, {}, vector, tentative=True)
    if box.short is None:
        return None
    found = box.along(vector, thorough=False, steps=box.short)
    if found.verdict == "undecided" or found.kink or found.interval > _PIECEWISE * found.scale:
        return None
    return Judged(found, {}, vector, box.short, tentative=True)


def _well_enough(box: BlackBox, vector: Floats, quick: Measured) -> Measured:
    """Look thoroughly, unless many inputs are in a short format: more directions tell more of them."""
    is_enough = box.is_large and box.short is None and quick.right and not quick.kink
    return quick if is_enough else sure(box, vector, quick)


def sure(box: BlackBox, vector: Floats, quick: Measured, floor: float = 0.0) -> Measured:
    """Look thoroughly, and twice before something is accused."""
    if box.is_large:
        far_off = quick.wrong and not abs(quick.got - quick.expected) <= _FAR * quick.interval
        if far_off and _is_wrong_by_other_steps(box, vector, quick, floor):
            return quick
        return box.along(vector, floor=floor, deep=_SHORTEST)
    found = box.along(vector, floor=floor)
    if found.wrong and np.isfinite(found.got):
        again = box.along(vector, floor=floor, jitter=1.37)
        if not again.wrong:
            reason = (
                "a second look at other steps does not accuse what a first one did: the function is rough"
            )
            return replace(again, verdict="undecided", reason=reason)
    return found


def _is_wrong_by_other_steps(box: BlackBox, vector: Floats, quick: Measured, floor: float) -> bool:
    """Say whether longer steps accuse as well, and short ones, if they tell so much, do not call right."""
    longer = box.along(vector, thorough=False, steps=QUICK, jitter=1.37, floor=floor)
    if not longer.wrong or box.short is None:
        return longer.wrong
    short = box.along(vector, thorough=False, steps=box.short, floor=floor)
    return not short.right or short.interval > abs(quick.got - quick.expected) / _FAR


def _unless_others_accuse(box: BlackBox, judged: Judged) -> Judged:
    """Ask along more directions where no entry is clear: of an error in all of them one shows most."""
    if len(_bent(judged.entries)) > 1:
        return judged
    for number in range(1, _DIRECTIONS):
        other = box.direction(number)
        found = sure(box, other, judged.whole)
        if found.wrong:
            return Judged(found, judged.entries, other)
    return judged


def _more_directions(box: BlackBox, vector: Floats, whole: Measured) -> tuple[Measured, Floats]:
    """Ask along more directions, the less exactly one could be compared: an error may be hidden in one."""
    clear = whole, vector
    for number in range(1, _how_many_directions(box, whole)):
        other = box.direction(number)
        quick = box.along(other, thorough=False) if box.is_large else whole
        found = _well_enough(box, other, quick)
        if found.wrong:
            return found, other
        if abs(found.got - found.expected) > found.interval + found.kink:
            clear = found, other  # no accusation, but not what was seen along the others
    if not clear[0].right:
        return clear
    if len(box.point) > FEW and is_unlike(box):
        other = box.relative_direction(1)
        found = sure(box, other, box.along(other, thorough=False))
        if not found.right:
            return found, other
    return whole, vector


def _how_many_directions(box: BlackBox, whole: Measured) -> int:
    """Return along how many directions to ask; of many inputs, so many as are not likely to hide an error."""
    if _is_clear(box, whole):
        return 1
    hidden = whole.interval / (_SEEN * whole.scale)
    if not box.is_large or hidden >= 0.5:
        return _DIRECTIONS
    return min(_DIRECTIONS, int(np.ceil(np.log(_HIDDEN) / np.log(max(hidden, _HIDDEN)))))


def _by_entries(box: BlackBox, vector: Floats, whole: Measured) -> Judged:
    """Judge every entry; together they are the gradient."""
    slopes = np.where(np.isfinite(box.slopes), box.slopes, 0.0)
    lengths = np.where(box.point != 0, np.abs(box.point), box.sizes)
    norm, moved = float(np.linalg.norm(slopes)), float(np.linalg.norm(slopes * lengths))
    found = {}
    for index, length in enumerate(lengths.tolist()):
        found[index] = entry(box, index, min(norm * length, moved) if whole.right else 0.0)
    wrong = [x for x in found.values() if x.wrong]
    unclear = [x for x in found.values() if not x.right]
    if wrong:
        return Judged(wrong[0], found, vector)
    if len(_bent(found)) > 1:
        whole, vector = _by_bends(box, vector, whole, found)
    if whole.wrong:
        return Judged(whole, found, vector)
    if unclear:
        whole = unclear[0]
    elif not whole.right:
        whole = replace(whole, verdict="right", reason="")
    return Judged(whole, found, vector)


def _bent(entries: dict[int, Measured]) -> list[int]:
    """Return the entries at which there is a kink."""
    return [index for index, x in entries.items() if x.kink]


def _by_bends(
    box: BlackBox, vector: Floats, whole: Measured, entries: dict[int, Measured]
) -> tuple[Measured, Floats]:
    """Ask along directions of entries that bend alike, which accuse; one of all of them does not.

    Along a line where one kink opens and another closes nothing need show, and each may have a share of its
    own: relu(x) - relu(y) along (1, -1). Where all open, as among numbers that are the largest together, the
    shares are no more than the whole, which lies between the derivatives at the line's two sides: that shows
    best where all of them grow, and exactly where they grow by the same.
    """
    for other in _alike(box, entries):
        found = box.along(other, thorough=False)
        if found.wrong:
            found = sure(box, other, found)
        if found.wrong:
            return found, other
    return replace(whole, verdict="right", reason=""), vector


def _alike(box: BlackBox, entries: dict[int, Measured]) -> Iterator[Floats]:
    """Yield directions of entries that bend alike.

    Where none bends another way than the rest, so does the point itself: what is 0 stays 0 along it, and what
    is largest the largest. A norm, or |A x|, has no kink there, where along each single entry it has one.
    """
    for sign in (0.0, 1.0, -1.0):
        alike = [index for index, x in entries.items() if np.sign(x.bend) == sign]
        if len(alike) > 1:
            yield from _directions_of(box, alike, entries)
    if len({np.sign(x.bend) for x in entries.values()} - {0.0}) == 1:
        yield box.point.copy()


def _directions_of(box: BlackBox, alike: list[int], entries: dict[int, Measured]) -> Iterator[Floats]:
    """Yield directions of some entries; along the first each of them moves what is chosen by the same.

    What is the largest together stays so along it, and the function has no kink there. Along the second each
    moves by the same, and so do neighbours whose differences have the kinks.
    """
    bends = np.array([np.sign(entries[k].expected) * entries[k].kink / box.unit_vector(k)[k] for k in alike])
    if np.all(bends):
        together = np.zeros(len(box.point))
        together[alike] = np.min(box.sizes[alike] * np.abs(bends)) / bends
        yield together
    equal = np.zeros(len(box.point))
    equal[alike] = np.min(box.sizes[alike])
    yield equal
    for number in range(_DIRECTIONS):
        drawn = box.direction(number)[alike]
        other = np.zeros(len(box.point))
        other[alike] = drawn if number % 2 else np.abs(drawn)
        yield other


def around_kinks(box: BlackBox, vector: Floats, whole: Measured) -> Judged:
    """Separate the entries with a kink from those without, by halves."""
    parts, asked = [range(len(vector))], 0
    found: dict[int, Measured] = {}
    accused: list[tuple[range, Measured]] = []
    while parts:
        part = parts.pop()
        if asked > SOME:
            reason = "there are kinks for too many of the inputs to judge each: move the point a little"
            return Judged(replace(whole, verdict="undecided", reason=reason), found, vector)
        asked += 1
        if len(part) == 1:
            measured = found[part[0]] = entry(box, part[0])
        else:
            measured = sure(box, only(vector, part), whole)
        if measured.wrong:
            accused.append((part, measured))
        if len(part) > 1 and (measured.kink or not measured.right):
            middle = (part.start + part.stop) // 2
            parts += [range(part.start, middle), range(middle, part.stop)]
        elif not measured.right:
            return Judged(measured, found, vector)
    for part, measured in accused:
        if sum(index in part for index in _bent(found)) < 2:  # of more than one each may have its own share
            return Judged(measured, found, only(vector, part))
    if accused:
        whole, vector = _by_bends(box, vector, whole, found)
    else:
        whole = replace(whole, verdict="right", reason="")
    return Judged(whole, found, vector)


def bends_somewhere(box: BlackBox, vector: Floats) -> bool:
    """Say whether there is a kink along a direction, or along parts of it, where no other makes up for it."""
    count = len(vector)
    edges = [0, count // 4, count // 2, 3 * count // 4, count]
    parts = [range(count), *(range(a, b) for a, b in pairwise(edges))]
    return any(box.along(only(vector, part)).kink for part in parts)


def only(vector: Floats, part: range) -> Floats:
    """Return a direction with all other components set to 0."""
    kept = np.zeros_like(vector)
    kept[part.start : part.stop] = vector[part.start : part.stop]
    return kept


def is_unlike(box: BlackBox) -> bool:
    """Say whether the numbers of an array are of sizes too unlike to move alike."""
    for leaf in box.arguments.leaves:
        sizes = np.abs(box.point[leaf.start : leaf.stop])
        sizes = sizes[sizes > 0]
        if sizes.size > 1 and np.quantile(sizes, 0.01) < _SPREAD * np.quantile(sizes, 0.99):
            return True
    return False
