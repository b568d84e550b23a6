"""The formulas of a function and of its gradient, compared exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax

from nn_from_scratch.verify.functions.jaxpr.computing import COMPUTING
from nn_from_scratch.verify.functions.jaxpr.deciding import DECIDING
from nn_from_scratch.verify.functions.jaxpr.interpreter import Interpreter, Meaning
from nn_from_scratch.verify.functions.jaxpr.linear import LINEAR
from nn_from_scratch.verify.functions.jaxpr.moving import MOVING
from nn_from_scratch.verify.functions.jaxpr.question import Question, precision
from nn_from_scratch.verify.functions.jaxpr.rounding import Rounding
from nn_from_scratch.verify.functions.tracing.constants import Reading
from nn_from_scratch.verify.functions.tracing.rules import Rules, judge
from nn_from_scratch.verify.functions.tracing.shadows import (
    Shadow,
    exact,
    exactly_computing,
    joined,
    series,
)

MEANINGS: dict[str, Meaning] = {**COMPUTING, **DECIDING, **LINEAR, **MOVING}
"""Of every primitive that is traced."""


@dataclass
class Trace:
    """The jaxprs of a function and of one way to differentiate it, at one precision."""

    question: Question
    primal: Any
    derived: Any
    outputs: int
    kinks: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    primitives: dict[str, int] = field(default_factory=dict)

    def primal_values(self, reading: Reading, inputs: Sequence[Shadow]) -> list[Shadow]:
        """Run the function over shadows of its inputs."""
        return self._run(self.primal, reading, inputs)

    def derived_values(
        self, reading: Reading, seeds: Sequence[Any], rounding: Rounding | None = None
    ) -> tuple[list[Shadow], list[Shadow]]:
        """Run the derivative over balls: outputs, and gradients of cotangents or tangents of directions."""
        given = [exact(x) for x in (*self.question.numbers(), *seeds)]
        found = self._run(self.derived, reading, given, rounding)
        return found[: self.outputs], found[self.outputs :]

    def _run(
        self, closed: Any, reading: Reading, inputs: Sequence[Shadow], rounding: Rounding | None = None
    ) -> list[Shadow]:
        interpreter = Interpreter(MEANINGS, reading, rounding)
        with precision(wide=True):  # the integers' types are those of the jaxpr
            found = interpreter.run_closed(closed, list(inputs))
        self.kinks += interpreter.kinks
        self.tables += interpreter.tables
        for name, count in interpreter.primitives.items():
            self.primitives[name] = self.primitives.get(name, 0) + count
        return found


def trace(question: Question, derivative: Callable[..., Any], *, wide: bool, by_outputs: bool) -> Trace:
    """Trace a function and one derivative, whose further arguments are like the outputs or the inputs."""
    with precision(wide=wide):
        inputs, outputs = question.structures(wide=wide), question.outputs(wide=wide)
        seeds = outputs if by_outputs else inputs
        seeds = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in seeds] if by_outputs else inputs
        primal = jax.make_jaxpr(question.function)(*inputs)
        derived = jax.make_jaxpr(derivative)(*inputs, *seeds)
    return Trace(question, primal, derived, len(outputs))


def compare_reverse(traced: Trace, cotangents: Sequence[Any], directions: Sequence[Any], dtype: str) -> Rules:
    """Compare a gradient's formula with the derivative."""
    points = traced.question.numbers()

    def derivative(reading: Reading) -> list[Shadow]:
        return traced.primal_values(reading, [series(x, d) for x, d in zip(points, directions, strict=True)])

    def gradients(reading: Reading) -> list[Shadow]:
        return traced.derived_values(reading, cotangents)[1]

    with exactly_computing():
        return judge(derivative, gradients, cotangents, directions, dtype)


def compare_forward(traced: Trace, cotangents: Sequence[Any], directions: Sequence[Any], dtype: str) -> Rules:
    """Compare a tangent's formula with the derivative."""
    points = traced.question.numbers()

    def derivative(reading: Reading) -> list[Shadow]:
        return traced.primal_values(reading, [series(x, d) for x, d in zip(points, directions, strict=True)])

    def tangents(reading: Reading) -> list[Shadow]:
        return traced.derived_values(reading, directions)[1]

    with exactly_computing():
        return judge(derivative, tangents, cotangents, cotangents, dtype)


def compare_values(traced: Trace, seeds: Sequence[Any], weights: Sequence[Any], dtype: str) -> Rules:
    """Compare the value that a derivative's rule computes with the function's own, which may differ."""
    points = traced.question.numbers()

    def own(reading: Reading) -> list[Shadow]:
        found = traced.primal_values(reading, [exact(x) for x in points])
        return [joined(x, x) for x in found]  # `judge` compares slopes

    def by_rule(reading: Reading) -> list[Shadow]:
        return traced.derived_values(reading, seeds)[0]

    with exactly_computing():
        return judge(own, by_rule, weights, weights, dtype)


def derived_by(traced: Trace, seeds: Sequence[Any]) -> list[Shadow]:
    """Return gradients or tangents as balls that hold what rounding may make of the formula."""
    with exactly_computing():
        return traced.derived_values(Reading.LITERAL, seeds, Rounding(MEANINGS))[1]
