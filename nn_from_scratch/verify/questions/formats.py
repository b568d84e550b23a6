"""Floating-point formats: in which numbers a question is asked, and an engine computes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a process that answers for an engine has no use for balls
    from flint import arb


@dataclass(frozen=True, slots=True)
class Format:
    """A binary floating-point format: bits of precision and the exponents of its normal numbers."""

    precision: int
    smallest_exponent: int
    largest_exponent: int
    unit_roundoff: float = field(init=False)
    """The largest relative error of rounding to nearest."""
    smallest: float = field(init=False)
    """The smallest positive number, a subnormal one."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "unit_roundoff", 2.0**-self.precision)
        object.__setattr__(self, "smallest", 2.0 ** (self.smallest_exponent - self.precision + 1))

    def holds(self, ball: arb) -> bool:
        """Whether every number of the ball is 0 or a normal number of the format, away from its ends.

        Smaller numbers do not matter in a ball whose radius is larger: that allows for their underflow.
        """
        smallest, largest = 2.0**self.smallest_exponent, 2.0 ** (self.largest_exponent - 1)
        small = ball.abs_lower() <= smallest and ball.rad() <= smallest
        return bool(ball == 0 or (ball.abs_upper() < largest and not small))

    def nearest(self, x: float) -> float:
        """Return the number of the format that is nearest to a finite `x`."""
        largest = math.ldexp(2 - 2.0 ** (1 - self.precision), self.largest_exponent)
        if abs(x) >= largest:
            return math.copysign(largest, x)
        exponent = max(math.frexp(x)[1], self.smallest_exponent + 1) - self.precision
        return math.ldexp(round(math.ldexp(x, -exponent)), exponent)


FORMATS: Mapping[str, Format] = {
    "float64": Format(53, -1022, 1023),
    "float32": Format(24, -126, 127),
    "float16": Format(11, -14, 15),
    "bfloat16": Format(8, -126, 127),
}
