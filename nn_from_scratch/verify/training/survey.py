"""Our engine on every recorded run: seeds, sizes, activations, learning rates, batches, float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nn_from_scratch.verify.training.boundary import judge_classes
from nn_from_scratch.verify.training.judge import (
    digits,
    judge_completion,
    judge_losses,
    judge_weights,
    numbers,
    verdict,
)
from nn_from_scratch.verify.training.loop import Trajectory, at_once, network, train
from nn_from_scratch.verify.training.recorded import load

if TYPE_CHECKING:
    from nn_from_scratch.verify.training.recorded import Recorded


def reproduce(recorded: Recorded) -> Trajectory:
    """Train a recorded run by our engine, in the recorded dtype, all samples of an iteration at once."""
    model = network(recorded, recorded.dtype)
    return train(model, recorded, iterations=recorded.iterations, loss_of=at_once)


def survey(name: str) -> dict[str, Any]:
    """Reproduce a recorded run and judge it.

    Returns
    -------
    dict
        What was run; "verdict"; "horizon", the first iteration that is not compared (as many as there are
        iterations if all are); "largest_error_in_tolerances"; "losses"; and "digits" that our engine and
        PyTorch keep of the certified losses, one per certified iteration.

    """
    recorded = load(name)
    run = reproduce(recorded)
    checks = [
        judge_completion(run),
        judge_losses(run.losses, recorded),
        judge_weights(run.weights, recorded),
        judge_classes(run.weights, recorded),
    ]
    return {
        "name": name,
        "about": recorded.about,
        "sizes": list(recorded.sizes),
        "activations": list(recorded.activations),
        "learning_rate": recorded.learning_rate,
        "batch": recorded.batch,
        "dtype": recorded.dtype.name,
        "iterations": recorded.iterations,
        "horizon": recorded.horizon,
        "verdict": verdict(checks),
        "checks": [check.as_json() for check in checks],
        "largest_error_in_tolerances": checks[1].largest_error_in_tolerances,
        "losses": numbers(run.losses),
        "digits": {
            "nn_from_scratch": digits(run.losses, recorded.true_losses),
            "PyTorch": digits(recorded.losses.tolist(), recorded.true_losses),
        },
    }
