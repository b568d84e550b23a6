"""Jumps and bends of a function along a line are found, and a smooth one has neither."""

from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify.oracles.line import Line
from nn_from_scratch.verify.oracles.pieces import largest_bend, largest_jump


def line_of(function: Any) -> Line:
    def value(point: Any) -> float:
        return float(function(point[0]))

    return Line(value, np.array([0.3]), np.array([1.0]), float(function(0.3)), np.dtype(np.float64))


def jump(function: Any, noise: float = 1e-16, reach: float = 0.5) -> float:
    return largest_jump(line_of(function), noise, reach=reach)


def bend(function: Any, noise: float = 1e-16) -> float:
    return largest_bend(line_of(function), noise)


@pytest.mark.parametrize("function", [np.exp, lambda x: np.sin(20 * x), lambda x: 1 / (1 + 25 * x * x)])
def test_smooth_function_has_neither(function: Any) -> None:
    assert jump(function, reach=1.0) == 0.0
    assert bend(function) <= 1e-8


@pytest.mark.parametrize("size", [1e-6, 1e-3, 0.1])
@pytest.mark.parametrize("place", [-0.1, 0.37, 0.7])
def test_jump_and_bend_are_found_by_their_sizes(place: float, size: float) -> None:
    def bent(x: Any) -> Any:
        return np.sin(x) + size * max(x - place, 0.0)

    assert jump(lambda x: np.sin(x) + size * (x > place)) == pytest.approx(size, rel=1e-3)
    assert jump(bent) <= 1e-5 * size
    assert bend(bent) == pytest.approx(size, rel=0.7)


def test_jump_is_looked_for_as_far_as_is_asked() -> None:
    assert jump(lambda x: np.sin(x) + 0.01 * (x > 1.0)) == 0.0
    assert jump(lambda x: np.sin(x) + 0.01 * (x > 1.0), reach=1.0) == pytest.approx(0.01, rel=1e-3)


def poles(x: Any) -> Any:
    return 1 / (x - 0.5123)


def cusps(x: Any) -> Any:
    return np.sqrt(np.abs(x - 0.5123))


def logarithm(x: Any) -> Any:
    return np.log(x - 0.0123) if x > 0.0123 else np.nan


@pytest.mark.parametrize("function", [poles, lambda x: poles(x) ** 2, lambda x: poles(x) ** 3, np.tan])
def test_pole_is_no_jump(function: Any) -> None:
    assert jump(function, reach=1.4) == 0.0


@pytest.mark.parametrize("function", [cusps, logarithm, lambda x: logarithm(x) ** 2])
def test_cusp_and_edge_are_no_jumps(function: Any) -> None:
    assert jump(function) == 0.0


def test_rounding_of_large_values_is_no_jump() -> None:
    assert jump(lambda x: np.exp(30 * x) - 8000 * x, reach=1.0) == 0.0


def test_jump_of_the_second_derivative_is_no_bend() -> None:
    assert bend(lambda x: np.sin(x) + max(x - 0.4, 0.0) ** 2) <= 2e-5


def test_what_is_no_larger_than_the_noise_is_neither() -> None:
    rng = np.random.default_rng(0)

    def noisy(x: Any) -> Any:
        return np.sin(x) + 1e-5 * rng.normal()

    assert jump(noisy, noise=1e-5) == bend(noisy, noise=1e-5) == 0.0


def test_function_without_values_on_one_side_has_neither() -> None:
    assert bend(lambda x: np.sqrt(x) if x > 0.2 else np.nan) <= 1e-8
