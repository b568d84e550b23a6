"""Parameters of unlike units: what is wrong for one is small beside what is right for another."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from in_frameworks import FRAMEWORKS, Rule, check_in_jax, check_in_numpy, check_in_torch

from nn_from_scratch.verify import GradientError, UndecidedError, check_gradient

pytestmark = [pytest.mark.once, pytest.mark.filterwarnings("ignore::RuntimeWarning")]

FREQUENCIES = np.linspace(4.99e14, 5.01e14, 40)
SPECTRUM = 1 / (1 + ((FREQUENCIES - 5e14) / 2e11) ** 2)
LINE = np.array([0.9, 5.0005e14, 2.5e11, 0.01])
"""Amplitude, centre and width in hertz, and background of a spectral line."""


def line(np: Any, array: Callable[[Any], Any], factors: list[float]) -> Rule:
    """Return the squares that a line is fitted by, with their gradient times a factor for each parameter."""
    at, data = array(FREQUENCIES), array(SPECTRUM)

    def squares(p: Any) -> Any:
        return np.sum((p[0] / (1 + ((at - p[1]) / p[2]) ** 2) + p[3] - data) ** 2)

    def gradient(p: Any, c: Any) -> Any:
        z = (at - p[1]) / p[2]
        width = 1 + z * z
        r = 2 * (p[0] / width + p[3] - data)
        k = 2 * r * p[0] * z / (width**2 * p[2])
        parts = [np.sum(r / width), np.sum(k), np.sum(k * z), np.sum(r)]
        return (np.stack([c * factor * part for factor, part in zip(factors, parts, strict=True)]),)

    return squares, gradient, (array(LINE),)


WRONG = {
    "sign of the width": [1.0, 1.0, -1.0, 1.0],
    "half of the centre": [1.0, 0.5, 1.0, 1.0],
    "no background": [1.0, 1.0, 1.0, 0.0],
    "sign of the amplitude": [-1.0, 1.0, 1.0, 1.0],
}


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_one_of_parameters_of_unlike_units_is_seen(framework: str) -> None:
    def check(factors: list[float]) -> None:
        if framework == "numpy":
            check_in_numpy(line(np, np.array, factors))
        elif framework == "torch":
            torch = pytest.importorskip("torch")
            check_in_torch(line(torch, torch.tensor, factors))
        else:
            jax = pytest.importorskip("jax")
            with jax.enable_x64(True):
                check_in_jax(line(jax.numpy, jax.numpy.array, factors))

    check([1.0, 1.0, 1.0, 1.0])
    for factors in WRONG.values():
        with pytest.raises(GradientError):
            check(factors)


TIMES = np.linspace(0, 1e-6, 30, dtype=np.float32)
DECAY = 2 * np.exp(-TIMES / np.float32(3e-7))


def decay(p: Any) -> Any:
    return np.sum((p[0] * np.exp(-TIMES / p[1]) - DECAY) ** 2)


def through_decay(p: Any, factor: float = 1.0) -> Any:
    e = np.exp(-TIMES / p[1])
    r = p[0] * e - DECAY
    parts = [factor * np.sum(2 * r * e), np.sum(2 * r * p[0] * e * TIMES / p[1] ** 2)]
    return np.array(parts, np.float32)


def test_one_of_parameters_of_unlike_units_is_seen_in_float32() -> None:
    p = np.array([1.5, 2e-7], np.float32)
    assert check_gradient(decay, through_decay, p)
    for factor in (-1.0, 0.0, 0.5, 10.0):
        with pytest.raises(GradientError):
            check_gradient(decay, lambda p, factor=factor: through_decay(p, factor), p)


def test_an_even_grid_of_data_excuses_no_wrong_parameter() -> None:
    t = np.linspace(0, 0.01, 30)
    data = 2 * np.exp(-t / 0.003) + 0.2

    def squares(p: Any) -> Any:
        return np.sum((p[0] * np.exp(-t / p[1]) + p[2] - data) ** 2)

    def gradient(p: Any, factor: float = 1.0) -> Any:
        e = np.exp(-t / p[1])
        r = p[0] * e + p[2] - data
        return np.array([factor * np.sum(2 * r * e), np.sum(2 * r * p[0] * e * t / p[1] ** 2), np.sum(2 * r)])

    p = np.array([2.0, 0.002, 0.1])
    assert check_gradient(squares, gradient, p)
    with pytest.raises(GradientError, match="the derivative for x"):
        check_gradient(squares, lambda p: gradient(p, -1.0), p)


def test_a_recursion_over_data_excuses_no_wrong_parameter() -> None:
    """The likelihood of a GARCH(1, 1) model, and its derivative by the recursion of the variance's."""
    returns = np.random.default_rng(0).normal(size=60) * 0.01

    def likelihood(p: Any) -> Any:
        omega, alpha, beta = p
        variance, total = omega / (1 - 0.95), 0.0
        for r in returns:
            total = total + 0.5 * (np.log(variance) + r * r / variance)
            variance = omega + alpha * r * r + beta * variance
        return total

    def gradient(p: Any, factor: float = 1.0) -> Any:
        omega, alpha, beta = p
        variance, slopes, total = omega / (1 - 0.95), np.array([1 / (1 - 0.95), 0.0, 0.0]), np.zeros(3)
        for r in returns:
            total = total + 0.5 * (1 / variance - r * r / variance**2) * slopes
            slopes = np.array([1.0, factor * r * r, variance]) + beta * slopes
            variance = omega + alpha * r * r + beta * variance
        return total

    p = np.array([5e-6, 0.1, 0.85])
    assert check_gradient(likelihood, gradient, p)
    with pytest.raises(GradientError, match=r"the derivative for x\[1\]"):
        check_gradient(likelihood, lambda p: gradient(p, 2.0), p)


def test_a_formula_that_differs_is_not_right_by_values_that_do_not_tell() -> None:
    """A feature that is constant makes the gradient, and its noise, far larger for all other numbers."""

    def forward(x: Any, gamma: Any, beta: Any) -> Any:
        return gamma * (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5) + beta

    def backward(x: Any, gamma: Any, _beta: Any, d: Any, factor: float = 1.0) -> Any:
        s = np.sqrt(x.var(0) + 1e-5)
        h, dh = (x - x.mean(0)) / s, d * gamma
        return (dh - dh.mean(0) - factor * h * (dh * h).mean(0)) / s, (d * h).sum(0), d.sum(0)

    x = np.array([[1.0, 2, 0], [1, 3, 0], [1, -2, 0], [1, 5, 0]], np.float32)
    inputs = x, np.ones(3, np.float32), np.zeros(3, np.float32)
    for seed in range(6):
        assert check_gradient(forward, backward, inputs, seed=seed)
        with pytest.raises((GradientError, UndecidedError)):
            check_gradient(forward, lambda x, g, b, d: backward(x, g, b, d, 0.0), inputs, seed=seed)


def opaque(x: Any) -> Any:
    """Return the same numbers, by what is not traced."""
    return np.asarray(np.ascontiguousarray(x).data.tolist(), x.dtype)


def bumps(scales: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Return a sum of smooth functions of numbers in units of their own, and its gradient."""

    def function(x: Any) -> Any:
        u = opaque(x) / scales
        return np.sum(np.tanh(u) + u * u / 4) * np.cos(u[0] / 4)

    def gradient(x: Any) -> Any:
        u = opaque(x) / scales
        slopes = (1 - np.tanh(u) ** 2 + u / 2) * np.cos(u[0] / 4)
        slopes[0] -= np.sum(np.tanh(u) + u * u / 4) * np.sin(u[0] / 4) / 4
        return (slopes / scales).astype(x.dtype)

    return function, gradient


def negated(gradient: Callable[[Any], Any], place: int, x: Any) -> Any:
    slopes = gradient(x)
    slopes[place] *= -1
    return slopes


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("count", [3, 6, 24])
def test_values_of_unlike_units_accuse_nobody_and_hide_nothing(count: int, dtype: Any) -> None:
    """Steps that suit one number are a million times another."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        scales = (10.0 ** rng.uniform(-3, 3, count)).astype(dtype)
        x = (scales * rng.uniform(0.4, 1.4, count)).astype(dtype)
        function, gradient = bumps(scales)
        found = check_gradient(function, gradient, x, seed=seed)
        assert "numbers compared only" in str(found)
        for k in rng.choice(count, 2, replace=False).tolist():
            with pytest.raises((GradientError, UndecidedError)):
                check_gradient(function, partial(negated, gradient, k), x, seed=seed)
