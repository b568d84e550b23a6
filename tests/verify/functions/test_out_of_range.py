"""Values and gradients that are out of range in numpy, where what they stand for is not, or is as well."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, UndecidedError, check_gradient

pytestmark = [pytest.mark.once, pytest.mark.filterwarnings("ignore::RuntimeWarning")]


def softmax(x: Any) -> Any:
    raised = np.exp(x - x.max())
    return raised / raised.sum()


def logsumexp(x: Any) -> Any:
    return x.max() + np.log(np.exp(x - x.max()).sum())


NAIVE: dict[str, tuple[Callable[..., Any], Callable[..., Any], Any, str]] = {
    "logarithm of a sum": (
        lambda x: np.log(np.exp(x).sum()),
        softmax,
        np.array([800.0, 1.0]),
        r"the value is inf, where its formula is 800: it overflows at exp, test_out_of_range",
    ),
    "float32": (
        lambda x: np.log(np.exp(x).sum()),
        softmax,
        np.array([90.0, 1.0], dtype=np.float32),
        r"the value is inf, where its formula is 90: it overflows at exp",
    ),
    "norm": (
        lambda x: np.sqrt((x * x).sum()),
        lambda x: x / np.hypot(*x),
        np.array([1e200, 1.0]),
        r"the value is inf, where its formula is 1e\+200: it overflows at multiply",
    ),
    "softmax": (
        lambda x: np.exp(x) / np.exp(x).sum(),
        lambda x, g: softmax(x) * (g - (softmax(x) * g).sum()),
        np.array([800.0, 1.0]),
        r"the value is nan at entry 0, where its formula is 1: it overflows at exp",
    ),
    "logarithm of a product": (
        lambda x: np.log(np.exp(x).prod()),
        np.ones_like,
        np.array([-500.0, -400.0]),
        r"the value is -inf, where its formula is -900: a number underflows at prod",
    ),
}


@pytest.mark.parametrize("name", NAIVE)
def test_value_out_of_range_is_wrong_whatever_its_gradient(name: str) -> None:
    function, gradient, x, said = NAIVE[name]
    check_gradient(function, gradient, x / np.abs(x).max())
    with pytest.raises(GradientError, match=said):
        check_gradient(function, gradient, x)


def test_value_out_of_range_may_lie_beside_whole_numbers() -> None:
    with pytest.raises(GradientError, match="the value is inf, where its formula is 800"):
        check_gradient(
            lambda x: (np.arange(2), np.log(np.exp(x).sum())),
            lambda x, g: g[1] * softmax(x),
            np.array([800.0, 1.0]),
        )


def test_value_that_is_infinite_by_its_formula_has_no_derivative_to_compare_with() -> None:
    cases: list[tuple[Callable[..., Any], Callable[..., Any], list[float]]] = [
        (lambda x: np.exp(x).sum(), np.exp, [800.0, 1.0]),
        (lambda x: np.log(x).sum(), lambda x: 1 / x, [0.0, 1.0]),
        (lambda x: np.inf * x.sum(), lambda x: np.inf * np.ones_like(x), [1.0, 2.0]),
        (lambda x: np.where(x > 2, -np.inf, x).sum(), lambda x: (x <= 2) * 1.0, [3.0, 1.0]),
    ]
    for function, gradient, x in cases:
        with pytest.raises(ValueError, match="inf here: there is no derivative to compare with"):
            check_gradient(function, gradient, np.array(x))


def test_value_of_a_kernel_is_out_of_range_by_its_reference() -> None:
    x = np.array([800.0, 1.0])
    assert check_gradient(lambda x: np.log(np.exp(x).sum()), softmax, x / 800, reference=logsumexp)
    for reference in (logsumexp, (logsumexp, softmax)):
        with pytest.raises(GradientError, match=r"the value is inf, where its formula is 800$"):
            check_gradient(lambda x: np.log(np.exp(x).sum()), softmax, x, reference=reference)


@pytest.mark.parametrize("reference", [None, lambda x: (1 / x).sum()], ids=["alone", "by a reference"])
def test_gradient_that_no_number_of_its_format_holds_is_not_accused(reference: Any) -> None:
    x = np.array([1e-30, 2e-30], dtype=np.float32)  # 1 / x² is about 1e60
    with pytest.raises(UndecidedError, match=r"is -inf, .* beyond the range of float32"):
        check_gradient(lambda x: (1 / x).sum(), lambda x: -1 / (x * x), x, reference=reference)
    wrong = np.array([-1.0, -np.inf], dtype=np.float32)
    with pytest.raises(GradientError):
        check_gradient(lambda x: (1 / x).sum(), lambda _: wrong.copy(), x * [1, 1e30], reference=reference)
