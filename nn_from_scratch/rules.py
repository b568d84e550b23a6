"""One row per operation: how to compute it, and how to differentiate it.

A derivative is written with numpy's functions and Python's operators only, so that the same row works on
floats, on arrays and, for derivatives of derivatives, on nodes. In a row ``x`` and ``y`` are the operands,
``z`` is the result and ``g`` the cotangent of the result.

An *elementwise* row gives the local derivative dz/dx per operand; multiplying it by the cotangent, and
summing over the axes along which an operand was broadcast, is the same for all of them and done by
`pullback`. Any other row gives the cotangent of each operand itself, as a function of ``g``.

At a kink or a tie the convention is PyTorch's, and stands at the row.
"""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Function = Callable[..., Any]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One operation: its computation and the derivative by each operand.

    Parameters
    ----------
    name
        The key in the table.
    compute
        The result from the operands' values (and options such as ``axis``).
    derivatives
        One function per operand: the local derivative of an elementwise operation from
        ``(z, *operands)``, the operand's cotangent of any other from ``(g, z, *operands, **options)``.
    elementwise
        Which of the two.
    scalar
        The computation for Python floats, where there is a faster one; it may raise where numpy would warn.
    before
        For a row made of two steps: takes ``g`` back through the second, ``(g, z, **options)``, once for all
        operands.
    """

    name: str
    compute: Function
    derivatives: tuple[Function, ...]
    elementwise: bool = False
    scalar: Function | None = None
    before: Function | None = None


def pullback(  # noqa: PLR0917
    rule: Rule, position: int, g: Any, z: Any, operands: tuple[Any, ...], options: dict[str, Any]
) -> Any:
    """Return the cotangent of the operand at `position`, in that operand's shape and dtype.

    A zero in the cotangent of an elementwise operation stays zero even where the local derivative is
    infinite or NaN: what the output does not depend on contributes nothing.
    """
    derivative = rule.derivatives[position]
    if rule.elementwise:
        local = derivative(z, *operands, **options)
        product = g if type(local) is float and local == 1.0 else g * local
        if not np.all(np.isfinite(product)):
            product = np.where(np.equal(g, 0), 0.0, product)
        g = _sum_to(product, np.shape(operands[position]))
    else:
        g = derivative(g, z, *operands, **options)
    return g


def _sum_to(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum `g` over the axes along which an operand of this shape was broadcast."""
    if np.shape(g) == shape:
        return g
    leading = np.ndim(g) - len(shape)
    stretched = (axis + leading for axis, size in enumerate(shape) if size == 1)
    summed = np.sum(g, axis=(*range(leading), *stretched), keepdims=True)
    return np.reshape(summed, shape)


def _sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))  # never overflows, and keeps the relative precision of both tails
    return np.where(np.greater_equal(x, 0), 1.0, e) / (1 + e)


def _math_sigmoid(x: float) -> float:
    e = math.exp(-abs(x))
    return (1.0 if x >= 0 else e) / (1 + e)


def _relu(x: Any) -> Any:
    return np.maximum(x, 0)


def _log_or_zero(x: Any, y: Any) -> Any:
    """Return log(x), and 0 for 0 ** y with y >= 0, where the power does not depend on the exponent."""
    return np.log(np.where(np.equal(x, 0) & np.greater_equal(y, 0), 1.0, x))


def _power_slope(x: Any, y: Any) -> Any:
    """Return y * x ** (y - 1), and 0 for y = 0, where the power does not depend on x."""
    return y * np.power(x, np.where(np.equal(y, 0), 1.0, y - 1))


def _spread(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """Repeat the cotangent of a reduction of `x` along the axes that were reduced."""
    if axis is not None and not keepdims:
        g = np.expand_dims(g, axis)
    return np.broadcast_to(g, np.shape(x))


def _count(z: Any, x: Any) -> float:
    return np.size(x) / np.size(z)


def _matmul_left(g: Any, _z: Any, x: Any, y: Any) -> Any:
    if np.ndim(y) == 1:
        return _sum_to(np.expand_dims(g, -1) * y, np.shape(x))
    if np.ndim(x) == 1:
        return _sum_to(np.sum(y * np.expand_dims(g, -2), axis=-1), np.shape(x))
    return _sum_to(np.matmul(g, np.swapaxes(y, -1, -2)), np.shape(x))


def _matmul_right(g: Any, _z: Any, x: Any, y: Any) -> Any:
    if np.ndim(x) == 1:
        column = np.expand_dims(x, -1) if np.ndim(y) > 1 else x
        row = np.expand_dims(g, -2) if np.ndim(y) > 1 else g
        return _sum_to(column * row, np.shape(y))
    if np.ndim(y) == 1:
        return _sum_to(np.expand_dims(g, -1) * x, np.shape(y))
    return _sum_to(np.matmul(np.swapaxes(x, -1, -2), g), np.shape(y))


def _elementwise(
    name: str, compute: Function, *derivatives: Function, scalar: Function | None = None
) -> Rule:
    return Rule(name, compute, derivatives, elementwise=True, scalar=scalar)


RULES = {
    rule.name: rule
    for rule in (
        # arithmetic
        _elementwise("add", np.add, lambda z, x, y: 1.0, lambda z, x, y: 1.0, scalar=operator.add),
        _elementwise("sub", np.subtract, lambda z, x, y: 1.0, lambda z, x, y: -1.0, scalar=operator.sub),
        _elementwise("mul", np.multiply, lambda z, x, y: y, lambda z, x, y: x, scalar=operator.mul),
        _elementwise(
            "div", np.divide, lambda z, x, y: 1 / y, lambda z, x, y: -z / y, scalar=operator.truediv
        ),
        _elementwise(
            "pow",
            np.power,
            lambda z, x, y: _power_slope(x, y),
            lambda z, x, y: z * _log_or_zero(x, y),
            scalar=math.pow,
        ),
        _elementwise("neg", np.negative, lambda z, x: -1.0, scalar=operator.neg),
        # exponentials
        _elementwise("exp", np.exp, lambda z, x: z, scalar=math.exp),
        _elementwise("log", np.log, lambda z, x: 1 / x, scalar=math.log),
        _elementwise("sqrt", np.sqrt, lambda z, x: 0.5 / z, scalar=math.sqrt),
        _elementwise("tanh", np.tanh, lambda z, x: 1 - z * z, scalar=math.tanh),
        _elementwise("sigmoid", _sigmoid, lambda z, x: z * (1 - z), scalar=_math_sigmoid),
        # trigonometry
        _elementwise("sin", np.sin, lambda z, x: np.cos(x), scalar=math.sin),
        _elementwise("cos", np.cos, lambda z, x: -np.sin(x), scalar=math.cos),
        # kinks: relu'(0) = 0, abs'(0) = 0, and a tie of maximum or minimum gives each operand one half
        _elementwise("relu", _relu, lambda z, x: np.greater(x, 0) * 1.0),
        _elementwise("abs", np.abs, lambda z, x: np.sign(x), scalar=abs),
        _elementwise(
            "maximum",
            np.maximum,
            lambda z, x, y: np.heaviside(x - y, 0.5),
            lambda z, x, y: np.heaviside(y - x, 0.5),
        ),
        _elementwise(
            "minimum",
            np.minimum,
            lambda z, x, y: np.heaviside(y - x, 0.5),
            lambda z, x, y: np.heaviside(x - y, 0.5),
        ),
        # reductions
        Rule("sum", np.sum, (lambda g, z, x, axis, keepdims: _spread(g, x, axis, keepdims),)),
        Rule(
            "mean", np.mean, (lambda g, z, x, axis, keepdims: _spread(g / _count(z, x), x, axis, keepdims),)
        ),
        # linear algebra
        Rule("matmul", np.matmul, (_matmul_left, _matmul_right)),
    )
}
