"""What was recorded of the derived tolerance, before every rounding was charged and after."""

import pytest

from nn_from_scratch.verify.judging.rounded_numbers import MARGIN
from nn_from_scratch.verify.oracles.reference import read

RECORDED = read("tolerance.json")
BEFORE, AFTER = RECORDED["before"], RECORDED["after"]


def test_record_is_of_the_margin_that_is_used() -> None:
    assert AFTER["margin"] == MARGIN
    assert AFTER["graphs"] == BEFORE["graphs"]
    assert set(BEFORE["power"]) == set(AFTER["power"])


# At 1e-12 it is where rounding decides on which side of a jump `u - u` lies, or about a term of 1e5 beside 7.
@pytest.mark.parametrize(("excess", "most"), [("1e-12", 0.02), ("1e-14", 0.1), ("1e-15", 1 / 3)])
def test_no_operation_loses_more_of_its_share(excess: str, most: float) -> None:
    for name, row in BEFORE["power"].items():
        assert AFTER["power"][name][excess] >= (1 - most) * row[excess], name


def test_few_random_graphs_are_undecided() -> None:
    counts = AFTER["undecided"]["float64"]
    assert counts["undecided"] <= 0.02 * sum(counts.values())
