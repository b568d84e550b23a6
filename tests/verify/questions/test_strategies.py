import json

import hypothesis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_from_scratch.verify import Case, Expression, Verdict, check, load
from nn_from_scratch.verify.faults import FAULTS
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.strategies import array_cases, cases

REPEATABLE = settings(derandomize=True, database=None, deadline=None, max_examples=100)


@REPEATABLE
@given(cases())
def test_cases_are_expressions_with_a_point(one: Case) -> None:
    assert Expression.from_json(json.loads(json.dumps(one.expression.to_json()))) == one.expression
    assert len(one.point) == one.expression.inputs


@REPEATABLE
@given(cases(forms=(("sub", "cx"), ("exp", "x")), most_steps=4))
def test_cases_keep_to_forms_and_size(one: Case) -> None:
    expression = one.expression
    assert {(s.operation, expression.operand_kinds(s)) for s in expression.steps} <= {
        ("sub", "cx"),
        ("exp", "x"),
    }
    assert len(expression.steps) <= 4


@REPEATABLE
@given(cases())
def test_our_engine_is_never_accused(one: Case) -> None:
    assert check(load("nn_from_scratch"), one).verdict in (Verdict.RIGHT, Verdict.UNDECIDED)


@pytest.mark.once
@REPEATABLE
@given(st.booleans(), st.data())
def test_array_and_second_order_cases_are_drawn(arrays: bool, data: st.DataObject) -> None:
    one = data.draw((array_cases if arrays else cases)(most_steps=4, second_order=True))
    assert bool(one.shapes) == arrays
    assert len(one.tangent) == len(one.point)
    assert not check(load("nn_from_scratch"), one).verdict.accuses


def test_cases_shrink_to_few_operations_on_simple_numbers() -> None:
    engine = next(fault for fault in FAULTS if fault.name == "sub: its operands swapped").engine()
    found = hypothesis.find(
        cases(most_steps=4), lambda one: examine(engine, one).verdict is Verdict.WRONG, settings=REPEATABLE
    )
    assert "sub" in {step.operation for step in found.expression.live_steps()}
    assert len(found.expression.steps) <= 2
    assert set(found.point) <= {0.0, 1.0, -1.0, 2.0, 0.5}
