"""Eigenvalues and eigenvectors of the symmetric part of small matrices, entry by entry.

Each number is a function of the entries, `eigenvalue` or `eigenvector`: which number, and of a vector which
place, is said by constants in front of them. The entries are those on and above the diagonal, row by row. A
vector has either sign, the same in all places: what is made of it has to be the same for both.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nn_from_scratch.verify.questions.lower_matrices import Record, each_matrix, symmetric_part

MOST_ROWS = 3
"""For which there is a closed form."""


def rows_with(entries: int) -> int:
    """Return how many rows a matrix has, of which so many entries are on and above the diagonal."""
    return (math.isqrt(8 * entries + 1) - 1) // 2


def eigenvalues(x: Any, record: Record | None = None) -> Any:
    """Return the eigenvalues of each matrix of a stack, in ascending order."""

    def one(matrix: Any) -> Any:
        entries = _entries(matrix)
        if record is None:
            return np.linalg.eigvalsh(symmetric_part(matrix))
        return np.array([record("eigenvalue", float(k), *entries) for k in range(len(matrix))])

    return each_matrix(one, x)


def eigenvectors(x: Any, record: Record | None = None) -> Any:
    """Return the eigenvectors of each matrix of a stack as columns, each with a positive first entry."""

    def one(matrix: Any) -> Any:
        entries, places = _entries(matrix), range(len(matrix))
        if record is None:
            return _with_positive_firsts(np.linalg.eigh(symmetric_part(matrix))[1])
        if len(places) == 1:
            return np.array([[1.0]])
        columns = []
        for k in places:
            column = [record("eigenvector", float(i), float(k), *entries) for i in places]
            sign = record("sign", column[0])
            columns.append([entry * sign for entry in column])
        return np.array(columns).T

    return each_matrix(one, x)


def _with_positive_firsts(vectors: Any) -> Any:
    return vectors * np.sign(vectors[..., :1, :])


def _entries(matrix: Any) -> list[Any]:
    """Return the entries of the symmetric part on and above the diagonal."""
    rows = len(matrix)
    if not 0 < rows <= MOST_ROWS:
        raise ValueError(f"no closed form of {rows} rows")
    return list(symmetric_part(matrix)[np.triu_indices(rows)])
