"""Graphs put together node by node, when it is known what is wanted."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.constants import Constant, ConstantArray
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.questions.guide_of_arrays import WHOLE

Shape = tuple[int, ...]

COTANGENT = (0.75, -0.5, 2.0, 1.25, -3.0, 1.5, -1.75)
"""Unequal on purpose, and none is 1: what is mixed up, averaged or dropped does not cancel."""
TANGENT = (0.75, -1.25, 0.5, 1.5, -0.625, 1.125, -0.875)


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a sketch: "input", "constant" or "step", the how manyth of them, and its shape."""

    sort: str
    number: int
    shape: Shape


@dataclass(slots=True)
class Sketch:
    """A graph that grows; `case` numbers its nodes as an `Expression` does."""

    inputs: list[Any] = field(default_factory=list)
    constants: list[Constant] = field(default_factory=list)
    steps: list[tuple[str, tuple[Node, ...], dict[str, Any]]] = field(default_factory=list)

    def input(self, value: Any) -> Node:
        """Add an input: a float, or an array."""
        self.inputs.append(value)
        return Node("input", len(self.inputs) - 1, np.shape(value))

    def constant(self, value: Any) -> Node:
        """Add a constant: a float, an array, or None."""
        if value is not None:
            value = ConstantArray.of(value) if np.ndim(value) else float(value)
        self.constants.append(value)
        return Node("constant", len(self.constants) - 1, np.shape(value))

    def step(self, operation: str, *operands: Node, **parameters: Any) -> Node:
        """Apply an operation."""
        shapes = [operand.shape for operand in operands]
        if operation in WHOLE:
            shape = np.shape(WHOLE[operation](*map(np.ones, shapes), **parameters))
        else:
            shape = np.broadcast_shapes(*shapes)
        self.steps.append((operation, operands, parameters))
        return Node("step", len(self.steps) - 1, shape)

    def index(self, node: Node) -> int:
        """Return the number that a node has in the expression, once the sketch is complete."""
        before = {
            "input": 0,
            "constant": len(self.inputs),
            "step": len(self.inputs) + len(self.constants),
        }
        return before[node.sort] + node.number

    def case(self, output: Node, *, arrays: bool = False) -> Case:
        """Return the case of what was sketched, with unequal cotangents if it is one of `arrays`."""
        steps = tuple(
            Step(name, tuple(map(self.index, operands)), tuple(parameters.items()))
            for name, operands, parameters in self.steps
        )
        graph = Expression(len(self.inputs), tuple(self.constants), steps, self.index(output))
        if not arrays:
            return Case(graph, tuple(map(float, self.inputs)))
        point = tuple(float(x) for each in self.inputs for x in np.ravel(each))
        shapes = tuple(np.shape(each) for each in self.inputs)
        return Case(graph, point, shapes, cycled(COTANGENT, math.prod(output.shape)))


def cycled(numbers: tuple[float, ...], count: int) -> tuple[float, ...]:
    """Return so many of the numbers, from the first again after the last."""
    return tuple(numbers[k % len(numbers)] for k in range(count))
