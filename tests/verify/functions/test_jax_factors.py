"""Factors of matrices in JAX, traced; and primitives that read numbers as bits, or choose the largest."""

from typing import Any

import numpy as np
import pytest
from jax_formulas import formula, own

jax = pytest.importorskip("jax")

jnp = jax.numpy
pytestmark = pytest.mark.once

A = np.random.default_rng(5).normal(size=(3, 3)).astype(np.float32)


def symmetric(a: Any) -> Any:
    return a + a.T


JAXS = {
    "qr": jnp.linalg.qr,
    "eigh": lambda a: jnp.linalg.eigh(symmetric(a)),
    "svd of rows": lambda a: jnp.linalg.svd(a[:2], full_matrices=False)[1],
    "tridiagonal": lambda a: jax.lax.linalg.tridiagonal_solve(a[0], a[1] + 4, a[2], a.T),
    "copysign": lambda a: jnp.copysign(a[0], a[1]),
    "polygamma": lambda a: jax.scipy.special.polygamma(1, jnp.abs(a) + 0.5),
}


@pytest.mark.parametrize("name", JAXS)
def test_operation_of_jaxs_is_right(name: str) -> None:
    assert formula(JAXS[name], A).startswith("right: formula equal at this point to 7"), name


def of_singular_values(g: Any, a: Any) -> Any:
    u, _, v = jnp.linalg.svd(a, full_matrices=False)
    return u @ jnp.diag(g) @ v


def of_eigenvalues(g: Any, a: Any) -> Any:
    _, v = jnp.linalg.eigh(symmetric(a))
    return 2 * v @ jnp.diag(g) @ v.T


def of_the_triangle(g: Any, a: Any) -> Any:
    return g * jnp.linalg.qr(a)[1].diagonal().prod() * jnp.linalg.inv(a).T


RULES = {
    "singular values": (lambda a: jnp.linalg.svd(a, compute_uv=False), of_singular_values),
    "eigenvalues": (lambda a: jnp.linalg.eigvalsh(symmetric(a)), of_eigenvalues),
    "triangle": (lambda a: jnp.linalg.qr(a)[1].diagonal().prod(), of_the_triangle),
}


@pytest.mark.parametrize("name", RULES)
def test_own_rule_is_right_and_one_that_is_off_is_wrong(name: str) -> None:
    forward, backward = RULES[name]
    assert formula(own(forward, backward), A).startswith("right: formula equal")
    for wrong in (lambda g, a: backward(g, a) * 1.001, lambda g, a: -backward(g, a)):
        assert formula(own(forward, wrong), A).startswith("wrong"), name


def test_what_is_not_determined_is_neither_right_nor_wrong() -> None:
    one = np.eye(3)
    for function in (
        lambda a: jnp.linalg.eigvalsh(symmetric(a)),
        lambda a: jnp.linalg.svd(a, compute_uv=False),
        lambda a: jnp.linalg.qr(a @ jnp.ones((3, 3))),
    ):
        said = formula(own(function, lambda g, a: jnp.ones((3, 3)) * a), one)
        assert said.startswith(("undecided", "not supported", "not traced")), said


@pytest.mark.parametrize(
    "function",
    [
        lambda x: jax.lax.top_k(x, 2)[0] * 3,
        lambda x: jax.lax.top_k(x, 1)[0] * 3,
        lambda x: jnp.copysign(x, x - 1) * 3,
    ],
)
def test_signs_and_orders_beside_a_jump_prove_nothing(function: Any) -> None:
    tied = np.array([1.0, 2.0, 2.0])
    said = formula(own(function, lambda g, x: x * g.sum()), tied)
    assert said.startswith(("undecided", "not supported", "not traced")), said
