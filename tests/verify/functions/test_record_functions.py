"""The record of what gradient checks answer goes on where it stopped."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy")
pytest.importorskip("jax")
pytest.importorskip("torch")
pytest.importorskip("numdifftools")
sys.path.insert(0, str(Path(__file__).parents[3] / "reference"))
import function_rows
import record_functions

pytestmark = pytest.mark.once


def test_only_what_is_not_recorded_of_as_many_seeds_is_asked() -> None:
    row = next(row for row in function_rows.ROWS if row.name == "sum(x x) at 0")
    asked: list[int] = []

    def check(_: function_rows.Question, seed: int) -> str:
        asked.append(seed)
        return "right" if seed else "undecided"

    seeds = {"right": 3, "off by 1e-3": 2, "off by 10%": 1}
    known = {"some": {"right": {"right": 3}, "off by 1e-3": {"wrong": 1}}}
    found = record_functions.answers_about(row, known, {"some": check}, seeds)
    assert found == {
        "some": {
            "right": {"right": 3},
            "off by 1e-3": {"undecided": 1, "right": 1},
            "off by 10%": {"undecided": 1},
        }
    }
    assert asked == [0, 1, 0]


def test_gradients_off_by_a_size_are_off_by_it() -> None:
    def right(_: object) -> object:
        return np.array([3.0, 4.0])

    for seed in range(4):
        error = record_functions.off_by(right, 1e-3, seed, 1.0)(0.0) - right(0.0)
        assert np.linalg.norm(error) == pytest.approx(5e-3)
        assert np.count_nonzero(error) == (1 if seed % 2 else 2)
        assert record_functions.off_by(right, 1e-3, seed, 1.0, apart=(1,))(0.0)[1] == 4.0
