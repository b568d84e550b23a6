"""How many numbers a trace may have: one that has too many is known before it is made."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from nn_from_scratch.verify.functions.pytorch.question import Question
from nn_from_scratch.verify.functions.pytorch.tracing.memory import shares
from nn_from_scratch.verify.functions.pytorch.tracing.operands import leaves

LARGEST = 1_000_000
"""How many numbers one trace computes at most; a question of as many takes some 20 seconds."""
TOO_LARGE = f"more than {LARGEST:,} numbers"
_FEW = 2**15
"""Up to so many inputs a trace is made at once: it takes hundreds of bytes a number until it is given up."""


class _Counting(TorchDispatchMode):  # type: ignore[misc]
    """Counts the numbers that operations compute."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation."""
        del types
        found = func(*args, **(kwargs or {}))
        if not shares(args, found):
            self.numbers += sum(x.numel() for x in leaves(found) if _is_of_numbers(x))
        return found


def _is_of_numbers(x: Any) -> bool:
    return isinstance(x, torch.Tensor) and x.is_floating_point()


def is_too_large(question: Question) -> bool:
    """Return whether a function of many inputs computes more numbers than are traced.

    Counted are those of its forward, and an entry of the gradient for each input.
    """
    inputs = sum(x.numel() for x in question.tensors)
    if inputs <= _FEW:
        return False
    counting = _Counting()
    question.run(watching=lambda _: counting)
    numbers: int = counting.numbers + inputs
    return numbers > LARGEST
