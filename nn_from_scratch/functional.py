"""Gradients as return values; `Node.grad` is left alone."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from nn_from_scratch.node import Node, no_grad
from nn_from_scratch.reverse import cotangents
from nn_from_scratch.rules import IDENTITY, NO_OPTIONS
from nn_from_scratch.values import number_or_array


def gradients(output: Node, inputs: Any, cotangent: Any = None, *, create_graph: bool = False) -> Any:
    """Return the gradient of a node by one node, or the list of those by several.

    It is zero by a node that the output does not depend on. `cotangent` and `create_graph` are those of
    `Node.backprop`; with `create_graph` gradients are nodes.
    """
    several = isinstance(inputs, list | tuple)
    nodes = inputs if several else [inputs]
    for node in (output, *nodes):
        if type(node) is not Node:
            raise TypeError(f"gradients: expected Nodes, got {type(node).__name__} {node!r}")
    found = cotangents(output, cotangent, create_graph)
    result = [found[node] if node in found else np.zeros(node.shape, node.dtype) for node in nodes]
    if create_graph:
        result = [gradient if type(gradient) is Node else Node(gradient) for gradient in result]
    else:
        result = [number_or_array(gradient, "gradients") for gradient in result]  # they share no memory
    return result if several else result[0]


def value_and_gradient(function: Callable[..., Any]) -> Callable[..., tuple[Any, Any]]:
    """Return a function that gives the value of a scalar function of nodes, and its gradient.

    The gradient is by the argument, or the list of those by all arguments if there are several. Given nodes
    it gives nodes, so that it can be differentiated in turn.
    """

    @wraps(function)
    def with_gradient(*arguments: Any) -> tuple[Any, Any]:
        nested = any(type(argument) is Node for argument in arguments)
        with no_grad(recording=True):
            inputs = [
                Node.apply(IDENTITY, (a,), NO_OPTIONS) if type(a) is Node else Node(a) for a in arguments
            ]
            output = function(*inputs)
            output = output if type(output) is Node else Node(output)
            found = gradients(output, inputs[0] if len(inputs) == 1 else inputs, create_graph=nested)
        return output if nested else output.value, found

    return with_gradient
