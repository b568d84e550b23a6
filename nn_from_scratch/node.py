"""`Node`: a value that remembers how it was computed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from copy import copy
from functools import wraps
from typing import Any, final

import numpy as np

from nn_from_scratch import reverse
from nn_from_scratch.methods import Methods, raw
from nn_from_scratch.rules import CAST, FLOAT64, IDENTITY, NO_OPTIONS, RULES, Function, Rule


@final
class Node(Methods):
    """A number or an array, its gradient, and the operation it came from.

    Python's operators and numpy's functions work on nodes and give nodes. A graph keeps the values it was
    computed with: to assign to `value`, or to edit the array that `value` of a leaf gave, takes effect in
    what is computed afterwards.

    `value` is a real number, or what numpy makes an array of real numbers of (a copy); integers and booleans
    become float64, and anything else is a TypeError. A scalar node is a float64 even among float32 arrays,
    unlike a Python number.
    """

    # A leaf has no _rule. A scalar of the short way has operands _left and _right, derivatives _dx and _dy by
    # them, their values _x and _y; any other computed node has operands, their values and options in _call.
    # _lent says that `value` gave a leaf's array away. The reverse pass counts consumers in _waiting.
    __slots__ = ("_call", "_dx", "_dy", "_grad", "_left", "_lent", "_right", "_rule", "_waiting", "_x", "_y")

    def __init__(self, value: Any) -> None:
        self._value: Any = _own(value, "Node")
        self._grad: Any = None
        self._rule: Any = None
        self._call: Any = None
        self._left = self._right = self._dx = self._dy = self._x = self._y = None
        self._lent, self._waiting = False, 0

    @property
    def value(self) -> Any:
        """The number, or the array: live for a leaf, read-only for a computed node."""
        if type(self._value) is np.ndarray and self._rule is not None:
            view = self._value.view()
            view.flags.writeable = False
            return view
        if type(self._value) is np.ndarray and not self._lent:  # a graph may hold this one
            self._value, self._lent = self._value.copy(), True
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        value = _own(value, "Node.value")
        if self._rule is not None:  # what was computed moves to a node of its own, behind the assigned value
            computed = copy(self)
            self._rule, self._call = IDENTITY, ((computed,), (computed._value,), NO_OPTIONS)
        self._value, self._lent = value, False

    @property
    def grad(self) -> Any:
        """The gradient, in the shape of the value; zero before the first `backprop`."""
        if getattr(self, "_grad", None) is None:
            self._grad = _plain(np.zeros_like(self._value))
        if type(self._grad) is np.ndarray and self._rule is not None:
            return self._grad.copy()  # the cotangents of computed nodes may share memory
        return self._grad

    @grad.setter
    def grad(self, grad: Any) -> None:
        self._grad = None
        if type(grad) is not int or grad:  # zeroed before every pass: let that be fast
            grad = np.broadcast_to(_own(grad, "Node.grad"), self.shape)
            self._grad = _plain(np.array(grad, self.dtype))

    def backprop(self, cotangent: Any = None, *, create_graph: bool = False) -> None:
        """Differentiate this node by every node it was computed from.

        Adds to `grad` of every leaf, and sets `grad` of every computed node to its cotangent in this pass.
        The pass starts from `cotangent`, in the shape of the value; 1 by default, for a scalar only. With
        `create_graph` every `grad` becomes a node, to be differentiated in turn.
        """
        reverse.accumulate(self, _seed(self, cotangent, create_graph), create_graph)

    @staticmethod
    def apply(rule: Rule, operands: Any, options: dict[str, Any]) -> "Node":
        """Compute a row on nodes, numbers and arrays, and remember how."""
        values = [o._value if type(o) is Node and not o._lent else _own(raw(o), rule.name) for o in operands]
        for value in values:
            if type(value) is not float and value.dtype is not FLOAT64 and rule is not CAST:
                operands, values = _at_one_precision(operands, values)
                break
        try:
            node = _computed(_compute(rule, values, options), rule, *(None,) * 6)
        except ValueError as error:
            shapes = ", ".join(str(np.shape(value)) for value in values)
            raise ValueError(f"{rule.name} of shapes {shapes}: {error}") from error
        if node._rule is not None:
            node._call = operands, values, options
        return node

    # Scalars, the everyday case, take a short way to the commonest operations: the derivatives at once

    def __add__(self, other: Any) -> "Node":
        x, y = self._value, other._value if type(other) is Node else other
        if type(x) is type(y) is float:
            return _computed(x + y, _ADD, self, other, 1.0, 1.0, x, y)
        return Node.apply(_ADD, (self, other), NO_OPTIONS)

    def __sub__(self: Any, other: Any) -> "Node":
        x = self._value if type(self) is Node else self  # a number, if reflected
        y = other._value if type(other) is Node else other
        if type(x) is type(y) is float:
            return _computed(x - y, _SUB, self, other, 1.0, -1.0, x, y)
        return Node.apply(_SUB, (self, other), NO_OPTIONS)

    def __mul__(self, other: Any) -> "Node":
        x, y = self._value, other._value if type(other) is Node else other
        if type(x) is type(y) is float:
            return _computed(x * y, _MUL, self, other, y, x, x, y)
        return Node.apply(_MUL, (self, other), NO_OPTIONS)

    def __truediv__(self, other: Any) -> "Node":
        x, y = self._value, other._value if type(other) is Node else other
        if type(x) is type(y) is float and y:
            z = x / y
            return _computed(z, _DIV, self, other, 1 / y, -z / y, x, y)
        return Node.apply(_DIV, (self, other), NO_OPTIONS)

    def __pow__(self, other: Any) -> "Node":
        x, kind = self._value, type(other)
        if type(x) is float and (kind is int or kind is float) and other == 2:
            return _computed(x * x, _SQUARE, self, None, x + x, None, x, None)
        return self.square() if kind is int and other == 2 else Node.apply(_POW, (self, other), NO_OPTIONS)

    def relu(self) -> "Node":
        """Return `relu` of each element: itself if positive, else 0."""
        x = self._value
        if type(x) is float:
            return _computed(0.0 if x < 0 else x, _RELU, self, None, 1.0 if x > 0 else 0.0, None, x, None)
        return Node.apply(_RELU, (self,), NO_OPTIONS)

    __radd__, __rmul__ = __add__, __mul__
    __rsub__: Function = lambda self, other: Node.__sub__(other, self)


_ADD, _SUB, _MUL, _DIV, _POW = map(RULES.__getitem__, ("add", "sub", "mul", "div", "pow"))
_SQUARE, _RELU = RULES["square"], RULES["relu"]


def _own(value: Any, taker: str) -> Any:
    """Return the value as a float or as an array of its own, integers and booleans as float64."""
    if type(value) is float:
        return value
    if type(value) is np.ndarray and value.dtype is FLOAT64 and value.ndim:
        return value.copy()
    try:
        if isinstance(value, int | np.integer | np.float64):
            return float(value)
        array = np.array(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(f"{taker}: expected real numbers, got {value!r}: {error}") from error
    if array.dtype.kind not in "iubf":
        raise TypeError(f"{taker}: expected real numbers, got {type(value).__name__} {value!r}")
    return _plain(array if array.dtype.kind == "f" else array.astype(np.float64))


def _plain(value: Any) -> Any:
    """Return a float64 without axes as a float, any other value without axes as numpy's scalar."""
    return (
        value if type(value) is float or value.ndim else float(value) if value.dtype == FLOAT64 else value[()]
    )


def _compute(rule: Rule, values: list[Any], options: dict[str, Any]) -> Any:
    if rule.scalar is not None and type(values[0]) is type(values[-1]) is float:
        with suppress(ArithmeticError, ValueError):  # outside the domain numpy gives a result and a warning
            return rule.scalar(*values)
    return _plain(rule.compute(*values, **options))


def _at_one_precision(operands: Any, values: list[Any]) -> tuple[list[Any], list[Any]]:
    """Cast operands and values to what numpy promotes them to; only Python numbers count for nothing."""
    kinds = [
        v if type(v) is not float or type(o) in _NUMBERS else FLOAT64
        for o, v in zip(operands, values, strict=True)
    ]
    dtype, nodes = np.result_type(*kinds), list(operands)
    for k, value in enumerate(values):
        if type(value) is not float and value.dtype != dtype:
            nodes[k] = CAST(nodes[k] if type(nodes[k]) is Node else value, dtype=dtype)
            values[k] = nodes[k]._value if type(nodes[k]) is Node else _plain(nodes[k])
    return nodes, values


def _computed(z: Any, rule: Rule, left: Any, right: Any, dx: Any, dy: Any, x: Any, y: Any) -> Node:  # noqa: PLR0917
    node = _new(Node)
    node._value, node._rule, node._call = z, rule, None
    node._left, node._dx, node._x = left, dx, x
    node._right, node._dy, node._y = right, dy, y
    node._lent, node._waiting = False, 0
    if _chosen and not _recording.get():
        node.__init__(z)
    return node


_new = Node.__new__
_NUMBERS = (int, float, bool)
_recording: ContextVar[bool] = ContextVar("recording", default=True)
_chosen = 0  # how many choices are open in any thread: without one, no operation need look it up


@contextmanager
def no_grad(*, recording: bool = False) -> Iterator[None]:
    """Compute, in this context or decorated function of this thread, without remembering how (or with)."""
    global _chosen  # noqa: PLW0603 - a count that is read at every operation
    token = _recording.set(recording)
    _chosen += 1
    try:
        yield
    finally:
        _chosen -= 1
        _recording.reset(token)


def _seed(output: Node, cotangent: Any, create_graph: bool) -> Any:
    """Return the cotangent that a reverse pass starts from, as a node if there is to be a graph."""
    if cotangent is None and type(output._value) is float and not create_graph:
        return 1.0
    if cotangent is None and output.shape:
        raise ValueError(f"backprop of an array of shape {output.shape} needs a cotangent of that shape")
    seed: Any = 1.0 if cotangent is None else cotangent
    seed = seed if type(seed) is Node else Node(_own(seed, "backprop"))
    if seed.shape != output.shape:
        raise ValueError(f"backprop of shape {output.shape} got a cotangent of shape {seed.shape}")
    seed = seed if seed.dtype == output.dtype else seed.astype(output.dtype)
    return seed if create_graph else _own(seed._value, "backprop")


def gradients(output: Node, inputs: Any, cotangent: Any = None, *, create_graph: bool = False) -> Any:
    """Return the gradient of a node by one node, or the list of those by several.

    It is zero by a node that the output does not depend on. `cotangent` and `create_graph` are those of
    `Node.backprop`; with `create_graph` gradients are nodes.
    """
    several = isinstance(inputs, list | tuple)
    nodes = inputs if several else [inputs]
    for node in (output, *nodes):
        if type(node) is not Node:
            raise TypeError(f"gradients: expected Nodes, got {type(node).__name__} {node!r}")
    found = reverse.cotangents(output, _seed(output, cotangent, create_graph), create_graph)
    result = [found.get(node, np.zeros(node.shape, node.dtype)) for node in nodes]
    result = [g if type(g) is Node else Node(g) if create_graph else _own(g, "gradients") for g in result]
    return result if several else result[0]


def value_and_gradient(function: Callable[..., Any]) -> Callable[..., tuple[Any, Any]]:
    """Return a function that gives the value of a scalar function of nodes, and its gradient.

    The gradient is by the argument, or the list of those by all arguments if there are several. Given nodes
    it gives nodes, so that it can be differentiated in turn.
    """

    @wraps(function)
    def with_gradient(*arguments: Any) -> tuple[Any, Any]:
        nested = any(type(argument) is Node for argument in arguments)
        with no_grad(recording=True):
            inputs = [IDENTITY(a) if type(a) is Node else Node(a) for a in arguments]
            output = function(*inputs)
            output = output if type(output) is Node else Node(output)
            found = gradients(output, inputs[0] if len(inputs) == 1 else inputs, create_graph=nested)
        return output if nested else output.value, found

    return with_gradient
