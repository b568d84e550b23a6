"""What is rare is asked directly: a rule that is wrong about it alone is accused, and by nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from narrowed import narrowed

from nn_from_scratch import rules
from nn_from_scratch.rule import value_of
from nn_from_scratch.verify import Engine, load, verify
from nn_from_scratch.verify.campaign.direct import Direct, ask_directly, ask_questions, surroundings
from nn_from_scratch.verify.failures.settling import Settling
from nn_from_scratch.verify.faults import Victim
from nn_from_scratch.verify.faults.array_rules import PULLS
from nn_from_scratch.verify.faults.rules import RULES
from nn_from_scratch.verify.faults.victim import Value, topological
from nn_from_scratch.verify.questions.direct import direct_questions
from nn_from_scratch.verify.questions.operations import ELEMENTWISE
from nn_from_scratch.verify.questions.roles import NINE_USES, TEN_LEAVES, DirectQuestion, Surroundings

pytestmark = pytest.mark.once
Wrong = Callable[..., bool]
"""Whether a rule is wrong of operands, and parameters."""


def part(name: str, when: Wrong) -> Engine:
    """Return the victim whose first derivative of an operation of elements is twice what it should be."""
    value, derivatives = RULES[name]

    def wrong(z: Any, *xs: Any) -> Any:
        first, *others = derivatives(z, *xs)
        return (first * (1.0 + np.asarray(when(*xs))), *others)

    return Victim({**RULES, name: (value, wrong)}).engine("one is wrong")


def pull(name: str, when: Wrong) -> Engine:
    """Return the victim that gives twice the last gradient of an operation of whole arrays."""
    value, derivatives = PULLS[name]

    def wrong(g: Any, z: Any, *xs: Any, **how: Any) -> Any:
        *others, last = derivatives(g, z, *xs, **how)
        return (*others, last * (2.0 if when(*xs, **how) else 1.0))

    return Victim(whole={**PULLS, name: (value, wrong)}).engine("one is wrong")


def is_slice(item: Any) -> bool:
    return isinstance(item, tuple) and item[0] == "slice"


def a_slice(that: Callable[[Any, Any, Any], bool]) -> Wrong:
    return lambda _x, index: any(is_slice(item) and that(*item[1:]) for item in index)


def over(axis: Any, keepdims: bool = False) -> Wrong:
    return lambda x, **how: (x.ndim, how["axis"], how.get("keepdims", False)) == (3, axis, keepdims)


def of_shapes(*shapes: tuple[int, ...]) -> Wrong:
    return lambda *xs, **_: tuple(map(np.shape, xs)) == shapes


PARTS: list[tuple[str, str, Wrong]] = [
    *(("pow", f"** {y:.3g}", lambda _, e, y=y: np.equal(e, y)) for y in (4, 5, -4, 1 / 3, 1 / 4, 2 / 3, 2.5)),
    ("exp", "from 100 on", lambda x: np.greater(x, 100)),
    ("mul", "by more than 1e5", lambda _, y: np.greater(np.abs(y), 1e5)),
    ("mul", "of more than 64 entries", lambda x, _: np.size(x) > 64),
    ("tanh", "of more than 32 entries", lambda x: np.size(x) > 32),
    ("div", "by shape (1,)", lambda x, y: np.shape(y) == (1,) and np.size(x) > 1),
    ("sub", "of shape (1,) and ()", of_shapes((1,), ())),
    ("add", "of a column and a row", of_shapes((3, 1), (1, 4))),
    ("mul", "of more than 256 entries", lambda x, _: np.size(x) > 256),
]
PULLED: list[tuple[str, str, Wrong]] = [
    *((name, "of more than 256 entries", lambda x, **_: np.size(x) > 256) for name in ("sum", "mean")),
    ("max", "at an index that 8 bits do not hold", lambda x, **_: bool(x.size > 256 and np.argmax(x) > 255)),
    ("index", "an entry that 8 bits do not reach", lambda _x, index: index == (258,)),
    ("index", "entries that 8 bits do not reach", lambda _x, index: index == ((259, 0, 257, 1, 257),)),
    ("matmul", "over more than 256 entries", lambda x, _: x.shape[-1] > 256),
    ("concatenate", "to more than 256 entries", lambda *xs, axis: sum(np.size(x) for x in xs) > 256),
    ("broadcast_to", "to more than 256 entries", lambda _x, shape: shape == (268,)),
    ("index", "a new axis", lambda _x, index: None in index),
    ("index", "an ellipsis", lambda _x, index: "..." in index),
    ("index", "an array of two axes", lambda _x, index: any(np.ndim(item) > 1 for item in index)),
    ("transpose", "no axes", lambda _x, axes: axes is None),
    ("squeeze", "no axes", lambda _x, axis: axis is None),
    ("index", "a stop", a_slice(lambda _start, stop, step: stop is not None and step is None)),
    ("index", "a stop from the end", a_slice(lambda _start, stop, _step: (stop or 0) < 0)),
    ("index", "a stop beyond the end", a_slice(lambda _start, stop, _step: (stop or 0) > 5)),
    ("index", "a start from the end", a_slice(lambda start, _stop, _step: (start or 0) < 0)),
    ("index", "a step of -2", a_slice(lambda _start, _stop, step: step == -2)),
    ("index", "a start and a step", a_slice(lambda start, _stop, step: start == 1 and step == 2)),
    (
        "index",
        "negative numbers in an array",
        lambda _x, index: any(isinstance(i, tuple) and not is_slice(i) and min(i) < 0 for i in index),
    ),
    (
        "index",
        "the second axis alone",
        lambda _x, index: len(index) == 2 and is_slice(index[1]) and index[1][1] == 1,
    ),
    *(
        (name, f"axis {axis} of 3, keepdims={keepdims}", over(axis, keepdims))
        for name in ("sum", "mean", "prod", "max", "min", "logsumexp")
        for axis, keepdims in ((0, False), (0, True), (2, False), (2, True), (-1, False))
    ),
    *((name, "axis 0 of 3", over(0)) for name in ("softmax", "log_softmax")),
    ("matmul", "(n, 1) @ (1, k)", lambda x, y: x.ndim == 2 == y.ndim and x.shape[1] == 1),
    ("matmul", "a stack of one", lambda x, y: x.ndim == 3 == y.ndim and y.shape[0] == 1),
    ("matmul", "4 axes and 3", lambda x, y: (x.ndim, y.ndim) == (4, 3) and y.shape[0] > 2),
    ("matmul", "9 products an entry", lambda x, _: x.shape[-1] >= 9),
    ("transpose", "(0, 2, 1, 3)", lambda _x, axes: tuple(axes) == (0, 2, 1, 3)),
    ("reshape", "to no axes", lambda _x, shape: shape == ()),
    ("reshape", "from no axes", lambda x, shape: np.shape(x) == () and shape != ()),
    ("stack", "five", lambda *xs, axis: len(xs) == 5 and axis == 0),
    ("stack", "without axes", lambda *xs, axis: np.ndim(xs[0]) == 0 == axis),
    ("concatenate", "five", lambda *xs, axis: len(xs) == 5 and axis == 1),
    ("concatenate", "an empty part", lambda *xs, axis: any(x.size == 0 for x in xs) and axis == 1),
    ("broadcast_to", "from no axes to two", lambda x, shape: np.shape(x) == () and len(shape) == 2),
    ("sum", "of 70 entries", lambda x, **_: np.size(x) == 70),
    ("max", "of 70 entries", lambda x, **_: np.size(x) == 70),
]


def asked_about(engine: Engine, name: str) -> Direct:
    """Ask the direct questions about one operation."""
    found = Direct()
    forms = [form for form in engine.forms if form[0] == name]
    arrays = [form for form in engine.array_forms if form[0] == name]
    ask_questions(engine, direct_questions(forms, arrays, Surroundings.of(engine.forms)), found)
    return found


@pytest.mark.parametrize(
    ("engine", "name"),
    [
        *(pytest.param(part(name, when), name, id=f"{name} {what}") for name, what, when in PARTS),
        *(pytest.param(pull(name, when), name, id=f"{name} {what}") for name, what, when in PULLED),
    ],
)
def test_what_is_wrong_of_something_rare_alone_is_accused(engine: Engine, name: str) -> None:
    failing = [question for question, _ in asked_about(engine, name).failing]
    assert failing
    assert all(question.rare for question in failing)
    assert {question.operation for question in failing} == {name}


def without_a_node_of_nine_uses(output: Value) -> list[Value]:
    """Return the nodes in order, but for those that are used nine times or more."""
    order = topological(output)
    uses = [id(x) for node in order for x in node.operands]
    return [node for node in order if uses.count(id(node)) < 9]


def without_what_joins_the_last_of_ten_leaves(output: Value) -> list[Value]:
    """Return the nodes in order, but for the last that is no leaf where there are ten leaves or more."""
    order = topological(output)
    inner = [node for node in order if node.rule]
    return inner[:-1] if len(order) - len(inner) >= 10 else order


@pytest.mark.parametrize(
    ("order", "role"),
    [(without_a_node_of_nine_uses, NINE_USES), (without_what_joins_the_last_of_ten_leaves, TEN_LEAVES)],
)
def test_many_uses_and_many_leaves_are_asked(order: Callable[[Value], list[Value]], role: str) -> None:
    failing = asked_about(Victim(order=order).engine("forgetful"), "add").failing
    assert {question.role for question, _ in failing} == {role}


def test_nothing_stands_after_what_is_differentiated_twice_for_vectors() -> None:
    """Engines in other languages keep them as they are."""
    plain = [one for one in direct_questions([("neg", "x")], (), second=True) if one.case.tangent]
    assert [len(one.case.expression.steps) for one in plain] == [1]


def refusing(engine: Engine, name: str, when: Wrong, error: Exception) -> Engine:
    def operation(*xs: Any, **how: Any) -> Any:
        if when(*[getattr(x, "data", x) for x in xs], **how):
            raise error
        return engine.operations[name](*xs, **how)

    chosen = narrowed(engine, "add", "mul", "neg", "sum", name)
    return replace(chosen, operations={**chosen.operations, name: operation}, explicit=frozenset())


@pytest.mark.parametrize(
    ("name", "when", "error", "said"),
    [
        (
            "index",
            a_slice(lambda _start, _stop, step: (step or 1) < 0),
            ValueError("step must be greater than zero"),
            "a slice with a negative step: ValueError: step must be greater than zero",
        ),
        (
            "transpose",
            lambda x, **_: np.ndim(x) == 4 and x.shape == (2, 3, 2, 2),
            RuntimeError("at most 3 axes"),
            "RuntimeError: at most 3 axes",
        ),
    ],
)
def test_what_is_rare_may_be_refused_by_any_exception(
    name: str, when: Wrong, error: Exception, said: str
) -> None:
    engine = refusing(Victim().engine("refuses"), name, when, error)
    results = verify(engine, graphs=100, jobs=1, grades=("rules", "accuracy"))
    assert (results["verdict"], results["failures"]) == ("right", [])
    assert results["operations"][name]["status"] == "right"
    assert said in results["operations"][name]["note"]


def test_what_is_usual_may_not_be_refused_by_any_exception() -> None:
    steps = a_slice(lambda _start, _stop, step: step == 2)
    engine = refusing(Victim().engine("raises"), "index", steps, ValueError("no step"))
    assert asked_about(engine, "index").failing


def detached(name: str, number: int, when: Callable[..., bool]) -> Any:
    """Return the derivatives of an operation, one of which takes its cotangent for a constant."""
    kept = rules.RULES[name].derivatives
    if len(kept) == 1 and name in ("stack", "concatenate"):
        (of_any,) = kept
        return [lambda k, g, z, *xs, **how: of_any(k, value_of(g) if k == number else g, z, *xs, **how)]
    changed = list(kept)
    changed[number] = lambda g, z, *xs, **how: kept[number](
        value_of(g) if when(*map(value_of, xs)) else g, z, *xs, **how
    )
    return changed


@pytest.mark.parametrize(
    ("name", "number", "when"),
    [
        ("max", 0, lambda *_: True),
        ("squeeze", 0, lambda *_: True),
        ("transpose", 0, lambda x: x.ndim == 3),
        ("matmul", 0, lambda x, _: np.ndim(x) == 3),
        ("stack", 2, lambda *_: True),
        ("concatenate", 2, lambda *_: True),
    ],
)
def test_a_linear_operation_that_detaches_its_cotangent_is_blamed(
    monkeypatch: pytest.MonkeyPatch, name: str, number: int, when: Callable[..., bool]
) -> None:
    wrong = rules.RULES[name].replace(derivatives=detached(name, number, when))
    monkeypatch.setitem(rules.RULES, name, wrong)
    engine = narrowed(load("nn_from_scratch"), "add", "mul", "neg", "square", "sum", name)
    found = Direct()
    ask_directly(engine, found, lambda: True)
    failing = [question for question, _ in found.failing]
    assert failing
    assert all(question.case.tangent for question in failing)
    settling = Settling(engine)
    settling.direct(found.failing)
    assert settling.wrong == {name}


def test_what_stands_after_an_operation_is_right_itself() -> None:
    ours = load("nn_from_scratch")
    assert surroundings(ours).bend == ("square", "x")
    assert ours.tape is not None
    held = ours.tape.value
    wrong = replace(ours, operations={**ours.operations, "square": lambda x: x * held(x)})
    assert surroundings(wrong).bend == ("mul", "xx")
    assert surroundings(Victim().engine("victim")).bend is None  # whose gradients are numbers


def every_rare_question() -> Iterator[DirectQuestion]:
    ours = load("nn_from_scratch")
    yield from (one for one in direct_questions(ours.forms, ours.array_forms) if one.rare)


def test_our_engine_is_right_about_all_that_is_rare() -> None:
    found = Direct()
    ask_questions(load("nn_from_scratch"), every_rare_question(), found)
    assert found.failing == []
    assert found.not_supported == 0
    assert len(found.checked.keys() & ELEMENTWISE.keys()) > 30


def test_constant_condition_is_asked() -> None:
    ours = load("nn_from_scratch")
    right = ours.operations["where"]

    def masked(condition: Any, x: Any, y: Any) -> Any:
        return right(condition, x, y) * (2.0 if isinstance(condition, np.ndarray) else 1.0)

    found = Direct()
    engine = narrowed(replace(ours, operations={**ours.operations, "where": masked}), "where")
    assert ask_directly(engine, found, lambda: True)
    assert {question.kinds for question, _ in found.failing} == {"axx", "axc", "acx", "axa", "aax"}
