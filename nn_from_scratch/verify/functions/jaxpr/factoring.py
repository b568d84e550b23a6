"""Factors of matrices: next to those that the primitive itself computes of the nearest numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.jaxpr.interpreter import Call, Meaning, NotTracedError
from nn_from_scratch.verify.functions.tracing import factors
from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow, as_shadow, exact, nearest


def _computed(call: Call) -> list[Numbers]:
    """Return what the primitive gives for the nearest numbers."""
    given = nearest(call.operands[0]).astype(call.equation.invars[0].aval.dtype)
    return [np.asarray(x, dtype=np.float64) for x in call.bind(given)]


def _demand_all(call: Call) -> None:
    if call.parameters.get("subset_by_index") is not None:
        raise NotTracedError(f"some of the factors only, in {call.place}")


def _qr(call: Call) -> Any:
    a = call.operands[0]
    rows, columns = a.shape[-2:]
    if call.parameters["pivoting"] or (call.parameters["full_matrices"] and rows > columns):
        raise NotTracedError(f"columns that are exchanged, or more than are determined, in {call.place}")
    upper = _computed(call)[1]
    return list(factors.orthogonalised(a, np.diagonal(upper, axis1=-2, axis2=-1)))


def _eigenvectors(call: Call) -> Any:
    _demand_all(call)
    a = call.operands[0]
    if not factors.is_symmetric(a):
        raise NotTracedError(f"eigenvectors of a matrix that is not symmetric, in {call.place}")
    vectors, numbers = _computed(call)
    found_numbers, found_vectors = factors.eigenvectors(a, numbers, vectors)
    return [found_vectors, found_numbers]


def _singular_vectors(call: Call) -> Any:
    _demand_all(call)
    a = call.operands[0]
    asked = call.parameters["compute_uv"]
    if asked and call.parameters["full_matrices"] and a.shape[-2] != a.shape[-1]:
        raise NotTracedError(f"singular vectors of more than are determined, in {call.place}")
    if asked:
        numbers, left, right = _computed(call)
    else:
        left, numbers, right = np.linalg.svd(nearest(a), full_matrices=False)
    u, s, v = factors.singular_vectors(a, left, numbers, right)
    return [s, u, v] if asked else [s]


def _tridiagonal_solve(call: Call) -> Any:
    """Solve with a matrix of three diagonals; one end of each outer one is not read."""
    below, diagonal, above, b = map(as_shadow, call.operands)
    matrix: Shadow = exact(np.zeros((*diagonal.shape, diagonal.shape[-1])))
    for k in range(diagonal.shape[-1]):
        matrix[..., k, k] = diagonal[..., k]
        if k:
            matrix[..., k, k - 1] = below[..., k]
            matrix[..., k - 1, k] = above[..., k - 1]
    return apply("solve", matrix, b)


FACTORING: dict[str, Meaning] = {
    "eigh": _eigenvectors,
    "qr": _qr,
    "svd": _singular_vectors,
    "tridiagonal_solve": _tridiagonal_solve,
}
"""Meanings of factorisations, and of solving with few diagonals."""
