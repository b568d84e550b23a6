"""Gradients that a function brings of its own, or that are meant to be another function's derivative."""

from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, Verdict, check_gradient

RNG = np.random.default_rng(0)
X, MATRIX, WEIGHTS = RNG.normal(size=5), RNG.normal(size=(3, 4)), RNG.normal(size=(4, 2))


def value_and_gradient(x: Any, factor: float = 1.0) -> Any:
    return np.sum(np.sin(x)), factor * np.cos(x)


class Keeping:
    """A layer that keeps what its backward needs in itself."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def forward(self, x: Any, weights: Any) -> Any:
        self.x, self.weights = x, weights
        self.y = np.tanh(x @ weights)
        return self.y

    def backward(self, cotangent: Any) -> Any:
        d = cotangent * (1 - self.y**2) * self.factor
        return d @ self.weights.T, self.x.T @ d


class Returning:
    """A layer that returns what its backward needs."""

    def forward(self, x: Any) -> Any:
        y = np.exp(x)
        return y, y

    def backward(self, cotangent: Any, saved: Any) -> Any:
        return cotangent * saved


def with_attribute(name: str, factor: float) -> Any:
    def cubes(x: Any) -> Any:
        return np.sum(x**3)

    def slopes(x: Any) -> Any:
        return factor * x**2

    def pulled(x: Any, cotangent: Any) -> Any:
        return factor * x**2 * cotangent

    setattr(cubes, name, pulled if name == "vjp" else slopes)
    return cubes


def test_value_and_gradient_returned_together_are_told_apart() -> None:
    assert check_gradient(value_and_gradient, inputs=X)
    assert check_gradient(value_and_gradient, X)
    with pytest.raises(GradientError, match="constant factor"):
        check_gradient(lambda x: value_and_gradient(x, 2.0), X)


def test_a_layer_brings_its_backward_and_is_left_as_it_was() -> None:
    layer = Keeping()
    assert check_gradient(layer, (MATRIX, WEIGHTS))
    assert vars(layer) == {"factor": 1.0}
    assert check_gradient(Returning(), MATRIX)
    with pytest.raises(GradientError):
        check_gradient(Keeping(0.999), (MATRIX, WEIGHTS))


@pytest.mark.parametrize("name", ["gradient", "grad", "vjp"])
def test_a_function_may_keep_its_gradient_in_an_attribute(name: str) -> None:
    assert check_gradient(with_attribute(name, 3.0), X)
    with pytest.raises(GradientError, match=r"with 3.0 in place of 3.0000001"):
        check_gradient(with_attribute(name, 3.0000001), X)


def test_a_function_that_brings_none_says_what_can_be_done() -> None:
    with pytest.raises(
        TypeError, match=r"sin brings no gradient of its own: .*jac=True.*forward and backward"
    ):
        check_gradient(np.sin, X)
    with pytest.raises(TypeError, match="inputs are missing"):
        check_gradient(np.sin, np.cos)


@pytest.mark.once
def test_a_backward_that_differs_on_purpose_is_judged_by_what_is_expected() -> None:
    assert check_gradient(np.round, lambda x, g: g, X, expected=lambda x: 1.0 * x)
    assert check_gradient(lambda x: x.copy(), lambda x, g: -0.5 * g, X, expected=lambda x: -0.5 * x)
    with pytest.raises(GradientError, match="constant factor"):
        check_gradient(lambda x: x.copy(), lambda x, g: -g, X, expected=lambda x: -0.5 * x)
    with pytest.raises(GradientError):
        check_gradient(lambda x: x.copy(), lambda x, g: -g, X)
    with pytest.raises(ValueError, match="unlike shapes"):
        check_gradient(lambda x: x.copy(), lambda x, g: -g, X, expected=lambda x: -x[:2])


def untraceable(x: Any) -> Any:
    return np.frombuffer(np.tanh(x).astype(np.float32).tobytes(), np.float32)


def untraceable_gradient(x: Any, cotangent: Any, factor: float = 1.0) -> Any:
    found = (cotangent * (1 - np.tanh(x) ** 2)).astype(np.float32) * np.float32(factor)
    return np.frombuffer(found.tobytes(), np.float32).copy()


REFERENCES: dict[str, Any] = {
    "plain": np.tanh,
    "with its gradient": (np.tanh, lambda x, g: g * (1 - np.tanh(x) ** 2)),
}


@pytest.mark.parametrize("which", REFERENCES)
def test_what_is_not_traced_is_judged_by_a_plain_version(which: str) -> None:
    point = X.astype(np.float32)
    found = check_gradient(untraceable, untraceable_gradient, point, reference=REFERENCES[which])
    assert found.verdict is Verdict.RIGHT
    assert found.rows[0].name == "reference"
    assert "of what rounding explains" in found.rows[0].said
    with pytest.raises(GradientError, match=r"the gradient of x\[\d\] is .* of what rounding explains"):
        check_gradient(
            untraceable, lambda x, g: untraceable_gradient(x, g, 1.0001), point, reference=REFERENCES[which]
        )
    with pytest.raises(GradientError, match=r"y0\[\d\] is .* of what rounding explains"):
        check_gradient(
            lambda x: untraceable(x) * np.float32(1.0001),
            untraceable_gradient,
            point,
            reference=REFERENCES[which],
        )


def test_a_reference_that_is_not_traced_decides_nothing() -> None:
    with pytest.raises(GradientError, match=r"the array's attribute \.astype|leave|not traced"):
        check_gradient(untraceable, untraceable_gradient, X.astype(np.float32), reference=untraceable)
