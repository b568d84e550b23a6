"""Numpy's functions that only move data: run on the numbers and, the same, on the shadows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from flint import arb, arb_series

from nn_from_scratch.verify.functions.tracing.arrays.array import (
    TracedArray,
    is_traced,
    note_truth,
    plain,
    shadow_of,
)
from nn_from_scratch.verify.functions.tracing.arrays.trace import Trace, blank
from nn_from_scratch.verify.functions.tracing.shadows import Shadow, as_shadow, of_entries

_NAMES = """
    reshape transpose swapaxes moveaxis rollaxis concatenate stack vstack hstack dstack column_stack
    block split array_split vsplit hsplit dsplit expand_dims squeeze broadcast_to broadcast_arrays take
    take_along_axis repeat tile roll flip fliplr flipud rot90 diag diagonal diagflat tril triu ravel
    atleast_1d atleast_2d atleast_3d compress extract delete insert append resize choose copy pad
    unstack matrix_transpose permute_dims concat real meshgrid
"""
MOVEMENTS: frozenset[Callable[..., Any]] = frozenset(
    {getattr(np, name) for name in _NAMES.split() if hasattr(np, name)}
    | {
        np.lib.stride_tricks.sliding_window_view,
        np.lib.stride_tricks.as_strided,
        np.linalg.diagonal,
        np.linalg.matrix_transpose,
    }
)
"""What moves data, or fills with constants."""

_INDICES = {
    "indices", "indices_or_sections", "axis", "repeats", "shift", "shape", "newshape", "reps", "k",
    "condition", "pad_width", "window_shape", "axes", "obj", "new_shape",
    "strides",
}  # fmt: skip
_FIRST_IS_INDEX = _DECIDED = {np.compress, np.extract, np.choose}
_DROPPED = {"out", "dtype", "casting", "subok"}
_PADDINGS = {"constant", "edge", "wrap", "reflect", "symmetric"}


def move(trace: Trace, function: Callable[..., Any], operands: Any, keywords: dict[str, Any]) -> Any:
    """Run a movement on numbers and shadows."""
    if keywords.get("out") is not None:
        raise trace.end(f"{function.__name__} with out= is not traced")
    if function is np.pad and len(operands) < 3 and keywords.get("mode", "constant") not in _PADDINGS:
        raise trace.end(f"padding by {keywords['mode']!r} is not traced")
    if function in _DECIDED:
        trace.note_decision()
        note_truth(operands[0])
    numbers = function(*(plain(x) for x in operands), **{name: plain(x) for name, x in keywords.items()})
    if trace.rehearsal:
        return _wrapped(trace, numbers, numbers)
    first = 1 if function in _FIRST_IS_INDEX else 0
    shadows = function(
        *(plain(x) if k < first else _lifted(trace, x) for k, x in enumerate(operands)),
        **{
            name: plain(x) if name in _INDICES else _lifted(trace, x)
            for name, x in keywords.items()
            if name not in _DROPPED
        },
    )
    return _wrapped(trace, numbers, shadows)


def _lifted(trace: Trace, x: Any) -> Any:
    """Return what stands for an operand among shadows: indices, axes and shapes stand for themselves."""
    if isinstance(x, float):
        return trace.constant(x)[()]
    if type(x) is TracedArray or _has_floats(x):
        return shadow_of(trace, x)
    if isinstance(x, (list, tuple)) and (is_traced(x) or any(_has_floats(part) for part in x)):
        return type(x)(_lifted(trace, part) for part in x)
    return x


def _has_floats(x: Any) -> bool:
    return isinstance(x, float) or (isinstance(x, np.ndarray) and x.dtype.kind == "f")


def _wrapped(trace: Trace, numbers: Any, shadows: Any) -> Any:
    if isinstance(numbers, (list, tuple)):
        parts = [_wrapped(trace, a, b) for a, b in zip(numbers, shadows, strict=True)]
        return parts if isinstance(numbers, list) else tuple(parts)
    array = np.asarray(numbers)
    if array.dtype.kind != "f":
        return numbers
    trace.count(array.size)
    return TracedArray(array, blank(array.shape) if trace.rehearsal else _filled(shadows), trace)


def _filled(shadow: Any) -> Shadow:
    """Return a shadow whose fillers, the zeros of a padding or a triangle, are balls."""
    array = as_shadow(shadow)
    if all(map(_is_entry, array.flat)):
        return array  # a view stays one
    return of_entries(map(_as_entry, array.flat), array.shape)


def _as_entry(x: Any) -> Any:
    """Return an entry as a ball or a series; numbers of a list are arrays without an axis."""
    number = x[()] if isinstance(x, np.ndarray) else x
    return number if _is_entry(number) else arb(float(number))


def _is_entry(x: Any) -> bool:
    return isinstance(x, (arb, arb_series))
