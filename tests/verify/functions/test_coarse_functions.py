"""No right gradient of a smooth function is accused for how coarsely the function is computed."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy")
sys.path.insert(0, str(Path(__file__).parents[3] / "reference"))
from coarse_rows import COARSE
from function_rows import Row

from nn_from_scratch.verify import GradientError, UndecidedError, check_gradient

pytestmark = pytest.mark.once

SLOW = ("ODE", "linear equations", "transport", "five fixed points")
FINE = ("1e-05", "1e-06", "0.0001", "1000")
QUICK = [row for row in COARSE if not (row.name.startswith(SLOW) or row.name.endswith(FINE))]
"""Rows whose check takes no seconds, and which were computed coarsely; a record asks them all."""
ROWS = {row.name: row for row in COARSE}
ACCUSED = {  # what was accused once, when an error this large was taken for certain
    "fixed point to 0.01": [1, 3],
    "root by brentq to 0.01": [2],
    "root by ridder to 0.01": [3, 4],
    "Simpson's rule to 0.01": [1, 2],
    "straight lines in a table of 20": [1, 2, 3],
    "linear equations by cg to 0.1": [1],
    "ODE by LSODA at 0.01": [0],
    "power iteration to 0.01": [1, 4, 7],
    "power iteration to 0.001": [1],
    "quantized by 0.5": [7],
    "rounded to decimals, 0": [7],
    "optimum's place, to 0.1": [1],
    "optimum's place, to 0.01": [3],
    "pairs within 1.5": [2],
    "steps in time of 0.1": [3],
    "transport to 0.01": [4],
}
SEEN = [
    "fixed point to 0.001",
    "fixed point to 1e-05",
    "root by brentq to 0.001",
    "quadrature to 0.0001",
    "optimum's value, to 0.1",
    "optimum's place, to 0.01",
    "rounded to decimals, 3",
    "written with digits, 5",
]
"""Of rows computed well enough for a gradient that is half as much again to be seen."""


def answer(row: Row, seed: int, factor: float = 1.0) -> str:
    function, gradient, inputs = row.make(np.random.default_rng(seed))

    def times(x: Any) -> Any:
        return factor * np.asarray(gradient(x))

    try:
        check_gradient(function, times if factor != 1 else gradient, inputs, seed=seed)
    except UndecidedError as error:
        return str(error)
    except GradientError:
        return "wrong"
    return "right"


@pytest.mark.parametrize("row", QUICK, ids=lambda row: str(row.name))
def test_gradient_of_what_is_meant_is_not_accused(row: Row) -> None:
    assert answer(row, 0) != "wrong"


@pytest.mark.parametrize(("name", "seed"), [(name, seed) for name in ACCUSED for seed in ACCUSED[name]])
def test_what_was_accused_once_is_undecided_and_says_what_to_do(name: str, seed: int) -> None:
    said = answer(ROWS[name], seed)
    assert "Compute" in said, said
    assert any(word in said for word in ("jump", "rough", "noise", "bend")), said


@pytest.mark.parametrize("name", SEEN)
@pytest.mark.parametrize("seed", range(2))
def test_large_error_of_a_coarse_function_is_wrong(name: str, seed: int) -> None:
    assert answer(ROWS[name], seed, 1.5) == "wrong"
