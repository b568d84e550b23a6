"""Operations whose gradient goes by a convention: no other one is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from nn_from_scratch.verify.functions.pytorch.question import Question, Tensors, copied, memory
from nn_from_scratch.verify.functions.pytorch.tracing.constants import FORGOTTEN, WithoutGraph
from nn_from_scratch.verify.functions.pytorch.tracing.lines import in_a_function, users_line
from nn_from_scratch.verify.functions.pytorch.tracing.operands import by_name
from nn_from_scratch.verify.functions.pytorch.writes import writes_twice

_ROUNDINGS = 256
"""By so many roundings a sum of probabilities may be off."""


class _Looking(TorchDispatchMode):  # type: ignore[misc]
    """Notes each operation that goes by a convention, and what the user can do."""

    def __init__(self, given: Tensors) -> None:
        super().__init__()
        self.storages = {memory(x) for x in given} - {None}
        self.found: list[str] = []
        self.labelled = False
        """Whether paths of labels are summed up, as of probabilities."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation."""
        del types
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        if name == "linalg_pinv" and not in_a_function() and self._gets_an_input(args, kwargs):
            self.found.append(
                f"an input is given to {name} ({users_line()}), whose gradient is that of matrices of the "
                "same rank by convention"
            )
        arguments = by_name(func, args, kwargs)
        padded = arguments.get("padding_idx")
        if name == "embedding" and bool((arguments["indices"] == padded).any()):
            self.found.append(
                f"{name} ({users_line()}) gives the row {padded} no gradient, as padding_idx asks for"
            )
        if arguments.get("scale_grad_by_freq"):
            self.found.append(f"{name} ({users_line()}) divides its gradient, as scale_grad_by_freq asks for")
        if name == "_ctc_loss" and not in_a_function():
            self.labelled = True
            sums = arguments["log_probs"].detach().exp().sum(-1)
            if float((sums - 1).abs().max()) > _ROUNDINGS * torch.finfo(sums.dtype).eps:
                self.found.append(
                    f"what {name} is given ({users_line()}) does not come from log_softmax, and its "
                    "gradient is that of probabilities that sum to 1 by convention: call log_softmax within "
                    "the function"
                )
        if writes_twice(name, arguments, gradients=not in_a_function()):
            self.found.append(
                f"{name} ({users_line()}) writes to one place more than once: which of the numbers stays is "
                "left open, and so is its gradient; give each place one number, or add them up"
            )
        return func(*args, **kwargs)

    def _gets_an_input(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        tensors = [x for x in pytree.tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
        return any(memory(x) in self.storages for x in tensors)


def convention(question: Question) -> str | None:
    """Return by which convention, and where, the gradient of a function goes, if it does."""
    given = question.tensors if question.inside else question.fresh()
    looking, forgotten = _Looking(given), list[str]()

    @contextmanager
    def watching(_: Tensors) -> Iterator[None]:
        with WithoutGraph(forgotten), looking:
            yield

    question.run(None if question.inside else given, watching=watching)
    if forgotten:
        return FORGOTTEN.format(forgotten[0])
    if not looking.found and looking.labelled:  # what sums to 1 here may not do so at another point
        question.run([_moved(x) for x in question.tensors], watching=lambda _: looking)
    return looking.found[0] if looking.found else None


def _moved(x: torch.Tensor) -> torch.Tensor:
    """Return numbers that are a little smaller, each by another part."""
    parts = torch.linspace(0.5, 1, max(x.numel(), 1), dtype=x.dtype, device=x.device)[: x.numel()]
    return (copied(x) * (1 - parts.reshape(x.shape) / 64)).requires_grad_()
