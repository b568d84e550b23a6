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
* 2.5 for any other function: with the margin that is two units in the last place off the nearest number; for
  erfc and gamma's functions more, by how they are made;
* n - 1 of the sum of all magnitudes for a sum of n terms, in whatever steps it was written;
* nothing for what no engine rounds: a sign, a choice between numbers, 0, a constant factor that is a power of
  two.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from flint import arb

from nn_from_scratch.verify.oracles import taylor

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
        return x if isinstance(x, Rounded) else self.term(arb(x), abs(x))

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


_FAR = 1e3  # where erfc is smaller than every format's smallest number


def _is_power_of_two(factor: float) -> bool:
    return abs(math.frexp(factor)[0]) == 0.5


Operand = Rounded | float
"""A number of an expression; a float is a constant."""


@dataclass(frozen=True)
class RoundedFunctions:
    """The functions of the usual formulas, over rounded numbers; see `usual_derivatives.Functions`."""

    model: StandardModel

    def sum(self, x: Operand, y: Operand) -> Rounded:
        """Return x + y."""
        return self.model.number(x) + y

    def product(self, x: Operand, y: Operand) -> Rounded:
        """Return x * y."""
        return self.model.number(x) * y

    def quotient(self, x: Operand, y: Operand) -> Rounded:
        """Return x / y."""
        return self.model.number(x) / y

    def difference(self, x: Operand, y: Operand) -> Rounded:
        """Return x - y."""
        return self.model.number(x) - y

    def exp(self, x: Operand) -> Rounded:
        """Return e to the power of x."""
        return self.model.number(x).function("exp")

    def log(self, x: Operand) -> Rounded:
        """Return the natural logarithm."""
        return self.model.number(x).function("log")

    def sqrt(self, x: Operand) -> Rounded:
        """Return the square root."""
        return self.model.number(x).function("sqrt")

    def sin(self, x: Operand) -> Rounded:
        """Return the sine."""
        return self.model.number(x).function("sin")

    def cos(self, x: Operand) -> Rounded:
        """Return the cosine."""
        return self.model.number(x).function("cos")

    def sinh(self, x: Operand) -> Rounded:
        """Return the hyperbolic sine."""
        return self.model.number(x).function("sinh")

    def cosh(self, x: Operand) -> Rounded:
        """Return the hyperbolic cosine."""
        return self.model.number(x).function("cosh")

    def sigmoid(self, x: Operand) -> Rounded:
        """Return 1 / (1 + e to the power of -x)."""
        return 1 / (1 + self.exp(-x))

    def softplus(self, x: Rounded) -> Rounded:
        """Return log(1 + e to the power of x), charged as one function."""
        return x.of_scale(x.ball.exp().log1p() * self.model.function)

    def erfc(self, x: Rounded) -> Rounded:
        """Return the complement of erf.

        Up to 1 engines take it for a difference, 1 - erf(x); beyond, for a multiple of exp(-x * x), which the
        rounding of the square moves (W. J. Cody, "Rational Chebyshev approximations for the error function",
        Mathematics of Computation 23, 1969).
        """
        tail = min(max(0.0, float(x.ball.upper())), _FAR)
        ball = x.ball.erfc() * arb(1, (2.5 + tail * tail) * self.model.unit_roundoff)
        if tail < 1:
            ball += 2.5 * self.model.lost
        return x.of_scale(ball)

    def bell(self, x: Operand) -> Rounded:
        """Return the slope of erf, whose factor of two over the root of pi is rounded as well."""
        known = self.model.number(x)
        factor = self.model.term(2 / arb.pi().sqrt() * self.model.once, 1.0)
        return self.exp(-(known * known)) * factor

    def lgamma(self, x: Rounded) -> Rounded:
        """Return log of the size of gamma.

        Engines take it for a difference, of about x log x and x (J. Stirling; C. Lanczos, "A precision
        approximation of the gamma function", SIAM Journal on Numerical Analysis B 1, 1964).
        """
        distance = abs(float(x.ball))
        terms = (distance + 1) * math.log(distance + 2) + 1
        return x.of_scale(self._gamma(x, 0) * self.model.function + 4 * terms * self.model.lost)

    def digamma(self, x: Operand) -> Rounded:
        """Return the slope of lgamma, a difference of a logarithm and what is about 1 / x."""
        return self._polygamma(x, 1)

    def trigamma(self, x: Operand) -> Rounded:
        """Return the slope of digamma: ten to twenty terms of a series, and what is left of it."""
        return self._polygamma(x, 2)

    def tetragamma(self, x: Operand) -> Rounded:
        """Return the slope of trigamma."""
        return self._polygamma(x, 3)

    def _polygamma(self, x: Operand, order: int) -> Rounded:
        known = self.model.number(x)
        value = self._gamma(known, order)
        return known.of_scale(value + 4 * order * (1 + abs(float(value))) * self.model.lost)

    def _gamma(self, x: Rounded, order: int) -> arb:
        """Return a derivative of lgamma, about the middle of a ball, which is not known too near a pole.

        Below 0 engines take that of 1 - x, and round pi times x.
        """
        middle = x.ball.mid()
        off = float(x.ball.rad()) + (0.0 if x.ball > 0 else 2 * self.model.unit_roundoff * abs(float(middle)))
        place = float(middle)
        pole = place if place > 0.5 or not math.isfinite(place) else abs(float(middle - round(place)))
        if not off <= abs(pole) / 8:  # beyond, a slope is not twice what it is in the middle
            return arb.nan()
        return taylor.polygamma(middle, order) + arb(0, off) * 2 * taylor.polygamma(middle, order + 1)

    def factored(self, *entries: Operand) -> Rounded:
        """Return the 0 by which factoring a square matrix may move each of its entries."""
        largest = max(float(self.model.number(one).ball.abs_upper()) for one in entries)
        return self.model.term(2 * math.sqrt(len(entries)) * largest * self.model.lost, largest)

    def inverted(self, determinant: Operand, *entries: Operand) -> Rounded:
        """Return the 0 by which a determinant times an inverse is off, relative to what they make.

        The other operands are a matrix and its cofactors, each entry. Where the determinant of numbers that
        are given is 0 there is no inverse, and no engine takes it that way; where it may be 0, all digits may
        be lost.
        """
        known = self.model.number(determinant).ball
        balls = [self.model.number(one).ball for one in entries]
        half = len(balls) // 2
        if known.mid() == 0 and all(ball.is_exact() for ball in balls[:half]):
            return self.model.term(arb(0), 0.0)
        least = float(known.abs_lower())
        if least == 0:
            return self.model.term(arb(0, 1), 0.0)
        sizes = [float(ball.abs_upper()) for ball in balls]
        condition = sum(sizes[:half]) * sum(sizes[half:]) / least
        # numpy adds up logarithms of pivots, and takes the exponential.
        logarithm = max(abs(math.log(least)), abs(math.log(max(sizes[:half]))))
        lost = 4 * math.sqrt(half) * (condition + logarithm) * self.model.unit_roundoff
        return self.model.term(arb(0, min(1.0, lost)), 0.0)

    def sigmoid_slope(self, z: Rounded) -> Rounded:
        """Return z (1 - z), whose factors are off together, which balls cannot know."""
        middle = z.ball.mid()
        off = z.ball - middle
        slope = middle * (1 - middle) + (1 - 2 * middle) * off - off * off
        return self.model.term(slope * self.model.twice, 1.0)

    def squared_secant(self, slope: Rounded) -> Rounded:
        """Return a slope with the charge of a function: 1 / cos(x)^2 and 1 / cosh(x)^2 are off by one's."""
        return self.model.term(slope.ball * self.model.function, slope.scale)

    def heaviside(self, x: Operand) -> Operand:
        """Return 1 above 0, 0 below, one half at a true 0, and both where engines may differ."""
        sign = self.model.number(x).sign()
        return self._one_of_two() if sign is None else (sign + 1) / 2

    def side(self, x: Operand) -> Operand:
        """Return the slope of the size: a sign, which some engines multiply by as x over its size."""
        sign = self.model.number(x).sign()
        if sign is None:
            return 2 * self._one_of_two() - 1
        return self.model.term(sign * self.model.twice, 1.0)

    def is_positive(self, x: Operand) -> Rounded:
        """Return 1 above 0, else 0, and what holds both where engines may differ."""
        return self.where(self.model.number(x), 1.0, 0.0)

    def _one_of_two(self) -> Rounded:
        return self.model.term(arb(0.5, 0.5), 1.0)

    def signum(self, x: Operand) -> Rounded:
        """Return 1 above 0, -1 below, 0 at a true 0, and all between where engines may differ."""
        sign = self.model.number(x).sign()
        return self.model.term(arb(0, 1) if sign is None else arb(sign), 1.0)

    def larger(self, x: Operand, y: Operand) -> Rounded:
        """Return the larger one."""
        return self._choice(arb.max, x, y)

    def smaller(self, x: Operand, y: Operand) -> Rounded:
        """Return the smaller one."""
        return self._choice(arb.min, x, y)

    def _choice(self, choose: Callable[[arb, arb], arb], x: Operand, y: Operand) -> Rounded:
        first, second = self.model.number(x), self.model.number(y)
        return self.model.term(choose(first.ball, second.ball), max(first.scale, second.scale))

    def where(self, condition: Operand, x: Operand, y: Operand) -> Rounded:
        """Return x where the condition is above 0, else y, and what holds both where engines may differ."""
        asked, first, second = map(self.model.number, (condition, x, y))
        if asked.ball > 0:
            return first
        if asked.ball <= 0:
            return second
        return self.model.term(first.ball.union(second.ball), max(first.scale, second.scale))

    def arctan2(self, y: Operand, x: Operand) -> Rounded:
        """Return the angle of the point (x, y)."""
        first, second = self.model.number(y), self.model.number(x)
        return first.of_scale(arb.atan2(first.ball, second.ball) * self.model.function)
