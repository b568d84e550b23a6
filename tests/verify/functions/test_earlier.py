"""Gradients that keep something from an earlier call, which are right at the first point they are asked."""

from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, check_gradient

pytestmark = pytest.mark.once

POINT = np.array([0.3, 1.2, -0.7])


def function(x: Any) -> Any:
    return np.sum(np.sin(x) * x)


def derivative(x: Any) -> Any:
    return np.cos(x) * x + np.sin(x)


class Keeping:
    """A gradient at the first point that it was ever given."""

    def __init__(self) -> None:
        self.kept: Any = None

    def __call__(self, x: Any) -> Any:
        if self.kept is None:
            self.kept = x.copy()
        return derivative(self.kept)


def test_a_gradient_that_keeps_its_first_input_is_wrong() -> None:
    with pytest.raises(GradientError, match="right: something is kept from an earlier call"):
        check_gradient(function, Keeping(), POINT)


def test_one_that_was_asked_at_the_very_point_before_is_said_to_be_of_that_point() -> None:
    gradient = Keeping()
    gradient(POINT)
    assert "contract: right: the same twice" in (said := str(check_gradient(function, gradient, POINT)))
    assert "the gradient is the same, to the bit, and wrong: it was computed for this point" in said


def test_a_gradient_that_was_computed_beforehand_is_right() -> None:
    known = derivative(POINT)
    found = check_gradient(function, lambda _: known.copy(), POINT)
    assert found
    assert "computed for this point" in str(found)


def test_a_part_that_is_kept_is_seen() -> None:
    kept: list[Any] = []

    def gradient(x: Any, y: Any) -> tuple[Any, Any]:
        kept.append(x)
        return np.cos(kept[0]) * y, np.sin(x)

    with pytest.raises(GradientError):
        check_gradient(lambda x, y: np.sum(np.sin(x) * y), gradient, (POINT, POINT + 1))


def test_a_forward_that_keeps_its_first_input_for_its_backward_is_wrong() -> None:
    class Layer:
        kept: Any = None

        def forward(self, x: Any) -> Any:
            self.kept = x if self.kept is None else self.kept
            return function(x)

        def backward(self, cotangent: Any) -> Any:
            return cotangent * derivative(self.kept)

    with pytest.raises(GradientError):
        check_gradient(Layer(), POINT)


@pytest.mark.parametrize("x", [POINT, {"x": POINT}, (POINT,)])
def test_a_gradient_that_is_the_same_everywhere_is_right(x: Any) -> None:
    weights = np.array([1.0, 2.0, 3.0])
    assert check_gradient(lambda x: np.sum(weights * x), lambda x: weights.copy(), x)


def test_one_that_is_the_same_everywhere_and_wrong_is_not_said_to_keep_anything() -> None:
    with pytest.raises(GradientError) as told:
        check_gradient(lambda x: np.sum(2 * x), np.ones_like, POINT)
    assert "earlier call" not in str(told.value)


def test_a_function_that_has_no_value_elsewhere_is_right() -> None:
    def only_here(x: Any) -> Any:
        assert np.abs(x - POINT).max() < 0.01
        return function(x)

    assert check_gradient(only_here, derivative, POINT)
