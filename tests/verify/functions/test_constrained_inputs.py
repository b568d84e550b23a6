"""Gradients that are right for what an argument may be alone: masks, labels, permutations, distributions."""

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from in_frameworks import (
    FRAMEWORKS,
    Rule,
    check_in_numpy,
    framework_for,
    in_torch,
)
from long_runs import half

from nn_from_scratch.verify import GradientError, UndecidedError, check_gradient

pytestmark = pytest.mark.once

DRAW = np.random.default_rng(3)
X = DRAW.normal(size=(4, 5))
MASK = np.array([[1.0, 0, 1, 1, 0]] * 4)
SIGNS = np.array([1.0, -1, -1, 1])
ORDER = np.array([2, 0, 3, 1])
LABELS = np.exp(DRAW.normal(size=(4, 5)))
LABELS /= LABELS.sum(-1, keepdims=True)
ROTATION = np.linalg.qr(DRAW.normal(size=(3, 3)))[0]


def rules(np: Any, array: Callable[[Any], Any], dtype: Any) -> dict[str, Rule]:
    """Return functions, gradients by their inputs given a cotangent, and inputs, in numpy's words."""

    def softmax(z: Any) -> Any:
        e = np.exp(z)
        return e / np.sum(e, -1)[:, None]

    def given(*inputs: Any) -> tuple[Any, ...]:
        return tuple(array(x.astype(dtype) if x.dtype.kind == "f" else x) for x in inputs)

    return {
        "mask": (
            lambda x, m: np.sum((m * x) ** 2),
            lambda x, m, c: (2 * c * m * x, 2 * c * m * x * x),  # m, and not its square
            given(X, MASK),
        ),
        "labels of 1 and -1": (
            lambda z, y: np.sum((z - y) ** 2),
            lambda z, y, c: (2 * c * y * (y * z - 1), -2 * c * y * (y * z - 1)),  # of which the square is 1
            given(X[:, 0], SIGNS),
        ),
        "distributions": (
            lambda z, t: np.sum(t * (np.log(np.sum(np.exp(z), -1))[:, None] - z)),
            lambda z, t, c: (c * (softmax(z) - t), c * (np.log(np.sum(np.exp(z), -1))[:, None] - z)),
            given(X, LABELS),
        ),
        "rotation": (
            np.linalg.solve,
            lambda q, b, c: (-(q @ c)[:, None] * np.linalg.solve(q, b)[None, :], q @ c),
            given(ROTATION, X[0, :3]),
        ),
        "unit vector": (
            lambda x, n: x @ n * n,
            lambda x, n, c: ((c @ n) * n, (c @ n) * x + (x @ n) * c),
            given(X[0, :3], ROTATION[0]),
        ),
    }


NAMES = [*rules(np, np.array, np.float64)]


def times(rule: Rule, factor: float) -> Rule:
    """Return a rule with the first gradient times a factor."""
    function, gradient, inputs = rule

    def wrong(x: Any, y: Any, c: Any) -> Any:
        first, second = gradient(x, y, c)
        return factor * first, second

    return function, wrong, inputs


def asked(framework: str, name: str, dtype: Any) -> tuple[Callable[[Rule], Any], Rule]:
    functions, array, dtype, check = framework_for(framework, dtype)
    return check, rules(functions, array, dtype)[name]


@pytest.mark.parametrize(
    ("name", "framework", "dtype"),
    [
        (name, framework, (np.float64, np.float32)[(j + k + z) % 2])
        for j, name in enumerate(NAMES)
        for k, framework in enumerate(FRAMEWORKS)
        for z in half(range(2))
    ],
)
def test_what_is_right_for_such_inputs_is_right(name: str, framework: str, dtype: Any) -> None:
    if framework == "jax" and dtype == np.float64:
        pytest.skip("JAX is in float32 here")
    check, rule = asked(framework, name, dtype)
    check(rule)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", NAMES)
def test_a_factor_is_wrong_for_them_nevertheless(name: str, framework: str) -> None:
    check, rule = asked(framework, name, np.float64)
    with pytest.raises(AssertionError) as raised:
        check(times(rule, 1 + 1e-4))
    assert not isinstance(raised.value, UndecidedError)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_size_that_is_a_constant_is_wrong_beside_a_mask(framework: str) -> None:
    check, (function, gradient, inputs) = asked(framework, "mask", np.float64)
    size = len(inputs[0])
    with pytest.raises(AssertionError, match="size"):
        check((lambda x, m: function(x, m) / len(x), lambda x, m, c: gradient(x, m, c / size), inputs))


def test_labels_of_float32_in_float64_are_distributions_too() -> None:
    labels = LABELS.astype(np.float32).astype(np.float64)
    assert abs(labels.sum(-1) - 1).max() > 1e-9
    function, gradient, (z, _) = rules(np, np.array, np.float64)["distributions"]
    found = check_gradient(function, gradient, (z, labels))
    assert "formula equal up to the rounding of its inputs, to" in str(found)
    with pytest.raises(GradientError, match="formula proved to differ"):
        check_in_numpy(times((function, gradient, (z, labels)), 1 + 1e-6))


def test_a_permutation_is_undone_by_another_at_every_size() -> None:
    if importlib.util.find_spec("jax") is None:
        pytest.skip("JAX is not installed")
    import jax
    import jax.numpy as jnp

    def permuted(x: Any, order: Any) -> Any:
        return jax.nn.one_hot(order, len(x)) @ x**2

    def backward(kept: Any, c: Any) -> Any:
        x, order = kept
        return 2 * x * c[jnp.argsort(order)], np.zeros(order.shape, jax.dtypes.float0)

    own = jax.custom_vjp(permuted)
    own.defvjp(lambda x, order: (permuted(x, order), (x, order)), backward)
    from nn_from_scratch.verify.jax import check_grads

    check_grads(own, (jnp.array(X[:, 0]), jnp.array(ORDER)), 1, ("rev",))


def test_a_term_too_many_in_bfloat16_is_no_rounding_of_large_inputs() -> None:
    """By the bound of float32 it would be one, for softmax is steep here."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(5)
    z = (50 * torch.randn(3, 4)).to(torch.bfloat16)
    labels = torch.randn(3, 4).softmax(-1).to(torch.bfloat16)

    def gradient(z: Any, t: Any, c: Any) -> Any:
        return c[:, None] * (z.softmax(-1) * t.sum(-1, keepdim=True) - t + 1e-3 * z * t), None

    own = in_torch(lambda z, t: (t * -z.log_softmax(-1)).sum(-1), gradient)
    from nn_from_scratch.verify.torch import gradcheck

    with pytest.raises(AssertionError, match="formula proved to differ"):
        gradcheck(own, (z.requires_grad_(), labels))
