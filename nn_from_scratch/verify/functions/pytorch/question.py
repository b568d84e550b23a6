"""A function of tensors at a point, which is asked over and over with tensors of its own."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from nn_from_scratch.verify.functions.earlier import SHRUNK

_STREAM = 0x636F74616E67656E
"""Nobody's inputs are drawn from this stream: a cotangent that equals an input may hide a whole formula."""

Tensors = list[torch.Tensor]


class NotAskedError(Exception):
    """Of this function nothing can be asked here, and why."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One forward pass: the tensors that were given, and the outputs of floating point."""

    inputs: Tensors
    others: Tensors
    """Tensors that were given as well, and require no gradient."""
    outputs: Tensors
    """Those that have a gradient."""
    plain: Tensors
    """Those that have none."""

    def gradient(self, cotangents: Sequence[Any], *, create_graph: bool = False) -> Tensors:
        """Return the gradient of each input, zeros where there is none; the graph is kept."""
        if not self.outputs:
            return [torch.zeros_like(x) for x in self.inputs]
        needing = [x for x in self.inputs if x.requires_grad]
        found = iter(
            torch.autograd.grad(
                self.outputs,
                needing,
                list(cotangents),
                retain_graph=True,
                create_graph=create_graph,
                allow_unused=True,
            )
        )
        parts = [next(found) if x.requires_grad else None for x in self.inputs]
        return [
            torch.zeros_like(x) if part is None else _dense(part)
            for x, part in zip(self.inputs, parts, strict=True)
        ]

    def nodes(self) -> list[Any]:
        """Return the nodes of autograd's graph, each once, from the outputs on."""
        return graph(self.outputs)


def _unwatched(_: Tensors) -> AbstractContextManager[Any]:
    return nullcontext()


class Question:
    """A function, or a module, and the point.

    Parameters
    ----------
    function
        Maps `inputs` to a tensor, or to any nesting of tuples, lists and dicts of tensors and other values.
        A `torch.nn.Module` is asked for its parameters too.
    inputs
        The arguments: a tensor, or a tuple of anything. Tensors that require a gradient, however deep in
        tuples, lists and dicts, are differentiated; everything else is passed through.
    expected
        A function of the same inputs whose derivative the gradient is meant to be, if not the function's own.
    elsewhere
        The seed of the cotangents with which the gradient is asked elsewhere, before it is asked here; None
        where it is not.

    Attributes
    ----------
    tensors, names
        The tensors that are differentiated, and what to call them.
    inside
        Whether the function reads one of them that it closes over, and not the one that it is given. Then
        it is asked with the caller's own tensors, which are moved and put back.
    elsewhere
        The gradient where all inputs are somewhat smaller; None if it has no answer there.
    values
        The outputs of a first call, to compare a second with; None if there was none with copies of its own.
    meant
        The same question of `expected`, or None.

    Raises
    ------
    ValueError
        If no tensor requires a gradient, or what is expected returns other outputs.
    NotAskedError
        If a tensor that does is complex or sparse.

    """

    def __init__(
        self,
        function: Callable[..., Any],
        inputs: Any,
        expected: Callable[..., Any] | None = None,
        elsewhere: int | None = None,
    ) -> None:
        self.function = function
        self.expected = expected
        self.arguments = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
        paths, self.spec = pytree.tree_flatten_with_path(self.arguments)
        self.leaves = [leaf for _, leaf in paths]
        self.chosen = [
            k for k, leaf in enumerate(self.leaves) if isinstance(leaf, torch.Tensor) and leaf.requires_grad
        ]
        self.module = function if isinstance(function, torch.nn.Module) else None
        named = dict(self.module.named_parameters()) if self.module is not None else {}
        parameters = {name: x for name, x in named.items() if x.requires_grad}
        self.parameters = list(parameters)
        self.names = [_name(paths[k][0]) for k in self.chosen] + [f"parameter {name}" for name in parameters]
        self.tensors: Tensors = [*(self.leaves[k] for k in self.chosen), *parameters.values()]
        if not self.tensors:
            raise ValueError("at least one input must be a tensor that requires a gradient, and none does")
        for name, x in zip(self.names, self.tensors, strict=True):
            _refuse_other_than_real_and_dense(name, x)
        self.call = _caller(function)
        self.dtype: torch.dtype | None = None
        self.inside = False
        self.values: Tensors | None = None
        self.elsewhere = None if elsewhere is None else self._answer_elsewhere(elsewhere)
        self.inside = self.module is None and self._reads_what_it_closes_over()
        self.meant: Question | None = None
        if expected is not None:
            self.meant = Question(expected, inputs)
            _demand_the_same_outputs(self, self.meant)

    def widened(self) -> Question:
        """Return the same question in float64: every tensor of floating point is converted."""
        wide = copy.copy(self)
        wide.tensors = [copied(x, torch.float64) for x in self.tensors]
        wide.dtype, wide.values = torch.float64, None
        wide.meant = None if self.meant is None else self.meant.widened()
        return wide

    def at(self, tensors: Tensors) -> Question:
        """Return the same question at another point."""
        there = copy.copy(self)
        there.tensors, there.values = [copied(x) for x in tensors], None
        return there

    def shrunk(self) -> Question:
        """Return the same question where all inputs are somewhat smaller."""
        return self.at([SHRUNK * copied(x) for x in self.tensors])

    def _answer_elsewhere(self, seed: int) -> Tensors | None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # said at the point asked
                found = self.shrunk().run()
                return found.gradient(cotangents(found.outputs, seed))
        except Exception:  # noqa: BLE001  whatever a function does not like about other inputs
            return None

    def fresh(self, needing: Sequence[int] | None = None) -> Tensors:
        """Return copies of the tensors that are differentiated; all, or those of `needing`, require it."""
        return [copied(x).requires_grad_(needing is None or k in needing) for k, x in enumerate(self.tensors)]

    def run(
        self,
        given: Sequence[torch.Tensor] | None = None,
        watching: Callable[[Tensors], AbstractContextManager[Any]] = _unwatched,
    ) -> Pass:
        """Call the function with these tensors in place of its own, and with copies of all others.

        `watching` takes the others, and returns the context in which the function is called.
        """
        if self.inside:
            return self._run_inside(given, watching)
        given = self.fresh() if given is None else list(given)
        leaves = list(self.leaves)
        for k, x in zip(self.chosen, given[: len(self.chosen)], strict=True):
            leaves[k] = x
        kept = [k for k, x in enumerate(leaves) if isinstance(x, torch.Tensor) and k not in self.chosen]
        for k in kept:
            leaves[k] = self._own(leaves[k])
        others = [leaves[k] for k in kept]
        arguments = pytree.tree_unflatten(leaves, self.spec)
        state = self._state(given[len(self.chosen) :])
        with watching(others):
            found = self.call(arguments, state)
        return _passed(given, others, found)

    @contextmanager
    def holding(self, given: Sequence[torch.Tensor] | None) -> Iterator[None]:
        """Let the tensors that a function closes over hold other values: a backward reads them as well."""
        if given is None or not self.inside:
            yield
            return
        before = [copied(x) for x in self.tensors]
        try:
            _assign(self.tensors, given)
            yield
        finally:
            _assign(self.tensors, before)

    def _own(self, x: torch.Tensor) -> torch.Tensor:
        return copied(x, self.dtype if x.dtype.is_floating_point else None)

    def _state(self, parameters: Tensors) -> dict[str, torch.Tensor]:
        """Return a module's parameters and buffers: the given ones, and copies."""
        if self.module is None:
            return {}
        named = [*self.module.named_parameters(), *self.module.named_buffers()]
        moved = dict(zip(self.parameters, parameters, strict=True))
        return {name: moved[name] if name in moved else self._own(x) for name, x in named}

    def _run_inside(
        self,
        given: Sequence[torch.Tensor] | None,
        watching: Callable[[Tensors], AbstractContextManager[Any]],
    ) -> Pass:
        others = [
            x for k, x in enumerate(self.leaves) if isinstance(x, torch.Tensor) and k not in self.chosen
        ]
        with self.holding(given), watching(others):
            found = self.function(*self.arguments)
        return _passed(self.tensors, others, found)

    def _reads_what_it_closes_over(self) -> bool:
        """Lend the function copies, and see whether it reads its own tensors all the same.

        Autograd's graph tells of those that it differentiates, the mode of those that it detaches or reads
        beside what it was given.
        """
        reading = _Reading(self.tensors)
        lent = self.run(watching=lambda _: reading)
        own = replace(lent, inputs=self.tensors)
        self.values = [copied(x) for x in lent.outputs or lent.plain]
        return reading.found or any(
            theirs and not ours for theirs, ours in zip(reached(own), reached(lent), strict=True)
        )


class _Reading(TorchDispatchMode):  # type: ignore[misc]
    """Notices operations that are given the memory of some tensors."""

    def __init__(self, tensors: Tensors) -> None:
        super().__init__()
        self.spans = [_span(x) for x in tensors if x.numel()]
        self.found = False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation."""
        del types
        for x in pytree.tree_leaves((args, kwargs)):
            if isinstance(x, torch.Tensor) and x.layout == torch.strided and x.numel():
                first, end = _span(x)
                self.found = self.found or any(first < b and a < end for a, b in self.spans)
        return func(*args, **(kwargs or {}))


def _span(x: torch.Tensor) -> tuple[int, int]:
    """Return where the memory of a tensor begins and ends."""
    reach = sum((size - 1) * stride for size, stride in zip(x.shape, x.stride(), strict=True))
    return x.data_ptr(), x.data_ptr() + (reach + 1) * x.element_size()


def _caller(function: Callable[..., Any]) -> Callable[[tuple[Any, ...], dict[str, torch.Tensor]], Any]:
    """Return what calls a function, or a module with parameters and buffers in place of its own."""

    def of_arguments(arguments: tuple[Any, ...], _: dict[str, torch.Tensor]) -> Any:
        return function(*arguments)

    def of_a_module(arguments: tuple[Any, ...], state: dict[str, torch.Tensor]) -> Any:
        return torch.func.functional_call(function, state, arguments)

    return of_a_module if isinstance(function, torch.nn.Module) else of_arguments


def _demand_the_same_outputs(question: Question, meant: Question) -> None:
    if question.names != meant.names:
        raise ValueError(f"expected is differentiated for {meant.names}, the function for {question.names}")
    passes = (question.run(), meant.run())
    ours, theirs = ([tuple(x.shape) for x in found.outputs or found.plain] for found in passes)
    if ours != theirs:
        raise ValueError(f"expected returns outputs of shapes {theirs}, the function {ours}")


def graph(tensors: Sequence[torch.Tensor]) -> list[Any]:
    """Return the nodes of autograd's graph of some tensors, each once."""
    waiting = [x.grad_fn for x in tensors]
    found: dict[Any, None] = {}
    while waiting:
        node = waiting.pop()
        if node is not None and node not in found:
            found[node] = None
            waiting += [following for following, _ in node.next_functions]
    return list(found)


def once_only(gradient: Tensors) -> bool:
    """Return whether a backward behind this gradient was marked with `once_differentiable`."""
    return any(node.name() == "torch::autograd::Error" for node in graph(gradient))


def reached(found: Pass) -> list[bool]:
    """Return which of the inputs autograd's graph of the outputs leads to."""
    nodes = found.nodes()
    leaves = {id(node.variable) for node in nodes if hasattr(node, "variable")}
    inner = set(nodes)
    return [id(x) in leaves or (x.grad_fn is not None and x.grad_fn in inner) for x in found.inputs]


def cotangents(outputs: Tensors, seed: int) -> Tensors:
    """Draw a cotangent for each output, in its shape and dtype."""
    draw = np.random.default_rng([seed, _STREAM])
    return [
        torch.from_numpy(np.asarray(draw.normal(size=tuple(x.shape)))).to(x.device, x.dtype) for x in outputs
    ]


def copied(x: torch.Tensor, dtype: Any = None) -> torch.Tensor:
    """Return a copy of its own that requires no gradient; strides are kept where nothing overlaps."""
    with torch._C.DisableTorchFunction():  # noqa: SLF001  no mode is to take this for the function's own
        return x.detach().clone() if dtype is None else x.detach().to(dtype, copy=True)


def memory(x: torch.Tensor) -> int | None:
    """Return where a tensor's storage begins; None for one that is 0 everywhere and has no memory."""
    return None if x._is_zerotensor() else int(x.untyped_storage().data_ptr())  # noqa: SLF001  nowhere else


def share_memory(x: torch.Tensor, y: torch.Tensor) -> bool:
    """Whether two tensors lie in one storage."""
    return memory(x) is not None and memory(x) == memory(y)


def numbers(x: torch.Tensor) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the numbers of a tensor, in float64."""
    # A gradient that is 0 everywhere may have no memory; a clone has.
    found: np.ndarray[Any, np.dtype[np.float64]] = x.detach().clone().to("cpu", torch.float64).numpy()
    return found


def _passed(inputs: Tensors, others: Tensors, found: Any) -> Pass:
    floating = list(_floating(found))
    return Pass(
        inputs,
        others,
        [x for x in floating if x.requires_grad],
        [x for x in floating if not x.requires_grad],
    )


def _floating(found: Any) -> Iterator[torch.Tensor]:
    for k, leaf in enumerate(pytree.tree_leaves(found)):
        if isinstance(leaf, torch.Tensor) and (leaf.is_floating_point() or leaf.is_complex()):
            _refuse_other_than_real_and_dense(f"output {k}", leaf)
            yield leaf


def _assign(tensors: Tensors, values: Sequence[torch.Tensor]) -> None:
    """Write values into the caller's tensors; graphs that were recorded before stay valid."""
    with torch._C.DisableTorchFunction():  # noqa: SLF001  as above
        for x, value in zip(tensors, values, strict=True):
            x.data.copy_(value.detach())


def _dense(x: torch.Tensor) -> torch.Tensor:
    return x if x.layout == torch.strided else x.to_dense()


def _name(path: tuple[Any, ...]) -> str:
    return f"input {path[0].idx}{pytree.keystr(path[1:])}"


def _refuse_other_than_real_and_dense(name: str, x: torch.Tensor) -> None:
    if x.is_complex():
        raise NotAskedError(
            f"{name} is complex ({x.dtype}): complex derivatives are not checked here; "
            "check a function of the real and imaginary parts (torch.view_as_real, torch.view_as_complex)"
        )
    if x.layout != torch.strided:
        raise NotAskedError(
            f"{name} is sparse ({x.layout}): check a function of its values that makes the sparse tensor "
            "within, and call to_dense() on what it returns"
        )
