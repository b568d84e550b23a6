"""The function around the point of a failure, and what a node's value is said to be."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from narrowed import narrowed

from nn_from_scratch import Node, gradients
from nn_from_scratch.verify import Engine, load
from nn_from_scratch.verify.engines.deaths import CrashedError, NotAskedError
from nn_from_scratch.verify.failures.adjoints import inspect
from nn_from_scratch.verify.failures.around import around
from nn_from_scratch.verify.failures.blame import diagnose
from nn_from_scratch.verify.failures.telling import failure
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Expression, Step

pytestmark = pytest.mark.once


def made(**operations: Callable[..., Any]) -> Engine:
    """Make an engine of ours in which some operations are done otherwise."""
    ours = narrowed(load("nn_from_scratch"), "add", "mul", "sin", "log", "sum", "exp")
    return Engine.from_tape(
        name="wrong",
        variable=Node,
        value="value",
        backward="backprop",
        arrays=True,
        operations={**ours.operations, **operations},
    )


def case(*steps: Step, point: tuple[float, ...], **kw: Any) -> Case:
    inputs = len(kw["shapes"]) if "shapes" in kw else len(point)
    return Case(Expression(inputs, (), steps, inputs + len(steps) - 1), point, **kw)


def sampled(engine: Engine, asked: Case) -> dict[str, Any]:
    found = around(engine, examine(engine, asked))
    assert found is not None
    return found


def twisted(x: Any) -> Any:
    """Return sin(x) with the derivative 2 cos(x)."""
    return np.sin(x) * 2 - Node(math.sin(x.value))


def test_truth_and_engine_stand_side_by_side_at_every_sample() -> None:
    found = sampled(made(sin=twisted), case(Step("sin", (0,)), point=(0.5,)))
    assert found["coordinate"] == 0
    assert len(found["x"]) == 21
    assert found["x"][10] == 0.5
    np.testing.assert_allclose(found["value"]["expected"], np.sin(found["x"]), rtol=1e-15)
    np.testing.assert_allclose(found["value"]["got"], np.sin(found["x"]), rtol=1e-15)
    np.testing.assert_allclose(found["slope"]["expected"], np.cos(found["x"]), rtol=1e-15)
    np.testing.assert_allclose(found["slope"]["got"], 2 * np.cos(found["x"]), rtol=1e-15)


def test_the_input_that_is_most_wrong_is_moved() -> None:
    engine = made(mul=lambda x, y: x * y + (y - Node(y.value)))
    assert sampled(engine, case(Step("mul", (0, 1)), point=(0.5, 3.0)))["coordinate"] == 1


def test_an_entry_of_an_array_is_moved_and_the_value_is_the_sum_with_the_cotangent() -> None:
    asked = case(Step("sin", (0,)), point=(0.5, 1.0), shapes=((2,),), cotangent=(2.0, 3.0))
    found = sampled(
        made(sin=lambda x: np.sin(x) * np.array([1.0, 1.5]) - Node(np.sin(x.value)) * [0, 0.5]), asked
    )
    assert found["coordinate"] == 1
    truth = 2 * math.sin(0.5) + 3 * np.sin(found["x"])
    np.testing.assert_allclose(found["value"]["expected"], truth, rtol=1e-15)
    np.testing.assert_allclose(found["value"]["got"], truth, rtol=1e-15)
    np.testing.assert_allclose(found["slope"]["got"], 4.5 * np.cos(found["x"]), rtol=1e-15)


def test_samples_stay_where_the_function_is_defined() -> None:
    found = sampled(made(log=lambda x: np.log(x) * 2), case(Step("log", (0,)), point=(0.25,)))
    assert 0 < found["x"][0] < 0.25 < found["x"][-1]
    assert None not in found["slope"]["expected"]


def test_samples_stay_where_the_function_is_of_one_size() -> None:
    found = sampled(made(exp=lambda x: np.exp(x) * 2), case(Step("exp", (0,)), point=(40.0,)))
    assert 1 < 40 - found["x"][0] < 10


def test_of_a_second_derivative_the_first_is_the_function() -> None:
    def detached(x: Any) -> Any:
        return np.sin(x.value) + (x - x.value) * math.cos(x.value)

    engine = Engine.from_tape(
        name="detached",
        variable=Node,
        value="value",
        backward="backprop",
        gradients=partial(gradients, create_graph=True),
        operations=made(sin=detached).operations,
    )
    found = sampled(engine, case(Step("sin", (0,)), point=(0.5,), tangent=(2.0,)))
    np.testing.assert_allclose(found["value"]["expected"], 2 * np.cos(found["x"]), rtol=1e-15)
    np.testing.assert_allclose(found["value"]["got"], 2 * np.cos(found["x"]), rtol=1e-15)
    np.testing.assert_allclose(found["slope"]["expected"], -2 * np.sin(found["x"]), rtol=1e-15)
    assert set(found["slope"]["got"]) == {0.0}


def test_nothing_is_drawn_of_what_raises() -> None:
    def refuse(x: Any) -> Any:
        raise ValueError(x)

    asked = case(Step("sin", (0,)), point=(0.5,))
    assert around(made(sin=refuse), examine(made(sin=refuse), asked)) is None


def raising_beyond(limit: float, error: type[BaseException]) -> Callable[[Any], Any]:
    def sin(x: Any) -> Any:
        if x.value > limit:
            raise error("beyond")
        return twisted(x)

    return sin


def test_what_the_engine_does_not_answer_is_no_number() -> None:
    found = sampled(made(sin=raising_beyond(0.6, ValueError)), case(Step("sin", (0,)), point=(0.5,)))
    assert [x is None for x in found["slope"]["got"]] == [x > 0.6 for x in found["x"]]


@pytest.mark.parametrize("error", [CrashedError, NotAskedError])
def test_an_engine_whose_process_dies_is_asked_no_further(error: type[BaseException]) -> None:
    found = sampled(made(sin=raising_beyond(0.75, error)), case(Step("sin", (0,)), point=(0.5,)))
    answered = [x for x, slope in zip(found["x"], found["slope"]["got"], strict=True) if slope is not None]
    assert answered == found["x"][7:13]


def nodes(engine: Engine, asked: Case) -> list[dict[str, Any]]:
    found = examine(engine, asked)
    return failure(engine, found, diagnose(engine, found))["graph"]["nodes"]  # type: ignore[no-any-return]


def test_the_first_wrong_value_is_told() -> None:
    asked = case(Step("sin", (0,)), Step("exp", (1,)), Step("sin", (2,)), point=(0.5,))
    told = nodes(made(exp=lambda x: np.exp(x) + 1e-9), asked)
    assert [node["value"]["wrong"] for node in told] == [False, False, True, True]


def test_the_first_wrong_value_of_an_array_is_told() -> None:
    asked = case(Step("sin", (0,)), Step("exp", (1,)), point=(0.5, 1.0), shapes=((2,),), cotangent=(1.0, 1.0))
    told = nodes(made(exp=lambda x: np.exp(x) + np.array([0.0, 1e-9])), asked)
    assert [node["value"]["wrong"] for node in told] == [False, False, True]


def test_only_the_failures_that_are_drawn_are_sampled() -> None:
    engine, asked = made(sin=twisted), case(Step("sin", (0,)), point=(0.5,))
    found = examine(engine, asked)
    assert "around" not in failure(engine, found, diagnose(engine, found), drawn=False)


def test_an_engine_without_a_tape_is_told_at_the_leaves_and_the_output_only() -> None:
    def value_and_gradient(function: Callable[..., Any], inputs: Any) -> Any:
        (x,) = inputs
        return function(x), [2 * math.cos(x) * math.cos(math.sin(x))]

    engine = Engine.from_transform(name="leaves", namespace=np, value_and_gradient=value_and_gradient)
    told = nodes(engine, case(Step("sin", (0,)), Step("sin", (1,)), point=(0.5,)))
    assert [node["value"]["got"] for node in told] == [None, None, [math.sin(math.sin(0.5))]]
    true = math.cos(0.5) * math.cos(math.sin(0.5))
    assert told[0]["adjoint"]["got"] == pytest.approx([2 * true])
    assert told[1]["adjoint"]["got"] is None
    assert [node["wrong"] for node in told] == [True, False, False]


@pytest.mark.parametrize(
    "asked",
    [
        case(Step("lgamma", (0,)), point=(-5e-324,)),
        case(Step("log", (0,)), Step("tanh", (1,)), point=(5e-324,)),
    ],
    ids=["overflow", "underflow"],
)
def test_nothing_of_a_right_engine_is_called_wrong(asked: Case) -> None:
    assert not any(node.wrong or node.wrong_value for node in inspect(load("nn_from_scratch"), asked))
