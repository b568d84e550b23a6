"""A function of a short format, asked in float64: its values tell more there, and sooner."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nn_from_scratch.verify.functions.black_box import BlackBox, Floats
from nn_from_scratch.verify.functions.values import Differences, differences
from nn_from_scratch.verify.judging.verdicts import Verdict

_SEEN = 2.0**-14
"""An error in float64 that is one in float32, too: what is smaller may be a constant that has its digits."""


def differences_in_float64(box: BlackBox) -> Differences | None:
    """Judge the same gradient where all inputs are float64; None where that says nothing of it here.

    It does not where the function returns shorter numbers or other values then, where its gradient has other
    numbers, beyond half of the digits, and where an error is as small as a rounding of the shorter format.
    """
    kinds = [leaf.dtype for leaf in box.arguments.leaves]
    if all(kind.itemsize == np.dtype(np.float64).itemsize for kind in kinds):
        return None
    wide = _widened(box)
    if wide is None or not _is_the_same(box, wide):
        return None
    found = differences(wide)
    box.evaluations += wide.evaluations
    with np.errstate(invalid="ignore"):
        gap = np.abs(box.slopes - wide.slopes)
    if found.verdict is Verdict.UNDECIDED or not _agree(box, gap):
        return None
    if found.verdict is Verdict.WRONG and found.relative <= _SEEN:
        return None
    unknown = float(np.linalg.norm(gap * box.sizes))
    measured = replace(found.measured, interval=found.measured.interval + unknown)
    said = (
        f"{found.said}\n(asked in float64)"
        if found.said
        else "asked in float64, as it is to half of its digits"
    )
    return replace(found, measured=measured, said=said)


def _widened(box: BlackBox) -> BlackBox | None:
    """Return the same question of float64, in which it is answered as well; None if it is not."""
    arguments = box.arguments
    try:
        wide = box.at(arguments.filled([x.astype(np.float64) for x in arguments.arrays(box.point)]))
    except Exception:  # noqa: BLE001  whatever a function does not like about float64
        return None
    answered = [wide.outputs.dtype, *(kind for kind in wide.formats if kind is not None)]
    return wide if all(kind == np.float64 for kind in answered) else None


def _is_the_same(box: BlackBox, wide: BlackBox) -> bool:
    """Whether the values in both formats agree, to four times what half of the digits are."""
    narrow, wider = (_values(each) for each in (box, wide))
    if narrow.shape != wider.shape:
        return False
    largest = float(np.abs(wider).max(initial=0.0))
    return bool(np.abs(narrow - wider).max(initial=0.0) <= 4 * _half(box) * largest)


def _values(box: BlackBox) -> Floats:
    return np.concatenate([np.asarray(x, np.float64).ravel() for x in box.outputs.flat(box.outputs.value)])


def _agree(box: BlackBox, gap: Floats) -> bool:
    """Whether gradients differ by less than half of the digits, beside the largest entry of each input."""
    return bool(np.isfinite(gap).all()) and all(
        gap[leaf.start : leaf.stop].max()
        <= _half(box) * float(np.abs(box.slopes[leaf.start : leaf.stop]).max())
        for leaf in box.arguments.leaves
    )


def _half(box: BlackBox) -> float:
    """Return the relative error up to which half of the digits hold."""
    return float(np.sqrt(box.believed))
