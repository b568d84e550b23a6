"""The moons run: the seed README's training, reproduced and judged."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_from_scratch.nn import MLP
from nn_from_scratch.verify.environment import environment
from nn_from_scratch.verify.training.formula import Floats, step, unflatten
from nn_from_scratch.verify.training.judge import (
    digits,
    judge_log,
    judge_losses,
    judge_steps,
    judge_weights,
    verdict,
)
from nn_from_scratch.verify.training.loop import flat, start_at, train
from nn_from_scratch.verify.training.recorded import load, read

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from nn_from_scratch.verify.training.recorded import Recorded

NOTE = (
    "Tolerance: 4 spreads of rounding from the certified loss, so 8 from PyTorch's, which is off as well. "
    "The spread is derived: what each operation of a step may round off (probabilistic rounding analysis), "
    "carried to every later loss by the exact derivatives of training."
)


def moons(
    *, iterations: int = 101, progress: Callable[[int, int, str], None] | None = None
) -> dict[str, Any]:
    """Train as the seed README does, and judge every iteration.

    Parameters
    ----------
    iterations
        How many; those beyond the recorded 101 are trained, and their steps judged, but no curve is there to
        compare with.
    progress
        Called with the number of the iteration, their count, and a text.

    Returns
    -------
    dict
        The results as strict JSON. A KeyboardInterrupt while training gives what was completed, with
        "interrupted": true.

    Raises
    ------
    ValueError
        If there is no iteration to train.

    """
    if iterations < 1:
        raise ValueError(f"moons: expected at least 1 iteration, got {iterations}")
    began = time.perf_counter()
    recorded = load("readme")
    model = MLP(recorded.sizes)
    start_at(model, recorded.start)
    run = train(model, lambda: flat(model), recorded, iterations=iterations, progress=progress)
    printed = log(run.losses)
    by_hand = numpy_losses(recorded)
    judged = len(recorded.losses[: len(run.losses)])
    checks = [
        judge_losses(run.losses[:judged], recorded),
        judge_weights(run.weights, recorded),
        judge_steps(run, recorded),
        judge_log(printed, read("readme_start.json")["log"]),
    ]
    return {
        "schema": 1,
        "kind": "moons",
        "verdict": verdict(checks),
        "seconds": time.perf_counter() - began,
        "interrupted": run.interrupted,
        "environment": environment(),
        "configuration": {
            "sizes": recorded.sizes,
            "learning_rate": recorded.learning_rate,
            "iterations": iterations,
            "samples": len(recorded.x),
            "noise": 0.1,
        },
        "start": read("readme_start.json")["about"],
        "log": printed,
        "losses": _numbers(run.losses),
        "reference": recorded.losses.tolist(),
        "tolerance": (2 * recorded.tolerance).tolist(),
        "note": NOTE,
        "first_difference": min(
            (check.first_difference for check in checks if check.first_difference is not None), default=None
        ),
        "checks": [check.as_json() for check in checks],
        "digits": {
            "nn_from_scratch": _numbers(digits(run.losses, recorded.true_losses)),
            "PyTorch": _numbers(digits(recorded.losses.tolist(), recorded.true_losses)),
            "numpy": _numbers(digits(by_hand, recorded.true_losses)),
        },
        "logs": {
            "PyTorch": log(recorded.losses.tolist()),
            "numpy": log(by_hand),
            "ball arithmetic": log([float(loss) for loss in recorded.true_losses]),
        },
        "data": {"x": recorded.x.tolist(), "y": recorded.y.tolist()},
        "boundary": boundary(model, recorded.x),
    }


def log(losses: Sequence[float]) -> list[str]:
    """Return the seed README's log: every tenth iteration."""
    return [f"Iter {k}: Loss {loss:.4f}" for k, loss in enumerate(losses) if k % 10 == 0]


def numpy_losses(recorded: Recorded) -> list[float]:
    """Return the losses of hand-written numpy from the same start."""
    layers, losses = unflatten(recorded.start, recorded.sizes), []
    for k in range(recorded.iterations):
        seen = recorded.samples(k)
        x, y = recorded.x[seen], recorded.y[seen, None]
        loss, layers = step(Floats(), layers, x, y, **recorded.descent)
        losses.append(loss.item())
    return losses


def boundary(model: MLP, x: NDArray[np.float64], spacing: float = 0.05) -> dict[str, Any]:
    """Return the model's value over the seed README's grid: 1 beyond the data on every side."""
    across, along = (
        np.arange(low - 1, high + 1, spacing) for low, high in zip(x.min(0), x.max(0), strict=True)
    )
    grid = np.stack(np.meshgrid(across, along), axis=-1)
    value = model(grid.reshape(-1, 2)).value.reshape(grid.shape[:-1])
    return {
        "x": across.round(4).tolist(),
        "y": along.round(4).tolist(),
        "value": [_numbers(row) for row in value.round(6)],
    }


def _numbers(values: Sequence[float] | NDArray[np.float64]) -> list[float | None]:
    """Return numbers as strict JSON knows them: null for what is not finite."""
    return [float(value) if np.isfinite(value) else None for value in values]
