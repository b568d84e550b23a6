import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nn_from_scratch import MLP
from nn_from_scratch.verify.oracles.reference import read
from nn_from_scratch.verify.training import recorded
from nn_from_scratch.verify.training.boundary import judge_classes
from nn_from_scratch.verify.training.formula import descend, flatten
from nn_from_scratch.verify.training.judge import judge_losses, judge_steps, judge_weights
from nn_from_scratch.verify.training.loop import flat
from nn_from_scratch.verify.training.survey import reproduce

REFERENCE = Path(__file__).parents[1] / "reference"
NAMES = sorted(path.stem for path in (REFERENCE / "training").glob("*.json"))


def test_every_recorded_file_is_small_text_with_provenance() -> None:
    files = [path for path in REFERENCE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {path.suffix for path in files} == {".json", ".py", ".md", ".gz"}
    for path in files:
        assert path.stat().st_size < 1_000_000, path
        if path.suffix == ".json":
            provenance = json.loads(path.read_text(encoding="utf-8"))["provenance"]
            assert (REFERENCE.parent / provenance["script"]).is_file(), path


def test_recorded_runs_are_found_by_name() -> None:
    assert recorded.names() == NAMES
    assert "readme" in NAMES


def test_a_missing_record_is_told() -> None:
    with pytest.raises(FileNotFoundError, match=r"no recorded training/nonsense.json in .*reference"):
        recorded.load("nonsense")


def test_the_moons_are_those_of_scikit_learn() -> None:
    from sklearn.datasets import make_moons

    x, y = make_moons(n_samples=100, noise=0.1, random_state=42)
    run = recorded.load("readme")
    np.testing.assert_allclose(run.x, x, rtol=1e-14)  # libm's sine may differ in the last bit elsewhere
    np.testing.assert_array_equal(run.y, y)


def test_the_solved_start_has_margin_in_every_printed_digit() -> None:
    solved = json.loads((REFERENCE / "readme_start.json").read_text(encoding="utf-8"))
    run = recorded.load("readme")
    assert solved["start"] == run.start.tolist()
    assert max(map(abs, solved["start"])) < 1
    printed = [float(line.split()[-1]) for line in solved["log"]]
    assert np.max(abs(run.losses[::10] - printed)) < 1e-9  # rounding to four decimals turns at 5e-5
    assert "not the author's" in solved["about"]


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_run_is_true_to_the_certified_curve(name: str) -> None:
    run = recorded.load(name)
    assert run.start.dtype == np.float64
    assert np.all(abs(run.start) < 1)
    assert len(run.true_losses) >= run.horizon > 0
    assert judge_losses(run.losses.tolist(), run).outcome == "right"


@pytest.mark.parametrize("name", NAMES)
def test_hand_written_numpy_reproduces_a_recorded_run(name: str) -> None:
    run = recorded.load(name)
    arrays = {key: getattr(run, key).astype(run.dtype) for key in ("x", "y", "start")}
    losses, layers = zip(*descend(replace(run, **arrays)), strict=True)
    assert losses[0].dtype == run.dtype
    assert judge_losses(losses, run).outcome == "right"
    weights = [run.start] * run.iterations + [flatten(layers[-1]).astype(np.float64)]
    assert judge_weights(weights, run).outcome != "wrong"


@pytest.mark.once
@pytest.mark.parametrize("name", NAMES)
def test_the_engine_reproduces_a_recorded_run(name: str) -> None:
    run = recorded.load(name)
    passed = reproduce(run)
    assert judge_losses(passed.losses, run).outcome == "right"
    assert judge_steps(passed, run).outcome == "right"
    compared = "right" if run.horizon == run.iterations else "not checked"
    assert judge_weights(passed.weights, run).outcome == compared
    assert judge_classes(passed.weights, run).outcome == compared


def test_the_engine_draws_the_recorded_starts() -> None:
    for seed in range(20):
        drawn = flat(MLP([2, 16, 16, 1], seed=seed))
        np.testing.assert_array_equal(drawn, recorded.load(f"seed-{seed:02}").start)


def test_the_band_holds_the_recorded_seeds_and_the_printed_curve() -> None:
    band = read("band.json")
    losses = np.array(band["losses"])
    assert losses.shape == (len(band["quantiles"]), 101)
    assert np.all(np.diff(losses, axis=0) >= 0)
    for seed in range(20):
        curve = recorded.load(f"seed-{seed:02}").losses
        assert np.all((losses[0] - 1e-6 <= curve) & (curve <= losses[-1] + 1e-6))
    tenth, share = losses[:, ::10], np.array(band["share of starts below the printed loss"])
    printed = recorded.load("readme").losses[::10]
    for k, quantile in enumerate(band["quantiles"]):
        assert np.all((tenth[k] <= printed) == (quantile <= share) | (tenth[k] == printed))
    assert np.all((share > 0.05) & (share < 0.95))  # an ordinary curve


def test_tolerances_are_a_few_last_digits() -> None:
    run = recorded.load("readme")
    assert np.max(run.tolerance / run.losses) < 1e-13
    assert math.isclose(run.tolerance[0], 4 * run.spread[0])
