"""The results are what their JSON Schemas say, however a run ends."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from narrowed import narrowed

from nn_from_scratch import Node
from nn_from_scratch.verify import Case, Engine, Expression, Step, load, verify
from nn_from_scratch.verify.campaign.convention_examples import example
from nn_from_scratch.verify.cli.commands import main
from nn_from_scratch.verify.judging.examine import examine

pytestmark = pytest.mark.once

FUNCTIONS = """
import numpy as np

def cube(x):
    return np.sum(x**3)

def cube_gradient(x):
    return {} * x**2

cube_inputs = np.array([0.5, 2.0])
"""


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((files("nn_from_scratch.verify.results") / f"{name}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def require_valid(name: str, results: Any) -> None:
    written = json.loads(json.dumps(results, allow_nan=False))
    assert not [f"{error.json_path}: {error.message}" for error in validator(name).iter_errors(written)]


def engine(name: str, *operations: str) -> Engine:
    return narrowed(load(name), *operations)


@pytest.fixture(scope="module")
def right() -> dict[str, Any]:
    return verify(engine("nn_from_scratch", "add", "mul", "relu", "sum"), graphs=20, grades=("rules",))


def test_right_engine(right: dict[str, Any]) -> None:
    assert right["verdict"] == "right"
    require_valid("verify", right)


def test_wrong_engine() -> None:
    ours = engine("nn_from_scratch", "add", "mul", "exp", "relu", "sum")
    wrong = Engine.from_tape(
        name="wrong",
        variable=Node,
        value="value",
        backward="backprop",
        operations={
            **ours.operations,
            "exp": lambda x: np.exp(x) * 1.00000000001,
            "mul": lambda x, y: x * y + x,
        },
    )
    results = verify(wrong, graphs=60)
    assert results["verdict"] == "wrong"
    assert {one["grade"] for one in results["failures"]} >= {"rules", "accuracy"}
    require_valid("verify", results)


def test_convention(right: dict[str, Any]) -> None:
    steps = (Step("relu", (0,)), Step("neg", (0,)), Step("relu", (2,)), Step("sub", (1, 3)))
    kinked = example(examine(load("nn_from_scratch"), Case(Expression(1, (), steps, 4), (0.0,))))
    assert kinked["choices"]
    require_valid("verify", {**right, "convention_examples": [kinked]})


def test_graph_of_which_no_input_is_left_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    # Without `mul` every second derivative raises, which leaves graphs of constants alone.
    monkeypatch.setattr(Engine, "asks_second_order", True)
    results = verify(engine("nn_from_scratch", "sub", "neg", "relu", "abs"), graphs=300, grades=("rules",))
    assert results["verdict"] == "wrong"
    require_valid("verify", results)


EXITS = """
import os
from nn_from_scratch.verify import Engine

class Value:
    def __init__(self, data):
        self.data, self.grad = data, 0.0

    def tanh(self):
        os._exit(3)

    def __neg__(self):
        self.result = Value(-self.data)
        self.result.backward = lambda: setattr(self, "grad", -1.0)
        return self.result

    def backward(self):
        self.grad = 1.0

engine = Engine.from_tape(variable=Value, value="data")
"""


def test_engine_that_exits(tmp_path: Path) -> None:
    path, results = tmp_path / "exits.py", tmp_path / "results.json"
    path.write_text(EXITS)
    command = ["verify", "--engine", str(path), "--graphs", "5", "--grade", "rules", "--json", str(results)]
    assert main(command) == 1
    found = json.loads(results.read_text())
    assert found["deaths"]
    require_valid("verify", found)


def test_interrupted_run() -> None:
    def interrupt(*progress: Any) -> None:
        if progress[-1] == "checking state and limits":
            raise KeyboardInterrupt

    results = verify(engine("nn_from_scratch", "add"), graphs=5, progress=interrupt)
    assert results["interrupted"]
    require_valid("verify", results)


@pytest.mark.parametrize(("slope", "status"), [(3, 0), (2, 1)])
def test_check(slope: int, status: int, tmp_path: Path) -> None:
    path, results = tmp_path / "cubes.py", tmp_path / "results.json"
    path.write_text(FUNCTIONS.format(slope))
    assert main(["check", f"{path}:cube", "--json", str(results)]) == status
    require_valid("check", json.loads(results.read_text()))


def test_a_key_that_is_not_told_is_found(right: dict[str, Any]) -> None:
    assert list(validator("verify").iter_errors({**right, "more": 1}))
    assert list(validator("verify").iter_errors({key: x for key, x in right.items() if key != "seed"}))


@pytest.mark.parametrize("name", ["verify", "check"])
def test_every_key_is_explained(name: str) -> None:
    schema = validator(name).schema
    for part in (schema, *schema["$defs"].values()):
        assert all(one.get("description") for one in part.get("properties", {}).values())
