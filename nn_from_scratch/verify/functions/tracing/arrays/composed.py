"""Numpy's functions over traced arrays that are made of others: their numbers are rounded as those are."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.tracing.arrays.array import (
    TracedArray,
    computed,
    is_traced,
    plain,
    shadow_of,
)
from nn_from_scratch.verify.functions.tracing.arrays.choices import note_knots
from nn_from_scratch.verify.functions.tracing.arrays.table import Handler, answers, refuse_others
from nn_from_scratch.verify.functions.tracing.arrays.trace import Trace
from nn_from_scratch.verify.functions.tracing.operations import apply


def _without_nan(function: Callable[..., Any]) -> Handler:
    """Answer a reduction that leaves out what is NaN."""

    def handler(_: Trace, x: Any, *operands: Any, where: Any = True, **keywords: Any) -> Any:
        return function(x, *operands, where=where & ~np.isnan(plain(x)), **keywords)

    return handler


for _function, _of_numbers in (
    *((np.nansum, np.sum), (np.nanprod, np.prod), (np.nanmax, np.max), (np.nanmin, np.min)),
    *((np.nanmean, np.mean), (np.nanvar, np.var), (np.nanstd, np.std)),
):
    answers(_function)(_without_nan(_of_numbers))


@answers(np.sinc)
def _sinc(trace: Trace, x: Any) -> Any:
    # It is taken of pi x, which is rounded.
    return computed(
        trace, "sinc", lambda s: apply("sinc", s), (x,), np.sinc(plain(x)), lambda size: 4 * (1 + size)
    )


@answers(np.i0)
def _i0(trace: Trace, x: Any) -> Any:
    return computed(trace, "i0", lambda s: apply("i0", s), (x,), np.i0(plain(x)))


@answers(np.imag)
def _imag(_: Trace, x: Any) -> Any:
    return np.imag(plain(x))


@answers(np.angle)
def _angle(trace: Trace, x: Any, deg: bool = False) -> Any:
    trace.note_step()  # between 0 and pi
    return np.angle(plain(x), deg)


@answers(np.ediff1d)
def _ediff1d(trace: Trace, x: Any, **rest: Any) -> Any:
    refuse_others(trace, rest)
    return np.diff(np.ravel(x))


@answers(np.trapezoid)
def _trapezoid(_: Trace, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    last = np.moveaxis(y, axis, -1)
    if x is not None:
        along = np.moveaxis(x, axis, -1) if np.ndim(plain(x)) > 1 else x
        dx = np.diff(along, axis=-1)
    return np.sum(dx * (last[..., 1:] + last[..., :-1]) / 2.0, axis=-1)


@answers(np.gradient)
def _gradient(_: Trace, f: Any, *spacings: Any, axis: Any = None, edge_order: int = 1) -> Any:
    count = np.ndim(plain(f))
    axes = tuple(range(count)) if axis is None else tuple(np.atleast_1d(axis).tolist())
    steps = spacings * len(axes) if len(spacings) == 1 else spacings or (1.0,) * len(axes)
    found = tuple(_slopes(f, one, h, edge_order) for one, h in zip(axes, steps, strict=True))
    return found if len(found) > 1 else found[0]


def _slopes(f: Any, axis: int, spacing: Any, edge_order: int) -> Any:
    """Return central differences along an axis, and at its ends one-sided ones, or those of a parabola."""
    y = np.moveaxis(f, axis, -1)
    if not np.ndim(plain(spacing)):
        steps, between = spacing, (y[..., 2:] - y[..., :-2]) / (2.0 * spacing)
        rises = (y[..., 1:] - y[..., :-1]) / steps
        bends = (rises[..., 1:] - rises[..., :-1]) / 2.0
    else:
        steps = np.diff(spacing)
        rises = (y[..., 1:] - y[..., :-1]) / steps
        both = steps[:-1] + steps[1:]
        between = (steps[1:] * rises[..., :-1] + steps[:-1] * rises[..., 1:]) / both
        bends = (rises[..., 1:] - rises[..., :-1]) / both
    first, last = rises[..., :1], rises[..., -1:]
    if edge_order == 2:
        even = not np.ndim(plain(spacing))
        first = first - bends[..., :1] * (1.0 if even else steps[:1])
        last = last + bends[..., -1:] * (1.0 if even else steps[-1:])
    return np.moveaxis(np.concatenate([first, between, last], axis=-1), -1, axis)


def _in_float64(trace: Trace, x: Any) -> Any:
    """Return numbers in float64, with the shadow that they have in their own format."""
    return TracedArray(np.asarray(plain(x), np.float64), shadow_of(trace, x).copy(), trace)


@answers(np.interp)
def _interp(  # noqa: PLR0917  numpy's order
    trace: Trace, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    refuse_others(trace, {"period": period})
    if not is_traced(fp):
        trace.note_lookup()
    x, xp, fp = (_in_float64(trace, part) for part in (x, xp, fp))  # as numpy computes, whatever it is given
    at, knots = np.asarray(plain(x)), np.asarray(plain(xp))
    note_knots(trace, x, xp, chosen=left is None and right is None)  # else it may jump at the ends
    k = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, len(knots) - 2)
    inside = (fp[k + 1] - fp[k]) / (xp[k + 1] - xp[k]) * (x - xp[k]) + fp[k]
    below = np.where(at < knots[0], fp[0] if left is None else left, inside)
    return np.where(at > knots[-1], fp[-1] if right is None else right, below)


@answers(np.quantile)
def _quantile(trace: Trace, x: Any, q: Any, axis: Any = None, *, keepdims: bool = False, **rest: Any) -> Any:
    refuse_others(trace, {name: part for name, part in rest.items() if (name, part) != ("method", "linear")})
    if isinstance(axis, tuple):
        raise trace.end("quantiles over several axes are not traced")
    ranked = np.moveaxis(np.sort(x, axis=axis), 0 if axis is None else axis, -1)
    parts = np.asarray(plain(q), plain(x).dtype if isinstance(q, (int, float)) else None)
    where = parts * (ranked.shape[-1] - 1)
    low = np.minimum(np.floor(where).astype(int), max(ranked.shape[-1] - 2, 0))
    high = np.minimum(low + 1, ranked.shape[-1] - 1)
    between = np.asarray(where - low, where.dtype)
    found = ranked[..., low] + (ranked[..., high] - ranked[..., low]) * between
    for _ in range(np.ndim(q)):
        found = np.moveaxis(found, -1, 0)
    if not keepdims:
        return found
    count = np.ndim(plain(x))
    kept = range(count) if axis is None else (axis % count,)
    return np.expand_dims(found, tuple(np.ndim(q) + k for k in kept))


@answers(np.percentile)
def _percentile(_: Trace, x: Any, q: Any, *operands: Any, **keywords: Any) -> Any:
    return np.quantile(x, np.true_divide(plain(q), plain(x).dtype.type(100)), *operands, **keywords)


@answers(np.polyval)
def _polyval(_: Trace, p: Any, x: Any) -> Any:
    p, x = (part if is_traced(part) else np.asarray(part) for part in (p, x))  # whose formats count
    total: Any = np.zeros_like(plain(x))
    for coefficient in p:
        total = total * x + coefficient
    return total


@answers(np.vander)
def _vander(_: Trace, x: Any, N: Any = None, increasing: bool = False) -> Any:  # noqa: N803  numpy's name
    count = len(plain(x)) if N is None else N
    x = x.astype(np.promote_types(plain(x).dtype, int))  # as numpy has the table
    columns = [np.ones(len(plain(x))), *([x] if count > 1 else [])]
    while len(columns) < count:
        columns.append(columns[-1] * x)
    columns = columns[:count]
    return np.stack(columns if increasing else columns[::-1], axis=1)


@answers(np.cov)
def _cov(  # noqa: PLR0917  numpy's order
    trace: Trace,
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: Any = None,
    **rest: Any,
) -> Any:
    refuse_others(trace, rest)
    rows = _rows(m, rowvar)
    if y is not None:
        rows = np.concatenate([rows, _rows(y, rowvar)], axis=0)
    away = rows - np.mean(rows, axis=1, keepdims=True)
    less = (0 if bias else 1) if ddof is None else ddof
    return np.squeeze(np.dot(away, away.T) / (rows.shape[1] - less))


def _rows(x: Any, rowvar: bool) -> Any:
    """Return variables as rows, of at least the precision that numpy takes."""
    table = np.atleast_2d(x)
    if table.dtype != np.result_type(table.dtype, np.float64):
        table = table.astype(np.float64)
    return table if rowvar or table.shape[0] == 1 else table.T


@answers(np.corrcoef)
def _corrcoef(trace: Trace, x: Any, y: Any = None, rowvar: bool = True, **rest: Any) -> Any:
    refuse_others(trace, rest)
    covariance = np.cov(x, y, rowvar)
    if not np.ndim(plain(covariance)):
        return covariance / covariance
    length = np.sqrt(np.diag(covariance))
    return covariance / length[:, None] / length[None, :]


@answers(np.apply_along_axis)
def _apply_along_axis(
    _: Trace, func1d: Callable[..., Any], axis: int, arr: Any, *operands: Any, **keywords: Any
) -> Any:
    rows = np.moveaxis(arr, axis, -1)
    outer = rows.shape[:-1]
    found = [func1d(rows[place], *operands, **keywords) for place in np.ndindex(*outer)]
    inner = np.shape(plain(found[0]))
    whole = np.stack(found).reshape((*outer, *inner))
    places = range(axis % (len(outer) + 1), axis % (len(outer) + 1) + len(inner))
    return np.moveaxis(whole, range(len(outer), len(outer) + len(inner)), places) if inner else whole


def _running_without_nan(function: Callable[..., Any], instead: float) -> Handler:
    def handler(_: Trace, x: Any, axis: Any = None) -> Any:
        return function(np.where(np.isnan(plain(x)), instead, x), axis=axis)

    return handler


answers(np.nancumsum)(_running_without_nan(np.cumsum, 0.0))
answers(np.nancumprod)(_running_without_nan(np.cumprod, 1.0))


@answers(np.extract)
def _extract(_: Trace, condition: Any, arr: Any) -> Any:
    return np.ravel(arr)[np.flatnonzero(plain(condition))]


@answers(np.insert)
def _insert(_: Trace, arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    if axis is None:
        arr, axis = np.ravel(arr), 0
    rows = np.moveaxis(arr, axis, 0)
    given = np.reshape(values, (1,) * (rows.ndim - np.ndim(plain(values))) + np.shape(plain(values)))
    one = isinstance(obj, (int, np.integer))
    given = given if one else np.moveaxis(given, axis, 0)
    order = np.insert(np.arange(len(rows)), [obj] * len(given) if one else obj, -1)
    added = len(order) - len(rows)
    order[order < 0] = len(rows) + np.arange(added)
    joined = np.concatenate([rows, np.broadcast_to(given, (added, *rows.shape[1:]))])
    return np.moveaxis(joined[order], 0, axis)


@answers(np.piecewise)
def _piecewise(_: Trace, x: Any, condlist: Any, funclist: Any, *operands: Any, **keywords: Any) -> Any:
    first = condlist[0] if isinstance(condlist, (list, tuple)) else condlist
    several = np.ndim(plain(first)) >= np.ndim(plain(x)) + (first is condlist)
    conditions = list(condlist) if several else [condlist]
    if len(funclist) > len(conditions):
        conditions.append(~np.logical_or.reduce([plain(one) for one in conditions]))
    whole = np.zeros_like(x)
    for condition, function in zip(conditions, funclist, strict=True):
        whole[condition] = function(x[condition], *operands, **keywords) if callable(function) else function
    return whole


@answers(np.unwrap)
def _unwrap(trace: Trace, p: Any, *operands: Any, **keywords: Any) -> Any:
    trace.note_step()  # by a turn
    return p + (np.unwrap(plain(p), *operands, **keywords) - plain(p))


if hasattr(np, "cumulative_sum"):  # from numpy 2.1 on

    def _cumulative(function: Callable[..., Any], first: float) -> Handler:
        def handler(_: Trace, x: Any, *, axis: Any = None, include_initial: bool = False) -> Any:
            found = function(x, axis=axis)
            return np.insert(found, 0, first, 0 if axis is None else axis) if include_initial else found

        return handler

    answers(np.cumulative_sum)(_cumulative(np.cumsum, 0.0))
    answers(np.cumulative_prod)(_cumulative(np.cumprod, 1.0))


@answers(np.bincount)
def _bincount(trace: Trace, x: Any, weights: Any = None, minlength: int = 0) -> Any:
    if weights is None:
        raise trace.end("bincount of what is traced is not traced")
    added = _in_float64(trace, weights)
    whole = np.zeros_like(added, shape=max(minlength, int(np.max(plain(x), initial=-1)) + 1))
    np.add.at(whole, plain(x), added)
    return whole


@answers(np.linalg.trace)
def _trace(trace: Trace, x: Any, *, offset: int = 0, **rest: Any) -> Any:
    refuse_others(trace, rest)
    return np.trace(x, offset, -2, -1)


@answers(np.linalg.vecdot)
def _vecdot(_: Trace, x: Any, y: Any, *, axis: int = -1) -> Any:
    return np.sum(x * y, axis=axis)


def sums_between(trace: Trace, x: Any, indices: Any, axis: int = 0) -> Any:
    """Answer ``np.add.reduceat``: of each stretch from one index to the next, or of one entry."""
    starts = [int(k) for k in plain(indices)]
    rows = np.moveaxis(x, axis, 0)
    trace.count(rows.size)
    stretches = [*pairwise(starts), (starts[-1], len(rows))]
    found = [np.sum(rows[a:b], axis=0) if a < b else rows[a] for a, b in stretches]
    return np.moveaxis(np.stack(found), 0, axis)
