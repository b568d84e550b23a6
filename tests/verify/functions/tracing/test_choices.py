"""Where places are chosen by numbers that are equal, another choice is no error."""

from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, check_gradient

pytestmark = pytest.mark.once

KNOTS = np.array([0.0, 1.0, 2.0, 4.0])


def last_largest(x: Any) -> Any:
    return np.arange(len(x)) == len(x) - 1 - np.argmax(x[::-1])


def last_first(x: Any) -> Any:
    return np.lexsort((-np.arange(len(x)), x))


def line(x: Any, heights: Any, side: Any = "left") -> Any:
    k = np.clip(np.searchsorted(KNOTS, x, side) - 1, 0, 2)
    return heights[k] + (heights[k + 1] - heights[k]) / (KNOTS[k + 1] - KNOTS[k]) * (x - KNOTS[k])


def slopes(x: Any, heights: Any) -> Any:
    k = np.clip(np.searchsorted(KNOTS, x, "right") - 1, 0, 2)
    width = KNOTS[k + 1] - KNOTS[k]
    of_heights = np.zeros_like(heights)
    np.add.at(of_heights, k, 1 - (x - KNOTS[k]) / width)
    np.add.at(of_heights, k + 1, (x - KNOTS[k]) / width)
    return (heights[k + 1] - heights[k]) / width, of_heights


TIED, WITH_ZERO = np.array([1.0, 3.0, 3.0, 0.5]), np.array([1.0, 0.0, 3.0, 0.5])
CASES: dict[str, tuple[Any, Any, Any]] = {
    "argmax": (lambda x: x[np.argmax(x)] ** 2, lambda x: 2 * x * last_largest(x), [TIED]),
    "argmin": (lambda x: x[x.argmin()] ** 2, lambda x: 2 * x * last_largest(-x), [-TIED]),
    "argmax of rows": (
        lambda x: np.sum(np.take_along_axis(x, np.argmax(x, axis=1, keepdims=True), 1) ** 2),
        lambda x: 2 * x * np.stack([last_largest(row) for row in x]),
        [np.stack([TIED, WITH_ZERO])],
    ),
    "argsort": (
        lambda x: np.sum((x[np.argsort(x)] * [1.0, 2.0, 3.0, 4.0]) ** 2),
        lambda x: 2 * x * np.array([1.0, 4.0, 9.0, 16.0])[np.argsort(last_first(x))],
        [TIED],
    ),
    "partition": (
        lambda x: np.sum(np.partition(x, -1)[-1:] ** 2),
        lambda x: np.array([0.0, 2 * x[1], 0.0, 0.0]),
        [TIED],
    ),
    "partition, the other": (
        lambda x: np.sum(np.partition(x, -1)[-1:] ** 2),
        lambda x: np.array([0.0, 0.0, 2 * x[2], 0.0]),
        [TIED],
    ),
    "copysign": (lambda x: np.sum(np.copysign(x, 1.0)), np.sign, [WITH_ZERO]),
    "signbit": (
        lambda x: np.sum(np.where(np.signbit(x), 0.0, x)),
        lambda x: (x > 0) * 1.0,
        [WITH_ZERO],
    ),
    "logical_not": (lambda x: np.sum(np.where(np.logical_not(x), 0.0, x)), np.ones_like, [WITH_ZERO]),
    "astype": (lambda x: np.sum(x[x.astype(bool)]), np.ones_like, [WITH_ZERO]),
    "where": (lambda x: np.sum(np.where(x, x, 0.0)), np.ones_like, [WITH_ZERO]),
    "compress": (lambda x: np.sum(np.compress(x, x)), np.ones_like, [WITH_ZERO]),
    "isin": (lambda x: np.sum(x[~np.isin(x, [0.0])]), np.ones_like, [WITH_ZERO]),
    "nonzero": (lambda x: np.sum(x[np.nonzero(x)]), np.ones_like, [WITH_ZERO]),
    "flatnonzero": (
        lambda x: np.sum(x[np.flatnonzero(x)]) ** 2,
        lambda x: 2 * np.sum(x) * np.ones_like(x),
        [WITH_ZERO],
    ),
    "searchsorted": (
        lambda x, heights: np.sum(line(x, heights)),
        slopes,
        [np.array([0.5, 1.0, 3.0]), np.array([0.0, 1.0, 4.0, 2.0])],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_other_choice_of_equal_numbers_is_not_accused(name: str) -> None:
    function, gradient, inputs = CASES[name]
    check_gradient(function, gradient, inputs)

    def wrong(*inputs: Any) -> Any:
        found = gradient(*inputs)
        return tuple(1.1 * part for part in found) if isinstance(found, tuple) else 1.1 * found

    with pytest.raises(GradientError):  # or UndecidedError, which is one
        check_gradient(function, wrong, inputs)


def test_what_is_left_out_at_zero_has_a_derivative_nevertheless() -> None:
    with pytest.raises(GradientError, match=r"expected (0\.99|1)"):
        check_gradient(lambda x: np.sum(x[np.nonzero(x)]), lambda x: (x != 0) * 1.0, WITH_ZERO)


def test_formula_at_a_tie_is_still_judged_by_the_choice_that_was_made() -> None:
    x = np.maximum(np.array([1.0, -2.0, 3.0, -0.5, -0.1]), 0.0)
    check_gradient(
        lambda x: np.sum(x[np.argsort(x)[::-1][:3]] ** 2),
        lambda x: np.where(np.isin(np.arange(5), np.argsort(x)[::-1][:3]), 2 * x, 0.0),
        x,
    )


TURN = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]


@pytest.mark.parametrize(
    ("large", "dtype"),
    [(1.0, np.float64), (8 / 7, np.float64), (9 / 7, np.float32), (1e6, np.float64)],
)
@pytest.mark.parametrize("slope", [-1.0, 0.0, 1.0])
def test_rounding_that_is_left_of_what_cancels_is_at_a_kink(slope: float, large: float, dtype: Any) -> None:
    # The first entry of the product is 0 but for rounding, and by how much depends on the formula.
    turn = TURN.astype(dtype)
    x = (TURN.T @ [0.0, large, -2 * large]).astype(dtype)
    zero = 16 * np.finfo(dtype).eps * large

    def gradient(x: Any) -> Any:
        return turn.T @ np.where(np.abs(turn @ x) < zero, dtype(slope), np.sign(turn @ x))

    check_gradient(lambda x: np.sum(np.abs(turn @ x)), gradient, x)


def test_sizes_away_from_rounding_are_at_no_kink() -> None:
    x = TURN.T @ [1e-9, 1.0, -2.0]
    check_gradient(lambda x: np.sum(np.abs(TURN @ x)), lambda x: TURN.T @ np.sign(TURN @ x), x)
    with pytest.raises(GradientError, match="proved to differ"):
        check_gradient(
            lambda x: np.sum(np.abs(TURN @ x)), lambda x: TURN.T @ [1.0, 1.0, -1.0] * (1 + 1e-12), x
        )
