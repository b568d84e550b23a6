"""The moons run: its loss beside the recorded one, and the decision boundary it ends with."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from nn_from_scratch.verify.report.figures.canvas import COLOURS, decades, mark, panel, responsive
from nn_from_scratch.verify.report.figures.columns import log10, numbers, together
from nn_from_scratch.verify.report.formats import power_of_ten

_THRESHOLD = 0.5  # midway between the labels 0 and 1
_SERIES = (("engine", "dot", 3.4), ("reference", "plus", 1.2), ("muted", "cross", 1.0))  # of the digits
_BANDS = np.linspace(0.06, 0.9, 8)  # distances from the threshold at which the shade deepens


def losses(moons: Mapping[str, Any]) -> Markup | None:
    """Draw both loss curves over each other, and below them their difference against the tolerance."""
    loss, reference, tolerance = (numbers(moons.get(key)) for key in ("losses", "reference", "tolerance"))
    if not np.any(loss > 0):
        return None
    first, second, allowed = together(loss, reference, tolerance)
    difference = np.abs(first - second)
    parting = moons.get("first_difference")

    def paint(figure: Figure) -> None:
        height = figure.get_figheight() * 72
        above = panel(figure, left=56, right=12, top=10, bottom=height * 0.45)
        below = panel(figure, left=56, right=12, top=height * 0.6, bottom=44)
        _curves(above, loss, reference)
        _differences(below, difference, allowed)
        for axes in (above, below):
            axes.set_xlim(-0.5, max(len(loss), len(reference), 2) - 0.5)
            if isinstance(parting, int):
                axes.axvline(parting, color=COLOURS["wrong"], lw=1.2, ls=(0, (2, 2)))
        above.tick_params(labelbottom=False)
        below.set_xlabel("iteration")

    label = (
        f"Two logarithmic panels over {len(loss)} iterations: above, this run's loss and the recorded one; "
        "below, their absolute difference and the tolerance."
    )
    return responsive("losses", label, (760, 480), (340, 420), paint)


def band(moons: Mapping[str, Any]) -> Markup | None:
    """Draw where the recorded curve lies among those from many random starts."""
    quantiles = [numbers(row) for row in (moons.get("band") or {}).get("losses") or []]
    reference = numbers(moons.get("reference"))
    if len(quantiles) < 3 or not np.any(reference > 0):
        return None
    middle = len(quantiles) // 2

    def paint(figure: Figure) -> None:
        axes = panel(figure, left=56, right=12, top=10, bottom=44)
        for low, high in zip(quantiles[:middle], quantiles[:middle:-1], strict=False):
            axes.fill_between(
                range(len(low)), log10(low), log10(high), color=COLOURS["engine"], alpha=0.14, lw=0
            )
        axes.plot(_finite(log10(quantiles[middle])), color=COLOURS["engine"], lw=1.2)
        axes.plot(_finite(log10(reference)), color=COLOURS["reference"], lw=1.8, ls=(0, (5, 2.5)))
        powers = decades(*axes.get_ylim(), 6)
        axes.set_yticks(powers, [*map(power_of_ten, powers)])
        axes.set_xlabel("iteration")
        axes.set_ylabel("loss")

    label = f"The recorded loss among quantiles of many random starts, over {len(reference)} iterations."
    return responsive("band", label, (760, 360), (340, 320), paint)


def _curves(axes: Axes, loss: NDArray[np.float64], reference: NDArray[np.float64]) -> None:
    axes.plot(_finite(log10(loss)), color=COLOURS["engine"], lw=7, alpha=0.35, solid_capstyle="round")
    axes.plot(_finite(log10(reference)), color=COLOURS["reference"], lw=1.8, ls=(0, (5, 2.5)))
    low, high = axes.get_ylim()
    powers = decades(low, high, 6)
    if len(powers) > 3:
        axes.set_yticks(powers, [*map(power_of_ten, powers)])
    else:
        ticks = [
            digit * 10.0**power
            for power in range(int(np.floor(low)), int(np.ceil(high)))
            for digit in (1, 2, 5)
        ]
        ticks = [tick for tick in ticks if low <= np.log10(tick) <= high]
        axes.set_yticks(np.log10(ticks), [f"{tick:g}" for tick in ticks])
    axes.set_ylabel("loss")


def _differences(axes: Axes, difference: NDArray[np.float64], allowed: NDArray[np.float64]) -> None:
    iteration = np.arange(len(difference))
    error, limit = log10(difference), _finite(log10(allowed))
    finite = np.concatenate([_finite(error), limit, [-16.0]])
    low, high = np.floor(np.nanmin(finite)) - 0.2, np.ceil(np.nanmax(finite)) + 0.3
    strip = low - (high - low) * 0.1
    axes.axhspan(
        strip - (high - low) * 0.08, low - (high - low) * 0.03, color=COLOURS["rule"], alpha=0.45, lw=0
    )
    axes.fill_between(iteration, low, limit, color=COLOURS["right"], alpha=0.12, lw=0)
    axes.plot(limit, color=COLOURS["right"], lw=1.4)
    shown = np.where(error == -np.inf, strip, error)
    size = 2.6 if len(difference) <= 300 else 1.2
    axes.plot(iteration, shown, "o", ms=size, mew=0, color=COLOURS["engine"])
    axes.set_ylim(strip - (high - low) * 0.08, high)
    ticks = decades(low, high, 5)
    axes.set_yticks([strip, *ticks], ["0", *map(power_of_ten, ticks)])
    axes.set_ylabel("difference")


def series(moons: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return name, colour and mark of each run whose digits are drawn."""
    return [
        (name, colour, shape)
        for name, (colour, shape, _) in zip(moons.get("digits") or {}, _SERIES, strict=False)
    ]


def digits(moons: Mapping[str, Any]) -> Markup | None:
    """Draw how many digits of the true loss each run keeps, iteration by iteration."""
    kept = [numbers(column) for column in (moons.get("digits") or {}).values()]
    known = np.concatenate([column[np.isfinite(column)] for column in kept] or [np.empty(0)])
    if not len(known):
        return None

    def paint(figure: Figure) -> None:
        axes = panel(figure, left=56, right=12, top=10, bottom=44)
        axes.set(xlim=(-1, max(map(len, kept))), ylim=(min(known.min(), 14) - 0.5, known.max() + 0.5))
        for column, (colour, shape, size) in zip(kept, _SERIES, strict=False):
            drawn = np.flatnonzero(np.isfinite(column))
            mark(axes, drawn, column[drawn], shape=shape, colour=colour, size=size)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
        axes.set(xlabel="iteration", ylabel="right digits")

    label = f"Right decimal digits of the loss over {max(map(len, kept))} iterations, for {len(kept)} runs."
    return responsive("digits", label, (760, 240), (340, 240), paint)


def boundary(moons: Mapping[str, Any]) -> Markup | None:
    """Draw the model's value over the plane in bands, where it and the certified one are 1/2, and data."""
    grid = moons.get("boundary") or {}
    data = moons.get("data") or {}
    x, y, value = (numbers(grid.get(key)) for key in ("x", "y", "value"))
    certified = numbers(grid.get("certified"))
    points, labels = numbers(data.get("x")), numbers(data.get("y"))
    if value.shape != (len(y), len(x)) or min(value.shape, default=0) < 2 or np.isnan(value).all():
        return None

    def paint(figure: Figure) -> None:
        axes = panel(figure, left=56, right=10, top=10, bottom=44)
        margin = np.ma.masked_invalid(value - _THRESHOLD)
        # Translucent layers that overlap, not bands side by side: those would show seams.
        for sign, colour in ((1, "reference"), (-1, "engine")):
            for depth, band in enumerate([0.0, *_BANDS]):
                if (sign * margin).max() > band:
                    layer = [band, np.inf]
                    axes.contourf(
                        x,
                        y,
                        sign * margin,
                        levels=layer,
                        colors=COLOURS[colour],
                        alpha=0.14 if depth == 0 else 0.07,
                    )
        both = certified.shape == value.shape
        _threshold(axes, x, y, value, linewidths=6.0 if both else 1.6, alpha=0.4 if both else 1.0)
        if both:
            _threshold(axes, x, y, certified, linewidths=1.4, linestyles=[(0, (5, 3))])
        if points.shape == (len(labels), 2):
            for label, colour, shape in ((0, "engine", "o"), (1, "reference", "D")):
                chosen = points[labels == label]
                axes.plot(
                    *chosen.T,
                    shape,
                    ms=6 if shape == "o" else 5.4,
                    mfc=COLOURS[colour],
                    mec=COLOURS["surface"],
                    mew=1,
                )
        axes.set(xlim=(x.min(), x.max()), ylim=(y.min(), y.max()), xlabel="x₁", ylabel="x₂")
        axes.set_aspect("equal", adjustable="box")

    label = "The plane shaded by the trained model's value, its decision boundary, and both classes' points."
    return responsive("boundary", label, (560, 430), (340, 280), paint)


def _threshold(
    axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], value: NDArray[np.float64], **style: Any
) -> None:
    margin = np.ma.masked_invalid(value - _THRESHOLD)
    if margin.min() < 0 < margin.max():
        axes.contour(x, y, margin, levels=[0.0], colors=COLOURS["ink"], **style)


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isfinite(values), values, np.nan)
