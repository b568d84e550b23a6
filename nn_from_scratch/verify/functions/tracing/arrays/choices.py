"""Numpy's functions that give places or counts: they carry no derivative, but at ties they choose another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.tracing.arrays.array import is_traced, note_truth, plain, shadow_of
from nn_from_scratch.verify.functions.tracing.arrays.trace import Trace

_NOT_ZERO = frozenset({np.nonzero, np.flatnonzero, np.argwhere})
_ORDERS = {np.argsort: 1, np.argpartition: 2}
"""What orders, and at which place it takes an axis."""
_LOOKED_UP = {np.digitize: (0, 1), np.searchsorted: (1, 0), np.isin: (0, 1)}
"""Which operand is looked up, and in which."""


def note_choice(
    trace: Trace, function: Callable[..., Any], operands: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    """Note the ties that decide what a function of traced numbers gives."""
    if not trace.forward or trace.rehearsal or not any(map(is_traced, operands)):
        return
    if function in _NOT_ZERO:
        note_truth(operands[0])
    elif function in {np.argmax, np.argmin}:
        axis = keywords.get("axis", operands[1] if len(operands) > 1 else None)
        _note_extreme(trace, function, operands[0], axis)
    elif function in _ORDERS:
        place = _ORDERS[function]
        axis = keywords.get("axis", operands[place] if len(operands) > place else -1)
        note_neighbours(trace, operands[0], axis)
    elif function is np.lexsort:
        for key in operands[0]:
            note_neighbours(trace, key, -1)
    elif function in _LOOKED_UP and len(operands) > 1:
        what, where = (operands[k] for k in _LOOKED_UP[function])
        note_knots(trace, what, where)


def _note_extreme(trace: Trace, function: Callable[..., Any], x: Any, axis: Any) -> None:
    numbers, shadow = plain(x), shadow_of(trace, x)
    if axis is None:
        numbers, shadow, axis = np.ravel(numbers), np.ravel(shadow), 0
    best = np.expand_dims(function(numbers, axis=axis), axis)
    chosen = tuple(np.take_along_axis(part, best, axis) for part in (numbers, shadow))
    trace.note_order(numbers, chosen[0], (shadow, chosen[1]), chosen=True)


def note_neighbours(trace: Trace, x: Any, axis: Any) -> None:
    """Note equal entries, between which an order is a choice."""
    numbers, shadow = np.asarray(plain(x)), shadow_of(trace, x)
    if axis is None:
        numbers, shadow, axis = np.ravel(numbers), np.ravel(shadow), 0
    order = np.argsort(numbers, axis=axis, kind="stable")
    ranked, moved = (
        np.moveaxis(np.take_along_axis(part, order, axis), axis, -1) for part in (numbers, shadow)
    )
    trace.note_order(ranked[..., 1:], ranked[..., :-1], (moved[..., 1:], moved[..., :-1]), chosen=True)


def note_knots(trace: Trace, x: Any, knots: Any, *, chosen: bool = False) -> None:
    """Note what is looked up at a knot; what is `chosen` there is continuous."""
    at, table = np.asarray(plain(x)), np.ravel(plain(knots))
    if table.size:
        nearest = np.argmin(np.abs(at[..., None] - table), axis=-1)
        shadows = shadow_of(trace, x), np.ravel(shadow_of(trace, knots))[nearest]
        trace.note_order(at, table[nearest], shadows, chosen=chosen)
