"""The local check: every operation's numbers against its exact value at its own numeric inputs.

Errors do not grow along a chain here, so each operation has but a few roundings of its own. What exceeds
them says that the shadow is not of the operation that ran: the check tests the tracer before anybody is
accused.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.tracing.constants import unit_roundoff
from nn_from_scratch.verify.functions.tracing.shadows import Shadow, exact, value
from nn_from_scratch.verify.questions.formats import FORMATS

ALLOWED = 16.0
"""Roundings an operation is allowed: vectorised functions are off by up to 4 units in the last place."""

TINY = {name: kind.smallest for name, kind in FORMATS.items()}
"""The smallest numbers of formats: underflow is off by a few of these."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One operation, the line that asked for it, and its error in roundings of its own dtype."""

    operation: str
    line: str
    units: float


@dataclass
class LocalCheck:
    """Watches the operations of a trace.

    `worst` is the largest error of each; `overflow` and `underflow` say where a number first was too large
    for its format, and too small.
    """

    worst: dict[str, Observation] = field(default_factory=dict)
    overflow: str | None = None
    underflow: str | None = None

    def explain(self, said: str) -> str:
        """Add to what is said of a number that is not finite where that comes from, if it is known."""
        if self.overflow is not None:
            return f"{said}: it overflows at {self.overflow}"
        return said if self.underflow is None else f"{said}: a number underflows at {self.underflow}"

    def observe(
        self,
        operation: str,
        line: str,
        numbers: Any,
        expected: Shadow,
        *,
        dtype: str,
        scale: Any = None,
    ) -> None:
        """Compare what an operation gave with its exact value.

        Parameters
        ----------
        operation, line
            What ran, and for whom.
        numbers
            What it gave, as an array that float64 holds.
        expected
            Its shadow at its own numeric inputs, taken exactly.
        dtype
            Of the numbers.
        scale
            By what a rounding is multiplied, broadcast to the numbers: for a sum the number of terms times
            the sum of their sizes. By default the size of the exact value.

        """
        array = np.asarray(numbers)
        unit, tiny = unit_roundoff(dtype), TINY.get(dtype, TINY["float64"])
        sizes = None if scale is None else np.broadcast_to(scale, array.shape).ravel().tolist()
        worst = 0.0
        rows = zip(exact(array).ravel(), expected.ravel(), strict=True)
        for k, (got, entry) in enumerate(rows):
            true = value(entry)
            size = abs(float(true)) if sizes is None else sizes[k]
            if self.overflow is None and true.is_finite() and not got.is_finite():
                self.overflow = f"{operation}, {line}" if line else operation
            if self.underflow is None and got.is_zero() and true.is_finite() and not true.contains(0):
                self.underflow = f"{operation}, {line}" if line else operation
            if not (got.is_finite() and true.is_finite() and math.isfinite(size)):
                continue  # out of range is judged where it reaches a result
            error = float((got - true).abs_upper())
            if error > 4 * tiny:
                worst = max(worst, error / (unit * size) if size > 0 else math.inf)
        before = self.worst.get(operation)
        if before is None or worst > before.units:
            self.worst[operation] = Observation(operation, line, worst)

    @property
    def largest(self) -> Observation | None:
        """The operation with the largest error."""
        return max(self.worst.values(), key=lambda found: found.units, default=None)

    @property
    def failed(self) -> Observation | None:
        """An operation that rounding does not explain, if there is one."""
        found = self.largest
        return found if found is not None and found.units > ALLOWED else None
