"""`MLP`, a multi-layer perceptron, and the `Layer` it is made of."""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np

from nn_from_scratch.node import Node
from nn_from_scratch.rules import IDENTITY, RULES, Rule

_ACTIVATIONS = {name: RULES[name] for name in ("tanh", "sigmoid", "relu", "softplus")} | {"linear": IDENTITY}


class Layer:
    """Neurons with the same inputs: activation(W x + b).

    Parameters
    ----------
    weights, biases
        Arrays (outputs, inputs) and (outputs,); they become nodes.
    activation
        "tanh", "sigmoid", "relu", "softplus" or "linear".
    single
        Of one neuron, return its value rather than an array of one.

    Attributes
    ----------
    weights, biases : Node
    """

    def __init__(self, weights: Any, biases: Any, activation: str = "tanh", *, single: bool = False) -> None:
        if activation not in _ACTIVATIONS:
            raise ValueError(
                f"Layer: activation must be one of {', '.join(_ACTIVATIONS)}, got {activation!r}"
            )
        self.weights, self.biases = Node(weights), Node(biases)
        self.activation, self.single = activation, single

    def __call__(self, x: Any) -> Node:
        """Return the outputs for one sample (inputs,) or a batch (B, inputs)."""
        rule = _TANH if self.activation == "tanh" else _AFFINE
        z = Node.apply(rule, (x, self.weights, self.biases), {"single": self.single})
        return (
            z
            if self.activation in {"tanh", "linear"}
            else Node.apply(_ACTIVATIONS[self.activation], (z,), {})
        )

    def parameters(self) -> list[Node]:
        """Return the weights and the biases."""
        return [self.weights, self.biases]

    def __repr__(self) -> str:
        return f"Layer(weights {self.weights.shape}, biases {self.biases.shape}, {self.activation})"


class MLP:
    """A multi-layer perceptron.

    Each weight and bias starts uniform in (-1, 1), drawn neuron by neuron, weights before bias.

    Parameters
    ----------
    sizes
        The number of inputs, then of neurons in each layer.
    seed
        What `numpy.random.default_rng` takes: None (another start each time), an integer or a generator.
    activation
        Of every layer, as `Layer` has it.
    linear_output
        Whether the last layer is linear instead.
    dtype
        Precision of the parameters; float32 ones need float32 samples to stay so.

    Raises
    ------
    TypeError, ValueError
        If `sizes` are not at least two positive integers.
    """

    def __init__(
        self,
        sizes: Any,
        seed: Any = None,
        *,
        activation: str = "tanh",
        linear_output: bool = False,
        dtype: Any = np.float64,
    ) -> None:
        sizes = list(sizes) if isinstance(sizes, Iterable) else [sizes]
        if any(isinstance(size, bool) or not isinstance(size, int | np.integer) for size in sizes):
            raise TypeError(f"MLP: sizes must be integers, got {sizes!r}")
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"MLP: sizes must be at least two positive integers, got {sizes!r}")
        generator = np.random.default_rng(seed)
        self.layers: list[Layer] = []
        for depth, (inputs, outputs) in enumerate(pairwise(sizes), start=2):
            drawn = generator.uniform(-1, 1, (outputs, inputs + 1)).astype(dtype)
            last = depth == len(sizes)
            own = "linear" if last and linear_output else activation
            self.layers.append(Layer(drawn[:, :-1], drawn[:, -1], own, single=last and outputs == 1))

    def __call__(self, x: Any) -> Node:
        """Return (m,) for a sample (n,) and (B, m) for a batch (B, n), but () and (B,) if m = 1."""
        for layer in self.layers:
            x = layer(x)
        return x  # type: ignore[no-any-return]

    def parameters(self) -> list[Node]:
        """Return the parameters, layer by layer, weights before biases."""
        return [parameter for layer in self.layers for parameter in layer.parameters()]

    def save(self, path: str | Path) -> None:
        """Write the parameters and activations to an .npz file."""
        parameters = {f"parameter_{k}": node.value for k, node in enumerate(self.parameters())}
        np.savez(path, activations=[layer.activation for layer in self.layers], **parameters)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote; nothing in the file is executed."""
        with np.load(path, allow_pickle=False) as file:
            activations = file["activations"].tolist()
            parameters = [file[f"parameter_{k}"] for k in range(2 * len(activations))]
        model = cls.__new__(cls)
        pairs = zip(parameters[::2], parameters[1::2], activations, strict=True)
        model.layers = [Layer(*pair) for pair in pairs]
        model.layers[-1].single = len(parameters[-1]) == 1
        return model

    def __repr__(self) -> str:
        return "\n".join(["MLP(", *(f"  {layer}," for layer in self.layers), ")"])


def _affine(x: Any, weights: Any, biases: Any, single: bool) -> Any:
    z = x @ weights.T + biases
    return z[..., 0] if single else z


def _tanh(x: Any, weights: Any, biases: Any, single: bool) -> Any:
    return np.tanh(_affine(x, weights, biases, single))


def _by_weights(g: Any, _z: Any, x: Any, weights: Any, _biases: Any, **_: Any) -> Any:
    outputs, inputs = weights.shape
    return np.reshape(g, (-1, outputs)).T @ np.reshape(x, (-1, inputs))


_THROUGH_AFFINE = (
    lambda g, z, x, weights, biases, single: g @ weights,
    _by_weights,
    lambda g, z, x, weights, biases, single: g,
)


def _before_affine(g: Any, _z: Any, single: bool) -> Any:
    return np.expand_dims(g, -1) if single else g


def _before_tanh(g: Any, z: Any, single: bool) -> Any:
    return _before_affine(g * RULES["tanh"].derivatives[0](z, None), z, single)


# One row for a layer, not one for each of its steps: a sample takes a third of the time
_AFFINE = Rule("layer", _affine, _THROUGH_AFFINE, before=_before_affine)
_TANH = Rule("layer", _tanh, _THROUGH_AFFINE, before=_before_tanh)
