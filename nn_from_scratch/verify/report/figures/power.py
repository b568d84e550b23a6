"""The smallest relative error of one derivative that each tool detects, over the number of inputs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nn_from_scratch.verify.report.figures.canvas import COLOURS, decades, panel, responsive
from nn_from_scratch.verify.report.figures.columns import log10, numbers, together
from nn_from_scratch.verify.report.formats import power_of_ten

_LINES: tuple[tuple[str, float, Any, str], ...] = (  # colour, width, dashes, mark
    ("engine", 4.0, "solid", "o"),
    ("reference", 1.6, "solid", "s"),
    ("reference", 1.6, (0, (5, 3)), "D"),
    ("undecided", 1.6, "solid", "^"),
    ("muted", 1.6, "solid", "v"),
)
_GAP = 17  # pixels between two names

Curve = tuple[str, NDArray[np.float64], NDArray[np.float64]]


def smallest_errors(power: Mapping[str, Any]) -> Markup | None:
    """Draw a line a tool, named at its end, on logarithmic axes."""
    curves = _curves(power.get("curve") or {})
    if not curves:
        return None
    right = max(x[-1] for _, x, _ in curves)
    high = max(y.max() for *_, y in curves)
    low = min(y.min() for *_, y in curves)

    def paint(figure: Figure) -> None:
        narrow = figure.get_figwidth() * 72 < 500
        axes = panel(figure, left=56, right=104 if narrow else 190, top=12, bottom=46)
        axes.set(xlim=(-0.2, right + 0.2), ylim=(np.floor(low) - 0.5, np.ceil(high) + 0.5))
        axes.set(xlabel="inputs", ylabel="smallest error detected, relative")
        for (_, x, y), (colour, width, dashes, shape) in zip(curves, _LINES, strict=False):
            axes.plot(x, y, shape, ls=dashes, lw=width, ms=5, color=COLOURS[colour], mec=COLOURS["surface"])
        ticks_x, ticks_y = decades(0, right, 6), decades(*axes.get_ylim(), 7)
        axes.set_xticks(ticks_x, [*map(power_of_ten, ticks_x)])
        axes.set_yticks(ticks_y, [*map(power_of_ten, ticks_y)])
        _name(axes, curves)

    label = (
        "A line for each of "
        + ", ".join(name for name, *_ in curves)
        + ": the smallest relative error of one derivative that it detects, over the number of inputs."
    )
    return responsive("smallest", label, (760, 400), (340, 380), paint)


def _curves(curve: Mapping[str, Any]) -> list[Curve]:
    inputs = log10(numbers(curve.get("inputs")))
    found = []
    for name, column in (curve.get("smallest") or {}).items():
        x, y = together(inputs, log10(numbers(column)))
        known = np.isfinite(x) & np.isfinite(y)
        if known.any():
            found.append((str(name), x[known], y[known]))
    return found[: len(_LINES)]


def _name(axes: Axes, curves: list[Curve]) -> None:
    """Write each name beside its line's end, moved down until it is clear of the one above."""
    to_pixels = axes.transData.transform
    edge, last = axes.transAxes.transform((1, 0))[0], np.inf
    named = sorted(zip(curves, _LINES, strict=False), key=lambda pair: -pair[0][2][-1])
    for (name, x, y), (colour, *_) in named:
        end = to_pixels((x[-1], y[-1]))
        last = min(end[1], last - _GAP)
        axes.annotate(
            name.replace(", ", ",\n") if len(name) > 18 else name,
            (x[-1], y[-1]),
            (edge + 6 - end[0], last - end[1]),
            textcoords="offset pixels",
            va="center",
            color=COLOURS[colour],
            arrowprops={"arrowstyle": "-", "color": COLOURS["rule"], "lw": 0.8, "shrinkA": 0, "shrinkB": 6},
        )
