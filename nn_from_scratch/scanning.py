"""Functions along an axis in its order: running sums and products, differences, integrals, interpolation."""

from typing import Any

import numpy as np

from nn_from_scratch.array_rules import axis_within, cast
from nn_from_scratch.refusals import refuse_out
from nn_from_scratch.rule import Function, Operand, Rule, Traced, Value, value_of


def _through_cumsum(g: Operand, _z: Operand, x: Operand, axis: int) -> Operand:
    """Give each element the sum of the cotangents from its place on."""
    return np.flip(CUMSUM(np.flip(g, axis), axis=axis), axis)


def _cumsum_of_an_axis(x: Value, axis: int) -> Value:
    return np.cumsum(x, axis)


def _cumprod_of_an_axis(x: Value, axis: int) -> Value:
    return np.cumprod(x, axis)


def _through_cumprod(g: Operand, z: Operand, x: Operand, axis: int) -> Operand:
    """Multiply the product of all elements before by what the cotangents from this place on come to.

    That is r[k] = g[k] + x[k + 1] r[k + 1]; nothing is divided, as an element may be zero.
    """
    g, z, x = (np.moveaxis(array, axis, 0) for array in (g, z, x))
    if not len(x):
        return np.moveaxis(g, 0, axis)
    following = [g[-1]]
    for k in range(len(x) - 2, -1, -1):
        following.append(g[k] + x[k + 1] * following[-1])
    before = np.concatenate([np.ones((1, *np.shape(x)[1:]), x.dtype), z[:-1]])
    return np.moveaxis(before * np.stack(following[::-1]), 0, axis)


CUMSUM = Rule("cumsum", _cumsum_of_an_axis, [_through_cumsum])
CUMPROD = Rule("cumprod", _cumprod_of_an_axis, [_through_cumprod])


def _running(rule: Rule) -> Function:
    def of_node(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
        refuse_out(rule.name, out)
        x = cast(a if np.ndim(a) else np.reshape(a, 1), dtype)  # a number as an axis of one place
        if axis is None:
            return rule(np.reshape(x, -1), axis=0)
        return rule(x, axis=axis_within(f"np.{rule.name}", axis, x))

    return of_node


def running_extreme(name: str, is_further: Function) -> Function:
    """Return the running maximum or minimum: each element is moved to the places that it is the latest of."""

    def of_node(x: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        refuse_out(name, out)
        x = cast(x, dtype)
        axis = axis_within(name, axis, x)
        value = np.moveaxis(np.asarray(value_of(x)), axis, 0)
        places = np.zeros(value.shape, int)
        for k in range(1, len(value)):
            latest = np.take_along_axis(value, places[k - 1 : k], 0)[0]
            places[k] = np.where(is_further(value[k], latest) | np.isnan(value[k]), k, places[k - 1])
        return np.take_along_axis(x, np.moveaxis(places, 0, axis), axis)

    return of_node


def _ends(x: Any, before: Any, after: Any, axis: int) -> Any:
    """Return the elements with others before and after them; a number stands for one place of the axis."""
    one = tuple(1 if k == axis else n for k, n in enumerate(np.shape(x)))
    parts = (before, x, after)
    return np.concatenate(
        [np.broadcast_to(part, one) if np.ndim(part) == 0 else part for part in parts if part is not None],
        axis,
    )


def _between(x: Any, axis: int) -> tuple[Any, Any]:
    """Return the elements without the last, and without the first, along an axis."""
    before = (slice(None),) * axis
    return x[(*before, slice(None, -1))], x[(*before, slice(1, None))]


def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    if n == 0:
        return a
    if n < 0:
        raise ValueError(f"np.diff: n must be at least 0, got {n}")
    axis = axis_within("np.diff", axis, a)
    x = a if prepend is None and append is None else _ends(a, prepend, append, axis)
    for _ in range(n):
        left, right = _between(x, axis)
        x = right - left
    return x


def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Return differences, between what comes before and after, in the precision of the differences."""
    differences = np.diff(np.reshape(ary, -1))
    parts: list[Any] = [
        part if isinstance(part, Traced) else np.asarray(part, differences.dtype)
        for part in (to_begin, differences, to_end)
        if part is not None
    ]
    return np.concatenate([np.reshape(part, -1) for part in parts])


def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Return the integral of straight lines between the points."""
    place = axis_within("np.trapezoid", axis, y)
    left, right = _between(np.reshape(y, np.shape(y)), place)  # of sequences, too
    if x is None:
        widths = dx
    elif np.ndim(x) == 1:
        others = tuple(k for k in range(np.ndim(y)) if k != place)
        widths = np.expand_dims(np.diff(x), others)
    else:
        widths = np.diff(x, axis=axis)
    return np.sum(widths * (left + right) / 2.0, axis=axis)


def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """Return the straight lines between the points (xp, fp); at a point the slope is that to its right."""
    if period is not None:
        raise TypeError("np.interp: of Nodes without period; take the modulus of x, and repeat the ends")
    if np.ndim(xp) != 1 or not np.size(xp) or np.shape(xp) != np.shape(fp):
        raise ValueError(
            f"np.interp: xp and fp are two rows of points, got shapes {np.shape(xp)}, {np.shape(fp)}"
        )
    x, xp, fp = (np.reshape(a, np.shape(a)) for a in (x, xp, fp))  # of numbers and of sequences, too
    at, points = np.asarray(value_of(x)), np.asarray(value_of(xp))
    k = np.clip(np.searchsorted(points, at, side="right") - 1, 0, max(len(points) - 2, 0))
    if len(points) == 1:
        inside = np.broadcast_to(fp[0], at.shape)
    else:
        slope = (fp[k + 1] - fp[k]) / (xp[k + 1] - xp[k])
        inside = fp[k] + slope * (x - xp[k])
    z = np.where(at < points[0], fp[0] if left is None else left, inside)
    return np.where(at > points[-1], fp[-1] if right is None else right, z)


SCANNING: dict[Any, Function] = {
    np.cumsum: _running(CUMSUM),
    np.cumprod: _running(CUMPROD),
    np.diff: _diff,
    np.ediff1d: _ediff1d,
    np.trapezoid: _trapezoid,
    np.interp: _interp,
}
"""By function of numpy, what it does to nodes."""
