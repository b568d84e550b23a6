"""Factors of matrices over shadows: LU by recorded exchanges, QR, eigenvectors, and the exponential.

Factors are what their equations say, next to the floats that were computed: which of several is meant (the
exchanges of rows, the signs of columns, the order of eigenvalues) is read from those.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from flint import arb, arb_mat, ctx

from nn_from_scratch.verify.functions.tracing.elementwise import ENTRIES, divide
from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.shadows import (
    Numbers,
    Shadow,
    as_shadow,
    exact,
    has_series,
    joined,
    of_entries,
    slopes,
    value,
    values,
)
from nn_from_scratch.verify.oracles.taylor import PRECISION, working

_STEPS = 7
"""Steps of Newton's method, each of which doubles the digits: from 3 of a float16 to more than 256 bits."""


def eliminated(a: Shadow, exchanges: Numbers) -> Shadow:
    """Return L and U of stacks of matrices in one, as LAPACK packs them: the ones of L are not written.

    `exchanges` says of each step with which row, from 0, its row is exchanged.
    """
    result = a.copy()
    for place in np.ndindex(*a.shape[:-2]):
        work = result[place]
        for k, row in enumerate(exchanges[place].tolist()):
            if row != k:
                work[[k, row]] = work[[row, k]]
            for i in range(k + 1, len(work)):
                work[i, k] = divide(work[i, k], work[k, k])
                work[i, k + 1 :] = work[i, k + 1 :] - apply(
                    "multiply", as_shadow(work[i, k]), work[k, k + 1 :]
                )
    return result


def unpacked(factors: Shadow) -> tuple[Shadow, Shadow]:
    """Return L and U of what `eliminated` packs."""
    rows, columns = factors.shape[-2:]
    size = min(rows, columns)
    lower = factors[..., :size].copy()
    strictly = np.tril(np.ones((rows, size), bool), -1)
    lower = np.where(strictly, lower, exact(np.eye(rows, size)))
    upper = np.where(np.triu(np.ones((size, columns), bool)), factors[..., :size, :], as_shadow(arb(0)))
    return lower, upper


def permutation(exchanges: Numbers, rows: int) -> Numbers:
    """Return where each row of L U stands in the matrix that was factored, from exchanges counted from 0."""
    order = np.broadcast_to(np.arange(rows), (*exchanges.shape[:-1], rows)).copy()
    for place in np.ndindex(*exchanges.shape[:-1]):
        for k, row in enumerate(exchanges[place].tolist()):
            order[place][[k, row]] = order[place][[row, k]]
    return order


def multiplied(factors: Shadow, exchanges: Numbers) -> Shadow:
    """Return the square matrices that `eliminated` factors."""
    ordered = apply("matmul", *unpacked(factors))
    order = permutation(exchanges, factors.shape[-2])
    return np.take_along_axis(ordered, np.argsort(order, axis=-1)[..., None], -2)


def orthogonalised(a: Shadow, signs: Numbers) -> tuple[Shadow, Shadow]:
    """Return Q and R of stacks of matrices, the diagonal of R with the signs that it was computed with."""
    rows, columns = a.shape[-2:]
    size = min(rows, columns)
    orthogonal = np.empty((*a.shape[:-1], size), dtype=object)
    for place in np.ndindex(*a.shape[:-2]):
        for k in range(size):
            column = a[place][:, k]
            for before in range(k):
                known = orthogonal[place][:, before]
                column = column - apply("multiply", as_shadow(_dot(known, column)), known)
            length = ENTRIES["sqrt"](_dot(column, column))
            length = -length if signs[(*place, k)] < 0 else length
            orthogonal[place][:, k] = of_entries((divide(entry, length) for entry in column), column.shape)
    product = apply("matmul", np.swapaxes(orthogonal, -1, -2), a)
    return orthogonal, apply("triangle", product, lower=False)


def _dot(x: Shadow, y: Shadow) -> Any:
    return apply("sum", apply("multiply", x, y))[()]


def eigenvectors(a: Shadow, near: Numbers, columns: Numbers) -> tuple[Shadow, Shadow]:
    """Return the eigenvalues and eigenvectors of symmetric matrices that are next to computed ones.

    Parameters
    ----------
    a
        A symmetric matrix, or a stack of them; what is not finite came from no single root.
    near
        An eigenvalue for each column.
    columns
        Eigenvectors of length 1, as columns; not all need to be there.

    """
    numbers, vectors = np.empty(near.shape, dtype=object), np.empty(columns.shape, dtype=object)
    for place in np.ndindex(*near.shape):
        *stack, k = place
        found = _root(a[tuple(stack)], float(near[place]), columns[(*stack, slice(None), k)])
        vectors[(*stack, slice(None), k)], numbers[place] = found[:-1], found[-1]
    for one in np.ndindex(*near.shape[:-1]):
        if any(value(x).overlaps(value(y)) for x, y in itertools.combinations(numbers[one], 2)):
            numbers[one], vectors[one] = arb.nan(), arb.nan()  # two columns may be of one root
    return numbers, vectors


def _root(a: Shadow, number: float, vector: Numbers) -> Shadow:
    """Return the eigenvector of length 1, and after it the eigenvalue, next to computed ones.

    They are where (A x - l x, (1 - x.x) / 2) is 0. Newton's method over intervals proves that one root, and
    one alone, is in the balls that are returned; their slopes follow from that these equations hold.
    """
    matrix, start = values(a), exact(np.append(vector, number))
    unknown = of_entries([arb.nan()] * start.size, start.shape)
    try:
        with working(PRECISION, 2):
            middle = _middles(matrix)
            for _ in range(_STEPS):
                start = _middles(start - _solved(_jacobian(middle, start), _equations(middle, start)))
        step = _solved(_jacobian(matrix, start), _equations(matrix, start))
        small = arb(2.0) ** -(ctx.prec - 8)
        around = of_entries(
            (
                x + arb(0, (2 * abs(d) + small * (1 + abs(x))).abs_upper())
                for x, d in zip(start, step, strict=True)
            ),
            start.shape,
        )
        jacobian = _jacobian(matrix, around)
        root: Shadow = start - _solved(jacobian, _equations(matrix, start))
        if not all(box.contains_interior(x) for box, x in zip(around, root, strict=True)):
            return unknown
        if not has_series(a):
            return root
        moved = apply("matmul", slopes(a), root[:-1])
        return joined(root, _solved(_jacobian(matrix, root), np.append(-moved, as_shadow(arb(0)))))
    except ZeroDivisionError:  # a double eigenvalue, as far as the balls can tell
        return unknown


def _equations(a: Shadow, z: Shadow) -> Shadow:
    x = z[:-1]
    return np.append(np.dot(a, x) - z[-1] * x, as_shadow((1 - np.dot(x, x)) / 2))


def _jacobian(a: Shadow, z: Shadow) -> Shadow:
    size = len(a)
    result = exact(np.zeros((size + 1, size + 1)))
    result[:size, :size] = a - exact(np.eye(size)) * z[-1]
    result[:size, size] = result[size, :size] = -z[:-1]
    return result


def _solved(a: Shadow, b: Shadow) -> Shadow:
    found = arb_mat(a.tolist()).solve(arb_mat([[entry] for entry in b]))
    return of_entries(found.entries(), b.shape)


def _middles(x: Shadow) -> Shadow:
    return of_entries((entry.mid() for entry in x.ravel()), x.shape)


def singular_vectors(
    a: Shadow, left: Numbers, near: Numbers, right: Numbers
) -> tuple[Shadow, Shadow, Shadow]:
    """Return U, the singular values and V^T of stacks of matrices, next to computed ones.

    The columns of U above those of V are eigenvectors of the matrix that has A and its transpose off its
    diagonal, and the singular values are the eigenvalues.
    """
    rows, columns = a.shape[-2:]
    both = exact(np.zeros((*a.shape[:-2], rows + columns, rows + columns)))
    both[..., :rows, rows:] = a
    both[..., rows:, :rows] = np.swapaxes(a, -1, -2)
    vectors = np.concatenate([left, np.swapaxes(right, -1, -2)], -2) / np.sqrt(2)
    numbers, found = eigenvectors(both, near, vectors)
    found = apply("multiply", found, as_shadow(arb(2).sqrt()))
    return found[..., :rows, :], numbers, np.swapaxes(found[..., rows:, :], -1, -2)


def exponential(a: Shadow) -> Shadow:
    """Return the exponential of matrices; its slope is a block of the exponential of [[A, A'], [0, A]]."""
    size = a.shape[-1]
    result = np.empty(a.shape, dtype=object)
    for place in np.ndindex(*a.shape[:-2]):
        own = values(a[place])
        if not size:
            continue
        if not has_series(a[place]):
            result[place] = of_entries(arb_mat(own.tolist()).exp().entries(), own.shape)
            continue
        blocks = np.block([[own, slopes(a[place])], [exact(np.zeros(own.shape)), own]])
        found = of_entries(arb_mat(blocks.tolist()).exp().entries(), blocks.shape)
        result[place] = joined(found[:size, :size], found[:size, size:])
    return result


def pseudo_inverse(a: Shadow) -> Shadow:
    """Return the pseudo-inverse of matrices of full rank."""
    turned = np.swapaxes(a, -1, -2)
    if a.shape[-2] >= a.shape[-1]:
        return apply("solve", apply("matmul", turned, a), turned)
    return np.swapaxes(apply("solve", apply("matmul", a, turned), a), -1, -2)


def is_symmetric(a: Shadow) -> bool:
    """Whether matrices are symmetric and stay so along the direction, as far as balls tell."""
    turned = np.swapaxes(a, -1, -2)
    gaps = [*(values(a) - values(turned)).ravel(), *(slopes(a) - slopes(turned)).ravel()]
    return all(gap.contains(0) for gap in gaps)
