"""Derivatives of functions: value and gradient, Jacobians and Hessians, and products with them.

All are made of `gradients`. The derivative along a direction, `jvp`, is a gradient of a gradient: that of the
output, by the inputs, with the cotangent u is linear in u, and its derivative by u is the Jacobian.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import numpy as np

from nn_from_scratch.functional import gradients
from nn_from_scratch.node import Node
from nn_from_scratch.recording import no_grad
from nn_from_scratch.rule import IDENTITY
from nn_from_scratch.trees import leaves, leaves_beside, mapped
from nn_from_scratch.values import brief, own_value


def value_and_gradient(function: Callable[..., Any]) -> Callable[..., tuple[Any, Any]]:
    """Return a function that gives the value of a scalar function of nodes, and its gradient.

    The gradient is by the argument, or the list of those by all arguments if there are several. Each argument
    is a number, an array, a node, or a dictionary, list or tuple of them, nested in any way; its gradient has
    the same shape. (A list of plain numbers is an array.) Given numbers and arrays it gives such; given nodes
    it gives nodes, so that it can be differentiated in turn.
    """

    @wraps(function)
    def with_gradient(*arguments: Any) -> tuple[Any, Any]:
        nested = any(isinstance(leaf, Node) for argument in arguments for leaf in leaves(argument))
        with no_grad(recording=True):
            # nodes of our own: of an argument given twice each place has its own gradient
            own = [mapped(_own_node, argument) for argument in arguments]
            inputs = [leaf for argument in own for leaf in leaves(argument)]
            output = _node(function(*own))
            each = iter(gradients(output, inputs, create_graph=nested))
        found = [mapped(lambda _: next(each), argument) for argument in own]
        gradient = found[0] if len(found) == 1 else found
        return output if nested else output.value, gradient

    return with_gradient


def jvp(function: Callable[..., Any], inputs: Any, direction: Any) -> tuple[Any, Any]:
    """Return the value of a function, and its derivative along a direction.

    Parameters
    ----------
    function
        Of one argument, a node or a tree of them as `value_and_gradient` takes; gives a node of any shape.
    inputs
        Where: a number, an array or a tree of them.
    direction
        In the same shape.

    """
    with no_grad(recording=True):
        nodes = mapped(_own_node, inputs)
        output = _node(function(nodes))
        cotangent = Node(np.zeros(output.shape, output.dtype))
        pulled = gradients(output, list(leaves(nodes)), cotangent, create_graph=True)
        parts = _matching(leaves_beside(nodes, direction), pulled)
        return output.value, gradients(_product(pulled, parts), cotangent)


def hvp(function: Callable[..., Any], inputs: Any, direction: Any) -> Any:
    """Return the product of the Hessian of a scalar function with a direction, in the shape of the inputs.

    The parameters are those of `jvp`.
    """
    with no_grad(recording=True):
        nodes = mapped(_own_node, inputs)
        flat = list(leaves(nodes))
        first = gradients(_node(function(nodes)), flat, create_graph=True)
        parts = _matching(leaves_beside(nodes, direction), first)
        found = iter(gradients(_product(first, parts), flat))
        return mapped(lambda _: next(found), nodes)


def jacobian(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a function that gives the derivatives of an array by an array, one reverse pass for each entry.

    Its result has the shape of the value, followed by that of the argument; of a node it is a node.
    """

    @wraps(function)
    def of_argument(argument: Any) -> Any:
        nested = isinstance(argument, Node)
        with no_grad(recording=True):
            x = _own_node(argument)
            output = _node(function(x))
            rows = []
            for place in np.ndindex(output.shape):
                cotangent = np.zeros(output.shape, output.dtype)
                cotangent[place] = 1.0
                rows.append(gradients(output, x, cotangent if output.shape else None, create_graph=nested))
            shape = (*output.shape, *x.shape)
            return np.reshape(np.stack(rows), shape) if rows else np.zeros(shape)

    return of_argument


def hessian(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a function that gives the second derivatives of a scalar function by an array.

    Its result has the shape of the argument twice; of a node it is a node.
    """

    def gradient(x: Any) -> Any:
        return value_and_gradient(function)(x)[1]

    return wraps(function)(jacobian(gradient))


def _own_node(argument: Any) -> Node:
    return IDENTITY(argument) if isinstance(argument, Node) else Node(argument)


def _node(result: Any) -> Node:
    return result if isinstance(result, Node) else Node(result)


def _matching(direction: Iterable[Any], nodes: list[Node]) -> list[Any]:
    """Return the parts of a direction; a ValueError if they have other shapes than the nodes."""
    parts = [own_value(part, "direction") for part in direction]
    shapes, needed = [np.shape(part) for part in parts], [node.shape for node in nodes]
    if shapes != needed:
        raise ValueError(f"a direction needs the shapes of the inputs, {brief(needed)}, got {brief(shapes)}")
    return parts


def _product(nodes: list[Node], parts: list[Any]) -> Any:
    """Return the sum of all products, a scalar."""
    total: Any = 0.0
    for node, part in zip(nodes, parts, strict=True):
        total = total + (node * part).sum()
    return _node(total)
