"""`array`: Nodes and numbers in nested lists, joined into one node."""

from typing import Any

import numpy as np

from nn_from_scratch.rule import Traced


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
