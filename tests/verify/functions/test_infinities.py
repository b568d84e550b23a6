"""Masks of infinities, as in attention and among nearest neighbours: what is right, and what wrong."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from long_runs import half

from nn_from_scratch.verify import GradientError, check_gradient

pytestmark = pytest.mark.once

ALLOWED = np.tril(np.ones((4, 4), bool))
NOT_ITSELF = np.diag(np.full(4, np.inf))
RANDOM = np.random.default_rng(0)
SCORES, POINTS = RANDOM.normal(size=(4, 4)), RANDOM.normal(size=4)

Written = tuple[Callable[[Any, Any], Any], Callable[[Any, Any, Any], Any], Any]
"""A forward and its backward, each given the library that they are written in, and where they are asked."""


def attention(library: Any, scores: Any) -> Any:
    masked = library.where(library.asarray(ALLOWED), scores, -np.inf)
    weights = library.exp(masked - library.amax(masked, -1)[:, None])
    return weights / weights.sum(-1)[:, None]


def attention_back(library: Any, g: Any, scores: Any) -> Any:
    masked = library.where(library.asarray(ALLOWED), scores, -np.inf)
    weights = library.exp(masked - library.amax(masked, -1)[:, None])
    weights = weights / weights.sum(-1)[:, None]
    return weights * (g - (weights * g).sum(-1)[:, None])


def squared_distances(library: Any, x: Any) -> Any:
    return (x[:, None] - x[None]) ** 2 + library.asarray(NOT_ITSELF.astype(str(x.dtype).split(".")[-1]))


def nearest(library: Any, x: Any) -> Any:
    return library.amin(squared_distances(library, x), -1)


def nearest_back(library: Any, g: Any, x: Any) -> Any:
    chosen = library.argmin(squared_distances(library, x), -1)[:, None] == library.arange(4)
    pull = 2 * (x[:, None] - x[None]) * chosen * g[:, None]
    return pull.sum(1) - pull.sum(0)


CASES: dict[str, Written] = {
    "attention": (attention, attention_back, SCORES),
    "nearest neighbours": (nearest, nearest_back, POINTS),
}


def of_numpy(name: str, factor: float, dtype: str) -> Any:
    forward, backward, point = CASES[name]
    x = point.astype(dtype)
    cotangent = RANDOM.normal(size=forward(np, point).shape).astype(dtype)
    return check_gradient(
        lambda x: (forward(np, x) * cotangent).sum(), lambda x: factor * backward(np, cotangent, x), x
    )


def of_torch(name: str, factor: float, dtype: str) -> Any:
    torch = pytest.importorskip("torch")
    from torch_functions import custom

    from nn_from_scratch.verify.torch import gradcheck

    forward, backward, point = CASES[name]
    subject = custom(
        lambda x: (forward(torch, x), (x,)), lambda g, factor, x: factor * backward(torch, g, x), factor
    )
    return gradcheck(subject, (torch.tensor(point, dtype=getattr(torch, dtype), requires_grad=True),))


def of_jax(name: str, factor: float, dtype: str) -> Any:
    jax = pytest.importorskip("jax")

    from nn_from_scratch.verify.jax import check_grads

    forward, backward, point = CASES[name]
    subject = jax.custom_vjp(lambda x: forward(jax.numpy, x))
    subject.defvjp(lambda x: (forward(jax.numpy, x), x), lambda x, g: (factor * backward(jax.numpy, g, x),))
    return check_grads(subject, (point.astype(dtype),), 1, modes=("rev",), shapes=False)


FRAMEWORKS = {"numpy": of_numpy, "torch": of_torch, "jax": of_jax}


@pytest.fixture(params=FRAMEWORKS)
def check(request: pytest.FixtureRequest) -> Any:
    return FRAMEWORKS[request.param]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", half(["float32", "float64"]))
def test_what_a_mask_hides_accuses_nobody(check: Any, name: str, dtype: str) -> None:
    check(name, 1.0, dtype)


@pytest.mark.parametrize("name", CASES)
def test_a_factor_that_no_numbers_show_is_proved_beside_a_mask(check: Any, name: str) -> None:
    with pytest.raises(GradientError, match="formula proved to differ"):
        check(name, 1 + 1e-12, "float64")


def test_a_gradient_that_overflows_says_at_which_operation() -> None:
    def softplus(x: Any) -> Any:
        return np.sum(np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0))

    def naive(x: Any) -> Any:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.exp(x) / (1 + np.exp(x))

    with pytest.raises(GradientError, match=r"is nan at entry 1, .* 1: it overflows at exp, test_infinities"):
        check_gradient(softplus, naive, np.array([1.0, 800.0]))
