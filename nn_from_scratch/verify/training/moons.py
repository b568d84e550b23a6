"""The moons run: the seed README's training, reproduced, judged, and put beside what else could have been."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Any

import flint
import numpy as np

from nn_from_scratch.verify.campaign.environment import environment
from nn_from_scratch.verify.oracles.reference import read
from nn_from_scratch.verify.training import animation, judge, sensitivity
from nn_from_scratch.verify.training.balls import enclose
from nn_from_scratch.verify.training.boundary import THRESHOLD, grid, judge_boundary, over_grid
from nn_from_scratch.verify.training.formula import descend
from nn_from_scratch.verify.training.loop import Trajectory, network, train
from nn_from_scratch.verify.training.recorded import load, names
from nn_from_scratch.verify.training.survey import survey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nn_from_scratch.nn import MLP
    from nn_from_scratch.verify.training.recorded import Recorded

    Progress = Callable[[int, str], None]
    Results = dict[str, Any]

NOTE = (
    "Tolerance: 4 spreads of rounding from the certified loss, so 8 from PyTorch's, which is off as well. "
    "The spread is derived: what each operation of a step may round off (probabilistic rounding analysis), "
    "carried to every later loss by the exact derivatives of training."
)
BITS = 1024


def moons(
    *,
    iterations: int = 101,
    progress: Callable[[int, int, str], None] | None = None,
    certify: bool = False,
    animate: bool = False,
    survey_runs: bool = True,
) -> dict[str, Any]:
    """Train as the seed README does, and judge every iteration.

    Parameters
    ----------
    iterations
        How many. Those beyond the recorded 101 are trained, and their steps judged, but there is no curve to
        compare with.
    progress
        Called with how much is done, of how much, and a text.
    certify
        Whether to repeat the certified curve now, in balls of 1,024 bits.
    animate
        Whether the results hold an animation.
    survey_runs
        Whether to reproduce all other recorded runs too, and to measure what a curve can see.

    Returns
    -------
    dict
        The results as strict JSON. A KeyboardInterrupt gives what was completed, with "interrupted": true.

    Raises
    ------
    ValueError
        If there is no iteration to train.

    """
    if iterations < 1:
        raise ValueError(f"moons: expected at least 1 iteration, got {iterations}")
    began = time.perf_counter()
    recorded = load("readme")
    others = [name for name in names() if name != recorded.name] if survey_runs else []
    certifiable = certify * min(iterations, recorded.iterations)
    stages = [iterations, certifiable, len(others), survey_runs * len(sensitivity.PLANTED)]

    def stage(number: int) -> Progress:
        before, total = sum(stages[:number]), sum(stages)
        return lambda done, text: progress(before + done, total, text) if progress else None

    model = network(recorded)
    run = train(model, recorded, iterations=iterations, progress=stage(0))
    results = _training(model, run, recorded)
    results["configuration"]["iterations"] = iterations
    checks = results["checks"]
    if animate and run.losses:
        results["animation"] = animation.frames(run, recorded)
    try:
        if certify and not run.interrupted:
            checks.append(_certify(recorded, certifiable, results["certified"], stage(1)))
        if survey_runs and not run.interrupted:
            _survey(others, results["runs"], stage(2))
            _what_a_curve_sees(recorded, results, stage(3))
    except KeyboardInterrupt:
        results["interrupted"] = True
    if survey_runs:
        checks += [_all_runs(results["runs"]), _it_bites(results["planted"])]
    return {
        **results,
        "verdict": judge.verdict(checks),
        "first_difference": min(
            (check.first_difference for check in checks if check.first_difference is not None), default=None
        ),
        "checks": [check.as_json() for check in checks],
        "seconds": time.perf_counter() - began,
    }


def _training(model: MLP, run: Trajectory, recorded: Recorded) -> Results:
    """Return the results of the README's run; their checks still as objects."""
    log, start, certified = judge.log(run.losses), read("readme_start.json"), read("boundary.json")
    across, along = grid(recorded.x)
    value = None if run.failure else over_grid(lambda points: model(points).value, across, along)
    by_hand = [float(loss) for loss, _ in descend(recorded)]
    curves = {"nn_from_scratch": run.losses, "PyTorch": recorded.losses.tolist(), "numpy": by_hand}
    return {
        "schema": 1,
        "kind": "moons",
        "interrupted": run.interrupted,
        "environment": environment(),
        "configuration": {
            "sizes": recorded.sizes,
            "learning_rate": recorded.learning_rate,
            "samples": len(recorded.x),
            "noise": 0.1,
        },
        "start": start["about"],
        "log": log,
        "logs": {
            "PyTorch": judge.log(recorded.losses),
            "numpy": judge.log(by_hand),
            "ball arithmetic": judge.log([float(loss) for loss in recorded.true_losses]),
        },
        "losses": judge.numbers(run.losses),
        "digest": run.digest,
        "reference": recorded.losses.tolist(),
        "tolerance": (2 * recorded.tolerance).tolist(),
        "note": NOTE,
        "certified": {"losses": recorded.true_losses, "bits": BITS, "live": False, "digits_known": None},
        "digits": {name: judge.digits(curve, recorded.true_losses) for name, curve in curves.items()},
        "checks": [
            judge.judge_completion(run),
            judge.judge_losses(run.losses[: recorded.iterations], recorded),
            judge.judge_weights(run.weights, recorded),
            judge.judge_steps(run, recorded),
            judge.judge_log(log, start["log"]),
            judge_boundary(value if len(run.losses) == recorded.iterations else None, certified),
        ],
        "data": {"x": recorded.x.tolist(), "y": recorded.y.astype(int).tolist()},
        "boundary": {
            "x": across.round(4).tolist(),
            "y": along.round(4).tolist(),
            "value": None if value is None else [judge.numbers(row) for row in value.round(6)],
            "certified": certified["value"],
            "threshold": THRESHOLD,
        },
        "band": {key: value for key, value in read("band.json").items() if key != "provenance"},
        "runs": [],
        "planted": [],
    }


def _certify(recorded: Recorded, iterations: int, certified: Results, progress: Progress) -> judge.Check:
    """Enclose every loss in balls now, and require the recorded digits inside, but for their last."""
    errors, known = [], []
    for k, (loss, _) in enumerate(islice(enclose(recorded, BITS), iterations)):
        progress(k, f"balls of {BITS:,} bits")
        with flint.ctx.workprec(BITS):
            digits = flint.arb(recorded.true_losses[k])
            errors.append(float(abs(loss - digits) / (abs(loss) * flint.arb(10) ** -39)))
        known.append(round(loss.rel_accuracy_bits() * np.log10(2)))
    certified |= {"live": True, "digits_known": known}
    note = f", a unit of the 39th digit; {BITS:,} bits know {known[0]} digits at first, {known[-1]} at last"
    return judge.judge("certified curve", "losses", errors, note)


def _survey(others: Sequence[str], runs: list[Results], progress: Progress) -> None:
    for done, name in enumerate(others):
        progress(done, f"recorded run {name}")
        runs.append(survey(name))


def _what_a_curve_sees(recorded: Recorded, results: Results, progress: Progress) -> None:
    results["sensitivity"] = sensitivity.wrong_by(recorded)
    results["still_learning"] = sensitivity.still_learning(recorded)
    for done, fault in enumerate(sensitivity.PLANTED):
        progress(done, f"planted bug: {fault.name}")
        results["planted"].append(sensitivity.plant(fault))


def _all_runs(runs: Sequence[Results]) -> judge.Check:
    """Sum up the other recorded runs."""
    if not runs:
        return judge.Check("recorded runs", "not checked", "none was run")
    wrong = [run["name"] for run in runs if run["verdict"] != "right"]
    compared = sum(min(run["horizon"], run["iterations"]) for run in runs)
    message = f"{len(runs) - len(wrong)} of {len(runs)} reproduced, {compared:,} losses compared"
    largest = max((run["largest_error_in_tolerances"] or 0 for run in runs), default=None)
    outcome = "wrong" if wrong else "right"
    return judge.Check(
        "recorded runs", outcome, message + "".join(f"; {name}" for name in wrong), None, largest
    )


def _it_bites(planted: Sequence[Results]) -> judge.Check:
    """Sum up the planted bugs: the curve must show each that gives a wrong gradient on the way."""
    if not planted:
        return judge.Check("planted bugs", "not checked", "none was planted")
    shown = [bug for bug in planted if bug["iteration"] is not None]
    missed = [bug["fault"] for bug in planted if bug["missed"]]
    message = f"{len(shown)} of {len(planted)} shown by the curve alone; training does not meet the others"
    if missed:
        message = f"not shown, though they give wrong gradients: {', '.join(missed)}"
    return judge.Check("planted bugs", "wrong" if missed else "right", message)
