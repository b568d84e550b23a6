import numpy as np
import pytest

from nn_from_scratch.verify.oracles.reference import read
from nn_from_scratch.verify.training.boundary import THRESHOLD, grid, judge_boundary, judge_classes, over_grid
from nn_from_scratch.verify.training.formula import Floats, forward, unflatten
from nn_from_scratch.verify.training.recorded import MARGIN, load


def test_the_grid_is_the_seed_readmes() -> None:
    run, certified = load("readme"), np.array(read("boundary.json")["value"])
    across, along = grid(run.x)
    assert across[0] == run.x[:, 0].min() - 1
    assert along[-1] <= run.x[:, 1].max() + 1 < along[-1] + 0.05 + 1e-12
    assert np.allclose(np.diff(across), 0.05)
    assert certified.shape == (len(along), len(across))


def test_every_certified_output_is_away_from_the_threshold() -> None:
    certified = read("boundary.json")
    distance = np.min(abs(np.array(certified["value"]) - THRESHOLD))
    assert distance == pytest.approx(certified["nearest to the threshold"], abs=5e-7)
    assert certified["nearest to the threshold"] > 1e6 * MARGIN * certified["spread"]


def test_pytorchs_final_weights_give_the_certified_outputs() -> None:
    run, certified = load("readme"), read("boundary.json")
    layers = unflatten(run.final, run.sizes)
    value = over_grid(lambda points: forward(Floats(), layers, points, run.activations), *grid(run.x))
    np.testing.assert_allclose(value, certified["value"], rtol=0, atol=5.1e-7)
    assert judge_boundary(value, certified).outcome == "right"


@pytest.mark.parametrize("wrong", [np.nan, 1.0])
def test_one_point_in_the_wrong_class_is_wrong(wrong: float) -> None:
    certified = read("boundary.json")
    value = np.array(certified["value"])
    assert value[0, 0] < THRESHOLD
    value[0, 0] = wrong
    check = judge_boundary(value, certified)
    assert check.outcome == "wrong"
    assert "8,283 of 8,284" in check.message


def test_a_recorded_run_is_judged_by_pytorchs_classes() -> None:
    run = load("seed-03")
    weights = [run.start] * run.iterations + [run.final.copy()]
    check = judge_classes(weights, run)
    assert check.outcome == "right"
    assert "0 of 8,284" in check.message
    weights[-1][-1] += 0.01  # the last bias moves the boundary a little
    assert judge_classes(weights, run).outcome == "wrong"
    assert judge_classes(weights[:-1], run).outcome == "not checked"


def test_no_boundary_is_not_a_pass() -> None:
    assert judge_boundary(None, read("boundary.json")).outcome == "not checked"
