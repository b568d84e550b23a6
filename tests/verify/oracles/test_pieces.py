"""Jumps and bends of a function along a line are found, and a smooth one has neither."""

from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify.oracles.line import Line
from nn_from_scratch.verify.oracles.pieces import NONE, Pieces, find_pieces


def pieces(function: Any, noise: float = 1e-16) -> Pieces:
    def value(point: Any) -> float:
        return float(function(point[0]))

    line = Line(value, np.array([0.3]), np.array([1.0]), float(function(0.3)), np.dtype(np.float64))
    return find_pieces(line, noise)


@pytest.mark.parametrize("function", [np.exp, lambda x: np.sin(20 * x), lambda x: 1 / (1 + 25 * x * x)])
def test_smooth_function_has_neither(function: Any) -> None:
    assert pieces(function).jump == 0.0
    assert pieces(function).bend <= 1e-8


@pytest.mark.parametrize("size", [1e-6, 1e-3, 0.1])
@pytest.mark.parametrize("place", [-0.1, 0.37, 0.7])
def test_jump_and_bend_are_found_by_their_sizes(place: float, size: float) -> None:
    assert pieces(lambda x: np.sin(x) + size * (x > place)).jump == pytest.approx(size, rel=1e-3)
    bent = pieces(lambda x: np.sin(x) + size * max(x - place, 0.0))
    assert bent.jump <= 1e-5 * size
    assert bent.bend == pytest.approx(size, rel=0.7)


def test_jump_of_the_second_derivative_is_no_bend() -> None:
    assert pieces(lambda x: np.sin(x) + max(x - 0.4, 0.0) ** 2).bend <= 2e-5


def test_what_is_no_larger_than_the_noise_is_neither() -> None:
    rng = np.random.default_rng(0)
    assert pieces(lambda x: np.sin(x) + 1e-5 * rng.normal(), noise=1e-5) == NONE


def test_function_without_values_on_one_side_has_neither() -> None:
    assert pieces(lambda x: np.sqrt(x) if x > 0.2 else np.nan).bend <= 1e-8
