"""The examination of one forward and backward at one point, by its runs under the tracer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.tracing.arrays.blame import blamed_operation
from nn_from_scratch.verify.functions.tracing.arrays.causes import explaining_constant, wrong_places
from nn_from_scratch.verify.functions.tracing.arrays.runs import Pass, Subject
from nn_from_scratch.verify.functions.tracing.arrays.trace import KINK, Constant, Trace, TraceEndedError
from nn_from_scratch.verify.functions.tracing.constants import Reading, unit_roundoff
from nn_from_scratch.verify.functions.tracing.local import LocalCheck
from nn_from_scratch.verify.functions.tracing.rules import (
    Comparison,
    Rule,
    Rules,
    compare,
    judge,
    moved_by_rounding,
)
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow, has_series, nearest, value
from nn_from_scratch.verify.judging.verdicts import Verdict

PLAIN_TO_SEE = 1e-2
"""A difference that no approximation in a forward explains, relative to the derivative, unless it is
stopped before it has what it computes."""

NOTHING = 2.0**-64
"""A difference, relative to the derivative, that a formula for large numbers may leave out on purpose."""

REACH = 0.3
"""How far, relatively, the points are along which a small difference must be smooth."""

POINTS = 17
"""How many they are, the point asked included: more than a cubic has coefficients."""

ROUGH = 0.01
"""What a cubic may leave of a smooth difference, relative to its largest: of one period of an oscillation it
leaves more."""

ELSEWHERE = 0.1
"""How far, relatively, the point is at which constants must fit that only rounding reconciles."""

NEARBY = 2.0**-12
"""How far the second point of the replay is, relative to each number."""


@dataclass(frozen=True, slots=True)
class Along:
    """A derivative along a direction: by the gradient's numbers, exactly, and what rounding explains."""

    got: float
    expected: float
    interval: float
    size: float


@dataclass
class Examination:
    """What is found of a subject; `run` fills it in, or raises where the trace does not count."""

    subject: Subject
    seed: int
    scalar: bool = False
    rules: Rules = field(init=False)
    verdict: Verdict = field(init=False)
    message: str = field(default="", init=False)
    units: float = field(default=0.0, init=False)
    local_units: float = field(default=0.0, init=False)
    operations: int = field(default=0, init=False)
    notes: list[str] = field(default_factory=list, init=False)
    causes: list[str] = field(default_factory=list, init=False)
    unsure: str | None = field(default=None, init=False)
    loses_digits: bool = field(default=False, init=False)
    named: bool = field(default=False, init=False)
    along: Along | None = field(default=None, init=False)
    _forwards: dict[Reading, tuple[list[Shadow], Trace]] = field(default_factory=dict, init=False)
    _passes: dict[Reading, Pass] = field(default_factory=dict, init=False)

    @property
    def numbers(self) -> set[float]:
        """The single numbers that forward and backward were written with."""
        return {x for found in self._passes.values() for x in found.trace.written}

    def run(self) -> None:
        """Trace, replay, check locally, judge the formula, then the numbers."""
        subject = self.subject
        inputs = subject.differentiated
        if not inputs or not all(np.isfinite(x).all() for x in inputs):
            raise TraceEndedError("no input is an array of finite numbers of floating point")
        rng = np.random.default_rng(self.seed)
        self.directions = [_drawn(rng, x.shape) for x in inputs]
        self._draw_cotangents(rng)
        rehearsed = subject.rehearse()
        if subject.watch is not None:
            subject.watch.expect(rehearsed.scalars)
        local = LocalCheck()
        self._passes[Reading.RECOGNISED] = balls = subject.balls(Reading.RECOGNISED, local)
        self.operations = balls.trace.scalars
        plain = self._asked(subject)
        _check_replay(plain, balls)
        _check_replay(plain, self._asked(subject), "asked twice, it gives two results: not deterministic")
        self._check_nearby(balls.trace)
        if local.failed is not None:
            found = local.failed
            raise TraceEndedError(
                f"{found.operation} gives numbers that are {found.units:.3g} roundings from its exact value "
                f"({found.line}): the trace may not be of what is computed"
            )
        self.local_units = local.largest.units if local.largest is not None else 0.0
        dtype = str(balls.gradients[0].dtype) if balls.gradients else "float64"
        self.rules = judge(
            self._derivative,
            self._gradients,
            subject.cotangents,
            self.directions,
            dtype=dtype,
            rounding=self._rounding,
        )
        if self.rules.rule is Rule.ROUNDED:
            self._check_constants(dtype)
        self._decide(plain, balls)
        self.along = self._along(plain)

    def _draw_cotangents(self, rng: np.random.Generator) -> None:
        outputs = self._asked(self.subject, "the function").outputs
        if self.scalar:
            if len(outputs) != 1 or outputs[0].size != 1:
                raise TraceEndedError("the function returns no single number")
            self.subject.cotangents = [np.ones(outputs[0].shape, _floating(outputs[0]))]
        else:
            self.subject.cotangents = [_drawn(rng, y.shape).astype(_floating(y)) for y in outputs]

    def _asked(self, subject: Subject, who: str = "it") -> Pass:
        try:
            return subject.plainly()
        except TraceEndedError:
            raise
        except Exception as error:
            raise TraceEndedError(f"{who} raises {type(error).__name__}: {error}") from error

    def _forward(self, reading: Reading) -> tuple[list[Shadow], Trace]:
        if reading not in self._forwards:
            self._forwards[reading] = self.subject.derivative(self.directions, reading)
        return self._forwards[reading]

    def _derivative(self, reading: Reading) -> Sequence[Shadow]:
        return self._forward(reading)[0]

    def _pass(self, reading: Reading) -> Pass:
        if reading not in self._passes:
            self._passes[reading] = self.subject.balls(reading)
        return self._passes[reading]

    def _gradients(self, reading: Reading) -> Sequence[Shadow]:
        return self._pass(reading).gradient_shadows

    def _check_nearby(self, here: Trace) -> None:
        """Replay at a point nearby: there too numbers are the function's own, and constants the same."""
        subject = self.subject
        rng = np.random.default_rng(self.seed + 1)
        inputs = tuple(_nudged(x, NEARBY * rng.uniform(0.5, 1, np.shape(x))) for x in subject.inputs)
        nearby = subject.at(inputs)
        there = nearby.balls(Reading.LITERAL)
        _check_replay(self._asked(nearby), there)
        forward = self._forward(Reading.RECOGNISED)[1]
        changed = {*there.trace.constants, *forward.constants} - set(here.constants)
        if changed:
            line, _, _ = min(changed)
            raise TraceEndedError(
                f"a number that is no input changes from run to run: it was drawn, or left the trace ({line})"
            )

    def _difference_is_smooth(self) -> bool:
        """Whether the difference is smooth nearby, as that of two formulas is, and noise is not.

        Along a ray at drawn distances, a cubic must fit it, or fit the backward's own formula no better.
        """
        rng = np.random.default_rng(self.seed + 3)
        ray = [np.asarray(rng.uniform(0.5, 1, np.shape(x))) for x in self.subject.inputs]
        distances = [0.0, *(REACH * rng.uniform(size=POINTS - 1))]
        found = [self._compared_along(ray, distance) for distance in distances]
        if not all(x.finite for x in found):
            return False
        gaps = _roughness(distances, [x.truth - x.formula for x in found])
        return gaps <= ROUGH or gaps <= 10 * _roughness(distances, [x.formula for x in found])

    def _check_constants(self, dtype: str) -> None:
        """End the trace if constants that rounding explains here do not fit at another point.

        Numbers that were computed from the inputs outside of the trace are right at one point only.
        """
        there = self._compared_nearby(ELSEWHERE, np.random.default_rng(self.seed + 4))
        if there.finite and there.different and there.relative > math.sqrt(unit_roundoff(dtype)):
            raise TraceEndedError(
                "its formula has numbers that are no inputs, and fit at the point asked only: "
                "they may have been computed from it"
            )

    def _compared_nearby(self, distance: float, rng: np.random.Generator) -> Comparison:
        ray = [np.asarray(rng.uniform(0.5, 1, np.shape(x))) for x in self.subject.inputs]
        return self._compared_along(ray, distance)

    def _compared_along(self, ray: Sequence[Numbers], distance: float) -> Comparison:
        moved = zip(self.subject.inputs, ray, strict=True)
        there = self.subject.at(tuple(_nudged(x, distance * part) for x, part in moved))
        outputs, _trace = there.derivative(self.directions, Reading.LITERAL)
        gradients = there.balls(Reading.LITERAL).gradient_shadows
        return compare(outputs, there.cotangents, gradients, self.directions)

    def _rounding(self) -> tuple[Comparison, arb] | None:
        trace = self._pass(Reading.LITERAL).trace
        if any(key not in trace.numbers_of for key in trace.constants):
            return None  # an array: its entries are rounded one by one
        return moved_by_rounding(self._compared, trace.unrecognised)

    def _compared(self, replaced: Mapping[Constant, arb]) -> Comparison:
        outputs, _ = self.subject.derivative(self.directions, Reading.RECOGNISED, replaced)
        gradients = self.subject.balls(Reading.RECOGNISED, replaced=replaced).gradient_shadows
        return compare(outputs, self.subject.cotangents, gradients, self.directions)

    def _decide(self, plain: Pass, balls: Pass) -> None:
        """Choose the verdict, and say why."""
        outputs, trace = self._forward(Reading.RECOGNISED)
        if not any(has_series(shadow) for shadow in outputs):
            raise TraceEndedError("the result does not depend on the inputs by what was traced")
        lost = _not_finite(plain.outputs, balls.output_shadows, "the value")
        lost = lost or _not_finite(plain.gradients, balls.gradient_shadows, "the gradient")
        if lost is not None:
            self.verdict = Verdict.WRONG
            self.message = f"{lost}: it overflows at {balls.trace.overflow}"
            return
        if self.rules.rule is Rule.UNKNOWN:
            raise TraceEndedError("its formula is not known here: a singular point, or the edge of a domain")
        if self.rules.rule is Rule.DIFFERENT:
            self._decide_a_difference(trace)
            return
        if trace.ties:
            self.unsure = f"{KINK}, on the branch that the numbers take ({trace.ties[0]})"
        elif trace.steps:
            self.unsure = f"it has steps, between which it is constant ({trace.steps[0]})"
        if self.unsure is not None:
            self.notes.append(self.unsure)
        self._judge_numbers(plain, balls)

    def _decide_a_difference(self, trace: Trace) -> None:
        if trace.ties:
            raise TraceEndedError(f"it is {KINK} ({trace.ties[0]})")
        if trace.steps:
            raise TraceEndedError(f"it has steps, between which it is constant ({trace.steps[0]})")
        relative = self.rules.comparison.relative
        outputs = self._derivative(Reading.RECOGNISED)
        cause = explaining_constant(self.subject, outputs, self.directions, trace)
        if cause is None and relative < NOTHING:
            raise TraceEndedError(f"forward and backward differ by {relative:.2g}, which no format shows")
        if cause is None and trace.repeated.explain(relative):
            raise trace.near_a_limit(relative)
        near = relative < PLAIN_TO_SEE or trace.stops is not None
        if cause is None and near and trace.approximates is not None:
            raise TraceEndedError(
                f"forward and backward differ by {relative:.2g}, but the forward may approximate: "
                f"{trace.approximates}"
            )
        if cause is None and relative < PLAIN_TO_SEE and not self._difference_is_smooth():
            raise TraceEndedError(
                f"forward and backward differ by {relative:.2g}, at points nearby by something else: "
                "the function may be noisy"
            )
        self.verdict = Verdict.WRONG
        places = wrong_places(self.subject, self._pass(Reading.LITERAL).trace.unrecognised, self.seed)
        cause = cause or blamed_operation(self.subject, self.seed)
        self.causes = [cause] if cause else []
        self.message = "\n".join([str(self.rules), *places.lines, *self.causes])
        self.named = places.named

    def _judge_numbers(self, plain: Pass, balls: Pass) -> None:
        """Compare the gradient's numbers with their own formula."""
        self.verdict = Verdict.RIGHT
        inputs = self.subject.differentiated
        for numbers, shadow in zip(plain.outputs, balls.output_shadows, strict=True):
            relative = _distance(numbers, shadow)
            if relative > math.sqrt(_coarsest([numbers, *inputs])):
                self._say_that_digits_are_lost("the value", relative)
        for numbers, shadow in zip(plain.gradients, balls.gradient_shadows, strict=True):
            unit = _coarsest([numbers, *inputs])
            relative = _distance(numbers, shadow)
            self.units = max(self.units, relative / (2 * unit))
            lower = balls.trace.lower_in_backward
            if lower is not None and relative > unit**0.75:
                if balls.trace.lower_in_forward is None:
                    self.verdict = Verdict.INACCURATE
                said = f"a gradient of {numbers.dtype} has only {_digits(relative)} digits: {lower} inside"
                self.notes.append(said)
            elif relative > math.sqrt(unit):
                self._say_that_digits_are_lost("the gradient", relative)
        self.message = f"{self.rules}, numbers within {self.units:.2g} units"

    def _say_that_digits_are_lost(self, what: str, relative: float) -> None:
        """Note that a right formula keeps less than half of its digits, how many, and where they are lost."""
        lost = self.subject.balls(Reading.RECOGNISED, watching_digits=True).trace.lost
        where = f", lost at {lost}" if lost else ""
        self.unsure = f"the numbers of {what} keep only {_digits(relative)} digits here{where}"
        self.notes.append(self.unsure)
        self.loses_digits = True

    def _along(self, plain: Pass) -> Along:
        """Return the derivative along the drawn direction, by the gradient's numbers and exactly."""
        got, explained = 0.0, 0.0
        size = float(self.rules.comparison.size.mid())
        for numbers, direction in zip(plain.gradients, self.directions, strict=True):
            unit = _coarsest([numbers, *self.subject.differentiated])
            got += float(np.sum(numbers.astype(np.float64) * direction))
            largest = float(np.max(np.abs(numbers), initial=0))
            explained += 2 * unit * (self.units * largest * float(np.sum(np.abs(direction))) + size)
        return Along(got, float(self.rules.comparison.truth.mid()), explained, size)


def _digits(relative: float) -> int:
    """Return how many decimal digits hold, given a relative error: infinite, if what is true is 0."""
    if not relative > 0:
        return 16
    return max(0, int(-math.log10(relative))) if math.isfinite(relative) else 0


def _drawn(rng: np.random.Generator, shape: tuple[int, ...]) -> Numbers:
    return np.asarray(rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 1.5, shape))


def _coarsest(arrays: Sequence[Numbers]) -> float:
    """Return the largest unit roundoff among arrays: no result is better than its inputs."""
    return max(unit_roundoff(str(x.dtype)) for x in arrays)


def _roughness(distances: Sequence[float], found: Sequence[arb]) -> float:
    """Return what a cubic leaves of numbers along a line, relative to the largest of them."""
    largest = max(found, key=lambda x: float(abs(x).mid()))
    if largest.contains(0):
        return 0.0
    sizes = np.array([float((x / largest).mid()) for x in found])
    cubic = np.polynomial.Polynomial.fit(distances, sizes, 3)
    return float(np.abs(sizes - cubic(np.array(distances))).max())


def _nudged(x: Any, relative: Numbers) -> Any:
    """Return an input a little nearer to 0, which leaves no domain."""
    if not (isinstance(x, np.ndarray) and x.dtype.kind == "f"):
        return x
    return np.asarray(x * (1 - relative)).astype(x.dtype)


def _floating(y: Numbers) -> Any:
    if y.dtype.kind != "f":
        raise TraceEndedError(f"the function returns {y.dtype}")
    return y.dtype


def _check_replay(
    own: Pass, traced: Pass, why: str = "traced, it gives other numbers than by itself"
) -> None:
    """End the trace if its numbers are not those that the function gives by itself."""
    pairs = zip([*own.outputs, *own.gradients], [*traced.outputs, *traced.gradients], strict=True)
    for a, b in pairs:
        if a.shape != b.shape:
            raise TraceEndedError(why)
        if a.dtype != b.dtype:
            raise TraceEndedError(f"{why}: {b.dtype}, not {a.dtype}")
        largest = float(np.max(np.abs(a[np.isfinite(a)]), initial=0))
        allowed = 64 * unit_roundoff(str(a.dtype)) * largest
        if not np.allclose(a, b, rtol=0, atol=allowed, equal_nan=True):
            raise TraceEndedError(why)


def _not_finite(numbers: list[Numbers], shadows: list[Shadow], what: str) -> str | None:
    """Say which number is not finite where its formula is, and is in range of the dtype."""
    for array, shadow in zip(numbers, shadows, strict=True):
        largest = float(np.finfo(array.dtype).max) / 4
        for place, number in np.ndenumerate(array):
            entry = value(shadow[place])
            if not np.isfinite(number) and entry.is_finite() and abs(entry) < largest:
                return f"{what} is {number}, its formula {float(entry.mid()):.6g}"
    return None


def _distance(numbers: Numbers, shadow: Shadow) -> float:
    """Return the largest error relative to the largest entry."""
    exact = nearest(shadow)
    if not (np.isfinite(numbers).all() and np.isfinite(exact).all()):
        raise TraceEndedError("its formula is not finite here, or out of range")
    largest = float(np.max(np.abs(exact), initial=0))
    error = float(np.max(np.abs(numbers.astype(np.float64) - exact), initial=0))
    if error <= 8 * float(np.finfo(numbers.dtype).tiny):
        return 0.0
    return error / largest if largest else math.inf
