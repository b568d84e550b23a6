"""The same training step, forward and backward written by hand in numpy."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Parameters = Sequence[tuple[Array, Array]]


def train_step(parameters: Parameters, x: Array, y: Array, learning_rate: float) -> float:
    """Take one step of gradient descent on the sum of squared residuals of a tanh network.

    Parameters
    ----------
    parameters
        Weights (n_out, n_in) and biases (n_out,) of each layer, updated in place.
    x, y
        A batch: (B, n) inputs and (B, m) targets.
    learning_rate
        Length of the step, in units of the gradient.

    Returns
    -------
    float
        The loss before the step.
    """
    activations = [x]
    for weights, biases in parameters:
        activations.append(np.tanh(activations[-1] @ weights.T + biases))
    residual = y - activations[-1]
    loss = float((residual**2).sum())

    g = -2 * residual
    for index in range(len(parameters) - 1, -1, -1):
        weights, biases = parameters[index]
        g = g * (1 - activations[index + 1] ** 2)
        weights_gradient = g.T @ activations[index]
        biases_gradient = g.sum(axis=0)
        if index > 0:
            g = g @ weights
        weights -= learning_rate * weights_gradient
        biases -= learning_rate * biases_gradient
    return loss
