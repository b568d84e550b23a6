"""Measured speed ratios with their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from nn_from_scratch.verify.report.figures.canvas import COLOURS, panel, responsive
from nn_from_scratch.verify.report.formats import number

_TICKS = [base * 10.0**power for power in range(-4, 5) for base in (1, 2, 5)]


@dataclass(frozen=True)
class Ratio:
    """One row of the benchmark that can be drawn: a positive ratio, and its interval if that is known."""

    name: str
    against: str
    ratio: float
    low: float
    high: float

    @classmethod
    def of(cls, row: Any) -> "Ratio | None":
        """Read one row of the results, or return None where it has no ratio."""
        ratio, low, high = (row.get(key) for key in ("ratio", "low", "high"))
        if not _positive(ratio):
            return None
        return cls(
            str(row.get("name") or "unnamed"),
            f"{row.get('subject') or 'subject'} against {row.get('baseline') or 'baseline'}",
            ratio,
            low if _positive(low) else ratio,
            high if _positive(high) else ratio,
        )


def ratios(rows: Sequence[Any]) -> Markup | None:
    """Draw each ratio as a dot with its interval on a logarithmic axis, 1x marked."""
    drawn = [ratio for ratio in map(Ratio.of, rows) if ratio]
    if not drawn:
        return None
    low = np.log2(min(0.5, *(row.low for row in drawn))) - 0.3
    high = np.log2(max(2.0, *(row.high for row in drawn))) + 0.3

    def paint(figure: Figure) -> None:
        width = figure.get_figwidth() * 72
        narrow = width < 500
        axes = panel(figure, left=8 if narrow else 300, right=52, top=24, bottom=36)
        axes.set(xlim=(low, high), ylim=(len(drawn), 0), yticks=[])
        axes.spines["left"].set_visible(False)
        band = 0.68 if narrow else 0.0  # what is above it in each row is the label's, on a phone
        for index, row in enumerate(drawn):
            bottom, top = len(drawn) - index - 1, len(drawn) - index - band
            axes.axvspan(
                0, high, bottom / len(drawn), top / len(drawn), color=COLOURS["right"], alpha=0.09, lw=0
            )
            axes.axvline(0, bottom / len(drawn), top / len(drawn), color=COLOURS["ink"], lw=1.2)
            at = index + (1 + band) / 2
            axes.plot(np.log2([row.low, row.high]), [at, at], color=COLOURS["engine"], lw=6, alpha=0.4)
            axes.plot(np.log2([row.ratio]), [at], "o", ms=8, color=COLOURS["engine"], mec=COLOURS["surface"])
            axes.annotate(
                f"{number(float(row.ratio))}×", (high, at), (8, 0), textcoords="offset points", va="center"
            )
            for text, colour, line in (
                (row.name, "ink", -15 if narrow else -8),
                (row.against, "muted", 1 if narrow else 8),
            ):
                axes.annotate(
                    _cut(text, 46),
                    (low, index + 0.34 if narrow else at),
                    (0 if narrow else -292, -line),
                    textcoords="offset points",
                    va="center",
                    color=COLOURS[colour],
                )
        for side, offset, words in (("right", -8, "← slower"), ("left", 8, "faster →")):
            axes.annotate(
                words,
                (0, 1),
                (offset, 8),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                ha=side,
                color=COLOURS["muted"],
            )
        ticks = [tick for tick in _TICKS if low <= np.log2(tick) <= high]
        if len(ticks) > (6 if narrow else 9):
            ticks = [tick for tick in ticks if np.log10(tick).is_integer()]
        axes.set_xticks(np.log2(ticks), [f"{tick:g}×" for tick in ticks])

    label = (
        f"{len(drawn)} speed ratios with intervals on a logarithmic axis; right of 1 the subject is faster."
    )
    return responsive("ratios", label, (760, 44 * len(drawn) + 60), (340, 62 * len(drawn) + 60), paint)


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "…"


def _positive(value: Any) -> bool:
    return isinstance(value, int | float) and np.isfinite(value) and value > 0
