import json
import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import Case, Expression, Step, Verdict, load
from nn_from_scratch.verify.failures.rebuild import simpler, values
from nn_from_scratch.verify.failures.reproduce import written
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.questions.constants import ConstantArray, numbers_of
from nn_from_scratch.verify.questions.lower import lower

WEIGHTS = ConstantArray.of([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]])
COTANGENT = (1.0, -0.5, 2.0, 0.75)


def product(*operands: int) -> Case:
    """Return W @ x, or x @ W, for an x of three, or two, rows."""
    shape = (3, 2)
    point = (0.3, -1.2, 0.7, 2.1, -0.4, 1.3)
    size = 4 if operands == (1, 0) else 9
    graph = Expression(1, (WEIGHTS,), (Step("matmul", operands),), 2)
    return Case(graph, point, (shape,), tuple(1.0 + k % 3 for k in range(size)))


CASES = {
    "W @ x": product(1, 0),
    "x @ W": product(0, 1),
    "x + W": Case(
        Expression(1, (WEIGHTS,), (Step("add", (0, 1)),), 2),
        (1.5, 2.5, -1.0),
        ((3,),),
        (*COTANGENT, 1.0, 3.0),
    ),
    "W ** x": Case(
        Expression(1, (ConstantArray.of([2.0, 0.5]),), (Step("pow", (1, 0)),), 2),
        (1.5, -2.5),
        ((2,),),
        (1.0, 2.0),
    ),
    "concatenate": Case(
        Expression(1, (ConstantArray.of([2.0, 0.5]),), (Step("concatenate", (1, 0), (("axis", 0),)),), 2),
        (1.5, -2.5),
        ((2,),),
        COTANGENT,
    ),
    "tanh(stack)": Case(
        Expression(
            1,
            (ConstantArray.of([2.0, 0.5]),),
            (Step("stack", (0, 1), (("axis", -1),)), Step("tanh", (2,))),
            3,
        ),
        (1.5, -2.5),
        ((2,),),
        COTANGENT,
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("engine", ["nn_from_scratch", "pytorch", "jax"])
def test_constant_arrays_reach_engines_and_oracles(engine: str, name: str) -> None:
    pytest.importorskip({"pytorch": "torch"}.get(engine, engine))
    found = examine(load(engine), CASES[name], witnesses=("finite differences", "pytorch"))
    assert found.verdict is Verdict.RIGHT, found.message
    assert set(found.oracles.values()) == {"agrees"}


@pytest.mark.parametrize("name", CASES)
def test_lowered_case_has_the_value_and_the_gradient(name: str) -> None:
    case = CASES[name]
    output = values(case)[case.expression.output]
    scalar = lower(case)
    assert values(scalar)[scalar.expression.output] == pytest.approx(np.dot(np.ravel(output), case.cotangent))
    assert len(scalar.point) == len(case.point)
    assert all(isinstance(constant, float) for constant in scalar.expression.constants)


@pytest.mark.parametrize("name", CASES)
def test_json_and_text_keep_constant_arrays(name: str) -> None:
    expression = CASES[name].expression
    again = Expression.from_json(json.loads(json.dumps(expression.to_json())))
    assert again == expression
    assert hash(again) == hash(expression)
    assert repr(expression.constants[0]) in str(expression)


def test_kinds_tell_constant_arrays_from_numbers() -> None:
    steps = (Step("mul", (0, 1)), Step("add", (2, 3)))
    expression = Expression(1, (2.0, WEIGHTS), steps, 4)
    assert [expression.operand_kinds(step) for step in expression.steps] == ["xc", "ax"]
    assert str(expression) == f"{WEIGHTS!r} + (x0 * 2.0)"


def test_an_engine_cannot_spoil_a_constant_for_the_next_question() -> None:
    expression = CASES["W @ x"].expression

    def spoil(w: Any, x: Any) -> Any:
        w[...] = 0.0
        return x

    expression.evaluate({"matmul": spoil}, [1.0])
    assert expression.constants == (WEIGHTS,)
    assert values(CASES["W @ x"])[1].tolist() == WEIGHTS.array().tolist()


def test_what_stands_for_the_constants_may_be_given() -> None:
    given: list[object] = []
    expression = Expression(1, (2.0, WEIGHTS), (Step("mul", (0, 1)), Step("mul", (0, 2))), 4)
    expression.evaluate({"mul": lambda x, y: given.append(y)}, [1.0], ["a number", "an array"])
    assert given == ["a number", "an array"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"shape": [2], "numbers": [1.0]}, "has 1 numbers"),
        ({"shape": [1], "numbers": [float("nan")]}, "constants must be finite, got nan"),
        ({"numbers": [1.0]}, "'shape'"),
    ],
)
def test_bad_constants_are_refused(data: dict[str, Any], message: str) -> None:
    json_data = {**CASES["W @ x"].expression.to_json(), "constants": [data]}
    with pytest.raises(ValueError, match=message):
        Expression.from_json(json_data)


def test_constants_get_simpler() -> None:
    found = {one.expression.constants for one in simpler(CASES["W ** x"])}
    assert any(numbers_of(one)[0] != 2.0 or numbers_of(one)[1] != 0.5 for one in found)


@pytest.mark.parametrize("engine", ["nn_from_scratch", "pytorch", "jax"])
@pytest.mark.parametrize("name", CASES)
def test_scripts_write_constant_arrays(engine: str, name: str, tmp_path: Path) -> None:
    pytest.importorskip({"pytorch": "torch"}.get(engine, engine))
    under_test = load(engine)
    found = examine(under_test, CASES[name])
    # What is right was judged along one direction; what fails is judged entry by entry.
    script = written(under_test, replace(found, gradient=found.gradient * len(found.case.point)))
    assert "verify" not in script
    path = tmp_path / "script.py"
    path.write_text(script)
    runpy.run_path(str(path), run_name="__main__")  # it raises, or exits, where it fails
