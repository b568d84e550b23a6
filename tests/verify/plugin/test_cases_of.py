"""What Hypothesis draws of an engine: all that it has, and nothing else, so that right engines are right."""

from collections.abc import Callable, Collection
from types import SimpleNamespace
from typing import Any

import array_core as core
import pytest
import spelled_engines
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from nn_from_scratch.verify import Case, Engine, EngineError, check, load
from nn_from_scratch.verify.questions.operations import OPERATIONS
from nn_from_scratch.verify.strategies import cases_of

pytestmark = pytest.mark.once
REPEATABLE = settings(derandomize=True, database=None, deadline=None, max_examples=50)


class OneAxis(core.Operators):
    """Sums along one axis, of which no table tells."""

    def __init__(self, data: Any) -> None:
        self.hold(data)

    def sum(self, axis: int | None = None, keepdims: bool = False) -> Any:
        if isinstance(axis, tuple):
            raise TypeError("one axis only")
        return core.total(self, axis, keepdims)

    def backward(self, gradient: Any = None) -> None:
        core.walk(self, gradient)


def one_axis() -> Engine:
    return Engine.from_tape(variable=OneAxis, value="data", arrays=True)


LACKING = [one_axis, spelled_engines.closed, spelled_engines.matrix]


@pytest.mark.parametrize("made", LACKING)
def test_a_right_engine_is_right_whatever_it_lacks(made: Callable[[], Engine]) -> None:
    engine = made()
    drawn: list[Case] = []

    @REPEATABLE
    @given(cases_of(engine))
    def test(case: Case) -> None:
        drawn.append(case)
        check(engine, case)

    test()
    assert any(case.shapes for case in drawn)
    assert not all(case.shapes for case in drawn)


def test_second_derivatives_are_drawn_of_an_engine_that_has_them() -> None:
    strategy = cases_of(load("nn_from_scratch"), most_steps=2)
    found = find(strategy, lambda case: bool(case.tangent), settings=REPEATABLE)
    assert len(found.expression.steps) <= 2
    first_order_only = cases_of(spelled_engines.closed(), most_steps=2)

    @REPEATABLE
    @given(first_order_only)
    def test(case: Case) -> None:
        assert not case.tangent
        assert len(case.expression.steps) <= 2

    test()


def test_what_is_left_out_is_not_drawn() -> None:
    engine = spelled_engines.closed()
    left_out = {name for name, _ in (*engine.forms, *engine.array_forms)} - {"mul", "sum"}

    @REPEATABLE
    @given(cases_of(engine, without=left_out))
    def test(case: Case) -> None:
        assert {step.operation for step in case.expression.steps} <= {"mul", "sum"}

    test()


@pytest.mark.parametrize(
    ("without", "said"),
    [
        (["power"], "no operation of the catalogue is called power"),
        ([*OPERATIONS], "has no other operation"),
    ],
)
def test_what_cannot_be_left_out_is_said(without: Collection[str], said: str) -> None:
    with pytest.raises(EngineError, match=said):
        find(cases_of(spelled_engines.closed(), without=without), lambda _: True, settings=REPEATABLE)


def test_an_engine_without_operations_is_refused() -> None:
    nothing = Engine.from_tape(variable=lambda x: SimpleNamespace(value=x), value="value", name="nothing")

    @settings(REPEATABLE, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def test(data: st.DataObject) -> None:
        data.draw(cases_of(nothing))

    with pytest.raises(EngineError, match="nothing has no operation of the catalogue"):
        test()
