"""What a loss curve can see: how wrong a gradient must be before the curve shows it, and to whom.

The classic argument is that loss curves prove little, since networks learn with wrong gradients too. Measured
here on the seed README's run, by hand-written numpy whose derivative of tanh is wrong on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_from_scratch.verify.faults import CORE
from nn_from_scratch.verify.questions.operations import CATALOGUE
from nn_from_scratch.verify.training.any_engine import train_by
from nn_from_scratch.verify.training.formula import Floats, descend
from nn_from_scratch.verify.training.judge import judge_losses, judge_steps
from nn_from_scratch.verify.training.recorded import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nn_from_scratch.verify.faults import Fault
    from nn_from_scratch.verify.training.formula import Matrix
    from nn_from_scratch.verify.training.recorded import Recorded

SMALL_RUNS = {
    "sizes-2-4-3-1": {"add", "mul", "pow", "sub", "tanh"},
    "relu-2-4-1": {"add", "mul", "pow", "relu", "sub", "tanh"},
    "sigmoid-2-4-1": {"add", "mul", "pow", "sigmoid", "sub"},
}
"""Recorded runs that even an engine of scalars trains in seconds, and the operations that each uses."""

PATIENCE = 5
"""Iterations that a planted bug gets to show itself; those that show take one."""


@dataclass(frozen=True)
class WrongTanh(Floats):
    """Numpy arrays whose derivative of tanh is computed wrongly, from the activation."""

    slope: Callable[[Matrix], Matrix]

    def activate(self, name: str, z: Matrix) -> tuple[Matrix, Matrix]:
        """Return the activation and the wrong derivative."""
        a, _ = super().activate(name, z)
        return a, self.slope(a)


def wrong_by(recorded: Recorded) -> dict[str, list[Any]]:
    """Return, as columns, which comparison shows a derivative of tanh that is wrong by a factor.

    Returns
    -------
    dict
        "relative_error" of the derivative; "largest_change", relative, that it makes to a loss; and the first
        iteration at which the change shows, or null: beyond the derived tolerance of the certified curve
        ("certified curve"), in a digit of the log ("printed log"), beyond 1e-3 ("relative 1e-3"), and beyond
        what an eye sees in a plot ("1 %").

    """
    right = np.array([float(loss) for loss in recorded.true_losses])
    tenth = np.arange(recorded.iterations) % 10 == 0
    columns: dict[str, list[Any]] = {}
    for exponent in range(-16, 1):
        error = 10.0**exponent
        losses = _losses(recorded, partial(_slope_wrong_by, error))
        change = abs(losses / right - 1)
        printed = losses.round(4) != right.round(4)
        row = {
            "relative_error": error,
            "largest_change": float(change.max()),
            "certified curve": judge_losses(losses.tolist(), recorded).first_difference,
            "printed log": _first(printed & tenth),
            "relative 1e-3": _first(change > 1e-3),
            "1 %": _first(change > 1e-2),
        }
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    return columns


def still_learning(recorded: Recorded) -> list[dict[str, Any]]:
    """Return curves of wrong derivatives that still fall: each a "bug" and its "losses"."""
    slopes: dict[str, Callable[[Matrix], Matrix]] = {
        "tanh' taken for 1": np.ones_like,
        "tanh' computed as 1 - |z|": lambda a: 1 - abs(a),
        "tanh' twice too large": lambda a: 2 * (1 - a * a),
    }
    return [{"bug": bug, "losses": _losses(recorded, slope).tolist()} for bug, slope in slopes.items()]


def plant(fault: Fault) -> dict[str, Any]:
    """Train by a planted bug, and look whether the curve alone shows it.

    Returns
    -------
    dict
        The "fault", what it does ("description"), in which recorded "run" it was planted, the first
        "iteration" whose loss is wrong (or null), whether it gave wrong gradients that the curve "missed",
        and a "message".

    """
    run = _run_that_uses(_rule(fault))
    recorded, result = load(run), {"fault": fault.name, "description": fault.description, "run": run}
    for passed in train_by(fault.engine(), recorded):
        check = judge_losses(passed.losses, recorded)
        if check.outcome == "wrong":
            return {**result, "iteration": check.first_difference, "missed": False, "message": check.message}
        if len(passed.losses) > PATIENCE:
            break
    missed = judge_steps(passed, recorded).outcome != "right"
    message = (
        "gradients are wrong, but too little for the curve"
        if missed
        else "every step on the way is right to rounding: training does not meet what this bug breaks"
    )
    return {**result, "iteration": None, "missed": missed, "message": message}


def _rule(fault: Fault) -> str:
    """Return the operation that is blamed for a fault, or what else is."""
    return fault.blamed.partition(" ")[0]


def _run_that_uses(rule: str) -> str:
    """Return the first small run that uses a rule; what is no rule is in every run."""
    return next((name for name, rules in SMALL_RUNS.items() if rule in rules), next(iter(SMALL_RUNS)))


def _slope_wrong_by(error: float, a: Matrix) -> Matrix:
    return (1 - a * a) * (1 + error)


def _losses(recorded: Recorded, slope: Callable[[Matrix], Matrix]) -> np.ndarray:
    return np.array([float(loss) for loss, _ in descend(recorded, WrongTanh(slope))])


def _first(shows: np.ndarray) -> int | None:
    return int(np.argmax(shows)) if shows.any() else None


def met(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Return the bugs that training may meet: in an operation that it uses, or in the reverse pass."""
    used = set().union(*SMALL_RUNS.values())
    return tuple(
        fault
        for fault in faults
        if not fault.arrays and (_rule(fault) in used or _rule(fault) not in CATALOGUE)
    )


PLANTED = met(CORE)
"""What `moons` plants; `reference/planted.json` has all of them."""
