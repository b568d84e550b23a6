"""`Node`: a value that remembers how it was computed, and the reverse pass over what is remembered."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nn_from_scratch.rules import RULES, Rule, pullback

Value = float | NDArray[Any]


class Node:
    """A number or an array, its gradient, and the operation it came from.

    Parameters
    ----------
    value
        A real number or anything numpy makes an array of real numbers of; an array is copied. Integers and
        booleans become float64.

    Raises
    ------
    TypeError
        If `value` is not made of real numbers.

    Notes
    -----
    A graph keeps the values it was computed with. Assigning to `value`, or editing the array that `value` of
    a leaf handed out, takes effect in what is computed afterwards.
    """

    __slots__ = ("__weakref__", "_grad", "_handed_out", "_operands", "_options", "_rule", "_value", "_values")

    _value: Any
    _grad: Any
    _rule: Rule | None
    _operands: tuple[Any, ...]
    _values: tuple[Any, ...]
    _options: dict[str, Any]
    _handed_out: bool

    def __init__(self, value: Any) -> None:
        self._value = _own(value, "Node")
        self._grad = None
        self._rule = None
        self._handed_out = False

    @property
    def value(self) -> Any:
        """The number, or the array: live for a leaf, read-only for a computed node."""
        if type(self._value) is not np.ndarray:
            return self._value
        if self._rule is not None:
            view = self._value.view()
            view.flags.writeable = False
            return view
        if not self._handed_out:  # a graph may hold the array: hand out another
            self._value = self._value.copy()
            self._handed_out = True
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        if self._rule is not None:  # the computation moves to a node of its own, behind the assigned value
            computed = Node._computed(self._value, self._rule, self._operands, self._values, self._options)
            self._rule, self._operands, self._values, self._options = (
                _IDENTITY,
                (computed,),
                (computed._value,),
                {},
            )
        self._value = _own(value, "Node.value")
        self._handed_out = False

    @property
    def grad(self) -> Any:
        """The gradient, in the shape of the value; zero before the first `backprop`."""
        if self._grad is None:
            self._grad = np.zeros_like(self._value) if type(self._value) is np.ndarray else 0.0
        if self._rule is not None and type(self._grad) is np.ndarray:
            return self._grad.copy()  # the cotangents of computed nodes may share memory
        return self._grad

    @grad.setter
    def grad(self, grad: Any) -> None:
        if grad is None or (type(grad) in (int, float) and grad == 0):
            self._grad = None
            return
        owned = _own(grad, "Node.grad")
        if np.shape(owned) != np.shape(self._value):
            owned = np.broadcast_to(owned, np.shape(self._value)).copy()
        self._grad = owned

    def backprop(self, cotangent: Any = None) -> None:
        """Differentiate this node by every node it was computed from.

        Adds to `grad` of every leaf, and sets `grad` of every computed node to its cotangent in this pass.

        Parameters
        ----------
        cotangent
            What the reverse pass starts from, in the shape of the value; 1 by default, for a scalar only.

        Raises
        ------
        ValueError
            If the value is an array and there is no cotangent, or its shape is not that of the value.
        """
        shape = np.shape(self._value)
        if cotangent is None:
            if shape:
                raise ValueError(f"backprop of an array of shape {shape} needs a cotangent of that shape")
            cotangent = 1.0
        seed = _own(cotangent, "backprop")
        if np.shape(seed) != shape:
            raise ValueError(
                f"backprop got a cotangent of shape {np.shape(seed)} for a value of shape {shape}"
            )
        for node, adjoint in _cotangents(self, seed).items():
            if node._rule is None:
                node._grad = adjoint + (0.0 if node._grad is None else node._grad)
            else:
                node._grad = adjoint

    @classmethod
    def _computed(
        cls,
        value: Any,
        rule: Rule,
        operands: tuple[Any, ...],
        values: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Self:
        node = cls.__new__(cls)
        node._value = value
        node._grad = None
        node._rule = rule
        node._operands = operands
        node._values = values
        node._options = options
        node._handed_out = False
        return node

    def __add__(self, other: Any) -> "Node":
        return apply("add", self, other)

    def __radd__(self, other: Any) -> "Node":
        return apply("add", other, self)

    def __sub__(self, other: Any) -> "Node":
        return apply("sub", self, other)

    def __rsub__(self, other: Any) -> "Node":
        return apply("sub", other, self)

    def __mul__(self, other: Any) -> "Node":
        return apply("mul", self, other)

    def __rmul__(self, other: Any) -> "Node":
        return apply("mul", other, self)

    def __truediv__(self, other: Any) -> "Node":
        return apply("div", self, other)

    def __rtruediv__(self, other: Any) -> "Node":
        return apply("div", other, self)

    def __pow__(self, other: Any) -> "Node":
        return apply("pow", self, other)

    def __rpow__(self, other: Any) -> "Node":
        return apply("pow", other, self)

    def __matmul__(self, other: Any) -> "Node":
        return apply("matmul", self, other)

    def __rmatmul__(self, other: Any) -> "Node":
        return apply("matmul", other, self)

    def __neg__(self) -> "Node":
        return apply("neg", self)

    def __abs__(self) -> "Node":
        return apply("abs", self)

    def exp(self) -> "Node":
        """Return e to the power of this, element by element."""
        return apply("exp", self)

    def log(self) -> "Node":
        """Return the natural logarithm, element by element."""
        return apply("log", self)

    def sqrt(self) -> "Node":
        """Return the square root, element by element."""
        return apply("sqrt", self)

    def sin(self) -> "Node":
        """Return the sine, element by element."""
        return apply("sin", self)

    def cos(self) -> "Node":
        """Return the cosine, element by element."""
        return apply("cos", self)

    def tanh(self) -> "Node":
        """Return the hyperbolic tangent, element by element."""
        return apply("tanh", self)

    def sigmoid(self) -> "Node":
        """Return 1 / (1 + exp(-x)), element by element."""
        return apply("sigmoid", self)

    def relu(self) -> "Node":
        """Return the positive part, element by element."""
        return apply("relu", self)

    def abs(self) -> "Node":
        """Return the absolute value, element by element."""
        return apply("abs", self)

    def maximum(self, other: Any) -> "Node":
        """Return the larger of the two, element by element."""
        return apply("maximum", self, other)

    def minimum(self, other: Any) -> "Node":
        """Return the smaller of the two, element by element."""
        return apply("minimum", self, other)

    def sum(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> "Node":
        """Return the sum over one, several or all axes."""
        return apply("sum", self, axis=axis, keepdims=keepdims)

    def mean(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> "Node":
        """Return the mean over one, several or all axes."""
        return apply("mean", self, axis=axis, keepdims=keepdims)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **keywords: Any) -> "Node":
        name = _UFUNCS.get(ufunc)
        if name is None or method != "__call__" or keywords:
            raise TypeError(
                f"np.{ufunc.__name__} has no rule for Nodes (called as {method}, with {sorted(keywords)})"
            )
        return apply(name, *inputs)

    def __array_function__(
        self, function: Callable[..., Any], _types: Any, args: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        if function not in _FUNCTIONS:
            raise TypeError(f"np.{function.__name__} has no rule for Nodes")
        return _FUNCTIONS[function](*args, **keywords)

    def __repr__(self) -> str:
        return f"Node({self._value!r})"


def apply(name: str, *operands: Any, **options: Any) -> Node:
    """Compute the operation of this name on nodes, numbers and arrays, and remember how.

    Raises
    ------
    TypeError
        If an operand is not made of real numbers.
    ValueError
        If the shapes do not fit.
    """
    return apply_rule(RULES[name], operands, options)


def apply_rule(rule: Rule, operands: tuple[Any, ...], options: dict[str, Any]) -> Node:
    """Compute one row on nodes, numbers and arrays, and remember how."""
    values = tuple([_snapshot(operand, rule.name) for operand in operands])
    return Node._computed(_compute(rule, values, options), rule, operands, values, options)


def _compute(rule: Rule, values: tuple[Any, ...], options: dict[str, Any]) -> Any:
    if rule.scalar is not None and not options and all(type(value) is float for value in values):
        try:
            return rule.scalar(*values)
        except (ArithmeticError, ValueError):  # outside the domain: numpy's result, and numpy's warning
            pass
    try:
        return _plain(rule.compute(*values, **options))
    except ValueError as error:
        shapes = ", ".join(str(np.shape(value)) for value in values)
        raise ValueError(f"{rule.name}: shapes {shapes} do not fit: {error}") from error


def _snapshot(operand: Any, name: str) -> Any:
    """Return the operand's value as it is now, whatever is done to the operand later."""
    kind = type(operand)
    if kind is Node:
        return operand._value.copy() if operand._handed_out else operand._value
    return operand if kind is float else _own(operand, name)


def _own(value: Any, name: str) -> Any:
    """Return the value as a Python float or an array of its own; refuse what is not real numbers."""
    if type(value) is float:
        return value
    try:
        array = np.array(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name}: expected real numbers, got {value!r}") from error
    if array.dtype.kind in "iub":
        array = array.astype(np.float64)
    if array.dtype.kind != "f":
        raise TypeError(f"{name}: expected real numbers, got {type(value).__name__} {value!r}")
    return _plain(array)


def _plain(value: Any) -> Any:
    """Return a 0-dimensional float64 as a Python float, anything else as it is."""
    if type(value) is float or np.ndim(value):
        return value
    return float(value) if value.dtype == np.float64 else value[()]


def _consumers(output: Node) -> dict[Node, int]:
    """Return how often each node that `output` was computed from is an operand on the way there."""
    count = {output: 0}
    stack = [output]
    while stack:
        node = stack.pop()
        if node._rule is None:
            continue
        for operand in node._operands:
            if type(operand) is Node:
                if operand in count:
                    count[operand] += 1
                else:
                    count[operand] = 1
                    stack.append(operand)
    return count


def _cotangents(output: Node, seed: Any) -> dict[Node, Any]:
    """Return the cotangent of every node that `output` was computed from, given its own.

    A node is visited when all of its consumers have been, so that its cotangent is complete.
    """
    waiting = _consumers(output)
    cotangents = {output: seed}
    stack = [output]
    with np.errstate(all="ignore"):  # the forward pass has warned
        while stack:
            node = stack.pop()
            rule = node._rule
            if rule is None:
                continue
            g = cotangents[node]
            if rule.before is not None:
                g = rule.before(g, node._value, **node._options)
            for position, operand in enumerate(node._operands):
                if type(operand) is not Node:
                    continue
                part = _plain(pullback(rule, position, g, node._value, node._values, node._options))
                cotangents[operand] = cotangents[operand] + part if operand in cotangents else part
                waiting[operand] -= 1
                if not waiting[operand]:
                    stack.append(operand)
    return cotangents


_IDENTITY = Rule("identity", lambda x: x, (lambda g, z, x: g,))

_UFUNCS: dict[np.ufunc, str] = {
    np.add: "add",
    np.subtract: "sub",
    np.multiply: "mul",
    np.divide: "div",
    np.power: "pow",
    np.negative: "neg",
    np.exp: "exp",
    np.log: "log",
    np.sqrt: "sqrt",
    np.sin: "sin",
    np.cos: "cos",
    np.tanh: "tanh",
    np.absolute: "abs",
    np.maximum: "maximum",
    np.minimum: "minimum",
    np.matmul: "matmul",
}

_FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {np.sum: Node.sum, np.mean: Node.mean}
