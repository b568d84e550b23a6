"""Gradients whose code is not traced are judged by the formula of their function, where that is known."""

import math
from collections.abc import Callable
from itertools import cycle
from typing import Any

import numpy as np
import pytest
from hand_written_gradients import examples
from long_runs import half

from nn_from_scratch.verify import GradientError, UndecidedError, check_gradient
from nn_from_scratch.verify.functions.tracing.arrays.by_forward import numbers_by_forward
from nn_from_scratch.verify.functions.tracing.arrays.runs import Subject
from nn_from_scratch.verify.functions.tracing.by_forward import ByForward
from nn_from_scratch.verify.judging.verdicts import Verdict

pytestmark = pytest.mark.once

Function = Callable[..., Any]


def compiled(gradient: Function, factor: float = 1.0) -> Function:
    """Return a gradient that no trace follows: its numbers come from memory, as compiled code reads them."""

    def run(x: Any, *others: Any) -> Any:
        found = gradient(np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape), *others)
        return np.asarray(found * np.asarray(factor, found.dtype))

    return run


def found(function: Function, gradient: Function, x: Any, seed: int = 0) -> ByForward:
    subject = Subject(lambda x: (function(x), x), lambda _, x: gradient(x), (np.asarray(x),))
    return numbers_by_forward(subject, seed, scalar=True)


SIZES = {"cholesky solve": 0.1}  # which is ill-conditioned in float32; the others are off by a thousandth
APPROXIMATE = {"huber", "rope"}  # by what is seen of them: two formulas that are nearly alike, and a table


@pytest.mark.parametrize(
    ("name", "dtype"),
    half([*zip(examples("float32"), cycle(["float64", "float64", "float32", "float32"]), strict=False)]),
)
def test_sixteen_backwards_are_not_accused_and_those_that_are_off_are(name: str, dtype: str) -> None:
    forward, backward, inputs = examples(dtype)[name]

    def off(cotangent: Any, saved: Any) -> Any:
        gradients = backward(cotangent, saved)
        first, *others = gradients if isinstance(gradients, tuple) else (gradients,)
        error = np.zeros_like(first)
        error.flat[np.abs(first).argmax()] = SIZES.get(name, 1e-3) * np.linalg.norm(first)
        return (first + error, *others) if others else first + error

    assert (
        numbers_by_forward(Subject(forward, backward, inputs), 0, scalar=False).verdict is not Verdict.WRONG
    )
    judged = numbers_by_forward(Subject(forward, off, inputs), 0, scalar=False)
    if name in APPROXIMATE:
        assert judged.verdict is None
        assert "may approximate" in judged.said
    else:
        assert judged.verdict is Verdict.WRONG, judged.said


FAR_AWAY = [1e3, 1e4]
CANCELLED = np.array([0.3, -0.7, 1.1])


def large_sine(x: Any) -> Any:
    return np.sin(x) + x * x


def of_large_sine(x: Any) -> Any:
    return np.cos(x) + 2 * x


def drowned(x: Any) -> Any:
    return 1e10 + 1e-6 * np.sum(np.sin(x))


@pytest.mark.parametrize("x", FAR_AWAY)
def test_an_error_that_values_take_for_an_oscillation_is_wrong(x: float) -> None:
    assert check_gradient(large_sine, compiled(of_large_sine), x)
    with pytest.raises(GradientError, match="the derivative for x is "):
        check_gradient(large_sine, compiled(of_large_sine, 1.001), x)


def test_a_gradient_below_the_noise_of_values_is_right_or_wrong() -> None:
    right = compiled(lambda x: 1e-6 * np.cos(x))
    done = check_gradient(drowned, right, CANCELLED)
    rows = {row.name: row for row in done.rows}
    assert rows["values"].verdict is Verdict.UNDECIDED
    assert "units of the function's own formula" in rows["accuracy"].said
    with pytest.raises(GradientError, match=r"the derivative for x\[1\] is 8\.\S+e-07, the truth is 7\.6"):
        check_gradient(drowned, lambda x: right(x) + np.array([0.0, 1e-7, 0.0]), CANCELLED)
    with pytest.raises(GradientError):
        check_gradient(drowned, compiled(np.zeros_like), CANCELLED)


def test_where_the_function_is_not_traced_values_decide_as_before() -> None:
    def function(x: Any) -> float:
        return float(drowned(np.frombuffer(x.tobytes())))

    with pytest.raises(UndecidedError):
        check_gradient(function, compiled(lambda x: 2e-6 * np.cos(x)), CANCELLED)


KINK = np.array([0.5, -0.3, 0.0, 1.2, 2.0])
WEIGHTS = np.array([3.0, 1.0, 4.0, 1.5, 5.0])


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_entries_beside_a_kink_have_a_derivative(slope: float) -> None:
    def gradient(x: Any) -> Any:
        return WEIGHTS * np.where(x == 0, slope, x > 0)

    for function in (
        lambda x: np.sum(np.maximum(x, 0) * WEIGHTS),
        lambda x: np.sum((x + np.abs(x)) / 2 * WEIGHTS),
    ):
        assert found(function, gradient, KINK).verdict is None
        judged = found(function, lambda x: gradient(x) + 1e-3 * np.array([0.0, 0.0, 0.3, 1.0, 0.0]), KINK)
        assert judged.verdict is Verdict.WRONG
        assert judged.said.splitlines()[1:] == ["the derivative for x[3] is 1.501, the truth is 1.5"]


@pytest.mark.parametrize(
    ("function", "gradient", "why"),
    [
        (lambda x: np.sum(x * np.round(x)), lambda x: 2 * x, "steps"),
        (
            lambda x: np.sum(np.where(x > 0, x, 2 * x)),
            lambda x: np.where(x < 0, 2.0, 1.0),
            "function|test_by",
        ),
        (lambda x: 3.0, lambda x: x, "does not depend"),
    ],
)
def test_what_the_formula_does_not_decide_stays_open(function: Any, gradient: Any, why: str) -> None:
    judged = found(function, gradient, KINK)
    assert judged.verdict is None
    assert why.partition("|")[0] in judged.said or why.partition("|")[2] in judged.said


@pytest.mark.parametrize("seed", range(8))
def test_what_is_cut_off_beyond_a_radius_is_not_accused(seed: int) -> None:
    """The gradient of an energy of all pairs, of which the function leaves out those that are far apart."""
    x = np.random.default_rng(seed).normal(size=8) * 2

    def energy(x: Any) -> Any:
        d = x[:, None] - x[None]
        return np.where(np.abs(d) < 1.5, np.exp(-d * d), 0.0).sum()

    def gradient(x: Any) -> Any:
        d = x[:, None] - x[None]
        return (-4 * d * np.exp(-d * d)).sum(axis=1)

    assert found(energy, gradient, x).verdict is None


def test_constants_that_one_of_the_two_has_short_accuse_nobody() -> None:
    def curve(x: Any, c: float) -> Any:
        return 0.5 * x * (1 + np.tanh(c * (x + 0.044715 * x**3)))

    def slope(x: Any, c: float) -> Any:
        t = np.tanh(c * (x + 0.044715 * x**3))
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x)

    exact = math.sqrt(2 / math.pi)
    for c in (0.7978845608, 0.79788456, 0.797885, 0.7979):
        judged = found(lambda x, c=c: np.sum(curve(x, c)), lambda x: slope(x, exact), CANCELLED)
        assert judged.verdict is not Verdict.WRONG, (c, judged.said)
    assert (
        found(lambda x: np.sum(curve(x, 0.79)), lambda x: slope(x, exact), CANCELLED).verdict is Verdict.WRONG
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_backward_that_loses_digits_its_own_way_is_not_accused(dtype: Any) -> None:
    """The derivative of tanh by 1 - t * t has no digits where t is nearly 1."""
    x = np.array([0.1, 1.0, 3.0], dtype)

    def gradient(x: Any) -> Any:
        t = np.tanh(x)
        return ((1 + t * 64) - t * 64 - t * t).astype(dtype)

    assert found(lambda x: np.sum(np.tanh(x)), gradient, x).verdict is not Verdict.WRONG
    judged = found(lambda x: np.sum(np.tanh(x)), lambda x: (gradient(x) * dtype(1.25)).astype(dtype), x)
    assert judged.verdict is Verdict.WRONG


def test_numbers_that_are_rounded_inside_are_judged_by_their_format() -> None:
    def halves(x: Any) -> Any:
        return np.sum(x.astype(np.float16) ** 2).astype(np.float64)

    x = np.array([0.3, -1.7, 2.9])
    for right in (lambda x: 2 * x, lambda x: (2 * x.astype(np.float16)).astype(np.float64)):
        assert found(halves, right, x).verdict is not Verdict.WRONG
    assert found(halves, lambda x: 2.3 * x, x).verdict is Verdict.WRONG
