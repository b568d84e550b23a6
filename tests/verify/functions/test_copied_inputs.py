"""Gradients that read a copy of an input in its place: they are right at this point, and nowhere else."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from in_frameworks import FRAMEWORKS, Rule, check_in_jax, check_in_torch, framework_for
from long_runs import half

from nn_from_scratch.verify import UndecidedError, check_gradient

DRAW = np.random.default_rng(5)
X = DRAW.normal(size=(5, 3))
W = DRAW.normal(size=(3, 4))
RATE, HALF, TENTH = np.array(0.3), np.array(0.5), np.array(0.1)
EYE = np.eye(3)
COSINES, BESIDE, NORM = np.cos, np.nextafter, np.linalg.norm
STEPS = np.arange(1.0, 13.0).reshape(3, 4) / 16
START = X[:, 1] / np.linalg.norm(X[:, 1])


def layer(np: Any, weights: Any, x: Any, w: Any, c: Any) -> tuple[Any, Any]:
    """Return the gradients of tanh(x w), of which the first reads weights that it is not given."""
    d = c * (1 - np.tanh(x @ w) ** 2)
    return d @ weights.T, x.T @ d


def layer_with_rows(np: Any, rows: Any, x: Any, w: Any, c: Any) -> tuple[Any, Any]:
    """Return the same, where only the first rows of the weights are read from elsewhere."""
    join = np.cat if hasattr(np, "cat") else np.concatenate
    return layer(np, join([rows, w[len(rows) :]]), x, w, c)


def copying(np: Any, array: Callable[[Any], Any], dtype: Any) -> dict[str, Rule]:
    """Return functions with gradients that read globals, or have a number written, in numpy's words."""
    x, w, rate = (array(each.astype(dtype)) for each in (X, W, RATE))
    own = array(W.astype(dtype))
    twice = 2 * own
    rows, cosines = array(W[:2].astype(dtype)), array(COSINES(W.astype(dtype)))
    norm, square, steps = float(NORM(W.astype(dtype))), own @ own.T, array(STEPS.astype(dtype))
    return {
        "a weight": (lambda x, w: np.tanh(x @ w), lambda x, w, c: layer(np, own, x, w, c), (x, w)),
        "a multiple of it": (
            lambda x, w: np.tanh(x @ w),
            lambda x, w, c: (layer(np, twice, x, w, c)[0] / 2, layer(np, own, x, w, c)[1]),
            (x, w),
        ),
        "some rows of it": (
            lambda x, w: np.tanh(x @ w),
            lambda x, w, c: layer_with_rows(np, rows, x, w, c),
            (x, w),
        ),
        "what was computed from it": (
            lambda x, w: x @ np.sin(w),
            lambda x, w, c: (c @ np.sin(w).T, (x.T @ c) * cosines),
            (x, w),
        ),
        "its norm": (
            lambda x, w: x @ (w / np.sum(w * w) ** 0.5),
            lambda x, w, c: (
                c @ (w / np.sum(w * w) ** 0.5).T,
                x.T @ c / norm - w * np.sum((x.T @ c) * w) / norm**3,
            ),
            (x, w),
        ),
        "its product with itself": (
            lambda x, w: x @ w @ w.T,
            lambda x, w, c: (c @ square, x.T @ (c @ w) + c.T @ (x @ w)),
            (x, w),
        ),
        "round numbers": (
            lambda x, w: np.tanh(x @ w),
            lambda x, w, c: layer(np, steps, x, w, c),
            (x, array(STEPS.astype(dtype))),
        ),
        "a number": (
            lambda x, a: a * x**2,
            lambda x, a, c: (2 * c * 0.3 * x, np.sum(c * x**2)),
            (x, rate),
        ),
        "a half that is written": (
            lambda x, a: a * x**2,
            lambda x, a, c: (c * x, np.sum(c * x**2)),
            (x, array(HALF.astype(dtype))),
        ),
        "twice a tenth that is written": (
            lambda x, a: a * x**2,
            lambda x, a, c: (0.2 * c * x, np.sum(c * x**2)),
            (x, array(TENTH.astype(dtype))),
        ),
    }


def right(np: Any, array: Callable[[Any], Any], dtype: Any) -> dict[str, Rule]:
    """Return functions that know numbers of their inputs as constants, and gradients that are right."""
    x, w, rate = (array(each.astype(dtype)) for each in (X, W, RATE))
    first, one, start = (array(each.astype(dtype)) for each in (W, EYE, START))
    other = array(BESIDE(W.astype(dtype), dtype(9)))
    return {
        "the way from the first weights": (
            lambda x, w: np.sum((x @ (w - first)) ** 2) + np.sum(w * first),
            lambda x, w, c: (
                2 * c * (x @ (w - first)) @ (w - first).T,
                2 * c * x.T @ (x @ (w - first)) + c * first,
            ),
            (x, w),
        ),
        "a rate that the function has, too": (
            lambda x, a: a * np.sum(0.3 * x**2),
            lambda x, a, c: (2 * c * a * 0.3 * x, c * np.sum(0.3 * x**2)),
            (x, rate),
        ),
        "the way from the first of unit vectors": (
            lambda u, v: np.sum(v * u) / np.sum(u * u) ** 0.5 + np.sum((u - start) ** 2),
            lambda u, v, c: (c * (v - u * np.sum(v * u) + 2 * (u - start)), c * u),
            (start, array(X[:, 0].astype(dtype))),
        ),
        "a table of an input's shape, rounded otherwise": (
            lambda x, w: np.tanh(x @ (w * first)),
            lambda x, w, c: tuple(
                part * factor
                for part, factor in zip(layer(np, w * other, x, w * first, c), (1, other), strict=True)
            ),
            (x, w),
        ),
        "the identity": (
            lambda x, w: np.sum((x @ w) ** 2),
            lambda x, w, c: (2 * c * (x @ w) @ w.T @ one, 2 * c * x.T @ (x @ w)),
            (x, one),
        ),
    }


SAID = {
    "a half that is written": "it is wrong where .* is another number",
    "twice a tenth that is written": "it is wrong where .* is another number",
    "some rows of it": "the gradient has constants that the function has not",
    "what was computed from it": "the gradient has constants that the function has not",
    "its norm": "the gradient has constants that the function has not",
    "its product with itself": "the gradient has constants that the function has not",
}


FORMATS = [
    *(("numpy", dtype) for dtype in (np.float64, np.float32, np.float16)),
    *(("torch", dtype) for dtype in (np.float64, np.float32, np.float16)),
    ("jax", np.float32),
]


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "framework", "dtype"),
    half([(name, *form) for name in copying(np, np.array, np.float64) for form in FORMATS]),
)
def test_what_is_right_at_this_point_alone_is_not_right(name: str, framework: str, dtype: Any) -> None:
    if name == "its norm" and dtype is np.float16:
        pytest.skip("it has so few digits that somebody may have written it")
    functions, array, dtype, check = framework_for(framework, dtype)
    said = SAID.get(name, "the gradient has the numbers of")
    with pytest.raises(UndecidedError, match=f"right at this point alone: {said}"):
        check(copying(functions, array, dtype)[name])


@pytest.mark.once
@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", right(np, np.array, np.float64))
def test_what_is_right_wherever_the_inputs_are_is_right(name: str, framework: str) -> None:
    functions, array, dtype, check = framework_for(framework, np.float64)
    check(right(functions, array, dtype)[name])


def test_it_may_be_asked_for_this_point_alone() -> None:
    function, gradient, inputs = copying(np, np.array, np.float64)["a weight"]
    assert check_gradient(function, gradient, inputs, shapes=False)


@pytest.mark.once
def test_a_rule_of_jax_that_was_computed_for_this_point_is_not_right() -> None:
    jnp = pytest.importorskip("jax.numpy")
    known = jnp.cos(jnp.array(X))
    with pytest.raises(UndecidedError, match="right at this point alone: where the inputs are others"):
        check_in_jax((jnp.sin, lambda _, c: (c * known,), (jnp.array(X),)))


@pytest.mark.once
@pytest.mark.parametrize("seed", range(4))
def test_a_norm_that_is_read_anew_as_a_number_is_no_constant(seed: int) -> None:
    torch = pytest.importorskip("torch")
    x = torch.tensor(np.random.default_rng(seed).normal(size=4))
    assert check_in_torch((lambda x: x.norm(), lambda x, c: c * x / x.norm().item(), (x,)))
