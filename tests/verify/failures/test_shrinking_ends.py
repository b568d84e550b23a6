"""Shrinking ends, and stops before a failure turns into another one."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fake_engines import answering

from nn_from_scratch.verify import Case, Engine, Expression, Step, load
from nn_from_scratch.verify.engines.answers import Answer
from nn_from_scratch.verify.failures.rebuild import simpler, size
from nn_from_scratch.verify.failures.shrink import MOST_QUESTIONS, minimal
from nn_from_scratch.verify.faults import FAULTS, RULES, Row, Value, Victim
from nn_from_scratch.verify.judging.examine import Examination, examine
from nn_from_scratch.verify.judging.question import representable
from nn_from_scratch.verify.questions.cases import single
from nn_from_scratch.verify.questions.formats import FORMATS
from nn_from_scratch.verify.questions.generate import case, seeded
from nn_from_scratch.verify.questions.generate_arrays import array_case
from nn_from_scratch.verify.questions.second_order import with_tangent

FLOAT32 = FORMATS["float32"]


def in_float32(victim: Victim) -> Engine:
    """Return an engine that has the victim's rules and rounds each number it computes to float32."""

    def rounded(row: Row) -> Row:
        value, partials = row
        return (
            lambda *xs: np.float32(value(*map(float, xs))),
            lambda z, *xs: tuple(map(np.float32, partials(float(z), *map(float, xs)))),
        )

    single_precision = replace(
        victim,
        table={name: rounded(row) for name, row in victim.table.items()},
        leaf=lambda x: Value(np.float32(x)),
        scale=lambda node: np.float32(node.grad),
        combine=lambda rule, old, new: np.float32(old + new),
    )
    return replace(single_precision.engine("in float32"), dtype="float32", arrays=False)


def counting(engine: Engine) -> tuple[Engine, list[Case]]:
    """Return the engine and a list that grows by each case it is asked."""
    asked: list[Case] = []

    def answer(one: Case) -> Answer:
        asked.append(one)
        return engine.answer(one)

    return answering(engine, answer), asked


def failures_in_float32() -> Iterator[tuple[Engine, Examination]]:
    of_rules = [fault for fault in FAULTS if fault.victim.table is not RULES and not fault.arrays]
    for fault in of_rules:
        engine = in_float32(fault.victim)
        forms = [form for form in engine.forms if form[0] in fault.operations]
        drawn = (case(seeded(4, index), forms) for index in range(60))
        accused = (seen for one in drawn if (seen := examine(engine, one)).verdict.accuses)
        yield from ((engine, seen) for _, seen in zip(range(2), accused, strict=False))


@pytest.mark.once
def test_shrinking_ends_in_float32() -> None:
    shrunk = 0
    for engine, found in failures_in_float32():
        counted, asked = counting(engine)
        smallest = minimal(counted, found)
        assert len(asked) <= MOST_QUESTIONS
        assert size(smallest.case, FLOAT32) <= size(found.case, FLOAT32)
        assert smallest.verdict is found.verdict
        shrunk += 1
    assert shrunk >= 200


@pytest.mark.parametrize("at", [1e-8, 1e-8 / 3, 0.1])
def test_number_that_float32_cannot_hold_is_as_hard_as_it_is_to_say(at: float) -> None:
    exact = FLOAT32.nearest(at)
    asked = representable(single("sinh", "x", [at]), FLOAT32)
    assert asked.point == (exact,) != (at,)
    rounded = [representable(one, FLOAT32) for one in simpler(asked)]
    smaller = [one for one in rounded if size(one, FLOAT32) < size(asked, FLOAT32)]
    assert smaller
    assert all(one != asked for one in smaller)


def test_sinh_near_0_in_float32_ends() -> None:
    sinh = (lambda x: (np.exp(x) - np.exp(-x)) / 2, lambda z, x: (0.0 if abs(x) < 1e-6 else np.cosh(x),))
    engine, asked = counting(in_float32(Victim({**RULES, "sinh": sinh})))
    found = examine(engine, single("sinh", "x", [1e-8]))
    smallest = minimal(engine, found)
    assert len(asked) <= 60
    assert f"{smallest.case.point[0]:.3g}" in ("0", "1e-08")


def test_second_order_of_arrays_in_float32_ends() -> None:
    torch = pytest.importorskip("torch")
    from nn_from_scratch.verify.oracles.pytorch_operations import OPERATIONS

    def single_precision(x: Any) -> Any:
        return None if x is None else torch.as_tensor(x, dtype=torch.float32)

    def gradients(output: Any, leaves: Any, cotangent: Any = None) -> Any:
        seed = single_precision(cotangent)
        found = torch.autograd.grad(output, leaves, seed, create_graph=True, materialize_grads=True)
        return [g.requires_grad_() * 1.01 for g in found]

    engine = Engine.from_tape(
        name="PyTorch in float32, a hundredth too much",
        variable=lambda x: torch.tensor(x, dtype=torch.float32, requires_grad=True),
        backward=lambda output, cotangent=None: output.backward(single_precision(cotangent)),
        value=lambda node: node.detach().double().numpy(),
        gradient=lambda leaf: None if leaf.grad is None else leaf.grad.double().numpy(),
        gradients=gradients,
        operations=OPERATIONS,
        arrays=True,
        dtype="float32",
    )
    counted, asked = counting(engine)
    shrunk = 0
    for index in (31, 3, 7, 11, 15, 19):
        choose = seeded(0, index)
        found = examine(counted, with_tangent(array_case(choose, engine.array_forms), choose))
        asked.clear()
        if found.verdict.accuses:
            minimal(counted, found)
            shrunk += 1
        assert len(asked) <= MOST_QUESTIONS
    assert shrunk >= 3


def test_questions_are_counted() -> None:
    engine, asked = counting(next(fault for fault in FAULTS if fault.name == "assigned").engine())
    found = next(
        seen
        for index in range(300)
        if (seen := examine(engine, case(seeded(3, index), engine.forms))).verdict.accuses
        and len(seen.case.expression.steps) > 10
    )
    asked.clear()
    minimal(engine, found, questions=7)
    assert len(asked) == 7


def of_arrays(name: str, *arrays: Any, parameters: tuple[tuple[str, Any], ...] = ()) -> Case:
    """Return the case of one operation on arrays, with a cotangent of different numbers."""
    given = [np.array(each, dtype=float) for each in arrays]
    step = Step(name, tuple(range(len(given))), parameters)
    graph = Expression(len(given), (), (step,), len(given))
    point = tuple(float(x) for each in given for x in each.ravel())
    made = Case(graph, point, tuple(each.shape for each in given))
    entries = np.size(load("nn_from_scratch").operations[name](*given, **dict(parameters)))
    return replace(made, cotangent=tuple(0.3 + 0.7 * k for k in range(entries)))


def failing_where(wrong: Callable[[Case], bool]) -> Engine:
    """Return our engine with gradients that are 1 too large where a case says so."""
    engine = load("nn_from_scratch")

    def answer(one: Case) -> Answer:
        right = engine.answer(one)
        return replace(right, gradient=tuple(x + wrong(one) for x in right.gradient))

    return answering(engine, answer)


def test_shrinking_does_not_end_at_empty_arrays() -> None:
    def wrong(one: Case) -> bool:
        return any(0 in shape for shape in one.shapes) or one.expression.steps[0].operation == "mul"

    graph = Expression(2, (), (Step("mul", (0, 1)),), 2)
    found = examine(failing_where(wrong), Case(graph, (0.3, 0.7, 1.1, 0.2), ((2,), (2,)), (0.4, 1.5)))
    assert found.verdict.accuses
    assert all(0 not in shape for shape in minimal(failing_where(wrong), found).case.shapes)


def test_empty_arrays_are_filled_if_that_fails_too() -> None:
    total = Step("sum", (2,), (("axis", None), ("keepdims", False)))
    steps = (Step("mul", (0, 0)), total, Step("mul", (1, 1)), Step("add", (3, 4)))
    found_at = Case(Expression(2, (), steps, 5), (0.3,), ((0, 3), ()), (1.0,))
    engine = failing_where(lambda one: True)
    smallest = minimal(engine, examine(engine, found_at))
    assert all(0 not in shape for shape in smallest.case.shapes)
    only_empty = failing_where(lambda one: any(0 in shape for shape in one.shapes))
    smallest = minimal(only_empty, examine(only_empty, found_at))
    assert any(0 in shape for shape in smallest.case.shapes)


def test_value_that_is_wrong_stays_wrong() -> None:
    # a / 2 for 2 / a: where the values coincide, what is left looks like another derivative.
    table = {**RULES, "rdiv": (lambda c, x: x / c, lambda z, c, x: (0.0, 1 / c))}
    engine = Victim(table).engine("reflected division")
    found = examine(engine, single("div", "cx", [0.7, 1.3]))
    smallest = minimal(engine, found)
    assert smallest.value is not None
    assert smallest.value.verdict.accuses
    assert abs(smallest.value.got - smallest.value.expected) > 0.1


def test_arrays_are_not_shrunk_to_ones() -> None:
    # The gradient by the first operand is that of a product with the second one transposed.
    ours = load("nn_from_scratch")

    def answer(one: Case) -> Answer:
        right = ours.answer(one)
        x, y = one.inputs()
        g = np.reshape(one.cotangent, (x @ y).shape)
        return Answer(right.value, (*(g @ y).ravel().tolist(), *right.gradient[x.size :]))

    engine = answering(ours, answer)
    found = examine(engine, of_arrays("matmul", [[1.1, 0.3], [0.2, 0.9]], [[0.4, 1.7], [0.6, 0.8]]))
    numbers = minimal(engine, found).case.point
    assert len(set(numbers)) == len(numbers)
    assert set(numbers) <= set(map(float, range(1, 10))) | {0.5, 0.25}


def test_dead_branch_is_kept_where_it_is_needed() -> None:
    engine = next(fault for fault in FAULTS if fault.name == "waiting").engine()
    names = (("mul", (0, 1)), ("sin", (2,)), ("exp", (3,)), ("cos", (1,)), ("mul", (2, 0)))
    steps = tuple(Step(*each) for each in names)
    found = examine(engine, Case(Expression(2, (), steps, 6), (0.3, 0.7)))
    assert found.verdict.accuses
    graph = minimal(engine, found).case.expression
    assert (len(graph.steps), len(graph.live_steps())) == (3, 2)
