"""The reverse pass: from a node back to everything it was computed from.

A node's cotangent is complete when all of its consumers have handed theirs on; only then does it hand on its
own. So the pass first counts the consumers of every node, then visits nodes as their counts run out. Nothing
recurses, and the cost grows with the number of operations, however much is shared.
"""

from threading import RLock
from typing import Any

import numpy as np

from nn_from_scratch.rules import IDENTITY, NO_OPTIONS, pullback

_ONE_AT_A_TIME = RLock()  # a pass counts, and adds up, in the nodes themselves


def accumulate(output: Any, seed: Any, create_graph: bool) -> None:
    """Add to the gradient of every leaf and set that of every other node: see `Node.backprop`."""
    with _ONE_AT_A_TIME:
        for leaf, before in _pass(output, seed, create_graph, leaves_only=True):
            leaf._grad = leaf._grad if before is None else before + leaf._grad


def cotangents(output: Any, seed: Any, create_graph: bool) -> dict[Any, Any]:
    """Return the cotangents of all nodes that the output was computed from; leave their gradients alone."""
    with _ONE_AT_A_TIME:
        nodes = _pass(output, seed, create_graph, leaves_only=False)
        found = {node: node._grad for node, _ in nodes}
        for node, before in nodes:
            node._grad = before
    return found


def _pass(output: Any, seed: Any, create_graph: bool, *, leaves_only: bool) -> list[tuple[Any, Any]]:  # noqa: C901, PLR0912 - unrolled
    """Set the gradient of every node to its cotangent; list all nodes, or the leaves, with what it was."""
    kind, nodes, before = type(output), [output], []
    try:
        for node in nodes:  # grows on the way
            if node._call is None:
                left, right = node._left, node._right
                if type(left) is kind:
                    if not left._waiting:
                        nodes.append(left)
                    left._waiting += 1
                if type(right) is kind:
                    if not right._waiting:
                        nodes.append(right)
                    right._waiting += 1
            else:
                for operand in node._call[0]:
                    if type(operand) is kind:
                        if not operand._waiting:
                            nodes.append(operand)
                        operand._waiting += 1
            if node._rule is None or not leaves_only:
                before.append((node, getattr(node, "_grad", None)))
            node._grad = 0.0
        _propagate(output, seed, create_graph)
    except BaseException:  # an interrupt, say
        for node in nodes:
            node._waiting = 0
        for node, gradient in before:
            node._grad = gradient
        raise
    return before


@np.errstate(all="ignore")  # the forward pass has warned
def _propagate(output: Any, seed: Any, create_graph: bool) -> None:
    """Set the gradient of each of the nodes, now zero, to its cotangent, given that of the output."""
    kind, ready, pairs = type(output), [output], dict[Any, Any]()
    output._grad = seed
    for node in ready:  # grows on the way
        if node._call is not None or (create_graph and node._rule is not None):
            _hand_on(node, ready, pairs, create_graph)
            continue
        left, right, g = node._left, node._right, node._grad
        if type(left) is kind:
            if g:  # a zero stays zero: see `pullback`
                left._grad += g * node._dx
            waiting = left._waiting = left._waiting - 1
            if not waiting:
                ready.append(left)
        if type(right) is kind:
            if g:
                right._grad += g * node._dy
            waiting = right._waiting = right._waiting - 1
            if not waiting:
                ready.append(right)


def _hand_on(node: Any, ready: list[Any], pairs: dict[Any, Any], create_graph: bool) -> None:  # noqa: C901, PLR0912
    """Add to the cotangents of the node's operands, and list those that are now complete."""
    rule, g, z = node._rule, node._grad, node._value
    if node._call is None:
        arity = len(rule.derivatives)
        operands, values, options = (node._left, node._right)[:arity], (node._x, node._y)[:arity], NO_OPTIONS
    else:
        operands, values, options = node._call
    if create_graph:
        z, values = node, tuple(map(_past, operands, values))
    joined = rule.before is not None
    g = rule.before(g, z, **options) if joined else g
    for position, operand in enumerate(operands):
        if type(operand) is type(node):
            if joined:
                part = rule.derivatives[position](g, *values)
            else:
                part = pullback(rule, position, g, z, values, options)
            before = operand._grad
            if type(part) is tuple:
                pairs.setdefault(operand, []).append(part)
            elif type(before) is not float or type(part) is float:
                operand._grad = before + part
            elif operand._rule is None and type(part) is np.ndarray and (part is g or part.base is not None):
                operand._grad = part.copy()  # a leaf's gradient shares no memory
            else:
                operand._grad = part
            operand._waiting -= 1
            if not operand._waiting:
                ready.append(operand)
                if operand in pairs:  # the sum of all outer products is one product
                    left, right = map(np.array, zip(*pairs[operand], strict=True))
                    operand._grad = operand._grad + left.T.dot(right)


def _past(operand: Any, value: Any) -> Any:
    """Return the operand as it was used, for another value may have been assigned since."""
    if not hasattr(operand, "apply") or operand._value is value:
        return operand if hasattr(operand, "apply") else value
    past = IDENTITY(operand)
    past._value = value
    return past
