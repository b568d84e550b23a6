"""Full-batch gradient descent on the moons in PyTorch, and how its curve depends on every weight on the way.

Nothing of nn_from_scratch is used here: the gradients are PyTorch's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch.func import grad, grad_and_value, jvp, vmap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike

ACTIVATIONS = {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "relu": torch.relu}


@dataclass(frozen=True)
class Training:
    """A training run: network, data and learning rate; weights are one flat vector, neuron by neuron.

    Parameters
    ----------
    sizes
        Inputs, neurons of each layer.
    activations
        One name per layer.
    x, y
        Inputs of shape (samples, sizes[0]) and targets of shape (samples,).
    learning_rate
        Step length of gradient descent on the sum of squared errors.
    batch
        Samples per iteration, taken in order and cyclically; None takes all.

    """

    sizes: Sequence[int]
    activations: Sequence[str]
    x: torch.Tensor
    y: torch.Tensor
    learning_rate: float
    batch: int | None = None

    def output(self, theta: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Return the network's outputs, shape (samples,), for flat weights `theta`."""
        start = 0
        for (inputs, neurons), name in zip(pairwise(self.sizes), self.activations, strict=True):
            layer = theta[start : start + neurons * (inputs + 1)].reshape(neurons, inputs + 1)
            start += layer.numel()
            x = ACTIVATIONS[name](torch.nn.functional.linear(x, layer[:, :-1], layer[:, -1]))
        return x.squeeze(-1)

    def samples(self, iteration: int) -> slice:
        """Return which samples an iteration sees."""
        if self.batch is None:
            return slice(None)
        start = iteration * self.batch % len(self.x)
        return slice(start, start + self.batch)

    def loss(self, theta: torch.Tensor, iteration: int = 0) -> torch.Tensor:
        """Return the sum of squared errors at flat weights `theta`."""
        seen = self.samples(iteration)
        return ((self.output(theta, self.x[seen]) - self.y[seen]) ** 2).sum()

    def step(self, theta: torch.Tensor, iteration: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss, and the weights after one step of gradient descent."""
        slope, loss = grad_and_value(self.loss)(theta, iteration)
        return loss, theta - self.learning_rate * slope

    def run(self, start: ArrayLike, iterations: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the losses, shape (iterations,), and the weights before each step and after the last."""
        theta = torch.as_tensor(start, dtype=self.x.dtype)
        losses, thetas = [], [theta]
        for iteration in range(iterations):
            loss, theta = self.step(theta, iteration)
            losses.append(loss)
            thetas.append(theta)
        return torch.stack(losses), torch.stack(thetas)

    def sensitivities(
        self, thetas: torch.Tensor, losses_at: Sequence[int], weights_at: Sequence[int] = ()
    ) -> Iterator[tuple[int, torch.Tensor]]:
        """Yield, backwards from the last, an iteration and the derivatives by the weights it began with.

        Parameters
        ----------
        thetas
            The weights before each step and after the last, shape (iterations + 1, weights).
        losses_at
            Iterations whose losses are differentiated.
        weights_at
            Positions of the final weights that are differentiated.

        Yields
        ------
        The iteration j (the number of iterations first, for the weights after the last), and
        derivatives of shape (len(losses_at) + len(weights_at), weights): rows of losses earlier than
        j are 0.

        """
        iterations, rows = len(thetas) - 1, list(losses_at)
        cotangents = thetas.new_zeros(len(rows) + len(weights_at), thetas.shape[1])
        for row, position in enumerate(weights_at, start=len(rows)):
            cotangents[row, position] = 1
        yield iterations, cotangents
        for j in reversed(range(iterations)):

            def step_along(v: torch.Tensor, j: int = j) -> torch.Tensor:
                # a step's Jacobian, I - learning_rate * Hessian, is symmetric: forward is reverse
                return jvp(lambda theta: self.step(theta, j)[1], (thetas[j],), (v,))[1]

            cotangents = cotangents.clone()
            later = torch.tensor([k > j for k in rows] + [True] * len(weights_at))
            if later.any():
                cotangents[later] = vmap(step_along, chunk_size=512)(cotangents[later])
            if j in rows:
                cotangents[rows.index(j)] = grad(self.loss)(thetas[j], j)
            yield j, cotangents
