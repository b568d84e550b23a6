"""Reductions with all that numpy's take: lists of axes, ``where``, ``initial`` and ``dtype``."""

import math
from typing import Any

import numpy as np

from nn_from_scratch.array_rules import axes_of
from nn_from_scratch.refusals import refuse_out
from nn_from_scratch.rule import Function, Traced, value_of
from nn_from_scratch.rules import RULES

Axes = Any
"""None, an integer, or a tuple or list of them."""


def _cast(x: Any, dtype: Any) -> Any:
    return x if dtype is None else x.astype(dtype)


def _all_count(where: Any) -> bool:
    return where is None or where is True


def _chosen(x: Any, where: Any, neutral: float) -> Any:
    """Return the elements that count, all others replaced by what changes nothing."""
    return x if _all_count(where) else np.where(where, x, neutral)


def _total(name: str, neutral: float, joined: Function) -> Function:
    """Return a sum or a product: `neutral` stands for what is left out, `joined` takes ``initial`` in."""

    def reduction(
        x: Any,
        axis: Axes = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = None,
    ) -> Any:
        refuse_out(name, out)
        chosen = _chosen(_cast(x, dtype), where, neutral)
        z = RULES[name](chosen, axis=axes_of(axis), keepdims=bool(keepdims))
        return z if initial is None else joined(z, initial)

    return reduction


def _extreme(name: str, beyond: float, joined: Function) -> Function:
    """Return a maximum or minimum: `beyond` stands for what is left out, `joined` takes ``initial`` in."""

    def reduction(
        x: Any,
        axis: Axes = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = None,
    ) -> Any:
        refuse_out(name, out)
        if initial is None and not _all_count(where):
            raise ValueError(f"np.{name} with where needs initial, for a part may be empty")
        if initial is not None and not np.size(x):
            return np.full(
                np.max(value_of(x), axis=axes_of(axis), keepdims=keepdims, initial=0.0).shape, initial
            )
        z = RULES[name](_chosen(x, where, beyond), axis=axes_of(axis), keepdims=bool(keepdims))
        return z if initial is None else joined(z, initial)

    return reduction


def _count(x: Any, axis: Axes, where: Any, *, keepdims: bool) -> Any:
    """Return how many elements count, in their precision."""
    counted = np.ones(x.shape, x.dtype)
    if not _all_count(where):
        counted = np.where(where, counted, np.zeros((), x.dtype))
    return np.sum(counted, axis=axes_of(axis), keepdims=bool(keepdims))


def _mean(
    x: Any,
    axis: Axes = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    *,
    where: Any = None,
) -> Any:
    refuse_out("mean", out)
    x = _cast(x, dtype)
    if _all_count(where):
        return RULES["mean"](x, axis=axes_of(axis), keepdims=bool(keepdims))
    total = np.sum(x, axis=axis, keepdims=keepdims, where=where)
    return total / _count(x, axis, where, keepdims=keepdims)


def _var(
    x: Any,
    axis: Axes = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = None,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """Return the mean of the squared distances from the mean; what `ddof` subtracts is for samples."""
    refuse_out("var", out)
    x = _cast(x, dtype)
    center = np.mean(x, axis=axes_of(axis), keepdims=True, where=where) if mean is None else mean
    squares = np.sum(np.square(x - center), axis=axes_of(axis), keepdims=keepdims, where=where)
    n = _count(x, axis, where, keepdims=keepdims) - (ddof if correction is None else correction)
    return squares / n


def _std(x: Any, axis: Axes = None, *arguments: Any, **keywords: Any) -> Any:
    """Return the root of the variance; where that is 0, as of equal elements, the derivative is 0."""
    return _root(np.var(x, axis, *arguments, **keywords))


def _root(x: Any) -> Any:
    """Return the square root, with the derivative 0 at 0: there it is the norm of a vector of zeros."""
    is_zero = np.equal(x, 0)
    return np.where(is_zero, 0.0, np.sqrt(np.where(is_zero, 1.0, x)))


def _average(
    x: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    if weights is None:
        mean = np.mean(x, axis=axis, keepdims=keepdims)
        return (mean, np.full(np.shape(mean), np.size(x) / np.size(mean))) if returned else mean
    if np.shape(weights) != np.shape(x):
        if axis is None or np.ndim(weights) != 1:
            raise TypeError(
                "np.average: weights need the shape of x, or axis and one weight for each of its places"
            )
        weights = np.reshape(weights, tuple(-1 if a == axis % np.ndim(x) else 1 for a in range(np.ndim(x))))
    weights = np.broadcast_to(weights, np.shape(x))
    total = np.sum(weights, axis=axis, keepdims=keepdims)
    mean = np.sum(x * weights, axis=axis, keepdims=keepdims) / total
    return (mean, total) if returned else mean


def _ptp(x: Any, axis: Axes = None, out: Any = None, keepdims: bool = False) -> Any:
    refuse_out("ptp", out)
    return np.max(x, axis=axis, keepdims=keepdims) - np.min(x, axis=axis, keepdims=keepdims)


# Of what is in the middle, once sorted


def _median(
    x: Any, axis: Axes = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    return np.quantile(x, 0.5, axis=axis, out=out, keepdims=keepdims)


def _percentile(x: Any, q: Any, axis: Axes = None, **keywords: Any) -> Any:
    part = q / 100.0 if isinstance(q, int | float) else np.true_divide(q, 100)
    return np.quantile(x, part, axis, **keywords)


def _quantile(
    x: Any,
    q: Any,
    axis: Axes = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
) -> Any:
    """Return what lies linearly between the two neighbours of a place in the sorted elements."""
    refuse_out("quantile", out)
    if method != "linear":
        raise TypeError(f"np.quantile: a Node's is taken by method linear, got {method!r}")
    ndim = np.ndim(x)
    reduced = tuple(range(ndim)) if axis is None else tuple(int(a) % ndim for a in np.atleast_1d(axis))
    kept = tuple(a for a in range(ndim) if a not in reduced)
    rows = np.transpose(x, (*kept, *reduced))
    n = math.prod(np.shape(x)[a] for a in reduced)
    rows = np.sort(np.reshape(rows, (*rows.shape[: len(kept)], n)), axis=-1)
    if isinstance(q, Traced):
        raise TypeError("np.quantile: by q there is no derivative here: give q.value")
    rows = np.where(np.isnan(rows[..., -1:]), np.nan, rows)  # one is sorted to the end, and counts for all
    place = np.asarray(q, float) * (n - 1)
    below = np.floor(place).astype(int)
    above = np.minimum(below + 1, n - 1)
    part = place - below
    if type(q) is float:  # which takes the precision of what it meets
        part = part.astype(rows.dtype)
    z = np.moveaxis(
        rows[..., below] * (1 - part) + rows[..., above] * part, range(len(kept)), range(-len(kept), 0)
    )
    return np.expand_dims(z, tuple(np.ndim(q) + a for a in reduced)) if keepdims else z


# Without what is not a number


def _without_nan(function: Function, neutral: float) -> Function:
    def reduction(x: Any, axis: Axes = None, *arguments: Any, **keywords: Any) -> Any:
        return function(np.where(np.isnan(x), neutral, x), axis, *arguments, **keywords)

    return reduction


def _extreme_number(function: Function, beyond: float) -> Function:
    """Return a maximum or minimum of what is a number; of nothing but NaN it is NaN."""

    def reduction(x: Any, axis: Axes = None, *arguments: Any, keepdims: bool = False, **keywords: Any) -> Any:
        is_number = np.logical_not(np.isnan(x))
        z = function(np.where(is_number, x, beyond), axis, *arguments, keepdims=keepdims, **keywords)
        count = np.sum(is_number, axis=axes_of(axis), keepdims=keepdims)
        return np.where(np.equal(count, 0), np.nan, z)

    return reduction


def _where_a_number(function: Function) -> Function:
    def reduction(x: Any, axis: Axes = None, *arguments: Any, **keywords: Any) -> Any:
        is_number = np.logical_not(np.isnan(x))
        return function(np.where(is_number, x, 0.0), axis, *arguments, where=is_number, **keywords)

    return reduction


_max = _extreme("max", -math.inf, np.maximum)
_min = _extreme("min", math.inf, np.minimum)
REDUCING: dict[Any, Function] = {
    np.sum: _total("sum", 0.0, np.add),
    np.prod: _total("prod", 1.0, np.multiply),
    np.mean: _mean,
    np.max: _max,
    np.amax: _max,
    np.min: _min,
    np.amin: _min,
    np.ptp: _ptp,
    np.var: _var,
    np.std: _std,
    np.average: _average,
    np.median: _median,
    np.quantile: _quantile,
    np.percentile: _percentile,
    np.nansum: _without_nan(np.sum, 0.0),
    np.nanprod: _without_nan(np.prod, 1.0),
    np.nanmax: _extreme_number(np.max, -math.inf),
    np.nanmin: _extreme_number(np.min, math.inf),
    np.nanmean: _where_a_number(np.mean),
    np.nanvar: _where_a_number(np.var),
    np.nanstd: _where_a_number(np.std),
}
"""By function of numpy, what it does to nodes."""
