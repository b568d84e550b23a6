"""The victim's rules for operations that an engine need not have, when they are right."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from flint import arb, ctx

from nn_from_scratch.verify.faults.array_rules import Pull
from nn_from_scratch.verify.faults.numpy_rules import NUMPY_PULLS
from nn_from_scratch.verify.faults.rules import Row, sigmoid


def _digamma(x: float) -> float:
    return float(arb(x).digamma())


def _trigamma(x: float) -> float:
    if x < 0:
        return (math.pi / math.sin(math.pi * (x - round(x)))) ** 2 - _trigamma(1 - x)
    return float(arb(2).zeta(arb(x)))


def _by_flint(function: Callable[..., arb]) -> Any:
    """Return a function of arrays that is right to the last digit."""

    def value(*operands: float) -> float:
        with ctx.workprec(128):
            return float(function(*map(arb, operands)))

    return np.vectorize(value, otypes=[float])


erf = np.vectorize(math.erf, otypes=[float])
_lgamma = np.vectorize(math.lgamma, otypes=[float])
erfc = np.vectorize(math.erfc, otypes=[float])
digamma = np.vectorize(_digamma, otypes=[float])
trigamma = np.vectorize(_trigamma, otypes=[float])
gammainc = _by_flint(lambda order, x: x.gamma_lower(order, 1))
gammaincc = _by_flint(lambda order, x: x.gamma_upper(order, 1))
betainc = _by_flint(lambda a, b, x: x.beta_lower(a, b, 1))
erfinv = _by_flint(arb.erfinv)
erfcinv = _by_flint(arb.erfcinv)
erfcx = _by_flint(lambda x: (x * x).exp() * x.erfc())
jv = _by_flint(lambda order, x: x.bessel_j(order))
iv = _by_flint(lambda order, x: x.bessel_i(order))
zeta = _by_flint(arb.zeta)
BELL = 2 / math.sqrt(math.pi)


def bessel_j(order: int) -> Any:
    """Return Bessel's function J of an order."""
    return _by_flint(lambda x: x.bessel_j(order))


def bessel_i(order: int) -> Any:
    """Return Bessel's function I of an order."""
    return _by_flint(lambda x: x.bessel_i(order))


def sinc_slope(z: Any, x: Any) -> Any:
    """Return the slope of sin(pi x) / (pi x), which is 0 at 0."""
    return np.where(np.equal(x, 0), 0.0, (np.cos(np.pi * x) - z) / np.where(np.equal(x, 0), 1.0, x))


def normal(x: Any) -> Any:
    """Return the density of the normal distribution."""
    return np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def normal_below(x: Any) -> Any:
    """Return how much of the normal distribution lies below a number."""
    return erfc(-x / math.sqrt(2)) / 2


def log_of_normal_below(x: Any) -> Any:
    """Return the logarithm of that."""
    return np.where(np.greater(x, 0), np.log1p(-normal_below(-x)), np.log(normal_below(x)))


def bell(x: Any) -> Any:
    """Return the slope of erf."""
    return BELL * np.exp(-x * x)


def _log_of_beta(x: Any, y: Any) -> Any:
    return _lgamma(x) + _lgamma(y) - _lgamma(x + y)


def gamma_density(order: Any, x: Any) -> Any:
    """Return that of a gamma distribution."""
    return np.exp((order - 1) * np.log(x) - x - _lgamma(order + 0 * x))


def beta_density(a: Any, b: Any, x: Any) -> Any:
    """Return that of a beta distribution."""
    return np.exp((a - 1) * np.log(x) + (b - 1) * np.log1p(-x) - _log_of_beta(a + 0 * x, b + 0 * x))


def slopes_of_beta(z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Return the partial derivatives of the beta function, whose value is given; of its logarithm for 1."""
    return z * (digamma(x) - digamma(x + y)), z * (digamma(y) - digamma(x + y))


FURTHER_RULES: Mapping[str, Row] = {
    "erf": (erf, lambda z, x: (BELL * np.exp(-x * x),)),
    "lgamma": (_lgamma, lambda z, x: (digamma(x),)),
    "digamma": (digamma, lambda z, x: (trigamma(x),)),
    "erfc": (erfc, lambda z, x: (-BELL * np.exp(-x * x),)),
    "exp2": (np.exp2, lambda z, x: (z * math.log(2),)),
    "log2": (np.log2, lambda z, x: (1 / (x * math.log(2)),)),
    "log10": (np.log10, lambda z, x: (1 / (x * math.log(10)),)),
    "cbrt": (np.cbrt, lambda z, x: (z / (3 * x),)),
    "arcsinh": (np.arcsinh, lambda z, x: (1 / np.sqrt(x * x + 1),)),
    "arccosh": (np.arccosh, lambda z, x: (1 / np.sqrt(x * x - 1),)),
    "arctanh": (np.arctanh, lambda z, x: (1 / (1 - x * x),)),
    "sinc": (np.sinc, lambda z, x: (sinc_slope(z, x),)),
    "deg2rad": (np.deg2rad, lambda z, x: (math.pi / 180,)),
    "rad2deg": (np.rad2deg, lambda z, x: (180 / math.pi,)),
    "logaddexp2": (np.logaddexp2, lambda z, x, y: (np.exp2(x - z), np.exp2(y - z))),
    "remainder": (np.remainder, lambda z, x, y: (1.0, -np.floor(x / y))),
    "fmod": (np.fmod, lambda z, x, y: (1.0, -np.trunc(x / y))),
    "expit": (sigmoid, lambda z, x: (z * sigmoid(-x),)),
    "log_expit": (lambda x: -np.logaddexp(-x, 0.0), lambda z, x: (sigmoid(-x),)),
    "logit": (lambda x: np.log(x / (1 - x)), lambda z, x: (1 / (x * (1 - x)),)),
    "xlogy": (lambda x, y: x * np.log(y), lambda z, x, y: (np.log(y), x / y)),
    "xlog1py": (lambda x, y: x * np.log1p(y), lambda z, x, y: (np.log1p(y), x / (1 + y))),
    "entr": (lambda x: -x * np.log(x), lambda z, x: (-np.log(x) - 1,)),
    "ndtr": (normal_below, lambda z, x: (normal(x),)),
    "erfinv": (erfinv, lambda z, x: (1 / bell(z),)),
    "erfcinv": (erfcinv, lambda z, x: (-1 / bell(z),)),
    "ndtri": (lambda x: -math.sqrt(2) * erfcinv(2 * x), lambda z, x: (1 / normal(z),)),
    "erfcx": (erfcx, lambda z, x: (2 * x * z - BELL,)),
    "j0": (bessel_j(0), lambda z, x: (-bessel_j(1)(x),)),
    "j1": (bessel_j(1), lambda z, x: ((bessel_j(0)(x) - bessel_j(2)(x)) / 2,)),
    "i0": (bessel_i(0), lambda z, x: (bessel_i(1)(x),)),
    "i1": (bessel_i(1), lambda z, x: ((bessel_i(0)(x) + bessel_i(2)(x)) / 2,)),
    "jv": (jv, lambda z, v, x: (0 * x, (jv(v - 1, x) - jv(v + 1, x)) / 2)),
    "iv": (iv, lambda z, v, x: (0 * x, (iv(v - 1, x) + iv(v + 1, x)) / 2)),
    "zeta": (zeta, lambda z, s, q: (0 * q, -s * zeta(s + 1, q))),
    "betainc": (betainc, lambda z, a, b, x: (0 * x, 0 * x, beta_density(a, b, x))),
    "gammainc": (gammainc, lambda z, a, x: (0 * x, gamma_density(a, x))),
    "gammaincc": (gammaincc, lambda z, a, x: (0 * x, -gamma_density(a, x))),
    "gamma": (np.vectorize(math.gamma, otypes=[float]), lambda z, x: (z * digamma(x),)),
    "beta": (lambda x, y: np.exp(_log_of_beta(x, y)), slopes_of_beta),
    "betaln": (_log_of_beta, lambda z, x, y: slopes_of_beta(1.0, x, y)),
    "rel_entr": (lambda x, y: x * np.log(x / y), lambda z, x, y: (np.log(x / y) + 1, -x / y)),
    "log_ndtr": (log_of_normal_below, lambda z, x: (normal(x) / normal_below(x),)),
}
"""The rules of operations that work element by element, when they are right."""


def cumsum(g: Any, z: Any, x: Any, axis: Any) -> tuple[Any]:
    """Sum a cotangent from its end."""
    turned = (
        np.flip(np.cumsum(np.flip(g, axis), axis), axis) if axis is not None else np.cumsum(g[::-1])[::-1]
    )
    return (np.reshape(turned, np.shape(x)),)


def _sort(g: Any, _z: Any, x: Any, axis: Any) -> tuple[Any]:
    """Give each entry the cotangent of the place that it was moved to."""
    return (unsorted(g, x, axis, np.argsort(x, axis, kind="stable")),)


def unsorted(g: Any, x: Any, axis: Any, order: Any) -> Any:
    """Return an array whose entries, taken in an order along an axis, are those of g."""
    result = np.zeros(np.size(x) if axis is None else np.shape(x))
    np.put_along_axis(result, order, g, axis or 0)
    return result.reshape(np.shape(x))


def places(shape: tuple[int, ...], indices: Any, axis: int) -> tuple[Any, ...]:
    """Return numpy's index of the entries that an array of this shape is taken from, or added to."""
    grid = list(np.indices(shape))
    grid[axis] = np.broadcast_to(np.array(indices), shape)
    return tuple(grid)


def added(x: Any, y: Any, indices: Any, axis: int) -> Any:
    """Return x with y added at indices along an axis."""
    result = np.array(x, dtype=float)
    np.add.at(result, places(np.shape(y), indices, axis), y)
    return result


def explicit(subscripts: str, xs: tuple[Any, ...]) -> tuple[list[str], str]:
    """Return the labels of einsum's operands and of its result, capital ones for those of an ellipsis."""
    inputs, arrow, output = subscripts.partition("->")
    terms = inputs.split(",")
    if not arrow:
        output = "".join(label for label in sorted({*inputs} - {","}) if inputs.count(label) == 1)
    rests = [max(0, x.ndim - len(term.replace("...", ""))) for term, x in zip(terms, xs, strict=True)]
    letters = "ABCDEFGH"[: max(rests)]
    named = [
        term.replace("...", letters[len(letters) - rest :]) for term, rest in zip(terms, rests, strict=True)
    ]
    return named, output.replace("...", letters)


def einsum(g: Any, z: Any, *xs: Any, subscripts: str) -> tuple[Any, ...]:
    """Give each operand the cotangent times the others; where a label is repeated, to the diagonal only."""
    terms, output = explicit(subscripts, xs)
    return tuple(einsum_part(g, k, (terms, output), xs) for k in range(len(xs)))


def einsum_part(
    g: Any,
    k: int,
    labels_of: tuple[list[str], str],
    xs: tuple[Any, ...],
    *,
    diagonal: bool = True,
    alone: float = 1.0,
) -> Any:
    """Return what the operand k gets: on a `diagonal`, its labels `alone` in a sum times a factor."""
    terms, output = labels_of
    others = [(term, x) for j, (term, x) in enumerate(zip(terms, xs, strict=True)) if j != k]
    known = {*output, *(label for term, _ in others for label in term)}
    labels = "".join(dict.fromkeys(terms[k]))
    shared = "".join(label for label in labels if label in known)
    part = np.einsum(
        f"{','.join([*(term for term, _ in others), output])}->{shared}", *(x for _, x in others), g
    )
    sizes = dict(zip(terms[k], xs[k].shape, strict=True))
    for place, label in enumerate(labels):
        if label not in known:  # it was summed in this operand alone
            part = np.repeat(np.expand_dims(part, place), sizes[label], place) * alone
    if len(labels) == len(terms[k]):
        return part
    if not diagonal:
        return np.broadcast_to(part.reshape(*part.shape, *[1] * (xs[k].ndim - part.ndim)), xs[k].shape)
    result = np.zeros(xs[k].shape)
    np.einsum(f"{terms[k]}->{labels}", result)[...] = part
    return result


def turned(x: Any) -> Any:
    """Return each matrix of a stack transposed."""
    return np.swapaxes(x, -1, -2)


def cofactors(x: Any) -> Any:
    """Return the matrix of cofactors of each matrix of a stack."""
    n = x.shape[-1]
    result = np.empty(x.shape)
    for i, j in np.ndindex(n, n):
        minor = np.delete(np.delete(x, i, -2), j, -1)
        result[..., i, j] = (-1) ** (i + j) * (np.linalg.det(minor) if n > 1 else 1.0)
    return result


def solved(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Solve the transposed system for the right side's cotangent; the matrix gets its product with z."""
    gy = np.linalg.solve(turned(x), g)
    return -(np.multiply.outer(gy, z) if y.ndim == 1 else gy @ turned(z)), gy


def factored(g: Any, z: Any, x: Any, half: float = 0.5) -> tuple[Any]:
    """Return the rule of a symmetric matrix's factor (I. Murray, "Differentiation of the Cholesky", 2016)."""
    inside = np.tril(turned(z) @ g)
    inside = inside - half * inside * np.eye(x.shape[-1])
    inverse = np.linalg.inv(z)
    found = turned(inverse) @ inside @ inverse
    return ((found + turned(found)) / 2,)


def _cholesky(x: Any) -> Any:
    return np.linalg.cholesky((x + turned(x)) / 2)


def windows(x: Any, w: Any, stride: int, padding: int) -> tuple[Any, list[tuple[tuple[int, ...], Any]]]:
    """Return an array padded with zeros, and for each place of a result the window that it is made of."""
    axes = x.ndim - 2
    wide = np.pad(x, [(0, 0), (0, 0), *[(padding, padding)] * axes])
    sizes = [(n - k) // stride + 1 for n, k in zip(wide.shape[2:], w.shape[2:], strict=True)]
    found = [
        (place, (..., *(slice(p * stride, p * stride + k) for p, k in zip(place, w.shape[2:], strict=True))))
        for place in np.ndindex(*sizes)
    ]
    return wide, found


def _conv(x: Any, w: Any, stride: int, padding: int) -> Any:
    wide, places = windows(x, w, stride, padding)
    results = [np.tensordot(wide[window], w, (range(1, w.ndim), range(1, w.ndim))) for _, window in places]
    sizes = np.max([place for place, _ in places], axis=0) + 1
    return np.moveaxis(np.array(results), 0, -1).reshape(x.shape[0], w.shape[0], *sizes)


def conv(g: Any, _z: Any, x: Any, w: Any, *, stride: int, padding: int) -> tuple[Any, Any]:
    """Add what each place of a result gives its window, and the kernel."""
    wide, places = windows(x, w, stride, padding)
    gx, gw = np.zeros(wide.shape), np.zeros(w.shape)
    for place, window in places:
        part = g[(..., *place)]
        gx[window] += np.tensordot(part, w, 1)
        gw += np.tensordot(part, wide[window], ([0], [0]))
    inside: Any = (..., *(slice(padding, padding + n) for n in x.shape[2:]))
    return gx[inside], gw


FURTHER_PULLS: Mapping[str, tuple[Callable[..., Any], Pull]] = {
    "cumsum": (np.cumsum, cumsum),
    "conv": (_conv, conv),
    "solve": (np.linalg.solve, solved),
    "inv": (np.linalg.inv, lambda g, z, x: (-turned(z) @ g @ turned(z),)),
    "det": (np.linalg.det, lambda g, z, x: (np.expand_dims(g, (-1, -2)) * cofactors(x),)),
    "cholesky": (_cholesky, factored),
    "sort": (np.sort, _sort),
    "take_along_axis": (
        lambda x, indices, axis: np.take_along_axis(x, np.array(indices), axis),
        lambda g, z, x, indices, axis: (added(np.zeros(x.shape), g, indices, axis),),
    ),
    "scatter_add": (
        added,
        lambda g, z, x, y, indices, axis: (g, g[places(np.shape(y), indices, axis)]),
    ),
    "einsum": (lambda *xs, subscripts: np.einsum(subscripts, *xs), einsum),
    **NUMPY_PULLS,
}
"""The rules of operations on whole arrays."""
