import dataclasses

import pytest

from nn_from_scratch.verify import Case, Expression, GradientError, Step, Verdict, check, load
from nn_from_scratch.verify.faults import FAULTS, Victim
from nn_from_scratch.verify.questions.cases import single

ENGINE = load("nn_from_scratch")
BY_FAULT = {fault.name: fault.engine() for fault in FAULTS}


def test_check_returns_what_it_found() -> None:
    found = check(ENGINE, single("tanh", "x", [0.5]))
    assert found.verdict is Verdict.RIGHT
    assert len(found.gradient) == 1


def test_check_passes_what_is_undecided() -> None:
    assert check(ENGINE, single("log", "x", [-1.0])).verdict is Verdict.UNDECIDED


def test_check_says_engine_expression_point_and_error() -> None:
    expression = Expression(2, (), (Step("mul", (0, 1)), Step("tanh", (2,))), output=3)
    with pytest.raises(GradientError) as raised:
        check(BY_FAULT["tanh: 1 - z for 1 - z squared"], Case(expression, (0.5, 2.0)))
    text = str(raised.value)
    assert text.startswith("tanh: 1 - z for 1 - z squared is wrong about\ntanh(x0 * x1)")
    assert "x0 = 0.5, x1 = 2.0" in text
    assert "the derivative for x0 is " in text
    assert "times the tolerance" in text


def test_check_accuses_a_relative_error_of_1e_12() -> None:
    with pytest.raises(GradientError, match="is inaccurate about"):
        check(BY_FAULT["add: its derivative times 0.999999999999"], single("add", "xx", [0.3, 0.7]))


def test_check_of_an_engine_that_raises_says_that_there_is_no_answer() -> None:
    def refuse(*_: object) -> float:
        raise ValueError("not today")

    engine = dataclasses.replace(Victim().engine("right"), name="Refusing")
    engine = dataclasses.replace(engine, operations={**engine.operations, "add": refuse})
    with pytest.raises(GradientError, match=r"(?s)Refusing has no answer to\nx0 \+ x1.*not today"):
        check(engine, single("add", "xx", [0.3, 0.7]))


def test_gradient_error_is_an_assertion_error() -> None:
    assert issubclass(GradientError, AssertionError)
