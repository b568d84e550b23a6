"""Inputs that are equal hide which of them a gradient reads: it is asked with others."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from in_frameworks import FRAMEWORKS, Rule, framework_for

from nn_from_scratch.verify import GradientError, UndecidedError

X = np.random.default_rng(5).normal(size=(5, 3))
SYMMETRIC = X.T @ X


def rules(np: Any, array: Callable[[Any], Any], dtype: Any) -> dict[str, tuple[Rule, Rule]]:
    """Return functions at equal inputs with gradients: right ones, and ones that read the other input."""

    def twice(numbers: Any) -> tuple[Any, Any]:
        return array(numbers.astype(dtype)), array(numbers.astype(dtype))

    def product(x: Any, y: Any) -> Any:
        return np.sin(x) * y**2

    def matrices(x: Any, y: Any) -> Any:
        return np.tanh(x @ y)

    def through(x: Any, y: Any, c: Any) -> Any:
        return c * (1 - np.tanh(x @ y) ** 2)

    def bilinear(x: Any, y: Any) -> Any:
        return x * y

    return {
        "arrays": (
            (product, lambda x, y, c: (c * np.cos(x) * y**2, 2 * c * np.sin(x) * y), twice(X)),
            (product, lambda x, y, c: (c * np.cos(x) * x**2, 2 * c * np.sin(x) * y), twice(X)),
        ),
        "single numbers": (
            (product, lambda x, y, c: (c * np.cos(x) * y**2, 2 * c * np.sin(x) * y), twice(X[0, 0])),
            (product, lambda x, y, c: (c * np.cos(x) * y**2, 2 * c * np.sin(y) * y), twice(X[0, 0])),
        ),
        "symmetric matrices": (
            (matrices, lambda x, y, c: (through(x, y, c) @ y.T, x.T @ through(x, y, c)), twice(SYMMETRIC)),
            (matrices, lambda x, y, c: (through(x, y, c) @ x.T, x.T @ through(x, y, c)), twice(SYMMETRIC)),
        ),
        "ones": (
            (bilinear, lambda x, y, c: (c * y, c * x), twice(X**0)),
            (bilinear, lambda x, y, c: (c * x, c * y), twice(X**0)),
        ),
    }


@pytest.mark.once
@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", rules(np, np.array, np.float64))
def test_a_gradient_that_reads_the_other_of_two_equal_inputs_is_not_right(name: str, framework: str) -> None:
    functions, array, dtype, check = framework_for(framework, np.float64)
    right, wrong = rules(functions, array, dtype)[name]
    check(right)
    expected = GradientError if name == "ones" else UndecidedError
    hides = "one number throughout" if name == "ones" else "the numbers of an earlier one"
    with pytest.raises(expected, match=f"has {hides}, but with drawn ones"):
        check(wrong)
