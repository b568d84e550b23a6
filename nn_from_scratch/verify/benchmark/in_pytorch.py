"""The same networks and loops in PyTorch, as its users write them (linear, then tanh)."""

from collections.abc import Sequence
from typing import Any

import torch

from nn_from_scratch.verify.benchmark.by_hand import Parameters


class MLP:
    """A tanh network of float64 tensors, made from arrays: weights (n_out, n_in) and biases (n_out,)."""

    def __init__(self, parameters: Parameters) -> None:
        self.layers = [
            (torch.tensor(weights, requires_grad=True), torch.tensor(biases, requires_grad=True))
            for weights, biases in parameters
        ]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs for one sample (n,) or a batch (B, n)."""
        for weights, biases in self.layers:
            x = torch.tanh(torch.nn.functional.linear(x, weights, biases))
        return x

    def parameters(self) -> list[torch.Tensor]:
        """Return weights, then biases, layer by layer."""
        return [parameter for layer in self.layers for parameter in layer]

    def result(self, loss: torch.Tensor) -> list[Any]:
        """Return the loss as a float, and the parameters as arrays."""
        return [loss.item(), *(parameter.detach().numpy() for parameter in self.parameters())]


def train_step_by_sample(
    model: MLP, x: Sequence[torch.Tensor], y: Sequence[float], learning_rate: float
) -> torch.Tensor:
    """Take one step as the README's loop does, sample by sample; return the loss, of shape (1,)."""
    predictions = [model(sample) for sample in x]
    loss = sum((target - prediction) ** 2 for target, prediction in zip(y, predictions, strict=True))
    return _descend(model, loss, learning_rate)


def train_step(model: MLP, x: torch.Tensor, y: torch.Tensor, learning_rate: float) -> torch.Tensor:
    """Take one step over a whole batch; return the loss, a scalar tensor."""
    return _descend(model, ((y - model(x)) ** 2).sum(), learning_rate)


def _descend(model: MLP, loss: torch.Tensor, learning_rate: float) -> torch.Tensor:
    for parameter in model.parameters():
        parameter.grad = None
    loss.backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(parameter.grad, alpha=-learning_rate)
    return loss.detach()
