"""The seed README's training loop, run on the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_from_scratch.nn import MLP
from nn_from_scratch.verify.training.formula import flatten, unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from nn_from_scratch.node import Node
    from nn_from_scratch.verify.training.recorded import Configuration, Recorded


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
    failure
        What the engine raised, which ended training.

    """

    weights: list[NDArray[np.float64]]
    losses: list[float] = field(default_factory=list)
    interrupted: bool = False
    failure: str = ""

    @property
    def digest(self) -> str:
        """A hash of every bit of the losses and the final weights: equal if and only if the runs are."""
        return sha256(np.array([*self.losses, *self.weights[-1]], dtype="<f8").tobytes()).hexdigest()


def network(configuration: Configuration, dtype: Any = np.float64) -> MLP:
    """Return our engine's network at its start; the hidden layers must be of one kind."""
    hidden, last = configuration.activations[0], configuration.activations[-1]
    model = MLP(configuration.sizes, activation=hidden, last=last, dtype=dtype)
    matrices = unflatten(configuration.start.astype(dtype), configuration.sizes)
    for layer, matrix in zip(model.layers, matrices, strict=True):
        layer.weights.value, layer.biases.value = matrix[:, :-1], matrix[:, -1]
    return model


def flat(model: MLP) -> NDArray[np.float64]:
    """Return the parameters of an `MLP` as flat weights."""
    return flatten([np.c_[layer.weights.value, layer.biases.value] for layer in model.layers])


def sample_by_sample(model: MLP, X: Any, Y: Iterable[Any]) -> Node:  # noqa: N803
    """Return the loss as the seed README computes it."""
    ypred = [model(x) for x in X]
    loss: Node = sum((y_a - y_p) ** 2 for y_a, y_p in zip(Y, ypred, strict=True))
    return loss


def at_once(model: MLP, x: Any, y: Any) -> Node:
    """Return the same loss from one call on the whole batch."""
    loss: Node = ((y - model(x)) ** 2).sum()
    return loss


def train(
    model: MLP,
    recorded: Recorded,
    *,
    iterations: int,
    loss_of: Callable[[MLP, Any, Any], Node] = sample_by_sample,
    progress: Callable[[int, str], None] = lambda done, text: None,
) -> Trajectory:
    """Train as the seed README does, on the data and with the learning rate of a recorded run.

    Parameters
    ----------
    model
        What is trained.
    recorded
        Gives data, learning rate, batch and dtype.
    iterations
        How many.
    loss_of
        `sample_by_sample`, or the faster `at_once`.
    progress
        Called before each iteration with its number and a text. A KeyboardInterrupt, from here or anywhere,
        ends training; what was completed is returned.

    """
    learning_rate = recorded.learning_rate
    passed = Trajectory([flat(model)])
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
            passed.weights.append(flat(model))
            passed.losses.append(float(loss.value))
    except KeyboardInterrupt:
        passed.interrupted = True
    except Exception as error:  # noqa: BLE001  whatever an engine raises is its failure
        passed.failure = f"{type(error).__name__}: {error}"
    finally:
        del passed.weights[len(passed.losses) + 1 :]
    return passed
