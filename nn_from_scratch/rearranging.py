"""Functions of numpy that only move elements, leave some out or repeat some: one rule for all of them.

What such a function does to an array it does to the array of the elements' places too. So the places say
where each element of the result was taken from, and that is where its cotangent is put back.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from nn_from_scratch.array_rules import SCATTER
from nn_from_scratch.rule import Function, Operand, Options, Rule, Traced, Value, fitted, value_of


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
        return function(x, *arguments, **keywords)

    rule = Move(function.__name__, computed, ())

    def moved(x: Operand, *arguments: Any, **keywords: Any) -> Any:
        if any(isinstance(one, Traced) for one in (*arguments, *keywords.values())):
            raise TypeError(f"np.{rule.name}: only its first argument may be a Node; of another give .value")
        own = tuple(_own(argument) for argument in arguments)
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
_take_along_axis = _MOVES[np.take_along_axis]
_ravel_in_order = move(np.ravel)
_reshape_in_order = move(np.reshape)


def _ravel(x: Any, order: str = "C") -> Any:
    return np.reshape(x, -1) if order == "C" else _ravel_in_order(x, order=order)


def _reshape(x: Any, shape: Any, order: str = "C", *, copy: Any = None) -> Any:
    return x.reshape(shape) if order == "C" else _reshape_in_order(x, shape, order=order)


# What is sorted is moved too, to where the values say


def _sort(x: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    if axis is None:
        x, axis = np.ravel(x), -1
    places = np.argsort(value_of(x), axis, kind=kind or "stable")
    return _take_along_axis(x, places, axis)


def _partition(x: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect") -> Any:
    if axis is None:
        x, axis = np.ravel(x), -1
    return _take_along_axis(x, np.argpartition(value_of(x), kth, axis, kind=kind), axis)


# Parts of an array


def _array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    return _parts(np.array_split, x, indices_or_sections, axis)


def _split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    return _parts(np.split, x, indices_or_sections, axis)


def _parts(split: Function, x: Any, sections: Any, axis: int) -> list[Any]:
    """Return the parts that numpy splits an axis into."""
    before = (slice(None),) * (axis % x.ndim)
    return [x[(*before, places)] for places in split(np.arange(x.shape[axis]), sections)]


def _unstack(x: Any, *, axis: int = 0) -> tuple[Any, ...]:
    return tuple(np.moveaxis(x, axis, 0))


def _at_least(dimensions: Function) -> Function:
    """Return np.atleast_1d, 2d or 3d for nodes: of several arguments a tuple, as numpy has it."""

    def of_nodes(*arrays: Any) -> Any:
        found = tuple(np.reshape(x, dimensions(np.empty(np.shape(x))).shape) for x in arrays)
        return found[0] if len(found) == 1 else found

    return of_nodes


def _broadcast_arrays(*arrays: Any, subok: bool = False) -> tuple[Any, ...]:
    shape = np.broadcast_shapes(*(np.shape(x) for x in arrays))
    return tuple(np.broadcast_to(x, shape) for x in arrays)


# With zeros, or constants, beside what was moved


def _tril(x: Any, k: int = 0) -> Any:
    return np.where(_triangle(x, k), x, 0.0)


def _triu(x: Any, k: int = 0) -> Any:
    return np.where(_triangle(x, k - 1), 0.0, x)


def _triangle(x: Any, k: int) -> Any:
    """Return where the lower triangle is, up to the diagonal k."""
    rows, columns = np.shape(x)[-2:]
    return np.tri(rows, columns, k=k, dtype=bool)


def _diag(x: Any, k: int = 0) -> Any:
    if x.ndim != 1:
        return np.diagonal(x, k)
    rows = np.arange(len(x)) + max(-k, 0)
    side = len(x) + abs(k)
    return SCATTER(x, key=(rows, rows + k), shape=(side, side))


def _diagflat(x: Any, k: int = 0) -> Any:
    return _diag(np.reshape(x, -1), k)


def _trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return np.sum(np.diagonal(x, offset, axis1, axis2), axis=-1)


_pad_by_moving = move(np.pad)


def _pad(x: Any, pad_width: Any, mode: Any = "constant", **keywords: Any) -> Any:
    if mode == "constant":
        return _pad_by_constants(x, pad_width, **keywords)
    if mode not in {"edge", "reflect", "symmetric", "wrap"} or keywords.get("reflect_type", "even") != "even":
        raise TypeError(
            f"np.pad: a Node is padded by mode constant, edge, reflect, symmetric or wrap, got {mode!r}"
        )
    return _pad_by_moving(x, pad_width, mode, **keywords)


def _pad_by_constants(x: Any, pad_width: Any, constant_values: Any = 0) -> Any:
    """Put the elements into an array of the constants."""
    padded = np.pad(np.zeros(np.shape(x), x.dtype), pad_width, constant_values=constant_values)
    inside = np.pad(np.ones(np.shape(x), bool), pad_width, constant_values=False)
    placed = SCATTER(np.reshape(x, -1), key=np.flatnonzero(inside), shape=(inside.size,))
    return np.where(inside, np.reshape(placed, inside.shape), padded)


REARRANGING: dict[Any, Function] = {
    **_MOVES,
    np.ravel: _ravel,
    np.reshape: _reshape,
    np.sort: _sort,
    np.partition: _partition,
    np.compress: lambda condition, x, axis=None: np.take(x, np.flatnonzero(condition), axis),
    np.split: _split,
    np.array_split: _array_split,
    np.hsplit: lambda x, sections: np.split(x, sections, axis=1 if x.ndim > 1 else 0),
    np.vsplit: lambda x, sections: np.split(x, sections, axis=0),
    np.dsplit: lambda x, sections: np.split(x, sections, axis=2),
    np.atleast_1d: _at_least(np.atleast_1d),
    np.atleast_2d: _at_least(np.atleast_2d),
    np.atleast_3d: _at_least(np.atleast_3d),
    np.broadcast_arrays: _broadcast_arrays,
    np.copy: lambda x, order="K", subok=False: np.positive(x),
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
