from collections.abc import Callable

import numpy as np
import pytest
from fake_engines import answering

from nn_from_scratch.verify import Case, Engine, Expression, Step, Verdict, load
from nn_from_scratch.verify.engines.answers import Answer
from nn_from_scratch.verify.faults import FAULTS
from nn_from_scratch.verify.judging.examine import WITNESSES, examine
from nn_from_scratch.verify.oracles import pytorch
from nn_from_scratch.verify.questions.cases import single
from nn_from_scratch.verify.questions.operations import ALL_FORMS, Form

SQUARE = single("mul", "xc", [3.0, 2.0])  # 2 x at 3


def ours_answering(answer: Callable[[Case], Answer]) -> Engine:
    return answering(load("nn_from_scratch"), answer)


def test_examine_finds_our_engine_right_and_all_witnesses_agree() -> None:
    found = examine(load("nn_from_scratch"), SQUARE, witnesses=WITNESSES)
    assert found.verdict is Verdict.RIGHT
    assert set(found.oracles.values()) == {"agrees"}
    assert {"taylor", "finite differences"} <= set(found.oracles)
    assert ("pytorch" in found.oracles) is (pytorch.version() is not None)
    assert found.message == ""


@pytest.mark.parametrize(
    ("value", "slope", "verdict"),
    [
        (6.0, 2.0, Verdict.RIGHT),
        (6.0, 2.0 * (1 + 1e-9), Verdict.INACCURATE),
        (6.0 * (1 + 1e-9), 2.0, Verdict.INACCURATE),
        (6.0, -2.0, Verdict.WRONG),
        (-6.0, 2.0, Verdict.WRONG),
        (6.0, float("nan"), Verdict.WRONG),
        (float("nan"), 2.0, Verdict.WRONG),
        (float("inf"), 2.0, Verdict.WRONG),
    ],
)
def test_examine_judges_value_and_gradient(value: float, slope: float, verdict: Verdict) -> None:
    assert examine(ours_answering(lambda case: Answer(value, (slope,))), SQUARE).verdict is verdict


def test_examine_names_what_is_wrong() -> None:
    found = examine(ours_answering(lambda case: Answer(6.0, (5.0,))), SQUARE)
    assert found.message.startswith("the derivative for x0 is 5.0, expected 2.0: the error 3 is ")
    found = examine(ours_answering(lambda case: Answer(7.0, (2.0,))), SQUARE)
    assert found.message.startswith("the value is 7.0, expected 6.0")


def test_examine_hears_the_witnesses_against_a_wrong_engine() -> None:
    found = examine(ours_answering(lambda case: Answer(6.0, (5.0,))), SQUARE, witnesses=WITNESSES)
    assert set(found.oracles.values()) == {"differs"}


@pytest.mark.parametrize(
    "raised", [ValueError("odd"), RecursionError(), ZeroDivisionError(), AssertionError("no")]
)
def test_examine_takes_what_an_engine_raises_as_an_outcome(raised: Exception) -> None:
    def answer(_: Case) -> Answer:
        raise raised

    found = examine(ours_answering(answer), SQUARE)
    assert found.verdict is Verdict.ERROR
    assert found.message == f"the engine raised {type(raised).__name__}: {raised}"


def test_examine_excuses_what_an_engine_raises_outside_the_domain() -> None:
    def answer(_: Case) -> Answer:
        raise ValueError("math domain error")

    assert examine(ours_answering(answer), single("log", "x", [-1.0])).verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("x", [1000.0, 709.9])
def test_examine_excuses_what_an_engine_raises_beyond_its_format(x: float) -> None:
    def answer(_: Case) -> Answer:
        raise OverflowError("math range error")

    assert examine(ours_answering(answer), single("exp", "x", [x])).verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("gradient", [(), (2.0, 2.0), ([2.0],), ("two",)])
def test_examine_refuses_what_is_no_gradient(gradient: tuple[object, ...]) -> None:
    engine = Engine.from_transform(
        name="odd", namespace=np, value_and_gradient=lambda function, point: (6.0, gradient)
    )
    assert examine(engine, SQUARE).verdict is Verdict.ERROR


@pytest.mark.parametrize(
    ("slopes", "accused"),
    [((0.5, 0.5), False), ((1, 0), False), ((0, 1), False), ((1, 1), True), ((0, 0), True)],
)
def test_examine_shares_a_tie_among_its_operands(slopes: tuple[float, float], accused: bool) -> None:
    tie = single("maximum", "xx", [2.0, 2.0])
    engine = ours_answering(lambda case: Answer(2.0, slopes))
    assert examine(engine, tie).verdict.accuses is accused


def test_examine_accuses_a_gross_fault_before_a_cancellation() -> None:
    # sin(x) - c, of which no digit is left: its derivative is well known nevertheless.
    engine = next(fault for fault in FAULTS if fault.name == "sin: its derivative times -1.0").engine()
    steps = (Step("sin", (0,)), Step("sub", (3, 1)), Step("mul", (4, 2)))
    one = Case(Expression(1, (0.9092974268256817, 1e20), steps, output=5), (2.0,))
    assert examine(engine, one).verdict is Verdict.WRONG
    assert not examine(load("nn_from_scratch"), one).verdict.accuses


def test_a_witness_that_overflows_where_the_engine_does_not_has_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pytorch, "version", lambda: "2.0")
    monkeypatch.setattr(pytorch, "gradient", lambda case: np.array([np.nan]))
    for point, hearing in ((-(2.0**-1022), "no answer"), (-2.0, "differs")):
        found = examine(load("nn_from_scratch"), single("div", "cx", [0.0, point]), witnesses=WITNESSES)
        assert found.verdict is Verdict.RIGHT
        assert found.oracles["pytorch"] == hearing


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("point", [(1.0, 1.0), (2.0, 2.0, 2.0), (-0.5, 0.25, -0.5, 0.25)])
def test_all_of_it_for_each_of_a_tie_is_wrong_along_any_direction(
    name: str, point: tuple[float, ...]
) -> None:
    engine = next(one for one in FAULTS if one.name == f"{name}: all of it for each of a tie").engine()
    reduction = (Step(name, (0,), (("axis", None), ("keepdims", False))),)
    case = Case(Expression(1, (), reduction, 1), point, ((len(point),),), (1.0,))
    assert examine(engine, case).verdict is Verdict.WRONG
    assert examine(load("nn_from_scratch"), case).verdict is Verdict.RIGHT


@pytest.mark.parametrize(
    ("point", "value", "slope", "verdict"),
    [
        (0.0, 0.0, 0.0, Verdict.UNDECIDED),  # the gradient
        (0.0, 1.0, 0.0, Verdict.WRONG),  # the value, which is known
        (1e-8, 1.0, 0.0, Verdict.RIGHT),
        (-2.0, -1.0, 0.0, Verdict.RIGHT),
        (-2.0, 1.0, 0.0, Verdict.WRONG),
        (-2.0, -1.0, 1.0, Verdict.WRONG),
    ],
)
def test_sign_is_judged_by_its_value_at_the_jump_and_wholly_beside_it(
    point: float, value: float, slope: float, verdict: Verdict
) -> None:
    engine = ours_answering(lambda _: Answer(value, (slope,)))
    assert examine(engine, single("sign", "x", [point])).verdict is verdict


@pytest.mark.parametrize("tangent", [(), (1.0,)])
@pytest.mark.parametrize("form", [form for form in ALL_FORMS if set(form[1]) == {"x"} and len(form[1]) > 1])
def test_an_operand_may_be_an_empty_sum(form: Form, tangent: tuple[float, ...]) -> None:
    name, sides = form
    for empty in range(len(sides)):
        steps = (
            Step("sum", (0,), (("axis", 0), ("keepdims", False))),
            Step(name, tuple(2 if side == empty else 1 for side in range(len(sides)))),
        )
        one = Case(Expression(2, (), steps, 3), (0.5,), ((0,), ()), (1.0,), tangent)
        verdict = examine(load("nn_from_scratch"), one).verdict
        assert verdict is (Verdict.UNDECIDED if (name, empty) == ("div", 1) else Verdict.RIGHT)


def test_an_end_of_what_a_kink_allows_is_0_where_it_is() -> None:
    tie = Case(Expression(2, (), (Step("maximum", (0, 1)),), 2), (1.5, 1.5))
    both = ours_answering(lambda _: Answer(1.5, (1.0, 1.0)))
    assert "the derivative for x0 is 1.0, expected 0 to 1: " in examine(both, tie).message
    both = ours_answering(lambda _: Answer(0.0, (2.0,)))
    assert (
        "expected -1 to 1: "
        in examine(both, Case(Expression(1, (), (Step("abs", (0,)),), 1), (0.0,))).message
    )
