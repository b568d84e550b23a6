"""Operations whose gradient is a convention: that of a symmetric matrix, of which one triangle is read."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from nn_from_scratch.verify.functions.pytorch.question import Question, Tensors
from nn_from_scratch.verify.functions.pytorch.tracing.lines import in_a_function, users_line

_BY_CONVENTION = frozenset(
    [
        "linalg_cholesky_ex",
        "cholesky",
        "cholesky_inverse",
        "cholesky_solve",
        "_linalg_eigh",
        "linalg_eigh",
        "linalg_pinv",
    ]
)


class _Looking(TorchDispatchMode):  # type: ignore[misc]
    """Notes where an input is given to one of these operations, outside of custom functions."""

    def __init__(self, given: Tensors) -> None:
        super().__init__()
        self.storages = {x.untyped_storage().data_ptr() for x in given}
        self.found: list[str] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation."""
        del types
        name = func.overloadpacket.__name__
        if name in _BY_CONVENTION and not in_a_function():
            tensors = [x for x in pytree.tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
            if any(x.untyped_storage().data_ptr() in self.storages for x in tensors):
                self.found.append(f"{name} ({users_line()})")
        return func(*args, **(kwargs or {}))


def convention(question: Question) -> str | None:
    """Return where an input is taken for a symmetric or triangular matrix, if it is.

    There PyTorch's gradient is the derivative along such matrices only, and no other is wrong.
    """
    given = question.fresh()
    looking = _Looking(given)
    question.run(given, watching=lambda _: looking)
    if not looking.found:
        return None
    return (
        f"an input is given to {looking.found[0]}, whose gradient is that of a symmetric or "
        "triangular matrix by convention: make the matrix symmetric or triangular within the function"
    )
