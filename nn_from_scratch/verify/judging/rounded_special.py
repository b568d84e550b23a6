"""Special functions over rounded numbers: what each is charged, by how engines make it, or as measured."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeGuard

from flint import arb

from nn_from_scratch.verify.judging.rounded_numbers import Operand, Rounded, StandardModel
from nn_from_scratch.verify.oracles import special_series

_BITS = 96
"""Of a number that is charged roundings of 2**-53 or more: with more it would only take longer."""
_FAR = 1e3  # where erfc is smaller than every format's smallest number


@dataclass(frozen=True)
class SpecialFunctions:
    """Those of error functions and of gamma, and Bessel's; see `usual_derivatives.Functions`."""

    model: StandardModel

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
        size = self.lgamma(x).function("exp")
        return -size if x.ball.mid().gamma() < 0 else size

    def log_of_beta(self, x: Operand, y: Operand) -> Rounded:
        """Return the logarithm of gamma(x) gamma(y) / gamma(x + y), a sum of three.

        Of 5,000 pairs between 1e-3 and 100 scipy is 1.9 times off what is lost of the largest terms.
        """
        return self.lgamma(x) + self.lgamma(y) - self.lgamma(self.model.number(x) + y)

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

    def gammainc(self, order: Operand, x: Operand) -> Rounded:
        """Return how much of a gamma distribution lies below a number."""
        return self._part_of_gamma(order, x, upper=False)

    def gammaincc(self, order: Operand, x: Operand) -> Rounded:
        """Return how much of a gamma distribution lies above a number."""
        return self._part_of_gamma(order, x, upper=True)

    def _part_of_gamma(self, order: Operand, x: Operand, *, upper: bool) -> Rounded:
        """Return a part of a gamma distribution: the exponential of a sum, times a series or a fraction.

        Of 10,000 numbers to 50 and orders from 0.1 to 10 scipy is 14 times a rounding off of that sum, JAX 9
        times, PyTorch 3 times; between the larger of 1 and the order and thrice that, where there are
        hundreds of terms, scipy is 32 times, PyTorch and JAX are 17 times. Below, what lies above is 1 less
        the rest.
        """
        a, known = self.model.number(order), self.model.number(x)
        below, above = (
            part(known.ball, a.ball, regularized=1) for part in (arb.gamma_lower, arb.gamma_upper)
        )
        place, edge = float(known.ball), max(1.0, float(a.ball))
        if not place > 0:
            return self.model.term(arb.nan(), 1.0)
        terms = 1 + abs(float(a.ball) * math.log(place)) + place + abs(float(a.ball.lgamma()))
        times = 20 if 0.9 < place / edge < 3.3 else 8
        lost = arb(0, times * terms * self.model.unit_roundoff)
        complement = below if upper and place < 1.2 * edge else arb(0)
        exact = above if upper else below
        return known.of_scale(exact + (abs(exact) + complement) * lost)

    def betainc(self, first: Operand, second: Operand, x: Operand) -> Rounded:
        """Return how much of a beta distribution lies below a number; beyond its middle, 1 less the rest.

        Of 6,000 numbers to within 1e-6 of 0 and 1, and parameters from 0.1 to 10, scipy is 7 times a rounding
        off of the logarithms that it is the exponential of; JAX, by a continued fraction, up to 450 u.
        """
        a, b, known = (self.model.number(one) for one in (first, second, x))
        place = known.ball
        if not (place > 0 and place < 1):
            return self.model.term(arb.nan(), 1.0)
        part = place.beta_lower(a.ball, b.ball, True)
        logarithms = (a.ball * place.log(), b.ball * (-place).log1p())
        gammas = (a.ball.lgamma(), b.ball.lgamma(), (a.ball + b.ball).lgamma())
        terms = 1 + sum(abs(float(one)) for one in (*logarithms, *gammas))
        complement = 1 - part if float(place) > 0.9 * float((a.ball + 1) / (a.ball + b.ball + 2)) else arb(0)
        return known.of_scale(part + (abs(part) + complement) * (220 + 8 * terms) * self.model.lost)

    def zeta(self, exponent: Operand, x: Operand) -> Rounded:
        """Return the sum of 1 / (x + k)^exponent.

        Of 4,000 numbers from 1e-3 to 1e4 and exponents from 1.1 to 12 scipy, PyTorch and JAX are 9.6 u off.
        The exponent of a derivative is another one plus 1, and plus 1 again, each rounded.
        """
        power, known = self.model.number(exponent).ball * self.model.twice, self.model.number(x)
        if not (power > 1 and known.ball > 0):
            return self.model.term(arb.nan(), 1.0)
        return known.of_scale(power.zeta(known.ball) * arb(1, 6 * self.model.unit_roundoff))

    def jv(self, order: Operand, x: Operand) -> Rounded:
        """Return Bessel's J of a whole order, a constant.

        Of 4,000 numbers between -26 and 26 and orders from -2 to 12 scipy is 1.3 times eight roundings off,
        and those of the logarithm of its first term.
        """
        if not _is_small_and_whole(order):
            return self.model.term(arb.nan(), 1.0)
        known = self.model.number(x)
        middle = known.ball.mid()
        first = _first_term_of_bessel(order, middle)
        slope = (abs(middle.bessel_j(order - 1)) + abs(middle.bessel_j(order + 1))) / 2
        off = float(known.ball.rad())
        exact = middle.bessel_j(order) + arb(0, off) * (slope.upper() + off)  # its second one is at most 1
        root = 1 / math.sqrt(1 + abs(float(middle)))
        size = abs(float(exact)) + min(root, math.exp(min(first, 0.0)))
        return known.of_scale(exact + size * (8 + abs(first)) * self.model.lost)

    def iv(self, order: Operand, x: Operand) -> Rounded:
        """Return Bessel's I of a whole order, charged as `jv`: scipy is 2.1 times that off."""
        if not _is_small_and_whole(order):
            return self.model.term(arb.nan(), 1.0)
        known = self.model.number(x)
        first = _first_term_of_bessel(order, known.ball.mid())
        charge = 1.5 * (8 + abs(first)) * self.model.unit_roundoff
        return known.of_scale(known.ball.bessel_i(order) * arb(1, charge))

    def erfcx(self, x: Rounded) -> Rounded:
        """Return exp(x^2) erfc(x), whose exponent is rounded below 0.

        Of 6,000 numbers between -10 and 1e6 scipy and PyTorch are 7.6 u off, and below 0 as often x^2 + 1.
        """
        below = min(0.0, float(x.ball.lower()))
        exact = (x.ball * x.ball).exp() * x.ball.erfc()
        return x.of_scale(exact * arb(1, 4 * (1 + below * below) * self.model.unit_roundoff))

    def j0(self, x: Operand) -> Rounded:
        """Return Bessel's J of order 0.

        Engines have a cosine over a root, and lose digits near its zeros: of 4,500 numbers between -30 and 30
        scipy is 6.7 times a rounding off of the value and that root, j1 is 7.3 times.
        """
        known = self.model.number(x)
        return known.of_scale(self._oscillating(known, lambda at: at.bessel_j(0), 1.0))

    def j1(self, x: Operand) -> Rounded:
        """Return Bessel's J of order 1."""
        known = self.model.number(x)
        least = float(known.ball.abs_upper())
        return known.of_scale(self._oscillating(known, lambda at: at.bessel_j(1), least))

    def j1_slope(self, x: Operand) -> Rounded:
        """Return the slope of j1, a difference of others."""
        return self._slope_of_bessel(x, lambda at: (at.bessel_j(0) - at.bessel_j(2)) / 2, 1.0, 0)

    def j1_bend(self, x: Operand) -> Rounded:
        """Return the slope of that slope, by some engines of terms of about 1 / x."""
        return self._slope_of_bessel(x, lambda at: (at.bessel_j(3) - 3 * at.bessel_j(1)) / 4, 1.0, 1)

    def i0(self, x: Operand) -> Rounded:
        """Return Bessel's I of order 0: of 4,500 numbers between -30 and 30 scipy is 8.8 u off, i1 14.9 u."""
        return self._growing(x, 0)

    def i1(self, x: Operand) -> Rounded:
        """Return Bessel's I of order 1."""
        return self._growing(x, 1)

    def i1_slope(self, x: Operand) -> Rounded:
        """Return the slope of i1, a difference of others."""
        known = self.model.number(x)
        largest = float(arb(known.ball.abs_upper()).bessel_i(0))
        return self._slope_of_bessel(x, lambda at: (at.bessel_i(0) + at.bessel_i(2)) / 2, largest, 0)

    def i1_bend(self, x: Operand) -> Rounded:
        """Return the slope of that slope, by some engines of terms of about 1 / x."""
        known = self.model.number(x)
        largest = float(arb(known.ball.abs_upper()).bessel_i(0))
        return self._slope_of_bessel(x, lambda at: (at.bessel_i(3) + 3 * at.bessel_i(1)) / 4, largest, 1)

    def _oscillating(self, x: Rounded, function: Callable[[arb], arb], least: float) -> arb:
        """Return a Bessel function J, whose slope is at most 1."""
        middle = x.ball.mid()
        exact = function(middle) + arb(0, x.ball.rad())
        root = 1 / math.sqrt(1 + abs(float(middle)))
        return exact * arb(1, 4 * self.model.unit_roundoff) + 4 * min(least, root) * self.model.lost

    def _growing(self, x: Operand, order: int) -> Rounded:
        """Return a Bessel function I."""
        known = self.model.number(x)
        return known.of_scale(known.ball.bessel_i(order) * arb(1, 8 * self.model.unit_roundoff))

    def _slope_of_bessel(
        self, x: Operand, function: Callable[[arb], arb], largest: float, order: int
    ) -> Rounded:
        """Return a derivative of a Bessel function whose next one is at most `largest`, as are its terms."""
        known = self.model.number(x)
        exact = function(known.ball.mid()) + arb(0, known.ball.rad()) * largest
        if known.ball == 0:  # no engine divides here
            return self.model.term(exact + 8 * self.model.lost, 1.0)
        least = float(known.ball.abs_lower())
        terms = largest * (1 + order / least) if least > 0 else math.inf
        return self.model.term(exact + 8 * terms * self.model.lost, max(1.0, terms))


def _is_small_and_whole(order: Operand) -> TypeGuard[float]:
    """Whether it is the order of a Bessel function that is asked, or two beside one."""
    return isinstance(order, float) and order.is_integer() and abs(order) <= special_series.HIGHEST_ORDER


def _first_term_of_bessel(order: float, x: arb) -> float:
    """Return the logarithm of (x / 2)^n / n!; at 0, of a number whose term is nothing."""
    n = abs(order)
    return n * math.log(max(abs(float(x)), 1e-300) / 2) - math.lgamma(n + 1)
