"""Second derivatives: the Hessian of a scalar function times a vector, by everybody who has them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_from_scratch import hvp
from nn_from_scratch.verify.benchmark.measuring import Contender
from nn_from_scratch.verify.benchmark.peers import PEERS, first_call
from nn_from_scratch.verify.benchmark.workloads import SUBJECT, Workload

if TYPE_CHECKING:
    from collections.abc import Callable

    from nn_from_scratch.verify.benchmark.peers import Array

INPUTS, OUTPUTS = 50, 200


def numbers() -> tuple[Array, Array, Array]:
    """Return a matrix A (200, 50), a point x (50,) and a vector v (50,)."""
    generator = np.random.default_rng(3)
    matrix = generator.uniform(-1, 1, (OUTPUTS, INPUTS)) / np.sqrt(INPUTS)
    return matrix, generator.uniform(-1, 1, INPUTS), generator.uniform(-1, 1, INPUTS)


def function(tanh: Callable[[Any], Any], matrix: Any, x: Any) -> Any:
    """Compute the sum of the squares of tanh(A x)."""
    return (tanh(matrix @ x) ** 2).sum()


def by_hand(matrix: Array, x: Array, v: Array) -> Array:
    """Return its Hessian at x times v."""
    t = np.tanh(matrix @ x)
    product: Array = matrix.T @ ((2 - 6 * t**2) * (1 - t**2) * (matrix @ v))
    return product


def _ours() -> Contender:
    matrix, x, v = numbers()
    differentiated = partial(function, PEERS[SUBJECT].spelling().tanh, matrix)
    return Contender(lambda: hvp(differentiated, x, v), lambda found: [np.asarray(found)])


def _by_autograd() -> Contender:
    spelling = PEERS["autograd"].spelling()
    import autograd  # noqa: PLC0415  perhaps not installed

    matrix, x, v = numbers()
    gradient = autograd.grad(partial(function, spelling.tanh, matrix))
    product = autograd.grad(lambda x: (gradient(x) * v).sum())
    return Contender(lambda: product(x), lambda found: [found])


def _by_jax(name: str) -> Contender:
    spelling = PEERS[name].spelling()
    import jax  # noqa: PLC0415

    matrix, x, v = map(spelling.constant, numbers())
    gradient = jax.grad(partial(function, spelling.tanh, matrix))
    product = jax.grad(lambda x: (gradient(x) * v).sum())
    if spelling.compiles:
        product = jax.jit(product)

    def run() -> Any:
        return jax.block_until_ready(product(x))

    seconds = first_call(run) if spelling.compiles else None
    return Contender(run, lambda found: [np.asarray(found)], compile_seconds=seconds)


def _by_pytorch() -> Contender:
    spelling = PEERS["PyTorch"].spelling()
    import torch  # noqa: PLC0415

    matrix, point, v = map(torch.tensor, numbers())

    def run() -> Any:
        x = point.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(function(spelling.tanh, matrix, x), x, create_graph=True)
        return torch.autograd.grad(gradient @ v, x)[0]

    return Contender(run, lambda found: [found.numpy()])


def _by_hand() -> Contender:
    return Contender(partial(by_hand, *numbers()), lambda found: [found])


SECOND_ORDER = Workload(
    "Hessian times a vector, 50 numbers",
    {
        SUBJECT: _ours,
        "autograd": _by_autograd,
        "JAX": partial(_by_jax, "JAX"),
        "JAX, jit": partial(_by_jax, "JAX, jit"),
        "PyTorch": _by_pytorch,
        "numpy by hand": _by_hand,
    },
)
