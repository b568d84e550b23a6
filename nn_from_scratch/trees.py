"""Parameters in dictionaries, lists and tuples, nested in any way: their leaves, in their order."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np


def is_leaf(tree: Any) -> bool:
    """Whether something is one argument: a node, a number, an array, or a list of numbers, which is one."""
    if isinstance(tree, list | tuple):
        return bool(tree) and all(_is_number(part) for part in tree)
    return not isinstance(tree, dict) and tree is not None


def _is_number(tree: Any) -> bool:
    """Whether something is a number, or lists of them: what np.array makes one array of."""
    if isinstance(tree, list | tuple):
        return bool(tree) and all(_is_number(part) for part in tree)
    return isinstance(tree, int | float | np.number | np.bool_)


def leaves(tree: Any) -> Iterator[Any]:
    """Yield the leaves in their order; None holds none."""
    if is_leaf(tree):
        yield tree
    elif tree is not None:
        for part in tree.values() if isinstance(tree, dict) else tree:
            yield from leaves(part)


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return a tree of the same shape, with what a function makes of each leaf."""
    if is_leaf(tree):
        return function(tree)
    if tree is None:
        return None
    if isinstance(tree, dict):
        return {key: mapped(function, part) for key, part in tree.items()}
    parts = [mapped(function, part) for part in tree]
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*parts)
    return parts if isinstance(tree, list) else tuple(parts)
