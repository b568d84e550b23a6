"""Stand-ins for array engines, each with the signatures of a well-known kind, and its adapter.

Of an adapter the code is counted: it is what somebody with such an engine would write.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import array_core as core
import numpy as np

from nn_from_scratch.verify import Engine, Spelling


class Torchlike(core.Operators):
    """``Tensor(data, requires_grad)``, dim and keepdim, view, transpose of two axes, cat of a list."""

    def __init__(self, data: Any, requires_grad: bool = False) -> None:
        self.hold(data)
        self.requires_grad = requires_grad

    def sum(self, dim: Any = None, keepdim: bool = False) -> Any:
        if dim is None and keepdim:
            raise ValueError("keepdim without dim")
        return core.total(self, dim, keepdim)

    def mean(self, dim: Any = None, keepdim: bool = False) -> Any:
        return core.mean(self, dim, keepdim)

    def view(self, *shape: int) -> Any:
        return core.reshape(self, shape)

    def expand(self, *shape: int) -> Any:
        return core.broadcast_to(self, shape)

    def transpose(self, dim0: int, dim1: int) -> Any:
        return core.swap(self, dim0, dim1)

    @staticmethod
    def cat(tensors: list[Any], dim: int = 0) -> Any:
        if not isinstance(tensors, list):
            raise TypeError("cat takes a list")
        return core.concatenate(tensors, dim)

    def backward(self, gradient: Any = None) -> None:
        core.walk(self, gradient)


def torchlike() -> Engine:
    return Engine.from_tape(
        variable=Torchlike,
        value="data",
        arrays=True,
        spelling=Spelling(
            axis="dim",
            keepdims="keepdim",
            whole_keepdims=False,
            sizes="apart",
            transpose="two",
            names={"reshape": "view", "broadcast_to": "expand", "concatenate": "cat"},
            matmul_ranks=(2,),
        ),
    )


class Functional(core.Operators):
    """Functions in a module, ``ops.sum(x, axis)``, and one axis only."""

    def __init__(self, data: Any) -> None:
        self.hold(data)

    def backward(self, out_grad: Any = None) -> None:
        core.walk(self, out_grad)


def _one_axis(x: Any, axis: int | None = None) -> Any:
    if isinstance(axis, (tuple, list)):
        raise TypeError("one axis only")
    return core.total(x, axis)


ops = SimpleNamespace(
    sum=_one_axis,
    mean=core.mean,
    reshape=lambda x, shape: core.reshape(x, [*shape]),
    transpose=core.transpose,
    concat=core.concatenate,
    exp=core.exp,
    log=core.log,
    tanh=core.tanh,
    maximum=core.maximum,
)


def functional() -> Engine:
    return Engine.from_tape(
        variable=Functional,
        value="data",
        arrays=True,
        spelling=Spelling(
            functions=ops,
            names={"concatenate": "concat"},
            axis="",
            axes=None,
            keepdims=None,
            matmul_ranks=(2,),
        ),
    )


class Permuting(core.Operators):
    """Sizes and orders one by one, ``x.cat(y, dim=0)``, several axes in a list."""

    def __init__(self, data: Any) -> None:
        self.hold(data)

    def sum(self, axis: list[int] | int | None = None, keepdim: bool = False) -> Any:
        if isinstance(axis, tuple):
            raise TypeError("axes are a list")
        return core.total(self, tuple(axis) if isinstance(axis, list) else axis, keepdim)

    def reshape(self, *shape: int) -> Any:
        return core.reshape(self, shape)

    def permute(self, *order: int) -> Any:
        return core.transpose(self, order)

    def cat(self, *others: Any, dim: int = 0) -> Any:
        return core.concatenate([self, *others], dim)

    def backward(self, gradient: Any = None) -> None:
        core.walk(self, gradient)


def permuting() -> Engine:
    return Engine.from_tape(
        variable=Permuting,
        value="data",
        arrays=True,
        spelling=Spelling(
            names={"transpose": "permute", "concatenate": "cat"},
            axes="list",
            keepdims="keepdim",
            sizes="apart",
            parts="apart",
            matmul_ranks=(2,),
            exceptions={"concatenate": {"axis": "dim"}},
        ),
    )


class Whole(core.Operators):
    """``sum()`` of all entries and nothing else, matrices, and a cotangent that is a tensor."""

    def __init__(self, data: Any) -> None:
        self.hold(data)

    def sum(self) -> Any:
        return core.total(self)

    def mean(self) -> Any:
        return core.mean(self)

    @property
    def T(self) -> Any:  # noqa: N802  numpy's name
        return core.transpose(self)

    def backward(self, grad: Whole | None = None) -> None:
        core.walk(self, None if grad is None else grad.data)


def whole() -> Engine:
    return Engine.from_tape(
        variable=Whole,
        value="data",
        arrays=True,
        spelling=Spelling(
            axis=None,
            keepdims=None,
            transpose="reversed",
            names={"transpose": "T"},
            matmul_ranks=(2,),
            cotangent="node",
        ),
    )


class Dezero(core.Operators):
    """Functions of a module, gradients that are variables, a backward without a cotangent."""

    def __init__(self, data: Any) -> None:
        if not isinstance(data, np.ndarray):
            raise TypeError(f"{type(data)} is not supported")
        self.hold(data)

    def backward(self) -> None:
        core.walk(self, np.ones_like(self.data))

    @property
    def gradient(self) -> Any:
        return None if self.grad is None else Dezero(np.asarray(self.grad))


F = SimpleNamespace(
    sum=core.total,
    reshape=core.reshape,
    transpose=core.transpose,
    broadcast_to=core.broadcast_to,
    exp=core.exp,
    tanh=core.tanh,
    matmul=core.matmul,
)


def dezero() -> Engine:
    return Engine.from_tape(
        variable=Dezero,
        value="data",
        gradient="gradient",
        arrays=True,
        spelling=Spelling(
            functions=F, leaves="array", cotangent=None, names={"matmul": "matmul"}, matmul_ranks=(2,)
        ),
    )


class ById(core.Operators):
    """A backward that returns the gradients, by id, and a sum over one axis that must be named."""

    def __init__(self, data: Any) -> None:
        self.hold(data)

    def sum(self, axis: int) -> Any:
        return core.total(self, axis)

    def backward(self, gradient: Any = None) -> dict[int, Any]:
        return {key: g for key, (_, g) in core.adjoints(self, gradient).items()}


def by_id() -> Engine:
    return Engine.from_tape(
        variable=ById,
        value="data",
        arrays=True,
        spelling=Spelling(axes=None, whole=False, keepdims=None, matmul_ranks=(2,), gradients="by id"),
    )


def differentiate(output: Any) -> Mapping[Any, Any]:
    """Return gradients in a table, by node, from a single number."""
    if output.data.size != 1:
        raise RuntimeError("the loss is a single number")
    return dict(core.adjoints(output).values())


class ByNode(core.Operators):
    """Gradients in a table, by node; ``sum(axis, keepdims)`` by position."""

    def __init__(self, data: Any) -> None:
        self.hold(data)

    def sum(self, axis: int | None = None, keepdims: bool = False) -> Any:
        return core.total(self, axis, keepdims)

    def reshape(self, shape: list[int]) -> Any:
        if not isinstance(shape, list):
            raise TypeError("a shape is a list")
        return core.reshape(self, shape)


def by_node() -> Engine:
    return Engine.from_tape(
        variable=ByNode,
        value="data",
        backward=differentiate,
        arrays=True,
        spelling=Spelling(
            axis="",
            axes=None,
            keepdims="",
            sizes="list",
            cotangent=None,
            gradients="by node",
            matmul_ranks=(2,),
        ),
    )


def grad(output: Any, inputs: list[Any], seed: Any = None) -> list[Any]:
    """Return the gradients that are asked for."""
    found = core.adjoints(output, seed)
    return [found[id(x)][1] if id(x) in found else None for x in inputs]


class Asked(core.Operators):
    """Gradients that are asked for, by a function of the output and the inputs."""

    def __init__(self, data: Any) -> None:
        self.hold(data)

    def sum(self, axes: tuple[int, ...] | int | None = None, keepdims: bool = False) -> Any:
        return core.total(self, axes, keepdims)


def asked() -> Engine:
    return Engine.from_tape(
        variable=Asked,
        value="data",
        backward=grad,
        arrays=True,
        spelling=Spelling(axis="axes", gradients="asked", matmul_ranks=(2,)),
    )


class Listed(core.Operators):
    """Leaves of nested lists, indices of tuples, no negative axes, no empty arrays."""

    def __init__(self, data: list[Any] | float) -> None:
        if isinstance(data, np.ndarray):
            raise TypeError("lists, please")
        self.hold(data)

    def __getitem__(self, where: Any) -> Any:
        items = where if isinstance(where, tuple) else (where,)
        if any(isinstance(item, list) for item in items):
            raise ValueError("an index has no lists")
        return core.index(self, where)

    def sum(self, axis: int | None = None) -> Any:
        if axis is not None and axis < 0:
            raise IndexError("no such axis")
        return core.total(self, axis)

    def backward(self, gradient: Any = None) -> None:
        core.walk(self, gradient)


def listed() -> Engine:
    return Engine.from_tape(
        variable=Listed,
        value="data",
        arrays=True,
        spelling=Spelling(
            leaves="list",
            index_arrays="tuple",
            negative_axes=False,
            axes=None,
            keepdims=None,
            empty=False,
            constants="numbers",
            matmul_ranks=(2,),
        ),
    )


class Closed(core.Node):
    """No constants: operands are tensors; no broadcasting."""

    def __init__(self, data: Any) -> None:
        self.hold(data)

    def __add__(self, other: Closed) -> Any:
        return self._same(core.add, other)

    def __sub__(self, other: Closed) -> Any:
        return self._same(core.sub, other)

    def __mul__(self, other: Closed) -> Any:
        return self._same(core.mul, other)

    def _same(self, operation: Any, other: Closed) -> Any:
        if self.data.shape != getattr(other, "data", np.zeros(0)).shape:
            raise ValueError("shapes differ")
        return operation(self, other)

    def tanh(self) -> Any:
        return core.tanh(self)

    def sum(self, axis: int | None = None) -> Any:
        return core.total(self, axis)

    def backward(self, gradient: Any = None) -> None:
        core.walk(self, gradient)


def closed() -> Engine:
    return Engine.from_tape(
        variable=Closed,
        value="data",
        arrays=True,
        spelling=Spelling(constants=None, broadcasts=False, axes=None, keepdims=None),
    )


class OneDimensional(core.Operators):
    """Results of one axis at least: the sum of all entries has the shape (1,)."""

    def hold(self, data: Any, *parts: Any) -> Any:
        whole = np.array(data, dtype=np.float64)
        shape = whole.shape
        raised = [(x, lambda g, pull=pull: pull(np.reshape(g, shape))) for x, pull in parts]
        super().hold(np.atleast_1d(whole), *raised)
        return self

    def __init__(self, data: Any) -> None:
        self.hold(data)

    def sum(self, axis: int | None = None, keepdims: bool = False) -> Any:
        return core.total(self, axis, keepdims)

    def reshape(self, *shape: int) -> Any:
        return core.reshape(self, shape)

    def backward(self, gradient: Any = None) -> None:
        if gradient is not None and np.shape(gradient) != self.data.shape:
            raise ValueError("another shape")
        core.walk(self, gradient)


def one_dimensional() -> Engine:
    return Engine.from_tape(
        variable=OneDimensional,
        value="data",
        arrays=True,
        spelling=Spelling(scalars="(1,)", axes=None, sizes="apart", matmul_ranks=(2,)),
    )


class Matrix(core.Operators):
    """Matrices only, and numbers: whatever has other axes is refused late, or wrong."""

    def __init__(self, data: Any) -> None:
        self.hold(data)
        if self.data.ndim not in (0, 2):
            raise AssertionError("a matrix has two axes")

    def sum(self) -> Any:
        return core.total(self)

    def dot(self, other: Matrix) -> Any:
        return core.matmul(self, other)

    def transpose(self) -> Any:
        return core.transpose(self)

    def backward(self, gradient: Any = None) -> None:
        core.walk(self, gradient)


def matrix() -> Engine:
    return Engine.from_tape(
        variable=Matrix,
        value="data",
        arrays=True,
        spelling=Spelling(
            ranks=(2,),
            axis=None,
            keepdims=None,
            names={"matmul": "dot"},
            transpose="reversed",
            index=(),
            lacks=("reshape",),
        ),
    )


class Masked(core.Operators):
    """Indices of integers and slices, for one axis; ``relu`` and ``maximum`` under other names."""

    def __init__(self, data: Any) -> None:
        self.hold(data)

    def __getitem__(self, where: Any) -> Any:
        if not isinstance(where, (int, slice)):
            raise KeyError(where)
        return core.index(self, where)

    def ReLU(self) -> Any:  # noqa: N802  the engine's name
        return core.relu(self)

    def max(self, other: Any) -> Any:
        return core.maximum(self, other)

    def sum(self, *axes: int, keepdims: bool = False) -> Any:
        return core.total(self, axes or None, keepdims)

    def backward(self, gradient: Any = None) -> None:
        core.walk(self, gradient)


def masked() -> Engine:
    return Engine.from_tape(
        variable=Masked,
        value="data",
        arrays=True,
        spelling=Spelling(
            index=("integer", "slice", "step"),
            names={"relu": "ReLU", "maximum": "max"},
            lacks=("max",),
            axis="",
            axes="apart",
            matmul_ranks=(2,),
        ),
    )


ADAPTERS = (
    *(torchlike, functional, permuting, whole, dezero, by_id, by_node, asked),
    *(listed, closed, one_dimensional, matrix, masked),
)
