"""A norm has a kink along each entry and none along the point itself, where its gradient is known exactly."""

from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, check_gradient

TURN = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]


def signs(x: Any) -> Any:
    return np.where(np.abs(x) < 1e-12, 0.0, np.sign(x))


def nuclear(a: Any) -> Any:
    left, _, right = np.linalg.svd(a)
    return left[:, :1] @ right[:1]


CASES: dict[str, tuple[Any, Any, Any]] = {
    "sum of sizes": (
        lambda x: np.sum(np.abs(TURN @ x)),
        lambda x: TURN.T @ signs(TURN @ x),
        TURN.T @ [0.0, 1.0, -2.0],
    ),
    "its negative": (
        lambda x: -np.sum(np.abs(TURN @ x)),
        lambda x: -TURN.T @ signs(TURN @ x),
        TURN.T @ [0.0, 1.0, -2.0],
    ),
    "nuclear norm": (
        lambda a: np.linalg.norm(a, "nuc"),
        nuclear,
        np.outer([1.0, 2.0, 3.0], [1.0, -1.0, 2.0]),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_factor_is_no_choice_at_a_kink(name: str) -> None:
    function, gradient, point = CASES[name]
    check_gradient(function, gradient, point)
    for factor in (1.0001, 1.001, 0.99):
        with pytest.raises(GradientError):  # or UndecidedError, which is one
            check_gradient(function, lambda x, factor=factor: factor * gradient(x), point)


@pytest.mark.parametrize("shares", [(1.0, 0.0), (0.0, 1.0), (0.5, 1.0)])
def test_shares_of_kinks_that_do_not_stay_along_the_point_are_choices(shares: tuple[float, float]) -> None:
    point = np.array([1.0, 1.0, 0.3])
    check_gradient(
        lambda x: np.maximum(x[0] - 1, 0) + np.maximum(x[1] - 1, 0) + x[2] ** 2,
        lambda x: np.array([*shares, 2 * x[2]]),
        point,
    )
    check_gradient(
        lambda x: np.maximum(x[0] - 1, 0) - np.maximum(x[1] - 1, 0) + x[2] ** 2,
        lambda x: np.array([shares[0], -shares[1], 2 * x[2]]),
        point,
    )
