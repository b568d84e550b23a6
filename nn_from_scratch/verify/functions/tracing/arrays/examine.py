"""The examination of one forward and backward at one point, by its runs under the tracer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.tracing.approximations import CLOSE, bisects
from nn_from_scratch.verify.functions.tracing.arrays.blame import blamed_operation
from nn_from_scratch.verify.functions.tracing.arrays.causes import explaining_constant, wrong_places
from nn_from_scratch.verify.functions.tracing.arrays.ended import (
    AtAKinkError,
    FitsHereError,
    OtherFormulaError,
    RoughError,
    TraceEndedError,
)
from nn_from_scratch.verify.functions.tracing.arrays.replay import Replay, coarsest
from nn_from_scratch.verify.functions.tracing.arrays.runs import Pass
from nn_from_scratch.verify.functions.tracing.arrays.trace import KINK, Constant, Trace
from nn_from_scratch.verify.functions.tracing.constants import Reading, unit_roundoff
from nn_from_scratch.verify.functions.tracing.copies import right_here_alone
from nn_from_scratch.verify.functions.tracing.out_of_range import out_of_range
from nn_from_scratch.verify.functions.tracing.rules import (
    Comparison,
    Rule,
    Rules,
    compare,
    drawn,
    judge,
    moved_by_rounding,
    unless_left_out,
    unlike_sizes,
)
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow, has_series, nearest
from nn_from_scratch.verify.judging.verdicts import Verdict

PLAIN_TO_SEE = 1e-2
"""A difference that no approximation in a forward explains, relative to the derivative, unless it is
stopped before it has what it computes."""

NOTHING = 2.0**-64
"""A difference, relative to the derivative, that a formula for large numbers may leave out on purpose."""

_STREAM = 0x616C6F6E67
"""Further directions are drawn from this stream, and nobody's inputs."""

ELSEWHERE = 0.1
"""How far, relatively, the point is at which constants must fit that only rounding reconciles."""


@dataclass(frozen=True, slots=True)
class Along:
    """A derivative along a direction: by the gradient's numbers, exactly, and what rounding explains."""

    got: float
    expected: float
    interval: float
    size: float


@dataclass
class Examination(Replay):
    """What is found of a subject; `run` fills it in, or raises where the trace does not count.

    Of a formula that differs `explain` says where and why, which takes longer.
    """

    rules: Rules = field(init=False)
    verdict: Verdict = field(init=False)
    message: str = field(default="", init=False)
    units: float = field(default=0.0, init=False)
    notes: list[str] = field(default_factory=list, init=False)
    causes: list[str] = field(default_factory=list, init=False)
    unsure: str | None = field(default=None, init=False)
    loses_digits: bool = field(default=False, init=False)
    bends: bool = field(default=False, init=False)
    named: bool = field(default=False, init=False)
    along: Along | None = field(default=None, init=False)
    _constant: str | None = field(default=None, init=False)
    """The constant that explains a difference, if one does."""

    @property
    def numbers(self) -> set[float]:
        """The single numbers that forward and backward were written with."""
        return {x for found in self._passes.values() for x in found.trace.written}

    def run(self) -> None:
        """Trace, replay, judge the formula, then the numbers."""
        plain, balls = self.replay()
        dtype = str(balls.gradients[0].dtype) if balls.gradients else "float64"
        found = self.rules = self._judged(dtype)
        sizes = None if found.rule is Rule.EQUAL else unlike_sizes(self.subject.differentiated)
        if sizes is not None:
            self.rules = found.unless(self._judged(dtype, sizes))
        self.rules = self._unless_left_out(plain)
        if self.rules.rule is Rule.ROUNDED:
            self._check_constants(dtype)
        self._decide(plain, balls)
        self.along = self._along(plain, found.comparison)

    def _unless_left_out(self, plain: Pass) -> Rules:
        numbers = self.forward(Reading.RECOGNISED)[1].numbers_of
        unit = coarsest([*plain.gradients, *self.subject.differentiated])

        def without(number: float) -> Comparison:
            left_out = {key: arb(0) for key, x in numbers.items() if x == number}
            return self._compared(Reading.RECOGNISED, left_out)

        return unless_left_out(self.rules, unit, numbers.values(), without)

    def _judged(self, dtype: str, sizes: Sequence[Numbers] | None = None) -> Rules:
        """Judge the formula along a direction, which moves each number by its size, if these are given."""

        def sized(directions: list[Numbers]) -> list[Numbers]:
            if sizes is None:
                return directions
            return [x * size for x, size in zip(directions, sizes, strict=True)]

        directions = sized(self.directions)

        def derivative(reading: Reading) -> Sequence[Shadow]:
            if sizes is None:
                return self._derivative(reading)
            return self.subject.derivative(directions, reading)[0]

        def along(number: int) -> Comparison:
            rng = np.random.default_rng([self.seed, _STREAM, number])
            others = sized([drawn(rng, x.shape) for x in directions])
            outputs, _ = self.subject.derivative(others, Reading.LITERAL)
            return compare(outputs, self.subject.cotangents, self._gradients(Reading.LITERAL), others)

        return judge(
            derivative,
            self._gradients,
            self.subject.cotangents,
            directions,
            dtype=dtype,
            rounding=partial(self._rounding, directions),
            along=along,
        )

    def explain(self) -> None:
        """Say of a formula that differs at which inputs, and what explains it, where that can be told."""
        if self.message:
            return
        places = wrong_places(self.subject, self._pass(Reading.LITERAL).trace.uncertain, self.seed)
        cause = self._constant or blamed_operation(self.subject, self.seed)
        self.causes = [cause] if cause else []
        self.message = "\n".join([str(self.rules), *places.lines, *self.causes])
        self.named = places.named

    def right_here_alone(self) -> str | None:
        """Say why a gradient that is right here is so at this point alone, or nothing."""
        inputs = {self.subject.name(k): x for k, x in enumerate(self.subject.differentiated)}
        return right_here_alone(
            _numbers_of(self._pass(Reading.RECOGNISED).trace),
            _numbers_of(self.forward(Reading.RECOGNISED)[1]),
            inputs,
            self._compared,
            self.rules.rule,
            may_be_fixed=True,
        )

    def _bends(self) -> bool:
        """Whether the point is at kinks, and at nothing that may be a jump."""
        trace = self.forward(Reading.RECOGNISED)[1]
        return bool(trace.ties) and not (trace.jumps or trace.steps)

    def _by_the_other_choice(self) -> str | None:
        """Compare with the other choice at ties; say how the formulas compare if they are equal then."""
        if not self._bends():
            return None
        rules = judge(
            lambda reading: self.subject.derivative(self.directions, reading, otherwise=True)[0],
            self._gradients,
            self.subject.cotangents,
            self.directions,
            rounding=lambda: None,
        )
        return str(rules) if rules.rule is Rule.EQUAL else None

    def _check_constants(self, dtype: str) -> None:
        """End the trace if constants that rounding explains here do not fit at another point.

        Numbers that were computed from the inputs outside of the trace are right at one point only.
        """
        there = self._compared_nearby(ELSEWHERE, np.random.default_rng(self.seed + 4))
        if there.finite and there.different and there.relative > math.sqrt(unit_roundoff(dtype)):
            raise FitsHereError(
                "its formula has numbers that are no inputs, and fit at the point asked only: "
                "they may have been computed from it",
                self.right_here_alone(),
            )

    def _rounding(self, directions: Sequence[Numbers]) -> tuple[Comparison, arb] | None:
        trace = self._pass(Reading.LITERAL).trace
        if any(key not in trace.numbers_of for key in trace.constants):
            return None  # an array: its entries are rounded one by one
        return moved_by_rounding(partial(self._compared_by, directions, Reading.RECOGNISED), trace.uncertain)

    def _compared(self, reading: Reading, replaced: Mapping[Constant, arb] | None = None) -> Comparison:
        return self._compared_by(self.directions, reading, replaced)

    def _compared_by(
        self,
        directions: Sequence[Numbers],
        reading: Reading,
        replaced: Mapping[Constant, arb] | None = None,
    ) -> Comparison:
        outputs, _ = self.subject.derivative(directions, reading, replaced)
        gradients = self.subject.balls(reading, replaced=replaced).gradient_shadows
        return compare(outputs, self.subject.cotangents, gradients, directions)

    def _decide(self, plain: Pass, balls: Pass) -> None:
        """Choose the verdict, and say why."""
        outputs, trace = self.forward(Reading.RECOGNISED)
        if not any(has_series(shadow) for shadow in outputs):
            raise TraceEndedError("the result does not depend on the inputs by what was traced")
        lost = _out_of_range("the value", plain.outputs, balls.output_shadows)
        lost = lost or _out_of_range("the gradient", plain.gradients, balls.gradient_shadows)
        if lost is not None:
            self.verdict = Verdict.WRONG
            self.message = self.local.explain(lost)
            self.causes = [self.message]
            return
        if self.rules.rule is Rule.UNKNOWN:
            raise TraceEndedError("its formula is not known here: a singular point, or the edge of a domain")
        if self.rules.rule is Rule.DIFFERENT:
            self.require_own_numbers(balls)
            self._decide_a_difference(trace)
            return
        if trace.ties:
            self.unsure = f"{KINK}, on the branch that the numbers take ({trace.ties[0]})"
            self.bends = self._bends()
        elif trace.steps:
            self.unsure = f"it has steps, between which it is constant ({trace.steps[0]})"
        if self.unsure is not None:
            self.notes.append(self.unsure)
        self._judge_numbers(plain, balls)

    def _decide_a_difference(self, trace: Trace) -> None:
        if trace.ties:
            raise AtAKinkError(f"it is {KINK} ({trace.ties[0]})", self._by_the_other_choice())
        if trace.steps:
            raise TraceEndedError(f"it has steps, between which it is constant ({trace.steps[0]})")
        relative = self.rules.comparison.relative
        outputs = self._derivative(Reading.RECOGNISED)
        cause = explaining_constant(self.subject, outputs, self.directions, trace)
        if cause is None and relative < NOTHING:
            raise TraceEndedError(f"forward and backward differ by {relative:.2g}, which no format shows")
        if cause is None and trace.repeated.explain(relative):
            raise trace.near_a_limit(relative)
        near = relative < PLAIN_TO_SEE or trace.stops is not None or bisects(trace.switches) is not None
        if cause is None and near and trace.approximates is not None:
            close = bool(trace.switches) and relative < CLOSE
            raise (OtherFormulaError if close else TraceEndedError)(
                f"forward and backward differ by {relative:.2g}, but the forward may approximate: "
                f"{trace.approximates}"
            )
        if cause is None and relative < PLAIN_TO_SEE and not self.difference_is_smooth():
            raise RoughError(
                f"forward and backward differ by {relative:.2g}, at points nearby by something else: "
                "the function may be noisy",
                relative,
            )
        self.verdict = Verdict.WRONG
        self._constant = cause

    def _judge_numbers(self, plain: Pass, balls: Pass) -> None:
        """Compare the gradient's numbers with their own formula."""
        self.verdict = Verdict.RIGHT
        inputs = self.subject.differentiated
        for numbers, shadow in zip(plain.outputs, balls.output_shadows, strict=True):
            relative = _distance(numbers, shadow)
            if relative > math.sqrt(coarsest([numbers, *inputs])):
                self._say_that_digits_are_lost("the value", relative)
        for numbers, shadow in zip(plain.gradients, balls.gradient_shadows, strict=True):
            unit = coarsest([numbers, *inputs])
            relative = _distance(numbers, shadow)
            self.units = max(self.units, relative / (2 * unit))
            lower = balls.trace.lower_in_backward if balls.trace.coarsest > unit else None
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

    def _along(self, plain: Pass, found: Comparison) -> Along:
        """Return the derivative along the drawn direction, by the gradient's numbers and exactly."""
        got, explained = 0.0, 0.0
        size = float(found.size.mid())
        for numbers, direction in zip(plain.gradients, self.directions, strict=True):
            unit = coarsest([numbers, *self.subject.differentiated])
            got += float(np.sum(numbers.astype(np.float64) * direction))
            largest = float(np.max(np.abs(numbers), initial=0))
            explained += 2 * unit * (self.units * largest * float(np.sum(np.abs(direction))) + size)
        return Along(got, float(found.truth.mid()), explained, size)


def _numbers_of(trace: Trace) -> list[Numbers]:
    """Return the constants of a run."""
    return [np.frombuffer(x, dtype) for _, dtype, x in trace.constants]


def _digits(relative: float) -> int:
    """Return how many decimal digits hold, given a relative error: infinite, if what is true is 0."""
    if not relative > 0:
        return 16
    return max(0, int(-math.log10(relative))) if math.isfinite(relative) else 0


def _out_of_range(what: str, arrays: list[Numbers], shadows: list[Shadow]) -> str | None:
    """Say which number of some arrays is not finite where its formula is, and in range."""
    pairs = zip(arrays, shadows, strict=True)
    found = (out_of_range(what, x, shadow, float(np.finfo(x.dtype).max)) for x, shadow in pairs)
    return next(filter(None, found), None)


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
