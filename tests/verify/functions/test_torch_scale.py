"""Functions of PyTorch with many inputs: how often they are called, and what is not begun in vain."""

from __future__ import annotations

from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")

from torch.autograd import Function  # noqa: E402

from nn_from_scratch.verify.functions.pytorch.formula import NotCompared, trace  # noqa: E402
from nn_from_scratch.verify.functions.pytorch.question import Question, cotangents  # noqa: E402
from nn_from_scratch.verify.functions.pytorch.tracing.size import TOO_LARGE  # noqa: E402
from nn_from_scratch.verify.torch import gradcheck  # noqa: E402

NUMBERS = 600_000


def counted(calls: list[int]) -> Any:
    """Return tanh with a backward of its own, which notes how many numbers each forward is given."""

    class Tanh(Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            calls.append(x.numel())
            y = torch.tanh(x)
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx: Any, cotangent: Any) -> Any:
            (y,) = ctx.saved_tensors
            return cotangent * (1 - y * y)

    return Tanh.apply


def point(numbers: int) -> Any:
    draw = torch.Generator().manual_seed(0)
    return torch.randn(numbers, generator=draw, dtype=torch.float64).requires_grad_()


def test_function_of_many_inputs_is_called_twenty_times_at_most() -> None:
    calls: list[int] = []
    assert gradcheck(counted(calls), point(NUMBERS))
    whole = [n for n in calls if n == NUMBERS]
    assert len(whole) <= 20
    assert all(n < 100 for n in calls if n != NUMBERS)  # a corner of the inputs, which is traced


def test_what_is_too_large_is_not_begun() -> None:
    calls: list[int] = []
    question = Question(counted(calls), point(NUMBERS))
    found = trace(question, cotangents(question.run().outputs, 0), 0)
    assert isinstance(found, NotCompared)
    assert found.reason == TOO_LARGE
    assert len(calls) == 3  # whether it closes over its inputs, here, and how many numbers it computes


def test_few_of_many_inputs_are_traced() -> None:
    def first_of_a_table(x: Any) -> Any:
        return torch.sin(x[:10]).sum()

    question = Question(first_of_a_table, point(50_000))
    found = trace(question, cotangents(question.run().outputs, 0), 0)
    assert not isinstance(found, NotCompared)
    assert found.rules.comparison.digits > 60
