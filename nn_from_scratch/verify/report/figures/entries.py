"""The error of each entry of a gradient beside its tolerance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nn_from_scratch.verify.report.figures.canvas import COLOURS, decades, mark, panel, responsive
from nn_from_scratch.verify.report.figures.columns import log10, numbers
from nn_from_scratch.verify.report.formats import power_of_ten

# The verdicts with their mark and its size; what matters most is drawn last.
MARKS = {
    "right": ("dot", 4.5),
    "undecided": ("dash", 2.0),
    "wrong": ("cross", 2.0),
}

_EXTENT = -19.0, 3.0  # decades that are drawn at most; marks beyond are drawn at the edge
_NAMED = 10  # so many entries have their names below them
_APART = 1.0  # entries' widths between one input and the next


@dataclass(frozen=True)
class Drawn:
    """Entries in the order in which they are drawn: where, how wrong, and how wrong they may be.

    Errors and tolerances are decimal logarithms, relative to the largest derivative; an error of 0 is -inf,
    and one that is no number NaN.
    """

    names: list[str]
    inputs: NDArray[np.int64]
    x: NDArray[np.float64]
    error: NDArray[np.float64]
    tolerance: NDArray[np.float64]
    verdict: NDArray[np.str_]

    @classmethod
    def of(cls, entries: Sequence[Mapping[str, Any]]) -> Drawn:
        """Read the ``entries`` of a function's results."""
        expected, error, tolerance = (
            numbers([entry.get(key) for entry in entries]) for key in ("expected", "error", "tolerance")
        )
        sizes = np.abs(expected[np.isfinite(expected)])
        scale = float(log10(sizes.max(initial=0.0, keepdims=True))[0])
        scale = scale if np.isfinite(scale) else 0.0
        inputs = np.array([int(entry.get("input") or 0) for entry in entries], dtype=np.int64)
        apart = np.concatenate([[0], np.cumsum(np.diff(inputs) != 0)])
        names = [str(entry.get("name") or "") for entry in entries]
        verdict = np.array([_kind(entry.get("verdict")) for entry in entries])
        x = np.arange(len(names)) + _APART * apart
        return cls(names, inputs, x, log10(error) - scale, log10(tolerance) - scale, verdict)


def _kind(verdict: Any) -> str:
    """Return how a verdict is drawn: as right, wrong or undecided."""
    if verdict in ("right", "convention"):
        return "right"
    return "wrong" if verdict in ("wrong", "inaccurate", "error") else "undecided"


def entry_errors(name: str, function: Mapping[str, Any]) -> Markup | None:
    """Draw how far each entry of a gradient is off, and how far it may be; None without entries."""
    entries = function.get("entries") or []
    if not entries:
        return None
    drawn = Drawn.of(entries)
    finite = np.concatenate(
        [drawn.error[np.isfinite(drawn.error)], drawn.tolerance[np.isfinite(drawn.tolerance)]]
    )
    bottom = float(np.floor(np.clip(min(finite, default=-16.0), _EXTENT[0], -3)))
    top = float(np.ceil(np.clip(max(finite, default=0.0), bottom + 2, _EXTENT[1])))
    zero = bottom - 1.2  # where errors of exactly 0 go
    y = np.where(np.isneginf(drawn.error), zero, np.clip(np.nan_to_num(drawn.error, nan=top), bottom, top))

    def paint(figure: Figure) -> None:
        narrow = figure.get_figwidth() * 72 < 500
        axes = panel(figure, left=52, right=12, top=30, bottom=34 if _is_named(drawn, narrow) else 24)
        axes.set(xlim=(drawn.x[0] - 1, drawn.x[-1] + 1), ylim=(bottom - 2, top + 0.6))
        axes.set(ylabel="error, of the largest derivative")
        axes.axhspan(bottom - 2, bottom - 0.4, color=COLOURS["rule"], alpha=0.45, lw=0)
        known = np.isfinite(drawn.tolerance)
        level = np.clip(drawn.tolerance[known], bottom, top)
        axes.hlines(level, drawn.x[known] - 0.42, drawn.x[known] + 0.42, color=COLOURS["reference"], lw=2)
        for verdict, (shape, size) in MARKS.items():
            chosen = drawn.verdict == verdict
            if chosen.any():
                mark(axes, drawn.x[chosen], y[chosen], shape=shape, colour=verdict, size=size)
        ticks = decades(bottom, top, 8)
        axes.set_yticks([zero, *ticks], ["0", *map(power_of_ten, ticks)])
        _name(axes, drawn, function, narrow=narrow)

    wrong = int((drawn.verdict == "wrong").sum())
    label = (
        f"The errors of {len(entries)} entries of the gradient, {wrong} of them wrong, on a logarithmic "
        "axis, each with its tolerance."
    )
    return responsive(name, label, (760, 300), (340, 280), paint)


def _is_named(drawn: Drawn, narrow: bool) -> bool:
    longest = max(map(len, drawn.names))
    return len(drawn.names) <= (_NAMED // 2 if narrow else _NAMED) and longest <= (9 if narrow else 12)


def _name(axes: Axes, drawn: Drawn, function: Mapping[str, Any], *, narrow: bool) -> None:
    """Name the entries below, if they are few, and the inputs above."""
    axes.set_xticks([])
    if _is_named(drawn, narrow):
        axes.set_xticks(drawn.x, drawn.names)
        axes.tick_params(axis="x", length=0)
    inputs = function.get("inputs") or []
    starts = np.flatnonzero(np.concatenate([[True], np.diff(drawn.inputs) != 0]))
    ends = [*starts[1:], len(drawn.x)]
    width = drawn.x[-1] - drawn.x[0] + 2
    for start, end in zip(starts, ends, strict=True):
        left, right = drawn.x[start], drawn.x[end - 1]
        if start:
            axes.axvline(left - (1 + _APART) / 2, color=COLOURS["rule"], lw=1)
        which = int(drawn.inputs[start])
        text = str(inputs[which].get("name")) if which < len(inputs) else ""
        room = (right - left + 1) / width * (45 if narrow else 105)  # letters that fit
        if len(starts) > 1 and len(text) <= room:
            axes.annotate(
                text,
                ((left + right) / 2, 1),
                (0, 8),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                ha="center",
            )
