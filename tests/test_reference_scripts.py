"""The recording scripts, run again on a small scale, give what is recorded."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify.faults.rules import RULES
from nn_from_scratch.verify.power.right_engines.tape import Way
from nn_from_scratch.verify.training.recorded import load

pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # by torch.func itself
SCRIPTS = Path(__file__).parents[1] / "reference"


@pytest.fixture(scope="module")
def scripts() -> Any:
    """Return a function that imports a recording script."""
    sys.path.insert(0, str(SCRIPTS))
    yield importlib.import_module
    sys.path.remove(str(SCRIPTS))


@pytest.mark.parametrize("name", ["readme", "relu-2-4-1", "batches-of-10", "seed-07"])
def test_recording_a_few_iterations_again_gives_what_is_recorded(scripts: Any, name: str) -> None:
    recording, run = scripts("record_training"), load(name)
    case = next(case for case in recording.CASES if case.name == name)
    again = recording.record(replace(case, iterations=5, bits=256))
    assert again["start"] == run.start.tolist()
    assert again["true_losses"] == run.true_losses[:5]
    np.testing.assert_allclose(again["losses"], run.losses[:5], rtol=1e-13)
    np.testing.assert_allclose(again["spread"], run.spread[:5], rtol=1e-3)


def test_sensitivities_are_pytorchs_derivatives_through_training(scripts: Any) -> None:
    import torch

    recording = scripts("record_training")
    case = next(case for case in recording.CASES if case.name == "sizes-2-4-1")
    training, start = recording.in_pytorch(case.configuration()), torch.tensor(case.configuration().start)

    def curve(theta: torch.Tensor) -> torch.Tensor:
        losses = []
        for k in range(4):
            loss, theta = training.step(theta, k)
            losses.append(loss)
        return torch.cat([torch.stack(losses), theta[3:4]])

    _, thetas = training.run(start, 4)
    *_, (first, derivatives) = training.sensitivities(thetas, range(4), [3])
    assert first == 0
    torch.testing.assert_close(derivatives, torch.func.jacrev(curve)(start), rtol=1e-10, atol=1e-12)


def test_the_spread_predicts_how_a_small_disturbance_grows(scripts: Any) -> None:
    # what the derivation rests on: to first order, a disturbance of one step is carried by the derivatives
    import torch

    recording, run = scripts("record_training"), load("seed-04")
    training = recording.in_pytorch(run)
    losses, thetas = training.run(run.start, 101)
    sensitivities = dict(training.sensitivities(thetas, [100]))
    disturbance = 1e-9 * torch.randn(337, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    disturbed, _ = training.run(thetas[50] + disturbance, 51)
    predicted = sensitivities[50][0] @ disturbance
    assert disturbed[50] - losses[100] == pytest.approx(predicted.item(), rel=1e-2)


@pytest.mark.once
def test_the_solver_finds_a_start_that_prints_the_log(scripts: Any) -> None:
    import torch

    solver, recording = scripts("solve_readme_log"), scripts("record_training")
    training = recording.in_pytorch(load("readme"))
    solved = torch.tensor(load("readme").start)
    assert torch.equal(solver.solve(training, solved), torch.tanh(torch.atanh(solved)))
    near = torch.tanh(torch.atanh(solved) + 1e-4)
    again = training.run(solver.solve(training, near), 101)[0][::10]
    np.testing.assert_allclose(again, solver.PRINTED, rtol=1e-12)


def test_accused_graphs_are_asked_again_before_a_record_goes_on(
    scripts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = scripts("record_false_alarms")
    wrong = Way(rules={**RULES, "add": (RULES["add"][0], lambda *_: (2.0, 2.0))}).engine("wrong")
    engines = {"right": Way().engine("right"), "wrong": wrong}
    monkeypatch.setattr(recording, "engine_of", engines.__getitem__)
    parts = {name: recording.checked(name, 0, 20, by_turns=False) for name in engines}
    by_turns = {name: recording.checked(name, 0, 300, by_turns=True) for name in engines}
    assert parts["right"]["accused"] == by_turns["right"]["accused"] == 0
    assert by_turns["right"]["by turns"] == 300
    assert by_turns["wrong"]["accusations"]
    parts["wrong"]["accusations"] += by_turns["wrong"]["accusations"][:2]
    accusations = parts["wrong"]["accusations"]
    assert accusations
    mended = [{**told, "engine": "right"} for told in accusations]  # as if they had been accused before
    case_of_right = str(recording.drawn_for(engines["right"], 0, by_turns=False)[0])
    record: dict[str, Any] = {
        "engines": {
            name: dict.fromkeys(recording.COUNTS, 0) | {"accused": len(accusations)} for name in engines
        },
        "accusations": [*accusations, *mended],
        "contradictions": [{"engine": "right", "index": 0, "kind": "scalar", "case": case_of_right}],
    }
    record["engines"]["right"]["contradicted"] = 1
    recording.ask_again(record)
    assert record["accusations"] == accusations
    assert record["engines"]["right"]["accused"] == record["engines"]["right"]["contradicted"] == 0
    assert record["contradictions"] == []
    assert record["engines"]["wrong"]["accused"] == len(accusations)
