"""What can be done with a node: operators, and functions as methods.

Every method applies one row of the table, and gives a node. An *elementwise* one computes each element by
itself; it broadcasts its operands as numpy does, and all but the first may be nodes, numbers or arrays. What
a function gives at the edges of its domain, and which errors and warnings it raises, is numpy's. Derivatives,
and what they are at kinks, stand in `rules`.
"""

from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from nn_from_scratch.appearance import Appearance
from nn_from_scratch.array_rules import Axis, Shape, axes_of, axes_within, cast
from nn_from_scratch.refusals import NO_ITEMS, in_place, refuse_out
from nn_from_scratch.rule import NO_OPTIONS, Operand, Rule, Traced, value_of
from nn_from_scratch.rules import RULES

_np: Any = np  # whose hints know nothing of nodes


class Methods(Appearance):
    """Operators and functions of a node; `Node` itself has those that take a short way of their own."""

    __slots__ = ()
    _rule: Rule
    _grad: Any

    # Operators

    def __rtruediv__(self, other: Operand) -> Self:
        return self._apply("div", other, self)

    def __rpow__(self, other: Operand) -> Self:
        return self._apply("pow", other, self)

    def __matmul__(self, other: Operand) -> Self:
        return self._apply("matmul", self, other)

    def __rmatmul__(self, other: Operand) -> Self:
        return self._apply("matmul", other, self)

    def __mod__(self, other: Operand) -> Any:
        return _np.remainder(self, other)

    def __rmod__(self, other: Operand) -> Any:
        return _np.remainder(other, self)

    def __floordiv__(self, other: Operand) -> Any:
        """Return whole numbers, which are plain: they are constant between jumps."""
        return _np.floor_divide(self, other)

    def __rfloordiv__(self, other: Operand) -> Any:
        return _np.floor_divide(other, self)

    def __divmod__(self, other: Operand) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Operand) -> Any:
        return other // self, other % self

    def __pos__(self) -> Any:
        return _np.positive(self)

    def __neg__(self) -> Self:
        return self._apply("neg", self)

    def __abs__(self) -> Self:
        return self._apply("abs", self)

    # In place: of a number or an array on the left Python makes `total = total + term` of `total += term`

    def __iadd__(self, other: Operand) -> Any:
        return self._unless_an_update(other, "+") + other

    def __isub__(self, other: Operand) -> Any:
        return self._unless_an_update(other, "-") - other

    def __imul__(self, other: Operand) -> Any:
        return self._unless_an_update(other, "*") * other

    def __itruediv__(self, other: Operand) -> Any:
        return self._unless_an_update(other, "/") / other

    def __ipow__(self, other: Operand) -> Any:
        return self._unless_an_update(other, "**") ** other

    def __imatmul__(self, other: Operand) -> Any:
        return self._unless_an_update(other, "@") @ other

    def _unless_an_update(self, other: Operand, symbol: str) -> Any:
        """Return this node; refuse to update a parameter, a leaf that has a gradient, by what is no node."""
        rule = getattr(self, "_rule", None)  # what is recorded to be replayed has none
        is_step = rule is not None and rule.is_leaf and not isinstance(other, Traced)
        if is_step and np.any(value_of(self._grad)):
            raise TypeError(in_place("w", symbol))
        return self

    def _apply(self, name: str, *operands: Operand) -> Self:
        """Apply a row that has no options."""
        result: Self = self.apply(RULES[name], operands, NO_OPTIONS)
        return result

    def _with(self, name: str, **options: Any) -> Self:
        """Apply a row to this node, with options."""
        result: Self = self.apply(RULES[name], (self,), options)
        return result

    # Comparisons of values: plain truth values, or arrays of them. A node is its own key in a dict, whatever
    # its value.

    def __lt__(self, other: Operand) -> Any:
        return self._value < value_of(other)

    def __le__(self, other: Operand) -> Any:
        return self._value <= value_of(other)

    def __gt__(self, other: Operand) -> Any:
        return self._value > value_of(other)

    def __ge__(self, other: Operand) -> Any:
        return self._value >= value_of(other)

    def __eq__(self, other: object) -> Any:
        return self._value == value_of(other)

    def __ne__(self, other: object) -> Any:
        return self._value != value_of(other)

    __hash__ = object.__hash__

    # Functions of one operand, elementwise

    def abs(self) -> Self:
        """Return the absolute values; the derivative at 0 is 0."""
        return self._apply("abs", self)

    def sign(self) -> Self:
        """Return -1, 0 or 1; the derivative is 0, at the jump at 0 as well."""
        return self._apply("sign", self)

    def square(self) -> Self:
        """Return the squares."""
        return self._apply("square", self)

    def sqrt(self) -> Self:
        """Return the square roots."""
        return self._apply("sqrt", self)

    def reciprocal(self) -> Self:
        """Return 1 / x of each element."""
        return self._apply("reciprocal", self)

    def exp(self) -> Self:
        """Return e to the power of each element."""
        return self._apply("exp", self)

    def expm1(self) -> Self:
        """Return exp(x) - 1 of each element, to full precision near 0."""
        return self._apply("expm1", self)

    def log(self) -> Self:
        """Return the natural logarithms."""
        return self._apply("log", self)

    def log1p(self) -> Self:
        """Return log(1 + x) of each element, to full precision near 0."""
        return self._apply("log1p", self)

    def sin(self) -> Self:
        """Return the sines, of radians."""
        return self._apply("sin", self)

    def cos(self) -> Self:
        """Return the cosines, of radians."""
        return self._apply("cos", self)

    def tan(self) -> Self:
        """Return the tangents, of radians."""
        return self._apply("tan", self)

    def arcsin(self) -> Self:
        """Return the angles from -pi/2 to pi/2 that have these sines."""
        return self._apply("arcsin", self)

    def arccos(self) -> Self:
        """Return the angles from 0 to pi that have these cosines."""
        return self._apply("arccos", self)

    def arctan(self) -> Self:
        """Return the angles from -pi/2 to pi/2 that have these tangents."""
        return self._apply("arctan", self)

    def sinh(self) -> Self:
        """Return the hyperbolic sines."""
        return self._apply("sinh", self)

    def cosh(self) -> Self:
        """Return the hyperbolic cosines."""
        return self._apply("cosh", self)

    def tanh(self) -> Self:
        """Return the hyperbolic tangents."""
        return self._apply("tanh", self)

    def sigmoid(self) -> Self:
        """Return 1 / (1 + exp(-x)) of each element."""
        return self._apply("sigmoid", self)

    def softplus(self) -> Self:
        """Return log(1 + exp(x)) of each element."""
        return self._apply("softplus", self)

    # Functions of two or three operands, elementwise

    def logaddexp(self, other: Operand) -> Self:
        """Return log(exp(x) + exp(y)) of each pair of elements."""
        return self._apply("logaddexp", self, other)

    def hypot(self, other: Operand) -> Self:
        """Return sqrt(x² + y²) of each pair of elements; the derivatives at the origin are 0."""
        return self._apply("hypot", self, other)

    def arctan2(self, other: Operand) -> Self:
        """Return the angle of each point (other, self); the derivatives at the origin are 0."""
        return self._apply("arctan2", self, other)

    def maximum(self, other: Operand) -> Self:
        """Return the larger of each pair of elements; at a tie each has derivative 1/2."""
        return self._apply("maximum", self, other)

    def minimum(self, other: Operand) -> Self:
        """Return the smaller of each pair of elements; at a tie each has derivative 1/2."""
        return self._apply("minimum", self, other)

    def clip(self, min: Operand = None, max: Operand = None, out: Any = None) -> Self:
        """Return each element, or the bound that it is beyond; None bounds nothing."""
        refuse_out("clip", out)
        return self._apply("clip", self, -np.inf if min is None else min, np.inf if max is None else max)

    # Along one axis, several, or all (None); with `keepdims` these stay, with length 1. The reductions that
    # arrays have too are in `array_methods`

    def logsumexp(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """Return log(sum(exp(x))); nothing overflows on the way."""
        return self._with("logsumexp", axis=axes_of(axis), keepdims=keepdims)

    # The same shape out as in, of elements along an axis

    def softmax(self, axis: int = -1) -> Self:
        """Return exp(x) / sum(exp(x)) along an axis."""
        return self._with("softmax", axis=axis)

    def log_softmax(self, axis: int = -1) -> Self:
        """Return the logarithm of `softmax`, to full precision where that underflows."""
        return self._with("log_softmax", axis=axis)

    # Shapes

    def reshape(self, *lengths: Any, shape: Shape = (), order: str = "C", copy: Any = None) -> Self:
        """Return the elements in another shape, one tuple or several integers; one -1 stands for the rest."""
        given = lengths[0] if len(lengths) == 1 else lengths or shape
        if order != "C":
            reordered: Self = _np.reshape(self, given, order)
            return reordered
        result: Self = self.apply(RULES["reshape"], (self,), {"shape": given})  # `_with`, unrolled
        return result

    def squeeze(self, axis: Axis = None) -> Self:
        """Return the elements without axes of length 1: the given ones, or all."""
        return self._with("squeeze", axis=axis)

    def expand_dims(self, axis: int | Shape = 0) -> Self:
        """Return the elements with new axes of length 1, where they stand in the result."""
        return self._with("expand_dims", axis=axis)

    def broadcast_to(self, shape: Shape = ()) -> Self:
        """Return the elements repeated to a shape, by numpy's rules of broadcasting."""
        return self._with("broadcast_to", shape=shape)

    def transpose(self, *axes: Any) -> Self:
        """Return the axes in another order, one tuple or several integers; reversed by default."""
        given = axes[0] if len(axes) == 1 else axes
        order = None if not axes or given is None else axes_within("transpose", given, self)
        return self._with("transpose", axes=order)

    @property
    def T(self) -> Self:  # noqa: N802 - numpy's name
        """The axes reversed."""
        return self.transpose()

    def astype(
        self, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True
    ) -> Self:
        """Return the elements at another precision; gradients come back at this one.

        What is no precision of real numbers, as int and str, is a TypeError: ``node.value.astype(int)``; so
        is what `casting` does not allow. The values of a node are its own: `copy` changes nothing.
        """
        result: Self = cast(self, np.dtype(dtype), casting)
        return result

    def __getitem__(self, key: Any) -> Self:
        return self._with("index", key=_own_key(key))

    def __iter__(self) -> Iterator[Self]:
        if not self.ndim:
            raise TypeError("iteration over a Node without axes")
        return (self[row] for row in range(len(self)))

    def __setitem__(self, key: Any, item: Any) -> None:
        raise TypeError(NO_ITEMS)


def _own_key(key: Any) -> Any:
    """Return an index with arrays of its own, which nobody changes before the reverse pass."""
    return tuple(_own_part(part) for part in key) if isinstance(key, tuple) else _own_part(key)


def _own_part(part: Any) -> Any:
    return np.array(part) if isinstance(part, list | np.ndarray) else part
