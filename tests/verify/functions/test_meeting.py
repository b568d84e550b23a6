"""Kinks that meet: what one choice at each gives is accused of nothing, and a single kink hides nothing."""

from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, UndecidedError, check_gradient
from nn_from_scratch.verify.functions.values import check_values

pytestmark = pytest.mark.once


@pytest.mark.parametrize("seed", range(6))
def test_choice_at_each_of_several_kinks_is_not_accused(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights, last = rng.normal(size=(4, 3)), rng.normal(size=4)

    def gradient(x: Any) -> Any:
        return weights.T @ (last * (weights @ x > 0))

    with suppress(UndecidedError):
        check_gradient(lambda x: last @ np.maximum(weights @ x, 0), gradient, np.zeros(3), seed=seed)


def test_kinks_that_meet_are_told_and_one_alone_excuses_nothing() -> None:
    def gradient(slope: float) -> Any:
        return lambda x: np.full_like(x, slope)

    def meeting(x: Any) -> Any:
        return np.maximum(x.sum(), 0) - 2 * np.maximum(-x[0] - 3 * x[1], 0)

    zero = np.zeros(2)
    with pytest.raises(UndecidedError, match="several kinks meet here"):
        check_gradient(meeting, gradient(0.5), zero)
    with pytest.raises(GradientError, match="there is a kink here"):
        check_gradient(lambda x: np.maximum(x.sum(), 0), gradient(2.0), zero)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("of_zero", [0.0, 1.0])
def test_one_choice_at_all_kinks_is_right_where_they_meet(dtype: type, of_zero: float) -> None:
    """A sequence that is padded with zeros, before a ReLU."""
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
    x[2] = 0

    def backward(x: Any, w: Any, cotangent: Any) -> Any:
        masked = cotangent * np.heaviside(x @ w, of_zero).astype(x.dtype)
        return masked @ w.T, x.T @ masked

    def layer(x: Any, w: Any) -> Any:
        return np.maximum(x @ w, 0)

    assert check_gradient(layer, backward, (x.astype(dtype), weights.astype(dtype)))
    with pytest.raises(GradientError):
        check_gradient(layer, lambda x, w, c: (c @ w.T, x.T @ c), (x.astype(dtype), weights.astype(dtype)))


STEEP, MIXED = np.array([[-3.0, -4.0, -5.0], [-0.38, 0.09, 0.06]]), np.array([1.0, -2.0, 0.5])
"""Kinks that one of two inputs hardly moves, so that they lie far apart as the other is moved."""


@pytest.mark.parametrize("x", [[[0.0, 0.0]], [[1.0, 0.2], [0.0, 0.0]], [[-1.0, 0.2], [0.0, 0.0]]])
def test_no_slope_at_any_kink_of_a_dead_row_is_right(x: Any) -> None:
    def gradient(x: Any) -> Any:
        return ((x @ STEEP > 0) * MIXED) @ STEEP.T

    assert check_gradient(lambda x: np.sum(np.maximum(x @ STEEP, 0) * MIXED), gradient, np.array(x))


def test_kinks_that_lie_far_apart_meet() -> None:
    with pytest.raises(UndecidedError, match="several kinks meet here"):
        check_values(lambda x: np.maximum(x @ STEEP, 0) @ MIXED, np.zeros_like, np.zeros(2))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_number_that_is_compared_with_itself_is_at_no_kink(dtype: type) -> None:
    """The softmax of the two largest of a row, which is compared with one of them."""

    def largest(x: Any) -> Any:
        scores = np.where(x >= np.sort(x, axis=-1)[..., -2:-1], x, -np.inf)
        e = np.exp(scores - scores.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    def backward(x: Any, cotangent: Any, factor: float = 1.0) -> Any:
        p = largest(x)
        return factor * p * (cotangent - (p * cotangent).sum(-1, keepdims=True))

    x: Any = np.random.default_rng(0).normal(size=(3, 5)).astype(dtype)
    assert check_gradient(largest, backward, x)
    with pytest.raises(GradientError, match="formula proved to differ"):
        check_gradient(largest, lambda x, c: backward(x, c, 1.001), x)
    x[0, :] = 0.3  # others are compared
    with pytest.raises(UndecidedError):
        check_gradient(largest, lambda x, c: backward(x, c, 1.001), x)


@pytest.mark.parametrize("slope", [0.0, 1.0, 0.5])
def test_a_jump_is_right_by_no_choice(slope: float) -> None:
    """A comparison may select between values that are unlike, as a rounding does."""

    def step(x: Any) -> Any:
        return np.where(x >= 0, x + 1, np.maximum(x, -1)).sum()

    with pytest.raises(GradientError):
        check_gradient(step, lambda x: np.where(x == 0, slope, 1.0), np.array([0.0, -0.4, 0.7]))


def test_slope_of_no_choice_is_wrong_where_others_are_at_kinks_of_their_own() -> None:
    def gradient(x: Any, cotangent: Any) -> Any:
        return cotangent * np.where(x == 0, [0.0, 2.0, 0.0, 0.0], x > 0)

    with pytest.raises(GradientError, match=r"x\[1\] .* there is a kink here"):
        check_gradient(lambda x: np.maximum(x, 0), gradient, np.array([0.0, 0.0, 0.7, -1.3]))


IMAGES = {
    "flat": np.zeros((4, 5)),
    "two levels": np.repeat([0.0, 1.0], 10).reshape(4, 5),
    "three levels": np.repeat([0.0, 1.0, 2.0], 12).reshape(6, 6),
}


@pytest.mark.parametrize("name", IMAGES)
def test_term_beside_a_total_variation_is_judged_where_its_numbers_are_equal(name: str) -> None:
    """No choice at the kinks of differences changes what numbers that stay equal do together."""
    image = IMAGES[name]
    seen = np.random.default_rng(0).random(image.shape) * 4

    def denoising(u: Any) -> Any:
        variation = np.abs(np.diff(u, axis=0)).sum() + np.abs(np.diff(u, axis=1)).sum()
        return 0.5 * np.sum((u - seen) ** 2) + variation

    def gradient(data: Any, variation: float = 1.0) -> Any:
        def of_both(u: Any) -> Any:
            rows, columns = np.sign(np.diff(u, axis=0)), np.sign(np.diff(u, axis=1))
            found = np.zeros_like(u)
            found[1:] += rows
            found[:-1] -= rows
            found[:, 1:] += columns
            found[:, :-1] -= columns
            return data(u) * (u - seen) + variation * found

        return of_both

    assert check_gradient(denoising, gradient(lambda u: 1.0), image)
    for factor in (2.0, -1.0, 0.0, 1.01):
        with pytest.raises(GradientError) as caught:
            check_gradient(denoising, gradient(lambda u, factor=factor: factor), image)
        assert not isinstance(caught.value, UndecidedError)
    with pytest.raises(GradientError, match="equal numbers stay equal"):
        check_gradient(denoising, gradient(lambda u: np.where(u == 0, 1.3, 1.0)), image)
    if name != "flat":
        with pytest.raises(GradientError, match="equal numbers stay equal"):
            check_gradient(denoising, gradient(lambda u: 1.0, 0.5), image)


def test_kinks_that_cancel_along_an_entry_are_a_choice_all_the_same() -> None:
    """Beside the point they lie apart: of the largest number, and of a step up from the one before."""

    def rising(x: Any) -> Any:
        return np.max(x) - np.maximum(np.diff(x), 0).sum() + np.sum(np.sin(x))

    def gradient(x: Any) -> Any:
        up = 1.0 * (np.diff(x) > 0)
        found = np.cos(x)
        found[np.argmax(x)] += 1
        found[1:] -= up
        found[:-1] += up
        return found

    for seed in range(3):
        with suppress(UndecidedError):
            check_gradient(rising, gradient, np.array([0.3, 1.3, 1.3, -0.2, 1.3, 1.3, 1.3, 0.8]), seed=seed)


def test_choice_at_kinks_that_cancel_along_equal_numbers_is_not_accused() -> None:
    """Along (t, t) it is 0, and by a choice the gradient says -2: beside the point the kinks lie apart."""

    def function(x: Any) -> Any:
        return np.maximum(x[0] + x[1], 0) - np.maximum(2 * x[0], 0)

    for seed in range(3):
        with pytest.raises(UndecidedError, match="several kinks meet here"):
            check_gradient(function, lambda _: np.array([-2.0, 0.0]), np.zeros(2), seed=seed)


def test_choice_of_a_median_of_many_equal_numbers_is_not_accused() -> None:
    """It is smooth along each number alone, beside a norm that has kinks of its own."""

    def middle(x: Any) -> Any:
        return np.median(x) + np.abs(x).max() + np.sum(np.sin(x))

    def gradient(x: Any) -> Any:
        order, half = np.argsort(x, kind="stable"), len(x) // 2
        found = np.cos(x)
        found[order[half - 1 : half + 1]] += 0.5
        largest = np.argmax(np.abs(x))
        found[largest] += np.sign(x[largest])
        return found

    for seed in range(3):
        with suppress(UndecidedError):
            point = np.random.default_rng(seed).integers(-1, 3, 80) * 1.0
            check_gradient(middle, gradient, point, seed=seed)
