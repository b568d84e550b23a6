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

import sys
from collections.abc import Sequence
from copy import copy
from typing import Any, TypeAlias, final

import numpy as np

from nn_from_scratch import changes, recording, reverse
from nn_from_scratch.numpy_functions import REFLECTED, NumpyFunctions
from nn_from_scratch.refusals import no_plain_number, of_shapes
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
    #   _call         the operands, the values they had, and options; then `_left` is None;
    # or, if the short way of scalars made it,
    #   _left, _right the operands: a node, and a node, a number or None;
    #   _dx, _dy      the partial derivatives by them;
    # or, if it is a row of a batch, `_call` without options, and
    #   _dx           which row.
    # The values that the operands of the short way had are among its partial derivatives, or make
    # no difference (`Rule.of_floats`).
    # To set a slot takes a fortieth of the time of an operation; to have fewer has made scalars faster twice.
    __slots__ = ("_call", "_consumers", "_dx", "_dy", "_grad", "_left", "_right", "_rule")

    _call: Call
    _consumers: int
    _grad: Any
    _rule: Rule
    _left: "Node | None"
    _right: Operand
    _dx: float
    _dy: float

    def __init__(self, value: Any) -> None:
        self._value = own_value(value, "Node")
        self._grad = None
        self._rule = LEAF
        self._left = None
        self._call = _NO_CALL
        self._consumers = 0

    @property
    def value(self) -> Any:
        """The number, or the array: live for a leaf, read-only for a computed node."""
        value = self._value
        if type(value) is not np.ndarray:
            return value
        if self._rule is LEAF:  # a graph may hold this array: lend out another, which operations copy
            value = value.copy()
            self._rule = LENT_LEAF  # first: a thread that finds it copies
            self._value = value
            changes.values = object()
        elif self._rule is not LENT_LEAF:
            value = value.view()
            value.flags.writeable = False
        return value

    @value.setter
    def value(self, value: Any) -> None:
        rule = self._rule
        if rule is LENT_LEAF:  # which is a change that is known: no `Moment` relies on its value
            is_own = value is self._value  # of `node.value += 1`
            self._value = value.copy() if is_own else own_value(value, "Node.value")
            self._rule = LEAF
            return
        value = own_value(value, "Node.value")
        if rule is not LEAF:  # what was computed moves to a node of its own, behind the assigned value
            computed = copy(self)
            self._rule = IDENTITY
            self._left = None
            self._call = (computed,), (computed._value,), NO_OPTIONS
        self._value = value
        changes.values = object()

    @property
    def grad(self) -> Any:
        """The gradient, in the shape and precision of the value; zero before the first `backprop`."""
        try:
            grad = self._grad
        except AttributeError:  # no pass has been here
            grad = None
        if grad is None:
            value = self._value
            self._grad = grad = 0.0 if type(value) is float else without_axes(np.zeros_like(value))
        if type(grad) is np.ndarray and not self._rule.is_leaf:
            return grad.copy()  # the cotangents of computed nodes may share memory
        return grad

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
        reverse.accumulate(self, starting_cotangent(self, cotangent, create_graph), create_graph)

    @staticmethod
    def apply(rule: Rule, operands: Sequence[Operand], options: Options) -> "Node":
        """Compute an operation, and remember how.

        Parameters
        ----------
        rule
            Of the operation.
        operands
            Nodes, numbers and arrays. What is no real number is a TypeError that names the rule, and shapes
            that do not fit are a ValueError that names them too, numpy's AxisError or LinAlgError if it is
            one.
        options
            Those of the rule, all of them.

        """
        values = []
        of_float64 = True
        for operand in operands:
            if type(operand) is Node and operand._rule is not LENT_LEAF:
                value = operand._value
            else:
                value = own_value(value_of(operand), rule.name)
            if type(value) is not float and value.dtype is not FLOAT64:
                of_float64 = False
            values.append(value)
        if not of_float64 and rule is not CAST:
            operands, values = at_one_precision(operands, values)
        try:
            value = rule.evaluate(values, options)
        except ValueError as error:
            raise of_shapes(rule.name, values, error) from error
        if recording.open_choices and not recording.is_on():
            return Node(value)
        node = _new(Node)
        node._value = value
        node._rule = rule
        node._left = None
        node._call = operands, values, options
        node._consumers = 0
        return node

    def __float__(self) -> float:
        if recording.is_on():
            raise TypeError(no_plain_number(sys._getframe(1)))
        return float(self._value)

    def __int__(self) -> int:
        if recording.is_on():
            raise TypeError(no_plain_number(sys._getframe(1)))
        return int(self._value)

    __trunc__ = __int__

    # The short way of scalars. Half of what `Node.apply` does for two floats is for arrays alone: lists of
    # operands, precision, broadcasting. Where all operands are floats these operators compute the value and
    # the partial derivatives at once, and put all into slots, so that the reverse pass need only multiply. A
    # graph of scalars takes a fifth of the time, forward and back, and half of the memory. They say the same
    # six times, a slot a statement, because a call costs as much as four slots, and a tuple of several values
    # would be built.

    def __add__(self, other: Operand) -> "Node":
        x = self._value
        y = other._value if type(other) is Node else other
        if type(x) is type(y) is float:
            node = _new(Node)
            node._value = x + y
            node._rule = _ADD
            node._left = self
            node._right = other
            node._dx = node._dy = 1.0
            node._consumers = 0
            return _forgotten(node) if recording.open_choices else node
        return Node.apply(RULES["add"], (self, other), NO_OPTIONS)

    def __radd__(self, other: Operand) -> "Node":
        # Python's `sum` starts from the integer 0
        return self + (0.0 if type(other) is int and not other else other)

    def __sub__(self, other: Operand) -> "Node":
        x = self._value
        y = other._value if type(other) is Node else other
        if type(x) is type(y) is float:
            node = _new(Node)
            node._value = x - y
            node._rule = _SUB
            node._left = self
            node._right = other
            node._dx = 1.0
            node._dy = -1.0
            node._consumers = 0
            return _forgotten(node) if recording.open_choices else node
        return Node.apply(RULES["sub"], (self, other), NO_OPTIONS)

    def __rsub__(self, other: Operand) -> "Node":
        x = self._value
        if type(x) is type(other) is float:
            node = _new(Node)
            node._value = other - x
            node._rule = _SUB_FROM
            node._left = self
            node._right = other
            node._dx = -1.0
            node._dy = 1.0
            node._consumers = 0
            return _forgotten(node) if recording.open_choices else node
        return Node.apply(RULES["sub"], (other, self), NO_OPTIONS)

    def __mul__(self, other: Operand) -> "Node":
        x = self._value
        y = other._value if type(other) is Node else other
        if type(x) is type(y) is float:
            node = _new(Node)
            node._value = x * y
            node._rule = _MUL
            node._left = self
            node._right = other
            node._dx = y
            node._dy = x
            node._consumers = 0
            return _forgotten(node) if recording.open_choices else node
        return Node.apply(RULES["mul"], (self, other), NO_OPTIONS)

    __rmul__ = __mul__

    def __truediv__(self, other: Operand) -> "Node":
        x = self._value
        y = other._value if type(other) is Node else other
        if type(x) is type(y) is float and y:  # numpy divides by zero, with a warning
            node = _new(Node)
            node._value = z = x / y
            node._rule = _DIV
            node._left = self
            node._right = other
            node._dx = 1 / y
            node._dy = -z / y
            node._call = (), (x, y), NO_OPTIONS
            node._consumers = 0
            return _forgotten(node) if recording.open_choices else node
        return Node.apply(RULES["div"], (self, other), NO_OPTIONS)

    def __pow__(self, other: Operand) -> "Node":
        x = self._value
        kind = type(other)
        if type(x) is float and (kind is int or kind is float) and other == 2:
            node = _new(Node)
            node._value = x * x
            node._rule = _SQUARE
            node._left = self
            node._right = None
            node._dx = x + x
            node._dy = x
            node._consumers = 0
            return _forgotten(node) if recording.open_choices else node
        if kind is int and other == 2:
            return Node.apply(RULES["square"], (self,), NO_OPTIONS)
        return Node.apply(RULES["pow"], (self, other), NO_OPTIONS)

    def relu(self) -> "Node":
        """Return each element where it is positive, else 0; the derivative at 0 is 0."""
        x = self._value
        if type(x) is float:
            node = _new(Node)
            node._value = 0.0 if x < 0 else x
            node._rule = _RELU
            node._left = self
            node._right = None
            node._dx = 1.0 if x > 0 else 0.0
            node._dy = x
            node._consumers = 0
            return _forgotten(node) if recording.open_choices else node
        return Node.apply(RULES["relu"], (self,), NO_OPTIONS)


REFLECTED.update({np.add: Node.__add__, np.subtract: Node.__rsub__, np.multiply: Node.__rmul__})
_new = Node.__new__  # without __init__, whose checks what was computed needs not
_NO_CALL: Call = (), (), NO_OPTIONS


def _forgotten(node: Node) -> Node:
    """Return a node of the short way, or a leaf of its value where nothing is remembered."""
    return node if recording.is_on() else Node(node._value)


# The rules of the short way: those of the table, and how to tell from a node the values its operands had


def _summands(node: Node) -> tuple[float, ...]:
    """Return floats: the derivatives of a sum do not depend on its operands."""
    values = [value_of(operand) for operand in (node._left, node._right)]
    return tuple(value if type(value) is float else 0.0 for value in values)


def _factors(node: Node) -> tuple[float, ...]:
    return node._dy, node._dx


def _quotient(node: Node) -> tuple[float, ...]:
    _, values, _ = node._call
    return tuple(values)


def _argument(node: Node) -> tuple[float, ...]:
    return (node._dy,)


_ADD = RULES["add"].replace(of_floats=_summands)
_SUB = RULES["sub"].replace(of_floats=_summands)
_SUB_FROM = _SUB.replace(compute=lambda x, y: y - x, derivatives=_SUB.derivatives[::-1])
_MUL = RULES["mul"].replace(of_floats=_factors)
_DIV = RULES["div"].replace(of_floats=_quotient)
_SQUARE = RULES["square"].replace(of_floats=_argument)
_RELU = RULES["relu"].replace(of_floats=_argument)


def starting_cotangent(output: Node, cotangent: Any, create_graph: bool) -> Any:
    """Return the cotangent that a reverse pass starts from, as a node if there is to be a graph."""
    if cotangent is None and type(output._value) is float and not create_graph:
        return 1.0
    if cotangent is None and output.shape:
        raise ValueError(f"backprop of an array of shape {output.shape} needs a cotangent of that shape")
    given = 1.0 if cotangent is None else cotangent
    seed = given if isinstance(given, Node) else Node(own_value(given, "backprop"))
    if seed.shape != output.shape:
        raise ValueError(f"backprop of shape {output.shape} got a cotangent of shape {seed.shape}")
    if seed.dtype != output.dtype:
        seed = seed.astype(output.dtype)
    return seed if create_graph else own_value(seed._value, "backprop")
