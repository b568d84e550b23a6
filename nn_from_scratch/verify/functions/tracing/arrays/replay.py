"""A forward and backward at one point: traced, replayed, and compared at points nearby."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.tracing.arrays.ended import TraceEndedError
from nn_from_scratch.verify.functions.tracing.arrays.runs import Pass, Subject
from nn_from_scratch.verify.functions.tracing.arrays.trace import Trace
from nn_from_scratch.verify.functions.tracing.constants import Reading, unit_roundoff
from nn_from_scratch.verify.functions.tracing.local import LocalCheck
from nn_from_scratch.verify.functions.tracing.places import moved_to
from nn_from_scratch.verify.functions.tracing.rules import Comparison, compare, drawn
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow, nearest
from nn_from_scratch.verify.functions.tracing.smoothness import is_smooth

NEARBY = 2.0**-12
"""How far the second point of the replay is, relative to each number."""

FAR = 1e-2
"""A difference that rounding makes only where hardly a digit is kept, relative to the largest entry."""

Run = tuple[Reading, int]
"""How constants are read, and where inputs are moved to."""


@dataclass
class Replay:
    """The runs of a subject: `replay` traces it, or raises where the trace does not count."""

    subject: Subject
    seed: int
    scalar: bool = False
    local_units: float = field(default=0.0, init=False)
    local: LocalCheck = field(default_factory=LocalCheck, init=False)
    operations: int = field(default=0, init=False)
    directions: list[Numbers] = field(default_factory=list, init=False)
    _forwards: dict[Run, tuple[list[Shadow], Trace]] = field(default_factory=dict, init=False)
    _passes: dict[Run, Pass] = field(default_factory=dict, init=False)

    def replay(self) -> tuple[Pass, Pass]:
        """Trace and replay, here and nearby, and check locally: the subject's own numbers, and the balls."""
        subject = self.subject
        inputs = subject.differentiated
        if not inputs or not all(np.isfinite(x).all() for x in inputs):
            raise TraceEndedError("no input is an array of finite numbers of floating point")
        rng = np.random.default_rng(self.seed)
        self.directions = [drawn(rng, x.shape) for x in inputs]
        self._draw_cotangents(rng)
        rehearsed = subject.rehearse()
        if subject.watch is not None:
            subject.watch.expect(rehearsed.scalars)
        local = self.local
        self._passes[Reading.RECOGNISED, moved_to()] = balls = subject.balls(Reading.RECOGNISED, local)
        self.operations = balls.trace.scalars
        plain = self._asked(subject)
        check_replay(plain, balls)
        check_replay(plain, self._asked(subject), "asked twice, it gives two results: not deterministic")
        self._check_nearby(balls.trace)
        if local.failed is not None:
            found = local.failed
            raise TraceEndedError(
                f"{found.operation} gives numbers that are {found.units:.3g} roundings from its exact value "
                f"({found.line}): the trace may not be of what is computed"
            )
        self.local_units = local.largest.units if local.largest is not None else 0.0
        return plain, balls

    def require_own_numbers(self, balls: Pass) -> None:
        """End the trace before it accuses if numbers are nothing like what was traced for them.

        Either all of their digits are lost, or the trace is of something else, as of an entry elsewhere.
        """
        of_value = zip(balls.outputs, balls.output_shadows, strict=True)
        of_gradient = () if self.subject.opaque else zip(balls.gradients, balls.gradient_shadows, strict=True)
        for what, pairs in (("value", of_value), ("gradient", of_gradient)):
            if any(_is_far(numbers, nearest(shadow)) for numbers, shadow in pairs):
                raise TraceEndedError(f"the numbers of the {what} keep no digits of what was traced for them")

    def _draw_cotangents(self, rng: np.random.Generator) -> None:
        outputs = self._asked(self.subject, "the function").outputs
        if self.scalar:
            if len(outputs) != 1 or outputs[0].size != 1:
                raise TraceEndedError("the function returns no single number")
            self.subject.cotangents = [np.ones(outputs[0].shape, _floating(outputs[0]))]
        else:
            self.subject.cotangents = [drawn(rng, y.shape).astype(_floating(y)) for y in outputs]

    def _asked(self, subject: Subject, who: str = "it") -> Pass:
        try:
            return subject.plainly()
        except TraceEndedError:
            raise
        except Exception as error:
            raise TraceEndedError(f"{who} raises {type(error).__name__}: {error}") from error

    def forward(self, reading: Reading) -> tuple[list[Shadow], Trace]:
        """Run the forward over series along the drawn directions, once for each reading of constants."""
        key = reading, moved_to()
        if key not in self._forwards:
            self._forwards[key] = self.subject.derivative(self.directions, reading)
        return self._forwards[key]

    def _derivative(self, reading: Reading) -> Sequence[Shadow]:
        return self.forward(reading)[0]

    def _pass(self, reading: Reading) -> Pass:
        key = reading, moved_to()
        if key not in self._passes:
            self._passes[key] = self.subject.balls(reading)
        return self._passes[key]

    def _gradients(self, reading: Reading) -> Sequence[Shadow]:
        return self._pass(reading).gradient_shadows

    def _check_nearby(self, here: Trace) -> None:
        """Replay at a point nearby: there too numbers are the function's own, and constants the same."""
        subject = self.subject
        rng = np.random.default_rng(self.seed + 1)
        inputs = tuple(_nudged(x, NEARBY * rng.uniform(0.5, 1, np.shape(x))) for x in subject.inputs)
        nearby = subject.at(inputs)
        there = nearby.balls(Reading.LITERAL)
        check_replay(self._asked(nearby), there)
        forward = self.forward(Reading.RECOGNISED)[1]
        changed = {*there.trace.constants, *forward.constants} - set(here.constants)
        if changed:
            line, _, _ = min(changed)
            raise TraceEndedError(
                f"a number that is no input changes from run to run: it was drawn, or left the trace ({line})"
            )

    def difference_is_smooth(self) -> bool:
        """Whether the difference is smooth nearby, as that of two formulas is, and noise is not."""
        rng = np.random.default_rng(self.seed + 3)
        ray = [np.asarray(rng.uniform(0.5, 1, np.shape(x))) for x in self.subject.inputs]
        return is_smooth(lambda distance: self._compared_along(ray, distance), rng)

    def _compared_nearby(self, distance: float, rng: np.random.Generator) -> Comparison:
        ray = [np.asarray(rng.uniform(0.5, 1, np.shape(x))) for x in self.subject.inputs]
        return self._compared_along(ray, distance)

    def _compared_along(self, ray: Sequence[Numbers], distance: float) -> Comparison:
        moved = zip(self.subject.inputs, ray, strict=True)
        there = self.subject.at(tuple(_nudged(x, distance * part) for x, part in moved))
        outputs, _trace = there.derivative(self.directions, Reading.LITERAL)
        gradients = there.balls(Reading.LITERAL).gradient_shadows
        return compare(outputs, there.cotangents, gradients, self.directions)


def _is_far(numbers: Numbers, exact: Numbers) -> bool:
    """Whether numbers differ by a hundredth of the largest or more, where both are finite."""
    both = np.isfinite(numbers) & np.isfinite(exact)
    apart = np.abs(numbers[both].astype(np.float64) - exact[both])
    return bool(np.max(apart, initial=0) > FAR * np.max(np.abs(exact[both]), initial=0))


def coarsest(arrays: Sequence[Numbers]) -> float:
    """Return the largest unit roundoff among arrays: no result is better than its inputs."""
    return max(unit_roundoff(str(x.dtype)) for x in arrays)


def _nudged(x: Any, relative: Numbers) -> Any:
    """Return an input a little nearer to 0, which leaves no domain."""
    if not (isinstance(x, np.ndarray) and x.dtype.kind == "f"):
        return x
    return np.asarray(x * (1 - relative)).astype(x.dtype)


def _floating(y: Numbers) -> Any:
    if y.dtype.kind != "f":
        raise TraceEndedError(f"the function returns {y.dtype}")
    return y.dtype


def check_replay(own: Pass, traced: Pass, why: str = "traced, it gives other numbers than by itself") -> None:
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
