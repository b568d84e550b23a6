"""How far rounding may move each result: balls that grow by the roundings of the operations that ran.

The standard model, fl(a op b) = (a op b)(1 + e), with |e| at most so many units roundoff; for sums in any
order n u times the sum of the terms' sizes; for factorisations the first-order bounds of N. J. Higham,
"Accuracy and Stability of Numerical Algorithms", SIAM 2002, chapters 8 to 10.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.jaxpr.deciding import DECIDING
from nn_from_scratch.verify.functions.jaxpr.interpreter import (
    Call,
    is_complex,
    is_floating,
    is_shadow,
)
from nn_from_scratch.verify.functions.jaxpr.moving import MOVING
from nn_from_scratch.verify.functions.tracing import complexes
from nn_from_scratch.verify.functions.tracing.shadows import (
    Shadow,
    as_shadow,
    exact,
    mapped,
    nearest,
    of_entries,
    select,
    value,
)

Sizes = np.ndarray[Any, np.dtype[np.float64]]

UNROUNDED = frozenset(
    {
        *MOVING,
        *DECIDING,
        "neg",
        "scatter",
        "scatter-max",
        "scatter-min",
        "scatter_max",
        "scatter_min",
        "reduce_window_max",
        "reduce_window_min",
        "select_and_gather_add",
        "stop_gradient",
        "custom_linear_solve",
    }
    - {"rem"}
)
"""Primitives whose results are numbers that they were given, or exact, or were rounded inside."""

ARITHMETIC = frozenset({"add", "add_any", "sub", "mul", "div", "sqrt", "square", "convert_element_type"})
"""Primitives that are off by a rounding or two."""

SUMS = frozenset(
    {
        *("reduce_sum", "cumsum", "dot_general", "conv_general_dilated"),
        *("reduce_window_sum", "select_and_scatter_add"),
        *("scatter-add", "scatter_add", "scatter-sub", "scatter_sub"),
    }
)
"""Primitives that add up terms, each a number or a product of numbers."""

PRODUCTS = frozenset({"reduce_prod", "cumprod", "integer_pow", "scatter-mul", "scatter_mul"})
"""Primitives that multiply many numbers."""

CANCELLING = frozenset({"digamma", "lgamma", "polygamma"})
"""Functions of a library that are sums, and lose digits beside their zeros: they are good to 1, not 0."""

LIBRARY = 8.0
"""Units roundoff that a function of a library is allowed."""


def rounded(call: Call, results: list[Any]) -> list[Any]:
    """Return the results of a call as balls that hold what the primitive may give."""
    is_root = call.is_complex and call.name in {"abs", "sign"}  # of a sum of squares, or divided by one
    if (call.name in UNROUNDED and not is_root) or _converts_exactly(call):
        return results
    if call.is_complex:
        return [_of_parts(call, x) if is_shadow(x) else x for x in results]
    if call.name in _FACTORISATIONS:
        return _FACTORISATIONS[call.name](call, results)
    return [_rounded(call, x) if is_shadow(x) else x for x in results]


def _of_parts(call: Call, result: Shadow) -> Shadow:
    """Widen the parts of complex numbers, by what the whole number was made of."""
    if call.name in {"real", "imag", "complex", "conj"}:
        return result
    sizes = [np.hypot(*map(nearest, complexes.parts(x))) for x in call.operands if is_shadow(x)]
    terms = max((x.size for x in sizes), default=1)
    if call.name in {"fft", "reduce_sum"}:
        lost: Any = float(sizes[0].sum()) * (terms + LIBRARY)
    elif call.name == "dot_general":
        lost = math.prod(float(x.max(initial=0.0)) for x in sizes) * terms * (terms + LIBRARY)
    elif call.name in {"add", "add_any", "sub"}:
        lost = LIBRARY * sum(sizes)
    else:
        lost = LIBRARY * np.hypot(*map(nearest, complexes.parts(result)))
    lost = lost * unit(call) + smallest(call.dtype)
    if not is_complex(call.dtype):
        return widened(result, lost)
    return complexes.paired(*(widened(x, lost) for x in complexes.parts(result)))


def _converts_exactly(call: Call) -> bool:
    """Whether integers become floating-point numbers that hold them."""
    if call.name != "convert_element_type" or is_shadow(call.operands[0]) or not is_floating(call.dtype):
        return False
    largest = np.abs(np.asarray(call.operands[0]).astype(np.float64)).max(initial=0.0)
    return bool(largest <= 1 / float(jnp.finfo(call.dtype).eps))


def _rounded(call: Call, result: Shadow) -> Shadow:
    if call.name in SUMS:
        lost = _terms(call)
    else:
        lost = (np.abs(nearest(result)) + (call.name in CANCELLING)) * _roundings(call)
    found = widened(result, lost * unit(call) + smallest(call.dtype))
    return select(_are_exact(call), result, found) if call.name == "rem" else found


def _are_exact(call: Call) -> Any:
    """Return where both operands are known exactly: what division leaves of them is not rounded."""
    return np.logical_and(*(mapped(lambda entry: value(entry).is_exact(), x) for x in call.operands))


def _roundings(call: Call) -> float:
    if call.name in PRODUCTS:
        return float(max(2, abs(call.parameters.get("y", 0)), *(x.size for x in call.operands)))
    return 2.0 if call.name in ARITHMETIC else LIBRARY


def _terms(call: Call) -> Sizes:
    """Return the number of terms times the sum of their sizes, plus one rounding of each term."""
    sizes = _on(call, lambda x: exact(np.abs(nearest(x))))
    counts = _on(call, lambda x: exact(np.ones(x.shape)))
    return np.asarray((counts + 1) * sizes, dtype=np.float64)


def _on(call: Call, changed: Callable[[Any], Shadow]) -> Sizes:
    """Return what the primitive makes of operands that are changed, exactly."""
    added = call.operands[:1] if call.name == "select_and_scatter_add" else call.operands  # the other chooses
    operands = [changed(x) if is_shadow(x) else x for x in added] + call.operands[len(added) :]
    found = call.interpreter.meanings[call.name](Call(call.interpreter, call.equation, operands))
    return nearest(as_shadow(found))


def unit(call: Call) -> float:
    """Return the unit roundoff of a call's results: products of matrices have less on accelerators."""
    if call.name == "reduce_precision":
        return float(2.0 ** -(call.parameters["mantissa_bits"] + 1))
    own = float(jnp.finfo(call.dtype).eps) / 2
    if call.name in {"dot_general", "conv_general_dilated"} and jax.default_backend() != "cpu":
        return max(own, 2.0**-8)
    return own


def smallest(dtype: Any) -> float:
    """Return the smallest normal number of a dtype: below, numbers may be flushed to 0."""
    return float(jnp.finfo(dtype).tiny)


def widened(shadow: Shadow, radii: Any) -> Shadow:
    """Return balls with radii added; what is infinite, as where a mask hides it, is not rounded."""
    rows = zip(shadow.ravel(), np.broadcast_to(radii, shadow.shape).ravel().tolist(), strict=True)
    return of_entries((_with_radius(value(x), r) for x, r in rows), shadow.shape)


def _with_radius(x: arb, radius: float) -> arb:
    if x.rad().is_finite() and not x.mid().is_finite() and not x.is_nan():
        return x.mid()  # exactly so, though what is finite, and added to it, was rounded
    return x + arb(0, radius) if math.isfinite(radius) else arb.nan()


def radii(shadow: Shadow) -> Sizes:
    """Return the radii of balls, infinite where a ball is no number."""
    found = [float(value(x).rad()) if value(x).is_finite() else np.inf for x in shadow.ravel()]
    return np.array(found, dtype=np.float64).reshape(shadow.shape)


def _inverse(matrix: Sizes) -> Sizes:
    try:
        return np.asarray(np.linalg.inv(matrix))
    except np.linalg.LinAlgError:
        return np.full_like(matrix, np.inf)


def _cholesky(call: Call, results: list[Any]) -> list[Any]:
    factor = np.abs(nearest(results[0]))
    inverse = np.abs(_inverse(nearest(results[0])))
    turned = np.swapaxes(factor, -1, -2)
    backward = factor @ turned  # the perturbation of the matrix, over (n + 1) u
    relative = np.tril(inverse @ backward @ np.swapaxes(inverse, -1, -2))
    return [widened(results[0], 2 * (factor.shape[-1] + 1) * unit(call) * (factor @ relative + factor))]


def _triangular_solve(call: Call, results: list[Any]) -> list[Any]:
    parameters = call.parameters
    matrix = nearest(as_shadow(call.operands[0]))
    matrix = np.tril(matrix) if parameters["lower"] else np.triu(matrix)
    if parameters["unit_diagonal"]:
        matrix = matrix - matrix * np.eye(matrix.shape[-1]) + np.eye(matrix.shape[-1])
    if parameters["transpose_a"]:
        matrix = np.swapaxes(matrix, -1, -2)
    inverse, sizes, solution = np.abs(_inverse(matrix)), np.abs(matrix), np.abs(nearest(results[0]))
    left = parameters["left_side"]
    moved = inverse @ (sizes @ solution) if left else (solution @ sizes) @ inverse
    return [widened(results[0], 2 * matrix.shape[-1] * unit(call) * (moved + solution))]


def _lu(call: Call, results: list[Any]) -> list[Any]:
    factors = nearest(results[0])
    if factors.shape[-1] != factors.shape[-2]:
        return [widened(results[0], np.inf), *results[1:]]
    eye = np.eye(factors.shape[-1])
    lower, upper = np.tril(factors, -1) + eye, np.triu(factors)
    backward = np.abs(lower) @ np.abs(upper)
    relative = np.abs(_inverse(lower)) @ backward @ np.abs(_inverse(upper))
    moved = np.tril(np.abs(lower) @ np.tril(relative, -1), -1) + np.triu(np.triu(relative) @ np.abs(upper))
    return [widened(results[0], 2 * len(eye) * unit(call) * (moved + np.abs(factors))), *results[1:]]


_ROUNDINGS_OF_FACTORS = 8.0
"""Times the size of a matrix: what orthogonal transformations may lose of its norm (Higham, chapter 19)."""


def _lost(call: Call, matrix: Sizes) -> Any:
    """Return by how much a matrix is perturbed before it is factored exactly."""
    norm = np.linalg.norm(matrix, axis=(-2, -1))
    return _ROUNDINGS_OF_FACTORS * max(matrix.shape[-2:]) * unit(call) * norm + smallest(call.dtype)


def _eigenvectors(call: Call, results: list[Any]) -> list[Any]:
    """Widen eigenvalues by the perturbation, and vectors by that over the distance to other eigenvalues."""
    numbers = nearest(results[1])
    lost = _lost(call, nearest(call.operands[0]))[..., None]
    return [widened(results[0], (lost / _gaps(numbers))[..., None, :]), widened(results[1], lost)]


def _singular_vectors(call: Call, results: list[Any]) -> list[Any]:
    numbers = nearest(results[0])
    lost = _lost(call, nearest(call.operands[0]))[..., None]
    found = [widened(results[0], lost)]
    if len(results) > 1:
        relative = lost / np.minimum(_gaps(numbers), numbers)
        found += [widened(results[1], relative[..., None, :]), widened(results[2], relative[..., None])]
    return found


def _gaps(numbers: Sizes) -> Sizes:
    """Return how far each number is from the nearest other one; infinitely far if there is none."""
    apart = np.abs(numbers[..., :, None] - numbers[..., None, :])
    alone = np.where(np.eye(numbers.shape[-1], dtype=bool), np.inf, apart)
    return np.asarray(np.maximum(alone.min(axis=-1, initial=np.inf), np.finfo(np.float64).tiny))


def _qr(call: Call, results: list[Any]) -> list[Any]:
    matrix, upper = nearest(call.operands[0]), nearest(results[1])
    square = upper[..., : upper.shape[-2]]
    condition = np.linalg.norm(square, axis=(-2, -1)) * np.linalg.norm(_inverse(square), axis=(-2, -1))
    lost = (_lost(call, matrix) * np.where(np.isfinite(condition), condition, np.inf))[..., None, None]
    relative = lost / np.linalg.norm(square, axis=(-2, -1))[..., None, None]
    return [widened(results[0], relative), widened(results[1], lost)]


def _tridiagonal_solve(call: Call, results: list[Any]) -> list[Any]:
    """Widen by the condition of the matrix, written out."""
    below, diagonal, above = (nearest(as_shadow(x)) for x in call.operands[:3])
    size = diagonal.shape[-1]
    matrix = np.zeros((*diagonal.shape, size))
    for k in range(size):
        matrix[..., k, k] = diagonal[..., k]
        if k:
            matrix[..., k, k - 1], matrix[..., k - 1, k] = below[..., k], above[..., k - 1]
    solution = np.abs(nearest(results[0]))
    moved = np.abs(_inverse(matrix)) @ (np.abs(matrix) @ solution)
    return [widened(results[0], _ROUNDINGS_OF_FACTORS * size * unit(call) * (moved + solution))]


_FACTORISATIONS: dict[str, Callable[[Call, list[Any]], list[Any]]] = {
    "cholesky": _cholesky,
    "eigh": _eigenvectors,
    "lu": _lu,
    "qr": _qr,
    "svd": _singular_vectors,
    "triangular_solve": _triangular_solve,
    "tridiagonal_solve": _tridiagonal_solve,
}
