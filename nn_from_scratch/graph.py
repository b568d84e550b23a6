"""The graph behind a node, walked for those who look at it: what was computed from what, by which rule."""

from collections.abc import Iterator
from typing import NamedTuple

from nn_from_scratch.node import Node
from nn_from_scratch.reverse import call_of


class Step(NamedTuple):
    """A node, the name of what computed it, and the nodes that it was computed from."""

    node: Node
    operation: str
    operands: list[Node]
    is_leaf: bool


def walk(output: Node) -> Iterator[Step]:
    """Yield a node and all that it was computed from, each once, the output first."""
    waiting, met = [output], {id(output)}
    for node in waiting:  # grows on the way
        step = _step(node)
        yield step
        for operand in step.operands:
            if id(operand) not in met:
                met.add(id(operand))
                waiting.append(operand)


def _step(node: Node) -> Step:
    _ = node._value  # of a node that waits: it is computed now
    rule = node._rule
    if rule.is_leaf:
        return Step(node, "", [], is_leaf=True)
    operands, _, _ = call_of(node)
    return Step(node, rule.name, [x for x in operands if isinstance(x, Node)], is_leaf=False)
