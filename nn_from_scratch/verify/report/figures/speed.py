"""Measured speed ratios with their intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nn_from_scratch.verify.report.figures.canvas import COLOURS, panel, responsive
from nn_from_scratch.verify.report.formats import number

_TICKS = [base * 10.0**power for power in range(-4, 6) for base in (1, 2, 5)]
_MOST = 24  # of more than these, those with an aim are drawn
_LETTERS = 46  # of a label; the table beside the drawing has the whole text


@dataclass(frozen=True)
class Ratio:
    """One row of the benchmark that can be drawn: a positive ratio, and its interval and aim if known."""

    name: str
    against: str
    ratio: float
    low: float
    high: float
    aim: float | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Ratio | None":
        """Read one row of the results, or return None where it has no ratio."""
        ratio, low, high, aim = (_positive(row.get(key)) for key in ("ratio", "low", "high", "mark"))
        if ratio is None:
            return None
        against = f"{row.get('subject') or 'subject'} against {row.get('baseline') or 'baseline'}"
        return cls(str(row.get("name") or "unnamed"), against, ratio, low or ratio, high or ratio, aim)


def ratios(rows: Sequence[Mapping[str, Any]]) -> Markup | None:
    """Draw each ratio as a dot with its interval on a logarithmic axis, 1x and the aims marked."""
    drawn = [ratio for ratio in map(Ratio.of, rows) if ratio]
    if len(drawn) > _MOST:
        drawn = [ratio for ratio in drawn if ratio.aim] or drawn[:_MOST]
    if not drawn:
        return None
    ends = [end for row in drawn for end in (row.low, row.high, row.aim) if end]
    low, high = np.log2(min(0.5, *ends)) - 0.3, np.log2(max(2.0, *ends)) + 0.3

    def paint(figure: Figure) -> None:
        narrow = figure.get_figwidth() * 72 < 500
        axes = panel(figure, left=8 if narrow else 300, right=56, top=24, bottom=36)
        axes.set(xlim=(low, high), ylim=(len(drawn), 0), yticks=[])
        axes.spines["left"].set_visible(False)
        for index, row in enumerate(drawn):
            # On a phone the label stands above its row, else beside it.
            if narrow:
                _row(axes, row, index + 0.66, index + 1)
                _label(axes, row, index + 0.37, 0)
            else:
                _row(axes, row, index, index + 1)
                _label(axes, row, index + 0.5, -292)
        above: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
        axes.annotate("← slower", (0, 1), (-8, 8), ha="right", color=COLOURS["muted"], **above)
        axes.annotate("faster →", (0, 1), (8, 8), color=COLOURS["muted"], **above)
        ticks = [tick for tick in _TICKS if low <= np.log2(tick) <= high]
        if len(ticks) > (6 if narrow else 9):
            ticks = [tick for tick in ticks if np.log10(tick).is_integer()]
        axes.set_xticks(np.log2(ticks), [f"{tick:g}×" for tick in ticks])

    label = f"{len(drawn)} ratios with intervals on a logarithmic axis; right of 1 the subject is faster."
    return responsive("ratios", label, (760, 44 * len(drawn) + 60), (340, 70 * len(drawn) + 60), paint)


def _row(axes: Axes, row: Ratio, top: float, bottom: float) -> None:
    middle, right = (top + bottom) / 2, axes.get_xlim()[1]
    axes.fill_between([0, right], top, bottom, color=COLOURS["right"], alpha=0.09, lw=0)
    axes.plot([0, 0], [top, bottom], color=COLOURS["ink"], lw=1.2, solid_capstyle="butt")
    if row.aim:
        axes.plot(np.log2([row.aim]), [middle], "|", ms=18, mew=1.6, color=COLOURS["muted"])
    axes.plot(np.log2([row.low, row.high]), [middle, middle], color=COLOURS["engine"], lw=6, alpha=0.4)
    axes.plot(np.log2([row.ratio]), [middle], "o", ms=8, color=COLOURS["engine"], mec=COLOURS["surface"])
    axes.annotate(f"{number(row.ratio)}×", (right, middle), (8, 0), textcoords="offset points", va="center")


def _label(axes: Axes, row: Ratio, y: float, offset: float) -> None:
    for text, colour, line in ((row.name, "ink", 8), (row.against, "muted", -8)):
        short = text if len(text) <= _LETTERS else text[: _LETTERS - 1] + "…"
        axes.annotate(
            short,
            (axes.get_xlim()[0], y),
            (offset, line),
            textcoords="offset points",
            va="center",
            color=COLOURS[colour],
        )


def _positive(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 < value < np.inf else None
