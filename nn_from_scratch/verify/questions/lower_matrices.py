"""Determinants, inverses, solutions and factors of small matrices, entry by entry.

They are written by cofactors, which are polynomials: exact arithmetic needs no better, and they have a
derivative where a matrix is singular. Engines factor the matrix instead, by elimination with pivots. What
they compute is the exact answer for another matrix, which is off by a few roundings of the largest entry
(N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd edition, SIAM 2002, theorems 9.4 and
10.3, with the growth that is usual). So a 0 is added to each entry, which stands for that: `factored` says by
how much. By the same token a cofactor that is taken for determinant times inverse is off by as many roundings
as the condition number has: that is what a factor of 1 + `inverted` stands for. The reverse of a triangular
factor is made of products of matrices, which put the rounding of all entries into each, be its derivative 0:
another 0, `mixed`, has that for its slope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from itertools import permutations
from typing import Any

import numpy as np

Record = Callable[..., Any]
"""Records an operation of some numbers, by its name; None where numbers are plain."""
Rows = Sequence[Sequence[Any]]


def determinant(x: Any, record: Record | None = None) -> Any:
    """Return the determinant of each matrix of a stack."""

    def one(matrix: Any) -> Any:
        rows = _as_factored(matrix, record)
        found = _determinant(rows)
        if record is None:
            return found
        every = [*np.ravel(matrix), *(entry for row in _cofactors(rows) for entry in row)]
        return found * (record("inverted", found, *every) + 1.0)

    return each_matrix(one, x)


def inverse(x: Any, record: Record | None = None) -> Any:
    """Return the inverse of each matrix of a stack."""
    return each_matrix(lambda matrix: _inverse(_as_factored(matrix, record)), x)


def solution(x: Any, y: Any, record: Record | None = None) -> Any:
    """Return what x times it is y, for each matrix of a stack; a y of one axis is a vector."""
    with np.errstate(all="ignore"):
        found = np.matmul(inverse(x, record), np.asarray(y)[:, None] if np.ndim(y) == 1 else y)
    return found[:, 0] if np.ndim(y) == 1 else found


def log_of_size(x: Any, log: Any = np.log, size: Any = np.abs, record: Record | None = None) -> Any:
    """Return the logarithm of the size of each determinant."""
    with np.errstate(all="ignore"):
        return log(size(determinant(x, record)))


def power(x: Any, n: int, record: Record | None = None) -> Any:
    """Return the product of n equal matrices, for each of a stack; of their inverses for a negative n."""
    base = inverse(x, record) if n < 0 else np.asarray(x)
    with np.errstate(all="ignore"):
        return reduce(np.matmul, [base] * abs(n))


def factor(x: Any, root: Callable[[Any], Any], record: Record | None = None) -> Any:
    """Return the lower triangular factor of the symmetric part of each matrix of a stack."""

    def one(matrix: Any) -> Any:
        places = range(len(matrix))
        rows = _as_factored(_as_factored(symmetric_part(matrix), record), record, "mixed")
        found = np.full(np.shape(matrix), 0.0, dtype=float if record is None else object)
        for j in places:
            for i in places[j:]:
                rest = rows[i][j]
                for k in range(j):
                    rest = rest - found[i, k] * found[j, k]
                found[i, j] = root(rest) if i == j else rest / found[j, j]
        return found

    return each_matrix(one, x)


def symmetric_part(matrix: Any) -> Any:
    """Return the mean of a matrix and its transpose, with the diagonal as it is."""
    mean = (matrix + matrix.T) * 0.5
    places = range(len(matrix))
    return np.array([[matrix[i, i] if i == j else mean[i, j] for j in places] for i in places])


def each_matrix(function: Callable[[Any], Any], x: Any) -> Any:
    """Apply a function to each matrix of a stack; a ValueError says that there is none."""
    x = np.asarray(x)
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(f"an array of shape {x.shape} is no stack of square matrices")
    if x.ndim == 2:
        with np.errstate(all="ignore"):
            return np.asarray(function(x))
    return np.stack([each_matrix(function, one) for one in x])


def _as_factored(matrix: Any, record: Record | None, name: str = "factored") -> Rows:
    """Add to each entry the 0 of a name: by default the one that stands for what factoring moves it by."""
    rows = [list(row) for row in matrix]
    if record is None or len(rows) == 1:
        return rows
    entries = [entry for row in rows for entry in row]
    return [[entry + record(name, *entries) for entry in row] for row in rows]


def _determinant(rows: Rows) -> Any:
    """Add up products of one entry of each row and column."""
    total: Any = 0.0
    for order in permutations(range(len(rows))):
        product: Any = 1.0
        for row, column in zip(rows, order, strict=True):
            product = row[column] * product
        total = total - product if _is_odd(order) else total + product
    return total


def _is_odd(order: Sequence[int]) -> bool:
    return sum(a > b for k, b in enumerate(order) for a in order[:k]) % 2 == 1


def _cofactors(rows: Rows) -> Iterator[list[Any]]:
    """Yield the rows of the matrix of cofactors."""
    places = range(len(rows))
    for i in places:
        others = [row for k, row in enumerate(rows) if k != i]
        minors = [_determinant([[row[k] for k in places if k != j] for row in others]) for j in places]
        yield [-minor if (i + j) % 2 else minor for j, minor in enumerate(minors)]


def _inverse(rows: Rows) -> Any:
    if len(rows) == 1:
        return np.array([[1.0 / rows[0][0]]])
    found = _determinant(rows)
    return np.array([[entry / found for entry in column] for column in zip(*_cofactors(rows), strict=True)])
