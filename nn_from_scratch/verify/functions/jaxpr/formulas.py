"""The formulas of a function and of its gradient, compared exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.jaxpr.computing import COMPUTING
from nn_from_scratch.verify.functions.jaxpr.deciding import DECIDING
from nn_from_scratch.verify.functions.jaxpr.interpreter import Constant, Interpreter, Meaning, Widening
from nn_from_scratch.verify.functions.jaxpr.linear import LINEAR
from nn_from_scratch.verify.functions.jaxpr.moving import MOVING
from nn_from_scratch.verify.functions.jaxpr.question import Question, numbers, precision
from nn_from_scratch.verify.functions.jaxpr.rounding import radii, rounded
from nn_from_scratch.verify.functions.tracing.constants import Reading, decimal, significant
from nn_from_scratch.verify.functions.tracing.rules import (
    Comparison,
    Rules,
    compare,
    judge,
    moved_by_rounding,
)
from nn_from_scratch.verify.functions.tracing.shadows import (
    Shadow,
    exact,
    exactly_computing,
    joined,
    nearest,
    series,
    values,
)
from nn_from_scratch.verify.judging.tolerance import MARGIN

MEANINGS: dict[str, Meaning] = {**COMPUTING, **DECIDING, **LINEAR, **MOVING}
"""Of every primitive that is traced."""

FITTED = 7
"""Significant digits from which on a constant looks like one of a fitted formula."""

MANY = 4
"""Steps from which on a loop may iterate to a limit."""

NONE: Mapping[Constant, arb] = MappingProxyType({})
"""No constant that is read in another way."""


@dataclass(frozen=True)
class Replay:
    """The numbers of a run, the balls that must hold them, and the comparisons that rounding may turn."""

    found: list[Any]
    balls: list[Shadow]
    kinks: list[str]

    @property
    def refutes(self) -> bool:
        """Whether a number is not in its ball: what was traced is not what runs."""
        return any(
            (np.isfinite(got) & (np.abs(got - nearest(ball)) > MARGIN * radii(ball))).any()
            for got, ball in zip(self.found, self.balls, strict=True)
        )

    def difference(self) -> str | None:
        """Say why this is no proof that what was traced is what runs; a trace counts only after one."""
        if self.kinks:
            return f"rounding may turn a comparison: {self.kinks[0]}"
        for got, ball in zip(self.found, self.balls, strict=True):
            middle, tolerance = nearest(ball), MARGIN * radii(ball)
            if not (np.isfinite(got) & np.isfinite(middle) & np.isfinite(tolerance)).all():
                return "a number is not finite, or beyond what rounding leaves of it"
            if (np.abs(got - middle) > tolerance).any():
                return (
                    f"what ran gives other numbers than what was traced, by {np.abs(got - middle).max():.3g}"
                )
        return None


@dataclass
class Trace:
    """The jaxprs of a function and of one way to differentiate it, at one precision."""

    question: Question
    primal: Any
    derived: Any
    outputs: int
    derivative: Callable[..., Any]
    wide: bool
    kinks: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    arrays: bool = False
    unrecognised: dict[Constant, arb] = field(default_factory=dict)
    primitives: set[str] = field(default_factory=set)
    approximates: str | None = None
    """Why the function may approximate what its derivative is the derivative of."""
    refuted: bool = False
    """Whether a replay has shown that this is not what runs: then it says nothing about numbers either."""

    def primal_values(
        self, reading: Reading, inputs: Sequence[Shadow], replaced: Mapping[Constant, arb] = NONE
    ) -> list[Shadow]:
        """Run the function over shadows of its inputs."""
        interpreter = Interpreter(MEANINGS, reading, replaced=replaced)
        found = self._run(self.primal, interpreter, inputs)
        self.approximates = _approximation(self.primal, interpreter)
        return found

    def derived_values(
        self,
        reading: Reading,
        seeds: Sequence[Any],
        replaced: Mapping[Constant, arb] = NONE,
        rounding: Widening | None = None,
    ) -> tuple[list[Shadow], list[Shadow]]:
        """Run the derivative over balls: outputs, and gradients of cotangents or tangents of directions."""
        given = [exact(x) for x in (*self.question.numbers(), *seeds)]
        found = self._run(self.derived, Interpreter(MEANINGS, reading, rounding, replaced=replaced), given)
        return found[: self.outputs], found[self.outputs :]

    def replay(self, seeds: Sequence[Any]) -> Replay:
        """Run what was traced as JAX does, beside balls that hold what rounding may make of it."""
        with precision(wide=self.wide):
            given = [*self.question.numbers(), *seeds]
            arrays = [jnp.asarray(x, y.dtype) for x, y in zip(given, self.derived.in_avals, strict=True)]
            found = [*self.question.function(*arrays[: len(self.question.point)]), *self.derivative(*arrays)]
        interpreters = [Interpreter(MEANINGS, Reading.LITERAL, rounded) for _ in range(2)]
        exactly = [exact(x) for x in self.question.numbers()]
        with exactly_computing(), precision(wide=True):
            balls = interpreters[0].run_closed(self.primal, exactly)
            balls += interpreters[1].run_closed(self.derived, [*exactly, *map(exact, seeds)])
        return Replay([numbers(x) for x in found], balls, [*interpreters[0].kinks, *interpreters[1].kinks])

    def _run(self, closed: Any, interpreter: Interpreter, inputs: Sequence[Shadow]) -> list[Shadow]:
        with precision(wide=True):  # the integers' types are those of the jaxpr
            found = interpreter.run_closed(closed, list(inputs))
        self.kinks += interpreter.kinks
        self.tables += interpreter.tables
        self.unrecognised |= interpreter.unrecognised
        self.arrays = self.arrays or interpreter.arrays
        self.primitives |= interpreter.primitives
        return found


def _approximation(primal: Any, interpreter: Interpreter) -> str | None:
    """Say why a function may be an approximation, whose own derivative nobody means."""
    if "while" in interpreter.primitives or _iterates(primal.jaxpr):
        return "it may iterate to a limit"
    many = [number for number, dtype in interpreter.numbers if significant(decimal(number, dtype)) >= FITTED]
    if len(many) >= 3:
        return f"it has the constants of a fitted formula, {min(many)!r} among them"
    return "it uses a table of numbers" if interpreter.arrays else None


def _iterates(jaxpr: Any) -> bool:
    """Whether a loop of many steps that reads no sequence is somewhere in a jaxpr."""
    for equation in jaxpr.eqns:
        parameters = equation.params
        if equation.primitive.name == "scan":
            read = len(equation.invars) - parameters["num_consts"] - parameters["num_carry"]
            if parameters["length"] >= MANY and read == 0:
                return True
        for x in parameters.values():
            inner = getattr(x, "jaxpr", x)
            if hasattr(inner, "eqns") and _iterates(inner):
                return True
    return False


def trace(question: Question, derivative: Callable[..., Any], *, wide: bool, by_outputs: bool) -> Trace:
    """Trace a function and one derivative, whose further arguments are like the outputs or the inputs."""
    with precision(wide=wide):
        inputs, outputs = question.structures(wide=wide), question.outputs(wide=wide)
        seeds = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in outputs] if by_outputs else inputs
        primal = jax.make_jaxpr(question.function)(*inputs)
        derived = jax.make_jaxpr(derivative)(*inputs, *seeds)
    return Trace(question, primal, derived, len(outputs), derivative, wide)


Values = Callable[[Reading, Mapping[Constant, arb]], Sequence[Shadow]]


@dataclass(frozen=True)
class Formulas:
    """Two formulas for one number: the slopes of the one, weighed, and the values of the other, weighed."""

    traced: Trace
    truth: Values
    formula: Values
    truth_weights: Sequence[Any]
    formula_weights: Sequence[Any]

    def compare(self, dtype: str) -> Rules:
        """Judge the one by the other."""
        with exactly_computing():
            return judge(
                lambda reading: self.truth(reading, {}),
                lambda reading: self.formula(reading, {}),
                self.truth_weights,
                self.formula_weights,
                dtype=dtype,
                rounding=self._rounding,
            )

    def _rounding(self) -> tuple[Comparison, arb] | None:
        """Compare with each constant at one number, and bound what the rounding of the others changes."""
        if self.traced.arrays:
            return None  # their entries are rounded one by one
        return moved_by_rounding(self._compared, self.traced.unrecognised)

    def _compared(self, replaced: Mapping[Constant, arb]) -> Comparison:
        truth = self.truth(Reading.RECOGNISED, replaced)
        formula = self.formula(Reading.RECOGNISED, replaced)
        return compare(truth, self.truth_weights, formula, self.formula_weights)


def derivatives(traced: Trace, mode: str, outputs: Sequence[Any], inputs: Sequence[Any]) -> Formulas:
    """Return a gradient's formula (mode "rev"), or a tangent's, beside the derivative."""
    given = [series(x, d) for x, d in zip(traced.question.numbers(), inputs, strict=True)]
    seeds, weights = (outputs, inputs) if mode == "rev" else (inputs, outputs)

    def truth(reading: Reading, replaced: Mapping[Constant, arb]) -> Sequence[Shadow]:
        return traced.primal_values(reading, given, replaced)

    def formula(reading: Reading, replaced: Mapping[Constant, arb]) -> Sequence[Shadow]:
        return traced.derived_values(reading, seeds, replaced)[1]

    return Formulas(traced, truth, formula, outputs, weights)


def own_values(traced: Trace, mode: str, outputs: Sequence[Any], inputs: Sequence[Any]) -> Formulas:
    """Return the value that a derivative's rule computes, beside the function's own: they may differ."""
    given = [exact(x) for x in traced.question.numbers()]
    seeds = outputs if mode == "rev" else inputs

    def truth(reading: Reading, replaced: Mapping[Constant, arb]) -> Sequence[Shadow]:
        found = traced.primal_values(reading, given, replaced)
        return [joined(values(x), values(x)) for x in found]  # slopes are what is compared

    def formula(reading: Reading, replaced: Mapping[Constant, arb]) -> Sequence[Shadow]:
        return traced.derived_values(reading, seeds, replaced)[0]

    return Formulas(traced, truth, formula, outputs, outputs)


def derived_by(traced: Trace, seeds: Sequence[Any]) -> list[Shadow]:
    """Return gradients or tangents as balls that hold what rounding may make of the formula."""
    with exactly_computing():
        return traced.derived_values(Reading.LITERAL, seeds, rounding=rounded)[1]
