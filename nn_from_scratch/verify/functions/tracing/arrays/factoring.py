"""Factors of matrices, and what is made of them, over traced arrays: next to numpy's numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.tracing import factors
from nn_from_scratch.verify.functions.tracing.arrays.array import computed, plain
from nn_from_scratch.verify.functions.tracing.arrays.linear import condition
from nn_from_scratch.verify.functions.tracing.arrays.table import answers, refuse_others
from nn_from_scratch.verify.functions.tracing.arrays.trace import Trace
from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.shadows import Shadow

_Formula = Callable[[Shadow], Shadow]


def _answered(trace: Trace, name: str, a: Any, numbers: Any, formula: _Formula, *, gap: float) -> Any:
    """Answer one factor; `gap` is what a rounding of the matrix is divided by, relative to its size."""
    size = 16 * np.shape(plain(a))[-1] / gap if gap > 0 else np.inf
    largest = np.max(np.abs(numbers), initial=0)
    return computed(trace, name, formula, (a,), numbers, lambda _: size * largest)


def _symmetric(trace: Trace, a: Any, uplo: str) -> Any:
    """Return the symmetric matrix of which one triangle is read."""
    if uplo not in {"L", "U"}:
        raise trace.end(f"UPLO={uplo!r} is not traced")
    lower = np.tril(a) if uplo == "L" else np.swapaxes(np.triu(a), -1, -2)
    diagonal = lower * np.eye(np.shape(plain(a))[-1], dtype=plain(a).dtype)
    return lower + np.swapaxes(lower, -1, -2) - diagonal


def _gap(numbers: Any) -> float:
    """Return the smallest distance of two eigenvalues, relative to the largest."""
    ranked = np.sort(numbers, axis=-1)
    least = np.min(np.diff(ranked, axis=-1), initial=np.inf)
    return float(min(1.0, least / max(np.max(np.abs(numbers), initial=0), np.finfo(np.float64).tiny)))


@answers(np.linalg.eigh)
def _eigh(trace: Trace, a: Any, UPLO: str = "L") -> Any:  # noqa: N803  numpy's name
    whole = _symmetric(trace, a, UPLO)
    found = np.linalg.eigh(plain(whole))

    def part(index: int) -> _Formula:
        return lambda s: factors.eigenvectors(s, found.eigenvalues, found.eigenvectors)[index]

    gap = _gap(found.eigenvalues)
    return type(found)(
        _answered(trace, "eigenvalues", whole, found.eigenvalues, part(0), gap=1.0),
        _answered(trace, "eigenvectors", whole, found.eigenvectors, part(1), gap=gap),
    )


@answers(np.linalg.eigvalsh)
def _eigvalsh(_: Trace, a: Any, UPLO: Any = "L") -> Any:  # noqa: N803  numpy's name
    return np.linalg.eigh(a, UPLO)[0]


@answers(np.linalg.svd)
def _svd(
    trace: Trace, a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    if hermitian:
        raise trace.end("svd of a matrix that is said to be hermitian is not traced")
    rows, columns = np.shape(plain(a))[-2:]
    if compute_uv and full_matrices and rows != columns:
        raise trace.end(
            "svd with full matrices has vectors that are not determined: full_matrices=False has not"
        )
    found = np.linalg.svd(plain(a), full_matrices=False)

    def part(index: int) -> _Formula:
        return lambda s: factors.singular_vectors(s, found.U, found.S, found.Vh)[index]

    values = _answered(trace, "singular values", a, found.S, part(1), gap=1.0)
    if not compute_uv:
        return values
    # The vectors are those of eigenvalues s and -s: a small one is near its own negative.
    gap = _gap(np.concatenate([found.S, -found.S], axis=-1))
    return type(found)(
        _answered(trace, "left singular vectors", a, found.U, part(0), gap=gap),
        values,
        _answered(trace, "right singular vectors", a, found.Vh, part(2), gap=gap),
    )


@answers(np.linalg.svdvals)
def _svdvals(_: Trace, a: Any) -> Any:
    return np.linalg.svd(a, compute_uv=False)


@answers(np.linalg.qr)
def _qr(trace: Trace, a: Any, mode: str = "reduced") -> Any:
    rows, columns = np.shape(plain(a))[-2:]
    if mode not in {"reduced", "r"} or rows < columns:
        raise trace.end("qr with more columns than are determined is not traced")
    found = np.linalg.qr(plain(a))
    signs = np.diagonal(found.R, axis1=-2, axis2=-1)

    def part(index: int) -> _Formula:
        return lambda s: factors.orthogonalised(s, signs)[index]

    gap = 1.0 / condition(plain(a))
    upper = _answered(trace, "R of qr", a, found.R, part(1), gap=gap)
    if mode == "r":
        return upper
    return type(found)(_answered(trace, "Q of qr", a, found.Q, part(0), gap=gap), upper)


@answers(np.linalg.pinv)
def _pinv(trace: Trace, a: Any, **rest: Any) -> Any:
    refuse_others(trace, rest)
    _require_full_rank(trace, a)
    numbers = np.linalg.pinv(plain(a))
    return _answered(trace, "pinv", a, numbers, factors.pseudo_inverse, gap=1.0 / condition(plain(a)) ** 2)


@answers(np.linalg.lstsq)
def _lstsq(trace: Trace, a: Any, b: Any, rcond: Any = None) -> Any:
    _require_full_rank(trace, a)
    solution, squares, rank, _ = np.linalg.lstsq(plain(a), plain(b), rcond)

    def formula(x: Shadow, y: Shadow) -> Shadow:
        return apply("matmul", factors.pseudo_inverse(x), y)

    largest = np.max(np.abs(plain(b)), initial=0) * np.max(np.abs(np.linalg.pinv(plain(a))), initial=0)
    size = largest * condition(plain(a)) ** 2
    found = computed(trace, "lstsq", formula, (a, b), solution, lambda *_: size)
    rest = b - np.matmul(a, found)
    summed = np.sum(rest * rest, axis=0).reshape(squares.shape) if squares.size else squares
    return found, summed, rank, np.linalg.svdvals(a)


def _require_full_rank(trace: Trace, a: Any) -> None:
    numbers = plain(a)
    if not np.all(np.linalg.matrix_rank(numbers) == min(numbers.shape[-2:])):
        raise trace.end("the inverse of a matrix that has not full rank is not traced")


@answers(np.linalg.norm)
def _norm(trace: Trace, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A002
    axes = range(np.ndim(plain(x))) if axis is None else np.atleast_1d(axis)
    if ord is None or (ord == "fro" and len(axes) == 2) or (ord == 2 and len(axes) == 1):
        return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))
    if len(axes) == 1:
        return _norm_of_vectors(trace, x, ord, axis, keepdims=keepdims)
    if len(axes) != 2:
        raise trace.end(f"norm with ord={ord!r} is not traced")
    found = _norm_of_matrices(trace, np.moveaxis(x, tuple(axes), (-2, -1)), ord)
    return np.expand_dims(found, tuple(int(k) for k in axes)) if keepdims else found


def _norm_of_vectors(trace: Trace, x: Any, ord: Any, axis: Any, *, keepdims: bool) -> Any:  # noqa: A002
    if ord == 0 or isinstance(ord, str):
        raise trace.end(f"norm with ord={ord!r} is not traced")
    if np.isinf(ord):
        return (np.max if ord > 0 else np.min)(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == 1:
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    return np.sum(np.abs(x) ** ord, axis=axis, keepdims=keepdims) ** (1.0 / ord)


def _norm_of_matrices(trace: Trace, x: Any, ord: Any) -> Any:  # noqa: A002
    if ord == "nuc":
        return np.sum(np.linalg.svdvals(x), axis=-1)
    if ord in {2, -2}:
        return (np.max if ord > 0 else np.min)(np.linalg.svdvals(x), axis=-1)
    if ord not in {1, -1, np.inf, -np.inf}:
        raise trace.end(f"norm with ord={ord!r} is not traced")
    sums = np.sum(np.abs(x), axis=-2 if abs(ord) == 1 else -1)
    return (np.max if ord > 0 else np.min)(sums, axis=-1)


@answers(np.linalg.vector_norm)
def _vector_norm(trace: Trace, x: Any, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:  # noqa: A002
    if isinstance(axis, tuple) or (keepdims and axis is None):
        raise trace.end("vector_norm over several axes is not traced")
    return np.linalg.norm(np.ravel(x) if axis is None else x, ord, axis, keepdims)


@answers(np.linalg.matrix_norm)
def _matrix_norm(_: Trace, x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Any:  # noqa: A002
    return np.linalg.norm(x, ord, (-2, -1), keepdims)


def exponential(trace: Trace, real: Callable[..., Any], a: Any) -> Any:
    """Answer scipy's exponential of a matrix."""
    numbers = real(plain(a))
    size = 64 * np.exp(np.max(np.sum(np.abs(plain(a)), axis=-1), initial=0))
    return computed(trace, "expm", factors.exponential, (a,), numbers, lambda _: size)
