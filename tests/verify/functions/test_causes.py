"""The likely cause of a wrong gradient is named where its numbers show it."""

from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, check_gradient
from nn_from_scratch.verify.functions.black_box import BlackBox
from nn_from_scratch.verify.functions.causes import likely_cause

pytestmark = pytest.mark.once

RNG = np.random.default_rng(3)
X = RNG.normal(size=(3, 3))
W = RNG.normal(size=(3, 3))


def loss(x: Any) -> Any:
    return np.sum(np.sin(x) * W)


def right(x: Any) -> Any:
    return np.cos(x) * W


@pytest.mark.parametrize(
    ("gradient", "cause"),
    [
        (lambda x: 2 * right(x), "a constant factor: it is 2 times the derivative"),
        (
            lambda x: right(x) / 9,
            r"a constant factor: it is 1/9 times the derivative \(as many as it has entries",
        ),
        (lambda x: -right(x), "the sign is wrong"),
        (lambda x: 0 * x, "it is 0 throughout, as if it were not computed"),
        (lambda x: right(x).T.copy(), "it is transposed"),
        (lambda x: right(x) - 0.5 * x, r"a term is missing that equals 1/2 \* x"),
        (lambda x: right(x) - 3, r"a term is missing that equals 3 \* 1"),
        (
            lambda x: np.roll(right(x), 1, axis=0),
            "its entries add up to the right sum, but lie in the wrong places",
        ),
        (lambda x: right(x) * np.nan, "it is not finite where the function is"),
    ],
)
def test_likely_cause_is_named(gradient: Any, cause: str) -> None:
    with pytest.raises(GradientError, match=f"likely cause: {cause}"):
        check_gradient(loss, gradient, X)


def test_cause_is_of_the_input_that_is_wrong() -> None:
    x = RNG.normal(size=(4, 3))

    def both(x: Any, b: Any) -> Any:
        d = np.cos(x + b)
        return d, d.sum(axis=0) / 4

    with pytest.raises(GradientError, match=r"likely cause: for x1, a constant factor: it is 1/4 times"):
        check_gradient(lambda x, b: np.sum(np.sin(x + b)), both, (x, RNG.normal(size=3)))


def test_transposed_gradient_of_an_input_that_is_not_square_is_named() -> None:
    w = RNG.normal(size=(3, 2))
    with pytest.raises(GradientError, match="likely cause: it is transposed, and reshaped to fit"):
        check_gradient(
            lambda x: np.sum(np.sin(x) * w),
            lambda x: (np.cos(x) * w).T.reshape(3, 2),
            RNG.normal(size=(3, 2)),
        )


def test_gradient_for_what_the_function_ignores_should_be_zero() -> None:
    with pytest.raises(GradientError, match="likely cause: for x1, it should be 0"):
        check_gradient(lambda x, y: np.sum(np.sin(x)), lambda x, y: (np.cos(x), np.ones_like(y)), (X, X + 1))


def test_entries_with_the_digits_of_float32_are_named() -> None:
    def some(x: Any) -> Any:
        g = np.cos(x)
        g[[2, 9]] = g[[2, 9]].astype(np.float32)
        return g

    with pytest.raises(GradientError, match="likely cause: digits of float32"):
        check_gradient(lambda x: np.sum(np.sin(x)), some, np.linspace(0.1, 1, 12))


def causes(function: Any, gradient: Any, x: Any) -> str:
    """Return the likely cause that values show of a gradient that is wrong."""
    box = BlackBox(function, gradient, x, seed=0)
    return likely_cause(box, {}, complete=False)


def test_no_factor_is_named_where_kinks_let_any_be_right() -> None:
    x = np.zeros((6, 4))
    x[0] = [0.3, -1.2, 0.8, -0.4]
    # Where entries of a row are tied, each is taken for the largest.
    said = causes(lambda x: x.max(axis=1).sum(), lambda x: 1.0 * (x == x.max(axis=1)[:, None]), x)
    assert not said


def test_entries_whose_sum_is_0_by_symmetry_are_not_said_to_lie_in_the_wrong_places() -> None:
    x = np.array([-2.0, -1.0, 1.0, 2.0])
    said = causes(lambda x: np.cosh(x).sum(), lambda x: np.sinh(x) + x**3 - np.tanh(3 * x), x)
    assert "wrong places" not in said


def test_no_cause_is_named_where_the_numbers_show_none() -> None:
    def one(x: Any) -> Any:
        g = right(x)
        g[1, 2] += 0.3
        return g

    with pytest.raises(GradientError) as raised:
        check_gradient(loss, one, X)
    assert "likely cause" not in str(raised.value)
    assert str(raised.value).startswith("the derivative for x[1, 2] is ")
    assert "likely cause" not in str(raised.value)
    _, cause, _ = str(raised.value).splitlines()
    assert cause.startswith("with its first operand alone in place of add it is right (test_causes.py:")
    assert "g[1, 2] += 0.3" in cause
