"""`MLP`, a multi-layer perceptron, and the `Layer` it is made of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from os import PathLike
from typing import Any, Self

import numpy as np

from nn_from_scratch.node import Node
from nn_from_scratch.rule import NO_OPTIONS, Function, Operand, Options, OuterProduct, Rule, Value
from nn_from_scratch.rules import RULES


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
        if activation not in _ACTIVATIONS:
            raise ValueError(f"Layer: activation must be one of {tuple(_ACTIVATIONS)}, got {activation!r}")
        self.weights, self.biases, self.activation = Node(weights), Node(biases), activation
        self._rule, *self._following = _ACTIVATIONS[activation]
        self._options = {"single": single}

    def __call__(self, x: Any) -> Node:
        """Return the outputs (outputs,) for a sample (inputs,), or (B, outputs) for a batch (B, inputs).

        With `single` they are (), or (B,). Another shape is a ValueError.
        """
        z = Node.apply(self._rule, (x, self.weights, self.biases), self._options)
        for rule in self._following:
            z = Node.apply(rule, (z,), NO_OPTIONS)
        return z

    def __repr__(self) -> str:
        return f"Layer(weights {self.weights.shape}, biases {self.biases.shape}, {self.activation})"


class MLP:
    """A multi-layer perceptron, with weights and biases drawn uniformly from (-1, 1).

    They are drawn neuron by neuron, weights before bias.

    Parameters
    ----------
    sizes
        How many inputs, then how many neurons in each layer: at least two positive integers, or it is a
        TypeError or ValueError.
    seed
        What `numpy.random.default_rng` takes: None (another start each time), an integer or a generator.
    activation, last
        The activation of every layer, and that of the last one, where it is another: see `Layer`.
    dtype
        The precision of the parameters. It takes float32 samples to stay with float32.

    Attributes
    ----------
    layers
        The layers, from the inputs on.

    """

    layers: list[Layer]

    def __init__(
        self, sizes: Any, seed: Any = None, *, activation: str = "tanh", last: str = "", dtype: Any = float
    ) -> None:
        sizes = list(sizes) if isinstance(sizes, Iterable) else [sizes]
        if any(isinstance(size, bool) or not isinstance(size, int | np.integer) for size in sizes):
            raise TypeError(f"MLP: sizes must be integers, got {sizes!r}")
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"MLP: sizes must be at least two positive integers, got {sizes!r}")
        generator = np.random.default_rng(seed)
        drawn = [generator.uniform(-1, 1, (m, n + 1)).astype(dtype) for n, m in pairwise(sizes)]
        activations = [*[activation] * (len(sizes) - 2), last or activation]
        self.layers = _layers([rows[:, :-1] for rows in drawn], [rows[:, -1] for rows in drawn], activations)

    def __call__(self, x: Any) -> Node:
        """Return the outputs (m,) for a sample (n,), or (B, m) for a batch (B, n).

        One neuron in the last layer gives () or (B,). Another shape is a ValueError.
        """
        z: Node = x
        for layer in self.layers:
            z = layer(z)
        return z

    def parameters(self) -> list[Node]:
        """Return the parameters, layer by layer, weights before biases."""
        return [parameter for layer in self.layers for parameter in (layer.weights, layer.biases)]

    def save(self, path: str | PathLike[str]) -> None:
        """Write the parameters and activations to an .npz file, at their precision."""
        arrays = {f"parameter_{k}": node.value for k, node in enumerate(self.parameters())}
        np.savez(path, activations=[layer.activation for layer in self.layers], **arrays)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read what `save` wrote. Nothing in the file is executed: a pickled object in it is a ValueError."""
        with np.load(path, allow_pickle=False) as file:
            activations = file["activations"].tolist()
            arrays = [file[f"parameter_{k}"] for k in range(2 * len(activations))]
        model = cls.__new__(cls)
        model.layers = _layers(arrays[::2], arrays[1::2], activations)
        return model

    def __repr__(self) -> str:
        return "\n".join(["MLP(", *(f"  {layer}," for layer in self.layers), ")"])


def _layers(weights: list[Any], biases: list[Any], activations: list[str]) -> list[Layer]:
    """Return the layers of a network; if the last one has one neuron, it gives its value alone."""
    layers = [Layer(*parts) for parts in zip(weights[:-1], biases[:-1], activations[:-1], strict=True)]
    return [*layers, Layer(weights[-1], biases[-1], activations[-1], single=len(biases[-1]) == 1)]


# A layer is one rule, not one for each of its steps: a sample takes a third of the time, forward and back.


def _affine(x: Value, weights: Value, biases: Value, single: bool) -> Value:
    """Return W x + b: (outputs,) of a sample, (B, outputs) of a batch; with `single` without that axis."""
    if type(x) is float or x.ndim > 2:
        raise ValueError("the first must be that of a sample or of a batch")
    z = weights.dot(x) if x.ndim == 1 else x.dot(weights.T)
    z += biases
    return z[..., 0] if single else z


def _tanh_of_affine(x: Value, weights: Value, biases: Value, single: bool) -> Value:
    return np.tanh(_affine(x, weights, biases, single))


def _with_axis(g: Operand) -> Operand:
    """Return the cotangent of a `single` output, () or (B,), as (1,) or (B, 1)."""
    return np.array([g]) if type(g) is float else g[..., None]


def _through_nothing(g: Operand, _z: Operand, single: bool) -> Operand:
    return _with_axis(g) if single else g


def _through_tanh(g: Operand, z: Operand, single: bool) -> Operand:
    """Multiply by the derivative of tanh, 1 - z²."""
    g = g - g * z * z
    return _with_axis(g) if single else g


def _product(x: Operand, y: Operand) -> Operand:
    return x.dot(y) if type(x) is np.ndarray else x @ y  # the same of arrays, and faster


_ones = lru_cache(np.ones)


@dataclass(frozen=True, slots=True, eq=False)
class _LayerRule(Rule):
    """The rule of a layer: `compute` takes input, weights, biases and the option ``single``.

    `through_activation`, of ``(g, z, single)``, takes the cotangent of the result back to W x + b, which all
    operands have in common. From there `pullback` takes one product for each of them, which needs no
    fitting; `derivatives` stays empty.
    """

    through_activation: Function = _through_nothing

    def shared_pullback(self, g: Operand, z: Operand, options: Options) -> Operand:
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
        return _product(g.T, _ones(len(x), x.dtype)) if x.ndim > 1 else g  # faster than a sum along an axis


_AFFINE = _LayerRule("layer", _affine, ())
_ACTIVATIONS: dict[str, tuple[Rule, ...]] = {
    "tanh": (_LayerRule("layer", _tanh_of_affine, (), through_activation=_through_tanh),),
    "sigmoid": (_AFFINE, RULES["sigmoid"]),
    "relu": (_AFFINE, RULES["relu"]),
    "softplus": (_AFFINE, RULES["softplus"]),
    "linear": (_AFFINE,),
}
"""By activation, the rule of the layer, and those that are applied to its result."""
