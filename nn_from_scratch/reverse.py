"""The reverse pass: from a node back to everything it was computed from.

A node's cotangent is complete when all of its consumers have handed theirs on; only then does it hand on its
own. So the pass first counts the consumers of every node, then visits nodes as their counts run out. Nothing
recurses, and the cost grows with the number of operations, however much is shared.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

import numpy as np

from nn_from_scratch.rules import IDENTITY, NO_OPTIONS, pullback

_ONE_AT_A_TIME = RLock()  # a pass counts, and adds up, in the nodes themselves


def accumulate(output: Any, seed: Any, create_graph: bool) -> None:
    """Add to the gradient of every leaf and set that of every other node: see `Node.backprop`."""
    with _reached(output) as nodes:
        leaves = [(node, node._grad) for node in nodes if node._rule is None]
        _propagate(output, seed, nodes, create_graph)
        for leaf, before in leaves:
            if before is not None:
                leaf._grad = before + leaf._grad
            elif type(leaf._grad) is np.ndarray:
                leaf._grad = leaf._grad.copy()  # another cotangent may share its memory


def cotangents(output: Any, seed: Any, create_graph: bool) -> dict[Any, Any]:
    """Return the cotangents of all nodes that the output was computed from; leave their gradients alone."""
    with _reached(output) as nodes:
        before = [getattr(node, "_grad", None) for node in nodes]
        try:
            _propagate(output, seed, nodes, create_graph)
            return {node: node._grad for node in nodes}
        finally:
            for node, gradient in zip(nodes, before, strict=True):
                node._grad = gradient


@contextmanager
def _reached(output: Any) -> Iterator[list[Any]]:  # noqa: C901 - unrolled
    """List the output and all it was computed from; meanwhile each counts its consumers among them."""
    kind, nodes = type(output), [output]
    with _ONE_AT_A_TIME:
        try:
            for node in nodes:  # grows on the way
                if node._edges is not None:
                    left, right, _, _, _, _ = node._edges
                    if type(left) is kind:
                        if not left._waiting:
                            nodes.append(left)
                        left._waiting += 1
                    if type(right) is kind:
                        if not right._waiting:
                            nodes.append(right)
                        right._waiting += 1
                elif node._rule is not None:
                    for operand in node._operands:
                        if type(operand) is kind:
                            if not operand._waiting:
                                nodes.append(operand)
                            operand._waiting += 1
            yield nodes
        finally:
            for node in nodes:
                node._waiting = 0


def _propagate(output: Any, seed: Any, nodes: list[Any], create_graph: bool) -> None:  # noqa: C901
    """Set the gradient of each of the nodes to its cotangent, given that of the output."""
    kind, ready = type(output), [output]
    for node in nodes:
        node._grad = 0.0
    output._grad = seed
    with np.errstate(all="ignore"):  # the forward pass has warned
        for node in ready:  # grows on the way
            if node._edges is None or create_graph:
                if node._rule is not None:
                    _hand_on(node, ready, create_graph)
                continue
            left, right, left_slope, right_slope, _, _ = node._edges
            g = node._grad
            if type(left) is kind:
                if g:  # a zero stays zero: see `pullback`
                    left._grad += g * left_slope
                waiting = left._waiting = left._waiting - 1
                if not waiting:
                    ready.append(left)
            if type(right) is kind:
                if g:
                    right._grad += g * right_slope
                waiting = right._waiting = right._waiting - 1
                if not waiting:
                    ready.append(right)


def _hand_on(node: Any, ready: list[Any], create_graph: bool) -> None:
    """Add to the cotangents of the node's operands, and list those that are now complete."""
    rule, g, z, options = node._rule, node._grad, node._value, NO_OPTIONS
    if node._edges is None:
        operands, values, options = node._operands, node._values, node._options
    else:
        arity = len(rule.derivatives)
        operands, values = node._edges[:arity], node._edges[4 : 4 + arity]
    if create_graph:
        z, values = node, list(map(_past, operands, values))
    if rule.before is not None:
        g = rule.before(g, z, **options)
    for position, operand in enumerate(operands):
        if type(operand) is type(node):
            part = pullback(rule, position, g, z, values, options)
            before = operand._grad
            operand._grad = part if type(before) is float and type(part) is not float else before + part
            operand._waiting -= 1
            if not operand._waiting:
                ready.append(operand)


def _past(operand: Any, value: Any) -> Any:
    """Return the operand as it was used, for another value may have been assigned since."""
    if not hasattr(operand, "apply") or operand._value is value:
        return operand if hasattr(operand, "apply") else value
    past = IDENTITY(operand)
    past._value = value
    return past
