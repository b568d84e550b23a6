"""What joins nodes: numpy's functions of several arrays, and `array`, of nested lists."""

from typing import Any

import numpy as np

from nn_from_scratch.array_rules import cast
from nn_from_scratch.refusals import refuse_out
from nn_from_scratch.rule import Function, Traced
from nn_from_scratch.rules import RULES


def array(items: Any) -> Any:
    """Join Nodes, numbers and arrays in nested lists into one node, as np.array joins numbers.

    Parameters
    ----------
    items
        Lists or tuples of the same length at each depth, of Nodes, numbers and arrays of one shape; other
        shapes are numpy's ValueError.

    Returns
    -------
    Node or array
        A node if there is one among the items, else an array.

    """
    if not isinstance(items, list | tuple):
        return items if isinstance(items, Traced) else np.asarray(items)
    parts = [array(item) for item in items]
    return np.stack(parts) if parts else np.array(parts)


def _concatenate(
    arrays: Any, axis: int | None = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind"
) -> Any:
    refuse_out("concatenate", out)
    if axis is None:
        arrays, axis = [np.reshape(x, -1) for x in arrays], 0
    return RULES["concatenate"](*(cast(x, dtype, casting) for x in arrays), axis=axis)


def _stack(
    arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind"
) -> Any:
    refuse_out("stack", out)
    return RULES["stack"](*(cast(x, dtype, casting) for x in arrays), axis=axis)


def _vstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    return _concatenate([np.atleast_2d(x) for x in tup], 0, dtype=dtype, casting=casting)


def _hstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    arrays = [np.atleast_1d(x) for x in tup]
    axis = 0 if np.ndim(arrays[0]) == 1 else 1
    return _concatenate(arrays, axis, dtype=dtype, casting=casting)


def _dstack(tup: Any) -> Any:
    return np.concatenate([np.atleast_3d(x) for x in tup], axis=2)


def _column_stack(tup: Any) -> Any:
    return np.concatenate([np.reshape(x, (-1, 1)) if np.ndim(x) < 2 else x for x in tup], axis=1)


def _append(arr: Any, values: Any, axis: int | None = None) -> Any:
    return np.concatenate([arr, values], axis)


def _block(arrays: Any) -> Any:
    """Join nested lists of blocks: the innermost along the last axis, the next along the one before."""
    return _joined(arrays, -1 - _depth(arrays) + 1)


def _depth(arrays: Any) -> int:
    return 1 + _depth(arrays[0]) if isinstance(arrays, list) else 0


def _joined(arrays: Any, axis: int) -> Any:
    if not isinstance(arrays, list):
        return np.atleast_1d(arrays) if axis == 0 else arrays
    parts = [_joined(part, axis + 1) for part in arrays]
    ndim = max(-axis, *(np.ndim(part) for part in parts))
    return np.concatenate(
        [np.reshape(part, (1,) * (ndim - np.ndim(part)) + np.shape(part)) for part in parts], axis
    )


JOINING: dict[Any, Function] = {
    np.concatenate: _concatenate,
    np.stack: _stack,
    np.vstack: _vstack,
    np.hstack: _hstack,
    np.dstack: _dstack,
    np.column_stack: _column_stack,
    np.append: _append,
    np.block: _block,
}
"""By function of numpy, what it does to nodes."""
