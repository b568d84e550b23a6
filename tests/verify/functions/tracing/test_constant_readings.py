import math
import sys

import numpy as np
import pytest
from flint import arb

from nn_from_scratch.verify.functions.tracing.constants import Reading, is_certain, read, recognise
from nn_from_scratch.verify.functions.tracing.places import at_place
from nn_from_scratch.verify.functions.tracing.shadows import exactly_computing

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("number", "exact"),
    [
        (0.1, lambda: arb(1) / 10),
        (1e-5, lambda: arb(1) / 100000),
        (0.044715, lambda: arb(44715) / 10**6),
        (1 / 3, lambda: arb(1) / 3),
        (2 / 7, lambda: arb(2) / 7),
        (1 / math.sqrt(2 * math.pi), lambda: 1 / (2 * arb.pi()).sqrt()),
        (3 * math.sqrt(2 / math.pi), lambda: 3 * (2 / arb.pi()).sqrt()),
        (0.5 * math.log(2 * math.pi), lambda: (2 * arb.pi()).log() / 2),
        (1 / math.sqrt(5), lambda: 1 / arb(5).sqrt()),
        (-math.sqrt(13), lambda: -arb(13).sqrt()),
        (math.pi / 4, lambda: arb.pi() / 4),
    ],
)
def test_recognises(number: float, exact: object) -> None:
    with exactly_computing():
        found = read(number, Reading.RECOGNISED)
        assert found.overlaps(exact())  # type: ignore[operator]
        assert found.rad() < 1e-60


def test_recognises_decimals_of_float32_but_no_roots() -> None:
    with exactly_computing():
        found = recognise(float(np.float32(1e-5)), "float32")
        assert found is not None
        assert found.overlaps(arb(1) / 100000)
        assert recognise(float(np.float32(math.sqrt(2))), "float32") is None


def test_random_doubles_are_taken_for_nothing() -> None:
    rng = np.random.default_rng(0)
    assert not [x for x in rng.normal(size=5000) if recognise(float(x)) is not None]


@pytest.mark.parametrize(
    ("number", "dtype"),
    [
        (np.float32(1 + 999 / 7), "float32"),  # a multiple of 2**-16, as are all of its size
        (np.float32(math.e / 7), "float32"),  # 0.388326
        (np.float32(7e9 / 3), "float32"),  # an integer
        (1e11 / 2017, "float64"),
        (np.float16(math.pi / 7), "float16"),
        (np.float16(1e-5), "float16"),  # 168 times the smallest
        (0.3984375, "bfloat16"),  # 1 / sqrt(2 pi)
        (2.5, "bfloat16"),  # sqrt(2 pi)
    ],
)
def test_a_rounded_number_is_never_certain(number: float, dtype: str) -> None:
    assert not is_certain(float(number), dtype)
    with exactly_computing():
        assert read(float(number), Reading.ROUNDED, dtype).rad() > 0


@pytest.mark.parametrize(
    ("number", "dtype"),
    [
        (0.1, "float64"),
        (1 / 3, "float64"),
        (2.0**-52, "float64"),
        (784.0, "float32"),
        (0.75, "float32"),
        (60000.0, "float32"),
        (6.0, "float16"),
        (1.0, "bfloat16"),
        (-0.5, "bfloat16"),
        (0.0, "bfloat16"),
    ],
)
def test_numbers_that_are_no_rounding_are_certain(number: float, dtype: str) -> None:
    assert is_certain(number, dtype)


@pytest.mark.parametrize("number", [1e-310 / 3, -1e-300 / 3, 1e300 / 3, 1e22 / 3, -sys.float_info.max])
@pytest.mark.parametrize("reading", [x for x in Reading if x is not Reading.MOVED])
def test_numbers_of_any_size_are_read(number: float, reading: Reading) -> None:
    with exactly_computing():
        assert read(number, reading).contains(arb(number))


@pytest.mark.parametrize("number", [-1e-300 / 3, 1e300 / 3, 1e22 / 3, 0.1])
def test_a_number_moves_within_its_rounding_to_a_place_of_its_own(number: float) -> None:
    moved: list[arb] = []
    with exactly_computing():
        ball = read(number, Reading.ROUNDED)
        for which in (-1, -2, -1):
            with at_place(which):
                moved.append(read(number, Reading.MOVED))
        assert all(ball.contains(x) for x in moved)
        assert moved[0] == moved[2] != moved[1]
        assert read(0.5, Reading.MOVED) == arb(0.5), "which is no rounding"


def test_fractions_are_recognised_in_short_formats_only_where_they_are_rare() -> None:
    found = {dtype: recognise(0.4345703125, dtype) for dtype in ("float16", "bfloat16")}  # near 10 / 23
    assert found == dict.fromkeys(found)


def test_rounded_holds_every_other_reading() -> None:
    with exactly_computing():
        for number in (0.1, 1 / math.sqrt(2 * math.pi), 0.7978845608, 1.23e-7, math.e / 3, 0.714285714285714):
            ball = read(number, Reading.ROUNDED)
            assert ball.contains(read(number, Reading.LITERAL))
            assert ball.contains(read(number, Reading.RECOGNISED))
            assert ball.rad() < abs(number) * 2e-15


def test_written_short_is_a_rounding_or_a_truncation() -> None:
    with exactly_computing():
        true = (2 / arb.pi()).sqrt()  # 0.79788456080286...
        assert not read(0.7978845608, Reading.ROUNDED).contains(true)
        for short in (0.7978845608, 0.79788456, 0.7978845, 0.7978846):
            assert read(short, Reading.SHORT).overlaps(true)
        for wrong in (0.7978845609, 0.79788457, 0.7978855608, 0.79788):
            assert not read(wrong, Reading.SHORT).overlaps(true)
        assert read(0.3333333, Reading.SHORT).overlaps(arb(1) / 3)
        for changed in (0.1 * (1 + 1e-14), 0.1 * (1 - 1e-14), 0.1000001):
            assert not read(changed, Reading.SHORT).overlaps(arb(1) / 10)
