"""Numbers as decimal text that is the same for every version of FLINT.

A ball depends on how FLINT computed it; the number inside does not. So a ball is taken only if both of its
ends round to the same 40 digits, which are then those of the true number, correctly rounded. A radius of
rounding has no such true value: it is enlarged by a millionth and rounded up to two digits, so that the
billionths by which versions may differ in it do not show.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction

from flint import arb

DIGITS = 40
TINY = "1e-1000"
"""What is below this in size is only said to be that."""
_LARGE = arb(10) ** 1000
_BITS = 5000
_TO_NEAREST = Context(prec=DIGITS, Emin=-9999, Emax=9999)
_UPWARD = Context(prec=2, rounding=ROUND_CEILING, Emin=-9999, Emax=9999)
_ENLARGED = 1 + Fraction(1, 10**6)

Enclosed = tuple[str, str]
"""A decimal number, and the radius around it that holds the true one: "0" if it is exact."""


class UncertainError(Exception):
    """A ball is too wide to tell the digits of the number inside; one of more bits may do."""


class HugeError(Exception):
    """A number is too large for every format."""


def enclosed(ball: arb) -> Enclosed:
    """Return the number in a ball, to 40 digits, and half a unit of the last of them; an exact one as it is.

    Raises
    ------
    UncertainError
        Where the ball does not tell them.
    HugeError
        Where it is beyond 1e1000.

    """
    if ball.is_zero():
        return "0", "0"
    if not ball.is_finite() or ball.abs_lower() > _LARGE:
        raise HugeError
    if ball.abs_upper() < 1 / _LARGE:
        return "0", TINY
    if ball.abs_lower() < 1 / _LARGE:
        raise UncertainError
    middle, radius = _fraction(ball.mid()), _radius(ball)
    lowest, highest = (_rounded(end) for end in (middle - radius, middle + radius))
    if lowest != highest:
        raise UncertainError
    exact = radius == 0 and Fraction(lowest) == middle
    return _text(lowest), "0" if exact else f"5.0e{lowest.adjusted() - DIGITS}"


def rounded_up(size: float) -> str:
    """Return a finite number from 0 on, enlarged by a millionth and rounded up to two digits."""
    enlarged = Fraction(size) * _ENLARGED
    return _text(_UPWARD.divide(Decimal(enlarged.numerator), Decimal(enlarged.denominator)))


def _fraction(number: arb) -> Fraction:
    mantissa, exponent = (int(part) for part in number.man_exp())
    return Fraction(mantissa) * Fraction(2) ** exponent


def _radius(ball: arb) -> Fraction:
    """Return the radius; one below 2 ** -5000, whose exponent may have many digits, is taken for that."""
    radius = ball.rad()
    return Fraction(1, 2**_BITS) if 0 < radius < arb(2) ** -_BITS else _fraction(radius)


def _rounded(number: Fraction) -> Decimal:
    return _TO_NEAREST.divide(Decimal(number.numerator), Decimal(number.denominator))


def _text(number: Decimal) -> str:
    """Write a number as d.ddde-n, without zeros at its end."""
    sign, digits, _ = number.normalize(_TO_NEAREST).as_tuple()
    first, *rest = map(str, digits)
    fraction = f".{''.join(rest)}" if rest else ""
    return f"{'-' * sign}{first}{fraction}e{number.adjusted()}"
