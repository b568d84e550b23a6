import dataclasses
import json
import math
import operator
from collections.abc import Callable
from typing import Any

import pytest

from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.constants import numbers_of
from nn_from_scratch.verify.questions.expressions import Arithmetic, Expression, Step
from nn_from_scratch.verify.questions.generate import GUIDE, case, seeded
from nn_from_scratch.verify.questions.lower import lower
from nn_from_scratch.verify.questions.operations import ALL_FORMS

PLAIN: Arithmetic = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "neg": operator.neg,
    "tanh": math.tanh,
}
# u = x0 * x1; tanh(u) - (2 - u), beside a step that the output does not need
EXPRESSION = Expression(
    inputs=2,
    constants=(2.0,),
    steps=(
        Step("mul", (0, 1)),
        Step("tanh", (3,)),
        Step("neg", (0,)),
        Step("sub", (2, 3)),
        Step("sub", (4, 6)),
    ),
    output=7,
)


def test_expression_is_immutable_and_hashable() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        EXPRESSION.output = 0  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        EXPRESSION.steps[0].operation = "add"  # type: ignore[misc]
    assert len({EXPRESSION, Expression.from_json(EXPRESSION.to_json())}) == 1


def test_evaluate_computes_every_node() -> None:
    values = EXPRESSION.evaluate(PLAIN, [0.5, 3.0])
    assert values == [0.5, 3.0, 2.0, 1.5, math.tanh(1.5), -0.5, 0.5, math.tanh(1.5) - 0.5]


def test_evaluate_works_over_any_arithmetic() -> None:
    symbols: Arithmetic = {
        "mul": lambda x, y: f"({x}*{y})",
        "sub": lambda x, y: f"({x}-{y})",
        "tanh": lambda x: f"T{x}",
        "neg": lambda x: f"-{x}",
    }
    assert EXPRESSION.evaluate(symbols, ["a", "b"])[EXPRESSION.output] == "(T(a*b)-(2.0-(a*b)))"


def test_evaluate_hands_constants_over_as_python_floats() -> None:
    seen: list[Any] = []
    expression = Expression(1, (2.0,), (Step("pow", (1, 0)),), 2)
    expression.evaluate({"pow": lambda x, y: seen.extend([x, y])}, ["x"])
    assert seen == [2.0, "x"]
    assert type(seen[0]) is float


def test_function_computes_the_output_and_nothing_else() -> None:
    steps = (Step("exp", (0,)), Step("log", (0,)), Step("mul", (3, 1)), Step("sub", (5, 2)))
    expression = Expression(2, (3.0,), steps, output=6)
    asked = []

    def named(name: str) -> Callable[..., float]:
        def operation(*xs: float) -> float:
            asked.append(name)
            return float(GUIDE[name](*xs))

        return operation

    function = expression.function({name: named(name) for name in GUIDE})
    for point in ([-1.0, 2.0], [0.5, 3.0]):
        assert function(point) == math.exp(point[0]) * point[1] - 3.0
    assert asked == ["exp", "mul", "sub"] * 2


def test_reachable_leaves_out_dead_steps() -> None:
    assert EXPRESSION.reachable() == {0, 1, 2, 3, 4, 6, 7}
    assert [step.operation for step in EXPRESSION.live_steps()] == ["mul", "tanh", "sub", "sub"]


@pytest.mark.parametrize(
    ("operands", "form"), [((0, 3), "xx"), ((2, 0), "cx"), ((0, 2), "xc"), ((3, 3), "xx")]
)
def test_form_says_which_operands_are_constants(operands: tuple[int, ...], form: str) -> None:
    assert EXPRESSION.operand_kinds(Step("add", operands)) == form


def test_text_names_what_is_used_twice() -> None:
    assert str(EXPRESSION) == "u0 = x0 * x1\nu1 = -x0\ntanh(u0) - (2.0 - u0)"


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ([Step("neg", (0,)), Step("pow", (3, 2))], "(-x0) ** 2.0"),
        ([Step("sub", (0, 1)), Step("sub", (2, 3))], "2.0 - (x0 - x1)"),
        ([Step("maximum", (0, 2)), Step("div", (3, 1))], "maximum(x0, 2.0) / x1"),
        ([Step("add", (0, 1)), Step("sqrt", (3,))], "sqrt(x0 + x1)"),
        ([Step("mul", (0, 0)), Step("mul", (3, 3))], "u0 = x0 * x0\nu0 * u0"),
    ],
)
def test_text_has_the_parentheses_it_needs(steps: list[Step], text: str) -> None:
    assert str(Expression(2, (2.0,), tuple(steps), 4)) == text


def test_text_of_an_input_is_its_name() -> None:
    assert str(Expression(2, (), (), 1)) == "x1"


def test_text_computes_what_evaluate_computes() -> None:
    for index in range(200):
        one = case(seeded(1, index), FORMS)
        names: dict[str, Any] = {f"x{i}": x for i, x in enumerate(one.point)}
        *assignments, result = str(one.expression).splitlines()
        exec("\n".join(assignments), ROUNDED, names)  # noqa: S102  the suite's own text
        expected = one.expression.evaluate(ROUNDED_ARITHMETIC, one.point)[one.expression.output]
        assert eval(result, ROUNDED, names) == expected, str(one.expression)  # noqa: S307


ROUNDED: dict[str, Any] = {
    **{name: getattr(math, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tanh")},
    "sigmoid": lambda x: math.exp(min(x, 0.0)) / (1 + math.exp(-abs(x))),
    "relu": lambda x: max(x, 0.0),
    "maximum": max,
    "minimum": min,
}
ROUNDED_ARITHMETIC: Arithmetic = {**PLAIN, **ROUNDED, "pow": operator.pow, "abs": abs}
FORMS = [(name, form) for name, form in ALL_FORMS if name in ROUNDED_ARITHMETIC]


def test_json_keeps_every_digit() -> None:
    for index in range(300):
        expression = case(seeded(2, index)).expression
        text = json.dumps(expression.to_json(), allow_nan=False)
        again = Expression.from_json(json.loads(text))
        assert again == expression
        assert list(map(float.hex, numbers_of(again.constants))) == [
            x.hex() for x in numbers_of(expression.constants)
        ]


@pytest.mark.parametrize("constant", [0.1, -0.0, 5e-324, 1.7976931348623157e308, 1 / 3])
def test_json_keeps_awkward_constants(constant: float) -> None:
    expression = Expression(1, (constant,), (Step("mul", (0, 1)),), 2)
    again = Expression.from_json(json.loads(json.dumps(expression.to_json())))
    assert numbers_of(again.constants)[0].hex() == constant.hex()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, (), (Step("tan2", (0,)),), 1), "unknown operation 'tan2'; known are add, sub"),
        ((1, (), (Step("add", (0,)),), 1), "add takes 2 operands, got 1"),
        ((1, (), (Step("neg", (1,)),), 1), r"node 1 \(neg\) has operands \(1,\), not all before it"),
        ((1, (), (Step("neg", (-1,)),), 1), "not all before it"),
        ((1, (), (Step("neg", (0.5,)),), 1), "not all before it"),  # type: ignore[arg-type]
        ((1, (1.0, 2.0), (Step("add", (1, 2)),), 3), r"node 3 \(add\) has constants only"),
        ((1, (), (), 1), "the output is node 1, but there are 1 nodes"),
        ((1, (), (), -1), "the output is node -1"),
        ((0, (), (), 0), "at least one input"),
        ((-1, (1.0, 2.0), (), 0), "at least one input"),
        ((1, (math.nan,), (Step("add", (0, 1)),), 2), "constants must be finite, got nan"),
        ((1, (math.inf,), (Step("add", (0, 1)),), 2), "constants must be finite, got inf"),
    ],
)
def test_expression_refuses_what_is_none(
    arguments: tuple[int, tuple[float, ...], tuple[Step, ...], int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Expression(*arguments)


@pytest.mark.parametrize(
    "data",
    [
        {},
        [],
        None,
        {**EXPRESSION.to_json(), "steps": 3},
        {**EXPRESSION.to_json(), "steps": [[]]},
        {**EXPRESSION.to_json(), "constants": [None]},
        {**EXPRESSION.to_json(), "constants": ["two"]},
        {**EXPRESSION.to_json(), "inputs": "2"},
        {**EXPRESSION.to_json(), "output": None},
    ],
)
def test_from_json_says_what_is_no_expression(data: Any) -> None:
    with pytest.raises(ValueError, match="not an expression: "):
        Expression.from_json(data)


def test_case_is_a_hashable_question() -> None:
    assert len({Case(EXPRESSION, (0.5, 3.0)), Case(EXPRESSION, (0.5, 3.0))}) == 1


@pytest.mark.parametrize("point", [(), (0.5,), (0.5, 3.0, 1.0)])
def test_case_refuses_a_point_of_another_size(point: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="the point must be 2 numbers"):
        Case(EXPRESSION, point)


def test_an_entry_that_is_no_array_is_reshaped_as_one() -> None:
    """What a sum over all entries gives is a scalar."""
    steps = (
        Step("sum", (0,), (("axis", None), ("keepdims", False))),
        Step("reshape", (1,), (("shape", (1, 1)),)),
    )
    one = lower(Case(Expression(1, (), steps, 2), (2.0, 3.0), ((2,),), (5.0,)))
    assert taylor.values(one.expression, one.point)[one.expression.output] == 25.0
