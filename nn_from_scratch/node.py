"""`Node`: a value that remembers how it was computed."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from typing import Any, final

import numpy as np

from nn_from_scratch import reverse
from nn_from_scratch.methods import Methods
from nn_from_scratch.rules import CAST, IDENTITY, NO_OPTIONS, RULES, Rule
from nn_from_scratch.values import FLOAT64, number_or_array, plain, strong


@final
class Node(Methods):
    """A number or an array, its gradient, and the operation it came from.

    Python's operators and numpy's functions work on nodes and give nodes. A graph keeps the values it was
    computed with: to assign to `value`, or to edit the array that `value` of a leaf gave, takes effect in
    what is computed afterwards.

    Parameters
    ----------
    value
        A real number, or what numpy makes an array of real numbers of; an array is copied. Integers and
        booleans become float64. A scalar node is a float64, and makes the result float64 even among float32
        arrays; a Python number does not.

    Raises
    ------
    TypeError
        If `value` is not made of real numbers.
    """

    # A leaf has no _rule. A computed scalar has _edges: two operands, the derivatives by them (None if not
    # yet known) and their values; any other computed node has _operands, their _values and _options.
    # _handed_out says that `value` gave a leaf's array away. The reverse pass counts consumers in _waiting.
    # fmt: off
    __slots__ = ("__weakref__", "_edges", "_grad", "_handed_out", "_operands",
                 "_options", "_rule", "_value", "_values", "_waiting")
    # fmt: on

    def __init__(self, value: Any) -> None:
        self._value = number_or_array(value, "Node")
        self._rule: Rule | None = None
        self._grad: Any = None
        self._edges: Any = None
        self._operands: Any = None
        self._values: Any = None
        self._handed_out = False
        self._waiting = 0

    @property
    def value(self) -> Any:
        """The number, or the array: live for a leaf, read-only for a computed node."""
        if type(self._value) is not np.ndarray:
            return self._value
        if self._rule is not None:
            view = self._value.view()
            view.flags.writeable = False
            return view
        if not self._handed_out:  # a graph may hold this array: give another away
            self._value = self._value.copy()
            self._handed_out = True
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        value = number_or_array(value, "Node.value")
        if self._rule is not None:  # what was computed moves to a node of its own, behind the assigned value
            computed = copy(self)
            self._rule, self._edges = IDENTITY, None
            self._operands, self._values, self._options = (computed,), (computed._value,), NO_OPTIONS
        self._value = value
        self._handed_out = False

    @property
    def grad(self) -> Any:
        """The gradient, in the shape of the value; zero before the first `backprop`."""
        grad = getattr(self, "_grad", None)
        if grad is None:
            grad = self._grad = plain(np.zeros_like(self._value))
        elif type(grad) is np.ndarray and self._rule is not None:
            grad = grad.copy()  # the cotangents of computed nodes may share memory
        return grad

    @grad.setter
    def grad(self, grad: Any) -> None:
        self._grad = None
        if type(grad) is not int or grad:  # zeroed before every pass: let that be fast
            grad = np.broadcast_to(number_or_array(grad, "Node.grad"), self.shape)
            self._grad = plain(np.array(grad, self.dtype))

    def backprop(self, cotangent: Any = None, *, create_graph: bool = False) -> None:
        """Differentiate this node by every node it was computed from.

        Adds to `grad` of every leaf, and sets `grad` of every computed node to its cotangent in this pass.

        Parameters
        ----------
        cotangent
            What the reverse pass starts from, in the shape of the value; 1 by default, for a scalar only.
        create_graph
            Make every `grad` a node, to be differentiated in turn.

        Raises
        ------
        ValueError
            If the value is an array and there is no cotangent, or if its shape is not that of the value.
        """
        reverse.accumulate(self, cotangent, create_graph)

    @staticmethod
    def apply(rule: Rule, operands: tuple[Any, ...], options: dict[str, Any]) -> "Node":
        """Compute one row of the table on nodes, numbers and arrays, and remember how.

        Raises
        ------
        TypeError, ValueError
            If an operand is not made of real numbers, or if the shapes do not fit.
        """
        values = [
            o._value if type(o) is Node and (o._rule is not None or not o._handed_out) else _snapshot(o, rule)
            for o in operands
        ]
        if rule.elementwise and len(values) <= 2 and type(values[0]) is type(values[-1]) is float:
            return _apply_to_scalars(rule, operands, values)
        for value in values:
            if type(value) is not float and value.dtype is not FLOAT64 and rule is not CAST:
                operands, values = _at_one_precision(operands, values)  # type: ignore[assignment]
                break
        try:
            value = plain(rule.compute(*values, **options))
        except ValueError as error:
            shapes = ", ".join(str(np.shape(value)) for value in values)
            raise ValueError(f"{rule.name} of shapes {shapes}: {error}") from error
        node = _computed(value, rule, None)
        node._operands, node._values, node._options = operands, values, options
        return node

    # Scalars, the everyday case, take a short way to the commonest operations: the derivatives at once

    def __add__(self, other: Any) -> "Node":
        x, y = self._value, other._value if type(other) is Node else other
        if type(x) is type(y) is float:
            return _computed(x + y, _ADD, (self, other, 1.0, 1.0, x, y))
        return Node.apply(_ADD, (self, other), NO_OPTIONS)

    def __sub__(self, other: Any) -> "Node":
        x, y = self._value, other._value if type(other) is Node else other
        if type(x) is type(y) is float:
            return _computed(x - y, _SUB, (self, other, 1.0, -1.0, x, y))
        return Node.apply(_SUB, (self, other), NO_OPTIONS)

    def __mul__(self, other: Any) -> "Node":
        x, y = self._value, other._value if type(other) is Node else other
        if type(x) is type(y) is float:
            return _computed(x * y, _MUL, (self, other, y, x, x, y))
        return Node.apply(_MUL, (self, other), NO_OPTIONS)

    def __truediv__(self, other: Any) -> "Node":
        x, y = self._value, other._value if type(other) is Node else other
        if type(x) is type(y) is float and y:
            z = x / y
            return _computed(z, _DIV, (self, other, 1 / y, -z / y, x, y))
        return Node.apply(_DIV, (self, other), NO_OPTIONS)

    def __pow__(self, other: Any) -> "Node":
        if type(other) in (int, float) and other == 2:
            x = self._value
            if type(x) is float:
                return _computed(x * x, _SQUARE, (self, None, x + x, None, x, None))
            return Node.apply(_SQUARE, (self,), NO_OPTIONS)
        return Node.apply(_POW, (self, other), NO_OPTIONS)

    def relu(self) -> "Node":
        """Return `relu` of each element: itself if positive, else 0."""
        x = self._value
        if type(x) is float:
            return _computed(0.0 if x < 0 else x, _RELU, (self, None, 1.0 if x > 0 else 0.0, None, x, None))
        return Node.apply(_RELU, (self,), NO_OPTIONS)

    __radd__ = __add__
    __rmul__ = __mul__


_ADD, _SUB, _MUL, _DIV = (RULES[name] for name in ("add", "sub", "mul", "div"))
_POW, _SQUARE, _RELU = (RULES[name] for name in ("pow", "square", "relu"))


def _apply_to_scalars(rule: Rule, operands: tuple[Any, ...], values: list[float]) -> Node:
    try:
        value = (rule.scalar or rule.compute)(*values)
    except (ArithmeticError, ValueError):  # outside the domain: numpy's result, and numpy's warning
        value = rule.compute(*values)
    if len(values) == 1:
        return _computed(float(value), rule, (*operands, None, None, None, *values, None))
    return _computed(float(value), rule, (*operands, None, None, *values))


def _snapshot(operand: Any, taker: Rule) -> Any:
    """Return the value of what is no node, or of a leaf whose array was handed out, as it is now."""
    return operand._value.copy() if type(operand) is Node else number_or_array(operand, taker.name)


def _at_one_precision(operands: tuple[Any, ...], values: list[Any]) -> tuple[list[Any], list[Any]]:
    """Cast operands and values to what numpy promotes them to; only Python numbers count for nothing."""
    dtype = np.result_type(*map(strong, operands, values))
    nodes = list(operands)
    for k, value in enumerate(values):
        if type(value) is not float and value.dtype != dtype:
            nodes[k] = CAST(nodes[k] if type(nodes[k]) is Node else value, dtype=dtype)
            values[k] = nodes[k]._value if type(nodes[k]) is Node else plain(nodes[k])
    return nodes, values


def _computed(value: Any, rule: Rule, edges: Any) -> Node:
    node = _new(Node)
    node._value = value
    node._rule = rule
    node._edges = edges
    node._waiting = 0
    if _chosen and not _recording.get():
        node.__init__(value)
    return node


_new = Node.__new__
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
