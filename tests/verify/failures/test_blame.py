from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fake_engines import answering

from nn_from_scratch.verify import Case, Engine, Expression, Step, load
from nn_from_scratch.verify.engines.answers import Answer
from nn_from_scratch.verify.failures.adjoints import inspect
from nn_from_scratch.verify.failures.again import STATE_LEFT_OVER
from nn_from_scratch.verify.failures.blame import diagnose
from nn_from_scratch.verify.failures.kinds import COUNTED_TWICE, LOST, OTHER, SPECIAL, kind
from nn_from_scratch.verify.failures.shrink import REVERSE_PASS
from nn_from_scratch.verify.faults import FAULTS, Victim
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.questions.cases import single
from nn_from_scratch.verify.questions.generate import case as scalar_case
from nn_from_scratch.verify.questions.generate import seeded
from nn_from_scratch.verify.questions.generate_arrays import array_case

OURS = load("nn_from_scratch")
BY_NAME = {fault.name: fault for fault in FAULTS}
TABLE = dict(Victim().table)
CASE = Case(
    Expression(
        2,
        (3.0,),
        tuple(Step(*s) for s in (("mul", (0, 0)), ("add", (3, 1)), ("sin", (4,)), ("mul", (5, 2)))),
        6,
    ),
    (0.75, -0.4),
)
"""The case of 3 sin(x0 x0 + x1)."""


def with_partials(rule: str, partials: Callable[..., tuple[float, ...]]) -> Engine:
    return Victim(table={**TABLE, rule: (TABLE[rule][0], partials)}).engine("faulty")


def with_value(rule: str, value: Callable[..., float]) -> Engine:
    return Victim(table={**TABLE, rule: (value, TABLE[rule][1])}).engine("faulty")


def test_inspect_finds_every_adjoint_of_our_engine_right() -> None:
    drawn = [scalar_case(seeded(3, k)) for k in range(15)] + [array_case(seeded(3, k)) for k in range(15)]
    views = [view for case in drawn for view in inspect(OURS, case)]
    assert sum(view.adjoint is not None for view in views) > 100
    assert not any(view.wrong for view in views)


def test_inspect_finds_the_first_wrong_adjoint() -> None:
    engine = with_partials("sin", lambda z, x: (-np.cos(x),))
    wrong = [view.label for view in inspect(engine, CASE) if view.wrong]
    assert wrong == ["x0", "x1", "mul", "add"]


def test_inspect_takes_no_adjoint_from_an_engine_that_keeps_none() -> None:
    tape = Victim().engine("forgetful").tape
    assert tape is not None
    keeps_leaves = replace(tape, gradient=lambda node: None if node.operands else node.grad)
    views = inspect(replace(Victim().engine("forgetful"), driver=keeps_leaves), CASE)
    assert [view.label for view in views if view.adjoint is not None] == ["x0", "x1"]


@pytest.mark.parametrize(
    ("rule", "partials", "expected"),
    [
        ("sin", lambda z, x: (-np.cos(x),), "wrong sign"),
        ("sin", lambda z, x: (0.5 * np.cos(x),), "constant factor 0.5"),
        ("sin", lambda z, x: (np.cos(x) * (1 + 1e-11),), "constant factor 1.00000000001"),
        ("sin", lambda z, x: (0.0,), "gradient detached: always 0"),
        ("sin", lambda z, x: (float(np.cos(np.float32(x))),), "precision loss (float32 inside)"),
        ("sin", lambda z, x: (x,), OTHER),
        ("sin", lambda z, x: (float("nan"),), "not a number"),
        ("add", lambda z, x, y: (1.0, -1.0), "wrong sign, by the second operand"),
        ("add", lambda z, x, y: (0.0, 1.0), "gradient detached: always 0, by the first operand"),
    ],
)
def test_diagnosis_names_operation_and_kind(
    rule: str, partials: Callable[..., tuple[float, ...]], expected: str
) -> None:
    engine = with_partials(rule, partials)
    diagnosis = diagnose(engine, examine(engine, CASE))
    assert (diagnosis.operation, diagnosis.kind) == (rule, expected)
    assert CASE.expression.steps[(diagnosis.node or 0) - 3].operation == rule


def test_diagnosis_tells_exchanged_derivatives() -> None:
    engine = with_partials("mul", lambda z, x, y: (x, y))
    diagnosis = diagnose(engine, examine(engine, single("mul", "xx", [0.7, 1.3])))
    assert diagnosis.kind == "derivatives of the operands exchanged"


def test_diagnosis_tells_what_is_wrong_only_at_special_points() -> None:
    engine = with_partials("relu", lambda z, x: (2.0 if x == 0 else float(x > 0),))
    assert diagnose(engine, examine(engine, single("relu", "x", [0.0]))).kind == SPECIAL
    engine = with_partials("maximum", lambda z, x, y: (float(x >= y), float(y >= x)))
    assert diagnose(engine, examine(engine, single("maximum", "xx", [2.0, 2.0]))).kind == SPECIAL


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        ("sub", lambda x, y: y - x, "value: operands exchanged"),
        ("div", lambda x, y: float(np.float32(x) / np.float32(y)), "value: precision loss (float32 inside)"),
        ("div", lambda x, y: x * y, "value: wrong in the forward pass"),
    ],
)
def test_diagnosis_tells_a_wrong_value(rule: str, value: Callable[..., float], expected: str) -> None:
    engine = with_value(rule, value)
    diagnosis = diagnose(engine, examine(engine, single(rule, "xx", [0.7, 1.3])))
    assert (diagnosis.operation, diagnosis.kind) == (rule, expected)


def test_diagnosis_tells_lost_accumulation() -> None:
    victim = Victim(combine=lambda rule, old, new: new if rule == "mul" else old + new)
    engine = victim.engine("assigned")
    diagnosis = diagnose(engine, examine(engine, CASE))
    assert (diagnosis.operation, diagnosis.kind) == ("mul", LOST)


def test_diagnosis_blames_the_reverse_pass_where_every_operation_is_right() -> None:
    # u * u * u + u, where u = x0 + x1
    steps = (Step("add", (0, 1)), Step("mul", (2, 2)), Step("mul", (3, 2)), Step("add", (4, 2)))
    one = Case(Expression(2, (), steps, 5), (2.0, 1.0))
    for name, expected in (("breadth first", LOST), ("every path", COUNTED_TWICE)):
        engine = BY_NAME[name].engine()
        diagnosis = diagnose(engine, examine(engine, one))
        assert (diagnosis.operation, diagnosis.node) == (REVERSE_PASS, None)
        assert diagnosis.kind in {expected, OTHER}


def changed(change: Callable[[Case, list[Any]], list[Any]]) -> Engine:
    """Return our engine with the gradients of its inputs changed."""

    def answer(case: Case) -> Answer:
        right = OURS.answer(case)
        parts = iter(right.gradient)
        arrays = [np.array([next(parts) for _ in range(x.size)]).reshape(x.shape) for x in case.inputs()]
        return Answer(right.value, tuple(float(x) for part in change(case, arrays) for x in np.ravel(part)))

    return answering(OURS, answer)


def test_kind_tells_a_transposed_gradient() -> None:
    one = Case(
        Expression(2, (), (Step("matmul", (0, 1)),), 2),
        (1.0, 2.0, 0.5, -1.0, 0.3, 0.7, -2.0, 1.5),
        ((2, 2), (2, 2)),
        (1.0, -2.0, 3.0, 0.5),
    )
    engine = changed(lambda case, parts: [parts[0].T, parts[1]])
    assert kind(engine, examine(engine, one)) == "transposed"


def test_kind_tells_a_gradient_that_is_not_reduced_over_broadcast_axes() -> None:
    one = Case(
        Expression(2, (), (Step("mul", (0, 1)),), 2),
        (1.0, 2.0, 3.0, 4.0, 0.5, -1.0),
        ((2, 2), (2,)),
        (1.0,) * 4,
    )
    tape = OURS.tape
    assert tape is not None
    engine = Engine.from_tape(
        name="unreduced",
        variable=tape.variable,
        backward=tape.backward,
        value=tape.value,
        gradient=lambda node: np.broadcast_to(node.grad, (2, 2)),
        arrays=True,
    )
    assert kind(engine, examine(engine, one)) == "not reduced over broadcast axes"


def test_kind_tells_state_left_over() -> None:
    calls: list[Case] = []

    def answer(case: Case) -> Answer:
        calls.append(case)
        right = OURS.answer(case)
        return Answer(right.value, tuple(len(calls) * x for x in right.gradient))

    engine = answering(OURS, answer)
    examine(engine, CASE)
    assert kind(engine, examine(engine, CASE)) == STATE_LEFT_OVER


def test_kind_tells_an_exception() -> None:
    engine = with_value("sin", lambda x: 1 // 0)
    assert kind(engine, examine(engine, single("sin", "x", [1.0]))) == "raises ZeroDivisionError"
