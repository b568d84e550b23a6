"""`MLP`, a multi-layer perceptron, and the `Layer` it is made of."""

from collections.abc import Iterable
from itertools import pairwise
from os import PathLike
from typing import Any, Self

import numpy as np

from nn_from_scratch import changes, waiting
from nn_from_scratch.layer import Layer
from nn_from_scratch.moment import Moment, Network, moment_of, parts_of
from nn_from_scratch.node import Node
from nn_from_scratch.rule import LENT_LEAF
from nn_from_scratch.values import brief

__all__ = ["MLP", "Layer"]


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
    _moment: Moment | None = None
    _network: Network | None = None

    def __init__(
        self, sizes: Any, seed: Any = None, *, activation: str = "tanh", last: str = "", dtype: Any = float
    ) -> None:
        sizes = list(sizes) if isinstance(sizes, Iterable) else [sizes]
        if any(isinstance(size, bool) or not isinstance(size, int | np.integer) for size in sizes):
            raise TypeError(f"MLP: sizes must be integers, got {brief(sizes)}")
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"MLP: sizes must be at least two positive integers, got {brief(sizes)}")
        generator = np.random.default_rng(seed)
        drawn = [generator.uniform(-1, 1, (m, n + 1)).astype(dtype) for n, m in pairwise(sizes)]
        activations = [*[activation] * (len(sizes) - 2), last or activation]
        self.layers = _layers([rows[:, :-1] for rows in drawn], [rows[:, -1] for rows in drawn], activations)

    def __call__(self, x: Any) -> Node:
        """Return the outputs (m,) for a sample (n,), or (B, m) for a batch (B, n).

        One neuron in the last layer gives () or (B,). Another shape is a ValueError.
        """
        moment = self._moment
        if (
            moment is None
            or moment.since is not changes.values
            or moment.network.since is not changes.wiring
            or moment.network.layers != self.layers
        ):
            moment = moment_of(self.layers, self._network)
            self._network = None if moment is None else moment.network
            # One that is not kept holds copies of what is lent: their memory serves for the next.
            self._moment = None if moment is None or moment.since is None else moment
        if moment is not None:
            network = moment.network
            if type(x) is np.ndarray and x.dtype is network.dtype:
                shape = x.shape
                if shape == network.sample_shape:
                    node = waiting.pending(x, moment)
                    if node is not None:
                        return node
                if 0 < len(shape) < 3 and shape[-1:] == network.sample_shape:
                    return moment.compute(x, x.copy())
            elif (
                isinstance(x, Node)
                and x.dtype == network.dtype
                and x.shape[-1:] == network.sample_shape
                and x.ndim < 3
            ):
                return moment.compute(x, x._value.copy() if x._rule is LENT_LEAF else x._value)
        z: Node = x
        for layer in self.layers:
            z = layer(z)
        return z

    def parameters(self) -> list[Node]:
        """Return the parameters, layer by layer, weights before biases."""
        return parts_of(self.layers)

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
