"""`MLP`, a multi-layer perceptron, and the `Layer` it is made of."""

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from os import PathLike
from typing import Any, Self

import numpy as np

from nn_from_scratch.node import Node
from nn_from_scratch.rules import NO_OPTIONS, RULES, Function, Rule

_ACTIVATIONS = ("tanh", "sigmoid", "relu", "softplus", "linear")


class Layer:
    """Neurons with the same inputs: activation(W x + b), for one sample (inputs,) or a batch (B, inputs).

    Weights (outputs, inputs) and biases (outputs,) become nodes. The activation is "tanh", "sigmoid", "relu",
    "softplus" or "linear". With `single`, one neuron gives its value, not an array of one.
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
    """A multi-layer perceptron, of so many inputs, then so many neurons in each layer, as `sizes` say.

    Weights and biases are drawn uniformly from (-1, 1), neuron by neuron, weights before bias; `seed` is what
    `numpy.random.default_rng` takes: None (another start each time), an integer or a generator. `activation`
    is that of every layer, `last` that of the last one, where it is another. `dtype` is the precision of the
    parameters; it takes float32 samples to stay with float32. Sizes that are not at least two positive
    integers raise TypeError or ValueError.
    """

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
        self._build([rows[:, :-1] for rows in drawn], [rows[:, -1] for rows in drawn], activations)

    def _build(self, weights: list[Any], biases: list[Any], activations: list[str]) -> None:
        self.layers = [Layer(*parts) for parts in zip(weights, biases, activations, strict=True)]
        self.layers[-1]._options["single"] = len(biases[-1]) == 1

    def __call__(self, x: Any) -> Node:
        """Return the outputs (B, m) for a batch, (m,) for a sample; (B,) and () of one last neuron."""
        for layer in self.layers:
            x = layer(x)
        return x  # type: ignore[no-any-return]

    def parameters(self) -> list[Node]:
        """Return the parameters, layer by layer, weights before biases."""
        return [parameter for layer in self.layers for parameter in (layer.weights, layer.biases)]

    def save(self, path: str | PathLike[str]) -> None:
        """Write the parameters and activations to an .npz file."""
        arrays = {f"parameter_{k}": node.value for k, node in enumerate(self.parameters())}
        np.savez(path, activations=[layer.activation for layer in self.layers], **arrays)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read what `save` wrote; nothing in the file is executed."""
        with np.load(path, allow_pickle=False) as file:
            activations = file["activations"].tolist()
            arrays = [file[f"parameter_{k}"] for k in range(2 * len(activations))]
        model = cls.__new__(cls)
        model._build(arrays[::2], arrays[1::2], activations)
        return model

    def __repr__(self) -> str:
        return "\n".join(["MLP(", *(f"  {layer}," for layer in self.layers), ")"])


# A layer is one row, not one for each of its steps: a sample takes a third of the time.


def _affine(x: Any, weights: Any, biases: Any, single: bool) -> Any:
    if type(x) is float or x.ndim > 2:
        raise ValueError("the first must be that of a sample or of a batch")
    z = weights.dot(x) if x.ndim == 1 else x.dot(weights.T)
    z += biases
    return z[..., 0] if single else z


_tanh: Function = lambda x, weights, biases, single: np.tanh(_affine(x, weights, biases, single))
_before: Function = lambda g, z, single: np.array([g]) if type(g) is float else g[..., None] if single else g
_dot: Function = lambda x, y: x.dot(y) if type(x) is np.ndarray else x @ y  # the same here, and faster
_ones = lru_cache(np.ones)
_TO_OPERANDS = (
    lambda g, x, weights, biases: _dot(g, weights),
    lambda g, x, *_: _dot(g.T, x) if x.ndim > 1 else (g, x) if type(g) is np.ndarray else g[:, None] * x,
    lambda g, x, *_: _dot(g.T, _ones(len(x), x.dtype)) if x.ndim > 1 else g,
)
_AFFINE = Rule("layer", _affine, _TO_OPERANDS, before=_before)
_TANH = Rule("layer", _tanh, _TO_OPERANDS, before=lambda g, z, single: _before(g - g * z * z, z, single))
