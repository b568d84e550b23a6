"""Numpy's functions that make arrays like traced ones, or write into them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.tracing.arrays.array import TracedArray, plain, shadow_of
from nn_from_scratch.verify.functions.tracing.arrays.table import TABLE, Handler, answers
from nn_from_scratch.verify.functions.tracing.arrays.trace import Trace
from nn_from_scratch.verify.functions.tracing.shadows import exact, select


def _like(make: Callable[..., Any]) -> Handler:
    """Answer a new array of the shape of another."""

    def handler(trace: Trace, x: Any, *operands: Any, dtype: Any = None, **keywords: Any) -> Any:
        numbers = make(np.asarray(plain(x)), *operands, dtype=dtype, **keywords)
        return TracedArray(numbers, exact(numbers), trace) if numbers.dtype.kind == "f" else numbers

    return handler


TABLE[np.zeros_like] = _like(np.zeros_like)
TABLE[np.ones_like] = _like(np.ones_like)


@answers(np.empty_like)
def _empty_like(_: Trace, x: Any, dtype: Any = None, **keywords: Any) -> Any:
    result = np.zeros_like(x, dtype=dtype, **keywords)
    if type(result) is TracedArray:
        result[...] = np.nan  # what is read before it is set is not 0
    return result


@answers(np.full_like)
def _full_like(_: Trace, x: Any, fill_value: Any, dtype: Any = None, **keywords: Any) -> Any:
    result = np.zeros_like(x, dtype=dtype, **keywords)
    result[...] = fill_value
    return result


@answers(np.copyto)
def _copyto(trace: Trace, target: Any, source: Any, *, where: Any = True, **_: Any) -> None:
    if type(target) is not TracedArray:
        raise trace.end("traced values are copied into an array that is not traced")
    shadow = shadow_of(trace, source)
    np.copyto(target.numbers, plain(source), where=plain(where), casting="same_kind")
    target.shadow[...] = select(plain(where), shadow, target.shadow)


@answers(np.put_along_axis)
def _put_along_axis(trace: Trace, target: Any, indices: Any, values: Any, axis: Any) -> None:
    if type(target) is not TracedArray:
        raise trace.end("traced values are put into an array that is not traced")
    shadow = shadow_of(trace, values)
    np.put_along_axis(target.numbers, plain(indices), plain(values), axis)
    np.put_along_axis(target.shadow, plain(indices), shadow, axis)


@answers(np.fill_diagonal)
def _fill_diagonal(trace: Trace, target: Any, value: Any, wrap: bool = False) -> None:
    if type(target) is not TracedArray:
        raise trace.end("traced values are put into an array that is not traced")
    shadow = shadow_of(trace, value)
    np.fill_diagonal(target.numbers, plain(value), wrap=wrap)
    np.fill_diagonal(target.shadow, shadow if shadow.ndim else shadow[()], wrap=wrap)
