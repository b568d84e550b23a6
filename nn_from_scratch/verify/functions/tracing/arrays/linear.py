"""Linear algebra of numpy's and scipy's over traced arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.tracing import products
from nn_from_scratch.verify.functions.tracing.arrays.array import computed, plain
from nn_from_scratch.verify.functions.tracing.arrays.table import answers
from nn_from_scratch.verify.functions.tracing.arrays.trace import Trace
from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.shadows import Shadow


def condition(a: Any) -> float:
    """Return what a rounding of a solver is multiplied by: the condition number, times the size."""
    try:
        return float(np.max(np.linalg.cond(a.astype(np.float64)), initial=1.0) * a.shape[-1] * 4)
    except np.linalg.LinAlgError:
        return float("inf")


def _solved(
    trace: Trace, name: str, operands: tuple[Any, ...], numbers: Any, formula: Callable[..., Shadow]
) -> Any:
    """Answer a solver, whose first operand is the matrix."""
    size = np.max(np.abs(numbers), initial=0) * condition(plain(operands[0]))
    return computed(trace, name, formula, operands, numbers, lambda *_: size)


@answers(np.linalg.solve)
def _solve(trace: Trace, a: Any, b: Any) -> Any:
    return _solved(trace, "solve", (a, b), np.linalg.solve(plain(a), plain(b)), products.solve)


@answers(np.linalg.inv)
def _inv(trace: Trace, a: Any) -> Any:
    return _solved(trace, "inv", (a,), np.linalg.inv(plain(a)), products.inverse)


@answers(np.linalg.cholesky)
def cholesky(
    trace: Trace,
    a: Any,
    *,
    upper: bool = False,
    factored: Callable[..., Any] = np.linalg.cholesky,
) -> Any:
    """Factor by Cholesky; the other triangle is not read."""
    given = np.swapaxes(plain(a), -1, -2) if upper else plain(a)
    factor = factored(given)
    whole = np.tril(given) + np.swapaxes(np.tril(given, -1), -1, -2)
    size = np.max(np.abs(factor), initial=0) * condition(whole)
    source = np.swapaxes(a, -1, -2) if upper else a
    found = computed(trace, "cholesky", products.cholesky, (source,), factor, lambda _: size)
    return np.swapaxes(found, -1, -2) if upper else found


@answers(np.linalg.det)
def _det(trace: Trace, a: Any) -> Any:
    numbers = np.linalg.det(plain(a))
    size = np.abs(numbers) * condition(plain(a))
    return computed(trace, "det", products.determinant, (a,), numbers, lambda _: size)


@answers(np.linalg.slogdet)
def _slogdet(trace: Trace, a: Any) -> Any:
    sign, logarithm = np.linalg.slogdet(plain(a))
    size = condition(plain(a)) + np.abs(logarithm)
    found = computed(trace, "slogdet", products.log_determinant, (a,), logarithm, lambda _: size)
    return type(np.linalg.slogdet(np.eye(1)))(sign, found)


@answers(np.linalg.multi_dot)
def _multi_dot(_: Trace, arrays: Any) -> Any:
    result = arrays[0]
    for array in arrays[1:]:
        result = np.dot(result, array)
    return result


@answers(np.linalg.matrix_power)
def _matrix_power(_: Trace, a: Any, n: int) -> Any:
    base = np.linalg.inv(a) if n < 0 else a
    result = np.broadcast_to(np.eye(np.shape(plain(a))[-1], dtype=plain(a).dtype), np.shape(plain(a)))
    for _step in range(abs(n)):
        result = np.matmul(base, result)
    return result


@answers(np.linalg.outer)
def _outer(_: Trace, a: Any, b: Any) -> Any:
    return np.outer(a, b)


@answers(np.linalg.tensordot)
def _tensordot(_: Trace, a: Any, b: Any, *, axes: Any = 2) -> Any:
    return np.tensordot(a, b, axes)


def solve_triangular(
    trace: Trace,
    real: Callable[..., Any],
    a: Any,
    b: Any,
    *,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    **_: Any,
) -> Any:
    """Answer scipy's triangular solver, which reads one triangle."""
    numbers = real(plain(a), plain(b), trans=trans, lower=lower, unit_diagonal=unit_diagonal)

    def formula(x: Shadow, y: Shadow) -> Shadow:
        part = products.triangle(x, lower=lower, unit_diagonal=unit_diagonal)
        return products.solve(part.T if trans in {1, "T"} else part, y)

    return _solved(trace, "solve_triangular", (a, b), numbers, formula)


def scipy_cholesky(trace: Trace, real: Callable[..., Any], a: Any, lower: bool = False, **_: Any) -> Any:
    """Answer scipy's factor, which is upper unless it is told otherwise."""

    def factored(given: Any) -> Any:  # by scipy's own routine, of the triangle that it reads
        found = real(given, lower=True) if lower else real(given.T, lower=False)
        found = found[0] if isinstance(found, tuple) else found
        return np.tril(found if lower else found.T)

    return cholesky(trace, a, upper=not lower, factored=factored)


def cho_factor(trace: Trace, real: Callable[..., Any], a: Any, lower: bool = False, **keywords: Any) -> Any:
    """Answer scipy's factor with its flag; nobody reads the other triangle."""
    return scipy_cholesky(trace, real, a, lower=lower, **keywords), lower


def cho_solve(trace: Trace, real: Callable[..., Any], factor: Any, b: Any, **_: Any) -> Any:
    """Answer scipy's solver with a factor."""
    c, lower = factor
    numbers = real((plain(c), lower), plain(b))

    def formula(x: Shadow, y: Shadow) -> Shadow:
        part = products.triangle(x, lower=lower)
        return products.solve(products.matmul(part, part.T) if lower else products.matmul(part.T, part), y)

    size = np.max(np.abs(numbers), initial=0) * condition(plain(c)) ** 2
    return computed(trace, "cho_solve", formula, (c, b), numbers, lambda *_: size)


def scipy_solve(trace: Trace, real: Callable[..., Any], a: Any, b: Any, **_: Any) -> Any:
    """Answer scipy's solver."""
    return _solved(trace, "solve", (a, b), real(plain(a), plain(b)), products.solve)


def scipy_inv(trace: Trace, real: Callable[..., Any], a: Any, **_: Any) -> Any:
    """Answer scipy's inverse."""
    del real
    return _inv(trace, a)


def _exponentials(sizes: Any) -> Any:
    """Return what a rounding is multiplied by where exponentials of all entries are summed."""
    return 8 * sizes.size * (1 + np.max(sizes, initial=0))


def logsumexp(
    trace: Trace, real: Callable[..., Any], a: Any, axis: Any = None, *, keepdims: bool = False, **rest: Any
) -> Any:
    """Answer scipy's logsumexp."""
    if any(value is not None and value is not False for value in rest.values()):
        raise trace.end("logsumexp with weights is not traced")
    numbers = real(plain(a), axis=axis, keepdims=keepdims)

    def formula(s: Shadow) -> Shadow:
        return apply("log", products.total(apply("exp", s), axis, keepdims=keepdims))

    return computed(trace, "logsumexp", formula, (a,), numbers, _exponentials)


def softmax(trace: Trace, real: Callable[..., Any], x: Any, axis: Any = None) -> Any:
    """Answer scipy's softmax."""
    numbers = real(plain(x), axis=axis)

    def formula(s: Shadow) -> Shadow:
        powers = apply("exp", s)
        return products.divided(powers, products.total(powers, axis, keepdims=True))

    return computed(trace, "softmax", formula, (x,), numbers, _exponentials)


def log_softmax(trace: Trace, real: Callable[..., Any], x: Any, axis: Any = None) -> Any:
    """Answer scipy's logarithm of the softmax."""
    numbers = real(plain(x), axis=axis)

    def formula(s: Shadow) -> Shadow:
        return apply("subtract", s, apply("log", products.total(apply("exp", s), axis, keepdims=True)))

    return computed(trace, "log_softmax", formula, (x,), numbers, _exponentials)


def polygamma(trace: Trace, real: Callable[..., Any], n: Any, x: Any) -> Any:
    """Answer scipy's derivatives of digamma."""
    numbers = real(n, plain(x))
    order = np.broadcast_to(np.asarray(n, np.float64), np.shape(plain(x)))
    return computed(trace, "polygamma", lambda s: apply("polygamma", s, order), (x,), numbers)
