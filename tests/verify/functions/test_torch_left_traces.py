"""Functions of PyTorch whose trace does not say all: numbers that leave it, bisections, tables, indices."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch")

from torch.autograd import Function  # noqa: E402

from nn_from_scratch.verify.functions.pytorch.examine import examine  # noqa: E402
from nn_from_scratch.verify.torch import UndecidedError, WrongGradientError, gradcheck  # noqa: E402


def custom(forward: Callable[..., Any], backward: Callable[..., Any]) -> Any:
    """Return a function of one tensor, and of what else it is given, with a backward of its own."""

    class Custom(Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any, *others: Any) -> Any:
            y = forward(x, *others)
            ctx.save_for_backward(x, y, *others)
            return y

        @staticmethod
        def backward(ctx: Any, cotangent: Any) -> Any:
            x, y, *others = ctx.saved_tensors
            return backward(cotangent, x, y, *others), *(None for _ in others)

    return Custom.apply


def given(*numbers: float, dtype: Any = torch.float64) -> Any:
    return torch.tensor(numbers, dtype=dtype, requires_grad=True)


NUMBERS: dict[str, Callable[[Any], Any]] = {
    "numpy": lambda x: float(x.detach().numpy().mean()),
    "a number of numpy's": lambda x: x.detach().numpy().mean(),
    "a list": lambda x: sum(x.tolist()) / len(x),
    "an item": lambda x: x.mean().item(),
    "a filled tensor": lambda x: torch.full((3,), sum(x.tolist()) / 3, dtype=x.dtype),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_number_that_depends_on_the_inputs_is_no_constant(name: str) -> None:
    centred = custom(lambda x: x - NUMBERS[name](x), lambda c, x, y: c - c.mean())
    assert gradcheck(centred, given(0.3, -1.1, 2.7))
    with pytest.raises(WrongGradientError, match="finite differences"):
        gradcheck(custom(lambda x: x - NUMBERS[name](x), lambda c, x, y: c), given(0.3, -1.1, 2.7))


def test_order_that_is_read_as_a_list_is_a_constant() -> None:
    def ordered(x: Any) -> Any:
        order = sorted(range(len(x)), key=x.tolist().__getitem__)
        return x[order] * torch.arange(1.0, len(x) + 1, dtype=x.dtype)

    assert gradcheck(ordered, given(0.3, -1.1, 2.7))


def bisected(steps: int, factor: float) -> Any:
    """Return the root m of m^3 + m = a, by halving, with a multiple of its derivative."""

    def root(a: Any) -> Any:
        low, high = a * 0, a + 1
        for _ in range(steps):
            middle = (low + high) / 2
            below = middle**3 + middle < a
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        return middle

    return custom(root, lambda c, a, m: factor * c / (3 * m * m + 1))


@pytest.mark.parametrize("steps", [35, 45, 52, 60])
def test_bisection_has_the_derivative_of_what_it_comes_to(steps: int) -> None:
    assert gradcheck(bisected(steps, 1.0), given(0.3, 1.1, 2.7))
    with pytest.raises((WrongGradientError, UndecidedError)):
        gradcheck(bisected(steps, 1.1), given(0.3, 1.1, 2.7))


def test_bisection_in_float32_is_not_accused() -> None:
    try:
        gradcheck(bisected(18, 1.0), given(0.3, 1.1, 2.7, dtype=torch.float32))
    except WrongGradientError:
        pytest.fail("it is right")
    except UndecidedError as error:
        assert "noise" in str(error)  # noqa: PT017  its values may be too coarse to tell


def eighths(x: Any) -> Any:
    return torch.arange(8, dtype=x.dtype) / 8


TABLES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "hann": (
        lambda x: torch.hann_window(8, dtype=x.dtype),
        lambda c: 0.5 * (1 - torch.cos(2 * math.pi * eighths(c))),
    ),
    "hann by sines": (
        lambda x: torch.hann_window(8, dtype=x.dtype),
        lambda c: torch.sin(math.pi * eighths(c)) ** 2,
    ),
    "hamming": (
        lambda x: torch.hamming_window(8, dtype=x.dtype),
        lambda c: 0.54 - 0.46 * torch.cos(2 * math.pi * eighths(c)),
    ),
    "hann of numpy": (
        lambda x: torch.hann_window(8, periodic=False, dtype=x.dtype),
        lambda c: torch.tensor(np.hanning(8), dtype=c.dtype),
    ),
    "powers": (
        lambda x: torch.logspace(0, 2, 8, dtype=x.dtype),
        lambda c: 10 ** torch.linspace(0, 2, 8, dtype=c.dtype),
    ),
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", TABLES)
def test_table_that_is_computed_is_rounded(name: str, dtype: Any) -> None:
    table, formula = TABLES[name]
    x = torch.randn(2, 8, generator=torch.Generator().manual_seed(0)).to(dtype).requires_grad_()
    assert gradcheck(custom(lambda x: x * table(x), lambda c, x, y: c * formula(c)), x)
    with pytest.raises(WrongGradientError):
        gradcheck(custom(lambda x: x * table(x), lambda c, x, y: 1.05 * c * formula(c)), x)


def test_indices_that_occur_once_are_no_matter_of_a_size() -> None:
    """Whether they may occur twice is not known; that a size is a constant is not so."""
    taking = custom(
        lambda x, i: x.gather(-1, i),
        lambda c, x, y, i: torch.zeros_like(x).scatter_(-1, i, c),
    )
    adding = custom(
        lambda x, i: x.gather(-1, i),
        lambda c, x, y, i: torch.zeros_like(x).scatter_add_(-1, i, c),
    )
    x = torch.randn(2, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    index = x.detach().topk(3).indices
    with pytest.raises(UndecidedError, match="where each index occurs once"):
        gradcheck(taking, (x, index))
    assert gradcheck(taking, (x, index), shapes=False)
    assert gradcheck(adding, (x, index))


def test_labels_that_occur_once_hide_no_size() -> None:
    """Three rows have three labels by chance: a mean over three is wrong of any other number of rows."""
    entropy = custom(
        torch.nn.functional.cross_entropy,
        lambda c, x, y, i: c * (x.softmax(1) - torch.nn.functional.one_hot(i, 4)) / 3,
    )
    x = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    with pytest.raises(WrongGradientError, match="is a size taken for a constant"):
        gradcheck(entropy, (x, torch.tensor([3, 0, 1])))


def test_derivative_within_that_has_none_itself_is_told() -> None:
    def penalty(x: Any, create: bool) -> Any:
        (slope,) = torch.autograd.grad(x.tanh().pow(3).sum(), x, create_graph=create)
        return ((slope * x).norm(dim=1) - 1).pow(2).mean()

    x = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert gradcheck(lambda x: penalty(x, True), x)
    with pytest.raises(UndecidedError, match="without create_graph=True"):
        gradcheck(lambda x: penalty(x, False), x)


CHANGES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "small ones left out": (lambda c: torch.where(c.abs() < 1e-3, 0 * c, c), "linear in the cotangent"),
    "clipped": (lambda c: c.clamp(-1e4, 1e4), "linear in the cotangent"),
    "of length 1 in between": (
        lambda c: c / c.norm() * c.norm(),
        "cotangents of nothing: wrong.* not finite",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_cotangent_that_is_changed_is_seen(name: str) -> None:
    change, said = CHANGES[name]
    with pytest.raises(WrongGradientError, match=said):
        gradcheck(custom(lambda x: x * x, lambda c, x, y: 2 * x * change(c)), given(1.0, -2.0, 3.0))


def test_formula_that_is_not_known_here_is_asked_elsewhere() -> None:
    """Of one pair the loss is 0 whatever it is given, and so is any gradient."""

    class Contrast(Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, q: Any, k: Any) -> Any:
            scores = q @ k.T / 0.1
            ctx.save_for_backward(q, k, scores.softmax(1))
            return -scores.log_softmax(1).diagonal().mean()

        @staticmethod
        def backward(ctx: Any, cotangent: Any) -> Any:
            q, k, p = ctx.saved_tensors
            d = cotangent * (p - torch.eye(len(q), dtype=p.dtype)) / len(q) / 0.1
            return d @ k, d @ q  # of the transposed

    draw = torch.Generator().manual_seed(0)
    pair = [torch.randn(1, 4, dtype=torch.float64, generator=draw).requires_grad_() for _ in range(2)]
    with pytest.raises(UndecidedError, match=r"at other inputs.* it is wrong"):
        gradcheck(Contrast.apply, pair)


def test_difference_that_no_digit_shows_is_said_by_how_much_it_is() -> None:
    bent = custom(lambda x: torch.tanh(0.79788456 * x), lambda c, x, y: c * 0.7978845600001 * (1 - y * y))
    said = str(examine(bent, given(0.3, -1.1), transforms=()))
    assert "times 1\n" not in said
    assert "times 1 " not in said
    assert "e-14 more than that" in said
