"""Reductions with all that numpy's take: lists of axes, ``where``, ``initial`` and ``dtype``."""

import math
from typing import Any

import numpy as np

from nn_from_scratch.array_rules import axes_of, axes_within, cast
from nn_from_scratch.refusals import refuse_out
from nn_from_scratch.rule import Function, Traced, value_of
from nn_from_scratch.rules import RULES
from nn_from_scratch.values import brief

Axes = Any
"""None, an integer, or a tuple or list of them."""


def _chosen(x: Any, where: Any, neutral: float) -> Any:
    """Return the elements that count, all others replaced by what changes nothing."""
    return x if where is True else np.where(_mask(where, x), x, neutral)


def _mask(where: Any, x: Any) -> Any:
    """Return what counts in the shape of x; what numpy takes for no truth values is its TypeError."""
    is_recorded = isinstance(where, Traced)  # a comparison, which is no array yet
    mask: Any = where if is_recorded else np.asarray(where).astype(bool, casting="safe")
    return np.broadcast_to(mask, np.shape(x))


def total(name: str, meaning: str, neutral: float, joined: Function) -> Function:
    """Return a sum or its like: `neutral` stands for what is left out, `joined` takes ``initial`` in."""

    def reduction(
        a: Any,
        axis: Axes = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        if dtype is None and out is None and initial is None and where is True:  # most losses end in it
            return a.apply(RULES[name], (a,), {"axis": axes_of(axis), "keepdims": keepdims})
        refuse_out(name, out)
        chosen = _chosen(cast(a, dtype), where, neutral)
        z = RULES[name](chosen, axis=axes_of(axis), keepdims=bool(keepdims))
        return z if initial is None else joined(z, initial)

    reduction.__name__, reduction.__doc__ = name, meaning
    return reduction


def _extreme(name: str, meaning: str, beyond: float, joined: Function) -> Function:
    """Return a maximum or minimum: `beyond` stands for what is left out, `joined` takes ``initial`` in."""

    def reduction(
        a: Any,
        axis: Axes = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        if out is None and initial is None and where is True:
            return a.apply(RULES[name], (a,), {"axis": axes_of(axis), "keepdims": keepdims})
        refuse_out(name, out)
        if initial is None:
            raise ValueError(f"np.{name} with where needs initial, for a part may be empty")
        if not np.size(a):
            empty = np.max(value_of(a), axis=axes_of(axis), keepdims=keepdims, initial=0.0, where=where)
            return np.full(empty.shape, initial)
        z = RULES[name](_chosen(a, where, beyond), axis=axes_of(axis), keepdims=bool(keepdims))
        return joined(z, initial)

    reduction.__name__, reduction.__doc__ = name, meaning
    return reduction


def _count(x: Any, axis: Axes, where: Any, *, keepdims: bool) -> Any:
    """Return how many elements count, in their precision."""
    counted = np.ones(x.shape, x.dtype)
    if where is not True:
        counted = np.where(where, counted, np.zeros((), x.dtype))
    return np.sum(counted, axis=axes_of(axis), keepdims=bool(keepdims))


def mean(
    a: Any,
    axis: Axes = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    *,
    where: Any = True,
) -> Any:
    """Return the arithmetic mean."""
    if dtype is None and out is None and where is True:
        return a.apply(RULES["mean"], (a,), {"axis": axes_of(axis), "keepdims": keepdims})
    refuse_out("mean", out)
    x = cast(a, dtype)
    if where is True:
        return RULES["mean"](x, axis=axes_of(axis), keepdims=bool(keepdims))
    summed = np.sum(x, axis=axis, keepdims=keepdims, where=where)
    return summed / _count(x, axis, where, keepdims=keepdims)


def _variance(too_few: float) -> Function:
    """Return a variance: `too_few` is what it is divided by where `ddof` leaves no samples."""

    def reduction(
        a: Any,
        axis: Axes = None,
        dtype: Any = None,
        out: Any = None,
        ddof: float = 0,
        keepdims: bool = False,
        *,
        where: Any = True,
        mean: Any = None,
        correction: float | None = None,
    ) -> Any:
        """Return the mean of the squared distances from the mean; what `ddof` subtracts is for samples."""
        refuse_out("var", out)
        x = cast(a, dtype)
        center = np.mean(x, axis=axes_of(axis), keepdims=True, where=where) if mean is None else mean
        squares = np.sum(np.square(x - center), axis=axes_of(axis), keepdims=keepdims, where=where)
        n = _count(x, axis, where, keepdims=keepdims) - (ddof if correction is None else correction)
        return squares / np.where(np.greater(n, 0), n, too_few)

    return reduction


def _std(a: Any, *arguments: Any, **keywords: Any) -> Any:
    """Return the root of the variance; where that is 0, as of equal elements, the derivative is 0."""
    return _root(np.var(a, *arguments, **keywords))


def _nanstd(a: Any, *arguments: Any, **keywords: Any) -> Any:
    return _root(np.nanvar(a, *arguments, **keywords))


def _root(x: Any) -> Any:
    """Return the square root, with the derivative 0 at 0: there it is the norm of a vector of zeros."""
    is_zero = np.equal(x, 0)
    return np.where(is_zero, 0.0, np.sqrt(np.where(is_zero, 1.0, x)))


def _average(
    a: Any, axis: Axes = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    if weights is None:
        mean = np.mean(a, axis=axis, keepdims=keepdims)
        return (mean, np.full(np.shape(mean), np.size(a) / np.size(mean))) if returned else mean
    weights = np.broadcast_to(_weights(weights, axis, a), np.shape(a))
    total = np.sum(weights, axis=axis, keepdims=keepdims)
    if not isinstance(total, Traced) and np.any(total == 0):
        raise ZeroDivisionError("np.average: the weights add up to 0")
    mean = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (mean, total) if returned else mean


def _weights(weights: Any, axis: Axes, x: Any) -> Any:
    """Return weights with an axis for each of x, of length 1 where they do not depend on it."""
    shape = np.shape(x)
    if np.shape(weights) == shape:
        return weights
    if axis is None:
        raise TypeError(
            f"np.average of shape {shape} with weights of shape {np.shape(weights)} needs an axis"
        )
    axes = axes_within("np.average", axis, x)
    if np.shape(weights) != tuple(shape[one] for one in axes):
        raise ValueError(
            f"np.average of shape {shape} over {axes}: one weight for each place, got {np.shape(weights)}"
        )
    inner = tuple(shape[one] if one in axes else 1 for one in range(len(shape)))
    return np.reshape(np.transpose(weights, np.argsort(axes)), inner)


def _ptp(a: Any, axis: Axes = None, out: Any = None, keepdims: bool = False) -> Any:
    refuse_out("ptp", out)
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


# Of what is in the middle, once sorted


def _median(
    a: Any, axis: Axes = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    if not np.size(a):
        return np.mean(a, axis=axis, out=out, keepdims=keepdims)  # NaN, with its warning
    return np.quantile(a, 0.5, axis=axis, out=out, keepdims=keepdims)


def _percentile(a: Any, q: Any, axis: Axes = None, *arguments: Any, **keywords: Any) -> Any:
    part = q / 100.0 if isinstance(q, int | float) else np.true_divide(q, 100)
    return np.quantile(a, part, axis, *arguments, **keywords)


def _quantile(
    a: Any,
    q: Any,
    axis: Axes = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """Return what lies linearly between the two neighbours of a place in the sorted elements."""
    refuse_out("quantile", out)
    if method != "linear" or weights is not None:
        raise TypeError(
            f"np.quantile: a Node's is taken by method linear, without weights, got {brief(method)}"
        )
    if isinstance(q, Traced):
        raise TypeError("np.quantile: by q there is no derivative here: give q.value")
    part_of_all = np.asarray(q, float)
    if not np.all((part_of_all >= 0) & (part_of_all <= 1)):
        raise ValueError(f"np.quantile: a quantile is from 0 to 1, a percentile to 100, got {brief(q)}")
    ndim = np.ndim(a)
    reduced = axes_within("np.quantile", axis, a)
    kept = tuple(k for k in range(ndim) if k not in reduced)
    rows = np.transpose(a, (*kept, *reduced))
    n = math.prod(np.shape(a)[k] for k in reduced)
    if not n:
        raise IndexError(f"np.quantile of shape {np.shape(a)}: there are no elements")
    rows = np.sort(np.reshape(rows, (*rows.shape[: len(kept)], n)), axis=-1)
    rows = np.where(np.isnan(rows[..., -1:]), np.nan, rows)  # one is sorted to the end, and counts for all
    place = part_of_all * (n - 1)
    below = np.floor(place).astype(int)
    above = np.minimum(below + 1, n - 1)
    part = place - below
    if type(q) is float:  # which takes the precision of what it meets
        part = part.astype(rows.dtype)
    z = np.moveaxis(
        rows[..., below] * (1 - part) + rows[..., above] * part, range(len(kept)), range(-len(kept), 0)
    )
    return np.expand_dims(z, tuple(np.ndim(q) + k for k in reduced)) if keepdims else z


# Without what is not a number


def _without_nan(function: Function, neutral: float) -> Function:
    def reduction(a: Any, *arguments: Any, **keywords: Any) -> Any:
        return function(np.where(np.isnan(a), neutral, a), *arguments, **keywords)

    return reduction


def _extreme_number(function: Function, beyond: float) -> Function:
    """Return a maximum or minimum of what is a number; of nothing but NaN it is NaN."""

    def reduction(
        a: Any,
        axis: Axes = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        is_number = np.logical_not(np.isnan(a))
        z = function(
            np.where(is_number, a, beyond), axis, out=out, keepdims=keepdims, initial=initial, where=where
        )
        if initial is not None:
            return z
        count = np.sum(is_number, axis=axes_of(axis), keepdims=keepdims)
        return np.where(np.equal(count, 0), np.nan, z)

    return reduction


def _of_numbers(function: Function) -> Function:
    def reduction(a: Any, *arguments: Any, where: Any = True, **keywords: Any) -> Any:
        counts = np.logical_not(np.isnan(a))
        counts = counts if where is True else counts & _mask(where, a)
        return function(np.where(counts, a, 0.0), *arguments, where=counts, **keywords)

    return reduction


_TIES = "those that tie for it share its derivative equally."
_max = _extreme("max", f"Return the largest element; {_TIES}", -math.inf, np.maximum)
_min = _extreme("min", f"Return the smallest element; {_TIES}", math.inf, np.minimum)
REDUCING: dict[Any, Function] = {
    np.sum: total("sum", "Return the sum.", 0.0, np.add),
    np.prod: total("prod", "Return the product.", 1.0, np.multiply),
    np.mean: mean,
    np.max: _max,
    np.amax: _max,
    np.min: _min,
    np.amin: _min,
    np.ptp: _ptp,
    np.var: _variance(0.0),
    np.std: _std,
    np.average: _average,
    np.median: _median,
    np.quantile: _quantile,
    np.percentile: _percentile,
    np.nansum: _without_nan(np.sum, 0.0),
    np.nanprod: _without_nan(np.prod, 1.0),
    np.nanmax: _extreme_number(np.max, -math.inf),
    np.nanmin: _extreme_number(np.min, math.inf),
    np.nanmean: _of_numbers(mean),
    np.nanvar: _of_numbers(_variance(math.nan)),
    np.nanstd: _nanstd,
}
"""By function of numpy, what it does to nodes."""
