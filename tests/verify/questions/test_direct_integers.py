"""Constants are given as integers, too: a rule that is wrong about these alone is accused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asked_apart import asked_apart
from narrowed import narrowed
from wire_engines import C, spec_of

from nn_from_scratch.verify import Case, Engine, Expression, load, verify
from nn_from_scratch.verify.campaign.direct import Direct, ask_directly, ask_questions
from nn_from_scratch.verify.engines.wire.isolated import isolated
from nn_from_scratch.verify.failures.reproduce import written
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.questions import programs
from nn_from_scratch.verify.questions.direct import direct_questions
from nn_from_scratch.verify.questions.direct_integers import ARRAY, NUMBER
from nn_from_scratch.verify.questions.expressions import Step
from nn_from_scratch.verify.questions.roles import DirectQuestion

pytestmark = pytest.mark.once
OURS = load("nn_from_scratch")


def an_integer(x: Any) -> bool:
    return type(x) is int


def an_array(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype == np.int64


def wrong_about(name: str, wrong: Callable[[Any], bool]) -> Engine:
    """Return our engine with one operation, twice what it should be where an operand is such."""
    right = OURS.operations[name]

    def operation(*operands: Any, **how: Any) -> Any:
        result = right(*operands, **how)
        return result * 2.0 if any(map(wrong, operands)) else result

    return narrowed(replace(OURS, operations={**OURS.operations, name: operation}), name)


def typed(engine: Engine) -> list[DirectQuestion]:
    questions = direct_questions(engine.forms, engine.array_forms, integers=True)
    return [question for question in questions if question.case.integers]


@pytest.mark.parametrize(
    ("name", "wrong", "role"),
    [
        *((name, an_integer, NUMBER) for name in ("pow", "mul", "maximum", "clip")),
        *((name, an_array, ARRAY) for name in ("add", "pow", "matmul", "concatenate")),
    ],
)
def test_a_rule_that_is_wrong_about_it_alone_is_accused_by_nothing_else(
    name: str, wrong: Callable[[Any], bool], role: str
) -> None:
    found = Direct()
    assert ask_directly(wrong_about(name, wrong), found, lambda: True)
    assert {question.role for question, _ in found.failing} == {role}
    assert {question.operation for question, _ in found.failing} == {name}


def test_no_right_engine_is_accused_and_ours_is_asked_all() -> None:
    for spec in ("nn_from_scratch", "micrograd"):
        engine, found = load(spec), Direct()
        asked = typed(engine)
        assert ask_questions(engine, asked, found)
        assert not found.failing
        assert sum(found.verdicts.values()) == len(asked) >= 15, spec


def test_what_an_engine_refuses_of_them_it_lacks() -> None:
    right = OURS.operations["mul"]

    def mul(x: Any, y: Any) -> Any:
        if an_integer(x) or an_integer(y):
            raise ValueError("floats only")
        return right(x, y)

    engine = narrowed(replace(OURS, operations={**OURS.operations, "mul": mul}), "mul")
    results = verify(engine, graphs=10, grades=("rules", "accuracy"))
    assert results["grades"]["rules"] == "right"
    note = results["operations"]["mul"]["note"]
    assert "an integer for the constant: ValueError: floats only" in note


ENGINE = """
from dataclasses import replace
from nn_from_scratch.verify import load
ours = load("nn_from_scratch")
power = ours.operations["pow"]
def wrong(x, y):
    return power(x, y) * (2.0 if type(y) is int and y == 3 else 1.0)
engine = replace(ours, name="mine", complete=False, operations={"pow": wrong, "mul": ours.operations["mul"]})
"""


def test_it_is_found_in_another_process_and_its_script_has_the_integer(tmp_path: Path) -> None:
    results = asked_apart(tmp_path / "mine.py", ENGINE)
    (failure,) = results["failures"]
    assert failure["operation"] == "pow"
    assert failure["text"] == "x0 ** 3"
    assert failure["role"] == NUMBER
    assert failure["graph"]["nodes"][1]["label"] == "3"
    with pytest.raises(AssertionError, match="x0 \\*\\* 3 at"):
        exec(compile(failure["reproducer"], "script.py", "exec"), {"__name__": "__main__"})  # noqa: S102


def test_in_the_own_syntax_of_an_engine_the_script_has_the_integer() -> None:
    right = OURS.operations["pow"]
    engine = replace(OURS, operations={**OURS.operations, "pow": lambda x, y: right(x, y) * 2.0})
    found = examine(engine, CUBE)
    assert "x0 ** 3\n" in written(engine, found)


def test_an_engine_over_the_wire_that_does_not_name_them_is_given_floats_only() -> None:
    engine = isolated(spec_of(C))
    try:
        results = verify(engine, graphs=10)
    finally:
        engine.driver.close()
    assert not engine.integers
    assert results["verdict"] == "right"
    assert not results["deaths"]


CUBE = Case(Expression(1, (3.0,), (Step("pow", (0, 1)),), 2), (2.0,), integers=True)


def test_an_integer_is_written_as_one() -> None:
    assert str(CUBE) == "x0 ** 3 at x0 = 2.0"
    assert CUBE.constants() == [3]
    assert type(CUBE.constants()[0]) is int
    assert programs.forward(CUBE)[1] == ["apply", "pow", 0, {"integer": "0x1.8000000000000p+1"}]
    assert examine(OURS, CUBE).verdict.name == "RIGHT"


@pytest.mark.parametrize("x", [3, -2, np.array([[1, -2], [3, 4]])])
def test_what_is_written_is_read_again_in_its_type(x: Any) -> None:
    written = programs.number(x)
    assert programs.is_number(written)
    read = programs.read(written)
    assert type(read) is type(x)
    assert np.array_equal(read, x)
    assert getattr(read, "dtype", None) == getattr(x, "dtype", None)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"integer": "0x1p-1"}, "no integer"),
        ({"integer": "inf"}, "no integer"),
        ({"integer": 3}, "no hexadecimal number"),
        ({"shape": [1], "data": ["0x1p-1"], "dtype": "int64"}, "numbers that int64 does not keep"),
        ({"shape": [1], "data": ["inf"], "dtype": "int64"}, "numbers that int64 does not keep"),
        ({"shape": [1], "data": ["0x1p+0"], "dtype": "object"}, "no dtype of constants"),
        ({"shape": [1], "data": ["0x1p+0"], "dtype": []}, "no dtype of constants"),
    ],
)
def test_what_is_not_of_its_type_is_refused(written: Any, message: str) -> None:
    with pytest.raises(programs.NotANumberError, match=message):
        programs.read(written)


def test_a_case_refuses_integers_that_are_none() -> None:
    with pytest.raises(ValueError, match="constants must be integers, got"):
        Case(Expression(1, (0.5,), (Step("pow", (0, 1)),), 2), (2.0,), integers=True)
