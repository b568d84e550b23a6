"""Every oracle, operation by operation, against formulas from textbooks over mpmath."""

import oracle_checks
import pytest
from closed_forms import CLOSED_FORMS, truths

from nn_from_scratch.verify.judging.tolerance import derive_rounding
from nn_from_scratch.verify.oracles import pytorch
from nn_from_scratch.verify.questions.formats import FORMATS
from nn_from_scratch.verify.questions.operations import ELEMENTWISE

every_operation = pytest.mark.parametrize("name", ELEMENTWISE)


def test_closed_forms_cover_the_catalogue() -> None:
    assert set(CLOSED_FORMS) == set(ELEMENTWISE)


@every_operation
def test_taylor_encloses_the_closed_form(name: str) -> None:
    assert list(oracle_checks.taylor_is_wrong(name)) == []


@every_operation
def test_tables_of_the_tolerance_enclose_the_closed_form(name: str) -> None:
    assert list(oracle_checks.values_are_wrong(name)) == []
    assert list(oracle_checks.partials_are_wrong(name)) == []


@every_operation
def test_finite_differences_are_as_good_as_they_say(name: str) -> None:
    assert list(oracle_checks.finite_differences_are_wrong(name)) == []


@pytest.mark.parametrize("name", [name for name in ELEMENTWISE if name not in pytorch.LACKING])
def test_pytorch_agrees_to_the_last_digits(name: str) -> None:
    pytest.importorskip("torch")
    assert bool(list(oracle_checks.pytorch_is_wrong(name))) is (name in pytorch.ROUGH)


_FEW = {"betainc": 320}  # as many as JAX's continued fraction takes


@every_operation
def test_tolerance_allows_a_few_roundings(name: str) -> None:
    for truth in truths(name):
        case = truth.case
        for working_format in (FORMATS["float64"], FORMATS["float32"]):
            rounding = derive_rounding(case.expression, case.point, working_format)
            few = _FEW.get(name, 64) * working_format.unit_roundoff * max(1.0, *map(abs, truth.operands))
            assert rounding.value <= few * max(abs(truth.value), 1), case
            for radius, entry in zip(rounding.derivatives, truth.gradient or (), strict=False):
                assert radius <= few * max(abs(entry), 1), case
