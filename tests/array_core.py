"""A small reverse mode over numpy's arrays, right by construction, that stand-in engines are surfaces of.

Nodes are of whatever class asks: each has `data`, `grad` and `parts`, pairs of an operand and the function
that takes the node's adjoint to the operand's part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Pull = Callable[[Any], Any]


class Node:
    """What all stand-ins have inside."""

    data: Any
    grad: Any
    parts: tuple[tuple[Any, Pull], ...]

    def hold(self, data: Any, *parts: tuple[Any, Pull]) -> Any:
        """Fill the node; return it."""
        self.data, self.grad, self.parts = np.array(data, dtype=np.float64), None, parts
        return self


def made(like: Any, data: Any, *parts: tuple[Any, Pull]) -> Any:
    """Make a node of the class of another."""
    kind: Any = type(like)
    return kind.hold(kind.__new__(kind), data, *parts)


def lifted(*operands: Any) -> list[Any]:
    """Make nodes of constants beside nodes."""
    like = next(x for x in operands if isinstance(x, Node))
    return [x if isinstance(x, Node) else made(like, x) for x in operands]


def fitted(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum an adjoint over what was broadcast."""
    g = np.asarray(g)
    g = g.sum(tuple(range(g.ndim - len(shape))))
    return g.sum(tuple(k for k, n in enumerate(shape) if n == 1 and g.shape[k] != 1), keepdims=True)


def entrywise(value: Callable[..., Any], *slopes: Callable[..., Any]) -> Callable[..., Any]:
    """Return an operation on single entries, of nodes and constants."""

    def operation(*operands: Any) -> Any:
        like = next(x for x in operands if isinstance(x, Node))
        given = [x.data if isinstance(x, Node) else x for x in operands]

        def part(k: int) -> tuple[Any, Pull]:
            return operands[k], lambda g: fitted(g * slopes[k](*given), np.shape(given[k]))

        parts = [part(k) for k, x in enumerate(operands) if isinstance(x, Node)]
        return made(like, value(*given), *parts)

    return operation


add = entrywise(np.add, lambda x, y: 1.0, lambda x, y: 1.0)
sub = entrywise(np.subtract, lambda x, y: 1.0, lambda x, y: -1.0)
mul = entrywise(np.multiply, lambda x, y: y, lambda x, y: x)
div = entrywise(np.divide, lambda x, y: 1 / np.asarray(y), lambda x, y: -x / np.asarray(y) / y)
neg = entrywise(np.negative, lambda x: -1.0)
exp = entrywise(np.exp, np.exp)
log = entrywise(np.log, lambda x: 1 / x)
tanh = entrywise(np.tanh, lambda x: (1 / np.cosh(np.clip(x, -700, 700))) ** 2)
relu = entrywise(lambda x: np.maximum(x, 0.0), lambda x: x > 0)
maximum = entrywise(np.maximum, np.greater_equal, np.less)


def total(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Sum."""
    shape = np.shape(x.data)

    def pull(g: Any) -> Any:
        return np.broadcast_to(g if keepdims or axis is None else np.expand_dims(g, axis), shape)

    return made(x, x.data.sum(axis=axis, keepdims=keepdims), (x, pull))


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Average."""
    found = total(x, axis, keepdims)
    return div(found, float(x.data.size // max(found.data.size, 1)))


def reshape(x: Any, shape: Any) -> Any:
    """Give another shape."""
    return made(x, x.data.reshape(shape), (x, lambda g: g.reshape(x.data.shape)))


def transpose(x: Any, axes: Any = None) -> Any:
    """Permute the axes, or reverse them."""
    axes = tuple(range(x.data.ndim))[::-1] if axes is None else tuple(axes)
    return made(
        x, x.data.transpose(axes), (x, lambda g: g.transpose(np.argsort(np.arange(len(axes))[[*axes]])))
    )


def swap(x: Any, first: int, second: int) -> Any:
    """Swap two axes."""
    return made(x, x.data.swapaxes(first, second), (x, lambda g: g.swapaxes(first, second)))


def broadcast_to(x: Any, shape: Any) -> Any:
    """Broadcast."""
    return made(x, np.broadcast_to(x.data, shape), (x, lambda g: fitted(g, x.data.shape)))


def concatenate(xs: Sequence[Any], axis: int = 0) -> Any:
    """Join along an axis."""
    xs = lifted(*xs)
    ends = np.cumsum([x.data.shape[axis] for x in xs])[:-1]

    def part(k: int) -> tuple[Any, Pull]:
        return xs[k], lambda g: np.split(g, ends, axis)[k]

    return made(xs[0], np.concatenate([x.data for x in xs], axis), *map(part, range(len(xs))))


def index(x: Any, where: Any) -> Any:
    """Take entries."""

    def pull(g: Any) -> Any:
        found = np.zeros_like(x.data)
        np.add.at(found, where, g)
        return found

    return made(x, x.data[where], (x, pull))


def matmul(x: Any, y: Any) -> Any:
    """Multiply matrices, of two axes each."""
    x, y = lifted(x, y)
    return made(x, x.data @ y.data, (x, lambda g: g @ y.data.T), (y, lambda g: x.data.T @ g))


def adjoints(output: Any, cotangent: Any = None) -> dict[int, tuple[Any, Any]]:
    """Return by id every node that the output depends on, with its adjoint."""
    order: list[Any] = []
    known: set[int] = set()
    waiting = [(output, False)]
    while waiting:
        node, is_done = waiting.pop()
        if is_done:
            order.append(node)
        elif id(node) not in known:
            known.add(id(node))
            waiting += [(node, True), *((operand, False) for operand, _ in node.parts)]
    seed = np.ones_like(output.data) if cotangent is None else np.array(cotangent, dtype=np.float64)
    found: dict[int, Any] = {id(output): seed}
    for node in reversed(order):
        for operand, pull in node.parts:
            part = np.array(pull(found[id(node)]))
            found[id(operand)] = found[id(operand)] + part if id(operand) in found else part
    return {id(node): (node, found[id(node)]) for node in order}


def walk(output: Any, cotangent: Any = None) -> None:
    """Run the reverse pass, adding to the gradients of leaves."""
    for node, g in adjoints(output, cotangent).values():
        if not node.parts:
            node.grad = g if node.grad is None else node.grad + g


class Operators(Node):
    """Python's operators, of nodes and of constants on either side."""

    __array_ufunc__ = None

    def __add__(self, other: Any) -> Any:
        return add(self, other)

    def __radd__(self, other: Any) -> Any:
        return add(other, self)

    def __sub__(self, other: Any) -> Any:
        return sub(self, other)

    def __rsub__(self, other: Any) -> Any:
        return sub(other, self)

    def __mul__(self, other: Any) -> Any:
        return mul(self, other)

    def __rmul__(self, other: Any) -> Any:
        return mul(other, self)

    def __truediv__(self, other: Any) -> Any:
        return div(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return div(other, self)

    def __neg__(self) -> Any:
        return neg(self)

    def __matmul__(self, other: Any) -> Any:
        return matmul(self, other)

    def __getitem__(self, where: Any) -> Any:
        return index(self, where)

    def tanh(self) -> Any:
        return tanh(self)

    def exp(self) -> Any:
        return exp(self)

    def relu(self) -> Any:
        return relu(self)
