"""Functions of short formats whose values do not tell: they are asked in float64 as well."""

import functools
import math
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, UndecidedError, check_gradient

pytestmark = pytest.mark.once

MANY = 200_000
WRONG = 777


def relu(x: Any) -> Any:
    return np.maximum(x, 0)


def logsumexp(x: Any) -> Any:
    return np.log(np.sum(np.exp(x - x.max()))) + x.max()


def softmax(x: Any) -> Any:
    return np.exp(x - x.max()) / np.sum(np.exp(x - x.max()))


FUNCTIONS: dict[str, tuple[Any, Any]] = {
    "sum of squares": (lambda x: np.sum(x * x), lambda x: 2 * x),
    "sum of rectifiers": (lambda x: np.sum(relu(x)), lambda x: 1 * (x > 0)),
    "logsumexp": (logsumexp, softmax),
    "rectifiers": (relu, lambda x, c: c * (x > 0)),
}


def point(count: int = MANY) -> Any:
    x = np.random.default_rng(0).normal(size=count).astype(np.float32)
    x[WRONG] = 0.5
    return x


@pytest.mark.parametrize("name", FUNCTIONS)
def test_many_inputs_in_float32_are_right_and_one_wrong_entry_is_found(name: str) -> None:
    function, gradient = FUNCTIONS[name]

    def times(factor: float) -> Any:
        @functools.wraps(gradient)
        def answer(*given: Any) -> Any:
            found = np.array(gradient(*given), given[0].dtype)
            found[WRONG] *= factor
            return found

        return answer

    found = check_gradient(function, times(1.0), point())
    assert found.evaluations <= 31
    assert "asked in float64" in str(found)
    with pytest.raises(GradientError, match=rf"the derivative for x\[{WRONG}\] is ") as caught:
        check_gradient(function, times(1.5), point())
    assert "and more" not in str(caught.value)


def test_gradient_that_is_wrong_in_float32_alone_is_not_right() -> None:
    def gradient(x: Any) -> Any:
        return x if x.dtype == np.float32 else 2 * x

    with pytest.raises(GradientError):
        check_gradient(lambda x: np.sum(x * x), gradient, point())


def test_function_of_another_value_in_float64_is_not_asked_there() -> None:
    """Its gradient has no such branch: in float64 it would be wrong."""

    def function(x: Any) -> Any:
        return np.sum(x * x) * (1.0 if x.dtype == np.float32 else 1.5)

    assert "asked in float64" not in str(check_gradient(function, lambda x: 2 * x, point()))


def test_error_with_the_digits_of_float32_is_none_there() -> None:
    """In float64 its differences show it; in float32 they show nothing."""

    def function(x: Any) -> Any:
        return x.dtype.type(1e6 + sum(map(math.sin, x.tolist())))

    def off_by(error: float) -> Any:
        def gradient(x: Any) -> Any:
            found = np.array(list(map(math.cos, x.tolist())))
            found[3] *= 1 + error
            return found.astype(x.dtype)

        return gradient

    few = point(1000)[:5]
    for error in (3e-8, 1e-6, 1e-5):
        with suppress(UndecidedError):
            check_gradient(function, off_by(error), few)
    assert "asked in float64" in str(check_gradient(function, off_by(0.0), few))
    with pytest.raises(GradientError, match="asked in float64"):
        check_gradient(function, off_by(0.001), few)


def test_few_inputs_that_differences_leave_open_in_float32_are_judged() -> None:
    """Next to where a Huber loss switches, its formulas are alike, and its values in float32 coarse."""
    x = np.random.default_rng(7).normal(size=(4, 5)).astype(np.float32)
    x[0, 0] = 0.97

    def huber(x: Any) -> Any:
        size = np.abs(x)
        return np.sum(np.where(size < 1, x * x / 2, size - x.dtype.type(0.5)))

    def slopes(x: Any) -> Any:
        return np.clip(x, -1, 1)

    def off(x: Any) -> Any:
        found = slopes(x)
        found[3, 2] += x.dtype.type(2e-3)
        return found

    assert check_gradient(huber, slopes, x)
    with pytest.raises(GradientError) as caught:
        check_gradient(huber, off, x)
    assert not isinstance(caught.value, UndecidedError)
