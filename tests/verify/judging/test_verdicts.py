import math

import pytest
from flint import arb

from nn_from_scratch.verify.judging.rounded_numbers import MARGIN
from nn_from_scratch.verify.judging.verdicts import Judgement, Verdict, judge
from nn_from_scratch.verify.questions.formats import FORMATS

ULP = 2.0**-52


def judged(
    got: float,
    truth: arb | float,
    radius: float = ULP,
    working_format: str = "float64",
    *,
    summed: float = 0.0,
) -> Judgement:
    return judge(got, arb(truth), radius, FORMATS[working_format], summed=summed)


@pytest.mark.parametrize(
    ("got", "verdict"),
    [
        (1.0, Verdict.RIGHT),
        (1 + MARGIN * ULP, Verdict.RIGHT),
        (1 + (MARGIN + 1) * ULP, Verdict.INACCURATE),
        (1 + 1e-9, Verdict.INACCURATE),
        (1 + 2.0**-26, Verdict.INACCURATE),  # half of 53 bits
        (1 + 2.0**-25, Verdict.WRONG),
        (-1.0, Verdict.WRONG),
        (0.0, Verdict.WRONG),
        (math.nan, Verdict.WRONG),
        (math.inf, Verdict.WRONG),
        (-math.inf, Verdict.WRONG),
    ],
)
def test_judge_compares_the_error_with_the_tolerance(got: float, verdict: Verdict) -> None:
    assert judged(got, 1.0).verdict is verdict


def test_judge_is_symmetric_in_sign_and_scale() -> None:
    for scale in (-1.0, 2.0**300, 2.0**-300):
        assert judged(scale * (1 + MARGIN * ULP), scale, abs(scale) * ULP).verdict is Verdict.RIGHT
        assert judged(scale * (1 + (MARGIN + 1) * ULP), scale, abs(scale) * ULP).verdict is Verdict.INACCURATE


def test_judge_grants_the_rounding_of_the_result_itself() -> None:
    assert judged(1 + ULP, 1.0, radius=0.0).verdict is Verdict.RIGHT
    assert judged(1 + 3 * ULP, 1.0, radius=0.0).verdict is Verdict.INACCURATE


def test_judge_asks_for_exact_zeros() -> None:
    assert judged(0.0, 0.0, radius=0.0).verdict is Verdict.RIGHT
    assert judged(-0.0, 0.0, radius=0.0).verdict is Verdict.RIGHT
    seen = judged(1e-300, 0.0, radius=0.0)
    assert seen.verdict is Verdict.WRONG
    assert "no rounding explains any" in seen.reason


def test_judge_grants_the_smallest_number_of_the_format() -> None:
    truth = arb(2) ** -1080
    assert judged(0.0, truth, radius=0.0).verdict is Verdict.RIGHT
    assert judged(5e-324, truth, radius=0.0).verdict is Verdict.RIGHT


def test_judge_takes_half_of_the_formats_own_digits() -> None:
    assert judged(1.001, 1.0, 2.0**-23, "float32").verdict is Verdict.WRONG
    assert judged(1.0001, 1.0, 2.0**-23, "float32").verdict is Verdict.INACCURATE
    assert judged(1 + 2.0**-22, 1.0, 2.0**-23, "float32").verdict is Verdict.RIGHT


@pytest.mark.parametrize("got", [0.0, 0.3, 1.0, 1 + ULP])
def test_judge_allows_what_lies_within_a_kinks_interval(got: float) -> None:
    seen = judged(got, arb(0.5, 0.5), radius=0.0)
    assert seen.verdict is Verdict.RIGHT
    assert seen.error == pytest.approx(0, abs=2e-9)


@pytest.mark.parametrize("got", [-1e-6, 1.00001, 2.0, math.nan])
def test_judge_accuses_what_lies_outside_a_kinks_interval(got: float) -> None:
    assert judged(got, arb(0.5, 0.5), radius=0.0).verdict.accuses


def test_judge_is_undecided_outside_the_domain() -> None:
    for got in (1.0, math.nan, math.inf):
        seen = judged(got, arb.nan())
        assert (seen.verdict, seen.reason) == (Verdict.UNDECIDED, "outside the domain")
        assert seen.in_tolerances == 0
        assert math.isnan(seen.expected)


def test_judge_is_undecided_where_rounding_may_change_every_digit() -> None:
    assert judged(1.5, 1.0, radius=1.0).verdict is Verdict.UNDECIDED
    assert judged(1.0, 1.0, radius=1.0).verdict is Verdict.UNDECIDED
    assert judged(123.0, 1.0, radius=math.inf).verdict is Verdict.UNDECIDED
    assert judged(math.nan, 1.0, radius=math.inf).verdict is Verdict.UNDECIDED


def test_judge_knows_a_digit_of_what_is_left_of_larger_terms() -> None:
    # Of terms of size 1 it is known that 1e-20 is left, and no more than 1e-15.
    for got in (0.0, 1e-20, -8e-16):
        assert judged(got, 1e-20, radius=5e-16, summed=1.0).verdict is Verdict.RIGHT
        assert judged(got, 0.0, radius=5e-16, summed=1.0).verdict is Verdict.RIGHT
    assert judged(3e-15, 1e-20, radius=5e-16, summed=1.0).verdict is Verdict.WRONG
    assert judged(1e-20, 1e-20, radius=5e-16, summed=1e-15).verdict is Verdict.UNDECIDED


@pytest.mark.parametrize(("radius", "verdict"), [(0.03, Verdict.RIGHT), (0.0313, Verdict.UNDECIDED)])
def test_judge_is_undecided_from_a_sixteenth_of_what_was_summed(radius: float, verdict: Verdict) -> None:
    assert judged(0.01, 0.02, radius=radius, summed=1.0).verdict is verdict


def test_judge_accuses_a_gross_error_even_where_all_digits_may_change() -> None:
    assert judged(1000.0, 1.0, radius=1.0).verdict is Verdict.WRONG
    assert judged(math.nan, 1.0, radius=1.0).verdict is Verdict.WRONG


def test_judgement_tells_error_and_tolerance() -> None:
    seen = judged(1.5, 1.0)
    assert (seen.got, seen.expected, seen.error) == (1.5, 1.0, 0.5)
    assert seen.tolerance == pytest.approx(MARGIN * ULP)
    assert seen.in_tolerances == pytest.approx(0.5 / (MARGIN * ULP))
    assert seen.reason.startswith("the error 0.5 is 1.13e+15 times the tolerance")


def test_verdicts_are_ordered_by_severity() -> None:
    assert sorted(Verdict, key=lambda one: one.severity) == [
        Verdict.RIGHT,
        Verdict.CONVENTION,
        Verdict.UNDECIDED,
        Verdict.INACCURATE,
        Verdict.WRONG,
        Verdict.ERROR,
    ]
    assert [one for one in Verdict if one.accuses] == [Verdict.INACCURATE, Verdict.WRONG, Verdict.ERROR]
