"""Gradients that change their cotangent where it is small, large or 0, in numpy and JAX."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, UndecidedError, check_gradient

CHANGES: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "small ones left out": (lambda np, c: np.where(np.abs(c) < 1e-3, 0 * c, c), "linear in its cotangent"),
    "clipped": (lambda np, c: np.clip(c, -1e4, 1e4), "linear in its cotangent"),
    "of length 1 in between": (
        lambda np, c: c / np.linalg.norm(c) * np.linalg.norm(c),
        "not finite|zeros it is not finite",
    ),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_cotangent_that_is_changed_is_seen(name: str, dtype: type) -> None:
    change, said = CHANGES[name]
    point: Any = np.array([1.0, -2.0, 3.0], dtype)
    with pytest.raises(GradientError, match=said):
        check_gradient(lambda x: x * x, lambda x, c: 2 * x * change(np, c), point)


@pytest.mark.parametrize("scale", [6e-39, 2e-38, 1e-30, 1.0, 1e30])
def test_gradient_that_is_tiny_or_huge_is_not_accused(scale: float) -> None:
    """A smaller cotangent would have fewer digits where the gradient is next to the smallest number."""
    point = np.array([1.0, -2.0, 3.0], np.float32)
    factor = np.float32(scale)
    with suppress(UndecidedError):
        check_gradient(lambda x: factor * x * x, lambda x, c: 2 * factor * x * c, point)


@pytest.mark.parametrize("name", CHANGES)
def test_cotangent_that_is_changed_is_seen_in_jax(name: str) -> None:
    jax = pytest.importorskip("jax")
    from nn_from_scratch.verify.jax import check_grads

    change, _ = CHANGES[name]
    square: Any = jax.custom_vjp(lambda x: x * x)
    square.defvjp(lambda x: (x * x, x), lambda x, c: (2 * x * change(jax.numpy, c),))
    with pytest.raises(GradientError, match="linear in its cotangents: wrong"):
        check_grads(square, (jax.numpy.array([1.0, -2.0, 3.0]),), 1, modes=("rev",))


def test_bisection_has_the_derivative_of_what_it_comes_to_in_jax() -> None:
    """In float32 its values may be too coarse to tell; it is not accused."""
    jax = pytest.importorskip("jax")
    from nn_from_scratch.verify.jax import check_grads

    def root(a: Any) -> Any:
        def halved(_: int, ends: Any) -> Any:
            low, high = ends
            middle = (low + high) / 2
            below = middle**3 + middle < a
            return jax.numpy.where(below, middle, low), jax.numpy.where(below, high, middle)

        low, high = jax.lax.fori_loop(0, 18, halved, (a * 0, a + 1))
        return (low + high) / 2

    solved: Any = jax.custom_vjp(root)
    solved.defvjp(lambda a: (root(a), root(a)), lambda m, c: (c / (3 * m * m + 1),))
    try:
        check_grads(solved, (jax.numpy.array([0.3, 1.1, 2.7], "float32"),), 1, modes=("rev",))
    except UndecidedError as error:
        assert "noise" in str(error)  # noqa: PT017
