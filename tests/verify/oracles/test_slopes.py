"""The noise of a function is estimated, and the derivative along a line is within its error."""

from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify.oracles.line import Line
from nn_from_scratch.verify.oracles.noise import difference_noise, shown_unit
from nn_from_scratch.verify.oracles.slopes import measure


@pytest.mark.parametrize("size", [1e-12, 1e-8, 1e-3])
def test_noise_of_a_smooth_function_is_estimated_within_a_factor(size: float) -> None:
    rng = np.random.default_rng(0)
    ratios = []
    for _ in range(50):
        t = np.arange(-4, 5) * 1e-4 * size**0.25
        found = difference_noise(np.sin(1 + t) + size * rng.normal(size=9))
        if found is not None:
            ratios.append(found / size)
    assert len(ratios) > 40
    assert 0.2 < min(ratios) < max(ratios) < 4


def test_values_that_change_too_much_show_no_noise() -> None:
    assert difference_noise(np.exp(np.arange(9.0))) is None


def test_unit_is_that_of_the_shortest_type_that_holds_all_values() -> None:
    values = np.random.default_rng(0).normal(size=20)
    assert shown_unit(values, np.dtype(np.float64)) == 2.0**-53
    assert shown_unit(values.astype(np.float32).astype(float), np.dtype(np.float64)) == 2.0**-24
    assert shown_unit(values.astype(np.float16).astype(float), np.dtype(np.float64)) == 2.0**-11
    bits = np.float32(values).view(np.uint32) >> 16 << 16  # cut as bfloat16 cuts
    assert shown_unit(bits.view(np.float32).astype(float), np.dtype(np.float64)) == 2.0**-11
    for written in ([1.0, 1.5, 2.0, 4.0, 5.0], [3.8125, 0.9375, 1.1875, 3.4375, 1.6875]):
        assert shown_unit(np.array(written), np.dtype(np.float64)) == 2.0**-53


def along(function: Any, x: float, *, thorough: bool = True) -> Any:
    def value(point: Any) -> float:
        return float(function(point[0]))

    line = Line(value, np.array([x]), np.array([1.0]), float(function(x)), np.dtype(np.float64))
    return measure(line, range(50), thorough=thorough)


@pytest.mark.parametrize("x", np.linspace(-2, 2, 17))
@pytest.mark.parametrize(
    ("function", "derivative"),
    [
        (np.exp, np.exp),
        (lambda x: np.sin(30 * x), lambda x: 30 * np.cos(30 * x)),
        (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
        (lambda x: x**5, lambda x: 5 * x**4),
        (lambda x: 1 / (1 + 100 * x * x), lambda x: -200 * x / (1 + 100 * x * x) ** 2),
    ],
)
def test_derivative_is_within_the_error_and_the_error_small(function: Any, derivative: Any, x: float) -> None:
    found = along(function, x).fine
    assert abs(found.value - derivative(x)) <= found.error < 1e-7


def test_kink_is_half_of_what_the_sides_differ_by() -> None:
    found = along(lambda x: np.maximum(x, 0) + np.sin(x), 0.0)
    assert found.fine.value == pytest.approx(1.5, abs=1e-9)
    assert found.kink.value == pytest.approx(0.5, abs=1e-9)
    assert along(np.sin, 0.3).kink.value == 0.0
    assert along(lambda x: np.maximum(x - 1e-3, 0), 0.0).kink.value == 0.0


def test_oscillation_is_seen_at_short_steps_and_as_noise_at_long_ones() -> None:
    found = along(lambda x: x + 1e-6 * np.sin(1e7 * x), 0.0)
    assert found.fine.value == pytest.approx(11, rel=1e-6)
    assert found.coarse.value == pytest.approx(1, abs=1e-4)
    assert 1e-7 < found.rough < 1e-5


def test_edge_of_a_domain_is_told() -> None:
    found = along(lambda x: np.sqrt(x) if x >= 0 else np.nan, 0.0)
    assert found.edge
    assert found.best is None
