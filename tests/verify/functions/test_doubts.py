"""An error that a solver's own digits explain is undecided; others are wrong."""

from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, UndecidedError, check_gradient

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
