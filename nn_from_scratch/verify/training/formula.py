"""One step of training a multi-layer perceptron, written once over any arithmetic.

The same lines run over float64 arrays (hand-written numpy), over arrays that carry a bound of their
rounding error (`rounding`) and over FLINT balls (`balls`). The engine under test runs none of them.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from nn_from_scratch.verify.training.recorded import Configuration

Matrix = Any  # what has @, elementwise * and -, a scalar product from the left, and .mT


class Arithmetic(Protocol):
    """What the formula needs of an arithmetic beside its operators."""

    def activate(self, name: str, z: Matrix) -> tuple[Matrix, Matrix]:
        """Return an activation ("tanh", "sigmoid" or "relu") and its derivative, both elementwise."""
        ...

    def with_ones(self, a: Matrix) -> Matrix:
        """Append a column of ones: the input of the biases."""
        ...

    def without_last(self, g: Matrix) -> Matrix:
        """Drop the last column."""
        ...


class Floats:
    """Numpy arrays of any floating dtype, with any leading axes."""

    def activate(self, name: str, z: Matrix) -> tuple[Matrix, Matrix]:
        """Return the activation and its derivative."""
        if name == "tanh":
            a = np.tanh(z)
            return a, 1 - a * a
        if name == "sigmoid":
            a = 1 / (1 + np.exp(-z))
            return a, a * (1 - a)
        return np.maximum(z, 0), (z > 0).astype(z.dtype)

    def with_ones(self, a: Matrix) -> Matrix:
        """Append a column of ones."""
        return np.concatenate([a, np.ones_like(a[..., :1])], axis=-1)

    def without_last(self, g: Matrix) -> Matrix:
        """Drop the last column."""
        return g[..., :-1]


def step(
    arithmetic: Arithmetic,
    layers: Sequence[Matrix],
    x: Matrix,
    y: Matrix,
    *,
    learning_rate: float,
    activations: Sequence[str],
) -> tuple[Matrix, list[Matrix]]:
    """Return the sum of squared errors, and the layers after one step of gradient descent.

    Parameters
    ----------
    arithmetic
        How numbers are kept.
    layers
        Matrices of shape (neurons, inputs + 1): a neuron's weights, then its bias.
    x, y
        Inputs of shape (samples, inputs) and targets of shape (samples, 1).
    learning_rate
        Step length.
    activations
        One name per layer.

    Returns
    -------
    The loss *before* the step, as a matrix of shape (1, 1), and the new layers.

    """
    inputs, slopes, a = [], [], x
    for layer, name in zip(layers, activations, strict=True):
        inputs.append(arithmetic.with_ones(a))
        a, slope = arithmetic.activate(name, inputs[-1] @ layer.mT)
        slopes.append(slope)
    error = a - y
    updated, g = [], 2.0 * error
    for layer, layer_input, slope in zip(reversed(layers), reversed(inputs), reversed(slopes), strict=True):
        g = g * slope
        updated.append(layer - learning_rate * (g.mT @ layer_input))
        g = arithmetic.without_last(g @ layer)
    return error.mT @ error, updated[::-1]


def forward(
    arithmetic: Arithmetic, layers: Sequence[Matrix], x: Matrix, activations: Sequence[str]
) -> Matrix:
    """Return the network's outputs, shape (samples, 1)."""
    for layer, name in zip(layers, activations, strict=True):
        x, _ = arithmetic.activate(name, arithmetic.with_ones(x) @ layer.mT)
    return x


def descend(
    configuration: Configuration, arithmetic: Floats | None = None
) -> Iterator[tuple[Matrix, list[Matrix]]]:
    """Train in hand-written numpy: yield each iteration's loss, and the layers after it.

    Parameters
    ----------
    configuration
        What to train; a start of shape (..., weights) trains from many starts at once, and the losses are of
        shape (...).
    arithmetic
        `Floats`, or a wrong one.

    """
    layers = unflatten(configuration.start, configuration.sizes)
    for iteration in range(configuration.iterations):
        x, y = configuration.samples(iteration)
        loss, layers = step(arithmetic or Floats(), layers, x, y, **configuration.descent)
        yield loss[..., 0, 0], layers


def unflatten(theta: NDArray[np.float64], sizes: Sequence[int]) -> list[NDArray[np.float64]]:
    """Return flat weights, shape (..., weights), as one matrix per layer.

    The order is that in which `MLP` draws them: neuron by neuron, weights before the bias.
    """
    shapes = [(neurons, inputs + 1) for inputs, neurons in pairwise(sizes)]
    ends = np.cumsum([rows * columns for rows, columns in shapes])
    parts = np.split(theta, ends[:-1], axis=-1)
    return [part.reshape(*theta.shape[:-1], *shape) for part, shape in zip(parts, shapes, strict=True)]


def flatten(layers: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return layers of shape (..., neurons, inputs + 1) as flat weights, shape (..., weights)."""
    return np.concatenate([layer.reshape(*layer.shape[:-2], -1) for layer in layers], axis=-1)
