"""The formulas of a function and of one way to differentiate it, traced and run exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.jaxpr.approximations import approximation
from nn_from_scratch.verify.functions.jaxpr.complexes import by_kind
from nn_from_scratch.verify.functions.jaxpr.computing import COMPUTING
from nn_from_scratch.verify.functions.jaxpr.deciding import DECIDING
from nn_from_scratch.verify.functions.jaxpr.factoring import FACTORING
from nn_from_scratch.verify.functions.jaxpr.interpreter import (
    LIMIT,
    Call,
    Constant,
    Interpreter,
    Meaning,
    NotTracedError,
    TooLongError,
    Widening,
    is_shadow,
)
from nn_from_scratch.verify.functions.jaxpr.linear import LINEAR
from nn_from_scratch.verify.functions.jaxpr.lines import lines_of_rules
from nn_from_scratch.verify.functions.jaxpr.moving import MOVING
from nn_from_scratch.verify.functions.jaxpr.question import Question, numbers, precision
from nn_from_scratch.verify.functions.jaxpr.rounding import radii, rounded
from nn_from_scratch.verify.functions.jaxpr.sizes import scalars
from nn_from_scratch.verify.functions.jaxpr.windows import WINDOWS
from nn_from_scratch.verify.functions.rows import first_line
from nn_from_scratch.verify.functions.tracing.constants import Reading
from nn_from_scratch.verify.functions.tracing.moving import of_input, series_of_input
from nn_from_scratch.verify.functions.tracing.places import moved_to
from nn_from_scratch.verify.functions.tracing.repetition import Repetitions
from nn_from_scratch.verify.functions.tracing.shadows import (
    Shadow,
    exact,
    exactly_computing,
    nearest,
)
from nn_from_scratch.verify.judging.rounded_numbers import MARGIN

MEANINGS: dict[str, Meaning] = by_kind({**COMPUTING, **DECIDING, **FACTORING, **LINEAR, **MOVING, **WINDOWS})
"""Of every primitive that is traced."""

KEPT = 8
"""Runs that are kept: of function and derivative, by four readings."""

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
        for got, ball in zip(self.found, self.balls, strict=True):
            middle = nearest(ball)
            finite = np.isfinite(got) & np.isfinite(middle)
            if (np.abs(got[finite] - middle[finite]) > MARGIN * radii(ball)[finite]).any():
                return True
        return False

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


@dataclass(frozen=True)
class Rounded:
    """Balls that hold what rounding may make of outputs and derivatives, and comparisons it may turn."""

    outputs: list[Shadow]
    derivatives: list[Shadow]
    kinks: list[str]


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
    undefined: list[str] = field(default_factory=list)
    ambiguous: bool = False
    """Whether JAX does not define what the function itself computes."""
    tables: set[str] = field(default_factory=set)
    arrays: bool = False
    unrecognised: dict[Constant, arb] = field(default_factory=dict)
    primitives: set[str] = field(default_factory=set)
    scalars: int = 0
    """How many numbers a run computes."""
    approximates: str | None = None
    """Why the function may approximate what its derivative is the derivative of."""
    switches: list[str] = field(default_factory=list)
    """Where the function selects between two formulas that are nearly alike, each as often as it does."""
    taking: tuple[str, int] | None = None
    """Such a place, and of which formula its derivative is taken wherever both are."""
    at_ties: int = 0
    """What equal numbers that move apart are taken for by the function: see `Interpreter`."""
    by_choice: bool = False
    """Whether the formulas are equal at a kink, by one choice at all of them."""
    near_a_limit: bool = False
    """Whether the steps that an iteration did not take may explain by how much the formulas differ."""
    differs: bool = False
    """Whether the formulas differ by what the rounding of constants may explain."""
    refuted: bool = False
    """Whether a replay has shown that this is not what runs: then it says nothing about numbers either."""
    alone: str | None = None
    """Why the derivative is right at this point alone, if it is."""
    replayed: Rounded | None = None
    """What rounding may make of the derivative, once that was asked."""

    formats: dict[str, Call] = field(default_factory=dict)
    """The dtypes that the derivative is computed in, with the first operation of each."""
    numbers: set[Constant] = field(default_factory=set)
    """The scalar constants of the derivative."""
    plain_numbers: set[Constant] = field(default_factory=set)
    """Those of the function."""
    _known: dict[Any, list[Shadow]] = field(default_factory=dict)

    def primal_values(
        self, reading: Reading, directions: Sequence[Any], replaced: Mapping[Constant, arb] = NONE
    ) -> list[Shadow]:
        """Run the function over series along directions of its inputs."""
        key = (
            "primal",
            reading,
            self.taking,
            self.at_ties,
            moved_to(),
            *(np.asarray(x).tobytes() for x in directions),
        )
        if not replaced and key in self._known:
            return self._known[key]
        interpreter = Interpreter(MEANINGS, reading, replaced=replaced, switches=[])
        interpreter.taking, interpreter.at_ties = self.taking, self.at_ties
        given = [series_of_input(x, d) for x, d in zip(self.question.numbers(), directions, strict=True)]
        found = self._run(self.primal, interpreter, given)
        self.approximates = approximation(self.primal, interpreter)
        self.switches = interpreter.switches or []
        self.ambiguous = self.ambiguous or bool(interpreter.undefined)
        self.plain_numbers |= interpreter.numbers
        self._keep(key, found, replaced)
        return found

    def _keep(self, key: Any, found: list[Shadow], replaced: Mapping[Constant, arb]) -> None:
        """Keep a run: the same is asked for several times. A search for wrong places is not kept."""
        if not replaced and len(self._known) < KEPT:
            self._known[key] = found

    def derived_values(
        self,
        reading: Reading,
        seeds: Sequence[Any],
        replaced: Mapping[Constant, arb] = NONE,
        changing: Widening | None = None,
    ) -> tuple[list[Shadow], list[Shadow]]:
        """Run the derivative over balls: outputs, and gradients of cotangents or tangents of directions.

        Some constants may be replaced, and results of operations changed.
        """
        key = ("derived", reading, moved_to(), *(np.asarray(x).tobytes() for x in seeds))
        found = None if replaced or changing else self._known.get(key)
        if found is None:
            interpreter = Interpreter(MEANINGS, reading, changing, replaced=replaced)
            found = self._run(self.derived, interpreter, self._given(seeds))
            self.formats = interpreter.formats | self.formats
            self.numbers |= interpreter.numbers
            if changing is None:
                self._keep(key, found, replaced)
        return found[: self.outputs], found[self.outputs :]

    def _given(self, seeds: Sequence[Any]) -> list[Shadow]:
        return [*map(of_input, self.question.numbers()), *map(exact, seeds)]

    @property
    def precision(self) -> str:
        """The precision that it is run in."""
        return "float64" if self.wide else "its own dtype"

    def what_rounding_does(self, seeds: Sequence[Any]) -> Rounded:
        """Return what `rounded_values` does, of which there is one for a replay and for the numbers."""
        if self.replayed is None:
            self.replayed = self.rounded_values(seeds)
        return self.replayed

    def rounded_values(
        self, seeds: Sequence[Any], rounding: Widening = rounded, *, limit: int = LIMIT
    ) -> Rounded:
        """Run the derivative over balls that hold what rounding may make of outputs and gradients."""
        interpreter = Interpreter(MEANINGS, Reading.LITERAL, rounding, limit=limit)
        with exactly_computing(), precision(wide=True):
            found = interpreter.run_closed(self.derived, self._given(seeds))
        return Rounded(found[: self.outputs], found[self.outputs :], interpreter.kinks)

    def repetitions(self) -> Repetitions:
        """Run the function, and return what it gave again and again."""
        found = Repetitions()

        def note(call: Call, results: list[Any]) -> list[Any]:
            for x in results:
                if is_shadow(x) and call.line and not call.is_complex:
                    found.note(call.line, call.name, nearest(x))
            return results

        interpreter = Interpreter(MEANINGS, Reading.LITERAL, note)
        with exactly_computing(), precision(wide=True):
            interpreter.run_closed(self.primal, [exact(x) for x in self.question.numbers()])
        return found

    def replay(self, seeds: Sequence[Any]) -> Replay:
        """Run what was traced as JAX does, beside balls that hold what rounding may make of it."""
        with precision(wide=self.wide):
            given = [*self.question.numbers(), *seeds]
            arrays = [_as_traced(x, y) for x, y in zip(given, self.derived.in_avals, strict=True)]
            inputs = arrays[: len(self.question.point)]
            try:
                found = [*self.question.primal(*inputs), *self.derivative(*arrays)]
            except jax.errors.JaxRuntimeError as error:  # JAX may mistake the dtype of numpy's constants
                raise NotTracedError(
                    f"JAX does not run it in {self.precision}: {first_line(error)}"
                ) from error
        interpreter = Interpreter(MEANINGS, Reading.LITERAL, rounded)
        with exactly_computing(), precision(wide=True):
            balls = interpreter.run_closed(self.primal, [exact(x) for x in self.question.numbers()])
        derived = self.what_rounding_does(seeds)
        balls += [*derived.outputs, *derived.derivatives]
        return Replay([numbers(x) for x in found], balls, [*interpreter.kinks, *derived.kinks])

    def _run(self, closed: Any, interpreter: Interpreter, inputs: Sequence[Shadow]) -> list[Shadow]:
        if scalars(closed) > LIMIT:
            raise TooLongError
        with precision(wide=True):  # the integers' types are those of the jaxpr
            found = interpreter.run_closed(closed, list(inputs))
        self.kinks += interpreter.kinks
        self.undefined += interpreter.undefined
        self.tables |= interpreter.tables
        self.unrecognised |= interpreter.unrecognised
        self.arrays = self.arrays or interpreter.arrays
        self.primitives |= interpreter.primitives
        self.scalars = max(self.scalars, interpreter.operations)
        return found


def _as_traced(x: Any, traced: Any) -> Any:
    """Return an array as it was traced; a number of weak type stays one, or what it meets is another."""
    weak = traced.weak_type and not traced.ndim
    return jnp.asarray(float(x)) if weak else jnp.asarray(x, traced.dtype)


def trace(question: Question, derivative: Callable[..., Any], *, wide: bool, by_outputs: bool) -> Trace:
    """Trace a function and one derivative, whose further arguments are like the outputs or the inputs."""
    with precision(wide=wide):
        inputs, outputs = question.structures(wide=wide), question.outputs(wide=wide)
        seeds = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in outputs] if by_outputs else inputs
        primal = jax.make_jaxpr(question.primal)(*inputs)
        with lines_of_rules():
            derived = jax.make_jaxpr(derivative)(*inputs, *seeds)
    return Trace(question, primal, derived, len(outputs), derivative, wide)
