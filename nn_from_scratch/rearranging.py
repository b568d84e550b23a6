"""Functions of numpy that only move elements, leave some out or repeat some: one rule for all of them.

What such a function does to an array it does to the array of the elements' places too. So the places say
where each element of the result was taken from, and that is where its cotangent is put back.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from nn_from_scratch.array_rules import SCATTER, axis_within
from nn_from_scratch.refusals import refuse_out
from nn_from_scratch.rule import Function, Operand, Options, Rule, Traced, Value, fitted, value_of
from nn_from_scratch.values import brief


class Move(Rule):
    """The rule of a function that takes every element of its result from one place of its operand."""

    __slots__ = ()

    def pullback(
        self, position: int, g: Operand, z: Operand, operands: Sequence[Operand], options: Options
    ) -> Any:
        """Return the cotangents, each added to zero at the place where its element was taken from."""
        (x,) = operands
        size, shape = np.size(x), np.shape(x)
        places = np.asarray(self.compute(np.arange(size).reshape(shape), **options)).reshape(-1)
        moved_back = SCATTER(np.reshape(g, (-1,)), key=places, shape=(size,))
        return fitted(np.reshape(moved_back, shape), x)


def move(function: Function) -> Callable[..., Any]:
    """Return what a function of numpy that moves elements does to a node."""

    def computed(x: Value, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Value:
        return function(np.asarray(x), *arguments, **keywords)

    rule = Move(function.__name__, computed, ())
    operand = getattr(function, "__wrapped__", function).__code__.co_varnames[0]  # numpy's name of it

    def moved(*arguments: Any, **keywords: Any) -> Any:
        x, *others = arguments or (keywords.pop(operand),)
        if any(isinstance(one, Traced) for one in (*others, *keywords.values())):
            raise TypeError(f"np.{rule.name}: only its first argument may be a Node; of another give .value")
        own = tuple(_own(argument) for argument in others)
        return rule(x, arguments=own, keywords={name: _own(one) for name, one in keywords.items()})

    moved.__name__ = function.__name__
    return moved


def _own(argument: Any) -> Any:
    """Return an argument, an array as a copy, which nobody changes before the reverse pass."""
    return argument.copy() if isinstance(argument, np.ndarray) else argument


_MOVED = (
    *(np.flip, np.fliplr, np.flipud, np.roll, np.rot90),
    *(np.swapaxes, np.moveaxis, np.rollaxis),
    *(np.repeat, np.tile, np.resize),
    *(np.take, np.take_along_axis, np.delete, np.diagonal),
    sliding_window_view,
)
_MOVES: dict[Any, Function] = {function: move(function) for function in _MOVED}
_take_along_axis, _take_of_one = _MOVES[np.take_along_axis], _MOVES[np.take]
_ravel_in_order = move(np.ravel)
_reshape_in_order = move(np.reshape)


def _ravel(a: Any, order: str = "C") -> Any:
    return np.reshape(a, -1) if order == "C" else _ravel_in_order(a, order=order)


def _reshape(a: Any, shape: Any, order: str = "C", *, copy: Any = None) -> Any:
    return a.reshape(shape) if order == "C" else _reshape_in_order(a, shape, order=order)


def _take(a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise") -> Any:
    refuse_out("take", out)
    return _take_of_one(a, indices, axis, mode=mode)


def _compress(condition: Any, a: Any, axis: int | None = None, out: Any = None) -> Any:
    refuse_out("compress", out)
    if np.ndim(condition) != 1:
        raise ValueError(f"np.compress: the condition has one axis, got shape {np.shape(condition)}")
    return np.take(a, np.flatnonzero(condition), axis)


# What is sorted is moved too, to where the values say


def _sort(a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    if axis is None:
        a, axis = np.ravel(a), -1
    axis = axis_within("np.sort", axis, a)
    if kind is None and stable is None:
        stable = True
    return _take_along_axis(a, np.argsort(value_of(a), axis, kind, order, stable=stable), axis)


def _partition(a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: Any = None) -> Any:
    if axis is None:
        a, axis = np.ravel(a), -1
    axis = axis_within("np.partition", axis, a)
    return _take_along_axis(a, np.argpartition(value_of(a), kth, axis, kind, order), axis)


# Parts of an array


def _array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    return _parts(np.array_split, ary, indices_or_sections, axis)


def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    return _parts(np.split, ary, indices_or_sections, axis)


def _hsplit(ary: Any, indices_or_sections: Any) -> Any:
    return _split(ary, indices_or_sections, 1 if ary.ndim > 1 else 0)


def _vsplit(ary: Any, indices_or_sections: Any) -> Any:
    if ary.ndim < 2:
        raise ValueError(f"np.vsplit is of 2 axes or more, got shape {ary.shape}")
    return _split(ary, indices_or_sections, 0)


def _dsplit(ary: Any, indices_or_sections: Any) -> Any:
    if ary.ndim < 3:
        raise ValueError(f"np.dsplit is of 3 axes or more, got shape {ary.shape}")
    return _split(ary, indices_or_sections, 2)


def _parts(split: Function, x: Any, sections: Any, axis: int) -> list[Any]:
    """Return the parts that numpy splits an axis into."""
    axis = axis_within(f"np.{split.__name__}", axis, x)
    before = (slice(None),) * axis
    return [x[(*before, places)] for places in split(np.arange(x.shape[axis]), sections)]


def _unstack(x: Any, *, axis: int = 0) -> tuple[Any, ...]:
    return tuple(np.moveaxis(x, axis, 0))


def _at_least(dimensions: Function) -> Function:
    """Return np.atleast_1d, 2d or 3d for nodes: of several arguments a tuple, as numpy has it."""

    def of_nodes(*arys: Any) -> Any:
        found = tuple(np.reshape(x, dimensions(np.empty(np.shape(x))).shape) for x in arys)
        return found[0] if len(found) == 1 else found

    return of_nodes


def _broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    shape = np.broadcast_shapes(*(np.shape(x) for x in args))
    return tuple(np.broadcast_to(x, shape) for x in args)


def _copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    return np.positive(a)


# With zeros, or constants, beside what was moved


def _tril(m: Any, k: int = 0) -> Any:
    return np.where(_triangle(m, k), m, 0.0)


def _triu(m: Any, k: int = 0) -> Any:
    return np.where(_triangle(m, k - 1), 0.0, m)


def _triangle(x: Any, k: int) -> Any:
    """Return where the lower triangle is, up to the diagonal k; a vector stands for as many equal rows."""
    if not np.ndim(x):
        raise TypeError("np.tril and np.triu are of arrays with axes, got a number")
    rows, columns = np.shape(x)[-2:] if np.ndim(x) > 1 else (len(x), len(x))
    return np.tri(rows, columns, k=k, dtype=bool)


def _diag(v: Any, k: int = 0) -> Any:
    if v.ndim == 2:
        return np.diagonal(v, k)
    if v.ndim != 1:
        raise ValueError(f"np.diag is of 1 or 2 axes, got shape {v.shape}")
    rows = np.arange(len(v)) + max(-k, 0)
    side = len(v) + abs(k)
    return SCATTER(v, key=(rows, rows + k), shape=(side, side))


def _diagflat(v: Any, k: int = 0) -> Any:
    return _diag(np.reshape(v, -1), k)


def _trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None
) -> Any:
    refuse_out("trace", out)
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype)


_pad_by_moving = move(np.pad)


_COMPUTED_PADDING = ("linear_ramp", "maximum", "mean", "median", "minimum", "empty")
"""The modes of np.pad that do more than move elements: they have no rule."""


def _pad(array: Any, pad_width: Any, mode: Any = "constant", **keywords: Any) -> Any:
    if mode == "constant":
        return _pad_by_constants(array, pad_width, keywords)
    if callable(mode) or mode in _COMPUTED_PADDING or keywords.get("reflect_type", "even") != "even":
        raise TypeError(
            f"np.pad: a Node is padded by mode constant, edge, reflect, symmetric or wrap, got {brief(mode)}"
        )
    return _pad_by_moving(array, pad_width, mode, **keywords)


def _pad_by_constants(x: Any, pad_width: Any, keywords: dict[str, Any]) -> Any:
    """Put the elements into an array of the constants."""
    padded = np.pad(np.zeros(np.shape(x), x.dtype), pad_width, **keywords)
    inside = np.pad(np.ones(np.shape(x), bool), pad_width, constant_values=False)
    placed = SCATTER(np.reshape(x, -1), key=np.flatnonzero(inside), shape=(inside.size,))
    return np.where(inside, np.reshape(placed, inside.shape), padded)


REARRANGING: dict[Any, Function] = {
    **_MOVES,
    np.ravel: _ravel,
    np.reshape: _reshape,
    np.sort: _sort,
    np.partition: _partition,
    np.take: _take,
    np.compress: _compress,
    np.split: _split,
    np.array_split: _array_split,
    np.hsplit: _hsplit,
    np.vsplit: _vsplit,
    np.dsplit: _dsplit,
    np.atleast_1d: _at_least(np.atleast_1d),
    np.atleast_2d: _at_least(np.atleast_2d),
    np.atleast_3d: _at_least(np.atleast_3d),
    np.broadcast_arrays: _broadcast_arrays,
    np.copy: _copy,
    np.tril: _tril,
    np.triu: _triu,
    np.diag: _diag,
    np.diagflat: _diagflat,
    np.trace: _trace,
    np.pad: _pad,
}
if hasattr(np, "unstack"):  # numpy 2.1
    REARRANGING[np.unstack] = _unstack
"""By function of numpy, what it does to nodes."""
