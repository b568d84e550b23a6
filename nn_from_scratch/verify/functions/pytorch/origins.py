"""Which operation or constant of a backward its difference from the derivative comes from.

A gradient along several directions is a vector, and so is its error. If what an operation gives, made twice
as large, changes the vector in proportion to the error, then some multiple of it makes the formula right: it
is found, and tried. A constant is tried as those of the forward, and with fewer digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.pytorch.question import numbers
from nn_from_scratch.verify.functions.pytorch.runs import Tracing
from nn_from_scratch.verify.functions.pytorch.tracing.trace import Step
from nn_from_scratch.verify.functions.tracing.constants import Reading, read
from nn_from_scratch.verify.functions.tracing.mending import decimal
from nn_from_scratch.verify.functions.tracing.rules import formula_along, truth_along
from nn_from_scratch.verify.functions.tracing.shadows import Shadow

DIRECTIONS = 3
"""Along how many directions a gradient is looked at."""
AGREED = 1e-40
"""How closely, relatively, vectors must agree."""
WORK = 100_000
"""Numbers that a search may compute, at most."""
_EACH = 20
"""How many numbers an operation takes as long as, whatever it computes."""
NEAR = 0.1
"""How near, relatively, another constant must be to be tried."""
SHOWN = 3
"""Up to so many lines are named that each may be to blame."""

_STREAM = 0x6F726967696E73
"""Nobody's inputs are drawn from this stream."""

Vector = list[arb]


def origin(tracing: Tracing, seed: int) -> str | None:
    """Say which constant or operation, changed how, makes a wrong formula right; None if none does alone."""
    search = _Search(tracing, seed)
    return search.constant() or search.operation()


class _Search:
    """The gradient's formula and the derivative along drawn directions, and what changes the one."""

    def __init__(self, tracing: Tracing, seed: int) -> None:
        draw = np.random.default_rng([seed, _STREAM])
        self.tracing = tracing
        self.directions = [
            [np.asarray(draw.normal(size=x.shape)) for x in tracing.directions] for _ in range(DIRECTIONS)
        ]
        weights = [numbers(c) for c in tracing.cotangents]
        outputs = [tracing.slopes(Reading.RECOGNISED, along) for along in self.directions]
        self.truth = [truth_along(x, weights)[0] for x in outputs]
        self.forward = tracing.traces[-1].constants
        self.formula = self._vector(tracing.gradients(Reading.RECOGNISED))
        self.trace = tracing.traces[-1]
        self.left = WORK

    def constant(self) -> str | None:
        """Try other numbers for the constants that the backward has beside those of the forward."""
        for key, line in self.trace.constants.items():
            if key in self.forward:
                continue
            for candidate in self._candidates(key[0]):
                if self._done():
                    return None
                changed = {key: read(candidate, Reading.RECOGNISED)}
                if self._right(self._vector(self.tracing.gradients(Reading.RECOGNISED, replaced=changed))):
                    return f"with {candidate!r} in place of {key[0]!r} ({line}) it is equal"
        return None

    def operation(self) -> str | None:
        """Scale the results of the backward's operations, one by one."""
        found: dict[str, str] = {}
        for step in self.trace.steps:
            if self._done():
                return None
            factor = self._factor(step)
            if factor is not None and self._right(self._scaled(step, factor)):
                found.setdefault(step.line, f"{step.name} ({step.line}) {_said(factor)}")
        if not found:
            return None
        shown = list(found.values())[:SHOWN]
        return f"it would be equal with the result of {', or of '.join(shown)}"

    def _factor(self, step: Step) -> arb | None:
        """Return by what an operation's result would have to be multiplied, if that may make it right."""
        changes = [x - y for x, y in zip(self._scaled(step, arb(2)), self.formula, strict=True)]
        errors = [x - y for x, y in zip(self.formula, self.truth, strict=True)]
        if not all(x.is_finite() for x in changes) or abs(changes[0]).abs_upper() == 0:
            return None
        if changes[0].contains(0):
            return None
        times = (-errors[0] / changes[0]).mid()
        sizes = [float((abs(x) + abs(y)).abs_upper()) for x, y in zip(errors, changes, strict=True)]
        rests = [x + times * y for x, y in zip(errors, changes, strict=True)]
        pairs = zip(rests, sizes, strict=True)
        close = all(float(abs(rest).abs_upper()) <= AGREED * size for rest, size in pairs)
        alone = sum(x.size for x in self.tracing.directions) == 1  # then every operation is in proportion
        factor = 1 + times
        return factor if close and not (alone and _simple(factor) is None) else None

    def _scaled(self, step: Step, factor: arb) -> Vector:
        return self._vector(self.tracing.gradients(Reading.RECOGNISED, scaled=(step.number, factor)))

    def _vector(self, gradient: list[Shadow]) -> Vector:
        return [formula_along(gradient, along)[0] for along in self.directions]

    def _right(self, vector: Vector) -> bool:
        pairs = zip(vector, self.truth, strict=True)
        return all(
            bool((x - y).is_finite()) and float(abs(x - y).abs_upper()) <= AGREED * float(abs(y).abs_upper())
            for x, y in pairs
        )

    def _done(self) -> bool:
        """Whether the search has computed enough; else count one more run."""
        self.left -= self.trace.numbers + _EACH * self.trace.operations
        return self.left < 0

    def _candidates(self, number: float) -> Iterator[float]:
        fewer = [float(f"{number:.{digits}g}") for digits in range(1, 8)]
        seen = {number}
        for candidate in [*(other for other, _ in self.forward), *fewer]:
            near = abs(candidate - number) <= NEAR * abs(number)
            if candidate and candidate not in seen and near:
                seen.add(candidate)
                yield candidate


def _simple(factor: arb) -> Fraction | None:
    """Return the small rational that a factor is, if it is one."""
    found = Fraction(float(factor.mid())).limit_denominator(64)
    return found if abs(float(factor.mid()) - found) <= 1e-14 * (1 + abs(found)) else None


def _said(factor: arb) -> str:
    simple = _simple(factor)
    if simple == 0:
        return "left out"
    return "of the other sign" if simple == -1 else f"times {decimal(factor)}"
