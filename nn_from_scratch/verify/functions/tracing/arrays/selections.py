"""Numpy's functions over traced arrays of which the numbers choose: extremes, clipping, sorting, masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.tracing.around import nearby
from nn_from_scratch.verify.functions.tracing.arrays.array import (
    TracedArray,
    computed,
    note_truth,
    plain,
    shadow_of,
)
from nn_from_scratch.verify.functions.tracing.arrays.choices import note_neighbours
from nn_from_scratch.verify.functions.tracing.arrays.masks import Mask
from nn_from_scratch.verify.functions.tracing.arrays.table import TABLE, Handler, answers, refuse_others
from nn_from_scratch.verify.functions.tracing.arrays.trace import Trace
from nn_from_scratch.verify.functions.tracing.shadows import exact, moved, select


def _extreme(choose: Callable[..., Any]) -> Handler:
    """Answer a maximum or minimum: the numbers choose the entry."""

    def handler(  # noqa: PLR0917  numpy's order
        trace: Trace,
        x: Any,
        axis: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = np._NoValue,  # noqa: SLF001
        where: Any = True,
    ) -> Any:
        refuse_others(trace, {"out": out})
        least = choose is np.argmax
        if where is not True:
            x = np.where(np.broadcast_to(plain(where), np.shape(plain(x))), x, -np.inf if least else np.inf)
        if initial is not np._NoValue:  # noqa: SLF001
            found = (np.max if least else np.min)(x, axis=axis, keepdims=keepdims)
            return (np.maximum if least else np.minimum)(found, initial)
        numbers, shadow = np.asarray(plain(x)), shadow_of(trace, x)
        axes = range(numbers.ndim) if axis is None else np.atleast_1d(axis) % numbers.ndim
        kept = [k for k in range(numbers.ndim) if k not in axes]
        positions = np.arange(numbers.size).reshape(numbers.shape)

        def last(array: Any) -> Any:
            rows = np.transpose(array, [*kept, *axes])
            return rows.reshape([numbers.shape[k] for k in kept] + [-1])

        rows = last(numbers)
        best = choose(rows, axis=-1)[..., None]
        found = np.take_along_axis(rows, best, -1)
        _note_ties(trace, rows, found)
        shape = [1 if k in axes else numbers.shape[k] for k in range(numbers.ndim)]
        chosen = np.take_along_axis(last(positions), best, -1)
        shape = shape if keepdims else [numbers.shape[k] for k in kept]
        trace.count(numbers.size)
        return TracedArray(found.reshape(shape), moved(shadow, chosen.reshape(shape)), trace)

    return handler


def _note_ties(trace: Trace, rows: Any, found: Any) -> None:
    """Note a maximum that more than one entry is, or nearly is."""
    if not trace.forward:
        return
    with np.errstate(all="ignore"):
        near = np.abs(rows - found) <= nearby(float(np.finfo(rows.dtype).eps)) * np.abs(found)
    if np.any(near.sum(axis=-1) > 1):
        trace.note_tie("several entries are the largest or smallest")


TABLE[np.max] = TABLE[np.amax] = _extreme(np.argmax)
TABLE[np.min] = TABLE[np.amin] = _extreme(np.argmin)


@answers(np.ptp)
def _ptp(trace: Trace, x: Any, axis: Any = None, **keywords: Any) -> Any:
    refuse_others(trace, {name: v for name, v in keywords.items() if name != "keepdims"})
    return np.max(x, axis=axis, **keywords) - np.min(x, axis=axis, **keywords)


@answers(np.clip)
def _clip(trace: Trace, x: Any, a_min: Any = None, a_max: Any = None, out: Any = None, **rest: Any) -> Any:
    low, high = rest.pop("min", a_min), rest.pop("max", a_max)
    refuse_others(trace, {"out": out, **rest})
    low, high = (None if bound is np._NoValue else bound for bound in (low, high))  # noqa: SLF001
    result = x if low is None else np.maximum(x, low)
    return result if high is None else np.minimum(result, high)


@answers(np.sort)
def _sort(trace: Trace, x: Any, axis: Any = -1, **_: Any) -> Any:
    if axis is None:
        x, axis = np.ravel(x), 0
    order = np.argsort(plain(x), axis=axis, kind="stable")
    ranked = np.moveaxis(np.take_along_axis(plain(x), order, axis), axis, -1)
    if trace.forward and np.any(ranked[..., 1:] == ranked[..., :-1]):
        trace.note_tie("equal entries are sorted")
    return np.take_along_axis(x, order, axis)


@answers(np.where)
def _where(trace: Trace, condition: Any, x: Any, y: Any) -> Any:
    note_truth(condition)
    mask = np.asarray(plain(condition), dtype=bool)
    numbers = np.where(mask, plain(x), plain(y))
    if isinstance(condition, Mask):
        trace.note_switch(plain(x), plain(y))
    return computed(trace, "where", lambda a, b: select(mask, a, b), (x, y), numbers)


@answers(np.select)
def _select(_: Trace, condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    found = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        found = np.where(condition, choice, found)
    return found


@answers(np.fix)
def _fix(_: Trace, x: Any) -> Any:
    return np.trunc(x)


@answers(np.round, np.around)
def _round(trace: Trace, x: Any, decimals: int = 0) -> Any:
    trace.note_step()
    numbers = np.round(plain(x), decimals)
    trace.note_order(plain(x), numbers, (shadow_of(trace, x), exact(numbers)))
    return TracedArray(numbers, exact(numbers), trace)


@answers(np.nan_to_num)
def _nan_to_num(trace: Trace, x: Any, *_: Any, **__: Any) -> Any:
    if not np.isfinite(plain(x)).all():
        raise trace.end("nan_to_num of what is not finite is not traced")
    return x.copy()


@answers(np.partition)
def _partition(trace: Trace, x: Any, kth: Any, axis: int = -1, **rest: Any) -> Any:
    refuse_others(trace, rest)
    note_neighbours(trace, x, axis)
    return np.take_along_axis(x, np.argpartition(plain(x), kth, axis=axis), axis)


@answers(np.median)
def _median(trace: Trace, x: Any, axis: Any = None, **rest: Any) -> Any:
    keepdims = rest.pop("keepdims", False)
    refuse_others(trace, {name: value for name, value in rest.items() if value is not False})
    if isinstance(axis, tuple) and len(axis) == np.ndim(plain(x)):
        axis = None
    if axis is not None and not isinstance(axis, int):
        raise trace.end("median over several of more axes is not traced")
    ranked = np.moveaxis(np.sort(x, axis=axis), 0 if axis is None else axis, -1)
    middle = ranked.shape[-1] // 2
    odd = ranked.shape[-1] % 2
    found = ranked[..., middle] if odd else np.mean(ranked[..., middle - 1 : middle + 1], axis=-1)
    if not keepdims:
        return found
    return np.expand_dims(found, tuple(range(np.ndim(plain(x)))) if axis is None else axis)
