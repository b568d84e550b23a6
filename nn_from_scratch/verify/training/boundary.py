"""The decision boundary: the trained network over the seed README's grid, beside the certified one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nn_from_scratch.verify.training.formula import Floats, forward, unflatten
from nn_from_scratch.verify.training.judge import Check
from nn_from_scratch.verify.training.recorded import MARGIN
from nn_from_scratch.verify.training.rounding import Rounded, Rounding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from nn_from_scratch.verify.training.recorded import Recorded

THRESHOLD = 0.5
"""Half way between the targets 0 and 1: above it a point is of class 1."""


def grid(x: NDArray[np.float64], spacing: float = 0.05) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the seed README's grid, 1 beyond the data on every side, as coordinates across and along."""
    (left, bottom), (right, top) = x.min(axis=0) - 1, x.max(axis=0) + 1
    return np.arange(left, right, spacing), np.arange(bottom, top, spacing)


def over_grid(
    output: Callable[[Any], Any], across: NDArray[np.float64], along: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the network's output at every grid point, shape (len(along), len(across))."""
    points = np.stack(np.meshgrid(across, along), axis=-1).reshape(-1, 2)
    return np.asarray(output(points), dtype=np.float64).reshape(len(along), len(across))


def judge_boundary(value: NDArray[np.float64] | None, certified: dict[str, Any]) -> Check:
    """Require the certified class at every grid point, all of which are away from the threshold.

    Parameters
    ----------
    value
        The network's outputs, shape (rows, columns) of the certified ones; None where training stopped early.
    certified
        What `reference/boundary.json` holds.

    """
    name = "decision boundary"
    if value is None:
        return Check(name, "not checked", "training stopped before the last recorded iteration")
    true = np.array(certified["value"])
    wrong = ~np.isfinite(value) | ((value > THRESHOLD) != (true > THRESHOLD))
    margin = certified["nearest to the threshold"] / (MARGIN * certified["spread"])
    message = (
        f"{value.size - wrong.sum():,} of {value.size:,} grid points in their certified class; the nearest "
        f"is {certified['nearest to the threshold']:.1e} from the threshold, {margin:.0e} tolerances"
    )
    return Check(name, "wrong" if wrong.any() else "right", message)


def judge_classes(weights: Sequence[NDArray[np.float64]], recorded: Recorded) -> Check:
    """Require PyTorch's class at every grid point whose output rounding cannot push over the threshold.

    Parameters
    ----------
    weights
        Flat weights at the start and after every iteration.
    recorded
        The run.

    """
    name = "decision boundary"
    if len(weights) <= recorded.iterations or recorded.horizon < recorded.iterations:
        return Check(name, "not checked", "no final weights that can be compared")
    unit = float(np.finfo(recorded.dtype).eps) / 2
    spread = np.full_like(recorded.final, recorded.final_spread.max())
    spread[recorded.final_positions] = recorded.final_spread
    layers = [
        Rounded(value, error, unit)
        for value, error in zip(
            unflatten(recorded.final, recorded.sizes), unflatten(spread, recorded.sizes), strict=True
        )
    ]
    axes = grid(recorded.x)
    points = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    rounding = Rounding(unit)
    expected = forward(rounding, layers, rounding.exact(points), recorded.activations)
    away = abs(expected.value - THRESHOLD) > 2 * MARGIN * expected.error
    final = unflatten(weights[recorded.iterations], recorded.sizes)
    value = forward(Floats(), final, points, recorded.activations)
    wrong = away & (~np.isfinite(value) | ((value > THRESHOLD) != (expected.value > THRESHOLD)))
    message = f"{wrong.sum()} of {away.sum():,} grid points wrong, {(~away).sum()} too near the threshold"
    return Check(name, "wrong" if wrong.any() else "right", message)
