"""The numbers of a gradient of arrays whose code is not traced, by the formula of its function, which is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flint import arb

from nn_from_scratch.verify.functions.tracing.approximations import excused, selected
from nn_from_scratch.verify.functions.tracing.arrays.ended import TraceEndedError
from nn_from_scratch.verify.functions.tracing.arrays.replay import Replay, coarsest
from nn_from_scratch.verify.functions.tracing.arrays.runs import Pass, Subject
from nn_from_scratch.verify.functions.tracing.arrays.trace import Trace
from nn_from_scratch.verify.functions.tracing.by_forward import (
    ByForward,
    Directions,
    no_derivative,
    numbers_by_formula,
)
from nn_from_scratch.verify.functions.tracing.constants import Reading
from nn_from_scratch.verify.functions.tracing.rules import truth_along
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, exactly_computing


def numbers_by_forward(subject: Subject, seed: int, *, scalar: bool) -> ByForward:
    """Judge the numbers of a gradient by the derivative of its forward's formula.

    Parameters
    ----------
    subject
        Its backward is run as it is, and not traced.
    seed
        Which direction and cotangents.
    scalar
        Whether the forward returns one number, and the backward takes no cotangent.

    """
    replay = Replay(replace(subject, opaque=True, cotangents=()), seed, scalar=scalar)
    try:
        with exactly_computing():
            plain, balls = replay.replay()
            replay.require_own_numbers(balls)
            outputs, trace = replay.forward(Reading.RECOGNISED)
            return no_derivative(outputs, trace.steps) or numbers_by_formula(_Forward(replay, plain, trace))
    except TraceEndedError as error:
        return ByForward(None, str(error))


@dataclass(frozen=True)
class _Forward:
    """The runs of a subject, its own numbers, and the trace of its forward."""

    replay: Replay
    plain: Pass
    trace: Trace

    @property
    def gradients(self) -> Sequence[Numbers]:
        return self.plain.gradients

    @property
    def directions(self) -> Directions:
        return self.replay.directions

    @property
    def operations(self) -> int:
        return self.replay.operations

    @property
    def result_unit(self) -> float:
        return coarsest([*self.plain.gradients, *self.replay.subject.differentiated])

    @property
    def coarsest_unit(self) -> float:
        return max(coarsest(self.plain.outputs), self.result_unit, self.trace.coarsest)

    def derivative(self, directions: Directions, reading: Reading) -> tuple[arb, str | None]:
        subject = self.replay.subject
        outputs, trace = subject.derivative(directions, reading)
        return truth_along(outputs, subject.cotangents)[0], next(iter(trace.kinks), None)

    def is_known_around(self, directions: Directions, error: float) -> bool:  # noqa: ARG002
        return True  # a trace tells of all kinks, the near ones as well

    def name(self, which: int) -> str:
        return self.replay.subject.name(which)

    def excuse(self, relative: float) -> str | None:
        approximate = excused(relative, self.trace.repeated, self.trace.approximates)
        return approximate or selected(self.trace.selections)

    def difference_is_smooth(self) -> bool:
        return self.replay.difference_is_smooth()
