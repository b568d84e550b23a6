"""The rules of operations on whole arrays: reductions, products, and what moves elements about.

The notation is that of `rules`. Of a reduction ``axis`` is None (all axes), an integer or a tuple of them;
``keepdims`` says whether reduced axes stay, with length 1.
"""

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from nn_from_scratch.rule import CAST, Operand, Rule, Value, Variadic

Axis: TypeAlias = int | tuple[int, ...] | None
Shape: TypeAlias = tuple[int, ...]


def axes_of(axis: Any) -> Any:
    """Return a list of axes as the tuple that numpy takes."""
    return tuple(axis) if isinstance(axis, list) else axis


def axis_within(name: str, axis: Any, x: Operand) -> int:
    """Return an axis of x, counted from the first; numpy's error for what is none names the function."""
    if isinstance(axis, bool):
        raise TypeError(f"{name}: an axis is an integer, got {axis}")
    return normalize_axis_index(axis, np.ndim(x), f"{name} of shape {np.shape(x)}")


def axes_within(name: str, axis: Any, x: Operand) -> Shape:
    """Return one axis of x, several or all (None), counted from the first, as `axis_within` does."""
    if axis is None:
        return tuple(range(np.ndim(x)))
    return normalize_axis_tuple(axis, np.ndim(x), f"{name} of shape {np.shape(x)}")


def cast(x: Operand, dtype: Any, casting: Any = "unsafe") -> Any:
    """Return an operand at another precision; None changes nothing.

    What is no precision of real numbers is a TypeError, and so is what `casting` does not allow.
    """
    if dtype is None:
        return x
    wanted = np.dtype(dtype)
    if wanted.kind != "f":
        raise TypeError(
            f"astype: a Node of {wanted} would have no gradient;"
            f" its values: node.value.astype({str(wanted)!r})"
        )
    if casting != "unsafe":
        given = x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype
        if not np.can_cast(given, wanted, casting):
            raise TypeError(f"astype: {given} becomes no {wanted} by casting {casting!r}")
    return CAST(x, dtype=dtype)


# Reductions ---------------------------------------------------------------------------------------------


def _repeated(g: Operand, x: Operand, axis: Axis, keepdims: bool) -> Operand:
    """Repeat what a reduction of `x` gave along the axes that it reduced: the shape is that of `x`."""
    if type(g) is float:
        repeated = np.empty(() if type(x) is float else x.shape)
        repeated.fill(g)  # three times as fast as np.full
        return repeated
    shape = np.shape(x)
    if axis is not None and not keepdims and shape:  # a number is reduced over axis 0, which it has not
        g = np.expand_dims(g, axis)
    return np.broadcast_to(g, shape)


def _through_sum(g: Operand, _z: Operand, x: Operand, axis: Axis, keepdims: bool) -> Operand:
    """Give every element the cotangent of its sum: dz/dx is 1."""
    return _repeated(g, x, axis, keepdims)


def _through_mean(g: Operand, z: Operand, x: Operand, axis: Axis, keepdims: bool) -> Operand:
    """Give every element its share, 1 / n, of the n that one mean is taken over."""
    n = np.size(x) / max(np.size(z), 1)
    return _repeated(np.divide(g, n), x, axis, keepdims)


def _through_prod(g: Operand, _z: Operand, x: Operand, axis: Axis, keepdims: bool) -> Operand:
    """Multiply by the product of all other elements: of those before times those after.

    To divide the product by the element fails at zeros. Products of what is before, and after, come from a
    scan (W. D. Hillis and G. L. Steele, *Data parallel algorithms*, 1986): each round doubles how many
    elements a product reaches, so that n elements take log2(n) rounds of whole-array operations, which are
    differentiable in turn.
    """
    ndim = np.ndim(x)
    if not ndim:
        return g
    reduced = axes_within("prod", axis, x)
    order = (*(a for a in range(ndim) if a not in reduced), *reduced)
    moved = np.transpose(x, order)  # the reduced axes are last, and become one
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
    return _repeated(g, x, axis, keepdims) * others


def _through_extreme(g: Operand, z: Operand, x: Operand, axis: Axis, keepdims: bool) -> Operand:
    """Give the cotangent to the extreme elements, in equal shares (kinks: see `rules`)."""
    is_extreme = np.equal(x, _repeated(z, x, axis, keepdims))
    return _repeated(g, x, axis, keepdims) * (is_extreme / _kept_sum(is_extreme, axis))


def _kept_sum(x: Operand, axis: Axis) -> Operand:
    return np.sum(x, axis=axis, keepdims=True)


def _kept_max(x: Value, axis: Axis) -> Value:
    return np.max(x, axis=axis, keepdims=True)


# Exponentials of the largest element would overflow: it is subtracted first, which changes no result


def _softmax(x: Value, axis: Axis) -> Value:
    """Return exp(x) / sum(exp(x))."""
    exponentials = np.exp(x - _kept_max(x, axis))
    return exponentials / _kept_sum(exponentials, axis)


def _through_softmax(g: Operand, z: Operand, _x: Operand, axis: Axis) -> Operand:
    """Multiply by the Jacobian, diag(z) - z zᵀ along the axis."""
    return z * (g - _kept_sum(g * z, axis))


def _log_softmax(x: Value, axis: Axis) -> Value:
    """Return x - log(sum(exp(x)))."""
    shifted = x - _kept_max(x, axis)
    return shifted - np.log(_kept_sum(np.exp(shifted), axis))


def _through_log_softmax(g: Operand, z: Operand, _x: Operand, axis: Axis) -> Operand:
    """Multiply by the transposed Jacobian, I - softmax(x) 1ᵀ along the axis; softmax(x) is exp(z)."""
    return g - np.exp(z) * _kept_sum(g, axis)


def _logsumexp(x: Value, axis: Axis, keepdims: bool) -> Value:
    """Return log(sum(exp(x))); of elements that are all -inf it is -inf, and of one that is inf it is inf."""
    largest = _kept_max(x, axis)
    largest = np.where(np.isfinite(largest), largest, 0.0)
    with np.errstate(divide="ignore"):  # the logarithm of a sum of zeros is -inf, as it should be
        z = np.log(_kept_sum(np.exp(x - largest), axis)) + largest
    return z if keepdims else np.squeeze(z, axis)


def _through_logsumexp(g: Operand, _z: Operand, x: Operand, axis: Axis, keepdims: bool) -> Operand:
    """Multiply by the gradient, softmax(x)."""
    return _repeated(g, x, axis, keepdims) * SOFTMAX(x, axis=axis)


SOFTMAX = Rule("softmax", _softmax, [_through_softmax])


# Products: of z = x @ y they are g @ yᵀ and xᵀ @ g (M. Giles, *Collected matrix derivative results*, 2008).
# A vector stands for a matrix of one row on the left, of one column on the right; batches are broadcast.


def _through_matmul_by_left(g: Operand, _z: Operand, x: Operand, y: Operand) -> Operand:
    """Return g @ yᵀ: (..., n, m) for g (..., n, k) and y (..., m, k)."""
    if y.ndim == 1:
        g, y = np.expand_dims(g, -1), np.expand_dims(y, -1)
    return np.matmul(np.expand_dims(g, -2) if x.ndim == 1 else g, np.matrix_transpose(y))


def _through_matmul_by_right(g: Operand, _z: Operand, x: Operand, y: Operand) -> Operand:
    """Return xᵀ @ g: (..., m, k) for x (..., n, m) and g (..., n, k)."""
    g = np.expand_dims(g, -1) if y.ndim == 1 else g
    if x.ndim == 1:
        g, x = np.expand_dims(g, -2), np.expand_dims(x, 0)
    product = np.matmul(np.matrix_transpose(x), g)
    return product[..., 0] if y.ndim == 1 else product


# Shapes: what moved elements forward moves their cotangents back ------------------------------------------


def _through_reshape(g: Operand, _z: Operand, x: Operand, **_options: Any) -> Operand:
    return np.reshape(g, np.shape(x))


def _through_transpose(g: Operand, _z: Operand, _x: Operand, axes: Shape | None) -> Operand:
    """Transpose by the inverse permutation; axes that were reversed are reversed once more."""
    return np.transpose(g, np.argsort(axes) if axes else None)


def _through_broadcast(g: Operand, _z: Operand, _x: Operand, shape: Shape) -> Operand:
    """Leave the sum over repeated elements to `rule.fitted`."""
    return g


def _index(x: Value, key: Any) -> Value:
    return np.asarray(x)[key]


def _through_index(g: Operand, _z: Operand, x: Operand, key: Any) -> Operand:
    """Put cotangents where their elements were taken from, and zeros everywhere else."""
    return SCATTER(g, key=key, shape=np.shape(x))


def _scatter(x: Value, key: Any, shape: Shape) -> Value:
    """Add elements to zeros at the places that a key names; it may name a place several times."""
    z = np.zeros(shape, np.result_type(x))
    np.add.at(z, key, x)
    return z


def _through_scatter(g: Operand, _z: Operand, _x: Operand, key: Any, shape: Shape) -> Operand:
    return _index(g, key) if isinstance(g, float) else g[key]


SCATTER = Rule("scatter", _scatter, [_through_scatter])  # the pullback of an index, and in no table


def _concatenate(*arrays: Value, axis: int) -> Value:
    return np.concatenate(arrays, axis)


def _through_concatenate(position: int, g: Operand, _z: Operand, *arrays: Operand, axis: int) -> Operand:
    """Cut out the part of the cotangent that stands where the array at `position` was put."""
    start = sum(array.shape[axis] for array in arrays[:position])
    return g[_along(axis, slice(start, start + arrays[position].shape[axis]), g.ndim)]


def _stack(*arrays: Value, axis: int) -> Value:
    return np.stack(arrays, axis)


def _through_stack(position: int, g: Operand, _z: Operand, *_arrays: Operand, axis: int) -> Operand:
    """Cut out the part of the cotangent that stands where the array at `position` was put."""
    return g[_along(axis, position, g.ndim)]


def _along(axis: int, key: int | slice, ndim: int) -> tuple[int | slice, ...]:
    """Return the index that takes `key` along one axis, and everything along the others."""
    return (*(slice(None),) * (axis % ndim), key)


ARRAY_ROWS = (
    Rule("sum", np.add.reduce, [_through_sum]),
    Rule("mean", np.mean, [_through_mean]),
    Rule("prod", np.prod, [_through_prod]),
    Rule("max", np.max, [_through_extreme]),
    Rule("min", np.min, [_through_extreme]),
    Rule("logsumexp", _logsumexp, [_through_logsumexp]),
    SOFTMAX,
    Rule("log_softmax", _log_softmax, [_through_log_softmax]),
    Rule("matmul", np.matmul, [_through_matmul_by_left, _through_matmul_by_right]),
    Rule("reshape", np.reshape, [_through_reshape]),
    Rule("squeeze", np.squeeze, [_through_reshape]),
    Rule("expand_dims", np.expand_dims, [_through_reshape]),
    Rule("transpose", np.transpose, [_through_transpose]),
    Rule("broadcast_to", np.broadcast_to, [_through_broadcast]),
    Rule("index", _index, [_through_index]),
    Variadic("concatenate", _concatenate, [_through_concatenate]),
    Variadic("stack", _stack, [_through_stack]),
)
