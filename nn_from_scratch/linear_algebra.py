"""Linear algebra: solve, inv, det, slogdet, cholesky, eigh, norms and powers of matrices.

The rules are those of M. Giles, *Collected matrix derivative results for forward and reverse mode algorithmic
differentiation* (2008), and, of the Cholesky factor, of I. Murray, *Differentiation of the Cholesky
decomposition* (2016). What numpy reads of a matrix is what is differentiated: `cholesky` and `eigh` read the
lower triangle, and give no cotangent to the upper one.
"""

from typing import Any

import numpy as np

from nn_from_scratch.array_rules import axes_of, axes_within
from nn_from_scratch.rule import Function, Operand, Rule, Value, value_of
from nn_from_scratch.values import brief

_transposed = np.matrix_transpose


# Systems of equations


def _through_inv(g: Operand, z: Operand, _x: Operand) -> Operand:
    """Return -zᵀ g zᵀ."""
    return -np.matmul(np.matmul(_transposed(z), g), _transposed(z))


def _solved_back(g: Operand, a: Operand, b: Operand) -> Operand:
    """Return the solution of aᵀ w = g, as columns."""
    return SOLVE(_transposed(a), np.expand_dims(g, -1) if np.ndim(b) == 1 else g)


def _through_solve_by_matrix(g: Operand, z: Operand, a: Operand, b: Operand) -> Operand:
    """Return -w zᵀ, where w solves aᵀ w = g."""
    columns = np.expand_dims(z, -1) if np.ndim(b) == 1 else z
    return -np.matmul(_solved_back(g, a, b), _transposed(columns))


def _through_solve_by_right_side(g: Operand, _z: Operand, a: Operand, b: Operand) -> Operand:
    """Return w, where w solves aᵀ w = g."""
    w = _solved_back(g, a, b)
    return w[..., 0] if np.ndim(b) == 1 else w


INV = Rule("inv", np.linalg.inv, [_through_inv])
SOLVE = Rule("solve", np.linalg.solve, [_through_solve_by_matrix, _through_solve_by_right_side])


# Determinants


def _through_det(g: Operand, z: Operand, x: Operand) -> Operand:
    """Multiply by the cofactors."""
    return np.reshape(g, (*np.shape(g), 1, 1)) * _cofactors(z, x)


def _cofactors(z: Operand, x: Operand) -> Operand:
    """Return det(x) times the transposed inverse; of a matrix that has next to none, its minors.

    Of a single number that is 1, which it would be but for the rounding of the two.
    """
    n = np.shape(x)[-1]
    if n == 1:
        return np.ones(np.shape(x), x.dtype)
    if np.all(value_of(z)):
        inverse = np.linalg.inv(x)
        if _has_digits(value_of(inverse), value_of(x)):
            return np.reshape(z, (*np.shape(z), 1, 1)) * _transposed(inverse)
    rows = []
    for i in range(n):
        without_row = np.delete(x, i, axis=-2)
        minors: list[Any] = [np.linalg.det(np.delete(without_row, j, axis=-1)) for j in range(n)]
        rows.append(np.stack([minor * (-1.0) ** (i + j) for j, minor in enumerate(minors)], axis=-1))
    return np.stack(rows, axis=-2)


def _has_digits(inverse: Value, x: Value) -> bool:
    """Tell by the condition of a matrix whether its inverse is known to a digit or more.

    Else what the determinant's derivative is made of is so large that nothing remains of it.
    """
    sizes = [np.abs(y).sum(axis=-2).max(axis=-1, initial=0) for y in (x, inverse)]
    return bool(np.all(sizes[0] * sizes[1] < 1 / (16 * np.finfo(x.dtype).eps)))


def _log_of_size(x: Value) -> Value:
    return np.linalg.slogdet(x)[1]


def _through_log_of_size(g: Operand, _z: Operand, x: Operand) -> Operand:
    return np.reshape(g, (*np.shape(g), 1, 1)) * _transposed(np.linalg.inv(x))


DET = Rule("det", np.linalg.det, [_through_det])
LOG_OF_SIZE = Rule("slogdet", _log_of_size, [_through_log_of_size])


# Factors of symmetric matrices


def _by_lower_triangle(x: Operand) -> Operand:
    """Return the cotangent of a symmetric matrix that is read from its lower triangle."""
    return np.tril(x) + np.tril(_transposed(x), -1)


def _through_cholesky(g: Operand, z: Operand, _x: Operand) -> Operand:
    """Return z⁻ᵀ p z⁻¹, symmetric, where p is the lower triangle of zᵀ g with half of its diagonal."""
    p = np.matmul(_transposed(z), g)
    p = np.tril(p, -1) + 0.5 * (np.tril(p) - np.tril(p, -1))
    half = np.linalg.solve(_transposed(z), _transposed(np.linalg.solve(_transposed(z), _transposed(p))))
    return _by_lower_triangle(0.5 * (half + _transposed(half)))


CHOLESKY = Rule("cholesky", np.linalg.cholesky, [_through_cholesky])


def _eigen(x: Value) -> Value:
    """Return the eigenvalues as a row above the eigenvectors."""
    values, vectors = np.linalg.eigh(x)
    return np.concatenate([values[..., None, :], vectors], axis=-2)


def _through_eigen(g: Operand, z: Operand, _x: Operand) -> Operand:
    """Return v (diag(g of w) + f * (vᵀ g of v)) vᵀ, where f is 1 / (w[j] - w[i]) beside the diagonal.

    Of eigenvalues that are equal, be it but for rounding, the vectors have no derivative: what depends on
    them is infinite or NaN.
    """
    w, v = z[..., 0, :], z[..., 1:, :]
    g_of_w, g_of_v = g[..., 0, :], g[..., 1:, :]
    turned = np.matmul(_transposed(v), g_of_v)
    gaps = np.expand_dims(w, -2) - np.expand_dims(w, -1)
    rounding = 4 * np.finfo(w.dtype).eps * np.sum(np.abs(w), axis=-1)
    gaps = np.where(np.less_equal(np.abs(gaps), np.expand_dims(rounding, (-1, -2))), 0.0, gaps)
    # Where nothing depends on how equal ones turn, they may be divided by: a 0 elsewhere has a derivative.
    counts = (np.not_equal(turned, 0) | np.not_equal(gaps, 0)) & ~np.eye(np.shape(w)[-1], dtype=bool)
    inner = np.where(counts, turned / np.where(counts, gaps, 1.0), 0.0)
    inner = inner + np.eye(np.shape(w)[-1]) * np.expand_dims(g_of_w, -2)
    found = np.matmul(np.matmul(v, inner), _transposed(v))
    return _by_lower_triangle(0.5 * (found + _transposed(found)))


EIGEN = Rule("eigh", _eigen, [_through_eigen])


def _read_from(x: Any, upper: bool) -> Any:
    return _transposed(x) if upper else x


def _cholesky(a: Any, *, upper: bool = False) -> Any:
    return _read_from(CHOLESKY(_read_from(a, upper)), upper)


def _eigh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803 - numpy's name
    if UPLO.upper() not in {"L", "U"}:
        raise ValueError(f"np.linalg.eigh: UPLO is L or U, got {brief(UPLO)}")
    pair = EIGEN(_read_from(a, UPLO.upper() == "U"))
    kind = type(np.linalg.eigh(np.eye(1)))
    return kind(pair[..., 0, :], pair[..., 1:, :])


def _eigvalsh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803 - numpy's name
    return _eigh(a, UPLO)[0]


def _solve(a: Any, b: Any) -> Any:
    return SOLVE(a, b)


def _inv(a: Any) -> Any:
    return INV(a)


def _det(a: Any) -> Any:
    return DET(a)


def _slogdet(a: Any) -> Any:
    """Return the sign, which is a plain value, and the logarithm of the size."""
    log_of_size = LOG_OF_SIZE(a)
    sign, _ = found = np.linalg.slogdet(value_of(a))
    return type(found)(sign, log_of_size)


def _matrix_power(a: Any, n: int) -> Any:
    """Return the product of n equal matrices, by squaring; of the inverse if n is negative."""
    shape = np.shape(a)
    if not isinstance(n, int | np.integer):
        raise TypeError(f"np.linalg.matrix_power: the exponent is an integer, got {brief(n)}")
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise np.linalg.LinAlgError(f"np.linalg.matrix_power is of square matrices, got shape {shape}")
    if n == 0:
        return np.broadcast_to(np.eye(shape[-1], dtype=a.dtype), shape) + 0.0
    square, result = (np.linalg.inv(a) if n < 0 else a), None
    n = abs(n)
    while n:
        if n % 2:
            result = square if result is None else np.matmul(result, square)
        n //= 2
        square = np.matmul(square, square) if n else square
    return result


# Norms


def _length(x: Value, axis: Any, keepdims: bool) -> Value:
    return np.sqrt(np.sum(np.square(x), axis=axis, keepdims=keepdims))


def _through_length(g: Operand, z: Operand, x: Operand, axis: Any, keepdims: bool) -> Operand:
    """Multiply by x / z; 0 where all is 0, which is a subgradient."""
    if axis is not None and not keepdims:
        g, z = np.expand_dims(g, axis), np.expand_dims(z, axis)
    return g * (x / (z + np.equal(z, 0)))


LENGTH = Rule("norm", _length, [_through_length])


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    axis = axes_of(axis)
    if axis is None and (ord is None or np.ndim(x) == 1):
        z = _vector_norm(np.reshape(x, -1), ord, 0, keepdims=False)
        return np.reshape(z, (1,) * np.ndim(x)) if keepdims else z
    axes = axes_within("np.linalg.norm", axis, x)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims=keepdims)
    if len(axes) != 2:
        raise ValueError(f"np.linalg.norm is of vectors or matrices, got axes {axes} of shape {np.shape(x)}")
    if ord is None or ord == "fro":
        return LENGTH(x, axis=axes, keepdims=bool(keepdims))
    if ord in (1, -1, np.inf, -np.inf):  # no set: what is no number need not be hashable
        summed, left = axes if abs(ord) == 1 else axes[::-1]
        sums = np.sum(np.abs(x), axis=summed, keepdims=True)
        z = (np.max if ord > 0 else np.min)(sums, axis=left, keepdims=True)
        return z if keepdims else np.squeeze(z, axes)
    if ord not in (2, -2, "nuc"):
        raise ValueError(f"np.linalg.norm: no norm of matrices has ord {brief(ord)}")
    raise TypeError(
        f"np.linalg.norm of matrices of Nodes: ord is None, 'fro', 1, -1, inf or -inf, got {brief(ord)}"
    )


def _vector_norm(x: Any, order: Any, axis: Any, *, keepdims: bool) -> Any:
    keepdims = bool(keepdims)
    if not isinstance(order, int | float | np.number | None):
        raise ValueError(f"np.linalg.norm: ord of a vector is a number, got {brief(order)}")  # noqa: TRY004 - numpy's
    if order is None or order == 2:
        return LENGTH(x, axis=axis, keepdims=keepdims)
    if order == 0:
        return np.sum(np.not_equal(x, 0), axis=axis, keepdims=keepdims).astype(float)
    size = np.abs(x)
    if order in {np.inf, -np.inf}:
        return (np.max if order > 0 else np.min)(size, axis=axis, keepdims=keepdims)
    if order == 1:
        return np.sum(size, axis=axis, keepdims=keepdims)
    return np.sum(size**order, axis=axis, keepdims=keepdims) ** (1.0 / order)


def _norm_of_vectors(x: Any, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    return _vector_norm(x, ord, axes_of(axis), keepdims=keepdims)


def _norm_of_matrices(x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return _norm(x, ord, (-2, -1), keepdims)


def _diagonal_of_matrices(x: Any, *, offset: int = 0) -> Any:
    return np.diagonal(x, offset, -2, -1)


def _trace_of_matrices(x: Any, *, offset: int = 0, dtype: Any = None) -> Any:
    return np.trace(x, offset, -2, -1, dtype)


LINEAR_ALGEBRA: dict[Any, Function] = {
    np.linalg.norm: _norm,
    np.linalg.vector_norm: _norm_of_vectors,
    np.linalg.matrix_norm: _norm_of_matrices,
    np.linalg.solve: _solve,
    np.linalg.inv: _inv,
    np.linalg.det: _det,
    np.linalg.slogdet: _slogdet,
    np.linalg.cholesky: _cholesky,
    np.linalg.eigh: _eigh,
    np.linalg.eigvalsh: _eigvalsh,
    np.linalg.matrix_power: _matrix_power,
    np.linalg.matrix_transpose: np.matrix_transpose,
    np.linalg.diagonal: _diagonal_of_matrices,
    np.linalg.trace: _trace_of_matrices,
}
"""By function of numpy, what it does to nodes."""
