import dataclasses
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import count
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import (
    Case,
    Engine,
    Expression,
    GradientError,
    Step,
    Verdict,
    check,
    load,
    state,
    verify,
)
from nn_from_scratch.verify.engines.answers import AnswerError, real_numbers
from nn_from_scratch.verify.engines.errors import NotSpelledError
from nn_from_scratch.verify.engines.mistakes import refuse_mistakes
from nn_from_scratch.verify.engines.tape import Tape
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.questions.cases import single
from nn_from_scratch.verify.questions.second_order import with_tangent

OURS = load("nn_from_scratch")
PRODUCT = single("mul", "xx", [3.0, 1.0])
ARRAYS = Case(Expression(2, (), (Step("mul", (0, 1)),), 2), (1.0, 2.0, 3.0, 4.0), ((2,), (2,)), (1.0, -1.0))


def ours(**moves: Any) -> Engine:
    """Return our engine with other moves."""
    assert isinstance(OURS.tape, Tape)
    return dataclasses.replace(OURS, driver=dataclasses.replace(OURS.tape, **moves))


class MakesNoArray:
    def __array__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("no array here")

    def __repr__(self) -> str:
        raise RuntimeError("nor a text")


@pytest.mark.parametrize("case", [PRODUCT, ARRAYS])
@pytest.mark.parametrize(
    ("convert", "said"),
    [
        (lambda x: x + 0j, "is complex, and no real number"),
        (lambda x: np.asarray(x) + 1j, "is complex, and no real number"),
        (lambda x: np.asarray(x, dtype=str), "is text, and no real number"),
        (lambda x: np.asarray(x).astype(bool), "is boolean, and no real number"),
        (lambda x: np.asarray(x).astype(object) + 0j, "is complex, and no real number"),
        (lambda x: np.full(np.shape(x), None), "is nothing, and no real number"),
        (lambda x: np.full(np.shape(x), object()), "is no number: "),
        (lambda x: [x, [x, x]], "is no number: ["),
        (lambda x: MakesNoArray(), "is no number: (a MakesNoArray whose text raises RuntimeError)"),
        (lambda x: 10**400, "is no number: 1000"),
    ],
)
@pytest.mark.parametrize("what", ["value", "gradient"])
def test_answer_that_is_no_real_number_is_an_error(
    what: str, convert: Callable[[Any], Any], said: str, case: Case
) -> None:
    read: dict[str, Callable[[Any], Any]] = {"value": lambda n: n.value, "gradient": lambda n: n.grad}
    engine = ours(**{what: lambda node: convert(read[what](node))})
    found = examine(engine, case)
    assert found.verdict is Verdict.ERROR
    name = "the value" if what == "value" else "the gradient for x0"
    assert found.message.startswith(f"the engine answered what is no gradient: {name} {said}")
    with pytest.raises(GradientError, match=re.escape(said)):
        check(engine, case)


@pytest.mark.parametrize("answer", [True, "1.0", 1 + 0j, b"1"])
@pytest.mark.parametrize("what", ["value", "gradient"])
def test_transforms_answer_that_is_no_real_number_is_an_error(what: str, answer: Any) -> None:
    def value_and_gradient(_: Any, inputs: Sequence[Any]) -> tuple[Any, list[Any]]:
        value, derivative = (answer, 1.0) if what == "value" else (1.0, answer)
        return value, [derivative] * len(inputs)

    engine = Engine.from_transform(name="odd", namespace=np, value_and_gradient=value_and_gradient)
    found = examine(engine, PRODUCT)
    assert (found.verdict, found.error[:17]) == (Verdict.ERROR, "AnswerError: the ")


def test_gradient_of_another_shape_is_an_error_though_it_broadcasts() -> None:
    for shape in ((), (1,), (1, 2), (2, 2)):
        engine = ours(gradient=lambda node, shape=shape: np.ones(shape))
        found = examine(engine, ARRAYS)
        assert found.verdict is Verdict.ERROR
        assert f"the gradient for x0 has shape {shape}, x0 has (2,)" in found.message
    found = examine(ours(gradient=lambda node: np.ones(1)), PRODUCT)
    assert "the gradient for x0 has shape (1,), x0 has ()" in found.message


def test_first_gradient_of_another_shape_is_an_error_where_it_is_differentiated_again() -> None:
    twice = with_tangent(ARRAYS, lambda n: n - 1)
    assert examine(OURS, twice).verdict is Verdict.RIGHT
    assert OURS.tape is not None
    original = OURS.tape.gradients
    assert original is not None

    def reshaped(*arguments: Any) -> Sequence[Any]:
        return [np.reshape(g, (1, 2)) for g in original(*arguments)]

    found = examine(ours(gradients=reshaped), twice)
    assert found.verdict is Verdict.ERROR
    assert "the gradient for x0 has shape (1, 2), x0 has (2,)" in found.message
    found = examine(ours(gradients=lambda *arguments: original(*arguments)[:1]), twice)
    assert "1 derivatives for 2 inputs" in found.message


@pytest.mark.parametrize("what", ["value", "gradient"])
def test_a_run_with_answers_that_are_no_numbers_now_and_then_has_results(what: str) -> None:
    read: dict[str, Callable[[Any], Any]] = {"value": lambda n: n.value, "gradient": lambda n: n.grad}
    times = count()
    engine = ours(**{what: lambda node: read[what](node) if next(times) % 9 else 10**400})
    few = {name: engine.operations[name] for name in ("add", "mul", "sin")}
    engine = dataclasses.replace(engine, operations=few, arrays=False, complete=False, second_order=False)
    results = verify(engine, graphs=10, directly=False, grades=("rules",))
    assert results["verdict"] == "wrong"
    messages = [failure["message"] for failure in results["failures"] if failure["grade"] == "rules"]
    assert messages
    assert not [message for message in messages if " is right: " in message]


def test_an_engine_of_another_format_is_told_how_to_say_so() -> None:
    engine = ours(value=lambda node: np.float32(node.value), gradient=lambda node: np.float32(node.grad))
    few = {name: engine.operations[name] for name in ("add", "mul", "sin", "exp", "tanh")}
    engine = dataclasses.replace(engine, operations=few, arrays=False, complete=False, second_order=False)
    results = verify(engine, graphs=0, grades=("rules",))
    told = 'it seems to compute in float32: if that is meant, say dtype="float32" in its adapter'
    assert told not in results["alarms"], "nothing was asked"
    assert told in verify(engine, graphs=4, grades=("rules",))["alarms"]
    engine = dataclasses.replace(engine, dtype="float32")
    assert not verify(engine, graphs=4, grades=("rules",))["failures"]


def test_what_an_engine_says_that_it_lacks_is_no_excuse_where_only_numbers_are_asked() -> None:
    """Of numbers it was asked for each operation alone, and answered: only arrays come in more ways."""

    def lacking(*_: Any) -> None:
        raise NotSpelledError("not here")

    found = examine(ours(backward=lacking), PRODUCT)
    assert (found.verdict, found.is_lacking) == (Verdict.ERROR, False)
    found = examine(ours(backward=lacking), ARRAYS)
    assert (found.verdict, found.is_lacking) == (Verdict.UNDECIDED, True)


def test_value_of_too_many_numbers_is_an_error() -> None:
    found = examine(ours(value=lambda node: np.ones(3)), PRODUCT)
    assert "the value has shape (3,), where one number is expected" in found.message
    found = examine(ours(value=lambda node: np.ones(3)), ARRAYS)
    assert "the value has shape (3,), where 2 numbers are expected" in found.message


@pytest.mark.parametrize("number", [3, 3.0, np.float32(3), np.int8(3), Fraction(3), Decimal(3), np.array(3)])
def test_every_kind_of_real_number_is_one(number: Any) -> None:
    assert real_numbers(number, "it") == 3.0
    assert real_numbers([number, number], "it").tolist() == [3.0, 3.0]
    engine = ours(value=lambda node: number)
    assert examine(engine, PRODUCT).verdict is Verdict.RIGHT


def test_tensors_are_real_numbers() -> None:
    torch = pytest.importorskip("torch")
    assert real_numbers(torch.tensor([1.0, 2.0], dtype=torch.float32), "it").tolist() == [1.0, 2.0]
    with pytest.raises(AnswerError, match=r"it is boolean, and no real number: tensor\(True\)"):
        real_numbers(torch.tensor(True), "it")


class Lazy:
    """A number or an array that only numpy can read."""

    def __init__(self, held: Any) -> None:
        self.held = held

    def __array__(self, *_: Any, **__: Any) -> Any:
        return np.asarray(self.held)


class Deaf(np.ndarray):
    """An array to which numpy's functions cannot be applied."""

    def __array_function__(self, *_: Any) -> Any:
        raise RuntimeError("no functions")

    def __array_ufunc__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("no functions")


@pytest.mark.parametrize("convert", [Lazy, lambda x: np.asarray(x).view(Deaf)])
def test_a_right_engine_of_numbers_that_only_numpy_reads_is_right(convert: Callable[[Any], Any]) -> None:
    engine = ours(value=lambda node: convert(node.value), gradient=lambda node: convert(node.grad))
    refuse_mistakes(engine)
    assert all(examine(engine, case).verdict is Verdict.RIGHT for case in (PRODUCT, ARRAYS))
    checks = ("a second backward of one output", "the gradient of an unused input", "tanh at 400")
    assert {one.name: one.outcome for one in state.run(engine, checks)} == dict.fromkeys(checks, "right")


def test_a_check_of_what_is_no_number_says_so() -> None:
    (found,) = state.run(ours(gradient=lambda node: [1.0, [2.0]]), ["a second backward of one output"])
    assert (found.outcome, found.message) == (
        "error",
        "AnswerError: what was read is no number: [1.0, [2.0]]",
    )


def unused(fault: Callable[[Any], Any]) -> Engine:
    """Return an engine that fails where the gradient of an unused leaf is read."""
    return ours(gradient=lambda node: node.grad if np.any(node.grad) else fault(node))


def test_unused_input_whose_gradient_cannot_be_read_is_judged_with_0() -> None:
    def fault(_: Any) -> Any:
        raise AttributeError("no gradient here")

    beside = Case(Expression(2, (), (Step("square", (0,)),), 2), (3.0, 5.0))
    assert unused(fault).answer(beside).gradient == (6.0, 0.0)
    assert examine(unused(fault), beside).verdict is Verdict.RIGHT
    used = single("mul", "xx", [3.0, 0.0])  # of which one derivative is 0
    assert examine(unused(fault), used).error == "AttributeError: no gradient here"


def test_transform_that_cannot_differentiate_by_an_unused_input_is_asked_by_the_others() -> None:
    torch = pytest.importorskip("torch")

    def value_and_gradient(function: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
        leaves = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in inputs]
        value = function(*leaves)
        return value.detach(), torch.autograd.grad(value, leaves)

    engine = Engine.from_transform(name="grad", namespace=torch, value_and_gradient=value_and_gradient)
    beside = Case(Expression(3, (), (Step("div", (2, 0)),), 3), (4.0, 5.0, 6.0))
    assert engine.answer(beside).gradient == (-0.375, 0.0, 0.25)
    with pytest.raises(NotImplementedError):
        dataclasses.replace(engine, operations={"div": _lacking}).answer(beside)


def _lacking(*_: Any) -> Any:
    raise NotImplementedError
