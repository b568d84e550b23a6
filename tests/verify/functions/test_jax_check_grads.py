from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, UndecidedError

jax = pytest.importorskip("jax")
jnp = jax.numpy


def check_grads(*arguments: Any, **options: Any) -> None:
    from nn_from_scratch.verify.jax import check_grads

    check_grads(*arguments, **options)


def examined(function: Any, arguments: Any, modes: Any = ("rev",), order: int = 1) -> dict[str, str]:
    """Return what is said of each promise."""
    from nn_from_scratch.verify.functions.jaxpr.checking import examine

    return {
        row.name: str(row).removeprefix(f"{row.name}: ") for row in examine(function, arguments, order, modes)
    }


def custom(forward: Any, backward: Any) -> Any:
    """Return a custom_vjp of a function, whose backward takes the cotangent and then the arguments."""
    function = jax.custom_vjp(forward)
    function.defvjp(lambda *x: (forward(*x), x), lambda x, g: backward(g, *x))
    return function


POINT = np.array([0.3, -1.2, 2.5], dtype=np.float32)
LAYER = np.array([[0.3, -1.2, 2.5, 0.1], [1.5, 0.4, -0.7, 0.9]], dtype=np.float32)


def normed(epsilon: float) -> Any:
    def forward(x: Any) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        return centred / jnp.sqrt((centred**2).mean(-1, keepdims=True) + epsilon)

    return forward


def normed_backward(epsilon: float) -> Any:
    def backward(g: Any, x: Any) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        root = jnp.sqrt((centred**2).mean(-1, keepdims=True) + epsilon)
        h = centred / root
        return ((g - g.mean(-1, keepdims=True) - h * (g * h).mean(-1, keepdims=True)) / root,)

    return backward


def test_right_function_passes_in_the_default_float32() -> None:
    check_grads(lambda x: jnp.sin(x) * x, (POINT,), 2)
    check_grads(jnp.linalg.norm, (POINT,), 1, modes=["rev"], atol=1e-2, rtol=1e-2, eps=1e-3)


def test_epsilon_of_a_layer_norm_is_seen_at_a_relative_change_of_1e_14() -> None:
    right = custom(normed(1e-5), normed_backward(1e-5))
    check_grads(right, (LAYER,), 1)
    found = examined(right, (LAYER,))
    assert found["reverse mode"] == "right: formula equal at this point to 76 digits"
    assert found["reverse mode eagerly"].startswith("right: numbers within 0.")

    with pytest.raises(GradientError, match=r"formula proved to differ, by .*e-2[01] of its size"):
        check_grads(custom(normed(1e-5), normed_backward(1e-5 * (1 + 1e-14))), (LAYER,), 1)


def test_wrong_entry_is_named_with_what_it_is_and_should_be() -> None:
    wrong = custom(jnp.exp, lambda g, x: (g * jnp.exp(x) * jnp.array([1.0, 1.5, 1.0]),))
    with pytest.raises(
        GradientError, match=r"argument 0 at \[1\] is .* the truth is .*: 1.5 times it\nreverse"
    ) as raised:
        check_grads(wrong, (POINT,), 1)
    assert not isinstance(raised.value, UndecidedError)
    assert isinstance(raised.value, AssertionError)


def test_backward_that_ignores_its_cotangent_is_wrong() -> None:
    with pytest.raises(GradientError, match="proved to differ"):
        check_grads(custom(jnp.sin, lambda g, x: (jnp.cos(x),)), (POINT,), 1)


def test_value_of_a_forward_rule_that_is_not_the_functions_own_is_wrong() -> None:
    function = jax.custom_vjp(jnp.sin)
    function.defvjp(lambda x: (jnp.sin(x) + 1e-12, x), lambda x, g: (g * jnp.cos(x),))
    with pytest.raises(GradientError, match="the value that the rule computes: formula proved to differ"):
        check_grads(function, (POINT,), 1)


def test_mode_that_a_function_does_not_claim_is_not_supported() -> None:
    function = custom(jnp.sin, lambda g, x: (g * jnp.cos(x),))
    check_grads(function, (POINT,), 2)
    found = examined(function, (POINT,), ("fwd", "rev"))
    assert found["forward mode"].startswith("not supported: can't apply forward-mode")
    with pytest.raises(TypeError, match="has no derivative of a mode that was asked for"):
        check_grads(function, (POINT,), 1, modes=("fwd",))
