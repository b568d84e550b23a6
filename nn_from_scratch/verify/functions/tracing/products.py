"""Sums, products of matrices, and linear algebra over shadows, by FLINT's own products of matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from flint import arb, arb_mat, ctx

from nn_from_scratch.verify.functions.tracing.elementwise import ENTRIES, divide
from nn_from_scratch.verify.functions.tracing.shadows import (
    Shadow,
    as_shadow,
    exact,
    has_series,
    joined,
    mapped,
    nearest,
    of_entries,
    slopes,
    value,
    values,
)
from nn_from_scratch.verify.oracles.taylor import PRECISION

Axes = int | Sequence[int] | None


def total(x: Shadow, axis: Axes = None, *, keepdims: bool = False) -> Shadow:
    """Sum over axes."""
    axes = _axes(axis, x.ndim)
    if not x.size:
        return exact(np.sum(np.zeros(x.shape), axis=axes, keepdims=keepdims))
    if not axes:
        return x.copy()
    summed: Shadow = as_shadow(np.sum(x, axis=axes, keepdims=keepdims))
    if ctx.prec >= PRECISION:
        return summed
    terms = x.size // max(summed.size, 1)
    sizes = np.sum(np.abs(nearest(x)), axis=axes, keepdims=keepdims)
    return as_shadow(np.add(summed, any_order(sizes, terms)))


def any_order(sizes: Any, terms: int) -> Shadow:
    """Return what rounding may do to a sum in any order, at a working precision: n u times its terms."""
    unit = 2.0**-ctx.prec
    return of_entries((arb(0, terms * unit * float(size)) for size in np.ravel(sizes)), np.shape(sizes))


def product(x: Shadow, axis: Axes = None, *, keepdims: bool = False) -> Shadow:
    """Multiply over axes."""
    axes = _axes(axis, x.ndim)
    if not x.size:
        return exact(np.prod(np.zeros(x.shape), axis=axes, keepdims=keepdims))
    return as_shadow(np.prod(x, axis=axes, keepdims=keepdims)) if axes else x.copy()


def mean(x: Shadow, axis: Axes = None, *, keepdims: bool = False) -> Shadow:
    """Average over axes."""
    summed = total(x, axis, keepdims=keepdims)
    return divided(summed, exact(x.size // max(summed.size, 1)))


def variance(x: Shadow, axis: Axes = None, *, correction: float = 0, keepdims: bool = False) -> Shadow:
    """Return the mean square of what differs from the mean; `correction` is numpy's ``ddof``."""
    centred = x - mean(x, axis, keepdims=True)
    summed = total(centred * centred, axis, keepdims=keepdims)
    return divided(summed, exact(x.size // max(summed.size, 1) - correction))


def running_sum(x: Shadow, axis: int | None = None) -> Shadow:
    """Sum cumulatively."""
    return np.add.accumulate(x.ravel() if axis is None else x, axis=axis or 0) if x.size else x.copy()


def running_product(x: Shadow, axis: int | None = None) -> Shadow:
    """Multiply cumulatively."""
    return np.multiply.accumulate(x.ravel() if axis is None else x, axis=axis or 0) if x.size else x.copy()


def divided(x: Shadow, y: Shadow) -> Shadow:
    """Divide entry by entry."""
    return mapped(divide, x, y)


def matmul(x: Shadow, y: Shadow) -> Shadow:
    """Multiply matrices as numpy does: stacks of them are broadcast, vectors are rows or columns."""
    left = x[None, :] if x.ndim == 1 else x
    right = y[:, None] if y.ndim == 1 else y
    if left.ndim == right.ndim == 2:
        result = _matrix_product(left, right)
    else:
        stack = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
        left = np.broadcast_to(left, stack + left.shape[-2:])
        right = np.broadcast_to(right, stack + right.shape[-2:])
        result = np.empty((*stack, left.shape[-2], right.shape[-1]), dtype=object)
        for place in np.ndindex(*stack):
            result[place] = _matrix_product(left[place], right[place])
    if x.ndim == 1:
        result = result[..., 0, :]
    return as_shadow(result[..., 0] if y.ndim == 1 else result)


def einsum(subscripts: str, *operands: Shadow) -> Shadow:
    """Contract by Einstein's convention, from left to right, each pair by a product of matrices."""
    inputs, output = explicit(subscripts, [x.ndim for x in operands])
    labels, result = _diagonal(inputs[0], operands[0])
    for position, operand in enumerate(operands[1:], 1):
        other_labels, other = _diagonal(inputs[position], operand)
        needed = set(output).union(*inputs[position + 1 :])
        labels, result = _contract(labels, result, other_labels, other, needed)
    labels, result = _summed(labels, result, set(output))
    return np.transpose(result, [labels.index(label) for label in output]).copy()


def explicit(subscripts: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """Return the labels of each operand and of the result, with an ellipsis written out and an output."""
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    spare = [c for c in map(chr, range(0x391, 0x3C9)) if c not in subscripts]
    hidden = [
        rank - len(part.replace("...", "")) if "..." in part else 0
        for part, rank in zip(inputs, ranks, strict=True)
    ]
    widest = "".join(spare[: max(hidden, default=0)])
    inputs = [
        part.replace("...", widest[len(widest) - count :]) for part, count in zip(inputs, hidden, strict=True)
    ]
    if arrow:
        return inputs, output.replace("...", widest)
    seen = "".join(inputs)
    once = sorted(c for c in set(seen) - set(widest) if seen.count(c) == 1)
    return inputs, widest + "".join(once)


def _diagonal(labels: str, x: Shadow) -> tuple[str, Shadow]:
    """Take the diagonal where one operand has a label twice."""
    unique = "".join(dict.fromkeys(labels))
    if unique == labels:
        return labels, x
    for label in unique:
        while labels.count(label) > 1:
            first, second = labels.index(label), labels.rindex(label)
            x = np.diagonal(x, axis1=first, axis2=second)
            labels = (
                labels.replace(label, "") + label
                if labels.count(label) == 2
                else _without(labels, first, second) + label
            )
    return labels, x


def _without(labels: str, first: int, second: int) -> str:
    return "".join(c for k, c in enumerate(labels) if k not in {first, second})


def _summed(labels: str, x: Shadow, needed: set[str]) -> tuple[str, Shadow]:
    """Sum over the labels that nobody needs."""
    axes = [k for k, label in enumerate(labels) if label not in needed]
    return "".join(c for c in labels if c in needed), total(x, axes) if axes else x


def _contract(a: str, x: Shadow, b: str, y: Shadow, needed: set[str]) -> tuple[str, Shadow]:
    """Contract two operands over the labels that they share and nobody else needs."""
    a, x = _summed(a, x, needed | set(b))
    b, y = _summed(b, y, needed | set(a))
    stack = [c for c in a if c in b and c in needed]
    inner = [c for c in a if c in b and c not in needed]
    rows = [c for c in a if c not in b]
    columns = [c for c in b if c not in a]
    sizes = dict(zip(b, y.shape, strict=True)) | dict(zip(a, x.shape, strict=True))
    sizes |= {c: n for c, n in zip(b, y.shape, strict=True) if n != 1}

    def arranged(labels: str, z: Shadow, order: list[str]) -> Shadow:
        z = np.transpose(z, [labels.index(c) for c in order])
        return np.broadcast_to(z, [sizes[c] for c in order])

    def count(order: list[str]) -> int:
        return math.prod(sizes[c] for c in order)

    left = arranged(a, x, stack + rows + inner).reshape(count(stack), count(rows), count(inner))
    right = arranged(b, y, stack + inner + columns).reshape(count(stack), count(inner), count(columns))
    order = stack + rows + columns
    return "".join(order), matmul(left, right).reshape([sizes[c] for c in order])


def solve(a: Shadow, b: Shadow) -> Shadow:
    """Solve a x = b for matrices, and stacks of them; b is a vector only if it has one dimension."""
    if b.ndim == 1:
        return solve(a, b[:, None])[..., 0]
    stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a = np.broadcast_to(a, stack + a.shape[-2:])
    b = np.broadcast_to(b, stack + b.shape[-2:])
    result = np.empty(b.shape, dtype=object)
    for place in np.ndindex(*stack):
        result[place] = _solve_one(a[place], b[place])
    return result


def _solve_one(a: Shadow, b: Shadow) -> Shadow:
    """Solve one system; the slope of the solution solves a x' = b' - a' x, which follows from a x = b."""
    if not b.size:
        return b.copy()
    try:
        matrix = _matrix(values(a))
        x = _entries(matrix.solve(_matrix(values(b))), b.shape)
        if not (has_series(a) or has_series(b)):
            return x
        rest = slopes(b) - _matrix_product(slopes(a), x)
        return joined(x, _entries(matrix.solve(_matrix(rest)), b.shape))
    except ZeroDivisionError:  # singular, as far as the balls can tell
        return of_entries([arb.nan()] * b.size, b.shape)


def inverse(a: Shadow) -> Shadow:
    """Invert a matrix, or a stack of them."""
    return solve(a, exact(np.broadcast_to(np.eye(a.shape[-1]), a.shape)))


def cholesky(a: Shadow) -> Shadow:
    """Factor a symmetric matrix, or a stack of them, of which the lower triangle is read."""
    result = exact(np.zeros(a.shape))
    for place in np.ndindex(*a.shape[:-2]):
        source, target = a[place], result[place]
        for j in range(len(source)):
            target[j, j] = ENTRIES["sqrt"](source[j, j] - np.dot(target[j, :j], target[j, :j]))
            for i in range(j + 1, len(source)):
                target[i, j] = divide(source[i, j] - np.dot(target[i, :j], target[j, :j]), target[j, j])
    return result


def triangle(a: Shadow, *, lower: bool, unit_diagonal: bool = False) -> Shadow:
    """Return a matrix with zeros beyond one triangle, which a triangular solver does not read."""
    kept = np.tril(np.ones(a.shape, bool)) if lower else np.triu(np.ones(a.shape, bool))
    result = as_shadow(np.where(kept, a, exact(np.zeros(a.shape))))
    if unit_diagonal:
        for k in range(a.shape[-1]):
            result[..., k, k] = arb(1)
    return result


def determinant(a: Shadow) -> Shadow:
    """Return the determinant of a matrix, or of each of a stack."""
    result = np.empty(a.shape[:-2], dtype=object)
    for place in np.ndindex(*a.shape[:-2]):
        pivots, sign = _pivots(a[place])
        result[place] = sign * _multiplied(pivots)
    return result


def log_determinant(a: Shadow) -> Shadow:
    """Return the logarithm of the absolute value of the determinant."""
    result = np.empty(a.shape[:-2], dtype=object)
    for place in np.ndindex(*a.shape[:-2]):
        pivots, _ = _pivots(a[place])
        logarithm: Any = arb(0)
        for pivot in pivots:
            logarithm = logarithm + ENTRIES["log"](pivot if value(pivot).mid() > 0 else -pivot)
        result[place] = logarithm
    return result


def _multiplied(factors: list[Any]) -> Any:
    result: Any = arb(1)
    for factor in factors:
        result = ENTRIES["multiply"](result, factor)
    return result


def _pivots(a: Shadow) -> tuple[list[Any], int]:
    """Eliminate with row exchanges: the pivots, and the sign of the exchanges."""
    work, sign = a.copy(), 1
    for k in range(len(work)):
        best = k + int(np.argmax(np.abs(nearest(work[k:, k]))))
        if best != k:
            work[[k, best]] = work[[best, k]]
            sign = -sign
        for i in range(k + 1, len(work)):
            work[i, k:] = work[i, k:] - mapped(
                ENTRIES["multiply"], divide(work[i, k], work[k, k]), work[k, k:]
            )
    return [work[k, k] for k in range(len(work))], sign


def _matrix(x: Shadow) -> arb_mat:
    return arb_mat(x.tolist())


def _entries(matrix: arb_mat, shape: tuple[int, ...]) -> Shadow:
    return of_entries(matrix.entries(), shape)


def _matrix_product(x: Shadow, y: Shadow) -> Shadow:
    shape = (x.shape[0], y.shape[1])
    if not (x.size and y.size):
        return exact(np.zeros(shape))
    if ctx.prec < PRECISION:
        return np.add(np.dot(x, y), any_order(np.abs(nearest(x)) @ np.abs(nearest(y)), x.shape[1]))
    first, second = has_series(x), has_series(y)
    left, right = _matrix(values(x) if first else x), _matrix(values(y) if second else y)
    product = _entries(left * right, shape)
    if not (first or second):
        return product
    slope = exact(np.zeros(shape))
    if first:
        slope = slope + _entries(_matrix(slopes(x)) * right, shape)
    if second:
        slope = slope + _entries(left * _matrix(slopes(y)), shape)
    return joined(product, slope)


def _axes(axis: Axes, rank: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(rank))
    return tuple(k % rank for k in ([axis] if isinstance(axis, int) else axis))


def tensordot(x: Shadow, y: Shadow, axes: Any = 2) -> Shadow:
    """Contract axes of two arrays as numpy does."""
    if isinstance(axes, int):
        left, right = list(range(x.ndim - axes, x.ndim)), list(range(axes))
    else:
        left, right = ([k] if isinstance(k, int) else list(k) for k in axes)
    left, right = [k % x.ndim for k in left], [k % y.ndim for k in right]
    rows = [k for k in range(x.ndim) if k not in left]
    columns = [k for k in range(y.ndim) if k not in right]
    terms = math.prod(x.shape[k] for k in left)
    first = np.transpose(x, rows + left).reshape(-1, terms)
    second = np.transpose(y, right + columns).reshape(terms, -1)
    shape = [x.shape[k] for k in rows] + [y.shape[k] for k in columns]
    return _matrix_product(first, second).reshape(shape)
