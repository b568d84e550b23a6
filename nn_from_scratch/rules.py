"""One row per operation: how to compute it, and how to differentiate it.

In a row ``x`` and ``y`` are the operands, ``z`` is the result and ``g`` the cotangent of the result.
Derivatives are written with numpy's functions and Python's operators, so that one row serves floats, arrays
and, for derivatives of derivatives, nodes. At a kink or a tie the convention is PyTorch's, and stands there.
"""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Function = Callable[..., Any]
NO_OPTIONS: dict[str, Any] = {}  # one for all
FLOAT64 = np.dtype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One operation; calling it computes, and given a node among the operands gives a node.

    `compute` takes the operands' values, and options such as ``axis``. `derivatives` has one function by
    operand: of an `elementwise` operation it takes ``(z, *operands)`` and gives the local derivative dz/dx,
    of any other it takes ``(g, z, *operands, **options)`` and gives the operand's cotangent. If there may be
    any number of operands it is one function, which takes the position first. `scalar` is a faster
    computation for Python floats, which may raise where numpy warns. In a row that joins two steps `before`
    takes ``g`` back through the second, and derivatives take ``(g, *operands)``; a pair is an outer product.
    """

    name: str
    compute: Function
    derivatives: Any
    elementwise: bool = False
    scalar: Function | None = None
    before: Function | None = None

    def __call__(self, *operands: Any, **options: Any) -> Any:
        """Compute on values, or on nodes and values."""
        for operand in operands:
            if hasattr(operand, "apply"):
                return operand.apply(self, operands, options)
        return self.compute(*operands, **options)


def pullback(rule: Rule, position: int, g: Any, z: Any, operands: Any, options: Any) -> Any:  # noqa: PLR0917
    """Return the cotangent of the operand at `position`, in that operand's shape and precision.

    Where the cotangent of an elementwise operation is zero it stays zero, even if the local derivative is
    infinite or NaN: what the output does not depend on (the branch not taken by `where`) contributes nothing.
    """
    if rule.elementwise:
        try:
            slope = rule.derivatives[position](z, *operands)
        except ArithmeticError:  # outside the domain, where Python's floats raise but numpy's do not
            numbers = [np.float64(x) if type(x) is float else x for x in (z, *operands)]
            slope = rule.derivatives[position](*numbers)
        part = g if type(slope) is float and slope == 1.0 else g * slope
        last = slope if type(slope) is float else part  # alone can it make an infinity or NaN of a zero
        if not (_finite(last) if type(last) in (float, np.ndarray) else np.isfinite(last).all()):
            part = np.where(np.equal(g, 0), 0.0, part)
    elif callable(rule.derivatives):
        part = rule.derivatives(position, g, z, *operands, **options)
    else:
        part = rule.derivatives[position](g, z, *operands, **options)
    operand = operands[position]
    if type(operand) is float:
        return part if type(part) is float else float(part.sum())
    if part.shape != operand.shape:  # the operand was broadcast: sum over the axes it was repeated along
        leading = part.ndim - operand.ndim
        repeated = [leading + axis for axis, size in enumerate(operand.shape) if size == 1]
        part = part.sum(axis=(*range(leading), *repeated)).reshape(operand.shape)
    return part if part.dtype == operand.dtype else part.astype(operand.dtype)


# What rows are made of --------------------------------------------------------------------------------

_each: Function = lambda name, f, *slopes, scalar=None: Rule(name, f, slopes, elementwise=True, scalar=scalar)
_finite: Function = lambda x: math.isfinite(x if type(x) is float else np.vdot(x, x))  # fast, if too careful
_by_base: Function = lambda z, x, y: np.where(y == 0, _over(y, x), y * np.power(x, y - 1))
_by_exponent: Function = lambda z, x, y: np.where((x == 0) & (y >= 0), 0.0, z * np.log(x))
_over: Function = lambda x, r: x / (r + (r == 0))  # 0 / 0 is 0
_cosine: Function = lambda x: np.sqrt(np.where(np.abs(x) < 0.5, 1 - x * x, (1 - x) * (1 + x)))  # of arcsin x
_turn: Function = lambda a, x, y: _over(_over(a, np.hypot(x, y)), np.hypot(x, y))
_sigmoid: Function = lambda x: np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))
_scalar_sigmoid: Function = lambda x: math.exp(min(x, 0.0)) / (1 + math.exp(-abs(x)))
_share: Function = lambda x, y: (x > y) + 0.5 * (x == y)
_inside: Function = lambda z, x, low, high: 1.0 * ((low <= x) & (x <= high))
_below: Function = lambda z, x, low, high: 1.0 * ((x < low) & (low < high))
_above: Function = lambda z, x, low, high: 1.0 * ((x > high) | (low > high))
_chosen: Function = lambda x, y, condition: np.where(condition, x, y)
_if_so: Function = lambda g, z, x, y, condition: np.where(condition, g, 0.0)
_if_not: Function = lambda g, z, x, y, condition: np.where(condition, 0.0, g)
_count: Function = lambda z, x: np.size(x) / max(np.size(z), 1)
_largest: Function = lambda x, axis: np.max(x, axis=axis, keepdims=True)
_total: Function = lambda x, axis: np.sum(x, axis=axis, keepdims=True)
_normalized: Function = lambda x, axis: x / _total(x, axis)
_softmax: Function = lambda x, axis: _normalized(np.exp(x - _largest(x, axis)), axis)
_log_normalized: Function = lambda x, axis: x - np.log(_total(np.exp(x), axis))
_log_softmax: Function = lambda x, axis: _log_normalized(x - _largest(x, axis), axis)
_extreme: Function = lambda z, x, **k: np.equal(x, _spread(z, x, **k))
_to_extreme: Function = lambda g, z, x, **k: _spread(g, x, **k) * _normalized(_extreme(z, x, **k), k["axis"])
_reshaped: Function = lambda g, z, x, **_: np.reshape(g, np.shape(x))
_along: Function = lambda axis, key: (*(slice(None),) * axis, key)
_taken: Function = lambda x, key: np.asarray(x)[key]
_part: Function = lambda k, xs, axis: slice(*np.cumsum([0, *(x.shape[axis] for x in xs)])[k : k + 2])
_to_concatenated: Function = lambda k, g, z, *xs, axis: g[_along(axis % g.ndim, _part(k, xs, axis))]
_to_stacked: Function = lambda k, g, z, *xs, axis: g[_along(axis % g.ndim, k)]


def _spread(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """Repeat what a reduction of `x` gave along the axes that it reduced."""
    if type(g) is float:
        spread = np.empty(np.shape(x))
        spread.fill(g)  # three times as fast as np.full
        return spread
    return np.broadcast_to(g if axis is None or keepdims else np.expand_dims(g, axis), np.shape(x))


def _through_prod(g: Any, _z: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """Multiply by the products of all other elements, before and after, each by doubling its reach."""
    reduced = range(np.ndim(x)) if axis is None else np.atleast_1d(axis) % np.ndim(x)
    order = (*(a for a in range(np.ndim(x)) if a not in reduced), *reduced)
    moved = np.transpose(x, order)
    kept = moved.shape[: len(order) - len(reduced)]
    rows = np.reshape(moved, (*kept, math.prod(moved.shape[len(kept) :])))
    ones, reach = np.ones(rows.shape), 1
    before = np.concatenate([ones[..., :1], rows[..., :-1]], axis=-1)
    after = np.concatenate([rows[..., 1:], ones[..., :1]], axis=-1)
    while reach < rows.shape[-1]:
        before = before * np.concatenate([ones[..., :reach], before[..., :-reach]], axis=-1)
        after = after * np.concatenate([after[..., reach:], ones[..., :reach]], axis=-1)
        reach *= 2
    others = np.transpose(np.reshape(before * after, moved.shape), np.argsort(order))
    return _spread(g, x, axis, keepdims) * others


def _logsumexp(x: Any, axis: Any, keepdims: bool) -> Any:
    largest = np.where(np.isfinite(_largest(x, axis)), _largest(x, axis), 0.0)
    with np.errstate(divide="ignore"):  # the logarithm of a sum of zeros is -inf, as it should be
        z = np.log(_total(np.exp(x - largest), axis)) + largest
    return z if keepdims else np.squeeze(z, axis)


def _through_matmul_left(g: Any, _z: Any, x: Any, y: Any) -> Any:
    if y.ndim == 1:
        g, y = np.expand_dims(g, -1), np.expand_dims(y, -1)
    return np.matmul(np.expand_dims(g, -2) if x.ndim == 1 else g, np.matrix_transpose(y))


def _through_matmul_right(g: Any, _z: Any, x: Any, y: Any) -> Any:
    g = np.expand_dims(g, -1) if y.ndim == 1 else g
    if x.ndim == 1:
        g, x = np.expand_dims(g, -2), np.expand_dims(x, 0)
    part = np.matmul(np.matrix_transpose(x), g)
    return part[..., 0] if y.ndim == 1 else part


def _scatter(x: Any, key: Any, shape: tuple[int, ...]) -> Any:
    z = np.zeros(shape, np.result_type(x))
    np.add.at(z, key, x)  # a key may name a place several times
    return z


# The engine's own steps, which are not in the table
IDENTITY = Rule("identity", lambda x: x, [lambda g, z, x: g])
CAST = Rule("astype", lambda x, dtype: np.asarray(x).astype(dtype), [lambda g, z, x, dtype: g])
SCATTER = Rule("scatter", _scatter, [lambda g, z, x, key, shape: g[key]])

# Rows that other rows use. Of the sigmoid both tails keep their precision.
SIGMOID: Rule = _each("sigmoid", _sigmoid, lambda z, x: z * SIGMOID(-x), scalar=_scalar_sigmoid)
SOFTMAX = Rule("softmax", _softmax, [lambda g, z, x, axis: z * (g - _total(g * z, axis))])

_ROWS = (
    # Arithmetic. x ** 0 does not depend on x, nor 0 ** y on y (unless y < 0).
    _each("add", np.add, lambda z, x, y: 1.0, lambda z, x, y: 1.0, scalar=operator.add),
    _each("sub", np.subtract, lambda z, x, y: 1.0, lambda z, x, y: -1.0, scalar=operator.sub),
    _each("mul", np.multiply, lambda z, x, y: y, lambda z, x, y: x, scalar=operator.mul),
    _each("div", np.divide, lambda z, x, y: 1 / y, lambda z, x, y: -z / y, scalar=operator.truediv),
    _each("pow", np.power, _by_base, _by_exponent, scalar=math.pow),
    _each("neg", np.negative, lambda z, x: -1.0, scalar=operator.neg),
    _each("reciprocal", np.reciprocal, lambda z, x: -z * z, scalar=lambda x: 1 / x),
    _each("square", np.square, lambda z, x: x + x, scalar=lambda x: x * x),
    # Exponentials, logarithms and roots
    _each("exp", np.exp, lambda z, x: z, scalar=math.exp),
    _each("expm1", np.expm1, lambda z, x: np.exp(x), scalar=math.expm1),
    _each("log", np.log, lambda z, x: 1 / x, scalar=math.log),
    _each("log1p", np.log1p, lambda z, x: 1 / (1 + x), scalar=math.log1p),
    _each("logaddexp", np.logaddexp, lambda z, x, y: SIGMOID(x - y), lambda z, x, y: SIGMOID(y - x)),
    _each("sqrt", np.sqrt, lambda z, x: 0.5 / z, scalar=math.sqrt),
    # Trigonometry. The derivatives of hypot and arctan2 at the origin are 0.
    _each("sin", np.sin, lambda z, x: np.cos(x), scalar=math.sin),
    _each("cos", np.cos, lambda z, x: -np.sin(x), scalar=math.cos),
    _each("tan", np.tan, lambda z, x: 1 + z * z, scalar=math.tan),
    _each("arcsin", np.arcsin, lambda z, x: 1 / _cosine(x), scalar=math.asin),
    _each("arccos", np.arccos, lambda z, x: -1 / _cosine(x), scalar=math.acos),
    _each("arctan", np.arctan, lambda z, x: 1 / (1 + x * x), scalar=math.atan),
    _each("hypot", np.hypot, lambda z, x, y: _over(x, z), lambda z, x, y: _over(y, z)),
    _each("arctan2", np.arctan2, lambda z, x, y: _turn(y, x, y), lambda z, x, y: -_turn(x, x, y)),
    # Hyperbolic functions and their kin
    _each("sinh", np.sinh, lambda z, x: np.cosh(x), scalar=math.sinh),
    _each("cosh", np.cosh, lambda z, x: np.sinh(x), scalar=math.cosh),
    _each("tanh", np.tanh, lambda z, x: 1 - z * z, scalar=math.tanh),
    SIGMOID,
    _each("softplus", lambda x: np.logaddexp(x, 0), lambda z, x: SIGMOID(x)),
    # Kinks. relu'(0) = abs'(0) = 0; a tie gives maximum and minimum 1/2 by each operand; at a bound clip has
    # derivative 1 by x, and if the bounds cross 1 by the upper one.
    _each("relu", lambda x: np.maximum(x, 0), lambda z, x: (z > 0) * 1.0),
    _each("abs", np.absolute, lambda z, x: np.sign(x), scalar=abs),
    _each("maximum", np.maximum, lambda z, x, y: _share(x, y), lambda z, x, y: _share(y, x)),
    _each("minimum", np.minimum, lambda z, x, y: _share(y, x), lambda z, x, y: _share(x, y)),
    _each("clip", np.clip, _inside, _below, _above),
    Rule("where", _chosen, [_if_so, _if_not]),
    # Reductions. The largest (or smallest) elements share equally.
    Rule("sum", np.add.reduce, [lambda g, z, x, axis, keepdims: _spread(g, x, axis, keepdims)]),
    Rule("mean", np.mean, [lambda g, z, x, **k: _spread(np.divide(g, _count(z, x)), x, **k)]),
    Rule("prod", np.prod, [_through_prod]),
    *(Rule(name, getattr(np, name), [_to_extreme]) for name in ("max", "min")),
    Rule("logsumexp", _logsumexp, [lambda g, z, x, **k: _spread(g, x, **k) * SOFTMAX(x, axis=k["axis"])]),
    SOFTMAX,
    Rule("log_softmax", _log_softmax, [lambda g, z, x, axis: g - np.exp(z) * _total(g, axis)]),
    # Products and shapes
    Rule("matmul", np.matmul, [_through_matmul_left, _through_matmul_right]),
    *(Rule(name, getattr(np, name), [_reshaped]) for name in ("reshape", "squeeze", "expand_dims")),
    Rule("transpose", np.transpose, [lambda g, z, x, axes: np.transpose(g, axes and np.argsort(axes))]),
    Rule("broadcast_to", np.broadcast_to, [lambda g, z, x, shape: g]),
    Rule("index", _taken, [lambda g, z, x, key: SCATTER(g, key=key, shape=np.shape(x))]),
    Rule("concatenate", lambda *xs, axis: np.concatenate(xs, axis), _to_concatenated),
    Rule("stack", lambda *xs, axis: np.stack(xs, axis), _to_stacked),
)

RULES = {rule.name: rule for rule in _ROWS}
