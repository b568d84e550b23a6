"""The error of each checked graph against its tolerance."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from nn_from_scratch.verify.report.figures.canvas import COLOURS, decades, mark, panel, responsive
from nn_from_scratch.verify.report.figures.columns import log10, numbers, together
from nn_from_scratch.verify.report.formats import power_of_ten

# The verdicts that have an error to draw, with their mark and its size; what matters most is drawn last.
MARKS = {
    "right": ("dot", 2.6),
    "undecided": ("dash", 1.3),
    "inaccurate": ("plus", 1.5),
    "wrong": ("cross", 1.7),
}

GRADCHECK = 1e-3  # torch.autograd.gradcheck's default rtol

_EXTENT = -19.0, 2.0  # decades that are drawn at most; marks beyond are drawn at the edge
_BINS = np.linspace(-4, 2, 25)  # of log10(error in tolerances)


@dataclass(frozen=True)
class Checks:
    """The columns of the checks that have an error and a tolerance.

    Errors and tolerances are absolute; `scale` is the size of the gradient, 1 where that is zero or unknown.
    """

    error: NDArray[np.float64]
    tolerance: NDArray[np.float64]
    scale: NDArray[np.float64]
    verdict: NDArray[np.str_]

    @classmethod
    def of(cls, columns: Any) -> "Checks":
        """Read the ``checks`` of verify's results; entries without an error or a tolerance are left out."""
        columns = columns if isinstance(columns, dict) else {}
        error, tolerance = together(numbers(columns.get("error")), numbers(columns.get("tolerance")))
        verdict = np.full(len(error), "undecided", dtype="<U16")  # unless the results say more
        scale = np.ones(len(error))
        for target, values in (
            (verdict, columns.get("verdict")),
            (scale, np.abs(numbers(columns.get("gradient")))),
        ):
            given = list(values)[: len(target)] if values is not None else []
            target[: len(given)] = given
        scale[~(scale > 0)] = 1
        known = np.isfinite(error) & np.isfinite(tolerance)
        return cls(error[known], tolerance[known], scale[known], verdict[known])

    @property
    def ratio(self) -> NDArray[np.float64]:
        """Errors in tolerances: 0 for no error, infinite for an error where none is allowed."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.where(self.error == 0, 0.0, self.error / self.tolerance)

    @property
    def strictness(self) -> float | None:
        """How many times as strict as gradcheck's the median tolerance is; None without one."""
        allowed = self.tolerance > 0
        exponents = log10(GRADCHECK * self.scale[allowed]) - log10(self.tolerance[allowed])
        return float(10 ** np.median(exponents)) if len(exponents) else None


def scatter(checks: Checks) -> Markup | None:
    """Draw relative error over relative tolerance, in decades, with gradcheck's tolerance for scale."""
    if not len(checks.error):
        return None
    scale = log10(checks.scale)
    x, y = log10(checks.tolerance) - scale, log10(checks.error) - scale
    left, right = _frame(x[x < 0], -17, -12)  # a tolerance as large as the gradient tells nothing
    bottom, top = _frame(y, -18, -2)
    strip_x, strip_y = left - 1.2, bottom - 1.2  # where exact zeros go
    x = np.where(x == -np.inf, strip_x, np.clip(x, left, right))
    y = np.where(y == -np.inf, strip_y, np.clip(y, bottom, top))

    def paint(figure: Figure) -> None:
        narrow = figure.get_figwidth() * 72 < 500
        axes = panel(figure, left=52, right=12, top=12, bottom=46)
        axes.set(xlim=(left - 2, right + 0.3), ylim=(bottom - 2, top + 0.5))
        axes.set(xlabel="tolerance, relative to the gradient", ylabel="error, relative to the gradient")
        axes.axhspan(bottom - 2, bottom - 0.4, color=COLOURS["rule"], alpha=0.45, lw=0)
        axes.axhline(np.log10(GRADCHECK), color=COLOURS["reference"], lw=1.2, ls=(0, (5, 3)))
        axes.annotate(
            "gradcheck allows 10⁻³" if narrow else "torch.autograd.gradcheck allows 10⁻³ of the gradient",
            (left - 2, np.log10(GRADCHECK)),
            xytext=(8, 6),
            textcoords="offset points",
            color=COLOURS["reference"],
        )
        ends = np.array([max(left, bottom), min(right + 0.3, top + 0.5)])
        axes.plot(ends, ends, color=COLOURS["ink"], lw=1.2)
        if ends[1] > ends[0]:
            axes.annotate(
                "error = tolerance",
                (ends[1], ends[1]),
                xytext=(-8, 6),
                textcoords="offset points",
                ha="right",
                color=COLOURS["ink"],
            )
        for verdict, (shape, size) in MARKS.items():
            chosen = checks.verdict == verdict
            if chosen.any():
                mark(axes, x[chosen], y[chosen], shape=shape, colour=verdict, size=size)
        ticks_x, ticks_y = decades(left, right, 4 if narrow else 9), decades(bottom, top, 8)
        axes.set_xticks([strip_x, *ticks_x], ["0", *map(power_of_ten, ticks_x)])
        axes.set_yticks([strip_y, *ticks_y], ["0", *map(power_of_ten, ticks_y)])

    label = (
        f"Scatter plot of {len(x):,} checks: relative error over relative tolerance, both logarithmic, with "
        " the line where they are equal and gradcheck's tolerance of one thousandth."
    )
    return responsive("scatter", label, (760, 440), (340, 380), paint)


def histogram(checks: Checks) -> Markup | None:
    """Draw how many checks have which error in tolerances, stacked by verdict."""
    if not len(checks.error):
        return None
    ratio = checks.ratio
    exponent = np.clip(log10(ratio), _BINS[0] + 0.01, _BINS[-1] + 0.4)
    exponent[ratio == 0] = _BINS[0] - 0.65
    width = _BINS[1] - _BINS[0]
    edges = [_BINS[0] - 0.9, _BINS[0] - 0.4, *_BINS, _BINS[-1] + 0.15, _BINS[-1] + 0.65]

    def paint(figure: Figure) -> None:
        axes = panel(figure, left=52, right=12, top=26, bottom=46)
        floor = np.zeros(len(edges) - 1)
        for verdict in MARKS:
            heights, _ = np.histogram(exponent[checks.verdict == verdict], edges)
            filled = heights > 0
            axes.bar(
                np.asarray(edges[:-1])[filled] + 0.02,
                heights[filled],
                np.diff(edges)[filled] - 0.04,
                floor[filled],
                align="edge",
                fc=COLOURS[verdict],
                ec=COLOURS[verdict],
                lw=1,
            )
            floor += heights
        axes.axvline(0, color=COLOURS["ink"], lw=1.2)
        axes.annotate(
            "the tolerance", (0, 1), (5, 4), xycoords=("data", "axes fraction"), textcoords="offset points"
        )
        axes.set(xlim=(edges[0] - width, edges[-1] + width / 2), ylim=(0, max(floor.max(), 1) * 1.04))
        axes.set(xlabel="error in tolerances", ylabel="checks")
        powers = decades(_BINS[0] + 0.5, _BINS[-1] - 0.5, 3 if figure.get_figwidth() * 72 < 500 else 9)
        axes.set_xticks(
            [_BINS[0] - 0.65, *powers, _BINS[-1] + 0.4], ["0", *map(power_of_ten, powers), "more"]
        )
        axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))

    label = (
        f"Histogram of the errors of {len(ratio):,} checks in tolerances, "
        "on a logarithmic axis from exactly 0 to more than 100."
    )
    return responsive("histogram", label, (760, 230), (340, 220), paint)


def _frame(values: NDArray[np.float64], low: float, high: float) -> tuple[float, float]:
    """Return whole decades that hold the finite values and at least [low, high], within the extent."""
    finite = values[np.isfinite(values)]
    lowest, highest = min([low, *finite]), max([high, *finite])
    return float(np.floor(max(lowest, _EXTENT[0]))), float(np.ceil(min(highest, _EXTENT[1])))
