"""The victim's rules for what numpy has beside what every engine is asked, when they are right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from nn_from_scratch.verify.faults.array_rules import Pull, shared, spread

Ruled = tuple[Callable[..., Any], Pull]


def multilinear(function: Callable[..., Any]) -> Ruled:
    """Return a function that is linear in each of its operands, and its rule.

    The derivative by an entry is what the function makes of 1 at its place and of 0 elsewhere.
    """

    def pulled(g: Any, _z: Any, *xs: Any, **keywords: Any) -> tuple[Any, ...]:
        def part(k: int) -> Any:
            found = np.zeros(np.shape(xs[k]))
            for place in np.ndindex(found.shape):
                unit = np.zeros(found.shape)
                unit[place] = 1.0
                found[place] = np.sum(g * function(*xs[:k], unit, *xs[k + 1 :], **keywords))
            return found

        return tuple(map(part, range(len(xs))))

    return function, pulled


def share(x: Any, y: Any) -> Any:
    """Return the share of the first operand in the larger one: a half at a tie."""
    return np.heaviside(x - y, 0.5)


def var(g: Any, _z: Any, x: Any, axis: Any, ddof: int, keepdims: bool) -> tuple[Any]:
    """Give each entry twice its distance from the mean, over the number that they are divided by."""
    number = np.size(x) / np.size(np.mean(x, axis)) - ddof
    return (spread(g, x, axis, keepdims) * 2 * (x - np.mean(x, axis, keepdims=True)) / number,)


def std(g: Any, z: Any, x: Any, **how: Any) -> tuple[Any]:
    """Divide the variance's rule by twice the root."""
    return var(np.divide(g, 2 * z), z, x, **how)


def cumprod(g: Any, _z: Any, x: Any, axis: Any) -> tuple[Any]:
    """Give each entry, of each product that it is in, the product of all others."""
    rows = np.moveaxis(np.ravel(x) if axis is None else x, axis or 0, 0)
    along = np.moveaxis(g, axis or 0, 0)
    found = np.zeros(rows.shape)
    for k in range(len(rows)):
        for last in range(k, len(rows)):
            found[k] += along[last] * np.prod(np.delete(rows[: last + 1], k, 0), 0)
    return (np.moveaxis(found, 0, axis or 0).reshape(np.shape(x)),)


def norm(g: Any, z: Any, x: Any, axis: Any, keepdims: bool) -> tuple[Any]:
    """Give each entry its part of the length."""
    return (spread(np.divide(g, z), x, axis, keepdims) * x,)


def matrix_power(g: Any, _z: Any, x: Any, n: int) -> tuple[Any]:
    """Put the cotangent into the place of each factor."""
    base = np.linalg.inv(x) if n < 0 else x
    turned, last = np.swapaxes(base, -1, -2), abs(n) - 1
    power = np.linalg.matrix_power
    found = sum(power(turned, k) @ g @ power(turned, last - k) for k in range(last + 1))
    return (-turned @ found @ turned if n < 0 else found,)


def ptp(g: Any, _z: Any, x: Any, **how: Any) -> tuple[Any]:
    """Give the cotangent to the largest entry, and its opposite to the smallest."""
    places = [shared(x, extreme(x, **how), **how) for extreme in (np.max, np.min)]
    return (spread(g, x, **how) * (places[0] - places[1]),)


def quantile(g: Any, _z: Any, x: Any, q: Any, axis: Any, keepdims: bool) -> tuple[Any]:
    """Give each of the two entries beside a place among those in order its part of the cotangent."""
    rows = np.moveaxis(np.ravel(x) if axis is None else x, axis or 0, 0)
    order, along = np.argsort(rows, 0, kind="stable"), np.reshape(g, (np.size(q), *rows.shape[1:]))
    found = np.zeros(rows.shape)
    for one, part in zip(along, np.ravel(q) * (len(rows) - 1), strict=True):
        above = part - np.floor(part)
        for place, share in ((int(np.floor(part)), 1 - above), (int(np.ceil(part)), above)):
            at = order[[place]]
            np.put_along_axis(found, at, np.take_along_axis(found, at, 0) + share * one, 0)
    return (np.moveaxis(found, 0, axis or 0).reshape(np.shape(x)),)


def interp(g: Any, _z: Any, x: Any, y: Any, xp: Any) -> tuple[Any, Any]:
    """Give x the slope of the line that it is on, and each value its share of the line."""
    k = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, len(xp) - 2)
    points = np.array(xp)
    inside = (points[0] <= x) & (x <= points[-1])
    slope = (y[k + 1] - y[k]) / (points[k + 1] - points[k])
    return g * slope * inside, multilinear(lambda values: np.interp(x, xp, values))[1](g, None, y)[0]


def symmetric(x: Any) -> Any:
    """Return the mean of a matrix and its transpose."""
    return (x + np.swapaxes(x, -1, -2)) / 2


def eigenvectors(x: Any) -> Any:
    """Return the eigenvectors of the symmetric part as columns, each with a positive first entry."""
    found = np.linalg.eigh(symmetric(x))[1]
    return found * np.sign(found[..., :1, :])


def of_eigenvalues(g: Any, _z: Any, x: Any) -> tuple[Any]:
    """Give each entry products of two entries of the vectors."""
    vectors = np.linalg.eigh(symmetric(x))[1]
    return (np.expand_dims(g, -2) * vectors @ np.swapaxes(vectors, -1, -2),)


def turns(g: Any, z: Any, x: Any) -> Any:
    """Return how much each vector is turned towards each other one: by row, and by column."""
    values = np.linalg.eigvalsh(symmetric(x))
    gaps = np.expand_dims(values, -2) - np.expand_dims(values, -1)
    gaps = np.where(np.eye(gaps.shape[-1], dtype=bool), np.inf, gaps)
    return np.swapaxes(z, -1, -2) @ g / gaps


def of_eigenvectors(g: Any, z: Any, x: Any) -> tuple[Any]:
    """Multiply the turns by the vectors from both sides."""
    return (symmetric(z @ turns(g, z, x) @ np.swapaxes(z, -1, -2)),)


NUMPY_PULLS: Mapping[str, Ruled] = {
    "take": multilinear(np.take),
    "compress": multilinear(lambda x, condition, axis: np.compress(condition, x, axis)),
    "repeat": multilinear(np.repeat),
    "diagonal": multilinear(np.diagonal),
    "swapaxes": multilinear(np.swapaxes),
    "ravel": multilinear(np.ravel),
    "flatten": multilinear(np.ravel),
    "trace": multilinear(np.trace),
    "dot": multilinear(np.dot),
    "inner": multilinear(np.inner),
    "outer": multilinear(np.outer),
    "kron": multilinear(np.kron),
    "cross": multilinear(np.cross),
    "tensordot": multilinear(np.tensordot),
    "roll": multilinear(np.roll),
    "flip": multilinear(np.flip),
    "moveaxis": multilinear(np.moveaxis),
    "tril": multilinear(np.tril),
    "triu": multilinear(np.triu),
    "tile": multilinear(np.tile),
    "pad": multilinear(np.pad),
    "diff": multilinear(np.diff),
    "trapezoid": multilinear(np.trapezoid),
    "average": multilinear(np.average),
    "positive": multilinear(np.positive),
    "nan_to_num": multilinear(np.nan_to_num),
    "diag": multilinear(np.diag),
    "rot90": multilinear(np.rot90),
    "delete": multilinear(np.delete),
    "nansum": multilinear(np.nansum),
    "nanmean": multilinear(np.nanmean),
    "convolve": multilinear(np.convolve),
    "fabs": (np.fabs, lambda g, z, x: (g * np.sign(x),)),
    "fmax": (np.fmax, lambda g, z, x, y: (g * share(x, y), g * share(y, x))),
    "fmin": (np.fmin, lambda g, z, x, y: (g * share(y, x), g * share(x, y))),
    "copysign": (np.copysign, lambda g, z, x, y: (g * np.sign(x) * np.sign(y), 0 * g)),
    "cumprod": (np.cumprod, cumprod),
    "var": (np.var, var),
    "std": (np.std, std),
    "norm": (np.linalg.norm, norm),
    "slogdet": (
        lambda x: np.linalg.slogdet(x)[1],
        lambda g, z, x: (np.expand_dims(g, (-1, -2)) * np.swapaxes(np.linalg.inv(x), -1, -2),),
    ),
    "matrix_power": (np.linalg.matrix_power, matrix_power),
    "eigvalsh": (lambda x: np.linalg.eigvalsh(symmetric(x)), of_eigenvalues),
    "eigh": (eigenvectors, of_eigenvectors),
    "correlate": multilinear(np.correlate),
    "interp": (lambda x, y, xp: np.interp(x, xp, y), interp),
    "ptp": (np.ptp, ptp),
    "median": (np.median, partial(quantile, q=0.5)),
    "quantile": (np.quantile, quantile),
    "percentile": (np.percentile, lambda g, z, x, q, **how: quantile(g, z, x, np.true_divide(q, 100), **how)),
}
"""The rules of operations on whole arrays."""
