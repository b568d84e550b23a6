"""Differentiating without `grad`: the gradients of a node."""

from typing import Any

import numpy as np

from nn_from_scratch import reverse
from nn_from_scratch.node import Node, starting_cotangent
from nn_from_scratch.values import brief, own_value


def gradients(output: Node, inputs: Any, cotangent: Any = None, *, create_graph: bool = False) -> Any:
    """Return the gradient of a node by one node, or the list of those by several.

    No `grad` changes.

    Parameters
    ----------
    output
        What is differentiated.
    inputs
        A node, or a list or tuple of nodes: leaves or computed ones. Anything else is a TypeError.
    cotangent
        As in `Node.backprop`.
    create_graph
        Whether gradients are nodes, to be differentiated in turn.

    Returns
    -------
    float, array, Node, or a list of these
        Each in the shape and precision of its input; zero by a node that the output does not depend on.

    """
    several = isinstance(inputs, list | tuple)
    nodes = inputs if several else [inputs]
    for node in (output, *nodes):
        if not isinstance(node, Node):
            raise TypeError(f"gradients: expected Nodes, got {type(node).__name__} {brief(node)}")
    cotangents = reverse.cotangents(output, starting_cotangent(output, cotangent, create_graph), create_graph)
    found = []
    for node in nodes:
        gradient = cotangents.get(node, np.zeros(node.shape, node.dtype))
        if not isinstance(gradient, Node):
            gradient = Node(gradient) if create_graph else own_value(gradient, "gradients")
        found.append(gradient)
    return found if several else found[0]
