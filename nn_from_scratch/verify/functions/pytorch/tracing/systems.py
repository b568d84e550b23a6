"""Linear algebra: systems of equations, determinants, and factors of matrices."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from nn_from_scratch.verify.functions.pytorch.tracing.operands import Call, NotTracedError, Operand, Rule
from nn_from_scratch.verify.functions.tracing import factors
from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow, exact


def _swapped(x: Shadow) -> Shadow:
    return np.swapaxes(x, -1, -2)


def _gram(call: Call, name: str) -> Shadow:
    """Return the matrix that a Cholesky factor is of."""
    upper = bool(call["upper"])
    factor = apply("triangle", call.shadow(name), lower=not upper)
    return apply("matmul", *((_swapped(factor), factor) if upper else (factor, _swapped(factor))))


def _cholesky(call: Call) -> Shadow:
    factor = apply("cholesky", call.shadow("self"))
    return _swapped(factor) if call["upper"] else factor


def _cholesky_inverse(call: Call) -> Shadow:
    return apply("inv", _gram(call, "self"))


def _cholesky_solve(call: Call) -> Shadow:
    return apply("solve", _gram(call, "input2"), call.shadow("self"))


def _solved(call: Call, a: Shadow, b: Shadow) -> Shadow:
    """Return x where a x = b; where the operation is asked from the right, x a = b."""
    return apply("solve", a, b) if call["left"] else _swapped(apply("solve", _swapped(a), _swapped(b)))


def _triangle(call: Call, name: str) -> Shadow:
    """Return the part of a matrix that an operation on triangles reads."""
    return apply(
        "triangle", call.shadow(name), lower=not call["upper"], unit_diagonal=bool(call["unitriangular"])
    )


def _solve_triangular(call: Call) -> Shadow:
    return _solved(call, _triangle(call, "self"), call.shadow("B"))


def _triangular(call: Call) -> tuple[Shadow, Shadow]:
    """Solve as the older operation does, which returns the matrix as well."""
    matrix = _triangle(call, "A")
    matrix = _swapped(matrix) if call["transpose"] else matrix
    return apply("solve", matrix, call.shadow("self")), call.shadow("A")


def _exchanges(pivots: Numbers) -> Numbers:
    """Return LAPACK's exchanges of rows, which are counted from 1, counted from 0."""
    return np.asarray(pivots) - 1


@cache
def _transposes(name: str, contiguous: bool) -> bool:
    """Whether an operation factors the transpose of a matrix that lies row by row in memory, or does not.

    LAPACK takes columns, and the determinant of the transpose is the same. PyTorch is asked: of this matrix
    and of its transpose another number becomes the first pivot.
    """
    probe = torch.tensor([[1.0, 2.0], [4.0, 3.0]], dtype=torch.float64)
    probe = probe if contiguous else probe.T.contiguous().T
    if name == "_linalg_solve_ex":
        found = torch._linalg_solve_ex(probe, probe)  # noqa: SLF001  what the trace meets
    else:
        found = getattr(torch, name)(probe)
    return float(found.LU[0, 0]) != float(probe[1, 0])


def _factors(call: Call, pivots: Numbers) -> Shadow:
    """Return L and U of what PyTorch factors."""
    a = call.shadow("A")
    turned = _transposes(call.name, call["A"].contiguous)
    return factors.eliminated(_swapped(a) if turned else a, _exchanges(pivots))


def _determinant(call: Call) -> tuple[Shadow, Shadow, None]:
    return apply("det", call.shadow("A")), _factors(call, call.results[2]), None


def _log_determinant(call: Call) -> tuple[Shadow, Shadow, Shadow, None]:
    logarithm = apply("logabsdet", call.shadow("A"))
    return exact(call.results[0]), logarithm, _factors(call, call.results[3]), None


def _solve(call: Call) -> tuple[Shadow, Shadow, None, None]:
    a, b = call.shadow("A"), call.shadow("B")
    vectors = b.ndim == 1 or (b.ndim == a.ndim - 1 and b.shape == a.shape[:-1])
    found = _solved(call, a, b[..., None] if vectors else b)
    return found[..., 0] if vectors else found, _factors(call, call.results[2]), None, None


def _lu(call: Call) -> tuple[Shadow, None, None]:
    return factors.eliminated(call.shadow("A"), _exchanges(call.results[1])), None, None


def _lu_unpacked(call: Call) -> tuple[Shadow, Shadow, Shadow]:
    packed = call.shadow("LU_data")
    return exact(call.results[0]), *_parts(packed, call.results[1:])


def _parts(packed: Shadow, results: list[Numbers]) -> tuple[Shadow, Shadow]:
    """Return L and U; what is not asked for has no numbers."""
    lower, upper = factors.unpacked(packed)
    return (lower if results[0].size else lower[:0]), (upper if results[1].size else upper[:0])


def _lu_in_three(call: Call) -> tuple[Shadow, Shadow, Shadow]:
    """Return P, L and U, by the exchanges that P says."""
    a, exchanged = call.shadow("A"), call.results[0]
    if not exchanged.size:
        raise NotTracedError("LU without exchanges of rows")
    ordered = apply("matmul", exact(np.swapaxes(exchanged, -1, -2)), a)
    none = np.broadcast_to(np.arange(min(a.shape[-2:])), (*a.shape[:-2], min(a.shape[-2:])))
    return exact(exchanged), *_parts(factors.eliminated(ordered, none), call.results[1:])


def _lu_solve(call: Call) -> Shadow:
    matrix = factors.multiplied(call.shadow("LU"), _exchanges(call.numbers("pivots")))
    return _solved(call, _swapped(matrix) if call["adjoint"] else matrix, call.shadow("B"))


def _qr(call: Call) -> tuple[Shadow, Shadow]:
    a, (orthogonal, upper) = call.shadow("A"), call.results
    if upper.shape[-2] > a.shape[-1]:
        raise NotTracedError("QR with more columns than are determined")
    signs = np.diagonal(upper, axis1=-2, axis2=-1)
    found = factors.orthogonalised(a, signs)
    return (found[0] if orthogonal.size else exact(orthogonal)), found[1]


def _eigenvectors(call: Call) -> tuple[Shadow, Shadow]:
    a, (numbers, vectors) = call.shadow("A"), call.results
    if not factors.is_symmetric(a):
        raise NotTracedError("eigenvectors of a matrix that is not symmetric")
    asked = vectors.size > 0
    found = factors.eigenvectors(a, numbers, vectors if asked else np.linalg.eigh(call.numbers("A"))[1])
    return found[0], found[1] if asked else exact(vectors)


def _singular_vectors(call: Call) -> tuple[Shadow, Shadow, Shadow]:
    a, (left, numbers, right) = call.shadow("A"), call.results
    if call["full_matrices"] and left.size and a.shape[-2] != a.shape[-1]:
        raise NotTracedError("singular vectors of more than are determined")
    near_left, near_right = left, right
    if not left.size:
        near_left, _, near_right = np.linalg.svd(call.numbers("A"), full_matrices=False)
    u, s, v = factors.singular_vectors(a, near_left, numbers, near_right)
    return (u, s, v) if left.size else (exact(left), s, exact(right))


def _pseudo_inverse(call: Call) -> Shadow:
    a = call.numbers("self")
    if not (np.linalg.matrix_rank(a) == min(a.shape[-2:])).all():
        raise NotTracedError("the pseudo-inverse of a matrix that has not full rank")
    return factors.pseudo_inverse(call.shadow("self"))


def _least_squares(call: Call) -> tuple[Shadow, Shadow | None, None, None]:
    a, b = call.shadow("self"), call.shadow("b")
    if not (np.linalg.matrix_rank(call.numbers("self")) == min(a.shape[-2:])).all():
        raise NotTracedError("least squares of a matrix that has not full rank")
    solution = apply("matmul", factors.pseudo_inverse(a), b)
    rest = b - apply("matmul", a, solution)
    squares = apply("sum", apply("square", rest), axis=-2)
    return solution, squares if call.results[1].size else exact(call.results[1]), None, None


def _householder_product(call: Call) -> Shadow:
    """Multiply the first columns of the unit matrix by reflections, the last first."""
    a, taus = call.shadow("input"), call.shadow("tau")
    rows, columns = a.shape[-2:]
    result = exact(np.broadcast_to(np.eye(rows, columns), a.shape))
    vectors = np.where(np.tril(np.ones((rows, columns), bool), -1), a, exact(np.eye(rows, columns)))
    for k in reversed(range(taus.shape[-1])):
        vector = vectors[..., k][..., None]
        along = apply("matmul", np.swapaxes(vector, -1, -2), result)
        result = result - apply("multiply", taus[..., k][..., None, None], apply("matmul", vector, along))
    return result


SYSTEMS: dict[str, Rule] = {
    "linalg_cholesky_ex": _cholesky,
    "cholesky": _cholesky,
    "cholesky_inverse": _cholesky_inverse,
    "cholesky_solve": _cholesky_solve,
    "linalg_solve_triangular": _solve_triangular,
    "triangular_solve": _triangular,
    "_linalg_solve_ex": _solve,
    "linalg_inv_ex": lambda call: apply("inv", call.shadow("A")),
    "_linalg_slogdet": _log_determinant,
    "_linalg_det": _determinant,
    "linalg_lu_factor_ex": _lu,
    "linalg_lu": _lu_in_three,
    "linalg_lu_solve": _lu_solve,
    "lu_unpack": _lu_unpacked,
    "linalg_qr": _qr,
    "_linalg_eigh": _eigenvectors,
    "_linalg_svd": _singular_vectors,
    "linalg_pinv": _pseudo_inverse,
    "linalg_lstsq": _least_squares,
    "linalg_matrix_exp": lambda call: factors.exponential(call.shadow("self")),
    "linalg_householder_product": _householder_product,
}
"""Rules by the names of PyTorch's operations."""


def condition(name: str, call: Call) -> float:
    """Return what roundings grow by: the condition of what is factored or solved with, times its size."""
    if name in {"_linalg_eigh", "_linalg_svd"}:
        return _separation(call)
    matrices = _factored(name, call)
    worst = float(np.max(np.linalg.cond(matrices), initial=1.0))
    if name in _OF_LEADING_PARTS:
        sizes = range(1, min(matrices.shape[-2:]))
        leading = (np.linalg.cond(matrices[..., :size, :size]) for size in sizes)
        worst = max([worst, *(float(np.max(x, initial=1.0)) for x in leading)])
    return float(matrices.shape[-1] * (worst**2 if name in _SQUARED else worst))


_SQUARED = frozenset(["cholesky_solve", "cholesky_inverse", "linalg_pinv", "linalg_lstsq"])
_OF_LEADING_PARTS = frozenset(
    ["_linalg_det", "_linalg_slogdet", "_linalg_solve_ex", "linalg_lu_factor_ex", "linalg_lu"]
)
"""Factors depend on the leading parts of the matrix with its rows exchanged: these may be worse than it."""


def _factored(name: str, call: Call) -> Numbers:
    """Return the matrices whose condition counts, with rows exchanged where they are."""
    if name == "linalg_lu_solve":
        packed = call.numbers("LU")
        return np.asarray(np.tril(packed, -1) @ np.triu(packed) + np.triu(packed))
    given = next(x for x in ("input2", "A", "self", "input") if isinstance(call[x], Operand))
    found: Numbers = call.numbers(given)
    if name not in _OF_LEADING_PARTS:
        return found
    if name == "linalg_lu":
        return np.asarray(np.swapaxes(call.results[0], -1, -2) @ found)
    places = {"_linalg_slogdet": 3, "linalg_lu_factor_ex": 1}
    pivots = call.results[places.get(name, 2)]
    turned = name != "linalg_lu_factor_ex" and _transposes(name, call["A"].contiguous)
    found = np.swapaxes(found, -1, -2) if turned else found
    order = factors.permutation(_exchanges(pivots), found.shape[-2])
    return np.take_along_axis(found, order[..., None], -2)


def _separation(call: Call) -> float:
    """Return how much larger a matrix is than what lies between its eigenvalues, or singular values."""
    found = next(x for x in call.results if x.ndim == call.numbers("A").ndim - 1)
    ordered = np.sort(found, axis=-1)
    gaps = np.diff(ordered, axis=-1, prepend=0.0) if len(call.results) == 3 else np.diff(ordered, axis=-1)
    largest = float(np.max(np.abs(found), initial=0.0))
    smallest = float(np.min(gaps, initial=largest))
    return float(call.numbers("A").shape[-1] * largest / smallest) if smallest else np.inf
