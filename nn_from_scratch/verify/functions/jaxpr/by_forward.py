"""The numbers of a JAX gradient whose code is not traced, by the formula of its function, which is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.jaxpr.approximations import approximation
from nn_from_scratch.verify.functions.jaxpr.formulas import MEANINGS, Replay, Trace
from nn_from_scratch.verify.functions.jaxpr.interpreter import (
    LIMIT,
    Interpreter,
    NotTracedError,
    TooLongError,
)
from nn_from_scratch.verify.functions.jaxpr.measured import Measured
from nn_from_scratch.verify.functions.jaxpr.plain import primitives
from nn_from_scratch.verify.functions.jaxpr.question import numbers, precision
from nn_from_scratch.verify.functions.jaxpr.rounding import rounded
from nn_from_scratch.verify.functions.jaxpr.sizes import scalars
from nn_from_scratch.verify.functions.rows import first_line
from nn_from_scratch.verify.functions.tracing.approximations import excused
from nn_from_scratch.verify.functions.tracing.around import is_known_around
from nn_from_scratch.verify.functions.tracing.by_forward import (
    STREAM,
    ByForward,
    Directions,
    no_derivative,
    numbers_by_formula,
)
from nn_from_scratch.verify.functions.tracing.constants import UNIT, Reading
from nn_from_scratch.verify.functions.tracing.rules import Comparison, compare, drawn, truth_along
from nn_from_scratch.verify.functions.tracing.shadows import (
    Numbers,
    Shadow,
    exact,
    exactly_computing,
    series,
)
from nn_from_scratch.verify.functions.tracing.smoothness import is_smooth

_PASSES = 10  # over the forward, about
_STEPS = frozenset(["floor", "ceil", "round"])
_DECIDING = frozenset(["argmax", "argmin", "cond", "convert_element_type", "select_n", "sign"])
"""Primitives by which a function may decide more than which of two formulas holds."""


def numbers_by_forward(traced: Trace, cotangents: Sequence[Any], seed: int) -> ByForward:
    """Judge the numbers of a gradient in float64 by the derivative of its forward's formula.

    Parameters
    ----------
    traced
        The jaxprs in float64, of which that of the derivative cannot be run over shadows.
    cotangents
        One for each output.
    seed
        Which direction.

    """
    if _PASSES * scalars(traced.primal) > LIMIT:
        return ByForward(None, f"not traced: {TooLongError()}")
    try:
        with exactly_computing(), np.errstate(all="ignore"):
            return _judged(traced, cotangents, seed)
    except NotTracedError as reason:
        return ByForward(None, f"not traced: {reason}")
    except Exception as error:  # noqa: BLE001  whatever a function does not like about other points
        return ByForward(None, f"it raises {type(error).__name__}: {first_line(error)}")


def _judged(traced: Trace, cotangents: Sequence[Any], seed: int) -> ByForward:
    draw = np.random.default_rng([seed, STREAM])
    point = traced.question.numbers()
    directions = [drawn(draw, x.shape) for x in point]
    given = [np.asarray(c, dtype=np.float64) for c in cotangents]
    forward = _Forward(traced, Measured(traced.question, "rev", given), directions, seed)
    differs = forward.replay()
    if differs is not None:
        return ByForward(None, differs)
    series, _ = forward.run(point, directions, Reading.RECOGNISED)
    steps = [name for name in primitives(traced.primal) if name in _STEPS]
    return no_derivative(series, steps) or numbers_by_formula(forward)


@dataclass(frozen=True)
class _Forward:
    """The jaxpr of a function, which is run over series, and the numbers of its gradient."""

    traced: Trace
    measured: Measured
    directions: Directions
    seed: int

    @property
    def gradients(self) -> Sequence[Numbers]:
        return self._gradients(self.traced.question.numbers())

    def _gradients(self, point: Sequence[Numbers]) -> Sequence[Numbers]:
        found = self.measured.gradient(*point)
        return found if isinstance(found, list) else [found]

    @property
    def operations(self) -> int:
        return self.run(self.traced.question.numbers(), self.directions, Reading.LITERAL)[1].operations

    @property
    def result_unit(self) -> float:
        return UNIT["float64"]

    @property
    def coarsest_unit(self) -> float:
        formats = self.run(self.traced.question.numbers(), self.directions, Reading.LITERAL)[1].formats
        return max([self.result_unit, *(UNIT[name] for name in formats if name in UNIT)])

    def run(
        self, point: Sequence[Numbers], directions: Directions, reading: Reading
    ) -> tuple[list[Shadow], Interpreter]:
        """Run the function over series along directions."""
        interpreter = Interpreter(MEANINGS, reading)
        given = [series(x, d) for x, d in zip(point, directions, strict=True)]
        with precision(wide=True):
            return interpreter.run_closed(self.traced.primal, given), interpreter

    def replay(self) -> str | None:
        """Say why what is run may not be what was traced, if so."""
        point = self.traced.question.numbers()
        interpreter = Interpreter(MEANINGS, Reading.LITERAL, rounded)
        with precision(wide=True):
            balls = interpreter.run_closed(self.traced.primal, [exact(x) for x in point])
            found = self.traced.question.primal(*map(jnp.asarray, point))
        return Replay([numbers(x) for x in found], balls, interpreter.kinks).difference()

    def derivative(self, directions: Directions, reading: Reading) -> tuple[arb, str | None]:
        outputs, interpreter = self.run(self.traced.question.numbers(), directions, reading)
        truth, _ = truth_along(outputs, self.measured.cotangents)
        return truth, f"a kink: {interpreter.kinks[0]}" if interpreter.kinks else None

    def is_known_around(self, directions: Directions, error: float) -> bool:
        def derivative(point: Sequence[Numbers]) -> arb:
            outputs, _ = self.run(point, directions, Reading.LITERAL)
            return truth_along(outputs, self.measured.cotangents)[0]

        point = self.traced.question.numbers()
        rng = np.random.default_rng([self.seed, STREAM, 1])
        return is_known_around(
            derivative, point, [float(np.finfo(np.float64).eps)] * len(point), error, tied=True, rng=rng
        )

    def name(self, which: int) -> str:
        return self.traced.question.names[which]

    def excuse(self, relative: float) -> str | None:
        found = set(primitives(self.traced.primal))
        deciding = sorted(found & _DECIDING)
        if deciding:
            return f"its numbers decide what it computes ({deciding[0]})"
        _, interpreter = self.run(self.traced.question.numbers(), self.directions, Reading.LITERAL)
        approximates = approximation(self.traced.primal, interpreter)
        return excused(relative, self.traced.repetitions(), approximates)

    def difference_is_smooth(self) -> bool:
        draw = np.random.default_rng([self.seed, STREAM, 2])
        rays = [draw.uniform(0.5, 1, x.shape) for x in self.traced.question.numbers()]
        return is_smooth(lambda distance: self._compared_along(rays, distance), draw)

    def _compared_along(self, rays: Sequence[Numbers], distance: float) -> Comparison:
        pairs = zip(self.traced.question.numbers(), rays, strict=True)
        point = [x * (1 - distance * ray) for x, ray in pairs]
        outputs, _ = self.run(point, self.directions, Reading.LITERAL)
        gradients = [exact(x) for x in self._gradients(point)]
        return compare(outputs, self.measured.cotangents, gradients, self.directions)
