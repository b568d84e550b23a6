"""numpy's functions of nodes that are made of other functions of numpy, as numpy itself makes them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from nn_from_scratch.array_rules import axes_within, axis_within, cast
from nn_from_scratch.rule import Function, value_of


def _precision(*operands: Any) -> Any:
    """Return the dtype of numbers that come from operands: no integers."""
    return np.result_type(*(x if isinstance(x, float) else _typed(x).dtype for x in operands), 1.0)


def _typed(x: Any) -> Any:
    return x if hasattr(x, "dtype") else np.asarray(x)


def _cov(m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None) -> Any:
    """Return the covariance of rows, which are variables, over columns, which are observations."""
    rows = _variables(m, rowvar)
    if y is not None:
        rows = np.concatenate([rows, _variables(y, rowvar)])
    lost = ddof if ddof is not None else 0 if bias else 1
    centred = rows - np.mean(rows, axis=1, keepdims=True)
    return np.squeeze(centred @ np.transpose(centred) / (np.shape(rows)[1] - lost))


def _variables(m: Any, rowvar: bool) -> Any:
    if np.ndim(m) > 2:
        raise ValueError(f"np.cov: m has more than 2 dimensions, shape {np.shape(m)}")
    rows = np.atleast_2d(m)
    return rows if rowvar or np.shape(rows)[0] == 1 else np.transpose(rows)


def _corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Any:
    """Return the covariance of rows, divided by both standard deviations."""
    covariance = _cov(x, y, rowvar)
    if not np.ndim(covariance):
        return covariance / covariance
    deviations = np.sqrt(np.diagonal(covariance))
    return covariance / deviations[:, None] / deviations[None, :]


def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Return differences along each axis, of the second order but at the ends."""
    f = np.reshape(f, np.shape(f))  # of a sequence, too
    axes = axes_within("np.gradient", axis, f)
    if len(varargs) not in {0, 1, len(axes)}:
        raise TypeError(f"np.gradient: a spacing for each of {len(axes)} axes, or one, got {len(varargs)}")
    if edge_order not in {1, 2}:
        raise ValueError(f"np.gradient: edge_order is 1 or 2, got {edge_order}")
    spacings = varargs * len(axes) if len(varargs) == 1 else varargs or (1.0,) * len(axes)
    found = [_slopes(f, step, place, edge_order) for place, step in zip(axes, spacings, strict=True)]
    return found[0] if len(found) == 1 else tuple(found)


def _slopes(f: Any, spacing: Any, axis: int, edge_order: int) -> Any:
    """Return the slopes along an axis of a parabola through each point and its two neighbours."""
    x = np.moveaxis(f, axis, 0)
    count = len(x)
    if count < edge_order + 1:
        raise ValueError(f"np.gradient: at least {edge_order + 1} points along an axis, got {count}")
    if np.ndim(spacing) and np.shape(spacing) != (count,):
        raise ValueError(f"np.gradient: {count} places along axis {axis}, got shape {np.shape(spacing)}")
    steps = np.diff(spacing) if np.ndim(spacing) else spacing * np.ones(count - 1)
    steps = cast(np.reshape(steps, (-1, *(1,) * (np.ndim(x) - 1))), _precision(f))
    rises = (x[1:] - x[:-1]) / steps
    left, right = steps[:-1], steps[1:]
    inside = (right * rises[:-1] + left * rises[1:]) / (left + right)
    ends = [rises[:1], rises[-1:]]
    if edge_order == 2:
        bends = (rises[1:] - rises[:-1]) / (left + right)
        ends = [ends[0] - bends[:1] * steps[:1], ends[1] + bends[-1:] * steps[-1:]]
    return np.moveaxis(np.concatenate([ends[0], inside, ends[1]]), 0, axis)


def _linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, axis: int = 0) -> Any:
    """Return numbers at equal distances, the first of which is `start`."""
    ndim = max(np.ndim(start), np.ndim(stop))
    parts = np.arange(num) / max(num - 1 if endpoint else num, 1)
    parts = parts.reshape(-1, *(1,) * ndim).astype(_precision(start, stop))
    return np.moveaxis(start + parts * (stop - start), 0, axis)


def _meshgrid(*xi: Any, indexing: str = "xy", sparse: bool = False, copy: bool = True) -> Any:
    """Return each row of coordinates along an axis of its own."""
    del copy  # no node is written into
    if indexing not in {"xy", "ij"}:
        raise ValueError(f"np.meshgrid: indexing is 'xy' or 'ij', got {indexing!r}")
    count = len(xi)
    axes = [1, 0, *range(2, count)] if indexing == "xy" and count > 1 else list(range(count))
    rows = [
        np.reshape(x, (*(1,) * axis, -1, *(1,) * (count - 1 - axis)))
        for axis, x in zip(axes, xi, strict=True)
    ]
    return tuple(rows if sparse else np.broadcast_arrays(*rows))


def _polyval(p: Any, x: Any) -> Any:
    """Return the value of a polynomial, its highest coefficient first, by Horner's rule."""
    x = np.reshape(x, np.shape(x))  # of a sequence, too
    found: Any = 0.0 * x
    for coefficient in np.reshape(p, np.shape(p)):
        found = found * x + coefficient
    return found


def _vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:  # noqa: N803  numpy's name
    """Return the powers of each number, in columns."""
    count = np.shape(x)[0] if N is None else N
    powers = np.arange(count) if increasing else np.arange(count)[::-1]
    return np.reshape(x, (-1, 1)) ** powers


def _insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """Return an array with values before some of its places."""
    if axis is None:
        arr, axis = np.reshape(arr, -1), 0
    place, count = axis_within("np.insert", axis, arr), np.shape(arr)[axis]
    given = np.reshape(values, (1,) * (np.ndim(arr) - np.ndim(values)) + np.shape(values))
    one = np.ndim(obj) == 0 and not isinstance(obj, slice)
    if one:  # takes as many values as there are, which numpy has along their first axis
        given = np.moveaxis(given, 0, place)
    where = np.insert(np.arange(count), [obj] * np.shape(given)[place] if one else obj, -1)
    size = len(where) - count
    shape = (*np.shape(arr)[:place], size, *np.shape(arr)[place + 1 :])
    where[where < 0] = count + np.arange(size)
    joined = np.concatenate([arr, np.broadcast_to(cast(given, _precision(arr)), shape)], axis=place)
    return np.take(joined, where, axis=place)


def _apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """Return what a function makes of each row along an axis."""
    place = axis_within("np.apply_along_axis", axis, arr)
    rows = np.moveaxis(arr, place, -1)
    others = np.shape(rows)[:-1]
    found = [func1d(row, *args, **kwargs) for row in np.reshape(rows, (-1, np.shape(rows)[-1]))]
    shape = np.shape(found[0])
    joined = np.reshape(np.stack(found), (*others, *shape))
    inner = range(len(others), len(others) + len(shape))
    return np.moveaxis(joined, tuple(inner), tuple(k - len(others) + place for k in inner))


def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """Return, where a condition holds, what its function makes of those entries; the last one holds."""
    conditions = [np.asarray(value_of(one), bool) for one in _several(condlist, np.ndim(x))]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~np.logical_or.reduce(conditions))
    elif len(funclist) != len(conditions):
        raise ValueError(
            f"np.piecewise: a function for each of {len(conditions)} conditions, and maybe one for the rest, "
            f"got {len(funclist)}"
        )
    found: Any = np.zeros(np.shape(x), _precision(x))
    for condition, function in zip(conditions, funclist, strict=True):
        if not condition.any():
            continue
        part = function(x[condition], *args, **kw) if callable(function) else function
        order = np.maximum(np.cumsum(condition).reshape(condition.shape) - 1, 0)
        spread = np.reshape(part, -1)[order] if np.ndim(part) else part
        found = np.where(condition, spread, found)
    return found


def _several(condlist: Any, ndim: int) -> Any:
    """Return a list of conditions of what may be one, of an array of so many dimensions."""
    if isinstance(condlist, list | tuple):
        return condlist if np.ndim(condlist[0]) or not ndim else [condlist]
    return condlist if np.ndim(condlist) > ndim else [condlist]


def _unwrap(p: Any, discont: float | None = None, axis: int = -1, *, period: float = 2 * np.pi) -> Any:
    """Return angles less whole turns, which are constant between the jumps."""
    turns = np.unwrap(value_of(p), discont, axis, period=period) - value_of(p)
    return p + turns


def _nancumsum(a: Any, axis: int | None = None) -> Any:
    return np.cumsum(np.where(np.isnan(a), 0.0, a), axis)


def _nancumprod(a: Any, axis: int | None = None) -> Any:
    return np.cumprod(np.where(np.isnan(a), 1.0, a), axis)


def _cumulative(running: Callable[..., Any], first: float) -> Function:
    """Return a running sum or product as the array standard has it, which may begin before the first."""

    def cumulative(x: Any, /, *, axis: int | None = None, include_initial: bool = False) -> Any:
        if axis is None and np.ndim(x) != 1:
            raise ValueError(f"axis is needed of an array of {np.ndim(x)} dimensions")
        found = running(x, axis=axis)
        return _insert(found, 0, first, 0 if axis is None else axis) if include_initial else found

    return cumulative


def _extract(condition: Any, arr: Any) -> Any:
    return np.reshape(arr, -1)[np.flatnonzero(value_of(condition))]


COMPOSING: dict[Any, Function] = {
    np.cov: _cov,
    np.corrcoef: _corrcoef,
    np.gradient: _gradient,
    np.linspace: _linspace,
    np.meshgrid: _meshgrid,
    np.polyval: _polyval,
    np.vander: _vander,
    np.insert: _insert,
    np.apply_along_axis: _apply_along_axis,
    np.piecewise: _piecewise,
    np.unwrap: _unwrap,
    np.nancumsum: _nancumsum,
    np.nancumprod: _nancumprod,
    np.extract: _extract,
}
"""By function of numpy, what it does to nodes."""
if hasattr(np, "cumulative_sum"):  # from numpy 2.1 on
    COMPOSING[np.cumulative_sum] = _cumulative(np.cumsum, 0.0)
    COMPOSING[np.cumulative_prod] = _cumulative(np.cumprod, 1.0)
