"""The reverse pass: from a node back to everything it was computed from.

A node's cotangent is complete when all of its consumers, the nodes that were computed from it, have handed
theirs on; only then does it hand on its own. So the pass first counts the consumers of every node, then
visits nodes as their counts run out, which is a topological order::

    for node in nodes:  # the output first, every other after all of its consumers
        for operand in <the node's operands>:
            operand.grad += <what the node's rule takes node.grad back to>

Nothing recurses, and the cost grows with the number of operations, however much is shared.
"""

from _thread import RLock  # that of threading, whose import takes a tenth of the engine's
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from nn_from_scratch.error_state import silent
from nn_from_scratch.rule import IDENTITY, NO_OPTIONS, ROW, Operand, OuterProduct, Traced, Value

if TYPE_CHECKING:
    from nn_from_scratch.node import Call, Node

Cotangent: TypeAlias = Any
"""In the shape and precision of its node's value; a node itself where there is to be a graph."""

_ONE_AT_A_TIME = RLock()  # a pass counts, and adds up, in the nodes themselves


def accumulate(output: "Node", seed: Cotangent, create_graph: bool) -> None:
    """Add to the gradient of every leaf and set that of every other node: see `Node.backprop`."""
    with _ONE_AT_A_TIME:
        for leaf, earlier in _run(output, seed, create_graph, leaves_only=True):
            if earlier is not None:
                leaf._grad = earlier + leaf._grad


def cotangents(output: "Node", seed: Cotangent, create_graph: bool) -> "dict[Node, Cotangent]":
    """Return the cotangents of all nodes that the output was computed from; leave their gradients alone."""
    with _ONE_AT_A_TIME:
        nodes = _run(output, seed, create_graph, leaves_only=False)
        found = {node: node._grad for node, _ in nodes}
        for node, earlier in nodes:
            node._grad = earlier
    return found


def _run(
    output: "Node", seed: Cotangent, create_graph: bool, *, leaves_only: bool
) -> "list[tuple[Node, Cotangent]]":
    """Set the gradient of every node to its cotangent.

    Return all nodes, or the leaves, each with the gradient that it had (None where no pass had been). Where
    the pass does not come to its end, these get theirs back.
    """
    nodes = [output]
    earlier: list[tuple[Node, Cotangent]] = []
    try:
        _count_consumers(nodes, earlier, leaves_only)
        _propagate(output, seed, create_graph)
    except BaseException:  # an interrupt, say
        for node in nodes:
            node._consumers = 0
        for node, gradient in earlier:
            node._grad = gradient
        raise
    return earlier


def _count_consumers(nodes: "list[Node]", earlier: "list[tuple[Node, Cotangent]]", leaves_only: bool) -> None:  # noqa: C901, PLR0912 - unrolled
    """Append to `nodes`, which is the output, all that it was computed from, and count the consumers of each.

    Gradients become zero; before that, those of all nodes, or of the leaves, are put into `earlier`.
    """
    node_type = type(nodes[0])  # `Node`, whose module imports this one
    for node in nodes:  # grows on the way
        left = node._left
        if left is None:
            rule = node._rule
            if rule.is_leaf:
                earlier.append((node, node._grad))
                node._grad = 0.0
                continue
            if rule is ROW:  # unrolled as well: every fourth node of the README's loop
                batch = node._call[0][0]
                if not batch._consumers:
                    nodes.append(batch)
                batch._consumers += 1
            else:
                for operand in node._call[0]:
                    if type(operand) is node_type:  # not a number or an array
                        if not operand._consumers:
                            nodes.append(operand)
                        operand._consumers += 1
        else:  # the same, unrolled: this saves a tenth of the time of a scalar graph, forward and back
            if not left._consumers:
                nodes.append(left)
            left._consumers += 1
            right = node._right
            if type(right) is node_type:
                if not right._consumers:
                    nodes.append(right)
                right._consumers += 1
        if not leaves_only:
            earlier.append((node, getattr(node, "_grad", None)))
        node._grad = 0.0


@silent  # the forward pass has warned
def _propagate(output: "Node", seed: Cotangent, create_graph: bool) -> None:  # noqa: C901 - unrolled
    """Set the gradient of each of the nodes, now zero, to its cotangent, given that of the output."""
    node_type, ready = type(output), [output]
    products: dict[Node, list[OuterProduct]] = {}
    output._grad = seed
    for node in ready:  # grows on the way
        left = node._left
        if left is None or create_graph:
            rule = node._rule
            if rule is ROW and not create_graph:
                # The cotangent of the batch is a list until those of all rows are there: `_through_row` would
                # make an array of zeros for each.
                batch = node._call[0][0]
                if type(batch._grad) is float:
                    batch._grad = [0.0] * len(batch._value)
                batch._grad[node._dx] += node._grad
                batch._consumers = consumers = batch._consumers - 1
                if not consumers:
                    batch._grad = _joined(batch._grad, batch._value.shape)
                    ready.append(batch)
            elif not rule.is_leaf:
                _hand_on(node, ready, products, create_graph)
            continue
        # `_hand_on` for the short way of scalars: g times each partial derivative. To have it here, unrolled,
        # saves another eighth of the time.
        g = node._grad
        if g:  # a zero stays zero: see `Elementwise.pullback`
            left._grad += g * node._dx
        left._consumers = consumers = left._consumers - 1
        if not consumers:
            ready.append(left)
        right = node._right
        if type(right) is node_type:
            if g:
                right._grad += g * node._dy
            right._consumers = consumers = right._consumers - 1
            if not consumers:
                ready.append(right)


def _joined(rows: list[Cotangent], shape: tuple[int, ...]) -> Value:
    """Return the array of these rows; one that no cotangent came to is the number 0."""
    if len(shape) == 1:
        return np.array(rows)
    joined = np.zeros(shape)
    for key, row in enumerate(rows):
        joined[key] = row
    return joined


def _hand_on(
    node: "Node", ready: "list[Node]", products: "dict[Node, list[OuterProduct]]", create_graph: bool
) -> None:
    """Add to the cotangents of the node's operands, and append to `ready` those that are now complete.

    `products` are cotangents that have arrived as outer products, and wait for the last.
    """
    rule, z = node._rule, node._value
    if create_graph:
        operands, values, options = call_of(node)
        z = node
        values = [_as_it_was(operand, value) for operand, value in zip(operands, values, strict=True)]
    else:  # neither a row of a batch, nor of the short way of scalars: `_propagate` has these
        operands, values, options = node._call
    node_type, pullback = type(node), rule.pullback
    g = rule.shared_pullback(node._grad, z, values, options)
    all_found = type(g) is list
    for position, operand in enumerate(operands):
        if type(operand) is not node_type:
            continue
        part = g[position] if all_found else pullback(position, g, z, values, options)
        if type(part) is OuterProduct:
            products.setdefault(operand, []).append(part)
        elif all_found and type(operand._grad) is float and type(part) is not float:
            operand._grad = part  # the first, in memory of its own
        else:
            _add(part, operand, g)
        operand._consumers = consumers = operand._consumers - 1
        if not consumers:
            if products and operand in products:
                _add(_sum_of_products(products[operand]), operand, g)
            if not operand._rule.is_leaf:  # which hands nothing on
                ready.append(operand)


def call_of(node: "Node") -> "Call":
    """Return the operands of a node, their values and options, in whatever way it keeps them."""
    if node._left is not None:
        values = node._rule.of_floats(node)
        return (node._left, node._right)[: len(values)], values, NO_OPTIONS
    if node._rule is ROW:
        operands, values, _ = node._call
        return operands, values, {"key": node._dx}
    return node._call


def _add(part: Cotangent, operand: "Node", g: Cotangent) -> None:
    """Add to the cotangent of an operand what a consumer with cotangent `g` hands on."""
    if type(operand._grad) is not float or type(part) is float:
        operand._grad = operand._grad + part
    # The first part of an array stands in for the zero. A leaf's gradient shares no memory: it is the user's.
    elif operand._rule.is_leaf and type(part) is np.ndarray and (part is g or part.base is not None):
        operand._grad = part.copy()
    else:
        operand._grad = part


def _sum_of_products(products: Sequence[OuterProduct]) -> Value:
    """Return the sum of outer products: of (m,) by (n,) it is one matrix product, (m, k) by (k, n)."""
    if len(products) == 1:
        ((column, row),) = products
        return column[:, None] * row
    columns, rows = zip(*products, strict=True)
    return np.array(columns).T.dot(np.array(rows))


def _as_it_was(operand: Operand, value: Value) -> Operand:
    """Return the operand with the value it was used with, for another may have been assigned since."""
    if not isinstance(operand, Traced):
        return value
    if operand._value is value:
        return operand
    past = IDENTITY(operand)
    past._value = value
    return past
