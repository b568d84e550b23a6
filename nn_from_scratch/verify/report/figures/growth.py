"""How time and memory grow with a graph, on logarithmic axes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nn_from_scratch.verify.report.figures.canvas import COLOURS, decades, panel, responsive
from nn_from_scratch.verify.report.formats import power_of_ten

_APART = 15.0  # pixels between the names at the ends of curves
_LABELS = 150  # pixels beside the axes, for names and exponents


def growth(curves: Sequence[Mapping[str, Any]], unit: str) -> Markup | None:
    """Draw each peer's curve of one unit; the first is the engine's.

    The name at the end of a curve has the fitted exponent, if there is one.
    """
    drawn = [curve for curve in curves if curve.get("unit") == unit and _points(curve).size]
    if not drawn:
        return None

    def paint(figure: Figure) -> None:
        axes = panel(figure, left=56, right=_LABELS, top=10, bottom=44)
        for index, curve in reversed(list(enumerate(drawn))):
            colour, width = ("engine", 2.6) if index == 0 else ("muted", 1.2)
            axes.plot(*_points(curve), color=COLOURS[colour], lw=width, marker="o", ms=2 * width)
        for ticks, limits in ((axes.set_xticks, axes.get_xlim()), (axes.set_yticks, axes.get_ylim())):
            powers = decades(*limits, 6)
            ticks(powers, [*map(power_of_ten, powers)])
        axes.set_xlabel("operations")
        axes.set_ylabel(unit)
        _names(axes, drawn)

    label = f"{unit} over the number of operations, on logarithmic axes, for {len(drawn)} engines."
    return responsive(f"growth-{unit}", label, (760, 420), (340, 380), paint)


def _points(curve: Mapping[str, Any]) -> Any:
    pairs = [
        (x, y)
        for x, y in zip(curve.get("sizes") or (), curve.get("medians") or (), strict=False)
        if isinstance(x, int | float) and isinstance(y, int | float) and 0 < x < np.inf and 0 < y < np.inf
    ]
    return np.log10(np.array(pairs, dtype=np.float64)).reshape(-1, 2).T


def _names(axes: Axes, drawn: Sequence[Mapping[str, Any]]) -> None:
    """Set the names at the right edge, in the order of the curves' ends, none over another."""
    ends = [axes.transData.transform(_points(curve)[:, -1])[1] for curve in drawn]
    bottom, top = (axes.transAxes.transform((0, end))[1] for end in (0, 1))
    y = top
    for index in np.argsort(ends)[::-1]:
        y = min(y, ends[index])
        curve, exponent = drawn[index], drawn[index].get("exponent")
        text = str(curve.get("peer") or "unnamed")[:18]
        if isinstance(exponent, int | float):
            text += f"  n^{exponent:.2f}"
        axes.annotate(
            text,
            (1, (y - bottom) / (top - bottom)),
            (8, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            va="center",
            fontsize=11,
            color=COLOURS["ink" if index == 0 else "muted"],
        )
        y -= _APART
