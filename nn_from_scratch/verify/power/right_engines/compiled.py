"""JAX under jit: XLA fuses, contracts and reorders what it compiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import jax

from nn_from_scratch.verify.engines.adapters.jax import engine as plain
from nn_from_scratch.verify.engines.transform import Transform


def _value_and_gradient(function: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
    transformed = jax.value_and_grad(function, argnums=tuple(range(len(inputs))))
    value, gradient = jax.jit(transformed)(*map(jax.numpy.asarray, inputs))
    jax.clear_caches()  # no graph comes twice
    return value, gradient


engine = replace(
    plain, name="JAX under jit", driver=Transform(_value_and_gradient, jax.numpy), second_order=False
)
