"""A whole network as one row of the graph: no node between its layers, forward or back."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nn_from_scratch.layer import ACTIVATIONS, ones, with_axis
from nn_from_scratch.node import Call, Node
from nn_from_scratch.rule import NO_OPTIONS, Operand, Options, OuterProduct, Rule, Traced, Value
from nn_from_scratch.rules import RULES
from nn_from_scratch.values import without_axes


def forward(x: Value, values: Sequence[Value], activations: Sequence[str], single: bool) -> tuple[Value, Any]:
    """Return the outputs for a sample or a batch, and what `_Network` needs of each layer on the way back.

    Parameters
    ----------
    x
        A sample (n,), or a batch (B, n).
    values
        Weights and biases, layer by layer.
    activations
        By layer, as in `Layer`.
    single
        Whether the last layer gives the value of its one neuron, (B,) or ().

    Returns
    -------
    outputs
        As of the layers one by one.
    kept
        By layer its input, W x + b where the activation's derivative needs it, and its output.

    """
    kept = []
    is_batch = x.ndim > 1
    for layer, activation in enumerate(activations):
        weights = values[2 * layer]
        before = z = x.dot(weights.T) if is_batch else weights.dot(x)
        z += values[2 * layer + 1]
        if activation == "tanh":
            np.tanh(z, z)
        elif activation != "linear":
            z = RULES[activation].compute(z)
        kept.append((x, before, z))
        x = z
    return (without_axes(x[..., 0]) if single else x), kept


class _Network(Rule):
    """The rule of a network.

    Operands are the input and all parameters; options are ``activations`` and ``single``, ``kept`` of
    `forward`, and ``by_input``: whether the cotangent of the input is asked for.
    """

    __slots__ = ()

    def shared_pullback(
        self, g: Operand, z: Operand, operands: Sequence[Operand], options: Options
    ) -> list[Operand]:
        """Return the cotangents of all operands at once; they share no memory with `g`."""
        if isinstance(operands[1], Traced):
            return _back_on_nodes(g, operands, options["activations"], options["single"])
        return _back(with_axis(g) if options["single"] else g, operands, options)

    def pullback(
        self,
        position: int,
        g: Any,
        z: Operand,
        operands: Sequence[Operand],
        options: Options,
    ) -> Operand:
        """Return what `shared_pullback` has found."""
        return g[position]


def _back(g: Value, values: Sequence[Value], options: Options) -> list[Any]:
    """Return the cotangents of the input, or None, and of the parameters."""
    activations, kept, by_input = options["activations"], options["kept"], options["by_input"]
    found: list[Any] = [None] * len(values)
    x = values[0]
    is_batch = x.ndim > 1
    every_sample = ones(len(x) if is_batch else 0, x.dtype)
    for layer in range(len(activations) - 1, -1, -1):
        x, before, z = kept[layer]
        activation = activations[layer]
        if activation == "tanh":
            g = _through_tanh(g, z)
        elif activation == "linear":
            g = g.copy()
        else:
            g = RULES[activation].pullback(0, g, z, (before,), NO_OPTIONS)
        if is_batch:
            found[2 * layer + 1] = g.T.dot(x)
            found[2 * layer + 2] = every_sample.dot(g)  # faster than a sum along an axis
        else:
            found[2 * layer + 1] = OuterProduct((g, x))
            found[2 * layer + 2] = g
        if layer or by_input:
            g = g.dot(values[2 * layer + 1])
    if by_input:
        found[0] = g
    return found


def _through_tanh(g: Value, z: Value) -> Value:
    """Multiply by the derivative of tanh, 1 - z²."""
    slope = z * z
    np.subtract(1.0, slope, slope)
    return np.multiply(slope, g, slope)


def _back_on_nodes(
    g: Operand, operands: Sequence[Operand], activations: Sequence[str], single: bool
) -> list[Operand]:
    """Return the same of nodes, by the rules of the layers, to be differentiated in turn."""
    x, *parameters = operands
    steps: list[tuple[Rule, tuple[Operand, ...], Operand, Options]] = []
    for layer, activation in enumerate(activations):
        rule, *following = ACTIVATIONS[activation]
        layer_operands = (x, parameters[2 * layer], parameters[2 * layer + 1])
        options: Options = {"single": single and layer == len(activations) - 1}
        x = rule(*layer_operands, **options)
        steps.append((rule, layer_operands, x, options))
        for elementwise in following:
            before = x
            x = elementwise(before)
            steps.append((elementwise, (before,), x, NO_OPTIONS))
    found: list[Operand] = []
    for rule, step_operands, z, step_options in reversed(steps):
        g = rule.shared_pullback(g, z, step_operands, step_options)
        found[:0] = [
            rule.pullback(position, g, z, step_operands, step_options)
            for position in range(1, len(step_operands))
        ]
        g = rule.pullback(0, g, z, step_operands, step_options)
    return [g, *found]


NETWORK = _Network("network", forward, ())


def recorded(z: Value, call: Call) -> Node:
    """Return the node of a network's outputs."""
    node = Node.__new__(Node)
    node._value = z
    node._rule = NETWORK
    node._left = None
    node._call = call
    node._consumers = 0
    return node
