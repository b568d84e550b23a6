"""What takes lists of traced numbers, and indices that join: numpy's protocol does not look into either."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.tracing.arrays.array import TracedArray, is_traced, plain

Join = Callable[[Any], Any]
"""Makes one array of a list of traced numbers, and of lists of them."""

ONE: tuple[Callable[..., Any], ...] = (
    np.sum,
    np.mean,
    np.prod,
    np.max,
    np.min,
    np.std,
    np.var,
    np.cumsum,
    np.cumprod,
    np.diff,
    np.pad,
    np.tile,
    np.repeat,
    np.reshape,
    np.ravel,
    np.diag,
    np.linalg.norm,
)
"""Functions of one array."""

SEVERAL: tuple[Callable[..., Any], ...] = (
    np.concatenate,
    np.stack,
    np.hstack,
    np.vstack,
    np.column_stack,
)
"""Functions of a list of arrays."""


def taking_lists(join: Join) -> dict[int, Any]:
    """Return what stands in for functions of numpy's that are given lists, and for `np.c_` and `np.r_`."""
    replaced: dict[int, Any] = {id(function): _of_one(function, join) for function in ONE}
    replaced |= {id(function): _of_several(function, join) for function in SEVERAL}
    return replaced | {id(np.c_): Joining(np.c_, columns=True), id(np.r_): Joining(np.r_, columns=False)}


def _of_one(function: Callable[..., Any], join: Join) -> Callable[..., Any]:
    @functools.wraps(function)
    def called(*operands: Any, **keywords: Any) -> Any:
        return function(*(_joined(x, join) for x in operands[:1]), *operands[1:], **keywords)

    return called


def _of_several(function: Callable[..., Any], join: Join) -> Callable[..., Any]:
    @functools.wraps(function)
    def called(*operands: Any, **keywords: Any) -> Any:
        given = [[_joined(x, join) for x in part] for part in operands[:1] if isinstance(part, (list, tuple))]
        return function(*(given or operands[:1]), *operands[1:], **keywords)

    return called


def _joined(x: Any, join: Join) -> Any:
    return join(x) if isinstance(x, (list, tuple)) and is_traced(x) else x


class Joining:
    """Stands in for `np.c_` or `np.r_`, where traced arrays are joined without a directive."""

    def __init__(self, joins: Any, *, columns: bool) -> None:
        self._joins, self._columns = joins, columns

    def __getitem__(self, key: Any) -> Any:
        """Join arrays and numbers."""
        parts = key if isinstance(key, tuple) else (key,)
        traced = [x for x in parts if type(x) is TracedArray]
        if not traced or any(isinstance(x, (str, slice, list, tuple)) for x in parts):
            return self._joins[key]
        numbers = self._joins[tuple(map(plain, parts))]
        if numbers.dtype.kind != "f":
            raise traced[0].traced_by.end(f"joining to {numbers.dtype}")
        arrays = [self._with_axes(x).astype(numbers.dtype) for x in parts]
        return np.concatenate(arrays, axis=-1 if self._columns else 0)

    def _with_axes(self, x: Any) -> Any:
        if not self._columns:
            return np.atleast_1d(x)
        return np.reshape(x, (-1, 1)) if np.ndim(plain(x)) < 2 else x
