from decimal import Decimal, localcontext

import pytest
from flint import arb

from nn_from_scratch.verify.oracles.taylor import working
from nn_from_scratch.verify.vectors.decimals import (
    DIGITS,
    TINY,
    HugeError,
    UncertainError,
    enclosed,
    rounded_up,
)

pytestmark = pytest.mark.once


@pytest.mark.parametrize("precision", [160, 256, 1024])
def test_digits_are_those_of_the_true_number(precision: int) -> None:
    with working(precision):
        assert enclosed(arb(2) / 3) == (f"6.{'6' * 38}7e-1", "5.0e-41")
        assert enclosed(-arb(2) / 3) == (f"-6.{'6' * 38}7e-1", "5.0e-41")
        assert enclosed(arb.pi() * 1000) == ("3.141592653589793238462643383279502884197e3", "5.0e-37")


def test_the_radius_holds_the_true_number() -> None:
    with working(512), localcontext() as context:
        context.prec = 100
        number, radius = enclosed(arb(1) / 7)
        assert abs(Decimal(number) - Decimal(1) / 7) <= Decimal(radius)
        assert abs(Decimal(number) - Decimal(1) / 7) > 0


def test_exact_numbers_are_exact() -> None:
    assert enclosed(arb(0)) == ("0", "0")
    assert enclosed(arb(-0.375)) == ("-3.75e-1", "0")
    long = 1 + 2.0**-52  # has more digits than are written
    assert enclosed(arb(long)) == ("1.000000000000000222044604925031308084726e0", "5.0e-40")


def test_what_a_ball_does_not_tell_is_not_told() -> None:
    with pytest.raises(UncertainError):
        enclosed(arb(1, 1e-30))
    with pytest.raises(UncertainError):
        enclosed(arb(0, 1e-30))
    with working(256), pytest.raises(UncertainError):  # in the middle between two decimals
        enclosed(arb(arb(10) ** (DIGITS - 1) + arb(0.5), 1e-30))
    with pytest.raises(HugeError):
        enclosed(arb(10) ** 1001)
    with pytest.raises(HugeError):
        enclosed(arb.nan())


def test_what_is_smaller_than_any_format_is_only_said_to_be() -> None:
    with working(256):
        assert enclosed(arb(0, 1e-300) * 1e-300 * 1e-300 * 1e-300) == ("0", TINY)
        assert enclosed((-(arb(10) ** 38)).exp()) == ("0", TINY)
        # The radius of this one is e to the power of -1e40: it has an exponent of many digits.
        assert enclosed(1 + (-(arb(10) ** 40)).exp()) == ("1e0", "5.0e-40")


def test_a_tolerance_is_rounded_up_and_a_millionth_more() -> None:
    assert rounded_up(0.5) == "5.1e-1"
    assert rounded_up(0.5 * (1 - 1e-5)) == "5e-1"
    assert rounded_up(1.0e-3 * 1.5001) == "1.6e-3"
    assert rounded_up(5e-324) == "5e-324"
