"""One function with its gradient in numpy, PyTorch and JAX, checked as the users of each check it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import check_gradient

Rule = tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...]]
"""A function, its gradient of the same inputs and a cotangent, and the inputs."""

FRAMEWORKS = ["numpy", "torch", "jax"]


def check_in_numpy(rule: Rule) -> Any:
    return check_gradient(rule[0], rule[1], rule[2])


def in_torch(function: Callable[..., Any], gradient: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function of PyTorch of one and its gradient."""
    pytest.importorskip("torch")
    from torch_functions import custom

    return custom(lambda *given: (function(*given), given), lambda c, _, *given: gradient(*given, c), 1.0)


def check_in_torch(rule: Rule) -> Any:
    function, gradient, inputs = rule
    own = in_torch(function, gradient)
    from nn_from_scratch.verify.torch import gradcheck

    return gradcheck(own, tuple(x.requires_grad_(x.is_floating_point()) for x in inputs))


def check_in_jax(rule: Rule) -> Any:
    jax = pytest.importorskip("jax")
    from nn_from_scratch.verify.jax import check_grads

    function, gradient, inputs = rule
    own = jax.custom_vjp(function)
    own.defvjp(lambda *given: (function(*given), given), lambda kept, c: gradient(*kept, c))
    return check_grads(own, inputs, 1, ("rev",))


def framework_for(name: str, dtype: Any) -> tuple[Any, Callable[[Any], Any], Any, Callable[[Rule], Any]]:
    """Return a framework's functions, what makes its arrays, its dtype, and what checks a rule.

    JAX is in float32, as it is by default.
    """
    if name == "numpy":
        return np, np.array, dtype, check_in_numpy
    if name == "torch":
        torch = pytest.importorskip("torch")
        return torch, torch.tensor, dtype, check_in_torch
    jnp = pytest.importorskip("jax.numpy")
    return jnp, jnp.array, np.float32, check_in_jax
