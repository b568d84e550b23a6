"""Training by any engine: the loss as an expression of scalars, so that a curve alone can judge it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.training.loop import Trajectory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nn_from_scratch.verify.engines.engine import Engine
    from nn_from_scratch.verify.training.recorded import Configuration


def loss_expression(configuration: Configuration) -> Expression:
    """Return the sum of squared errors over all samples; its inputs are the flat weights.

    A neuron is a chain of mul and add, then an activation; an error is a sub and a pow.
    """
    samples, features = configuration.x.shape
    weights = len(configuration.start)
    constants = tuple(map(float, [2.0, *configuration.x.ravel(), *configuration.y]))
    two, first_x, first_y = weights, weights + 1, weights + 1 + samples * features
    steps: list[Step] = []

    def apply(operation: str, *operands: int) -> int:
        steps.append(Step(operation, operands))
        return weights + len(constants) + len(steps) - 1

    def output(values: list[int]) -> int:
        parameters = iter(range(weights))
        for (inputs, neurons), activation in zip(
            pairwise(configuration.sizes), configuration.activations, strict=True
        ):
            previous, values = values[:inputs], []
            for _ in range(neurons):
                terms = [apply("mul", next(parameters), value) for value in previous]
                total = next(parameters)
                for term in terms:
                    total = apply("add", total, term)
                values.append(apply(activation, total))
        return values[0]

    loss = -1
    for sample in range(samples):
        first = first_x + sample * features
        error = apply("sub", first_y + sample, output(list(range(first, first + features))))
        squared = apply("pow", error, two)
        loss = squared if sample == 0 else apply("add", loss, squared)
    return Expression(weights, constants, tuple(steps), loss)


def train_by(engine: Engine, configuration: Configuration) -> Iterator[Trajectory]:
    """Train by an engine's gradients: yield what was passed so far, after every iteration.

    An engine that raises ends the training with a loss of NaN.
    """
    expression = loss_expression(configuration)
    passed = Trajectory([configuration.start])
    for _ in range(configuration.iterations):
        theta = passed.weights[-1]
        try:
            answer = engine.answer(Case(expression, tuple(theta.tolist())))
            value, gradient = answer.value, answer.gradient
        except Exception:  # noqa: BLE001  whatever a faulty engine raises is its failure
            value, gradient = np.nan, (np.nan,) * len(theta)
        passed.losses.append(value)
        passed.weights.append(theta - configuration.learning_rate * np.array(gradient))
        yield passed
        if not np.isfinite(value):
            return
