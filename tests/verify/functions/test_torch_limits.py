"""Functions of PyTorch that iterate or approximate; backwards that clip, or compute with sparse matrices."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.once

from torch.nn import functional as F  # noqa: E402, N812
from torch_functions import custom  # noqa: E402

from nn_from_scratch.verify.judging.verdicts import Verdict  # noqa: E402
from nn_from_scratch.verify.torch import UndecidedError, WrongGradientError, examine, gradcheck  # noqa: E402

Function: Any = torch.autograd.Function


def fixed_point(steps: int, factor: float = 1.0) -> Any:
    """Iterate, and differentiate as the limit is differentiated."""

    class FixedPoint(Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            z = torch.zeros_like(x)
            for _ in range(steps):
                z = torch.tanh(0.4 * z + x)
            ctx.save_for_backward(z)
            return z

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (z,) = ctx.saved_tensors
            return factor * g * (1 - z**2) / (1 - 0.4 * (1 - z**2))

    return FixedPoint.apply


def ask(steps: int, factor: float = 1.0) -> bool:
    x = torch.tensor([0.7], dtype=torch.float64, requires_grad=True)
    return gradcheck(fixed_point(steps, factor), x, shapes=False)


def test_gradient_of_a_limit_is_right_at_the_end_and_no_fault_before() -> None:
    assert ask(30)
    with pytest.raises(UndecidedError, match=r"it may iterate to a limit .*: run it to its end"):
        ask(9)


def test_what_an_iteration_does_not_explain_is_wrong() -> None:
    with pytest.raises(WrongGradientError, match="formula proved to differ"):
        ask(30, 1.0001)


def softplus(factor: float) -> Any:
    """Take x for log(1 + exp(x)) where x is large, and differentiate the latter."""

    class Softplus(Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return torch.where(x > 20, x, torch.log1p(torch.exp(x)))

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return factor * g * torch.sigmoid(x)

    return Softplus.apply


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_gradient_of_the_formula_that_a_forward_takes_another_for_is_no_fault(dtype: Any) -> None:
    x = torch.tensor([0.5, 5.0, 25.0, 300.0], dtype=dtype, requires_grad=True)
    found = examine(softplus(1.0), x, transforms=[])
    assert found.verdict is (Verdict.UNDECIDED if dtype is torch.float64 else Verdict.RIGHT)
    assert "takes one of two formulas that are nearly alike for the other (test_torch_lim" in str(found)
    assert examine(softplus(1 + 1e-9), x, transforms=[]).verdict is Verdict.WRONG
    one_of_four = torch.tensor([0.51, 5.03, 24.37, 60.1], dtype=torch.float64, requires_grad=True)
    assert examine(softplus(1.0), one_of_four, transforms=[]).verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("least", [-float("inf"), 1.0])
def test_gradient_of_the_other_formula_is_wrong_if_it_is_unlike(least: float) -> None:
    """Of two numbers that are nearly equal the derivatives may be unlike, and nothing is nearly infinite."""

    class Larger(Function):  # type: ignore[misc]
        @staticmethod
        def forward(_: Any, x: Any) -> Any:
            return torch.softmax(torch.where(x[:2] > x[2], x[:2], least), -1)

        @staticmethod
        def backward(_: Any, g: Any) -> Any:
            return torch.cat([g * 0, g[:1] * 0])

    x = torch.tensor([1.005, 1.001, 1.0], dtype=torch.float64, requires_grad=True)
    with pytest.raises(WrongGradientError, match="formula proved to differ"):
        gradcheck(Larger.apply, x, shapes=False)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("bound", [None, 5.0])
def test_backward_that_clips_is_wrong_where_it_does_not_clip_either(dtype: Any, bound: float | None) -> None:
    class Sine(Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            found = g * x.cos()
            return found if bound is None else found.clamp(-bound, bound)

    x = torch.tensor([0.3, -0.8], dtype=dtype, requires_grad=True)
    bound = 2.0 if bound and dtype == torch.float16 else bound
    row = {x.name: x for x in examine(Sine.apply, x, transforms=()).rows}["linear in the cotangent"]
    assert row.verdict is (Verdict.RIGHT if bound is None else Verdict.WRONG), row
    assert bound is None or "as where it is clipped" in row.said


def test_wrong_backward_with_a_sparse_matrix_is_wrong() -> None:
    places = torch.tensor([[0, 1, 1], [1, 0, 1]])

    class Product(Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, v: Any, x: Any) -> Any:
            ctx.save_for_backward(v, x)
            return torch.sparse.mm(torch.sparse_coo_tensor(places, v, (2, 2)), x)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            v, x = ctx.saved_tensors
            transposed = torch.sparse_coo_tensor(places, v, (2, 2))  # but it is not
            return (g[places[0]] * x[places[1]]).sum(1), torch.sparse.mm(transposed, g)

    v = torch.tensor([0.5, -1.3, 0.7], dtype=torch.float64, requires_grad=True)
    x = torch.tensor([[0.2], [-0.6]], dtype=torch.float64, requires_grad=True)
    with pytest.raises(WrongGradientError, match="expected") as raised:
        gradcheck(Product.apply, (v, x))
    assert (raised.value.engine, raised.value.result) == (None, None)  # pytest's reports read both


@pytest.mark.parametrize("factor", [1.0, 1.001])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_thousandth_of_a_gradient_with_many_kinks_is_seen(factor: float, dtype: Any) -> None:
    """Where numbers are compared only, for the point is at kinks, the gradient is asked beside it as well."""
    x = torch.tensor([0.0, 1.0, -1.0, 0.5, 2.0, -3.0], dtype=dtype, requires_grad=True)
    kinks = (F.relu, F.leaky_relu, F.hardtanh, F.relu6, F.elu, F.selu, torch.abs)

    def together(x: Any) -> Any:
        return sum(kink(x) for kink in kinks)

    def backward(cotangent: Any, _: Any, x: Any) -> Any:
        again = x.detach().requires_grad_()
        with torch.enable_grad():
            output = together(again)
        return (factor * torch.autograd.grad(output, again, cotangent)[0],)

    report = examine(custom(lambda x: (together(x), (x,)), backward, 1.0), (x,), transforms=[])
    assert report.verdict is (Verdict.RIGHT if factor == 1.0 else Verdict.WRONG)
