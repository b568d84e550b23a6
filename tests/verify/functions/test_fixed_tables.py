"""Functions that close over a table of a narrow format: its rounding explains little, and hides no error."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from in_frameworks import check_in_jax, check_in_numpy, check_in_torch, framework_for
from long_runs import half

from nn_from_scratch.verify import GradientError, UndecidedError
from nn_from_scratch.verify.functions.checking import examine_gradient
from nn_from_scratch.verify.judging.verdicts import Verdict

pytestmark = pytest.mark.once

WRONG: dict[str, Callable[..., Any]] = {
    "none at all": lambda d, w: 0 * (d @ w.T),
    "the other sign": lambda d, w: -d @ w.T,
    "twice": lambda d, w: 2 * d @ w.T,
    "not transposed": lambda d, w: d @ w,
}


def asked(framework: str, dtype: str, seed: int, backward: Callable[..., Any]) -> str:
    """Ask about tanh(x w), given how the cotangent goes back through the product; w is fixed."""
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=(6, 8)), rng.normal(size=(8, 8)) / 3
    if framework == "torch":
        torch = pytest.importorskip("torch")
        functions, check = torch, check_in_torch
        x, w = (torch.tensor(each).to(getattr(torch, dtype)) for each in (x, w))
    elif framework == "jax":
        functions, check = pytest.importorskip("jax.numpy"), check_in_jax
        x, w = (functions.asarray(each, dtype) for each in (x, w))
    else:
        functions, check = np, check_in_numpy
        x, w = x.astype(dtype), w.astype(dtype)

    def gradient(x: Any, c: Any) -> Any:
        found = backward(c * (1 - functions.tanh(x @ w) ** 2), w)
        return (found,) if framework == "jax" else found

    try:
        check((lambda x: functions.tanh(x @ w), gradient, (x,)))
    except UndecidedError:
        return "undecided"
    except GradientError:
        return "wrong"
    return "right"


FORMATS = [("torch", "bfloat16"), ("torch", "float16"), ("jax", "bfloat16"), ("numpy", "float16")]


@pytest.mark.parametrize(
    ("name", "framework", "dtype"),
    [(name, *FORMATS[(j + k) % 4]) for k, name in enumerate(WRONG) for j in half(range(4))],
)
def test_a_wrong_gradient_beside_a_fixed_table_is_never_right(name: str, framework: str, dtype: str) -> None:
    assert "right" not in {asked(framework, dtype, seed, WRONG[name]) for seed in range(4)}


@pytest.mark.parametrize(("framework", "dtype"), [*FORMATS, ("torch", "float32"), ("numpy", "float64")])
def test_the_right_one_is_right(framework: str, dtype: str) -> None:
    assert {asked(framework, dtype, seed, lambda d, w: d @ w.T) for seed in range(4)} == {"right"}


@pytest.mark.parametrize("framework", ["torch", "jax", "numpy"])
def test_a_small_factor_is_not_explained_by_the_rounding_of_a_table_that_both_have(framework: str) -> None:
    assert asked(framework, "float32", 0, lambda d, w: 1.0001 * d @ w.T) == "wrong"


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_soft_labels_beside_fixed_data_are_right(dtype: str) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    labels = np.exp(rng.normal(size=(4, 5)))
    labels /= labels.sum(1, keepdims=True)
    data, weights, labels = (
        torch.tensor(each).to(getattr(torch, dtype))
        for each in (rng.normal(size=(4, 3)), rng.normal(size=(3, 5)), labels)
    )

    def loss(w: Any, t: Any) -> Any:
        return -(t * (data @ w).log_softmax(1)).sum()

    def gradient(w: Any, t: Any, c: Any) -> tuple[Any, Any]:
        return c * data.T @ ((data @ w).softmax(1) - t), -c * (data @ w).log_softmax(1)

    assert check_in_torch((loss, gradient, (weights, labels)))


@pytest.mark.parametrize("raw_in_forward", [True, False])
@pytest.mark.parametrize(
    ("framework", "dtype"),
    [("numpy", np.float64), ("numpy", np.float32), ("torch", np.float64), ("jax", np.float32)],
)
def test_what_rounding_leaves_of_a_0_in_a_table_is_no_difference(
    framework: str, dtype: Any, raw_in_forward: bool
) -> None:
    """The cosine of half of pi is 6e-17, where a table that is written has 0."""
    functions, array, dtype, check = framework_for(framework, dtype)
    angle = np.pi / 2
    raw = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    tables = [array(each.astype(dtype)) for each in (raw, np.rint(raw) + 0.0)]
    first, second = tables if raw_in_forward else tables[::-1]

    def forward(x: Any) -> Any:
        return functions.tanh(x @ first.T)

    def check_with(factor: float) -> Any:
        def backward(x: Any, c: Any) -> Any:
            found = factor * (c * (1 - forward(x) ** 2)) @ second
            return (found,) if framework == "jax" else found

        x = array(np.random.default_rng(0).normal(size=(3, 2)).astype(dtype))
        return check((forward, backward, (x,)))

    check_with(1.0)
    with pytest.raises(GradientError):
        check_with(1.001)


@pytest.mark.parametrize("seed", range(3))
def test_a_table_of_bfloat16_that_has_the_size_of_an_input_is_right(seed: int) -> None:
    jnp = pytest.importorskip("jax.numpy")
    rng = np.random.default_rng(seed)
    scales, x = 2 + np.sin(rng.normal(size=(4, 6))), jnp.asarray(rng.normal(size=(4, 6)), "bfloat16")
    table, inverse = (jnp.asarray(each, "bfloat16") for each in (scales, 1 / scales))

    def backward(x: Any, c: Any) -> Any:
        return (c * (1 - jnp.tanh(x / table) ** 2) * inverse,)

    check_in_jax((lambda x: jnp.tanh(x / table), backward, (x,)))


def test_a_table_that_is_made_in_the_gradients_own_format_is_no_shorter_one() -> None:
    """Digits that are lost by a large phase were blamed on "float32 inside", of a gradient of float32."""
    x = np.random.default_rng(0).uniform(0, 1, 8).astype(np.float32)

    def function(x: Any, a: Any) -> Any:
        return np.sum(np.sin(x * a * np.float32(10)))

    def gradient(x: Any, a: Any) -> Any:
        tens = np.array([10.0]).astype(np.float32)
        d = tens * np.cos(x * a * tens)
        return d * a, np.sum(d * x)

    found = examine_gradient(function, gradient, (x, np.array(777.7, np.float32)))
    assert found.verdict is Verdict.UNDECIDED
    assert "the numbers of the gradient keep only 3 digits" in found.said
