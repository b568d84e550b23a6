"""JAX under jit: XLA fuses, contracts and reorders what it compiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from nn_from_scratch.verify.engines.adapters.jax import engine as plain
from nn_from_scratch.verify.engines.transform import Transform


def _value_and_gradient(function: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
    transformed = jax.value_and_grad(function, argnums=tuple(range(len(inputs))))
    value, gradient = jax.jit(transformed)(*map(jax.numpy.asarray, inputs))
    jax.clear_caches()  # no graph comes twice
    return value, gradient


def _compress(x: Any, condition: Any, axis: int) -> Any:
    """Take the entries by number: jax.numpy's own compress looks at its condition, and cannot be compiled."""
    return jax.numpy.take(x, np.flatnonzero(condition), axis)


engine = replace(
    plain,
    name="JAX under jit",
    driver=Transform(_value_and_gradient, jax.numpy),
    operations={**plain.operations, "compress": _compress},
    second_order=False,
)
