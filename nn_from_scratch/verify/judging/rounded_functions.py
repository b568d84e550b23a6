"""The functions of the usual formulas, over rounded numbers: what each is charged, and why."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from flint import arb

from nn_from_scratch.verify.judging.rounded_eigen import EigenFunctions
from nn_from_scratch.verify.judging.rounded_numbers import MARGIN, Operand, Rounded
from nn_from_scratch.verify.judging.rounded_special import SpecialFunctions
from nn_from_scratch.verify.oracles import special_series


@dataclass(frozen=True)
class RoundedFunctions(SpecialFunctions, EigenFunctions):
    """The functions of the usual formulas, over rounded numbers; see `usual_derivatives.Functions`."""

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

    def bell(self, x: Operand) -> Rounded:
        """Return the slope of erf, whose factor of two over the root of pi is rounded as well."""
        known = self.model.number(x)
        factor = self.model.term(2 / arb.pi().sqrt() * self.model.once, 1.0)
        return self.exp(-(known * known)) * factor

    def normal_below(self, x: Rounded) -> Rounded:
        """Return how much of the normal distribution lies below a number: half of erfc at it over root 2."""
        return self.erfc(self.quotient(-x, self.sqrt(2.0))) / 2.0

    def log_of_normal_below(self, x: Rounded) -> Rounded:
        """Return the logarithm of that: below 0 a difference of a logarithm and half of the operand's square.

        Where little lies above, it is beside the logarithm of 1, whose operand is rounded.
        """
        if x.ball > 0:
            above = self.normal_below(-x)
            return x.of_scale((-above.ball).log1p() * self.model.function + 2 * self.model.lost)
        exact = special_series.normal_below(x.ball).log()
        return x.of_scale(exact * self.model.function + 2.5 * (x.ball * x.ball + 1) * self.model.lost)

    def relative_entropy(self, x: Operand, y: Operand) -> Rounded:
        """Return x log(x / y), where engines take the logarithm of a quotient, or a difference of two."""
        apart, quotient = self.difference(self.log(x), self.log(y)), self.log(self.quotient(x, y))
        return self.product(x, self.model.term(apart.ball.union(quotient.ball), apart.scale))

    def cube_root(self, x: Rounded) -> Rounded:
        """Return the cube root, which has the sign of its operand."""
        root = abs(x.ball).root(3) * self.model.function
        return x.of_scale(-root if x.ball < 0 else root if x.ball > 0 else arb.nan())

    def exp2(self, x: Operand) -> Rounded:
        """Return 2 to the power of x."""
        known = self.model.number(x)
        return known.of_scale((known.ball * arb.const_log2()).exp() * self.model.function)

    def log2(self, x: Rounded) -> Rounded:
        """Return the logarithm to base 2."""
        return x.of_scale(x.ball.log() / arb.const_log2() * self.model.function)

    def log1p(self, x: Operand) -> Rounded:
        """Return the natural logarithm of 1 + x."""
        return self.model.number(x).function("log1p")

    def floor(self, x: Operand) -> Rounded:
        """Return the largest integer below a number: unknown where rounding may make the number another's."""
        known = self.model.number(x)
        middle = known.ball.mid()
        at_a_jump = arb(middle, MARGIN * known.ball.rad()).contains_integer()
        whole = arb.nan() if at_a_jump else middle.floor() * self.model.once
        return self.model.term(whole, known.scale)

    def trunc(self, x: Operand) -> Rounded:
        """Return a number without what stands behind the point."""
        known = self.model.number(x)
        if abs(known.ball) < 1:
            return self.model.number(0.0)
        return -self.floor(-known) if known.ball < 0 else self.floor(known)

    def sinc(self, x: Rounded) -> Rounded:
        """Return sin(pi x) / (pi x)."""
        return x.of_scale(self._sinc(x, 0) * self.model.function * self.model.twice)

    def sinc_slope(self, x: Operand) -> Rounded:
        """Return the slope of sinc, by engines a difference, of about 1 / x, that cancels near 0."""
        return self._slope_of_sinc(x, 1)

    def sinc_bend(self, x: Operand) -> Rounded:
        """Return the slope of that slope, of terms of about 1 / x^2."""
        return self._slope_of_sinc(x, 2)

    def _slope_of_sinc(self, x: Operand, order: int) -> Rounded:
        known = self.model.number(x)
        if known.ball == 0:  # no engine divides here
            return self.model.term(self._sinc(known, order) * arb(1, 8 * self.model.unit_roundoff), 1.0)
        least = float(known.ball.abs_lower())
        # A product is infinite where a power raises.
        terms = math.prod([math.pi + 1 / least] * order) if least > 0 else math.inf
        return self.model.term(self._sinc(known, order) + 8 * terms * self.model.lost, max(1.0, terms))

    def _sinc(self, x: Rounded, order: int) -> arb:
        """Return a derivative of sinc where engines take pi x, which they round.

        The next derivative is at most pi^(order + 1), and far from 0 at most twice that over pi x.
        """
        middle = x.ball.mid()
        least = math.pi * float(x.ball.abs_lower())
        steepest = math.pi ** (order + 1) * (2 / least if least > 4 else 1)
        off = float(x.ball.rad()) + 2 * self.model.unit_roundoff * abs(float(middle))
        return special_series.sinc(middle, order) + arb(0, off * steepest)

    def deg2rad(self, x: Operand) -> Rounded:
        """Return an angle in radians, by a constant that engines make of pi, which they round."""
        return self.model.number(x) * self.model.term(arb.pi() / 180 * self.model.twice, 1.0)

    def rad2deg(self, x: Operand) -> Rounded:
        """Return an angle in degrees."""
        return self.model.number(x) * self.model.term(180 / arb.pi() * self.model.twice, 60.0)

    def factored(self, *entries: Operand) -> Rounded:
        """Return the 0 by which factoring a square matrix may move each of its entries."""
        largest = max(float(self.model.number(one).ball.abs_upper()) for one in entries)
        return self.model.term(2 * math.sqrt(len(entries)) * largest * self.model.lost, largest)

    def mixed(self, *_: Operand) -> Rounded:
        """Return 0: see `mixed_slope`."""
        return self.model.number(0.0)

    def mixed_slope(self, *entries: Operand) -> Rounded:
        """Return the 0 that a derivative by one entry of a factored matrix has of that by another.

        Engines multiply by the factor's inverse from both sides.
        """
        return self.model.term(math.sqrt(len(entries)) * self.model.lost, 1.0)

    def mixed_bend(self, *entries: Operand) -> Rounded:
        """Return the 0 that is the slope of that slope: its terms have the inverse once more."""
        rows = math.isqrt(len(entries))
        matrix = np.array([float(self.model.number(one).ball.mid()) for one in entries]).reshape(rows, rows)
        try:
            largest = float(np.abs(np.linalg.inv(matrix)).max())
        except np.linalg.LinAlgError:
            return self.model.term(arb.nan(), 0.0)
        return self.model.term(2 * rows * largest * self.model.lost, largest)

    def inverted(self, determinant: Operand, *entries: Operand) -> Rounded:
        """Return the 0 by which a determinant times an inverse is off, relative to what they make.

        The other operands are a matrix and its cofactors, each entry. Where the determinant of numbers that
        are given is 0 there is no inverse, and engines take determinants of what is left without a row and a
        column; where it may be 0, all digits may be lost.
        """
        known = self.model.number(determinant).ball
        balls = [self.model.number(one).ball for one in entries]
        half = len(balls) // 2
        sizes = [float(ball.abs_upper()) for ball in balls]
        # numpy adds up logarithms of pivots, and takes the exponential.
        logarithms = [abs(math.log(size)) for size in sizes[:half] if size]
        if known.mid() == 0 and all(ball.is_exact() for ball in balls[:half]):
            lost = math.sqrt(half) * max(logarithms, default=0.0) * self.model.unit_roundoff
            return self.model.term(arb(0, min(1.0, lost)), 0.0)
        least = float(known.abs_lower())
        if not least > 0:  # or it is not known at all
            return self.model.term(arb(0, 1), 0.0)
        condition = sum(sizes[:half]) * sum(sizes[half:]) / least
        logarithm = max(abs(math.log(least)), abs(math.log(max(sizes[:half]))))
        lost = 4 * math.sqrt(half) * (condition + logarithm) * self.model.unit_roundoff
        return self.model.term(arb(0, min(1.0, lost)), 0.0)

    def inverted_slope(self, *_: Operand) -> Rounded:
        """Return the slope of `inverted` by an entry of the matrix, whose rounding is charged already."""
        return self.model.number(0.0)

    def inverted_bend(self, determinant: Operand, *entries: Operand) -> Rounded:
        """Return the 0 that is the slope of that slope: products of two entries of an inverse, less others.

        Engines differentiate a determinant times the inverse; of a single number, what the products are
        rounded by is all that is left.
        """
        known = self.model.number(determinant).ball
        sizes = [float(self.model.number(one).ball.abs_upper()) for one in entries]
        if known == 0:  # there is no inverse
            return self.model.number(0.0)
        least = float(known.abs_lower())
        if not least > 0:  # or it is not known at all
            return self.model.term(arb.nan(), 0.0)
        largest = max(sizes[len(sizes) // 2 :]) / least
        product = largest * largest  # which is infinite where a power raises
        return self.model.term(4 * product * self.model.lost, product)

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

    def side_off(self, _: Operand) -> Rounded:
        """Return the 0 by which x over its size is off the sign, whose rounding is charged already."""
        return self.model.number(0.0)

    def side_off_slope(self, x: Operand) -> Rounded:
        """Return the 0 that is the slope of x over its size: two slopes of 1 over the size, less each other.

        Each is off by up to three roundings, and the engine's own sign by one.
        """
        least = float(self.model.number(x).ball.abs_lower())
        if least == 0:
            return self.model.number(0.0)
        return self.model.term(arb(0, 4 * self.model.unit_roundoff / least), 1 / least)

    def is_positive(self, x: Operand) -> Rounded:
        """Return 1 above 0, else 0, and what holds both where engines may differ."""
        return self.where(self.model.number(x), 1.0, 0.0)

    def _one_of_two(self) -> Rounded:
        return self.model.term(arb(0.5, 0.5), 1.0)

    def signum(self, x: Operand) -> Rounded:
        """Return 1 above 0, -1 below, 0 where nothing was rounded, and all between where engines may differ.

        A product less itself is a true 0, but not to an engine that rounds it on one side only (fma).
        """
        known = self.model.number(x)
        sign = known.sign() if known.ball != 0 or known.ball.is_exact() else None
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
