"""`Layer`, and its rule: activation(W x + b) is one row, not one for each of its steps."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from nn_from_scratch import changes
from nn_from_scratch.node import Node
from nn_from_scratch.rule import NO_OPTIONS, Function, Operand, Options, OuterProduct, Rule, Value
from nn_from_scratch.rules import RULES
from nn_from_scratch.values import brief


class Layer:
    """Neurons with the same inputs: activation(W x + b).

    Parameters
    ----------
    weights, biases
        Arrays (outputs, inputs) and (outputs,), which become nodes.
    activation
        "tanh", "sigmoid", "relu", "softplus" or "linear"; another is a ValueError.
    single
        Whether there is one neuron, which gives its value, not an array of one.

    """

    def __init__(self, weights: Any, biases: Any, activation: str = "tanh", *, single: bool = False) -> None:
        self.weights, self.biases, self.activation = Node(weights), Node(biases), activation
        self._options = {"single": single}

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "activation" and value not in ACTIVATIONS:
            raise ValueError(f"Layer: activation must be one of {tuple(ACTIVATIONS)}, got {brief(value)}")
        super().__setattr__(name, value)
        changes.wiring = object()

    def __call__(self, x: Any) -> Node:
        """Return the outputs (outputs,) for a sample (inputs,), or (B, outputs) for a batch (B, inputs).

        With `single` they are (), or (B,). Another shape is a ValueError.
        """
        rule, *following = ACTIVATIONS[self.activation]
        z = Node.apply(rule, (x, self.weights, self.biases), self._options)
        for elementwise in following:
            z = Node.apply(elementwise, (z,), NO_OPTIONS)
        return z

    def __repr__(self) -> str:
        return f"Layer(weights {self.weights.shape}, biases {self.biases.shape}, {self.activation})"


def _affine(x: Value, weights: Value, biases: Value, single: bool) -> Value:
    """Return W x + b: (outputs,) of a sample, (B, outputs) of a batch; with `single` without that axis."""
    if type(x) is float or x.ndim > 2:
        raise ValueError("the first must be that of a sample or of a batch")
    if type(biases) is float or type(weights) is float or biases.shape != weights.shape[:1]:
        raise ValueError("the last must be that of one bias for each row of the weights")
    z = weights.dot(x) if x.ndim == 1 else x.dot(weights.T)
    z += biases
    return z[..., 0] if single else z


def _tanh_of_affine(x: Value, weights: Value, biases: Value, single: bool) -> Value:
    return np.tanh(_affine(x, weights, biases, single))


def with_axis(g: Operand) -> Operand:
    """Return the cotangent of a `single` output, () or (B,), as (1,) or (B, 1)."""
    return np.array([g]) if type(g) is float else g[..., None]


def _through_nothing(g: Operand, _z: Operand, single: bool) -> Operand:
    return with_axis(g) if single else g


def _through_tanh(g: Operand, z: Operand, single: bool) -> Operand:
    """Multiply by the derivative of tanh, 1 - z²."""
    g = g - g * z * z
    return with_axis(g) if single else g


def _product(x: Operand, y: Operand) -> Operand:
    return x.dot(y) if type(x) is np.ndarray else x @ y  # the same of arrays, and faster


ones = lru_cache(np.ones)


class _LayerRule(Rule):
    """The rule of a layer: `compute` takes input, weights, biases and the option ``single``.

    `through_activation`, of ``(g, z, single)``, takes the cotangent of the result back to W x + b, which all
    operands have in common. From there `pullback` takes one product for each of them, which needs no
    fitting; `derivatives` stays empty.
    """

    __slots__ = ("through_activation",)

    def __init__(self, compute: Function, through_activation: Function = _through_nothing) -> None:
        super().__init__("layer", compute, ())
        self.through_activation = through_activation

    def shared_pullback(
        self, g: Operand, z: Operand, operands: Sequence[Operand], options: Options
    ) -> Operand:
        """Return the cotangent of W x + b."""
        return self.through_activation(g, z, **options)

    def pullback(
        self,
        position: int,
        g: Operand,
        z: Operand,
        operands: Sequence[Operand],
        options: Options,
    ) -> Operand:
        """Return the cotangent of the input, Wᵀ g, of the weights, g xᵀ, or of the biases, g.

        A batch has a g in each row, and those of weights and biases are sums over it.
        """
        x, weights, _ = operands
        if position == 0:
            return _product(g, weights)
        if position == 1:
            if x.ndim > 1:
                return _product(g.T, x)
            return OuterProduct((g, x)) if type(g) is np.ndarray else g[:, None] * x
        return _product(g.T, ones(len(x), x.dtype)) if x.ndim > 1 else g  # faster than a sum along an axis


_AFFINE = _LayerRule(_affine)
ACTIVATIONS: dict[str, tuple[Rule, ...]] = {
    "tanh": (_LayerRule(_tanh_of_affine, _through_tanh),),
    "sigmoid": (_AFFINE, RULES["sigmoid"]),
    "relu": (_AFFINE, RULES["relu"]),
    "softplus": (_AFFINE, RULES["softplus"]),
    "linear": (_AFFINE,),
}
"""By activation, the rule of the layer, and those that are applied to its result."""
