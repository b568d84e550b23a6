"""Values and gradients that are out of range in PyTorch, where what they stand for is not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from nn_from_scratch.verify.torch import UndecidedError, WrongGradientError  # noqa: E402
from nn_from_scratch.verify.torch import gradcheck as check  # noqa: E402

pytestmark = pytest.mark.once


def gradcheck(function: Any, x: Any) -> bool:
    return check(function, (x,))


def of(forward: Callable[..., Any], backward: Callable[..., Any]) -> Any:
    """Return a function with a backward of the cotangent and the input."""

    class Own(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return forward(x)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return backward(g, *ctx.saved_tensors)

    return Own.apply


def at(*numbers: float, dtype: Any = torch.float64) -> Any:
    return torch.tensor(numbers, dtype=dtype, requires_grad=True)


NAIVE = of(lambda x: torch.log(torch.exp(x).sum()), lambda g, x: g * torch.softmax(x, 0))
SOFTPLUS = of(functional.softplus, lambda g, x: g * torch.sigmoid(x))


def test_value_that_overflows_is_wrong_whatever_its_gradient() -> None:
    assert gradcheck(NAIVE, at(1.0, 8.0))
    with pytest.raises(
        WrongGradientError, match=r"output 0 is inf, where its formula is 800: it overflows at exp"
    ):
        gradcheck(NAIVE, at(1.0, 800.0))
    squares = of(lambda x: (x * x).sum() / 100, lambda g, x: g * x / 50)
    with pytest.raises(WrongGradientError, match=r"where its formula is 900\.09: it overflows at mul"):
        gradcheck(squares, at(300.0, 3.0, dtype=torch.float16))


def test_gradient_that_overflows_says_where() -> None:
    naive = of(functional.softplus, lambda g, x: g * torch.exp(x) / (1 + torch.exp(x)))
    with pytest.raises(
        WrongGradientError, match=r"is nan at entry 1, .* it overflows at exp, test_torch_overflow"
    ):
        gradcheck(naive, at(1.0, 800.0))


def test_value_that_overflows_is_wrong_where_its_backward_is_not_traced() -> None:
    def outside(g: Any, x: Any) -> Any:
        return g * torch.from_numpy(torch.softmax(x, 0).numpy())

    naive = of(lambda x: torch.log(torch.exp(x).sum()), outside)
    assert gradcheck(naive, at(1.0, 8.0))
    with pytest.raises(WrongGradientError, match=r"output 0 is inf, where its formula is 800: .* exp"):
        gradcheck(naive, at(1.0, 800.0))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("reference", [None, lambda x: (1 / x).sum()], ids=["alone", "by a reference"])
def test_gradient_that_no_number_of_its_format_holds_is_not_accused(reference: Any) -> None:
    def outside(g: Any, x: Any) -> Any:
        return torch.from_numpy(np.asarray(-g.numpy() / x.numpy() ** 2, dtype=np.float32))

    inverse = of(lambda x: torch.from_numpy(np.asarray((1 / x.detach().numpy()).sum())), outside)
    with pytest.raises(UndecidedError, match=r"is -inf, .* beyond the range of float32"):
        check(inverse, (at(1e-30, 2e-30, dtype=torch.float32),), reference=reference)


def test_function_that_is_infinite_has_no_derivative_to_compare_with() -> None:
    for function in (
        of(lambda x: torch.exp(x).sum(), lambda g, x: g * torch.exp(x)),
        of(lambda x: torch.exp(x) / 0, lambda g, x: g * torch.exp(x) / 0),
    ):
        with pytest.raises(UndecidedError, match="the function is inf here"):
            gradcheck(function, at(1.0, 800.0))


def test_what_overflows_on_purpose_accuses_nobody() -> None:
    masked = of(
        lambda x: x.masked_fill(x > 2, -torch.inf), lambda g, x: torch.where(x > 2, torch.zeros_like(g), g)
    )
    assert gradcheck(masked, at(1.0, 3.0))
    assert gradcheck(of(lambda x: x * x, lambda g, x: 2 * g * x), at(1.0, 1e200))


@pytest.mark.parametrize("x", [30.0, 86.0, 90.0, 100.0, 200.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_softplus_is_right_where_its_other_branch_overflows(x: float, dtype: Any) -> None:
    assert gradcheck(SOFTPLUS, at(1.0, x, dtype=dtype))


def test_of_outputs_that_are_all_infinite_the_first_may_be_empty() -> None:
    def function(x: Any) -> Any:
        return x[:0], torch.exp(x * 1e3)

    with pytest.raises(UndecidedError, match="the function is inf here"):
        gradcheck(function, at(1.0, 2.0))
