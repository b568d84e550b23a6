"""Functions that gradient checks fail on: what is answered about each, and what was recorded."""

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from long_runs import half

from nn_from_scratch.verify import GradientError, UndecidedError, check_gradient
from nn_from_scratch.verify.oracles.reference import read

pytest.importorskip("scipy")
sys.path.insert(0, str(Path(__file__).parents[3] / "reference"))
import function_rows

pytestmark = pytest.mark.once

SIN = np.linspace(0.0, 1.0, 5)


def answer(row: function_rows.Row) -> str:
    """Return the answer about a right gradient; an accusation raises."""
    try:
        check_gradient(*row.make(np.random.default_rng(0)), seed=0)
    except UndecidedError:
        return "undecided"
    return "right"


@pytest.mark.parametrize("row", half(function_rows.ROWS), ids=lambda row: row.name)
def test_right_gradient_is_right_and_never_accused(row: function_rows.Row) -> None:
    assert answer(row) in {"right", "right" if row.must == "right" else "undecided"}


@pytest.mark.parametrize("slope", [2.0, -1.0, 1.1, -0.1])
def test_one_slope_beyond_a_kink_is_wrong(slope: float) -> None:
    with pytest.raises(
        GradientError, match=r"the derivative for x\[2\] is .*; there is a kink here"
    ) as raised:
        check_gradient(function_rows.weighted_relu, function_rows.relu_slopes(slope), function_rows.KINK)
    assert re.search(r"anything from \S+ to 3 would do", str(raised.value))


def test_other_entries_than_that_with_the_kink_are_judged() -> None:
    def wrong(x: Any) -> Any:
        g = function_rows.relu_slopes(0.5)(x)
        g[3] *= 1.01
        return g

    with pytest.raises(GradientError, match=r"the derivative for x\[3\] is "):
        check_gradient(function_rows.weighted_relu, wrong, function_rows.KINK)


def test_kinks_among_many_inputs_are_separated() -> None:
    x = np.random.default_rng(5).normal(size=500)
    x[[7, 300]] = 0.0
    check_gradient(lambda x: np.sum(np.maximum(x, 0)), lambda x: np.where(x > 0, 1.0, 0.0), x)

    def wrong(x: Any) -> Any:
        return np.where(x > 0, 1.0, np.where(x == 0, 2.0, 0.0))

    with pytest.raises(GradientError):
        check_gradient(lambda x: np.sum(np.maximum(x, 0)), wrong, x)


def test_undecided_says_why() -> None:
    check_gradient(lambda x: np.sum(np.abs(x)), np.sign, np.zeros(3000))  # one choice at all kinks
    with pytest.raises(UndecidedError, match="kinks for too many of the inputs"):
        check_gradient(lambda x: np.sum(np.abs(x)), lambda x: x + 0.3, np.zeros(3000))
    with pytest.raises(UndecidedError, match="not defined on one side of the point"):
        check_gradient(np.sqrt, lambda x: 0.0, 0.0)


@pytest.mark.parametrize("factor", [0.0, -1.0])
@pytest.mark.parametrize("seed", range(5))
def test_derivative_below_the_rounding_of_the_values_is_never_called_right(factor: float, seed: int) -> None:
    def function(x: Any) -> Any:
        return 1e10 + 1e-6 * np.sum(np.sin(x))

    with pytest.raises(GradientError):  # or UndecidedError, which is one
        check_gradient(function, lambda x: factor * 1e-6 * np.cos(x), SIN, seed=seed)


@pytest.mark.parametrize(
    "name", ["sum(log(p)^2) at unlike sizes", "sum(x - mean(x))", "two equal clouds", "sum(x x) at 0"]
)
def test_gradient_that_is_wrong_by_a_half_or_more_is_wrong(name: str) -> None:
    row = next(row for row in function_rows.ROWS if row.name == name)
    function, gradient, inputs = row.make(np.random.default_rng(1))

    def wrong(*inputs: Any) -> Any:
        found = gradient(*inputs)
        parts = [
            part * 1.5 if np.any(part) else part + 1.5
            for part in (found if isinstance(found, tuple) else (found,))
        ]
        return tuple(parts) if isinstance(found, tuple) else parts[0]

    with pytest.raises(GradientError) as raised:
        check_gradient(function, wrong, inputs)
    assert not isinstance(raised.value, UndecidedError)


def test_error_that_cancels_along_the_first_direction_is_not_called_right() -> None:
    row = next(row for row in function_rows.ROWS if row.name == "softmax cross-entropy, float32")
    function, gradient, inputs = row.make(np.random.default_rng(2))

    def wrong(x: Any) -> Any:
        error = np.random.default_rng([2, 9]).normal(size=40)
        error *= 1e-3 * np.linalg.norm(gradient(x)) / np.linalg.norm(error)
        return (gradient(x) + error.reshape(8, 5)).astype(np.float32)

    with pytest.raises(GradientError):  # or UndecidedError, which is one
        check_gradient(function, wrong, inputs, seed=2)


def test_gradient_without_the_oscillating_part_is_not_called_right() -> None:
    with pytest.raises(GradientError):
        check_gradient(lambda x: np.sin(x) + x * x, lambda x: 2 * x, 1e6)


def test_many_numbers_take_few_evaluations_and_little_memory() -> None:
    import tracemalloc

    calls = 0

    def function(x: Any) -> Any:
        nonlocal calls
        calls += 1
        return float(x @ x)

    x = np.random.default_rng(0).normal(size=2**17)
    tracemalloc.start()
    check_gradient(function, lambda x: 2 * x, x)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert calls <= 20
    assert taken <= 100 * x.size

    def wrong(x: Any) -> Any:
        g = 2 * x
        g[12_345] *= 1.001
        return g

    calls = 0
    with pytest.raises(GradientError) as raised:
        check_gradient(function, wrong, x)
    assert calls <= 20 + 4 * 17
    first, last = str(raised.value).splitlines()
    assert first.startswith("the derivative for x[12345] is ")
    assert last.startswith("(found by ")


def test_several_wrong_entries_among_many_are_named() -> None:
    x = np.random.default_rng(0).normal(size=5_000)

    def wrong(x: Any) -> Any:
        g = np.cos(x)
        g[[10, 4_000]] += 0.5
        return g

    with pytest.raises(GradientError) as raised:
        check_gradient(lambda x: np.sum(np.sin(x)), wrong, x)
    assert "the derivative for x[10] is " in str(raised.value)
    assert "the derivative for x[4000] is " in str(raised.value)


def test_record_accuses_no_right_gradient_and_sees_what_it_must() -> None:
    record = read("functions.json")
    answers = {name: row["check_gradient"] for name, row in record["rows"].items()}
    assert set(answers) == {row.name for row in function_rows.ROWS}
    for row in function_rows.ROWS:
        right = answers[row.name]["right"]
        assert not right.get("wrong"), row.name
        assert row.must == "not wrong" or set(right) == {"right"}, row.name
        assert set(answers[row.name]["off by 10%"]) == {"wrong"}, row.name
        assert not answers[row.name]["off by 1e-3"].get("right"), row.name
    off = [answers[row.name]["off by 1e-3"] for row in function_rows.ROWS]
    assert sum(found["wrong"] for found in off) >= 0.98 * sum(sum(found.values()) for found in off)


def test_what_is_recorded_is_what_is_answered() -> None:
    record = read("functions.json")
    for row in function_rows.ROWS[::9]:
        assert answer(row) in record["rows"][row.name]["check_gradient"]["right"]
