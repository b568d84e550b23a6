import dataclasses
import importlib
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nn_from_scratch import network as rows
from nn_from_scratch.verify.training import moons, sensitivity
from nn_from_scratch.verify.training.judge import digits, judge_log, judge_losses, judge_steps, judge_weights
from nn_from_scratch.verify.training.loop import Trajectory, at_once, network, train
from nn_from_scratch.verify.training.recorded import Recorded, load
from nn_from_scratch.verify.training.recorded import names as names_of_runs

SEED_README = """\
Iter 0: Loss 83.8247
Iter 10: Loss 11.5137
Iter 20: Loss 9.0155
Iter 30: Loss 7.0642
Iter 40: Loss 5.4826
Iter 50: Loss 4.4820
Iter 60: Loss 3.8770
Iter 70: Loss 3.4857
Iter 80: Loss 3.2109
Iter 90: Loss 3.0044
Iter 100: Loss 2.8409""".splitlines()


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return load("readme")


def trained(recorded: Recorded, iterations: int) -> Trajectory:
    """Train our engine, batch at once, which is fast."""
    return train(network(recorded), recorded, iterations=iterations, loss_of=at_once)


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return moons(animate=True)


@pytest.mark.once
def test_moons_prints_the_log_of_the_seed_readme(results: dict[str, Any]) -> None:
    assert results["log"] == SEED_README
    assert all(log == SEED_README for log in results["logs"].values())
    assert set(results["logs"]) == {"PyTorch", "numpy", "ball arithmetic"}


def test_moons_is_right_in_every_respect(results: dict[str, Any]) -> None:
    assert results["verdict"] == "right"
    assert {check["name"]: check["outcome"] for check in results["checks"]} == dict.fromkeys(
        [
            "training",
            "losses",
            "final weights",
            "every step",
            "log",
            "decision boundary",
            "recorded runs",
            "planted bugs",
        ],
        "right",
    )
    assert all(min(kept) > 14.5 for kept in results["digits"].values())
    assert len(results["runs"]) == len(names_of_runs()) - 1
    json.dumps(results, allow_nan=False)


def test_moons_tells_its_progress_and_keeps_what_it_had_when_interrupted() -> None:
    told = []

    def interrupt(done: int, total: int, text: str) -> None:
        told.append((done, total, text))
        if done == 12:
            raise KeyboardInterrupt

    results = moons(progress=interrupt)
    assert [done for done, _, _ in told] == list(range(13))
    assert len({total for _, total, _ in told}) == 1
    assert told[-1][2].startswith("training, loss 11.1")
    assert results["interrupted"]
    assert results["log"] == SEED_README[:2]
    assert len(results["losses"]) == 12
    assert results["verdict"] == "right"
    assert {check["name"]: check["outcome"] for check in results["checks"]} == {
        "training": "right",
        "losses": "right",
        "final weights": "not checked",
        "every step": "right",
        "log": "right",
        "decision boundary": "not checked",
        "recorded runs": "not checked",
        "planted bugs": "not checked",
    }


@pytest.mark.once
def test_moons_interrupted_after_training_keeps_the_runs_it_had() -> None:
    def interrupt(done: int, _total: int, _text: str) -> None:
        if done == 103:
            raise KeyboardInterrupt

    results = moons(progress=interrupt)
    assert results["interrupted"]
    assert len(results["losses"]) == 101
    assert len(results["runs"]) == 2
    assert results["verdict"] == "right"


def test_moons_interrupted_at_once_is_not_a_pass() -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    results = moons(progress=interrupt)
    assert results["verdict"] == "nothing checked"
    assert results["losses"] == []


def test_moons_certifies_the_recorded_curve_again() -> None:
    results = moons(iterations=4, certify=True, survey_runs=False)
    check = next(check for check in results["checks"] if check["name"] == "certified curve")
    assert check["outcome"] == "right"
    assert results["certified"]["live"]
    known = results["certified"]["digits_known"]
    assert len(known) == 4
    assert 290 < known[-1] < known[0] < 308


def test_a_recorded_digit_that_the_balls_contradict_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = load("readme")
    true = list(recorded.true_losses)
    true[2] = true[2][:35] + str(9 - int(true[2][35])) + true[2][36:]
    doctored = dataclasses.replace(recorded, true_losses=true)
    module = importlib.import_module("nn_from_scratch.verify.training.moons")
    monkeypatch.setattr(module, "load", lambda _: doctored)
    results = moons(iterations=4, certify=True, survey_runs=False)
    assert results["verdict"] == "wrong"
    assert results["first_difference"] == 2


def test_moons_refuses_to_train_nothing() -> None:
    with pytest.raises(ValueError, match="at least 1 iteration, got 0"):
        moons(iterations=0)


def break_tanh(monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], Any]) -> None:
    """Plant a bug in how a layer of our engine takes a cotangent back through tanh."""
    through_tanh = rows._through_tanh
    monkeypatch.setattr(rows, "_through_tanh", lambda g, z: change(through_tanh(g, z)))


def test_moons_calls_a_gradient_wrong_by_a_billionth_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    break_tanh(monkeypatch, lambda g: g * (1 + 1e-9))
    results = moons(iterations=20, survey_runs=False)
    assert results["verdict"] == "wrong"
    assert results["first_difference"] == 0  # the first step already ends at wrong weights
    outcomes = {check["name"]: (check["outcome"], check["first_difference"]) for check in results["checks"]}
    assert outcomes["losses"] == ("wrong", 1)
    assert outcomes["every step"] == ("wrong", 0)
    assert outcomes["log"] == ("right", None)  # four decimals do not show it


@pytest.mark.once
def test_moons_of_an_engine_that_gives_nan_is_wrong_and_strict_json(monkeypatch: pytest.MonkeyPatch) -> None:
    break_tanh(monkeypatch, lambda g: g * np.nan)
    monkeypatch.setattr(sensitivity, "PLANTED", ())
    results = moons(iterations=3, animate=True)
    assert results["verdict"] == "wrong"
    assert results["first_difference"] == 0
    assert results["losses"] == [pytest.approx(83.8247, abs=1e-4), None, None]
    for run in results["runs"]:
        assert run["verdict"] == ("wrong" if "tanh" in run["activations"] else "right")
    json.dumps(results, allow_nan=False)


def test_moons_of_an_engine_that_raises_is_wrong_and_says_what(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise FloatingPointError("this engine is broken")

    break_tanh(monkeypatch, fail)
    results = moons(iterations=3, survey_runs=False, animate=True)
    assert results["verdict"] == "wrong"
    assert results["checks"][0]["message"] == (
        "the engine raised in iteration 0: FloatingPointError: this engine is broken"
    )
    json.dumps(results, allow_nan=False)


@pytest.mark.parametrize(("tolerances", "first"), [(0.9, None), (1.5, 7), (math.nan, 7), (math.inf, 7)])
def test_a_loss_is_judged_by_its_tolerance(recorded: Recorded, tolerances: float, first: int | None) -> None:
    losses = [float(loss) for loss in recorded.true_losses]
    losses[7] += tolerances * recorded.tolerance[7]
    assert judge_losses(losses, recorded).first_difference == first


def test_losses_beyond_the_horizon_are_not_compared(recorded: Recorded) -> None:
    spread = recorded.spread.copy()
    spread[60:] = recorded.losses[60:] * 1e-8
    chaotic = dataclasses.replace(recorded, spread=spread)
    losses = [float(loss) for loss in recorded.true_losses]
    losses[80] = math.nan
    check = judge_losses(losses, chaotic)
    assert (check.outcome, chaotic.horizon) == ("right", 60)
    assert "lost from iteration 60 on" in check.message
    assert judge_weights([recorded.start] * 102, chaotic).outcome == "not checked"


def test_final_weights_are_judged_one_by_one(recorded: Recorded) -> None:
    run = trained(recorded, recorded.iterations)
    assert judge_weights(run.weights, recorded).outcome == "right"
    run.weights[-1][5] += 1e-11
    assert judge_weights(run.weights, recorded).outcome == "wrong"


def test_a_step_is_judged_from_the_runs_own_weights(recorded: Recorded) -> None:
    run = trained(recorded, 8)
    assert judge_steps(run, recorded).outcome == "right"
    run.weights[4][100] *= 1 + 1e-12
    assert judge_steps(run, recorded).first_difference == 3  # the step that led there


def test_judging_nothing_is_not_right(recorded: Recorded) -> None:
    assert judge_losses([], recorded).outcome == "not checked"
    assert judge_steps(Trajectory([recorded.start]), recorded).outcome == "not checked"
    assert judge_log([], SEED_README).outcome == "not checked"


def test_a_log_with_one_wrong_digit_is_wrong() -> None:
    printed = [line.replace("3.8770", "3.8771") for line in SEED_README]
    check = judge_log(printed, SEED_README)
    assert (check.outcome, check.first_difference) == ("wrong", 60)


def test_digits_see_past_float64() -> None:
    true = ["0.1000000000000000055511151231257827021182", "2.00000000000000000000", "1.0"]
    assert digits([0.1, 2.0002], true) == pytest.approx([40.0, 4.0], abs=1.5)
    assert digits([math.nan], true) == [None]


def test_sample_by_sample_and_at_once_agree(recorded: Recorded) -> None:
    slow = train(network(recorded), recorded, iterations=3)
    fast = trained(recorded, 3)
    np.testing.assert_allclose(slow.weights, fast.weights, rtol=1e-12)
    np.testing.assert_allclose(slow.losses, fast.losses, rtol=1e-13)
