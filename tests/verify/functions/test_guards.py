"""A constant that is added so that nothing is divided by 0, and left out of the derivative."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from in_frameworks import FRAMEWORKS, Rule, framework_for

from nn_from_scratch.verify import GradientError, check_gradient

pytestmark = pytest.mark.once

Z = np.random.default_rng(0).normal(size=(3, 3))
LABELS = np.eye(3)[[0, 2, 1]]


def cross_entropy(np: Any, array: Callable[[Any], Any], dtype: Any, guard: float) -> Rule:
    labels = array(LABELS.astype(dtype))

    def softmax(z: Any) -> Any:
        e = np.exp(z)
        return e / np.sum(e, 1)[:, None]

    return (
        lambda z: -np.sum(labels * np.log(softmax(z) + guard)),
        lambda z, c: (c * (softmax(z) - labels),),
        (array(Z.astype(dtype)),),
    )


def normalised(np: Any, array: Callable[[Any], Any], dtype: Any, guard: float) -> Rule:
    def norm(x: Any) -> Any:
        return np.sqrt(np.sum(x * x))

    def gradient(x: Any, c: Any) -> Any:
        y = x / norm(x)
        return ((c - y * np.sum(y * c)) / norm(x),)

    return (lambda x: x / (norm(x) + guard)), gradient, (array(Z[0].astype(dtype)),)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("make", [cross_entropy, normalised])
def test_guard_that_a_format_does_not_show_may_be_left_out(make: Any, framework: str) -> None:
    functions, array, dtype, check = framework_for(framework, np.float32)
    check(make(functions, array, dtype, 1e-9))
    with pytest.raises(GradientError):  # float32 shows it
        check(make(functions, array, dtype, 1e-5))


@pytest.mark.parametrize("framework", ["numpy", "torch"])
@pytest.mark.parametrize("make", [cross_entropy, normalised])
def test_guard_that_float64_shows_may_not(make: Any, framework: str) -> None:
    functions, array, dtype, check = framework_for(framework, np.float64)
    with pytest.raises(GradientError, match="formula proved to differ"):
        check(make(functions, array, dtype, 1e-9))


def test_epsilon_of_a_layer_norm_is_none() -> None:
    """However large the inputs are, among which float32 does not show it."""

    def norm(x: Any) -> Any:
        return (x - x.mean()) / np.sqrt(x.var() + 1e-6)

    def gradient(x: Any, c: Any, epsilon: float = 1e-6) -> Any:
        scale = np.sqrt(x.var() + epsilon)
        y = (x - x.mean()) / scale
        return (c - c.mean() - y * (y * c).mean()) / scale

    x = (100 * np.array([0.5, -1.0, 2.0, 0.25])).astype(np.float32)
    assert check_gradient(norm, gradient, x)
    with pytest.raises(GradientError, match=r"formula proved to differ, by .*e-1"):
        check_gradient(norm, lambda x, c: gradient(x, c, 0.0), x)
