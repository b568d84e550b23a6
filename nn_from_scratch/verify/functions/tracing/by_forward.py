"""A gradient whose code is not traced, a kernel's or a library's: its numbers, by its function's formula.

The derivative is that of the traced forward, exact at the point. How the gradient was computed is not known:
small errors are left to finite differences, and what is called wrong is far beyond what rounding explains.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.tracing.constants import UNIT, Reading
from nn_from_scratch.verify.functions.tracing.local import TINY
from nn_from_scratch.verify.functions.tracing.rules import formula_along
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow, exact, has_series
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

STREAM = 0x6E6561726279
"""Directions, rays and neighbours are drawn from this stream, and nobody's inputs."""

Directions = list[Numbers]


@dataclass(frozen=True, slots=True)
class ByForward:
    """The verdict on a gradient's numbers, None where it stays open, and why."""

    verdict: Verdict | None
    said: str


class Forward(Protocol):
    """A forward that is traced at a point, and the gradient that is not."""

    @property
    def gradients(self) -> Sequence[Numbers]:
        """An array for each input, of numbers that float64 holds."""

    @property
    def directions(self) -> Directions:
        """A drawn direction: an array for each input."""

    @property
    def operations(self) -> int:
        """Scalar operations of one run."""

    @property
    def result_unit(self) -> float:
        """The coarsest unit roundoff of inputs and gradients."""

    @property
    def coarsest_unit(self) -> float:
        """The coarsest unit roundoff of all that is computed."""

    def derivative(self, directions: Directions, reading: Reading) -> tuple[arb, str | None]:
        """Return the forward's derivative along directions, and where there may be a kink of it, or None."""

    def is_known_around(self, directions: Directions, error: float) -> bool:
        """Whether the derivative is known here to less than an error, where no kink was told of."""

    def name(self, which: int) -> str:
        """Name an input."""

    def excuse(self, relative: float) -> str | None:
        """Say why a derivative so far from the forward's own may be the one that is meant, or None."""

    def difference_is_smooth(self) -> bool:
        """Whether the difference of the two is smooth nearby, as that of two formulas is."""


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

    @property
    def is_of_one_entry(self) -> bool:
        return sum(np.count_nonzero(part) for part in self.directions) == 1


def no_derivative(outputs: Sequence[Shadow], steps: Sequence[str]) -> ByForward | None:
    """Say why a traced forward has no derivative to compare with, if it has none.

    Parameters
    ----------
    outputs
        Series along a direction.
    steps
        The lines of functions that are constant between jumps.

    """
    if not any(has_series(shadow) for shadow in outputs):
        return ByForward(None, "the result does not depend on the inputs by what was traced")
    if steps:
        return ByForward(None, f"it has steps, between which it is constant ({steps[0]})")
    return None


def numbers_by_formula(forward: Forward) -> ByForward:
    """Judge the numbers of a gradient by the derivative of its forward's formula."""
    return _Judging(forward).found()


@dataclass
class _Judging:
    """The judgement of a gradient along a drawn direction, and along each entry if they are few."""

    forward: Forward
    gradients: list[Shadow] = field(init=False)
    kink: str | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.gradients = [exact(x) for x in self.forward.gradients]

    def found(self) -> ByForward:
        asked = self._asked()
        whole = next(asked, None)
        if whole is not None and whole.error <= self._nearest(whole):
            units = UNITS * whole.error / self._nearest(whole) if whole.error else 0.0
            return ByForward(Verdict.RIGHT, f"numbers within {units:.2g} units of the function's own formula")
        far = [x for x in (whole, *asked) if x is not None and self._is_far(x)]
        return self._accused(far) if far else ByForward(None, self.kink or "rounding may explain it")

    def _asked(self) -> Iterator[_Asked | None]:
        """Yield what is found along the drawn direction, and along each entry; None where there is a kink."""
        shapes = [x.shape for x in self.forward.gradients]
        count = sum(x.size for x in self.forward.gradients)
        if count > 1:
            yield self._along(self.forward.directions)
        if self.forward.operations * count > MOST:
            return
        for k, shape in enumerate(shapes):
            for place in np.ndindex(*shape):
                directions = [np.zeros(other) for other in shapes]
                directions[k][place] = 1.0
                yield self._along(directions)

    def _along(self, directions: Directions) -> _Asked | None:
        truth, kink = self.forward.derivative(directions, Reading.RECOGNISED)
        if kink is not None:
            self.kink = kink
            return None
        got, _ = formula_along(self.gradients, directions)
        if not (truth.is_finite() and got.is_finite()):
            return None
        return _Asked(directions, got, truth, max(self._size(directions), float(abs(truth).mid())))

    def _size(self, directions: Directions) -> float:
        """Return how large the terms of a derivative are, if their signs are random, or the largest entry."""
        terms = [(g.astype(np.float64), d) for g, d in zip(self.forward.gradients, directions, strict=True)]
        if sum(np.count_nonzero(d) for d in directions) == 1:
            return max(float(np.max(np.abs(g), initial=0)) for g, _ in terms)
        return float(np.sqrt(sum(float(np.sum((g * d) ** 2)) for g, d in terms)))

    def _nearest(self, asked: _Asked) -> float:
        """Return how near to the truth numbers are that nobody would compute better."""
        return 2 * UNITS * self.forward.result_unit * asked.size

    def _is_far(self, asked: _Asked) -> bool:
        """Whether neither rounding nor what the constants of the function may stand for explains an error."""
        if asked.error <= FAR * asked.size:
            return False
        unit = self.forward.coarsest_unit
        name = next(name for name, known in UNIT.items() if known == unit)
        with working(FORMATS[name].precision - SPARE, 2):
            rounded = self._truth(asked, Reading.LITERAL)
        spread = float(abs(rounded - asked.truth).abs_upper())
        explained = BEYOND * spread + 2 * UNITS * unit * asked.size + 8 * TINY[name]
        others = (self._truth(asked, reading) for reading in (Reading.LITERAL, Reading.SHORT))
        far = all(bool(abs(x - asked.got) > explained + FAR * asked.size) for x in (asked.truth, *others))
        return far and self.forward.is_known_around(asked.directions, asked.error)

    def _truth(self, asked: _Asked, reading: Reading) -> arb:
        return self.forward.derivative(asked.directions, reading)[0]

    def _accused(self, far: list[_Asked]) -> ByForward:
        """Accuse a gradient, unless the forward may only approximate what is meant."""
        relative = max(x.relative for x in far)
        said = f"differs by {relative:.2g} from the derivative of the function's formula, which is exact here"
        excuse = self.forward.excuse(relative)
        if excuse is not None:
            return ByForward(None, f"{said}; but {excuse}")
        if not self.forward.difference_is_smooth():
            return ByForward(None, f"{said}; at points nearby by something else: the function may be noisy")
        entries = sorted((x for x in far if x.is_of_one_entry), key=lambda x: -x.relative)
        lines = [self._line(x) for x in entries[:NAMED]]
        return ByForward(Verdict.WRONG, "\n".join([f"the gradient {said}", *lines]))

    def _line(self, asked: _Asked) -> str:
        k = next(k for k, part in enumerate(asked.directions) if part.any())
        name, place = self.forward.name(k), np.argwhere(asked.directions[k])[0]
        where = f"{name}[{', '.join(map(str, place))}]" if len(place) else name
        got, truth = (float(x.mid()) for x in (asked.got, asked.truth))
        return f"the derivative for {where} is {got!r}, the truth is {truth!r}"
