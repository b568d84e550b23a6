"""What numpy copies, in which order, and what else a call gives, is traced as it is."""

from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import Verdict, check_gradient

POINT = np.random.default_rng(3).normal(size=(3, 4))
TARGET = np.array([1.0, 2.0, 3.0])
STEPPED = np.array([1.73, 2.66, -1.72])


def second_doubled(y: Any) -> Any:
    """Write into the second number in memory of an array that has columns first."""
    flat = y.T.reshape(-1)
    flat[1] *= 2.0
    return np.sum(y**2)


def doubled(x: Any) -> Any:
    found = 2 * x
    found.reshape(-1)[1] *= 4.0
    return found


def zeros_like(x: Any) -> Any:
    y = np.zeros_like(x.T)
    y += x.T
    return second_doubled(y)


def contiguous(x: Any) -> Any:
    y = np.ascontiguousarray(x.T)
    y *= 2.0
    return np.sum(y * x.T)


def slope_of_squares(a: Any) -> Any:
    x = np.linalg.lstsq(a.T, np.append(TARGET, 1.0))[0]
    return -2 * np.outer(np.append(TARGET, 1.0) - a.T @ x, x).T


CASES: dict[str, tuple[Any, Any, Any]] = {
    "copy": (lambda x: second_doubled(np.copy(x.T)), doubled, POINT),
    "array": (lambda x: second_doubled(np.array(x.T, order="F")), doubled, POINT),
    "zeros_like": (zeros_like, doubled, POINT),
    "ascontiguousarray": (contiguous, lambda x: 4 * x, POINT),
    "ndmin": (lambda x: np.sum(np.array(x, ndmin=3)[0] ** 2), lambda x: 2 * x, POINT),
    "squares of lstsq": (
        lambda a: np.linalg.lstsq(a.T, np.append(TARGET, 1.0))[1][0],
        slope_of_squares,
        POINT,
    ),
    "singular values of lstsq": (
        lambda a: np.sum(np.linalg.lstsq(a, np.ones(len(a)))[3] ** 2),
        lambda a: 2 * a,
        POINT,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_right_gradient_is_proved(name: str) -> None:
    function, gradient, point = CASES[name]
    rules = check_gradient(function, gradient, point).rows[0]
    assert (rules.name, rules.verdict) == ("rules", Verdict.RIGHT)


@pytest.mark.parametrize("step", [np.fix, lambda x: np.round(x, decimals=1), lambda x: x.round(1)])
@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated")
def test_steps_are_those_that_are_asked_for(step: Any) -> None:
    rules = check_gradient(lambda x: np.sum(x * step(x)), step, STEPPED).rows[0]
    assert (rules.name, rules.verdict) == ("rules", Verdict.RIGHT)
