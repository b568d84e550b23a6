"""Numpy's sums and products over traced arrays."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.tracing import products
from nn_from_scratch.verify.functions.tracing.arrays.array import computed, plain
from nn_from_scratch.verify.functions.tracing.arrays.table import TABLE, Handler, answers, refuse_others
from nn_from_scratch.verify.functions.tracing.arrays.trace import Trace
from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.shadows import Shadow, as_shadow


def _reduction(function: Callable[..., Any], scale: Callable[..., Any]) -> Handler:
    """Answer what reduces axes; `scale` is what a rounding is multiplied by, of the operand's sizes."""
    name = function.__name__

    def handler(  # noqa: PLR0917  numpy's order
        trace: Trace,
        x: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        **rest: Any,
    ) -> Any:
        over = {"axis": axis, "keepdims": keepdims}
        if any(part is not np._NoValue for part in rest.values()):  # noqa: SLF001
            return _of_some(trace, function, x, over, **rest)
        refuse_others(trace, {"out": out})
        numbers = function(plain(x), dtype=dtype, **over)
        return computed(
            trace,
            name,
            lambda s: apply(name, s, **over),
            (x,),
            numbers,
            lambda sizes: scale(sizes, **over),
            _over_other_axes(name, np.ndim(plain(x)), axis, keepdims=keepdims),
        )

    return handler


def _of_some(  # noqa: PLR0917
    trace: Trace,
    function: Callable[..., Any],
    x: Any,
    over: dict[str, Any],
    where: Any = True,
    initial: Any = np._NoValue,  # noqa: SLF001
    **rest: Any,
) -> Any:
    """Reduce the entries that a mask says, and a first number."""
    refuse_others(trace, rest)
    neutral = 1.0 if function is np.prod else 0.0
    mask = np.broadcast_to(plain(where), np.shape(plain(x)))
    chosen = np.where(mask, x, neutral)
    if function is np.mean:
        return np.sum(chosen, **over) / _counts(mask, x, **over)
    found = function(chosen, **over)
    if initial is np._NoValue:  # noqa: SLF001
        return found
    return found * initial if function is np.prod else found + initial


def _counts(mask: Any, x: Any, **over: Any) -> Any:
    """Return how many entries a mask says, in the format of an array: a mean keeps it."""
    return np.sum(mask, dtype=plain(x).dtype, **over)


def _over_other_axes(name: str, count: int, axis: Any, *, keepdims: bool) -> dict[str, Callable[..., Shadow]]:
    """Return the same reduction over each other axis: of equal sizes, one is taken for another."""
    if not isinstance(axis, int):
        return {}
    return {
        f"{name} over axis {other}": partial(apply, name, axis=other, keepdims=keepdims)
        for other in range(count)
        if other != axis % count
    }


def _counted(sizes: Any, **over: Any) -> Any:
    """Return the scale of a sum: the number of its terms times the sum of their sizes."""
    summed = np.sum(sizes, **over)
    return summed * max(np.size(sizes) // max(np.size(summed), 1), 1)


def _of_all(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the scale of what rounds once for each entry, at most."""
    return lambda sizes, **over: sizes.size * function(sizes, **over)


TABLE[np.sum] = _reduction(np.sum, _counted)
TABLE[np.mean] = _reduction(np.mean, np.sum)
TABLE[np.prod] = _reduction(np.prod, _of_all(np.prod))


def _accumulation(function: Callable[..., Any]) -> Handler:
    """Answer what accumulates along an axis."""
    name, scale = function.__name__, _of_all(function)

    def handler(trace: Trace, x: Any, axis: Any = None, dtype: Any = None) -> Any:
        numbers = function(plain(x), axis=axis, dtype=dtype)
        return computed(
            trace,
            name,
            lambda s: apply(name, s, axis=axis),
            (x,),
            numbers,
            lambda sizes: scale(sizes, axis=axis),
        )

    return handler


TABLE[np.cumsum] = _accumulation(np.cumsum)
TABLE[np.cumprod] = _accumulation(np.cumprod)


@answers(np.average)
def _average(
    trace: Trace, x: Any, axis: Any = None, weights: Any = None, *, keepdims: bool = False, **rest: Any
) -> Any:
    refuse_others(trace, rest)
    if weights is None:
        return np.mean(x, axis=axis, keepdims=keepdims)
    if isinstance(axis, int) and np.ndim(plain(weights)) < np.ndim(plain(x)):
        # One weight for each place along the axis.
        count = np.ndim(plain(x))
        weights = np.reshape(weights, [-1 if k == axis % count else 1 for k in range(count)])
    return np.sum(x * weights, axis=axis, keepdims=keepdims) / np.sum(
        np.broadcast_to(weights, np.shape(plain(x))), axis=axis, keepdims=keepdims
    )


@answers(np.var)
def _var(
    trace: Trace,
    x: Any,
    axis: Any = None,
    dtype: Any = None,
    ddof: float = 0,
    *,
    keepdims: bool = False,
    correction: Any = np._NoValue,  # noqa: SLF001
    where: Any = np._NoValue,  # noqa: SLF001
    **rest: Any,
) -> Any:
    refuse_others(trace, rest)
    less = ddof if correction is np._NoValue else correction  # noqa: SLF001
    if where is not np._NoValue:  # noqa: SLF001
        away = x - np.mean(x, axis=axis, keepdims=True, where=where)
        counted = _counts(np.broadcast_to(where, np.shape(plain(x))), x, axis=axis, keepdims=keepdims)
        return np.sum(away * away, axis=axis, keepdims=keepdims, where=where) / (counted - less)
    numbers = np.var(plain(x), axis=axis, dtype=dtype, ddof=less, keepdims=keepdims)

    def formula(s: Shadow) -> Shadow:
        return products.variance(s, axis, correction=less, keepdims=keepdims)

    def scale(sizes: Any) -> Any:
        # The mean is rounded too: an error of it enters squared, and linearly by sums.
        return 4 * np.sum(sizes * sizes, axis=axis, keepdims=keepdims)

    return computed(trace, "var", formula, (x,), numbers, scale)


@answers(np.std)
def _std(trace: Trace, x: Any, *operands: Any, **keywords: Any) -> Any:
    return np.sqrt(_var(trace, x, *operands, **keywords))


def _contraction(
    trace: Trace, function: Callable[..., Any], operands: Any, formula: Handler, **keywords: Any
) -> Any:
    """Answer a product of arrays: sizes are multiplied and summed by the function itself."""
    numbers = function(*(plain(x) for x in operands), **keywords)
    terms = max(1, *(np.size(plain(x)) for x in operands))
    return computed(
        trace, function.__name__, formula, operands, numbers, lambda *s: terms * function(*s, **keywords)
    )


@answers(np.dot)
def _dot(trace: Trace, a: Any, b: Any) -> Any:
    def formula(x: Shadow, y: Shadow) -> Shadow:
        if not (x.ndim and y.ndim):
            return as_shadow(x * y)
        return products.matmul(x, y) if y.ndim <= 2 else as_shadow(np.dot(x, y))

    return _contraction(trace, np.dot, (a, b), formula)


@answers(np.einsum)
def _einsum(trace: Trace, subscripts: Any, *operands: Any, **keywords: Any) -> Any:
    if not isinstance(subscripts, str):
        raise trace.end("einsum without a string of subscripts is not traced")
    refuse_others(
        trace,
        {name: x for name, x in keywords.items() if name not in {"optimize", "dtype", "casting", "order"}},
    )
    numbers = np.einsum(subscripts, *(plain(x) for x in operands), **keywords)
    terms = max(1, *(np.size(plain(x)) for x in operands))
    return computed(
        trace,
        "einsum",
        lambda *s: products.einsum(subscripts, *s),
        operands,
        np.array(numbers),
        lambda *s: terms * np.einsum(subscripts, *s),
    )


@answers(np.tensordot)
def _tensordot(trace: Trace, a: Any, b: Any, axes: Any = 2) -> Any:
    def formula(x: Shadow, y: Shadow) -> Shadow:
        return products.tensordot(x, y, axes)

    return _contraction(trace, np.tensordot, (a, b), formula, axes=axes)


def _bilinear(function: Callable[..., Any]) -> Handler:
    """Answer a product that numpy itself computes over objects."""

    def handler(trace: Trace, a: Any, b: Any, *operands: Any, **keywords: Any) -> Any:
        def of_both(x: Any, y: Any) -> Any:
            return as_shadow(function(x, y, *operands, **keywords))

        numbers = function(plain(a), plain(b), *operands, **keywords)
        terms = max(np.size(plain(a)), np.size(plain(b)), 1)

        def scale(x: Any, y: Any) -> Any:
            if function is np.cross:
                return np.max(x, initial=0) * np.max(y, initial=0) * 3
            return terms * function(x, y, *operands, **keywords)

        return computed(trace, function.__name__, of_both, (a, b), numbers, scale)

    return handler


for _function in (np.inner, np.outer, np.kron, np.convolve, np.correlate, np.cross):
    TABLE[_function] = _bilinear(_function)


@answers(np.trace)
def _trace(trace: Trace, x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, **rest: Any) -> Any:
    refuse_others(trace, rest)
    return np.sum(np.diagonal(x, offset, axis1, axis2), axis=-1)


@answers(np.diff)
def _diff(
    _: Trace,
    x: Any,
    n: int = 1,
    axis: int = -1,
    prepend: Any = np._NoValue,  # noqa: SLF001
    append: Any = np._NoValue,  # noqa: SLF001
) -> Any:
    ends = [part for part in (prepend, x, append) if part is not np._NoValue]  # noqa: SLF001
    if len(ends) > 1:
        one = [1 if k == axis % np.ndim(plain(x)) else size for k, size in enumerate(np.shape(plain(x)))]
        x = np.concatenate([np.broadcast_to(e, one) if np.ndim(plain(e)) == 0 else e for e in ends], axis)
    for _step in range(n):
        y = np.moveaxis(x, axis, -1)
        x = np.moveaxis(y[..., 1:] - y[..., :-1], -1, axis)
    return x


@answers(np.vdot)
def _vdot(_: Trace, a: Any, b: Any) -> Any:
    return np.dot(np.ravel(a), np.ravel(b))
