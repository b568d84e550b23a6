"""What is right at a point alone, or by a choice: numbers written for inputs, sizes, and kinks that meet."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, UndecidedError, check_gradient

POINT = np.array([0.0, 1.0, -2.0])


@pytest.mark.parametrize("kind", [float, np.float32])
def test_number_computed_from_one_of_two_inputs_is_right_here_alone(kind: type) -> None:
    at: Any = (kind(1.7), kind(1.3))
    assert check_gradient(lambda x, y: x**3 * y, lambda x, y: (3 * x**2 * y, x**3), at)
    with pytest.raises(UndecidedError, match="right at this point alone"):
        check_gradient(lambda x, y: x**3 * y, lambda x, y: (3 * 1.7**2 * y, x**3), at)


SIZES: dict[str, tuple[Callable[..., Any], Callable[..., Any], tuple[int, ...]]] = {
    "a square": (lambda x: np.sum(np.mean(np.sin(x), axis=0)), lambda x: np.cos(x) / x.shape[1], (3, 3)),
    "a larger square": (
        lambda x: np.sum(np.mean(np.sin(x), axis=0)),
        lambda x: np.cos(x) / x.shape[1],
        (7, 7),
    ),
    "a batch of 1": (
        lambda x: np.mean(np.sum(1 / (1 + np.exp(-x)), axis=1)),
        lambda x: 1 / (1 + np.exp(-x)) * (1 - 1 / (1 + np.exp(-x))),
        (1, 5),
    ),
}


@pytest.mark.parametrize("name", SIZES)
def test_size_of_another_axis_is_wrong(name: str) -> None:
    """No number that any formula has stands for a size."""
    function, gradient, shape = SIZES[name]
    point = np.random.default_rng(6).normal(size=shape)
    with pytest.raises(GradientError, match="right at the shape given, but not at drawn inputs"):
        check_gradient(function, gradient, point)
    rows = shape[0]
    assert check_gradient(function, lambda x: gradient(x) * (x.shape[1] if rows > 1 else 1) / len(x), point)


def where(condition: Any, x: Any, y: Any) -> Any:
    return np.where(condition, x, y)


def test_choice_is_no_fault_however_the_forward_is_written() -> None:
    """The slope at 0 of x and of a quarter of it is neither, by either writing of a rectifier."""

    def slopes(x: Any) -> Any:
        return where(x > 0, 1.0, 0.0) + 0.25 * where(-x > 0, 1.0, 0.0)

    for relu in (lambda x: np.maximum(x, 0), lambda x: where(x > 0, x, 0)):
        with suppress(UndecidedError):
            check_gradient(lambda x, relu=relu: np.sum(relu(x) - 0.25 * relu(-x)), slopes, POINT)
    for slope in (2.0, -1.0):
        with pytest.raises(GradientError, match="there is a kink here"):
            check_gradient(
                lambda x: np.sum(where(x > 0, x, 0)),
                lambda x, slope=slope: where(x > 0, 1.0, slope * (x == 0)),
                POINT,
            )


def test_nothing_is_kept_where_another_shape_is_what_is_wrong() -> None:
    def gradient(x: Any) -> Any:
        order, found = np.argsort(x), np.zeros_like(x)
        found[order[1]], found[order[2]] = 0.2, 0.8
        return found

    point = np.array([3.0, 1.0, 4.0, 1.5, 9.0, 2.6, 5.0])
    with pytest.raises(GradientError, match="right at the shape given") as caught:
        check_gradient(lambda x: np.quantile(x, 0.3), gradient, point)
    assert "kept from an earlier call" not in str(caught.value)


def test_jaxs_own_derivatives_at_kinks_are_not_accused() -> None:
    jax = pytest.importorskip("jax")
    from nn_from_scratch.verify.jax import check_grads

    jnp, relu = jax.numpy, jax.nn.relu
    functions: dict[str, tuple[Any, Any]] = {
        "both signs": (lambda x: jnp.concatenate([relu(x), relu(-x)]), POINT),
        "of another slope": (lambda x: relu(x) - 0.25 * relu(-x), POINT),
        "of a difference": (lambda x: relu(x[0] - x[1]) - relu(x[1] - x[0]), np.ones(2)),
        "median": (jnp.median, np.array([1.0, 1.0, 1.0, 3.0, 0.0])),
    }
    for function, point in functions.values():
        with suppress(UndecidedError):
            check_grads(function, (jnp.asarray(point, "float32"),), 1, modes=("rev",))
    steep: Any = jax.custom_vjp(lambda x: jnp.maximum(x, 0))
    steep.defvjp(lambda x: (jnp.maximum(x, 0), x), lambda x, c: (c * jnp.where(x == 0, 2.0, 1.0 * (x > 0)),))
    with pytest.raises(GradientError, match="there is a kink here"):
        check_grads(steep, (jnp.asarray(POINT, "float32"),), 1, modes=("rev",))


@pytest.mark.parametrize("slopes", [(1.0, 0.01), (1, 0.1), (0.3, 1.0)])
def test_numbers_that_jax_selects_are_those_of_its_format(slopes: tuple[float, float]) -> None:
    """The slopes of a leaky rectifier, in float32."""
    jax = pytest.importorskip("jax")
    from nn_from_scratch.verify.jax import check_grads

    right, left = slopes
    jnp = jax.numpy
    leaky: Any = jax.custom_vjp(lambda x: jnp.where(x > 0, right * x, left * x))
    leaky.defvjp(lambda x: (leaky(x), x), lambda x, c: (c * jnp.where(x > 0, right, left),))
    check_grads(leaky, (jnp.asarray([1.0, -2.0, 0.5], "float32"),), 1, modes=("rev",))
