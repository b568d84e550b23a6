"""Gradients of JAX whose code is not traced are judged by the formula of their function."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

jax: Any = pytest.importorskip("jax")
pytestmark = pytest.mark.once

import jax.numpy as jnp  # noqa: E402

from nn_from_scratch.verify.functions.jaxpr.by_forward import numbers_by_forward  # noqa: E402
from nn_from_scratch.verify.functions.jaxpr.checking import examine  # noqa: E402
from nn_from_scratch.verify.functions.jaxpr.formulas import trace  # noqa: E402
from nn_from_scratch.verify.functions.jaxpr.question import MODES, Question, drawn  # noqa: E402
from nn_from_scratch.verify.functions.tracing.by_forward import ByForward  # noqa: E402
from nn_from_scratch.verify.judging.verdicts import Verdict  # noqa: E402


def by_numpy(forward: Callable[..., Any], backward: Callable[..., Any]) -> Any:
    """Make a function whose backward is a callback: it maps numpy's cotangent and input to a gradient."""
    function = jax.custom_vjp(forward)

    def called(x: Any, g: Any) -> Any:
        return np.asarray(backward(np.asarray(g), np.asarray(x)), x.dtype)

    def pull(x: Any, g: Any) -> Any:
        like = jax.ShapeDtypeStruct(x.shape, x.dtype)
        return (jax.pure_callback(called, like, x, g, vmap_method="sequential"),)

    function.defvjp(lambda x: (forward(x), x), pull)
    return function


def found(function: Any, point: list[float]) -> ByForward:
    with jax.enable_x64(True):
        question = Question.of(function, (jnp.array(point, jnp.float64),))
        traced = trace(question, MODES["rev"](question), wide=True, by_outputs=True)
        return numbers_by_forward(traced, drawn(question.outputs(wide=True), 0), 0)


@pytest.mark.parametrize(("factor", "dtype"), [(1.0, "float64"), (1.001, "float64"), (1.001, "float32")])
def test_a_gradient_below_the_noise_of_values_is_right_or_wrong(factor: float, dtype: str) -> None:
    drowned = by_numpy(lambda x: 1e10 + 1e-6 * jnp.sin(x).sum(), lambda g, x: g * np.cos(x) * (1e-6 * factor))
    with jax.enable_x64(dtype == "float64"):
        row, *_ = examine(drowned, (jnp.array([0.3, -0.7, 1.1], dtype),), 1, ("rev",))
    if factor == 1.0:
        assert row.verdict is Verdict.RIGHT, row
        assert "units of the function's own formula" in row.said
    else:
        assert row.verdict is Verdict.WRONG, row
        assert "the derivative for argument 0[1] is " in row.said


X = [0.3, -0.7, 1.1, 0.0]


@pytest.mark.parametrize(
    ("forward", "backward", "said"),
    [
        (lambda x: x * jnp.round(x), lambda g, x: 2 * g * x, "it has steps"),
        (lambda x: x * jnp.sign(x - 0.1), lambda g, x: 2 * g * x, "its numbers decide"),
        (lambda x: x * (x > 0.1), lambda g, x: 2 * g * x, "its numbers decide"),
        (lambda x: 2 * jnp.maximum(x, 0), lambda g, x: g * ((x > 0) + 1.0 * (x >= 0)), "a kink"),
        (lambda x: jnp.abs((x + 0.1) - 0.4), lambda g, x: g * np.sign(x - 0.3), "rounding may turn"),
        (lambda x: jax.lax.fori_loop(0, 5, lambda _, y: jnp.cos(y), x), lambda g, x: 0.1 * g, "iterate"),
        (
            lambda x: jnp.sin(x) + 1e-3 * jnp.sin(1e9 * x),
            lambda g, x: g * np.cos(x),
            "noisy|beyond what rounding leaves",
        ),
        (
            lambda x: jax.pure_callback(np.sin, jax.ShapeDtypeStruct(x.shape, x.dtype), x),
            lambda g, x: g,
            "not traced",
        ),
    ],
)
def test_what_the_formula_does_not_decide_is_left_open(forward: Any, backward: Any, said: str) -> None:
    answer = found(by_numpy(forward, backward), X)
    assert answer.verdict is None
    assert any(part in answer.said for part in said.split("|")), answer.said


def test_a_function_that_stops_gradients_is_not_accused() -> None:
    stopped = by_numpy(lambda x: 1e12 + jax.lax.stop_gradient(x) * x, lambda g, x: g * x)
    with jax.enable_x64(True):
        row, *_ = examine(stopped, (jnp.array(X, jnp.float64),), 1, ("rev",))
    assert not row.accuses


@pytest.mark.parametrize("factor", [1.0, 1.001])
def test_functions_of_several_terms_are_right_and_those_that_are_off_are_seen(factor: float) -> None:
    def standardized(x: Any) -> Any:
        centred = x - x.mean()
        return centred / jnp.sqrt((centred**2).mean() + 1e-5)

    def gradient(g: Any, x: Any) -> Any:
        size = np.sqrt(x.var() + 1e-5)
        h = (x - x.mean()) / size
        return factor * (g - g.mean() - h * (g * h).mean()) / size

    answer = found(by_numpy(standardized, gradient), X)
    assert answer.verdict is (Verdict.RIGHT if factor == 1.0 else Verdict.WRONG), answer.said


def test_a_long_forward_is_not_run_ten_times() -> None:
    function = by_numpy(lambda x: jnp.tanh(jnp.tile(x, 30_000)).sum(), lambda g, x: g * x)
    asked = found(function, X)
    assert asked.verdict is None
    assert asked.said.startswith("not traced: more than 1,000,000 scalar operations")
