"""Watching training: the boundary and the loss over the iterations, as data for the report."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_from_scratch.verify.training.boundary import grid
from nn_from_scratch.verify.training.formula import Floats, forward, unflatten

if TYPE_CHECKING:
    from nn_from_scratch.verify.training.loop import Trajectory
    from nn_from_scratch.verify.training.recorded import Configuration

FRAMES = 51
SPACING = 0.1  # twice the seed README's: the eye interpolates


def frames(run: Trajectory, configuration: Configuration) -> dict[str, Any]:
    """Return what the animation shows, as strict JSON.

    Returns
    -------
    dict
        "iterations" that are shown; "losses" of all iterations; the data "points" and their "classes";
        the grid, "left", "bottom", "spacing", "columns", "rows"; and "frames", one per shown iteration: the
        outputs over the grid, row by row from the bottom, as base64 of bytes: 0 for -1 or less, 255 for 2 or
        more, linear between.

    """
    across, along = grid(configuration.x, SPACING)
    last = len(run.losses) - 1
    shown = sorted({round(k) for k in np.linspace(0, last, min(FRAMES, last + 1))})
    points = np.stack(np.meshgrid(across, along), axis=-1).reshape(-1, 2)
    layers = unflatten(np.stack([run.weights[k] for k in shown]), configuration.sizes)
    outputs = forward(
        Floats(), layers, np.broadcast_to(points, (len(shown), *points.shape)), configuration.activations
    )
    levels = np.clip((np.nan_to_num(outputs) + 1) * 85, 0, 255).round().astype(np.uint8)
    return {
        "iterations": shown,
        "losses": [float(loss) if np.isfinite(loss) else None for loss in run.losses],
        "points": configuration.x.round(4).tolist(),
        "classes": configuration.y.astype(int).tolist(),
        "left": float(across[0]),
        "bottom": float(along[0]),
        "spacing": SPACING,
        "columns": len(across),
        "rows": len(along),
        "frames": [base64.b64encode(level.tobytes()).decode("ascii") for level in levels],
    }
