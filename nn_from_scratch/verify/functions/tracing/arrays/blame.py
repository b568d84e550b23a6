"""The operation of a wrong backward of numpy's arrays, or the missing term, found by running it changed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.tracing.arrays.ended import TraceEndedError
from nn_from_scratch.verify.functions.tracing.arrays.runs import Subject
from nn_from_scratch.verify.functions.tracing.constants import Reading
from nn_from_scratch.verify.functions.tracing.mending import DIRECTIONS, Mend, Mending, Step
from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.rules import formula_along, truth_along
from nn_from_scratch.verify.functions.tracing.shadows import Shadow, exact

MOST_NUMBERS = 400_000
"""Scalar operations of all changed runs together, at most."""

MOST_RUNS = 100
"""Changed runs, at most."""


def blamed_operation(subject: Subject, seed: int) -> str | None:
    """Say which one operation makes the backward wrong, or which term is missing, if one does."""
    rng = np.random.default_rng([seed, 5])
    inputs = subject.differentiated
    ways = [
        [np.asarray(rng.choice([-1.0, 1.0], x.shape) * rng.uniform(0.5, 1.5, x.shape)) for x in inputs]
        for _ in range(DIRECTIONS)
    ]

    def along(gradients: Sequence[Shadow]) -> list[arb]:
        return [formula_along(gradients, way)[0] for way in ways]

    def changed(mend: Mend) -> list[arb] | None:
        try:
            return along(subject.balls(Reading.RECOGNISED, mend=mend).gradient_shadows)
        except TraceEndedError:
            return None

    try:
        truth = [
            truth_along(subject.derivative(way, Reading.RECOGNISED)[0], subject.cotangents)[0] for way in ways
        ]
        run = subject.balls(Reading.RECOGNISED, recording=True)
    except TraceEndedError:
        return None

    def terms() -> Iterator[tuple[str, str, list[arb]]]:
        steps = [Step(0, subject.name(k), "", exact(x)) for k, x in enumerate(inputs)] + run.trace.recorded
        for k, x in enumerate(inputs):
            for term, shadow in _results(steps, x.shape):
                yield subject.name(k), term, [formula_along([shadow], [way[k]])[0] for way in ways]

    mending = Mending(truth, along(run.gradient_shadows), changed, run.trace.recorded, terms)
    return mending.cause(min(MOST_RUNS, MOST_NUMBERS // max(run.trace.scalars, 1)))


def _results(steps: Sequence[Step], shape: tuple[int, ...]) -> Iterator[tuple[str, Shadow]]:
    """Yield the results of a shape, and the products of two that have it, in words and as shadows."""
    fit = [step for step in steps if _broadcast(step.shadow.shape, shape) == shape]
    for step in fit:
        if step.shadow.shape == shape:
            yield str(step), step.shadow
    pairs = len(fit) * (len(fit) + 1) // 2
    if pairs * math.prod(shape) > MOST_NUMBERS:
        return
    for first, second in itertools.combinations_with_replacement(fit, 2):
        if _broadcast(first.shadow.shape, second.shadow.shape) == shape:
            yield f"{first} times {second}", apply("multiply", first.shadow, second.shadow)


def _broadcast(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...] | None:
    try:
        return np.broadcast_shapes(first, second)
    except ValueError:
        return None
