"""What a function says is a constant where it is differentiated: `detach`, `.data`, `no_grad`."""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from nn_from_scratch.verify.functions.pytorch.tracing.lines import in_a_function


class Cutting(TorchFunctionMode):  # type: ignore[misc]
    """Gives what is detached numbers of its own, computed where no gradients are: so it is a constant.

    Without this it would look at the same storage as what it is detached from, and have its derivative.
    What a custom function detaches within says nothing about its derivative. `cut` has what was detached, and
    what was computed with while no gradients were.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cut: list[torch.Tensor] = []

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run a function; copy what it detaches."""
        del types
        found = func(*args, **(kwargs or {}))
        if not torch.is_grad_enabled() and _computes(found) and not in_a_function():
            leaves = pytree.tree_leaves((args, kwargs))
            self.cut += [x for x in leaves if isinstance(x, torch.Tensor) and x.requires_grad]
        cuts = func is torch.Tensor.detach or func is torch.detach or func == torch.Tensor.data.__get__
        if not (cuts and torch.is_grad_enabled() and args[0].requires_grad) or in_a_function():
            return found
        self.cut.append(args[0])
        with torch.no_grad():
            return found.clone()


def _computes(found: Any) -> bool:
    """Whether what came out are numbers: a shape or a flag has no derivative that could be cut off."""
    return any(isinstance(x, torch.Tensor) and x.is_floating_point() for x in pytree.tree_leaves(found))
