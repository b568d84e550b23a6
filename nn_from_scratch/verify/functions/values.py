"""What the values of a function say of its gradient: finite differences, and the entries that do not fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.black_box import BlackBox, Measured
from nn_from_scratch.verify.functions.causes import likely_cause
from nn_from_scratch.verify.functions.doubts import doubt
from nn_from_scratch.verify.functions.judging import (
    Judged,
    around_kinks,
    bends_somewhere,
    in_proportion,
    is_unlike,
    judge,
    sure,
)
from nn_from_scratch.verify.functions.locating import wrong_entries
from nn_from_scratch.verify.functions.meeting import (
    MEET,
    kinks_meet,
    of_equal_numbers,
    passes_no_kink,
)
from nn_from_scratch.verify.judging.checking import GradientError, UndecidedError
from nn_from_scratch.verify.judging.verdicts import Verdict

_LINES = 4
_PAIRS = 4
_SURE = 3.0  # times what is not known


@dataclass(frozen=True, slots=True)
class Differences:
    """What finite differences find.

    Attributes
    ----------
    verdict
        RIGHT, WRONG or UNDECIDED.
    measured
        What was measured along a direction.
    said
        What is wrong, or why it is undecided.
    at_kinks
        Whether every entry that is wrong is at a kink.
    relative
        By how much a wrong gradient is off: its worst entry, beside the largest of all; or along a direction.

    """

    verdict: Verdict
    measured: Measured
    said: str = ""
    at_kinks: bool = False
    relative: float = 0.0


def differences(box: BlackBox) -> Differences:
    """Compare a gradient with finite differences, and look for its wrong entries."""
    found = _of_judged(box, judge(box))
    if found.verdict is not Verdict.UNDECIDED or box.is_large:
        return found
    accused = _along_equal_numbers(box)
    return found if accused is None else _of_wrong(box, accused, {}, complete=False)


def _along_equal_numbers(box: BlackBox) -> Judged | None:
    """Return what is wrong along a line of equal numbers that passes no kink: no choice changes it."""
    for vector in of_equal_numbers(box):
        whole = sure(box, vector, box.along(vector, thorough=False))
        if whole.wrong and not whole.kink and passes_no_kink(box, vector):
            equal = f"the direction in which its {np.count_nonzero(vector)} equal numbers stay equal"
            return Judged(whole, {}, vector, along=equal)
    return None


def _of_judged(box: BlackBox, judged: Judged) -> Differences:
    if judged.verdict != "wrong":
        return Differences(Verdict(judged.verdict), judged.whole, judged.whole.reason)
    wrong = {k: x for k, x in judged.entries.items() if x.wrong}
    complete = len(judged.entries) == len(box.point)
    if not wrong:
        wrong, complete = wrong_entries(box, judged)
        if judged.tentative and not (wrong and complete):
            judged = judge(box, tentatively=False)
            if judged.verdict != "wrong":
                return Differences(Verdict(judged.verdict), judged.whole, judged.whole.reason)
        if not wrong and is_unlike(box):
            whole, _ = in_proportion(box)
            if not whole.wrong:
                return Differences(Verdict(whole.verdict), whole, whole.reason)
        if not wrong and not judged.entries and bends_somewhere(box, judged.vector):
            return _of_judged(box, around_kinks(box, judged.vector, judged.whole))
    return _of_wrong(box, judged, wrong, complete=complete)


def _of_wrong(box: BlackBox, judged: Judged, wrong: dict[int, Measured], *, complete: bool) -> Differences:
    """Accuse wrong entries, unless they are choices at kinks, out of range, or the function is coarse."""
    beyond = {k: said for k, x in wrong.items() if (said := _beyond_the_range(box, k, x))}
    if beyond and len(beyond) == len(wrong):
        return Differences(Verdict.UNDECIDED, judged.whole, next(iter(beyond.values())))
    wrong = {k: x for k, x in wrong.items() if k not in beyond}
    sound = _without_choice(box, judged, wrong)
    if _may_be_a_choice(box, judged, wrong, sound):
        return Differences(Verdict.UNDECIDED, judged.whole, MEET)
    reason = doubt(box, judged.whole, judged.vector, sound, complete=complete)
    if reason:
        return Differences(Verdict.UNDECIDED, judged.whole, reason)
    said = _accusation(box, judged, sound, complete=complete)
    at_kinks = bool(sound) and all(x.kink for x in sound.values())
    return Differences(Verdict.WRONG, judged.whole, said, at_kinks, _relative(box, judged.whole, sound))


def _relative(box: BlackBox, whole: Measured, wrong: dict[int, Measured]) -> float:
    """Return by how much entries are off, beside the largest of all, or the whole along its direction."""
    finite = np.where(np.isfinite(box.slopes), box.slopes, 0.0)
    if not wrong:
        return float(whole.beyond / (np.linalg.norm(finite * box.sizes) or 1.0))
    worst = max(x.beyond / _length(box, k) for k, x in wrong.items())
    return float(worst / (np.abs(finite).max() or 1.0))


def _without_choice(box: BlackBox, judged: Judged, wrong: dict[int, Measured]) -> dict[int, Measured]:
    """Return the wrong entries that no choice at kinks makes right.

    Kinks that cancel along an entry show beside it only. They are looked for where others show, as where
    numbers are equal.
    """
    bends = any(x.kink for x in (judged.whole, *judged.entries.values()))
    if not bends and not box.is_large and next(of_equal_numbers(box), None) is not None:
        bends = bends_somewhere(box, judged.vector)
    return {k: x for k, x in wrong.items() if not ((x.kink or bends) and kinks_meet(box, k, int(x.kink > 0)))}


def _may_be_a_choice(
    box: BlackBox, judged: Judged, wrong: dict[int, Measured], sound: dict[int, Measured]
) -> bool:
    """Whether choices at kinks may make a gradient right; of its wrong entries some are `sound`."""
    if wrong:
        return not sound
    return any(x.kink and kinks_meet(box, k, 1) for k, x in judged.entries.items())


def has_no_derivative(box: BlackBox) -> bool:
    """Say whether the derivatives along two directions are not what they are along the sum of both.

    So it is with the median of equal numbers: along each line it is smooth, and no gradient fits them all.
    What is convex, or the negative of that, is told by the kinks along the lines themselves.
    """
    for pair in range(_PAIRS):
        one, other = box.direction(2 * pair + 1), box.direction(2 * pair + 2)
        parts = [box.along(vector) for vector in (one, other, one + other)]
        gap = abs(parts[0].expected + parts[1].expected - parts[2].expected)
        if gap > _SURE * sum(x.interval + x.kink for x in parts):
            return True
    return False


def check_values(
    function: Callable[..., Any], gradient: Callable[..., Any], inputs: Any, *, seed: int = 0
) -> Measured:
    """Check a gradient by the values of its function alone, which is not traced.

    Parameters, returns and raises as `nn_from_scratch.verify.check_gradient`, of which it is a part.
    """
    box = BlackBox(function, gradient, inputs, seed)
    found = differences(box)
    if found.verdict is Verdict.WRONG:
        raise GradientError(f"{found.said}\n(found by {box.evaluations} evaluations of the function)")
    if found.verdict is Verdict.UNDECIDED:
        raise UndecidedError(found.said)
    return found.measured


def _accusation(box: BlackBox, judged: Judged, wrong: dict[int, Measured], *, complete: bool) -> str:
    """Say what is wrong: entries, and the likely cause."""
    whole = judged.whole
    lines = [_line(box, index, measured) for index, measured in list(wrong.items())[:_LINES]]
    if not lines:
        lines.append(
            f"the derivative along {judged.along} is {whole.got!r}, expected {whole.expected!r} within "
            f"{whole.interval:.2g} (finite differences): the error is {abs(whole.got - whole.expected):.3g}"
        )
    if not complete:
        lines.append(f"and more of {len(box.point)} entries")
    elif len(wrong) > _LINES:
        lines.append(f"and {len(wrong) - _LINES} more of {len(box.point)} entries")
    cause = likely_cause(box, wrong, complete)
    if cause:
        lines.append(f"likely cause: {cause}")
    lines += [f"note: {note}" for note in box.notes]
    return "\n".join(lines)


def _beyond_the_range(box: BlackBox, index: int, found: Measured) -> str | None:
    """Say that a derivative is infinite because no number of its format is as large, if that is so."""
    leaf, expected = box.arguments.leaf(index), found.expected / _length(box, index)
    returned = box.formats[box.arguments.leaves.index(leaf)]
    formats = [kind for kind in (leaf.dtype, returned) if kind is not None and kind.kind == "f"]
    narrow = min(formats, key=lambda kind: kind.itemsize)
    if np.isfinite(box.slopes[index]) or abs(expected) <= float(np.finfo(narrow).max) / 4:
        return None
    return (
        f"the derivative for {box.arguments.name(index)} is {box.slopes[index]}, for it is beyond the range "
        f"of {narrow}: about {expected:.3g}. Ask in a wider format, or where it is smaller"
    )


def _length(box: BlackBox, index: int) -> float:
    """Return what an entry was moved by, as a vector of one number."""
    return float(np.abs(box.unit_vector(index)).max())


def _line(box: BlackBox, index: int, found: Measured) -> str:
    """Say what is wrong with one entry: got, expected, interval, and how many digits hold."""
    length = _length(box, index)
    got, expected, interval = float(box.slopes[index]), found.expected / length, found.interval / length
    between = ""
    if found.kink:
        low, high = expected - found.kink / length, expected + found.kink / length
        between = f"; there is a kink here, and anything from {low:.6g} to {high:.6g} would do"
    error = abs(got - expected)
    digits = max(0, int(-np.log10(error / abs(expected)))) if 0 < error < abs(expected) else 0
    hold = f", {digits} digit{'s' * (digits != 1)} hold{'s' * (digits == 1)}"
    return (
        f"the derivative for {box.arguments.name(index)} is {got!r}, expected {expected!r} within "
        f"{interval:.2g} (finite differences): the error is {error:.3g}{hold}{between}"
    )
