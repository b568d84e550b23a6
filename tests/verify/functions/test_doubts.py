"""An error that a solver's own digits explain is undecided; others are wrong."""

from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, UndecidedError, check_gradient
from nn_from_scratch.verify.functions.values import check_values

pytestmark = pytest.mark.once

NODES = np.linspace(0, 2, 20)
FINE = np.linspace(0, 2, 20_001)


def coarse_integral(x: Any) -> Any:
    return np.trapezoid(np.exp(-x * NODES**2), NODES)


def exact_slope(x: Any) -> Any:
    return np.trapezoid(-(FINE**2) * np.exp(-x * FINE**2), FINE)


def test_exact_derivative_of_what_is_computed_to_some_digits_is_undecided() -> None:
    with pytest.raises(UndecidedError, match="agree to 3 digits, and not to more"):
        check_gradient(coarse_integral, exact_slope, 1.0)


def test_larger_errors_and_those_of_single_entries_are_wrong() -> None:
    with pytest.raises(GradientError) as raised:
        check_gradient(coarse_integral, lambda x: 1.002 * exact_slope(x), 1.0)
    assert not isinstance(raised.value, UndecidedError)

    def one(x: Any) -> Any:
        g = np.cos(x)
        g[3] *= 1 + 1e-7
        return g

    with pytest.raises(GradientError, match=r"x\[3\]") as raised:
        check_gradient(lambda x: np.sum(np.sin(x)), one, np.linspace(0, 1, 8))
    assert not isinstance(raised.value, UndecidedError)


def integral_on_a_changing_mesh(x: Any) -> Any:
    """Return an integral for which a smaller x takes another node: smooth but for jumps far away."""
    nodes = np.linspace(0, 2, 12 + int(np.floor(6 * x)))
    return np.trapezoid(np.exp(-x * nodes**2), nodes)


@pytest.mark.parametrize("x", [0.75, 0.9])
def test_solver_whose_mesh_changes_farther_away_is_not_accused_of_its_own_error(x: float) -> None:
    step = 1e-6
    computed = (integral_on_a_changing_mesh(x + step) - integral_on_a_changing_mesh(x - step)) / (2 * step)
    assert abs(computed / exact_slope(x) - 1) > 6e-4  # more than what is doubted without a jump
    with pytest.raises(UndecidedError, match="its values are rough by"):
        check_gradient(integral_on_a_changing_mesh, exact_slope, x)
    with pytest.raises(GradientError) as raised:
        check_gradient(integral_on_a_changing_mesh, lambda x: 1.1 * exact_slope(x), x)
    assert not isinstance(raised.value, UndecidedError)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-3])
@pytest.mark.parametrize("seed", range(2))
def test_exact_gradient_of_a_differential_equation_solved_coarsely_is_not_accused(
    tolerance: float, seed: int
) -> None:
    integrate = pytest.importorskip("scipy.integrate")
    p, q = np.random.default_rng(seed).uniform(0.5, 2, 2)

    def end(x: Any) -> float:
        found = integrate.solve_ivp(
            lambda t, y: -x[0] * y + x[1] * np.sin(t), (0, 2), [1.0], rtol=tolerance, atol=tolerance * 1e-3
        )
        return float(found.y[0, -1])

    k, wave, decay = q / (1 + p * p), p * np.sin(2) - np.cos(2), np.exp(-2 * p)
    dk = -2 * p * k / (1 + p * p)
    slopes = np.array(
        [dk * (wave + decay) + k * np.sin(2) - 2 * (1 + k) * decay, (wave + decay) / (1 + p * p)]
    )
    with pytest.raises(UndecidedError):
        check_gradient(end, lambda x: slopes, np.array([p, q]), seed=seed)


def test_small_error_of_a_function_with_kinks_of_its_own_is_wrong() -> None:
    weights = np.arange(1.0, 7.0)
    x = np.array([0.3, -0.2, 0.5, 0.1, -0.4, 0.25])
    knots = x + np.array([0.05, -0.06, 0.08, 0.02, -0.1, 0.07])

    def function(x: Any) -> Any:
        return np.sum(np.sin(x) + weights * np.maximum(x - knots, 0))

    def gradient(x: Any) -> Any:
        return (np.cos(x) + weights * (x > knots)) * (1 + 2e-3)

    with pytest.raises(GradientError) as raised:
        check_gradient(function, gradient, x)
    assert not isinstance(raised.value, UndecidedError)


WEIGHTS = np.array([-0.7, 1.3, -2.1, 0.6])
RECTIFIED = np.array([0.5, -0.3, 1.2, 2.0])


def rectified(x: Any) -> Any:
    return float(np.sum(WEIGHTS * np.maximum(x, 0)))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("error", [3e-3, 1e-2])
def test_an_error_that_is_no_part_of_a_kink_is_wrong(error: float, seed: int) -> None:
    """The gradient bends as the function does: these are kinks of its own, not the pieces of a solver."""
    off = np.random.default_rng(seed).normal(size=4)
    off *= error * np.linalg.norm(WEIGHTS) / np.linalg.norm(off)
    with pytest.raises(GradientError) as raised:
        check_values(rectified, lambda x: WEIGHTS * (x > 0) + off, RECTIFIED, seed=seed)
    assert not isinstance(raised.value, UndecidedError)


@pytest.mark.parametrize("seed", range(8))
def test_a_gradient_that_does_not_know_of_a_kink_may_be_that_of_what_was_meant(seed: int) -> None:
    """Straight lines between numbers of a table that has 100 a unit, and the derivative of the function."""
    table = np.linspace(-3, 3, 601)

    def waves(x: Any) -> float:
        return float(np.sum(np.interp(x, table, np.sin(table))))

    x = np.random.default_rng(seed).uniform(-1, 1, 4)
    with pytest.raises(UndecidedError):
        check_values(waves, np.cos, x, seed=seed)


def looked_up(table: Any, x: Any) -> Any:
    """Return straight lines between the numbers of a table, which lie one apart."""
    below = np.clip(np.floor(x).astype(int), 0, len(table) - 2)
    return table[below] + (table[below + 1] - table[below]) * (x - below)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("factor", [1.0, -1.0, 0.0])
def test_a_table_that_goes_up_and_down_hides_no_wrong_sign(factor: float, seed: int) -> None:
    generator = np.random.RandomState(seed)
    table, x = generator.randn(5), generator.randint(0, 4, 3) + generator.uniform(0.2, 0.8, 3)

    def gradient(x: Any, cotangent: Any) -> Any:
        below = np.clip(np.floor(x).astype(int), 0, len(table) - 2)
        return factor * cotangent * (table[below + 1] - table[below])

    if factor == 1.0:
        found = check_gradient(lambda x: looked_up(table, x), gradient, x)
        assert "has steps, between which it is constant" in str(found), "and is at no kink"
    else:
        with pytest.raises(GradientError) as raised:
            check_gradient(lambda x: looked_up(table, x), gradient, x)
        assert not isinstance(raised.value, UndecidedError)


@pytest.mark.parametrize("apart", [0.1, 0.03])
@pytest.mark.parametrize("seed", range(2))
def test_exact_derivative_of_what_a_table_goes_up_and_down_with_is_not_accused(
    apart: float, seed: int
) -> None:
    x = np.random.RandomState(seed).uniform(0.5, 2, 2)
    table = np.sin(10 * apart * np.arange(200))
    with pytest.raises(UndecidedError):
        check_gradient(lambda x: np.sum(looked_up(table, x / apart)), lambda x: 10 * np.cos(10 * x), x)
