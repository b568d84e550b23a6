"""Is a training run right? Its losses against the certified ones, its weights, and every single step."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import flint
import numpy as np

from nn_from_scratch.verify.training.formula import Floats, flatten, step, unflatten
from nn_from_scratch.verify.training.recorded import MARGIN
from nn_from_scratch.verify.training.rounding import Rounding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from nn_from_scratch.verify.training.loop import Trajectory
    from nn_from_scratch.verify.training.recorded import Recorded


@dataclass(frozen=True)
class Check:
    """One claim about a training run, and whether it holds.

    Parameters
    ----------
    name
        What is claimed.
    outcome
        "right", "wrong" or "not checked".
    message
        With what figures, or why not.
    first_difference
        The first iteration at which it fails, where there is one.
    largest_error_in_tolerances
        How near it came to failing: above 1 it failed; None where an error is not finite.

    """

    name: str
    outcome: str
    message: str
    first_difference: int | None = None
    largest_error_in_tolerances: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what a results file holds."""
        return asdict(self)


def judge(name: str, subject: str, errors_in_tolerances: Iterable[float], note: str = "") -> Check:
    """Judge errors, one per loss, step or weight, that must not exceed 1; what is not a number exceeds it."""
    errors = np.array(list(errors_in_tolerances), dtype=np.float64)
    if not len(errors):
        return Check(name, "not checked", note or "no iteration was completed")
    wrong = ~(errors <= 1)
    first = int(np.argmax(wrong)) if wrong.any() else None
    largest = float(np.max(errors)) if np.all(np.isfinite(errors)) else None
    worst = "not a number" if largest is None else f"{largest:.2g} of the tolerance"
    where = "" if first is None else f", the first beyond it number {first}"
    message = f"{len(errors)} {subject}, the largest error {worst}{where}"
    return Check(name, "right" if first is None else "wrong", message + note, first, largest)


def judge_losses(losses: Sequence[float], recorded: Recorded) -> Check:
    """Compare losses with the certified ones, up to where rounding may have taken half of the digits."""
    trusted = min(recorded.horizon, len(recorded.true_losses))
    note = "" if trusted >= len(losses) else f"; {recorded.dtype} is lost from iteration {trusted} on"
    errors = distances(losses[:trusted], recorded.true_losses)
    return judge("losses", "losses", errors / recorded.tolerance[: len(errors)], note)


def judge_weights(weights: Sequence[NDArray[np.float64]], recorded: Recorded) -> Check:
    """Compare the weights after the last recorded iteration with PyTorch's."""
    name = "final weights"
    if len(weights) <= recorded.iterations:
        return Check(name, "not checked", "training stopped before the last recorded iteration")
    if recorded.horizon < recorded.iterations:
        return Check(name, "not checked", f"{recorded.dtype} is lost from iteration {recorded.horizon} on")
    positions = recorded.final_positions
    errors = abs(weights[recorded.iterations] - recorded.final)[positions]
    # both are within the tolerance of the true weights
    check = judge(name, "weights", errors / (2 * MARGIN * recorded.final_spread))
    return replace(check, first_difference=None)


def judge_steps(run: Trajectory, recorded: Recorded) -> Check:
    """Repeat every single step by hand-written numpy, from the weights that the run itself had.

    No error is handed on to the next step, so this bites however long or chaotic training is.
    """
    arithmetic = Rounding(float(np.finfo(recorded.dtype).eps) / 2)
    with np.errstate(all="ignore"):  # a run that diverged is judged, not warned of
        errors = [_error_of_a_step(k, run, recorded, arithmetic) for k in range(len(run.losses))]
    return judge("every step", "steps", errors, " (new weights and loss, from the run's own weights)")


def _error_of_a_step(k: int, run: Trajectory, recorded: Recorded, arithmetic: Rounding) -> float:
    """Return the largest error of a loss and of the weights after it, in tolerances."""
    layers = unflatten(run.weights[k], recorded.sizes)
    x, y = recorded.samples(k)
    expected_loss, expected = step(Floats(), layers, x, y, **recorded.descent)
    bound_loss, bound = step(
        arithmetic,
        [arithmetic.exact(layer) for layer in layers],
        arithmetic.exact(x),
        arithmetic.exact(y),
        **recorded.descent,
    )
    differences = np.append(flatten(expected) - run.weights[k + 1], expected_loss - run.losses[k])
    spread = np.append(flatten([layer.error for layer in bound]), bound_loss.error)
    return float(np.max(abs(differences) / (2 * MARGIN * spread)))


def judge_log(printed: Sequence[str], expected: Sequence[str]) -> Check:
    """Compare the printed log with the seed README's, as far as both go."""
    pairs = list(zip(printed, expected, strict=False))
    if not pairs:
        return Check("log", "not checked", "no iteration was completed")
    for number, (line, recorded_line) in enumerate(pairs):
        if line != recorded_line:
            return Check("log", "wrong", f"printed {line!r}, the seed README {recorded_line!r}", 10 * number)
    return Check("log", "right", f"{len(pairs)} lines are the seed README's, digit for digit")


def judge_completion(run: Trajectory) -> Check:
    """Require that the engine did not raise."""
    name, done = "training", len(run.losses)
    if run.failure:
        return Check(name, "wrong", f"the engine raised in iteration {done}: {run.failure}", done)
    return Check(name, "right" if done else "not checked", f"{done} iterations were completed")


def verdict(checks: Sequence[Check]) -> str:
    """Return "wrong" if a check is, else "right", but "nothing checked" where none was made."""
    outcomes = {check.outcome for check in checks}
    return next((outcome for outcome in ("wrong", "right") if outcome in outcomes), "nothing checked")


def log(losses: Iterable[float]) -> list[str]:
    """Return the seed README's log: every tenth iteration."""
    return [f"Iter {k}: Loss {loss:.4f}" for k, loss in enumerate(losses) if k % 10 == 0]


def distances(losses: Sequence[float], true_losses: Sequence[str]) -> NDArray[np.float64]:
    """Return how far losses are from the true ones, absolute; NaN where a loss is no number."""
    with flint.ctx.workprec(256):
        return np.array(
            [
                float(abs(flint.arb(loss) - flint.arb(true))) if math.isfinite(loss) else math.nan
                for loss, true in zip(map(float, losses), true_losses, strict=False)
            ]
        )


def digits(losses: Sequence[float], true_losses: Sequence[str]) -> list[float | None]:
    """Return how many decimal digits of the true losses each loss keeps; None for what is no number.

    That is -log10 of the relative error: 16.3 is the nearest that every float64 can be.
    """
    true = np.array([float(loss) for loss in true_losses[: len(losses)]])
    return numbers((-np.log10(distances(losses, true_losses) / true)).round(2))


def numbers(values: Iterable[float]) -> list[float | None]:
    """Return numbers as strict JSON knows them: None for what is not finite."""
    return [float(value) if math.isfinite(value) else None for value in values]
