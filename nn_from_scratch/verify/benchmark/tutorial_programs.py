"""Short programs as tutorials on automatic differentiation write them, in plain numpy.

Each is a scalar function of its parameters, and the point where it is differentiated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import linalg

from nn_from_scratch import array

GENERATOR = np.random.default_rng(7)
INPUTS = GENERATOR.normal(size=(20, 3))
TARGETS = INPUTS @ np.array([1.0, -2.0, 0.5]) + 0.1 * GENERATOR.normal(size=20)
LABELS = (TARGETS > 0).astype(float)
TIMES = np.linspace(0, 4, 12)
OBSERVED = np.sin(TIMES) + 0.1 * GENERATOR.normal(size=12)


def linear_regression(w: Any) -> Any:
    """Return the squared residuals of a line, and a penalty."""
    residual = np.dot(INPUTS, w) - TARGETS
    return np.mean(residual**2) + 0.1 * np.linalg.norm(w)


def logistic_regression(w: Any) -> Any:
    """Return the log loss of two classes."""
    p = 1.0 / (1.0 + np.exp(-np.dot(INPUTS, w)))
    return -np.sum(LABELS * np.log(p) + (1 - LABELS) * np.log(1 - p))


def polynomial_fit(c: Any) -> Any:
    """Return the squared residuals of a polynomial."""
    y = np.zeros_like(TIMES)
    for k in range(len(c)):
        y = y + c[k] * (TIMES / 4) ** k
    return np.sum((y - OBSERVED) ** 2)


def softmax_regression(parameters: Any) -> Any:
    """Return the log loss of softmax."""
    logits = INPUTS @ parameters["w"] + parameters["b"]
    logits = logits - np.max(logits, axis=1, keepdims=True)
    log_p = logits - np.log(np.sum(np.exp(logits), axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(20), LABELS.astype(int)])


def recurrent_network(parameters: Any) -> Any:
    """Return the squared residuals of a recurrent network's predictions."""
    w, u, v = parameters
    h, loss = np.zeros(4), 0.0
    for k in range(len(OBSERVED) - 1):
        h = np.tanh(np.dot(w, h) + u * OBSERVED[k])
        loss = loss + (np.dot(v, h) - OBSERVED[k + 1]) ** 2
    return loss


def kalman_likelihood(theta: Any) -> Any:
    """Return the negative log likelihood by Kalman's filter."""
    a = array([[1.0, 0.4], [-0.4 * theta[0], 1.0]])
    c = np.array([[1.0, 0.0]])
    q, r = np.exp(theta[1]) * np.eye(2), np.exp(theta[2])
    mean, cov, total = np.zeros(2), np.eye(2), 0.0
    for y in OBSERVED:
        mean, cov = a @ mean, a @ cov @ a.T + q
        s = (c @ cov @ c.T)[0, 0] + r
        gain = (cov @ c.T)[:, 0] / s
        error = y - mean[0]
        total = total - 0.5 * (np.log(2 * np.pi * s) + error**2 / s)
        mean, cov = mean + gain * error, cov - np.outer(gain, c @ cov)
    return total


def pendulum(theta: Any) -> Any:
    """Return how far a simulated pendulum ends from where it should."""
    length, damping = theta
    state = np.array([1.0, 0.0])

    def slope(s: Any) -> Any:
        return np.stack([s[1], -9.81 / length * np.sin(s[0]) - damping * s[1]])

    h = 0.05
    for _ in range(20):
        k1 = slope(state)
        k2 = slope(state + h / 2 * k1)
        k3 = slope(state + h / 2 * k2)
        k4 = slope(state + h * k3)
        state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return np.sum(state**2)


def gaussian_process(theta: Any) -> Any:
    """Return the negative log likelihood of a Gaussian process."""
    scale, width, noise = np.exp(theta[0]), np.exp(theta[1]), np.exp(theta[2])
    distance = (TIMES[:, None] - TIMES[None, :]) ** 2
    covariance = scale * np.exp(-0.5 * distance / width**2) + noise * np.eye(12)
    factor = linalg.cholesky(covariance)
    alpha = linalg.solve(factor.T, linalg.solve(factor, OBSERVED))
    return 0.5 * np.dot(OBSERVED, alpha) + np.sum(np.log(np.diag(factor)))


def convolution_by_loops(kernel: Any) -> Any:
    """Return the loss of a convolution that is written as loops."""
    image, rows = INPUTS[:6, :], []
    for i in range(image.shape[0] - 1):
        row = []
        for j in range(image.shape[1] - 1):
            row.append(np.sum(image[i : i + 2, j : j + 2] * kernel))  # noqa: PERF401
        rows.append(np.stack(row))
    return np.sum(np.maximum(np.stack(rows), 0))


def rosenbrock(x: Any) -> Any:
    """Return Rosenbrock's function."""
    return sum(100.0 * (x[1:] - x[:-1] ** 2.0) ** 2.0 + (1 - x[:-1]) ** 2.0)


def gaussian_mixture(parameters: Any) -> Any:
    """Return the negative log likelihood of a mixture."""
    weights, means, logs = parameters["weights"], parameters["means"], parameters["logs"]
    log_weights = weights - np.logaddexp.reduce(weights)
    z = (TARGETS[:, None] - means) / np.exp(logs)
    log_density = log_weights - 0.5 * z**2 - logs - 0.5 * np.log(2 * np.pi)
    top = np.max(log_density, axis=1, keepdims=True)
    return -np.sum(np.log(np.sum(np.exp(log_density - top), axis=1)) + top[:, 0])


def attention(parameters: Any) -> Any:
    """Return the mean square of causal attention, normed."""
    q, k, v = (np.einsum("nd,de->ne", INPUTS, w) for w in parameters)
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(3.0)
    scores = np.where(np.tril(np.ones((20, 20))) > 0, scores, -1e9)
    shares = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    shares = shares / np.sum(shares, axis=-1, keepdims=True)
    normed = (shares @ v - np.mean(v, axis=-1, keepdims=True)) / (np.std(v, axis=-1, keepdims=True) + 1e-5)
    return np.mean(normed**2)


def _normal(*shape: int) -> Any:
    return 0.5 * GENERATOR.normal(size=shape)


PROGRAMS: list[tuple[Callable[[Any], Any], Any]] = [
    (linear_regression, _normal(3)),
    (logistic_regression, _normal(3)),
    (polynomial_fit, _normal(4)),
    (softmax_regression, {"w": _normal(3, 2), "b": _normal(2)}),
    (recurrent_network, [_normal(4, 4), _normal(4), _normal(4)]),
    (kalman_likelihood, np.array([0.5, -2.0, -1.0])),
    (pendulum, np.array([1.2, 0.3])),
    (gaussian_process, np.array([0.1, 0.2, -2.0])),
    (convolution_by_loops, _normal(2, 2)),
    (rosenbrock, np.array([-1.2, 1.0, 0.7, 0.4])),
    (gaussian_mixture, {"weights": _normal(2), "means": _normal(2), "logs": _normal(2)}),
    (attention, [_normal(3, 3), _normal(3, 3), _normal(3, 3)]),
]
