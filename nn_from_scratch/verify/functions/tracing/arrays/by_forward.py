"""A gradient whose code is not traced, a kernel's or a library's: its numbers, by its function's formula.

The derivative is that of the traced forward, exact at the point. How the gradient was computed is not known:
small errors are left to finite differences, and what is called wrong is far beyond what rounding explains.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.tracing.arrays.replay import Replay, coarsest
from nn_from_scratch.verify.functions.tracing.arrays.runs import Pass, Subject
from nn_from_scratch.verify.functions.tracing.arrays.trace import Trace, TraceEndedError
from nn_from_scratch.verify.functions.tracing.constants import UNIT, Reading
from nn_from_scratch.verify.functions.tracing.local import TINY
from nn_from_scratch.verify.functions.tracing.rules import formula_along, truth_along
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, exactly_computing, has_series
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.oracles.taylor import working
from nn_from_scratch.verify.questions.formats import FORMATS

FAR = 1e-4
"""A difference that is accused, relative to the gradient: less may be how the gradient rounds, or constants
that one of the two has short."""

BEYOND = 2
"""Likewise, in what rounding in the textbook's order explains, where each operation is charged four."""

SPARE = 2
"""Bits fewer than the function's own, with which the derivative is computed to see what rounding explains."""

UNITS = 8
"""Units of the last place, of the gradient, within which numbers are right."""

MOST = 200_000
"""Scalar operations of a function times inputs, up to which every entry is asked by itself."""

NAMED = 4
"""Wrong entries that are named, at most."""

Directions = list[Numbers]


@dataclass(frozen=True, slots=True)
class ByForward:
    """The verdict on a gradient's numbers, None where it stays open, and why."""

    verdict: Verdict | None
    said: str


@dataclass(frozen=True, slots=True)
class _Asked:
    """A derivative along a direction: the gradient's, the function's, and what errors are relative to."""

    directions: Directions
    got: arb
    truth: arb
    size: float

    @property
    def error(self) -> float:
        return float(abs(self.truth - self.got).abs_upper())

    @property
    def relative(self) -> float:
        return self.error / self.size if self.size else 0.0


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
    judging = _Judging(Replay(replace(subject, opaque=True, cotangents=()), seed, scalar=scalar))
    try:
        with exactly_computing():
            return judging.found()
    except TraceEndedError as error:
        return ByForward(None, str(error))


@dataclass
class _Judging:
    """The judgement of a gradient along a drawn direction, and along each entry if they are few."""

    replay: Replay
    plain: Pass = field(init=False)
    balls: Pass = field(init=False)
    trace: Trace = field(init=False)
    kink: str | None = field(default=None, init=False)

    def found(self) -> ByForward:
        self.plain, self.balls = self.replay.replay()
        outputs, self.trace = self.replay.forward(Reading.RECOGNISED)
        if not any(has_series(shadow) for shadow in outputs):
            return ByForward(None, "the result does not depend on the inputs by what was traced")
        if self.trace.steps:
            return ByForward(None, f"it has steps, between which it is constant ({self.trace.steps[0]})")
        whole, *entries = self._asked()
        if whole is not None and whole.error <= self._nearest(whole):
            units = UNITS * whole.error / self._nearest(whole) if whole.error else 0.0
            return ByForward(Verdict.RIGHT, f"numbers within {units:.2g} units of the function's own formula")
        far = [x for x in (whole, *entries) if x is not None and self._is_far(x)]
        return self._accused(far) if far else ByForward(None, self.kink or "rounding may explain it")

    def _asked(self) -> Iterator[_Asked | None]:
        """Yield what is found along the drawn direction, and along each entry; None where there is a kink."""
        inputs = self.replay.subject.differentiated
        count = sum(x.size for x in inputs)
        if count > 1:
            yield self._along(self.replay.directions)
        if self.replay.operations * count > MOST:
            return
        for k, x in enumerate(inputs):
            for place in range(x.size):
                directions = [np.zeros(y.shape) for y in inputs]
                directions[k].ravel()[place] = 1.0
                yield self._along(directions)

    def _along(self, directions: Directions) -> _Asked | None:
        subject = self.replay.subject
        outputs, trace = subject.derivative(directions, Reading.RECOGNISED)
        if trace.kinks:
            self.kink = trace.kinks[0]
            return None
        truth, _ = truth_along(outputs, subject.cotangents)
        got, _ = formula_along(self.balls.gradient_shadows, directions)
        if not (truth.is_finite() and got.is_finite()):
            return None
        return _Asked(directions, got, truth, max(self._size(directions), float(abs(truth).mid())))

    def _size(self, directions: Directions) -> float:
        """Return how large the terms of a derivative are, if their signs are random, or the largest entry."""
        terms = list(zip(self.plain.gradients, directions, strict=True))
        if sum(np.count_nonzero(d) for d in directions) == 1:
            return max(float(np.max(np.abs(g.astype(np.float64)), initial=0)) for g, _ in terms)
        return float(np.sqrt(sum(float(np.sum((g.astype(np.float64) * d) ** 2)) for g, d in terms)))

    def _nearest(self, asked: _Asked) -> float:
        """Return how near to the truth numbers are that nobody would compute better."""
        unit = coarsest([*self.plain.gradients, *self.replay.subject.differentiated])
        return 2 * UNITS * unit * asked.size

    def _is_far(self, asked: _Asked) -> bool:
        """Whether neither rounding nor what the constants of the function may stand for explains an error."""
        if asked.error <= FAR * asked.size:
            return False
        unit, name = self._unit()
        with working(FORMATS[name].precision - SPARE, 2):
            rounded = self._truth(asked, Reading.LITERAL)
        spread = float(abs(rounded - asked.truth).abs_upper())
        explained = BEYOND * spread + 2 * UNITS * unit * asked.size + 8 * TINY[name]
        others = (self._truth(asked, reading) for reading in (Reading.LITERAL, Reading.SHORT))
        return all(bool(abs(x - asked.got) > explained + FAR * asked.size) for x in (asked.truth, *others))

    def _truth(self, asked: _Asked, reading: Reading) -> arb:
        subject = self.replay.subject
        return truth_along(subject.derivative(asked.directions, reading)[0], subject.cotangents)[0]

    def _unit(self) -> tuple[float, str]:
        """Return the coarsest unit roundoff of what is computed, and the name of its format."""
        arrays = [*self.plain.outputs, *self.plain.gradients, *self.replay.subject.differentiated]
        unit = max(coarsest(arrays), self.trace.coarsest)
        return unit, next(name for name, known in UNIT.items() if known == unit)

    def _accused(self, far: list[_Asked]) -> ByForward:
        """Accuse a gradient, unless the forward may only approximate what is meant."""
        trace, relative = self.trace, max(x.relative for x in far)
        said = f"differs by {relative:.2g} from the derivative of the function's formula, which is exact here"
        if trace.repeated.explain(relative):
            return ByForward(None, f"{said}; but {trace.repeated.limit}")
        if trace.approximates is not None:
            return ByForward(None, f"{said}; but the forward may approximate: {trace.approximates}")
        if not self.replay.difference_is_smooth():
            return ByForward(None, f"{said}; at points nearby by something else: the function may be noisy")
        entries = sorted(filter(_is_of_one_entry, far), key=lambda x: -x.relative)
        lines = [self._line(x) for x in entries[:NAMED]]
        return ByForward(Verdict.WRONG, "\n".join([f"the gradient {said}", *lines]))

    def _line(self, asked: _Asked) -> str:
        k = next(k for k, part in enumerate(asked.directions) if part.any())
        name, place = self.replay.subject.name(k), np.argwhere(asked.directions[k])[0]
        where = f"{name}[{', '.join(map(str, place))}]" if len(place) else name
        got, truth = (float(x.mid()) for x in (asked.got, asked.truth))
        return f"the derivative for {where} is {got!r}, the truth is {truth!r}"


def _is_of_one_entry(asked: _Asked) -> bool:
    return sum(np.count_nonzero(part) for part in asked.directions) == 1
