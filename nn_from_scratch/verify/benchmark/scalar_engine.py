"""The engine that the first README describes: a scalar per node, a closure per operation.

It is a baseline: correct, plain and slow. The way to write it is the best known one, so that a
ratio to it says what arrays and a table of rules gain over a node per weight.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from nn_from_scratch.verify.benchmark.by_hand import Parameters


class Node:
    """A number, its gradient, and how to send the gradient on to the operands."""

    def __init__(self, value: float, operands: tuple["Node", ...] = ()) -> None:
        self.value = value
        self.grad = 0.0
        self.operands = operands
        self.propagate: Callable[[], None] = lambda: None

    def __add__(self, other: "Node | float") -> "Node":
        other = other if isinstance(other, Node) else Node(other)
        out = Node(self.value + other.value, (self, other))

        def propagate() -> None:
            self.grad += out.grad
            other.grad += out.grad

        out.propagate = propagate
        return out

    def __mul__(self, other: "Node | float") -> "Node":
        other = other if isinstance(other, Node) else Node(other)
        out = Node(self.value * other.value, (self, other))

        def propagate() -> None:
            self.grad += other.value * out.grad
            other.grad += self.value * out.grad

        out.propagate = propagate
        return out

    def __pow__(self, exponent: float) -> "Node":
        out = Node(self.value**exponent, (self,))

        def propagate() -> None:
            self.grad += exponent * self.value ** (exponent - 1) * out.grad

        out.propagate = propagate
        return out

    def tanh(self) -> "Node":
        """Return the hyperbolic tangent."""
        out = Node(math.tanh(self.value), (self,))

        def propagate() -> None:
            self.grad += (1 - out.value**2) * out.grad

        out.propagate = propagate
        return out

    def relu(self) -> "Node":
        """Return the number if it is positive, else 0."""
        out = Node(max(self.value, 0.0), (self,))

        def propagate() -> None:
            self.grad += (self.value > 0) * out.grad

        out.propagate = propagate
        return out

    def __neg__(self) -> "Node":
        return self * -1.0

    def __sub__(self, other: "Node | float") -> "Node":
        return self + (-other)

    def __radd__(self, other: float) -> "Node":
        return self + other

    def __rmul__(self, other: float) -> "Node":
        return self * other

    def __rsub__(self, other: float) -> "Node":
        return (-self) + other

    def backprop(self) -> None:
        """Add the derivative of this node to `grad` of every node it depends on.

        The sort recurses, so a graph may be about as deep as Python's recursion limit.
        """
        order: list[Node] = []
        seen: set[Node] = set()

        def visit(node: Node) -> None:
            if node not in seen:
                seen.add(node)
                for operand in node.operands:
                    visit(operand)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            node.propagate()


class Neuron:
    """tanh(weights . x + bias), with a node for every weight."""

    def __init__(self, weights: Sequence[float], bias: float) -> None:
        self.weights = [Node(weight) for weight in weights]
        self.bias = Node(bias)

    def __call__(self, x: Sequence[Node | float]) -> Node:
        """Return the output for one sample."""
        return sum((w_i * x_i for w_i, x_i in zip(self.weights, x, strict=True)), self.bias).tanh()

    def parameters(self) -> list[Node]:
        """Return weights, then bias."""
        return [*self.weights, self.bias]


class MLP:
    """Layers of neurons, made from arrays: weights (n_out, n_in) and biases (n_out,) of each layer."""

    def __init__(self, parameters: Parameters) -> None:
        self.layers = [
            [Neuron(row, bias) for row, bias in zip(weights.tolist(), biases.tolist(), strict=True)]
            for weights, biases in parameters
        ]

    def __call__(self, x: Sequence[Any]) -> Any:
        """Return the output for one sample, of a last layer of one neuron."""
        for layer in self.layers:
            x = [neuron(x) for neuron in layer]
        (output,) = x
        return output

    def parameters(self) -> list[Node]:
        """Return every weight and bias, neuron by neuron."""
        return [node for layer in self.layers for neuron in layer for node in neuron.parameters()]
