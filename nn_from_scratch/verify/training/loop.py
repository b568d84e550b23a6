"""The seed README's training loop, run on the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_from_scratch.node import Node
from nn_from_scratch.verify.training.formula import flatten, unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from nn_from_scratch.nn import MLP
    from nn_from_scratch.verify.training.recorded import Recorded


@dataclass
class Trajectory:
    """What training passed through.

    Parameters
    ----------
    weights
        Flat weights at the start and after every iteration.
    losses
        The loss that each iteration began with.
    interrupted
        Whether it was stopped early; what is here was completed.

    """

    weights: list[NDArray[np.float64]]
    losses: list[float] = field(default_factory=list)
    interrupted: bool = False


class Network:
    """A multi-layer perceptron of the engine's single operations: matmul, add and an activation.

    `MLP` computes a layer as one operation, always with tanh; this one exercises the rules of the table.

    Parameters
    ----------
    layers
        Matrices of shape (neurons, inputs + 1), a neuron's weights, then its bias; the last has one neuron.
    activations
        Names of the engine's methods, one per layer.

    """

    def __init__(self, layers: Sequence[NDArray[np.floating]], activations: Sequence[str]) -> None:
        self.layers = [(Node(layer[:, :-1].T), Node(layer[:, -1])) for layer in layers]
        self.activations = activations

    def __call__(self, x: Any) -> Node:
        """Return the output for one sample (inputs,) or a batch (samples, inputs)."""
        for (weights, biases), activation in zip(self.layers, self.activations, strict=True):
            x = getattr(x @ weights + biases, activation)()
        output: Node = x.sum(axis=-1)
        return output

    def parameters(self) -> list[Node]:
        """Return the parameters, layer by layer, weights before biases."""
        return [parameter for layer in self.layers for parameter in layer]

    def flat(self) -> NDArray[np.float64]:
        """Return the weights, neuron by neuron, weights before the bias."""
        return flatten([np.c_[weights.value.T, biases.value] for weights, biases in self.layers])


def start_at(model: MLP, theta: NDArray[np.float64]) -> None:
    """Set the parameters of an `MLP` to flat weights."""
    first = model.layers[0].weights.value.shape[1]
    sizes = [first, *(len(layer.biases.value) for layer in model.layers)]
    for layer, matrix in zip(model.layers, unflatten(theta, sizes), strict=True):
        layer.weights.value, layer.biases.value = matrix[:, :-1], matrix[:, -1]


def flat(model: MLP) -> NDArray[np.float64]:
    """Return the parameters of an `MLP` as flat weights."""
    return flatten([np.c_[layer.weights.value, layer.biases.value] for layer in model.layers])


def sample_by_sample(model: Callable[[Any], Node], X: Any, Y: Iterable[Any]) -> Node:  # noqa: N803
    """Return the loss as the seed README computes it."""
    ypred = [model(x) for x in X]
    loss: Node = sum((y_a - y_p) ** 2 for y_a, y_p in zip(Y, ypred, strict=True))
    return loss


def at_once(model: Callable[[Any], Node], x: Any, y: Any) -> Node:
    """Return the same loss from one call on the whole batch."""
    loss: Node = ((y - model(x)) ** 2).sum()
    return loss


def train(
    model: Any,
    weights: Callable[[], NDArray[np.float64]],
    recorded: Recorded,
    *,
    iterations: int,
    loss_of: Callable[..., Node] = sample_by_sample,
    progress: Callable[[int, str], None] = lambda done, text: None,
) -> Trajectory:
    """Train `model` as the seed README does, on the data and with the learning rate of a recorded run.

    Parameters
    ----------
    model
        What is called with samples, and has `parameters()`.
    weights
        Returns the model's flat weights.
    recorded
        Gives data, learning rate, batch and dtype.
    iterations
        How many.
    loss_of
        `sample_by_sample`, or the faster `at_once`.
    progress
        Called before each iteration with its number and a text. A KeyboardInterrupt, from here
        or anywhere, ends training; what was completed is returned.

    """
    learning_rate = recorded.learning_rate
    passed = Trajectory([weights()])
    try:
        for k in range(iterations):
            progress(k, f"training, loss {passed.losses[-1]:.4f}" if k else "training")
            x, y = (array.astype(recorded.dtype) for array in recorded.samples(k))
            # forward pass
            loss = loss_of(model, x, y[:, 0])
            # backpropagation
            for p in model.parameters():
                p.grad = 0
            loss.backprop()
            # update model
            for p in model.parameters():
                p.value += -learning_rate * p.grad
            passed.weights.append(weights())
            passed.losses.append(float(loss.value))
    except KeyboardInterrupt:
        passed.interrupted = True
        del passed.weights[len(passed.losses) + 1 :]
    return passed
