"""What a function says is a constant where it is differentiated: `detach`, `.data`, `no_grad`."""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from nn_from_scratch.verify.functions.pytorch.tracing.lines import in_a_function, users_line


class Cutting(TorchFunctionMode):  # type: ignore[misc]
    """Gives what is detached numbers of its own, computed where no gradients are: so it is a constant.

    Without this it would look at the same storage as what it is detached from, and have its derivative.
    What a custom function detaches within says nothing about its derivative, and is noted by its line only.
    `cut` has what was detached, and what was computed with while no gradients were.
    """

    def __init__(self, within: list[str] | None = None) -> None:
        super().__init__()
        self.cut: list[torch.Tensor] = []
        self.within = [] if within is None else within
        """Where custom functions detach."""

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
        if cuts and in_a_function():
            self.within.append(users_line())
            return found
        if not (cuts and torch.is_grad_enabled() and args[0].requires_grad):
            return found
        self.cut.append(args[0])
        with torch.no_grad():
            return found.clone()


_GRAD = ("outputs", "inputs", "grad_outputs", "retain_graph", "create_graph")
"""The first parameters of `torch.autograd.grad`."""


class WithoutGraph(TorchFunctionMode):  # type: ignore[misc]
    """Notes where a function differentiates within, and what it gets has no derivative itself."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run a function."""
        del types
        found = func(*args, **(kwargs or {}))
        if func is torch.autograd.grad and torch.is_grad_enabled() and not in_a_function():
            given = dict(zip(_GRAD, args, strict=False), **(kwargs or {}))
            if not given.get("create_graph"):
                self.lines.append(users_line())
        return found


FORGOTTEN = (
    "torch.autograd.grad is called without create_graph=True ({}): what it gives is a constant then, and "
    "second derivatives are lost"
)
"""What is said of a line that `WithoutGraph` notes."""


class ReadingBuffers(TorchFunctionMode):  # type: ignore[misc]
    """Notes what is written into a buffer that is read afterwards: batch norm does, into running statistics.

    `cut` has what the writing operation was given. It compares numbers before and after, so no tracer may
    watch at the same time, and what is compiled or within vmap is not looked at: there are no numbers.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cut: list[torch.Tensor] = []
        self._written: dict[int, list[torch.Tensor]] = {}
        """By the address of a buffer."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run a function; look what it writes and reads that requires no gradient."""
        del types
        if torch.compiler.is_compiling():
            return func(*args, **(kwargs or {}))
        given = [x for x in pytree.tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
        differentiated = [x for x in given if x.requires_grad]
        buffers = [(x, x.clone()) for x in given if _may_be_a_buffer(x)]
        found = func(*args, **(kwargs or {}))
        for x, before in buffers:
            if x.requires_grad:
                continue  # the write is part of autograd's graph
            if differentiated and not torch.equal(x, before):
                self._written.setdefault(x.data_ptr(), []).extend(differentiated)
            elif _computes(found):
                self.cut += self._written.get(x.data_ptr(), [])
        return found


def _may_be_a_buffer(x: torch.Tensor) -> bool:
    within_vmap = torch._C._functorch.is_functorch_wrapped_tensor(x)  # noqa: SLF001  nowhere else
    dense = x.layout is torch.strided
    return dense and x.is_floating_point() and not x.requires_grad and not within_vmap


def _computes(found: Any) -> bool:
    """Whether what came out are numbers: a shape or a flag has no derivative that could be cut off."""
    return any(isinstance(x, torch.Tensor) and x.is_floating_point() for x in pytree.tree_leaves(found))
