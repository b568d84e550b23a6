"""A mistake in the tracer itself accuses nobody: the local check or the replay ends the trace."""

from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import NotTraced, Traced, Verdict, trace_gradient
from nn_from_scratch.verify.functions.tracing.arrays import array, movements
from nn_from_scratch.verify.functions.tracing.elementwise import ENTRIES
from nn_from_scratch.verify.functions.tracing.local import LocalCheck
from nn_from_scratch.verify.functions.tracing.operations import WHOLE

pytestmark = pytest.mark.once

X = np.random.default_rng(0).uniform(0.2, 0.8, 5)


def function(x: Any) -> Any:
    return (np.tanh(x) * np.exp(x) / np.sqrt(x) - x.mean()).sum()


def gradient(x: Any) -> Any:
    t, e, r = np.tanh(x), np.exp(x), np.sqrt(x)
    return (1 - t * t) * e / r + t * e / r - 0.5 * t * e / (r * x) - 1.0


def test_without_a_mistake_it_is_right() -> None:
    found = trace_gradient(function, gradient, [X])
    assert isinstance(found, Traced)
    assert found.verdict is Verdict.RIGHT


@pytest.mark.parametrize("name", ["tanh", "exp", "sqrt", "multiply", "divide", "subtract"])
def test_a_wrong_entry_of_the_table_accuses_nobody(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    right = ENTRIES[name]
    monkeypatch.setitem(ENTRIES, name, lambda *entries: right(*entries) * (1 + 1e-6))
    found = trace_gradient(function, gradient, [X])
    assert isinstance(found, NotTraced)
    assert f"{name} gives numbers that are" in found.reason
    assert "test_planted_in_the_tracer.py" in found.reason


def test_a_wrong_mean_accuses_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    right = WHOLE["mean"]
    monkeypatch.setitem(WHOLE, "mean", lambda *x, **axes: right(*x, **axes) * 1.001)
    found = trace_gradient(function, gradient, [X])
    assert isinstance(found, NotTraced)
    assert "mean gives numbers" in found.reason


def test_numbers_that_are_not_the_functions_own_end_the_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    right = array.computed

    def wrong(trace: Any, name: str, formula: Any, operands: Any, *rest: Any) -> Any:
        numbers, *scale = rest
        changed = numbers * (1 + 1e-9) if name == "mean" else numbers
        return right(trace, name, formula, operands, changed, *scale)

    monkeypatch.setattr("nn_from_scratch.verify.functions.tracing.arrays.sums.computed", wrong)
    found = trace_gradient(function, gradient, [X])
    assert isinstance(found, NotTraced)
    assert "traced, it gives other numbers" in found.reason


def test_without_the_local_check_a_mistake_would_accuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the check guards: with it taken out, the same mistake calls a right gradient wrong."""
    right = WHOLE["mean"]
    monkeypatch.setitem(WHOLE, "mean", lambda *x, **axes: right(*x, **axes) * 1.001)
    monkeypatch.setattr(LocalCheck, "failed", None)
    found = trace_gradient(function, gradient, [X])
    assert isinstance(found, Traced)
    assert found.verdict is Verdict.WRONG


WEIGHTS = np.arange(6.0) + 0.3
MATRIX = np.random.default_rng(1).normal(size=(2, 3))


def of_columns(x: Any) -> Any:
    return (np.reshape(x, 6, order="F") ** 2 * WEIGHTS).sum()


def by_columns(x: Any) -> Any:
    return np.reshape(2 * np.reshape(x, 6, order="F") * WEIGHTS, x.shape, order="F")


@pytest.mark.parametrize("traces_backward", [True, False])
def test_entries_that_stand_elsewhere_accuse_nobody(
    monkeypatch: pytest.MonkeyPatch, traces_backward: bool
) -> None:
    # No local check sees what only moves: an order in memory was left out of what is traced.
    monkeypatch.setattr(movements, "_DROPPED", {*movements._DROPPED, "order"})

    def backward(x: Any) -> Any:
        numbers = x if traces_backward else np.frombuffer(x.tobytes()).reshape(x.shape)
        return 2 * numbers * WEIGHTS.reshape(3, 2).T

    found = trace_gradient(of_columns, backward, [MATRIX])
    assert isinstance(found, NotTraced)
    assert "keep no digits of what was traced" in (found.numbers.said if found.numbers else found.reason)


@pytest.mark.parametrize(
    "flat",
    [
        lambda x: np.ravel(x, order="F"),
        lambda x: np.reshape(x, -1, order="F"),
        lambda x: x.flatten("F"),
        lambda x: x.flatten(order="F"),
        lambda x: x.ravel("F"),
        lambda x: x.reshape(6, order="F"),
        lambda x: x.T.ravel("C"),
    ],
)
def test_columns_first_is_traced(flat: Any) -> None:
    def function(x: Any) -> Any:
        return (flat(x) ** 2 * WEIGHTS).sum()

    found = trace_gradient(function, by_columns, [MATRIX])
    assert isinstance(found, Traced)
    assert found.verdict is Verdict.RIGHT
