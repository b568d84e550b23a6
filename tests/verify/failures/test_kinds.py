"""Kinds of faults that look like other ones."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fake_engines import answering

from nn_from_scratch.verify import Case, Engine, Expression, Step, Verdict, load, state, verify
from nn_from_scratch.verify.engines.answers import Answer
from nn_from_scratch.verify.failures import failing_accuracy
from nn_from_scratch.verify.failures.again import RANDOM, STATE_LEFT_OVER
from nn_from_scratch.verify.failures.blame import diagnose
from nn_from_scratch.verify.failures.kinds import LOST, kind
from nn_from_scratch.verify.failures.kinds_of_checks import kind_of_check
from nn_from_scratch.verify.failures.precision import CANCELLATION
from nn_from_scratch.verify.failures.shrink import FORWARD_PASS, minimal
from nn_from_scratch.verify.faults import RULES, Victim
from nn_from_scratch.verify.judging.examine import Examination, examine
from nn_from_scratch.verify.questions.cases import single

OURS = load("nn_from_scratch")


def with_value(name: str, value: Callable[..., float]) -> Engine:
    return Victim({**RULES, name: (value, RULES[name][1])}).engine("faulty")


def with_partials(name: str, partials: Callable[..., tuple[float, ...]]) -> Engine:
    return Victim({**RULES, name: (RULES[name][0], partials)}).engine("faulty")


def kind_of(engine: Engine, case: Case) -> str:
    found = examine(engine, case)
    assert found.verdict.accuses, found
    return kind(engine, found)


def tanh_by_exponentials(x: float) -> float:
    return float((np.exp(2 * x) - 1) / (np.exp(2 * x) + 1))


def sigmoid_by_tanh(x: float) -> float:
    return float(0.5 * (1 + np.tanh(x / 2)))


@pytest.mark.parametrize(
    ("name", "value", "at", "expected"),
    [
        ("tanh", tanh_by_exponentials, 1e-8, CANCELLATION),
        ("tanh", tanh_by_exponentials, 3e-5, CANCELLATION),
        ("sigmoid", sigmoid_by_tanh, -25.0, CANCELLATION),
        ("sigmoid", sigmoid_by_tanh, -37.0, CANCELLATION),
        ("expm1", lambda x: float(np.exp(x) - 1), 1e-9, CANCELLATION),
        ("sin", lambda x: float(np.sin(x) * (1 + 3e-15)), 0.7, "off by a few units in the last place: 14"),
        ("exp", lambda x: float(np.exp(np.float32(x))), 0.7, "precision loss (float32 inside)"),
        # The rounding of what it is given is 90 times as large in the result.
        ("exp", lambda x: float(np.exp(float(np.float32(x)))), 90.1, "precision loss (float32 inside)"),
        ("sin", lambda x: float(np.float32(np.sin(x))), 0.7, "precision loss (float32 inside)"),
        ("sin", lambda x: float(np.float16(np.sin(np.float16(x)))), 0.7, "precision loss (float16 inside)"),
        ("sin", lambda x: float(np.sin(x) * 1.0000001), 0.7, "wrong in the forward pass"),
    ],
)
def test_lost_digits_are_told_apart(
    name: str, value: Callable[[float], float], at: float, expected: str
) -> None:
    assert kind_of(with_value(name, value), single(name, "x", [at])) == f"value: {expected}"


def test_power_that_is_a_few_units_off() -> None:
    engine = with_value("pow", lambda x, y: x**y * (1 + 1e-15))
    assert kind_of(engine, single("pow", "xc", [1e5, 3.0])).startswith(
        "value: off by a few units in the last place: "
    )


def test_difference_in_float32_is_no_other_formula() -> None:
    engine = with_value("sub", lambda x, y: float(np.float32(x) - np.float32(y)))
    assert kind_of(engine, single("sub", "xx", [0.7300001, 0.73])) == "value: precision loss (float32 inside)"


def test_derivatives_lose_digits_too() -> None:
    engine = with_partials("exp", lambda z, x: (float(np.float32(z)),))
    assert kind_of(engine, single("exp", "x", [0.7])) == "precision loss (float32 inside)"
    engine = with_partials("tanh", lambda z, x: (1 / np.cosh(x) ** 2 * (1 + 6e-15),))
    assert kind_of(engine, single("tanh", "x", [0.7])).startswith("off by a few units in the last place: ")
    engine = with_partials("exp", lambda z, x: (z * 1.00000001,))
    assert kind_of(engine, single("exp", "x", [0.7])) == "constant factor 1.00000001"


def test_index_written_twice_loses_a_share() -> None:
    step = Step("index", (0,), (("index", ((0, 0),)),))
    one = Case(Expression(1, (), (step,), 1), (0.4, 1.7), ((2,),), (1.0, 1.0))

    def answer(case: Case) -> Answer:
        gradient = np.zeros(len(case.point))
        gradient[[0, 0]] = case.cotangent  # and not np.add.at
        return Answer(OURS.answer(case).value, tuple(gradient.tolist()))

    assert kind_of(answering(OURS, answer), one) == LOST
    assert kind_of(answering(OURS, answer), replace(one, cotangent=(0.3, 0.7))) == LOST


def test_few_units_of_a_sum_are_no_lost_share() -> None:
    # x0 is used twice, and one of its shares is 0.
    steps = (Step("sin", (0,)), Step("mul", (0, 1)), Step("add", (3, 4)))
    one = Case(Expression(2, (3.0,), steps, 5), (0.7, 0.0))

    def answer(case: Case) -> Answer:
        right = OURS.answer(case)
        return Answer(right.value, tuple(x * (1 + 12 * 2.0**-52) for x in right.gradient))

    told = kind_of(answering(OURS, answer), one)
    assert told.startswith("off by a few units in the last place: ")


def test_forward_pass_is_blamed_for_a_value() -> None:
    def answer(case: Case) -> Answer:
        right = OURS.answer(case)
        both = [step.operation for step in case.expression.steps] == ["sin", "exp"]
        return replace(right, value=right.value + both)

    engine = answering(OURS, answer)
    found = examine(engine, Case(Expression(1, (), (Step("sin", (0,)), Step("exp", (1,))), 2), (0.3,)))
    told = diagnose(engine, found)
    assert (told.operation, told.kind, told.node) == (FORWARD_PASS, "value: wrong in the forward pass", None)


def test_value_stays_what_is_told_of_a_reflected_division() -> None:
    engine = Victim({**RULES, "rdiv": (lambda c, x: x / c, lambda z, c, x: (0.0, 1 / c))}).engine("reflected")
    smallest = minimal(engine, examine(engine, single("div", "cx", [0.7, 1.3])))
    assert kind(engine, smallest) == "value: operands exchanged"
    # Even where the values coincide.
    assert kind(engine, examine(engine, single("div", "cx", [1.0, 1.0]))) == "value: operands exchanged"


def test_product_over_other_axes_is_not_transposed_at_ones() -> None:
    def answer(case: Case) -> Answer:
        right = OURS.answer(case)
        x, y = case.inputs()
        g = np.reshape(case.cotangent, (x @ y).shape)
        by_first = np.tensordot(g, y, axes=((0,), (1,)))  # g.T @ y.T for g @ y.T
        return Answer(right.value, (*by_first.ravel().tolist(), *right.gradient[x.size :]))

    graph = Expression(2, (), (Step("matmul", (0, 1)),), 2)
    at_ones = Case(graph, (1.0,) * 8, ((2, 2), (2, 2)), (1.0, 2.0, 3.0, 5.0))
    assert kind_of(answering(OURS, answer), at_ones) != "transposed"


def changing(answer: Callable[[int, Answer], Answer]) -> Engine:
    """Return an engine whose answers depend on how often it was asked."""
    calls = 0

    def give(case: Case) -> Answer:
        nonlocal calls
        calls += 1
        return answer(calls, OURS.answer(case))

    return answering(OURS, give)


def first_failure(engine: Engine) -> Examination:
    seen = (examine(engine, single("exp", "x", [0.7])) for _ in range(5))
    return next(one for one in seen if one.verdict is Verdict.WRONG)


def test_attribute_that_is_gone_is_no_state_left_over() -> None:
    def once(calls: int, right: Answer) -> Answer:
        if calls > 1:
            raise AttributeError("'NoneType' object has no attribute 'grad'")
        return replace(right, value=right.value + 1)

    engine = changing(once)
    assert kind(engine, first_failure(engine)) == "raises AttributeError when it is asked again"


def test_what_grows_is_left_over_and_what_jumps_is_not() -> None:
    def growing(calls: int, right: Answer) -> Answer:
        return replace(right, gradient=tuple(calls * x for x in right.gradient))

    def jumping(calls: int, right: Answer) -> Answer:
        return replace(right, gradient=tuple(x * (1 + np.sin(calls)) for x in right.gradient))

    for change, expected in ((growing, STATE_LEFT_OVER), (jumping, RANDOM)):
        engine = changing(change)
        assert kind(engine, first_failure(engine)) == expected


def result(check: Callable[..., Any], outcome: Any, message: str) -> state.Result:
    name = next(name for name, one in state.CHECKS.items() if one.check is check)
    return state.Result(name, "state", outcome, message)


def test_kinds_of_checks_say_what_happened() -> None:
    from nn_from_scratch.verify.state import checks

    gone = "AttributeError: 'Value' object has no attribute 'grad'"
    assert kind_of_check(result(checks.second_backward, "error", gone)) == "raises AttributeError"
    assert kind_of_check(result(checks.second_backward, "wrong", "a is 3")) == STATE_LEFT_OVER
    assert "afresh" in kind_of_check(result(checks.assigned_values, "wrong", "a is 121"))
    assert kind_of_check(result(checks.dead_branch, "wrong", "a is 3")) == ""


@pytest.mark.once
def test_accuracy_that_is_wrong_has_a_failure() -> None:
    # Wrong for positive numbers, and inaccurate for others: what is wrong explains every graph with an exp.
    def partials(z: Any, x: Any) -> tuple[Any]:
        return (np.where(np.less(x, 0), z * (1 + 1e-11), -0.5 * z),)

    engine = Victim({**RULES, "exp": (RULES["exp"][0], partials)}).engine("both")
    results = verify(engine, graphs=300, grades=("rules", "accuracy"))
    assert (results["grades"]["rules"], results["grades"]["accuracy"]) == ("wrong", "wrong")
    assert "accuracy" in {failure["grade"] for failure in results["failures"]}


def test_one_failure_of_accuracy_is_told_if_none_was() -> None:
    engine = with_partials("exp", lambda z, x: (z * (1 + 1e-11),))
    inaccurate = [single("exp", "x", [0.7]), single("exp", "x", [0.9])]
    (told,) = failing_accuracy(engine, inaccurate, [{"grade": "rules"}])
    assert (told["grade"], told["operation"], told["kind"]) == (
        "accuracy",
        "exp",
        "constant factor 1.00000000001",
    )
    assert list(failing_accuracy(engine, inaccurate, [told])) == []
    assert list(failing_accuracy(OURS, inaccurate, [])) == []
