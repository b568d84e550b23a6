"""Differentiating without `grad`: the gradients of a node, and functions that give their gradient."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from nn_from_scratch import reverse
from nn_from_scratch.node import Node, starting_cotangent
from nn_from_scratch.recording import no_grad
from nn_from_scratch.rule import IDENTITY
from nn_from_scratch.values import own_value


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
            raise TypeError(f"gradients: expected Nodes, got {type(node).__name__} {node!r}")
    cotangents = reverse.cotangents(output, starting_cotangent(output, cotangent, create_graph), create_graph)
    found = []
    for node in nodes:
        gradient = cotangents.get(node, np.zeros(node.shape, node.dtype))
        if not isinstance(gradient, Node):
            gradient = Node(gradient) if create_graph else own_value(gradient, "gradients")
        found.append(gradient)
    return found if several else found[0]


def value_and_gradient(function: Callable[..., Any]) -> Callable[..., tuple[Any, Any]]:
    """Return a function that gives the value of a scalar function of nodes, and its gradient.

    The gradient is by the argument, or the list of those by all arguments if there are several. Given numbers
    and arrays it gives such; given nodes it gives nodes, so that it can be differentiated in turn.
    """

    @wraps(function)
    def with_gradient(*arguments: Any) -> tuple[Any, Any]:
        nested = any(isinstance(argument, Node) for argument in arguments)
        with no_grad(recording=True):
            # nodes of our own: of an argument given twice each place has its own gradient
            inputs = [IDENTITY(a) if isinstance(a, Node) else Node(a) for a in arguments]
            result = function(*inputs)
            output = result if isinstance(result, Node) else Node(result)
            gradient = gradients(output, inputs[0] if len(inputs) == 1 else inputs, create_graph=nested)
        return output if nested else output.value, gradient

    return with_gradient
