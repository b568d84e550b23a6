"""Engines that turn a function into its gradient: what they are asked, and with what."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.derivatives import value_and_gradient
from nn_from_scratch.verify import Case, Engine, Expression, Step, load
from nn_from_scratch.verify.engines.abilities import abilities
from nn_from_scratch.verify.engines.answers import AnswerError, real_numbers
from nn_from_scratch.verify.engines.calling import functions
from nn_from_scratch.verify.engines.wire import worker
from nn_from_scratch.verify.questions import programs
from nn_from_scratch.verify.questions.operations import FURTHER_ARRAYS, OPERATIONS
from nn_from_scratch.verify.state import asking

pytestmark = pytest.mark.once
OURS = load("nn_from_scratch").operations


def of_functions(function: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
    value, gradient = value_and_gradient(lambda xs: function(*xs))([np.asarray(x) for x in inputs])
    return value, gradient


def transform(operations: dict[str, Any]) -> Engine:
    namespace = SimpleNamespace(sum=np.sum)
    given = {name: OURS[name] for name in ("sum", "tanh", "stack", "matmul")} | operations
    return Engine.from_transform(
        name="functions",
        namespace=namespace,
        value_and_gradient=of_functions,
        operations=given,
        arrays=True,
    )


def test_questions_that_are_asked_twice_do_not_depend_on_what_was_asked_before() -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise NotImplementedError("some day")

    engine = transform({"stack": refuse})
    before = list(asking.cases(engine))
    assert any(step.operation == "stack" for one in before for step in one.expression.steps)
    for one in abilities():
        if one.form[0] == "stack":
            engine.lacking(one.case, raised=True)
    assert engine.array_lacks
    assert list(asking.cases(engine)) == before


@pytest.mark.parametrize("asked", ["cotangent", "tangent", "program"])
def test_what_is_no_input_is_given_as_the_engine_takes_constants(asked: str) -> None:
    given: list[Any] = []

    def constant(x: Any) -> Any:
        given.append(x)
        return x

    engine = Engine.from_transform(
        name="its own input for a gradient",
        namespace=np,
        value_and_gradient=lambda function, inputs: (function(*inputs), inputs),
        arrays=True,
        second_order=True,
        constant=constant,
    )
    tanh = Expression(inputs=1, constants=(), steps=(Step("tanh", (0,)),), output=1)
    case = Case(tanh, (0.5, -0.25), ((2,),), (3.0, 7.0))
    if asked == "program":
        engine.session().run(programs.of_case(case, tape=False, leaves=[0]))
    else:
        engine.answer(replace(case, tangent=(2.0, 5.0)) if asked == "tangent" else case)
    assert any(np.array_equal(x, [3.0, 7.0]) for x in given)
    assert any(np.array_equal(x, [2.0, 5.0]) for x in given) is (asked == "tangent")


def test_further_operations_on_arrays_are_taken_from_modules_that_are_called_numpy_alone() -> None:
    like_numpy, other = ModuleType("an_engine.numpy"), ModuleType("torch")
    for namespace in (like_numpy, other):
        vars(namespace).update(vars(np))
        namespace.__name__ = "an_engine.numpy" if namespace is like_numpy else "torch"
    assert {"dot", "median", "sort"} <= functions(like_numpy, OPERATIONS, arrays=True).keys()
    found = functions(other, OPERATIONS, arrays=True).keys()
    assert not found & FURTHER_ARRAYS.keys()
    assert {"sum", "tanh", "stack"} <= found


def test_operation_on_arrays_that_the_adapter_gives_and_that_cannot_be_called_is_an_error_of_it() -> None:
    asked: list[tuple[int, ...]] = []

    def stack(arrays: Any, axis: int = 0) -> Any:
        return OURS["stack"](*arrays, axis=axis)

    def matmul(x: Any, y: Any) -> Any:
        asked.append(np.shape(x))
        return OURS["matmul"](x, y)

    broken = transform({"stack": stack, "matmul": matmul}).broken
    assert list(broken) == ["stack"]
    assert "got multiple values for argument 'axis'" in broken["stack"]
    assert len(set(asked)) == 1, "one that is there is asked once"


def test_number_beyond_float64_is_no_number() -> None:
    with pytest.raises(AnswerError, match="the value is no number"):
        real_numbers(Fraction(10) ** 400, "the value")
    assert worker._told("value", Fraction(10) ** 400)["no number"] == "no number"
