"""Iterations: the gradient of their limit is accused of nothing that the steps not taken explain."""

from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, UndecidedError, check_gradient
from nn_from_scratch.verify.functions.tracing.repetition import Repetitions

pytestmark = pytest.mark.once

X = np.array([0.4, -0.7, 1.2])


def fixed_point(x: Any, steps: int) -> Any:
    z = 0 * x
    for _ in range(steps):
        z = np.tanh(0.5 * z + x)
    return z


def implicit(x: Any, cotangent: Any, steps: int, factor: float = 1.0) -> Any:
    d = 1 - fixed_point(x, steps) ** 2
    return factor * cotangent * d / (1 - 0.5 * d)


def ask(steps: int, factor: float = 1.0) -> None:
    check_gradient(
        lambda x: fixed_point(x, steps), lambda x, cotangent: implicit(x, cotangent, steps, factor), X
    )


def test_gradient_of_a_limit_is_right_at_the_end_and_undecided_before() -> None:
    ask(80)
    with pytest.raises(UndecidedError, match=r"differ by .*it may iterate to a limit .*run it to its end"):
        ask(13)


def recurrence(x: Any, w: Any) -> Any:
    h = np.zeros(3, x.dtype)
    for row in x:
        h = np.tanh(w @ h + row)
    return np.sum(h * h)


def through_the_last(steps: int) -> Any:
    """Return the gradient of `recurrence` through its last steps alone."""

    def gradient(x: Any, w: Any) -> Any:
        states = [np.zeros(3, x.dtype)]
        for row in x:
            states.append(np.tanh(w @ states[-1] + row))
        slope, by_x, by_w = 2 * states[-1], np.zeros_like(x), np.zeros_like(w)
        for t in range(len(x), max(len(x) - steps, 0), -1):
            slope = slope * (1 - states[t] ** 2)
            by_x[t - 1] = slope
            by_w = by_w + np.outer(slope, states[t - 1])
            slope = w.T @ slope
        return by_x, by_w

    return gradient


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_steps_left_out_are_not_right_where_numbers_are_coarse(dtype: type) -> None:
    rng = np.random.RandomState(4)
    x: Any = (1 + 0.01 * rng.randn(6, 3)).astype(dtype)
    w: Any = (0.1 * rng.randn(3, 3)).astype(dtype)
    assert check_gradient(recurrence, through_the_last(6), (x, w))
    with pytest.raises(UndecidedError, match="it may iterate to a limit"):
        check_gradient(recurrence, through_the_last(4), (x, w))


def test_what_an_iteration_does_not_explain_is_wrong() -> None:
    for steps, factor in ((80, 1.001), (9, 1.2)):
        with pytest.raises(GradientError, match="expected"):
            ask(steps, factor)


def test_results_that_take_turns_come_to_rest() -> None:
    seen = Repetitions()
    for k in range(10):
        seen.note("line", "multiply", np.array([1 + 2.0**-k]))
        seen.note("line", "multiply", np.array([5 - 2.0**-k]))
        seen.note("other line", "multiply", np.array([float(k)]))
    assert seen.limit == "it may iterate to a limit (line)"
    assert seen.explain(1e-3)
    assert not seen.explain(0.1)


def test_what_repeats_nothing_explains_nothing() -> None:
    seen = Repetitions()
    for k in range(3):
        seen.note("line", "add", np.full(k + 1, 1.0))
    assert seen.limit is None
    assert not seen.explain(1e-16)
