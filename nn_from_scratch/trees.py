"""Parameters in dictionaries, lists and tuples, nested in any way: their leaves, in their order."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nn_from_scratch.values import brief


def is_leaf(tree: Any) -> bool:
    """Whether something is one argument: a node, a number, an array, or a list of numbers, which is one."""
    if isinstance(tree, list | tuple):
        return _shape(tree) is not None
    return not isinstance(tree, dict) and tree is not None


def _shape(tree: Any) -> tuple[int, ...] | None:
    """Return the shape of the array that np.array makes of numbers, in lists of equal lengths; else None."""
    if not isinstance(tree, list | tuple):
        return () if isinstance(tree, int | float | np.number | np.bool_) else None
    if not tree or hasattr(tree, "_fields"):  # a named tuple is a tree, whatever it has
        return None
    shapes = {_shape(part) for part in tree}
    shape = shapes.pop()
    return None if shapes or shape is None else (len(tree), *shape)


def leaves(tree: Any) -> Iterator[Any]:
    """Yield the leaves in their order; None holds none."""
    if is_leaf(tree):
        yield tree
    elif tree is not None:
        for part in tree.values() if isinstance(tree, dict) else tree:
            yield from leaves(part)


def leaves_beside(tree: Any, other: Any) -> Iterator[Any]:
    """Yield the leaves of another tree, each where this one has its own.

    Raises
    ------
    ValueError
        If the other has other keys, or another length.

    """
    if is_leaf(tree):
        yield other
    elif isinstance(tree, dict):
        if not isinstance(other, dict) or tree.keys() != other.keys():
            keys = list(other) if isinstance(other, dict) else type(other).__name__
            raise ValueError(f"a tree with the keys {list(tree)} is needed, got {brief(keys)}")
        for key, part in tree.items():
            yield from leaves_beside(part, other[key])
    elif tree is not None:
        parts = list(other) if isinstance(other, list | tuple | np.ndarray) else []
        if len(parts) != len(tree):
            raise ValueError(f"a tree of {len(tree)} parts is needed, got {brief(other)}")
        for part, one in zip(tree, parts, strict=True):
            yield from leaves_beside(part, one)


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return a tree of the same shape, with what a function makes of each leaf."""
    if is_leaf(tree):
        return function(tree)
    if tree is None:
        return None
    if isinstance(tree, dict):
        found = tree.copy()  # of its own kind
        for key, part in tree.items():
            found[key] = mapped(function, part)
        return found
    parts = [mapped(function, part) for part in tree]
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*parts)
    return parts if isinstance(tree, list) else tuple(parts)
