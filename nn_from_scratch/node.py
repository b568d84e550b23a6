"""`Node`: a value that remembers how it was computed, so that it can be differentiated.

Reverse mode in four sentences. A node holds a value and, unless it was given that value (a *leaf*), the call
that computed it: a rule, the operands, and the values they had. Every rule knows its derivative: it takes the
*cotangent* of its result, which is the derivative of the output by it, back to its operands (`rule`). One
loop starts from the output, whose cotangent is 1, visits every node after all that were computed from it, and
adds to its operands' cotangents what its rule takes back (`reverse`). What has arrived at a leaf in the end
is the gradient.

`Node.apply` is how every operation comes to be, and all there is to know. The commonest operations on scalars
have a short way beside it, at the end of the class, for speed alone.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import replace
from functools import wraps
from typing import Any, TypeAlias, final

import numpy as np

from nn_from_scratch import reverse
from nn_from_scratch.numpy_functions import NumpyFunctions
from nn_from_scratch.rule import (
    CAST,
    IDENTITY,
    LEAF,
    LENT_LEAF,
    NO_OPTIONS,
    Operand,
    Options,
    Rule,
    Value,
    at_one_precision,
    value_of,
)
from nn_from_scratch.rules import RULES
from nn_from_scratch.values import FLOAT64, own_value, without_axes

Call: TypeAlias = tuple[Sequence[Operand], Sequence[Value], Options]
"""The operands of a rule, the values they had when it was applied, and its options."""


@final
class Node(NumpyFunctions):
    """A number or an array, its gradient, and the operation it came from.

    Python's operators and numpy's functions work on nodes and give nodes. A graph keeps the values it was
    computed with: to assign to `value`, or to edit the array that `value` of a leaf gave, takes effect in
    what is computed afterwards.

    Parameters
    ----------
    value
        A real number, or what numpy makes an array of real numbers of (a copy); integers and booleans become
        float64, and anything else is a TypeError. A scalar node is a float64 even among float32 arrays,
        unlike a Python number.

    """

    # Every node has its `_value`, a slot of the base class, and
    #   _grad         its gradient: None, or unset, before a reverse pass has been here;
    #   _rule         what computed it: LEAF or LENT_LEAF if it was given;
    #   _consumers    in a reverse pass, how many nodes have yet to hand it their part of its cotangent;
    # and what the rule was applied to:
    #   _call         the operands, the values they had, and options;
    # or, if the short way of scalars made it, as its rule says (`Rule.of_floats`), in place of `_call`
    #   _left, _right one operand or two;
    #   _x, _y        the values they had;
    #   _dx, _dy      the partial derivatives by them.
    # Operands and values in one tuple, and partial derivatives computed on the way back, take a scalar graph
    # 15 % more time.
    __slots__ = ("_call", "_consumers", "_dx", "_dy", "_grad", "_left", "_right", "_rule", "_x", "_y")

    _call: Call
    _consumers: int
    _grad: Any
    _rule: Rule
    _left: Operand
    _right: Operand
    _x: float
    _y: float | None
    _dx: float
    _dy: float | None

    def __init__(self, value: Any) -> None:
        self._value = own_value(value, "Node")
        self._grad = None
        self._rule = LEAF
        self._call = _NO_CALL
        self._consumers = 0

    @property
    def value(self) -> Any:
        """The number, or the array: live for a leaf, read-only for a computed node."""
        if type(self._value) is not np.ndarray:
            return self._value
        if not self._rule.is_leaf:
            view = self._value.view()
            view.flags.writeable = False
            return view
        if self._rule is LEAF:  # a graph may hold this array: lend out another, which operations copy
            self._value = self._value.copy()
            self._rule = LENT_LEAF
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        value = own_value(value, "Node.value")
        if self._rule.is_leaf:
            self._rule = LEAF
        else:  # what was computed moves to a node of its own, behind the assigned value
            computed = copy(self)
            self._rule = IDENTITY
            self._call = (computed,), (computed._value,), NO_OPTIONS
        self._value = value

    @property
    def grad(self) -> Any:
        """The gradient, in the shape and precision of the value; zero before the first `backprop`."""
        if getattr(self, "_grad", None) is None:
            self._grad = without_axes(np.zeros_like(self._value))
        if type(self._grad) is np.ndarray and not self._rule.is_leaf:
            return self._grad.copy()  # the cotangents of computed nodes may share memory
        return self._grad

    @grad.setter
    def grad(self, grad: Any) -> None:
        if type(grad) is int and grad == 0:  # as before every pass of training: let that be fast
            self._grad = None
        else:
            grad = np.broadcast_to(own_value(grad, "Node.grad"), self.shape)
            self._grad = without_axes(np.array(grad, self.dtype))

    def backprop(self, cotangent: Any = None, *, create_graph: bool = False) -> None:
        """Differentiate this node by every node it was computed from.

        Adds to `grad` of every leaf, and sets `grad` of every computed node to its cotangent in this pass.

        Parameters
        ----------
        cotangent
            What the pass starts from, in the shape of the value: a node, a number or an array. 1 by default,
            for a scalar only. A ValueError if it has another shape, or is needed and missing.
        create_graph
            Whether every `grad` becomes a node, to be differentiated in turn.

        """
        reverse.accumulate(self, _seed(self, cotangent, create_graph), create_graph)

    @staticmethod
    def apply(rule: Rule, operands: Sequence[Operand], options: Options) -> "Node":
        """Compute an operation, and remember how.

        Parameters
        ----------
        rule
            Of the operation.
        operands
            Nodes, numbers and arrays. What is no real number is a TypeError that names the rule, and shapes
            that do not fit are a ValueError that names them too.
        options
            Those of the rule, all of them.

        """
        values = [
            operand._value
            if type(operand) is Node and operand._rule is not LENT_LEAF
            else own_value(value_of(operand), rule.name)
            for operand in operands
        ]
        for value in values:
            if type(value) is not float and value.dtype is not FLOAT64 and rule is not CAST:
                operands, values = at_one_precision(operands, values)
                break
        try:
            value = rule.evaluate(values, options)
        except ValueError as error:
            shapes = ", ".join(str(np.shape(value)) for value in values)
            raise ValueError(f"{rule.name} of shapes {shapes}: {error}") from error
        if _open_choices and not _recording.get():
            return Node(value)
        node = _new(Node)
        node._value = value
        node._rule = rule
        node._call = operands, values, options
        node._consumers = 0
        return node

    # The short way of scalars. Half of what `Node.apply` does for two floats is for arrays alone: lists of
    # operands, precision, broadcasting. Where all operands are floats these operators compute the value and
    # the partial derivatives at once, and put all into slots, so that the reverse pass need only multiply. A
    # graph of scalars takes a quarter of the time, forward and back, and half of the memory; the README's
    # training loop five sixths of the time.

    def __add__(self, other: Operand) -> "Node":
        x, y = self._value, other._value if type(other) is Node else other
        if type(x) is type(y) is float:
            return _of_floats(x + y, _ADD, self, other, x, y, 1.0, 1.0)
        return Node.apply(RULES["add"], (self, other), NO_OPTIONS)

    __radd__ = __add__

    def __sub__(self, other: Operand) -> "Node":
        x, y = self._value, other._value if type(other) is Node else other
        if type(x) is type(y) is float:
            return _of_floats(x - y, _SUB, self, other, x, y, 1.0, -1.0)
        return Node.apply(RULES["sub"], (self, other), NO_OPTIONS)

    def __rsub__(self, other: Operand) -> "Node":
        y = self._value
        if type(other) is type(y) is float:
            return _of_floats(other - y, _SUB, other, self, other, y, 1.0, -1.0)
        return Node.apply(RULES["sub"], (other, self), NO_OPTIONS)

    def __mul__(self, other: Operand) -> "Node":
        x, y = self._value, other._value if type(other) is Node else other
        if type(x) is type(y) is float:
            return _of_floats(x * y, _MUL, self, other, x, y, y, x)
        return Node.apply(RULES["mul"], (self, other), NO_OPTIONS)

    __rmul__ = __mul__

    def __truediv__(self, other: Operand) -> "Node":
        x, y = self._value, other._value if type(other) is Node else other
        if type(x) is type(y) is float and y:  # numpy divides by zero, with a warning
            z = x / y
            return _of_floats(z, _DIV, self, other, x, y, 1 / y, -z / y)
        return Node.apply(RULES["div"], (self, other), NO_OPTIONS)

    def __pow__(self, other: Operand) -> "Node":
        x, kind = self._value, type(other)
        if type(x) is float and (kind is int or kind is float) and other == 2:
            return _of_floats(x * x, _SQUARE, self, None, x, None, x + x, None)
        if kind is int and other == 2:
            return Node.apply(RULES["square"], (self,), NO_OPTIONS)
        return Node.apply(RULES["pow"], (self, other), NO_OPTIONS)

    def relu(self) -> "Node":
        """Return each element where it is positive, else 0; the derivative at 0 is 0."""
        x = self._value
        if type(x) is float:
            return _of_floats(0.0 if x < 0 else x, _RELU, self, None, x, None, 1.0 if x > 0 else 0.0, None)
        return Node.apply(RULES["relu"], (self,), NO_OPTIONS)


_new = Node.__new__  # without __init__, whose checks what was computed needs not
_NO_CALL: Call = (), (), NO_OPTIONS


def _of_floats(  # noqa: PLR0917 - of all calls the commonest
    z: float,
    rule: Rule,
    left: Operand,
    right: Operand,
    x: float,
    y: float | None,
    dx: float,
    dy: float | None,
) -> Node:
    """Return the node of an operation on one float (then the right is None) or two: see `Node.__slots__`."""
    if _open_choices and not _recording.get():
        return Node(z)
    node = _new(Node)
    node._value = z  # a slot a statement: a tuple of several is built
    node._rule = rule
    node._left = left
    node._right = right
    node._x = x
    node._y = y
    node._dx = dx
    node._dy = dy
    node._consumers = 0
    return node


def _rule_of_floats(name: str) -> Rule:
    return replace(RULES[name], of_floats=True)


_ADD = _rule_of_floats("add")
_SUB = _rule_of_floats("sub")
_MUL = _rule_of_floats("mul")
_DIV = _rule_of_floats("div")
_SQUARE = _rule_of_floats("square")
_RELU = _rule_of_floats("relu")


# Whether operations are remembered: in this thread, or task

_recording: ContextVar[bool] = ContextVar("recording", default=True)
_open_choices = 0
"""How many `no_grad` are open in any thread: while there is none, no operation need look `_recording` up."""


@contextmanager
def no_grad(*, recording: bool = False) -> Iterator[None]:
    """Compute, in this context or decorated function of this thread, without remembering how.

    With `recording` operations are remembered, though a `no_grad` around this one says otherwise.
    """
    global _open_choices  # noqa: PLW0603 - read at every operation
    token = _recording.set(recording)
    _open_choices += 1
    try:
        yield
    finally:
        _open_choices -= 1
        _recording.reset(token)


# Differentiating


def _seed(output: Node, cotangent: Any, create_graph: bool) -> Any:
    """Return the cotangent that a reverse pass starts from, as a node if there is to be a graph."""
    if cotangent is None and type(output._value) is float and not create_graph:
        return 1.0
    if cotangent is None and output.shape:
        raise ValueError(f"backprop of an array of shape {output.shape} needs a cotangent of that shape")
    given = 1.0 if cotangent is None else cotangent
    seed = given if type(given) is Node else Node(own_value(given, "backprop"))
    if seed.shape != output.shape:
        raise ValueError(f"backprop of shape {output.shape} got a cotangent of shape {seed.shape}")
    if seed.dtype != output.dtype:
        seed = seed.astype(output.dtype)
    return seed if create_graph else own_value(seed._value, "backprop")


def gradients(output: Node, inputs: Any, cotangent: Any = None, *, create_graph: bool = False) -> Any:
    """Return the gradient of a node by one node, or the list of those by several.

    No `grad` changes.

    Parameters
    ----------
    output
        What is differentiated.
    inputs
        A node, or a list or tuple of nodes: leaves or computed ones. Anything else is a TypeError.
    cotangent
        As in `Node.backprop`.
    create_graph
        Whether gradients are nodes, to be differentiated in turn.

    Returns
    -------
    float, array, Node, or a list of these
        Each in the shape and precision of its input; zero by a node that the output does not depend on.

    """
    several = isinstance(inputs, list | tuple)
    nodes = inputs if several else [inputs]
    for node in (output, *nodes):
        if type(node) is not Node:
            raise TypeError(f"gradients: expected Nodes, got {type(node).__name__} {node!r}")
    cotangents = reverse.cotangents(output, _seed(output, cotangent, create_graph), create_graph)
    found = []
    for node in nodes:
        gradient = cotangents.get(node, np.zeros(node.shape, node.dtype))
        if type(gradient) is not Node:
            gradient = Node(gradient) if create_graph else own_value(gradient, "gradients")
        found.append(gradient)
    return found if several else found[0]


def value_and_gradient(function: Callable[..., Any]) -> Callable[..., tuple[Any, Any]]:
    """Return a function that gives the value of a scalar function of nodes, and its gradient.

    The gradient is by the argument, or the list of those by all arguments if there are several. Given numbers
    and arrays it gives such; given nodes it gives nodes, so that it can be differentiated in turn.
    """

    @wraps(function)
    def with_gradient(*arguments: Any) -> tuple[Any, Any]:
        nested = any(type(argument) is Node for argument in arguments)
        with no_grad(recording=True):
            # nodes of our own: of an argument given twice each place has its own gradient
            inputs = [IDENTITY(a) if type(a) is Node else Node(a) for a in arguments]
            result = function(*inputs)
            output = result if type(result) is Node else Node(result)
            gradient = gradients(output, inputs[0] if len(inputs) == 1 else inputs, create_graph=nested)
        return output if nested else output.value, gradient

    return with_gradient
