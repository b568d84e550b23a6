"""Numbers as engines compute them: how far every rounding on the way may have moved a result.

Ball arithmetic at an engine's precision knows when a result is exact, and adds in one order. Another engine,
as right, divides by multiplying with the reciprocal or adds in another order, and rounds where the first did
not. So every operation is charged here, be its result exact or not, by the standard model of rounding,
``fl(x op y) = (x op y)(1 + e)`` with ``|e| <= u``, and every sum is charged what it may lose in the order
that is worst. (N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd edition, SIAM 2002,
sections 2.2 and 4.2; FLINT's balls carry each charge through what follows.)

What is charged, in unit roundoffs u of the result:

* 1 for a product, which may be contracted with a sum (fma), for a reciprocal, and for a sum of two terms;
* 2 for a quotient, which may be a product with the reciprocal;
* 2 for a square root, which may be a power;
* |n| - 1 for a power by a constant integer n beyond 4, which may be made of products in any order;
* 2.5 for any other function: with the margin that is two units in the last place off the nearest number; for
  erfc and gamma's functions more, by how they are made;
* n - 1 of the sum of all magnitudes for a sum of n terms, in whatever steps it was written;
* nothing for what no engine rounds: a sign, a choice between numbers, 0, a constant factor that is a power of
  two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from flint import arb

MARGIN = 2
"""Radii that an error may reach: chosen.

A radius bounds every rounding that is charged, in any order. What is not charged are functions that are
further off, and formulas that are not the usual ones. Right engines of every kind of `power.right_engines`
were measured to stay below 1.7 radii.
"""
MOST_TERMS = 2**20
"""Terms of a sum that are counted: no engine that goes path by path adds up more in reasonable time."""


@dataclass(frozen=True)
class StandardModel:
    """The rounding of one format: makes rounded numbers.

    Parameters
    ----------
    unit_roundoff
        The largest relative error of one rounding, u.

    """

    unit_roundoff: float
    once: arb = field(init=False)
    """The ball of 1 + e, for one rounding."""
    twice: arb = field(init=False)
    """The same for two."""
    function: arb = field(init=False)
    """The same for an elementary function."""
    lost: arb = field(init=False)
    """The ball of e; times a size, what one rounding of it may lose."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "once", arb(1, self.unit_roundoff))
        object.__setattr__(self, "twice", arb(1, 2 * self.unit_roundoff))
        object.__setattr__(self, "function", arb(1, 2.5 * self.unit_roundoff))
        object.__setattr__(self, "lost", arb(0, self.unit_roundoff))

    def number(self, x: Rounded | float) -> Rounded:
        """Return a number that is given: nothing has rounded it yet."""
        return x if isinstance(x, Rounded) else Rounded(self, arb(x), abs(x), 1, abs(x))

    def term(self, ball: arb, scale: float) -> Rounded:
        """Return what is one term of the sums that it enters."""
        return Rounded(self, ball, abs(float(ball)), 1, scale)


class Rounded:
    """A number after rounding, with Python's operators; the other operand may be a float, a constant.

    Attributes
    ----------
    model
        How each operation rounds.
    ball
        Contains what any reasonable engine computes.
    size, terms
        For a sum the magnitudes of its terms, added up, and how many there are.
    scale
        At least the largest term that was summed on the way to it: beside it an error is small or not,
        however much has cancelled.

    """

    __slots__ = ("ball", "model", "scale", "size", "terms")

    def __init__(self, model: StandardModel, ball: arb, size: float, terms: int, scale: float) -> None:
        self.model, self.ball, self.size, self.terms, self.scale = model, ball, size, terms, scale

    def __add__(self, other: Rounded | float) -> Rounded:
        if not isinstance(other, Rounded):
            other = self.model.number(other)
        if self.size == 0 or other.size == 0:  # few have this size, fewer are exactly 0
            if other.ball == 0:
                return self
            if self.ball == 0:
                return other
        ball = self.ball + other.ball
        terms = self.terms + other.terms
        if terms == 2:
            ball *= self.model.once
        else:
            # In all (n - 1) u sum|terms|, the most that a sum of n terms loses in any order. The first
            # addition of a sum of two was charged less than that, so that it is made good here.
            more = self.size * (other.terms + (self.terms == 2))
            more += other.size * (self.terms + (other.terms == 2))
            ball += self.model.lost * more
        return Rounded(
            self.model, ball, self.size + other.size, min(terms, MOST_TERMS), self.scale + other.scale
        )

    __radd__ = __add__

    def __neg__(self) -> Rounded:
        return Rounded(self.model, -self.ball, self.size, self.terms, self.scale)

    def __sub__(self, other: Rounded | float) -> Rounded:
        if self is not other:
            return self + -other
        # Nothing is left of a number that was given. A product may be rounded on one side only (fma), and a
        # sum be added in two orders.
        left = 0.0
        if not self.ball.is_exact():
            left = self.size if self.terms == 1 else 2 * self.size * (2 * self.terms - 1)
        terms = min(2 * self.terms, MOST_TERMS)
        return Rounded(self.model, self.model.lost * left, 2 * self.size, terms, 2 * self.scale)

    def __rsub__(self, other: Rounded | float) -> Rounded:
        return -self + other

    def __mul__(self, other: Rounded | float) -> Rounded:
        if not isinstance(other, Rounded):
            if _is_power_of_two(other):
                return self._scaled(float(other))
            other = self.model.number(other)
        return self.model.term(self.ball * other.ball * self.model.once, self.scale * other.scale)

    __rmul__ = __mul__

    def __truediv__(self, other: Rounded | float) -> Rounded:
        if not isinstance(other, Rounded):
            if _is_power_of_two(other):
                return self._scaled(1 / other)
            other = self.model.number(other)
        quotient = self.ball / other.ball * self.model.twice
        return self.model.term(quotient, self.scale / (abs(float(other.ball)) or math.inf))

    def __rtruediv__(self, other: Rounded | float) -> Rounded:
        if other == 1:  # the reciprocal itself: there is no product
            return self.model.term(self.model.once / self.ball, 1 / (abs(float(self.ball)) or math.inf))
        return self.model.number(other) / self

    def __pow__(self, other: Rounded | float) -> Rounded:
        if other == 1:
            return self
        exponent = self.model.number(other)
        power = self.ball**exponent.ball
        if isinstance(other, float) and abs(other) > 4 and other.is_integer():
            power *= arb(1, (abs(other) - 1) * self.model.unit_roundoff)
        else:
            power *= self.model.once if other == 2 else self.model.function
        return self.of_scale(power)

    def __rpow__(self, other: Rounded | float) -> Rounded:
        return self.model.number(other) ** self

    def __abs__(self) -> Rounded:
        return self.model.term(abs(self.ball), self.scale)

    def __eq__(self, other: object) -> bool:
        """Whether it is exactly a constant, in every engine."""
        return bool(self.ball == other)

    __hash__ = None  # type: ignore[assignment]

    def function(self, name: str) -> Rounded:
        """Return an elementary function, by its name in FLINT."""
        charge = self.model.twice if name == "sqrt" else self.model.function
        return self.of_scale(getattr(self.ball, name)() * charge)

    def path(self, slope: Rounded | float) -> Rounded:
        """Multiply each of the terms by a slope, as engines do that go path by path."""
        if not isinstance(slope, Rounded):
            if slope == 1.0:
                return self
            if _is_power_of_two(slope) or slope == 0:
                return self._scaled(slope)
            slope = self.model.number(slope)
        ball = self.ball * slope.ball
        size = self.size * abs(float(slope.ball))
        if not (self.size == 1 and self.terms == 1 and self.ball.is_exact()):  # 1 times a number is exact
            ball += self.model.lost * size
        return Rounded(self.model, ball, size, self.terms, self.scale * slope.scale)

    def sign(self) -> int | None:
        """Return 1, 0 or -1, or None where engines may differ about it.

        Where the midpoint is exactly 0, it is a true 0.
        """
        if self.ball > 0:
            return 1
        if self.ball < 0:
            return -1
        return 0 if self.ball.mid() == 0 else None

    def _scaled(self, factor: float) -> Rounded:
        size = abs(factor)
        return Rounded(self.model, self.ball * factor, self.size * size, self.terms, self.scale * size)

    def of_scale(self, ball: arb) -> Rounded:
        """Return a function's value: near its zero (log at 1) it may be a difference, of numbers about 1."""
        size = abs(float(ball))
        return Rounded(self.model, ball, size, 1, max(size, min(1.0, self.scale)))


def _is_power_of_two(factor: float) -> bool:
    return abs(math.frexp(factor)[0]) == 0.5


Operand = Rounded | float
"""A number of an expression; a float is a constant."""
