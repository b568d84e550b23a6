"""Functions of JAX that iterate in a loop of Python's, which a jaxpr holds unrolled, or that approximate."""

from typing import Any

import pytest

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402

from nn_from_scratch.verify import GradientError, UndecidedError  # noqa: E402
from nn_from_scratch.verify.jax import check_grads  # noqa: E402

pytestmark = pytest.mark.once


def ask(steps: int, factor: float = 1.0) -> None:
    """Check a fixed point that is differentiated as the limit is."""

    @jax.custom_vjp  # type: ignore[untyped-decorator]
    def fixed_point(x: Any) -> Any:
        z = 0 * x
        for _ in range(steps):
            z = jnp.tanh(0.4 * z + x)
        return z

    def forward(x: Any) -> Any:
        z = fixed_point(x)
        return z, z

    def backward(z: Any, g: Any) -> Any:
        return (factor * g * (1 - z**2) / (1 - 0.4 * (1 - z**2)),)

    fixed_point.defvjp(forward, backward)
    with jax.enable_x64(True):
        check_grads(fixed_point, (jnp.array([0.7]),), 1, modes=("rev",))


def test_gradient_of_a_limit_is_right_at_the_end_and_no_fault_before() -> None:
    ask(30)
    for steps in (6, 9):
        with pytest.raises(UndecidedError, match="it may iterate to a limit"):
            ask(steps)


@pytest.mark.parametrize(("steps", "factor"), [(30, 1 + 1e-8), (9, 1.1)])
def test_what_an_iteration_does_not_explain_is_wrong(steps: int, factor: float) -> None:
    with pytest.raises(GradientError, match="formula proved to differ"):
        ask(steps, factor)


@pytest.mark.parametrize("least", [-float("inf"), 0.999])
def test_gradient_of_the_other_formula_is_wrong_if_it_is_unlike(least: float) -> None:
    """Of two numbers that are nearly equal the derivatives may be unlike, and nothing is nearly infinite."""
    mask = jnp.tril(jnp.ones((2, 2), bool))

    @jax.custom_vjp  # type: ignore[untyped-decorator]
    def masked(x: Any) -> Any:
        return jax.nn.softmax(jnp.where(mask, x, least), -1)

    def backward(x: Any, g: Any) -> Any:
        p = jax.nn.softmax(x, -1)  # the mask is forgotten
        return (p * (g - (p * g).sum(-1, keepdims=True)),)

    masked.defvjp(lambda x: (masked(x), x), backward)
    with pytest.raises(GradientError, match="formula proved to differ"):
        check_grads(masked, (jnp.array([[1.0, 1.003], [0.998, 1.001]]),), 1, modes=("rev",))


def softplus(factor: float) -> Any:
    """Take x for log(1 + exp(x)) where x is large, and differentiate the latter."""

    @jax.custom_vjp  # type: ignore[untyped-decorator]
    def function(x: Any) -> Any:
        return jnp.where(x > 20, x, jnp.log1p(jnp.exp(x)))

    function.defvjp(lambda x: (function(x), x), lambda x, g: (factor * g * jax.nn.sigmoid(x),))
    return function


def test_gradient_of_the_formula_that_a_function_takes_another_for_is_no_fault() -> None:
    point = [0.5, 5.0, 25.0, 60.0]
    check_grads(softplus(1.0), (jnp.array(point, jnp.float32),), 1, modes=("rev",))
    with jax.enable_x64(True):
        x = jnp.array(point)
        with pytest.raises(UndecidedError, match="takes one of two formulas that are nearly alike"):
            check_grads(softplus(1.0), (x,), 1, modes=("rev",))
        with pytest.raises(UndecidedError, match="the derivative of the other formula"):
            check_grads(softplus(1.0), (jnp.array([0.51, 5.03, 24.37, 60.1]),), 1, modes=("rev",))
        with pytest.raises(GradientError, match="formula proved to differ"):
            check_grads(softplus(1 + 1e-9), (x,), 1, modes=("rev",))
