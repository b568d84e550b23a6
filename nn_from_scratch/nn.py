"""`MLP`, a multi-layer perceptron, and the `Layer` it is made of."""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np

from nn_from_scratch.node import Node
from nn_from_scratch.rules import NO_OPTIONS, RULES, Rule

_ACTIVATIONS = ("tanh", "sigmoid", "relu", "softplus", "linear")


class Layer:
    """Neurons with the same inputs: activation(W x + b), for one sample (inputs,) or a batch (B, inputs).

    Parameters
    ----------
    weights, biases
        Arrays (outputs, inputs) and (outputs,), which become nodes.
    activation
        "tanh", "sigmoid", "relu", "softplus" or "linear".
    single
        Return the value of the one neuron, not an array of one.
    """

    def __init__(self, weights: Any, biases: Any, activation: str = "tanh", *, single: bool = False) -> None:
        if activation not in _ACTIVATIONS:
            raise ValueError(f"Layer: activation must be one of {_ACTIVATIONS}, got {activation!r}")
        self.weights, self.biases, self.activation = Node(weights), Node(biases), activation
        self._rule = _TANH if activation == "tanh" else _AFFINE
        self._then = None if activation in {"tanh", "linear"} else RULES[activation]
        self._options = {"single": single}

    def __call__(self, x: Any) -> Node:
        """Return the neurons' outputs."""
        z = Node.apply(self._rule, (x, self.weights, self.biases), self._options)
        return z if self._then is None else Node.apply(self._then, (z,), NO_OPTIONS)

    def __repr__(self) -> str:
        return f"Layer(weights {self.weights.shape}, biases {self.biases.shape}, {self.activation})"


class MLP:
    """A multi-layer perceptron. One last neuron gives its value: () for a sample, (B,) for a batch.

    Parameters
    ----------
    sizes
        The number of inputs, then of neurons in each layer.
    seed
        What `numpy.random.default_rng` takes: None (another start each time), an integer or a generator. It
        draws each weight and bias uniformly from (-1, 1), neuron by neuron, weights before bias.
    activation
        Of every layer, as `Layer` has it.
    linear_output
        Whether the last layer is linear instead.
    dtype
        Precision of the parameters; it takes float32 samples to stay with float32.

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
        drawn = [generator.uniform(-1, 1, (m, n + 1)).astype(dtype) for n, m in pairwise(sizes)]
        activations = [*[activation] * (len(sizes) - 2), "linear" if linear_output else activation]
        self.layers = _layers([rows[:, :-1] for rows in drawn], [rows[:, -1] for rows in drawn], activations)

    def __call__(self, x: Any) -> Node:
        """Return the last layer's outputs, for one sample or a batch."""
        for layer in self.layers:
            x = layer(x)
        return x  # type: ignore[no-any-return]

    def parameters(self) -> list[Node]:
        """Return the parameters, layer by layer, weights before biases."""
        return [parameter for layer in self.layers for parameter in (layer.weights, layer.biases)]

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
        model.layers = _layers(parameters[::2], parameters[1::2], activations)
        return model

    def __repr__(self) -> str:
        return "\n".join(["MLP(", *(f"  {layer}," for layer in self.layers), ")"])


def _layers(weights: list[Any], biases: list[Any], activations: list[str]) -> list[Layer]:
    layers = [Layer(*each) for each in zip(weights, biases, activations, strict=True)]
    layers[-1] = Layer(weights[-1], biases[-1], activations[-1], single=len(biases[-1]) == 1)
    return layers


# A layer is one row, not one for each of its steps: a sample takes a third of the time


def _affine(x: Any, weights: Any, biases: Any, single: bool) -> Any:
    axes = 0 if type(x) is float else x.ndim
    if axes not in {1, 2}:
        raise ValueError("the first must be that of a sample or of a batch")
    z = np.dot(weights, x) if axes == 1 else np.dot(x, weights.T)
    z += biases
    return z[..., 0] if single else z


def _tanh(x: Any, weights: Any, biases: Any, single: bool) -> Any:
    return np.tanh(_affine(x, weights, biases, single))


def _before_affine(g: Any, _z: Any, single: bool) -> Any:
    if single:
        return np.array([g]) if type(g) is float else g[..., None]
    return g


def _before_tanh(g: Any, z: Any, single: bool) -> Any:
    return _before_affine(g - g * z * z, z, single)  # g (1 - z^2); numpy is slow with the constant


def _through_weights(g: Any, _z: Any, x: Any, weights: Any, _biases: Any, **_: Any) -> Any:
    outputs, inputs = weights.shape
    return np.dot(g.reshape(-1, outputs).T, x.reshape(-1, inputs))


_DERIVATIVES = (
    lambda g, z, x, weights, biases, single: np.dot(g, weights),
    _through_weights,
    lambda g, z, x, weights, biases, single: g if x.ndim == 1 else g.sum(0),
)
_AFFINE = Rule("layer", _affine, _DERIVATIVES, before=_before_affine)
_TANH = Rule("layer", _tanh, _DERIVATIVES, before=_before_tanh)
