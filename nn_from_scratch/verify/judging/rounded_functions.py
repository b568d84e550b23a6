"""The functions of the usual formulas, over rounded numbers: what each is charged, and why."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from flint import arb

from nn_from_scratch.verify.judging.rounded_numbers import MARGIN, Operand, Rounded, StandardModel
from nn_from_scratch.verify.oracles import special_series

_BITS = 96
"""Of a number that is charged roundings of 2**-53 or more: with more it would only take longer."""
_FAR = 1e3  # where erfc is smaller than every format's smallest number


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

    def erfinv(self, x: Rounded) -> Rounded:
        """Return the inverse of erf, of an operand that some engines square, and round beside 1.

        That is XLA's log1p(-x * x), where M. Giles, "Approximating the erfinv function", GPU Computing Gems
        2, 2010, has a product that loses nothing. Of 8,000 numbers to within 1e-10 of 1 and -1, scipy is
        2.9 u off, PyTorch 1.0 u.
        """
        return x.of_scale((x.ball * self.model.once).erfinv() * self.model.function)

    def erfcinv(self, x: Rounded) -> Rounded:
        """Return the inverse of erfc: a normal quantile over root 2."""
        return x.of_scale(-self._quantile(x.ball / 2) / arb(2).sqrt())

    def normal_quantile(self, x: Rounded) -> Rounded:
        """Return the number below which a part of the normal distribution lies."""
        return x.of_scale(self._quantile(x.ball))

    def _quantile(self, p: arb) -> arb:
        """Return a quantile with its charge: in a tail it is a root less what is divided by that.

        That cancels at about 1 (S. Moshier, "Methods and Programs for Mathematical Functions", 1989). Of
        70,000 numbers from 1e-20 to 1 - 1e-12 scipy is 7.5 u off, 1.6 radii, PyTorch 5.7 u, JAX 7.1 u.
        """
        z = special_series.normal_quantile(p)
        least = float(z.abs_lower())
        return z * arb(1, 2.5 * (1 + 1 / max(1.0, least * least)) * self.model.unit_roundoff)

    def lgamma(self, x: Operand) -> Rounded:
        """Return log of the size of gamma.

        Engines take it for a difference, of about x log x and x (J. Stirling; C. Lanczos, "A precision
        approximation of the gamma function", SIAM Journal on Numerical Analysis B 1, 1964).
        """
        known = self.model.number(x)
        distance = abs(float(known.ball))
        terms = (distance + 1) * math.log(distance + 2) + 1
        return known.of_scale(self._gamma(known, 0) * self.model.function + 4 * terms * self.model.lost)

    def gamma(self, x: Rounded) -> Rounded:
        """Return gamma, of some engines the exponential of `lgamma`: JAX is 3,100 u off at 163, scipy 6 u."""
        size = self.exp(self.lgamma(x))
        return -size if x.ball.mid().gamma() < 0 else size

    def log_of_beta(self, x: Operand, y: Operand) -> Rounded:
        """Return the logarithm of gamma(x) gamma(y) / gamma(x + y), a sum of three.

        Of 5,000 pairs between 1e-3 and 100 scipy is 1.9 times off what is lost of the largest terms.
        """
        return self.sum(self.lgamma(x), self.lgamma(y)) - self.lgamma(self.sum(x, y))

    def relative_entropy(self, x: Operand, y: Operand) -> Rounded:
        """Return x log(x / y), where engines take the logarithm of a quotient, or a difference of two."""
        apart, quotient = self.difference(self.log(x), self.log(y)), self.log(self.quotient(x, y))
        return self.product(x, self.model.term(apart.ball.union(quotient.ball), apart.scale))

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
        value, slope = special_series.polygamma(middle, order, _BITS)
        return value + arb(0, off) * 2 * slope

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
