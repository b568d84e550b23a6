import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
import pytest
from narrowed import narrowed

from nn_from_scratch import Node
from nn_from_scratch.verify import Engine, load, verify
from nn_from_scratch.verify.campaign.direct import Direct, ask_directly, surroundings
from nn_from_scratch.verify.campaign.grades import overall_verdict
from nn_from_scratch.verify.campaign.inquiry import Inquiry
from nn_from_scratch.verify.campaign.unasked import unasked
from nn_from_scratch.verify.failures.settling import Settling
from nn_from_scratch.verify.faults import FAULTS, Victim
from nn_from_scratch.verify.faults.array_rules import PULLS, matmul
from nn_from_scratch.verify.faults.rules import RULES
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.oracles import pytorch
from nn_from_scratch.verify.questions.direct import direct_questions
from nn_from_scratch.verify.questions.operations import OF_NUMPY
from nn_from_scratch.verify.questions.roles import CAPTURED, SECOND

pytestmark = pytest.mark.once  # PyTorch is left out of all of them
OF_GRAPHS = ("rules", "accuracy")


@pytest.fixture(scope="module", autouse=True)
def without_pytorch() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pytorch, "version", lambda: None)
        yield


def asked(engine: Engine, enough: Callable[[str], bool] = lambda _operation: False) -> Direct:
    """Ask all direct questions, or those up to the first that an operation fails which is enough."""
    found = Direct()
    ask_directly(engine, found, lambda: not any(enough(question.operation) for question, _ in found.failing))
    return found


def settled(engine: Engine, **limits: Any) -> Settling:
    settling = Settling(engine, **limits)
    settling.direct(asked(engine).failing)
    return settling


def refused(*_: Any, **__: Any) -> NoReturn:
    raise NotImplementedError("no such thing")


def lacking(engine: Engine, *names: str) -> Engine:
    """Return the engine without operations, as one that does not claim to have all."""
    operations = {**engine.operations, **dict.fromkeys(names, refused)}
    return replace(engine, complete=False, operations=operations)


def fault(name: str) -> Engine:
    return next(one for one in FAULTS if one.name == name).engine()


def _row(name: str, wrong: Any) -> tuple[Any, Any]:
    return RULES[name][0], wrong


def _pull(name: str, wrong: Any) -> tuple[Any, Any]:
    return PULLS[name][0], wrong


def _no_constant(_g: Any, _z: Any, *xs: Any) -> Any:
    """Give nothing to a matrix beside a vector."""
    gx, gy = matmul(_g, _z, *xs)
    return (gx * 0, gy) if xs[1].ndim == 1 < xs[0].ndim else (gx, gy)


MANY = Victim(
    {
        **RULES,
        "mul": _row("mul", lambda z, x, y: (2 * y, x)),
        "sigmoid": _row("sigmoid", lambda z, x: (x * (1 - x),)),
        "log": _row("log", lambda z, x: (1 / np.maximum(x, 1e-8),)),
        "rpow": _row("pow", lambda z, x, y: (0.0, x * np.power(abs(y), x - 1))),
        "div": _row("div", lambda z, x, y: (1 / y, -x / y)),
    },
    {
        **PULLS,
        "sum": _pull("sum", lambda g, z, x, axis, keepdims: (np.resize(g, np.shape(x)),)),
        "matmul": _pull("matmul", _no_constant),
        "concatenate": _pull(
            "concatenate",
            lambda g, z, *xs, axis: tuple(
                np.resize(part, x.shape) for part, x in zip(np.array_split(g, len(xs), axis), xs, strict=True)
            ),
        ),
        "transpose": _pull(
            "transpose", lambda g, z, x, axes: (np.reshape(np.transpose(g, axes), np.shape(x)),)
        ),
        "softmax": _pull("softmax", lambda g, z, x, axis: (g * z * (1 - z),)),
    },
)
"""Faults that hide behind each other: most of these operations are common."""
FAULTY = {"mul", "sigmoid", "log", "pow", "div", "sum", "matmul", "concatenate", "transpose", "softmax"}


def test_nothing_that_hides_behind_another_fault_is_called_right() -> None:
    engine = lacking(MANY.engine("many faults"), "expand_dims")
    results = verify(engine, graphs=60, grades=OF_GRAPHS)
    statuses = {name: row["status"] for name, row in results["operations"].items()}
    assert {name for name, status in statuses.items() if status == "wrong"} == FAULTY
    assert statuses["expand_dims"] == "not supported"
    assert set(statuses.values()) <= {"wrong", "right", "not supported", "not settled"}
    assert "NotImplementedError: no such thing" in results["operations"]["expand_dims"]["note"]
    assert {one["operation"] for one in results["failures"] if one["grade"] in OF_GRAPHS} >= FAULTY
    assert (results["verdict"], results["grades"]["rules"]) == ("wrong", "wrong")


@pytest.mark.parametrize(
    ("name", "form", "role"),
    [
        ("log", "x", "special numbers"),
        ("pow", "cx", ""),
        ("matmul", "xx", "(2, 3) @ (3,)"),
    ],
)
def test_faults_are_told_by_form_and_role(name: str, form: str, role: str) -> None:
    engine = narrowed(MANY.engine("many faults"), "add", "mul", "neg", name)
    told = [one for one in settled(engine).failures() if one["operation"] == name]
    assert any(form in one["forms"] and role in one["role"] for one in told)
    assert all(one["reproducer"] and one["kind"] for one in told)


def test_two_faults_of_one_operation_are_both_told() -> None:
    """A wrong slope does not hide that the operand's other uses are forgotten."""
    engine = Victim(
        {**RULES, "tanh": _row("tanh", lambda z, x: (-(1 - z * z),))},
        combine=lambda rule, old, new: new if rule == "tanh" else old + new,
    ).engine("two")
    told = settled(engine).failures()
    assert {one["operation"] for one in told} == {"tanh"}
    assert len(told) >= 2
    assert {"wrong sign", "alone"} <= {part for one in told for part in (one["kind"], one["role"])}
    assert any("operand used" in one["role"] for one in told)


@pytest.mark.parametrize(
    ("name", "cause"), [("float32 gradients", "precision"), ("averaged", "reverse pass")]
)
def test_one_cause_behind_several_operations_is_told_as_one(name: str, cause: str) -> None:
    engine = narrowed(fault(name), "add", "mul", "neg", "pow", "exp", "tanh", "stack")
    settling = settled(engine)
    (told,) = settling.failures()
    assert told["operation"] == cause
    assert len(told["operations"]) >= 4
    assert "operations show it: " in told["message"]
    if cause == "reverse pass":  # it leaves open whether they are right
        assert settling.wrong == set()
        assert {"tanh", "add", "pow", "stack"} <= settling.unsettled


def test_broadcasting_is_told_as_one_cause() -> None:
    def not_summed(rule: str, cotangent: Any, shape: tuple[int, ...]) -> Any:  # noqa: ARG001
        return cotangent

    (told,) = [
        one
        for one in settled(Victim(reduce=not_summed).engine("not summed")).failures()
        if one["kind"] == "not reduced over broadcast axes"
    ]
    assert told["operation"] == "broadcasting"
    assert {"add", "mul", "div", "maximum"} <= set(told["operations"])


def test_what_stands_around_an_operation_is_right_itself() -> None:
    assert surroundings(Victim().engine("victim")).scale == ("mul", "xc")
    assert surroundings(fault("assigned in add")).join == ("sub", "xx")
    assert surroundings(fault("mul: its derivative times 1.000001")).scale == ("div", "xc")
    told = settled(fault("mul: its derivative times 1.000001")).failures()
    assert {one["operation"] for one in told} == {"mul"}


def test_an_operation_in_a_wrong_reverse_pass_is_not_settled() -> None:
    settling = settled(narrowed(fault("breadth first"), "add", "mul", "neg", "tanh", "exp", "sum", "matmul"))
    assert settling.wrong == set()
    assert {"tanh", "exp", "add", "matmul"} <= settling.unsettled
    assert {one["operation"] for one in settling.failures()} == {"reverse pass"}


@pytest.mark.parametrize("limits", [{"questions": 0}, {"seconds": 0.0}])
def test_what_nobody_examined_is_not_settled(limits: dict[str, Any]) -> None:
    settling = settled(fault("sin: its derivative times -1.0"), **limits)
    assert settling.unsettled == {"sin"}
    assert settling.failures() == []
    assert settling.stopped_by_time is ("seconds" in limits)


def test_time_for_settling_runs_from_its_first_question(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = fault("sin: its derivative times -1.0")
    settling, failing = Settling(engine, seconds=60.0), asked(engine).failing
    later = time.perf_counter() + 3600.0  # many graphs were checked meanwhile
    monkeypatch.setattr(time, "perf_counter", lambda: later)
    settling.direct(failing)
    assert (settling.stopped_by_time, settling.wrong) == (False, {"sin"})


def test_settling_depends_on_questions_alone() -> None:
    engine = narrowed(MANY.engine("many faults"), "add", "neg", *FAULTY)
    first, second = (settled(engine, questions=2000) for _ in range(2))
    assert first.unsettled == second.unsettled != set()
    assert first.failures() == second.failures()
    assert first.engine.meter.questions == second.engine.meter.questions < 2600


def test_an_operation_that_failed_before_an_interruption_is_not_called_right() -> None:
    def stop(_done: int, _of: int, words: str) -> None:
        if words == "checking graphs":
            raise KeyboardInterrupt

    results = verify(fault("sin: its derivative times -1.0"), graphs=100, grades=OF_GRAPHS, progress=stop)
    assert results["interrupted"]
    assert results["operations"]["sin"]["status"] == "not settled"
    assert results["operations"]["cos"]["status"] == "right"
    assert "sin" in results["not settled"]


def test_time_that_is_up_is_told_and_nothing_is_called_right() -> None:
    results = verify(Victim().engine("victim"), graphs=200, seconds=1e-9, grades=OF_GRAPHS)
    assert results["stopped by time"] is True
    assert (results["verdict"], results["grades"]["rules"]) == ("not settled", "not settled")
    assert any(alarm.startswith("stopped by time after 0 direct questions") for alarm in results["alarms"])
    some = verify(Victim().engine("victim"), graphs=200, seconds=0.05, grades=OF_GRAPHS)
    assert (some["verdict"], some["grades"]["rules"]) == ("not settled", "not settled")
    assert some["direct"]["checked"] > 0


@pytest.mark.parametrize(("graphs", "something_left"), [(50, False), (51, True)])
def test_time_that_is_up_at_the_end_has_stopped_nothing(
    monkeypatch: pytest.MonkeyPatch, graphs: int, something_left: bool
) -> None:
    monkeypatch.setattr(Inquiry, "_time_is_left", lambda inquiry: inquiry.found.total < 50)
    results = verify(Victim().engine("victim"), graphs=graphs, grades=OF_GRAPHS)
    assert results["stopped by time"] is something_left
    assert results["verdict"] == ("not settled" if something_left else "right")
    assert any(alarm.startswith("stopped by time") for alarm in results["alarms"]) is something_left


def test_a_form_or_a_shape_that_is_lacking_is_no_fault_and_said() -> None:
    victim = Victim().engine("victim")

    def no_axes(*operands: Any, **parameters: Any) -> Any:
        if isinstance(parameters.get("axis"), tuple):
            raise TypeError("one axis only")
        return victim.operations["sum"](*operands, **parameters)

    engine = replace(
        lacking(victim, "prod", "min"),
        operations={**lacking(victim, "prod", "min").operations, "sum": no_axes},
    )
    results = verify(engine, graphs=80, grades=OF_GRAPHS)
    rows = results["operations"]
    assert (rows["prod"]["status"], rows["min"]["status"]) == ("not supported", "not supported")
    assert rows["sum"]["status"] == "right"
    assert "several axes: TypeError: one axis only" in rows["sum"]["note"]
    assert (results["verdict"], results["failures"]) == ("right", [])
    assert results["direct"]["not supported"] >= 4


def test_an_engine_that_never_answered_is_nothing_checked() -> None:
    def fail(*_: Any) -> NoReturn:
        raise ValueError("out of order")

    victim = Victim().engine("victim")
    assert victim.tape is not None
    engine = replace(victim, driver=replace(victim.tape, backward=fail))
    results = verify(engine, graphs=20, grades=OF_GRAPHS)
    assert results["verdict"] == "nothing checked"
    assert "right" not in {row["status"] for row in results["operations"].values()}


def test_our_engine_is_right_about_every_direct_question() -> None:
    results = asked(load("nn_from_scratch"))
    assert results.failing == []
    assert results.second_order[Verdict.RIGHT] > 100


def test_second_derivatives_are_told_though_first_ones_are_wrong() -> None:
    """One that is a right derivative of a wrong one is no fault of its own; another one is."""
    ours = load("nn_from_scratch")
    assert ours.tape is not None
    held = ours.tape.value  # which is a constant to the reverse pass

    def tripled(x: Any) -> Any:
        """Return x squared, with 3 x for its derivative, whose own one is 3."""
        return x * x + 0.5 * (x * x - held(x * x))

    def bent(x: Any) -> Any:
        """Return the same, and 4 for the derivative of 3 x."""
        return tripled(x) + 0.5 * (x - held(x)) * (x - held(x))

    consistent, other = (
        {
            one["role"]
            for one in settled(replace(ours, operations={**ours.operations, "square": square})).failures()
        }
        for square in (tripled, bent)
    )
    assert consistent
    assert not any(SECOND in role for role in consistent)
    assert any(SECOND in role for role in other)


def test_perturbation_confusion_is_seen() -> None:
    """Dual numbers without tags take the outer variable for the inner one."""

    def forward_mode(value_and_gradient: Any) -> Engine:
        return Engine.from_transform(
            name="dual numbers",
            namespace=None,
            value_and_gradient=value_and_gradient,
            second_order=True,
            operations=dict.fromkeys(("sub", "div", "pow", "neg", "abs"), refused),
        )

    failing = {question.role for question, _ in asked(forward_mode(_untagged)).failing}
    assert CAPTURED in failing
    assert failing <= {CAPTURED, SECOND}
    assert asked(forward_mode(_tagged)).failing == []


class Dual:
    """A dual number; the tag says whose infinitesimal part it has."""

    def __init__(self, value: Any, slope: Any, tag: int) -> None:
        self.value, self.slope, self.tag = value, slope, tag

    def _with(self, other: Any) -> tuple[Any, Any]:
        if isinstance(other, Dual) and other.tag == self.tag:
            return other.value, other.slope
        return other, 0.0

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Dual) and other.tag > self.tag:
            return other + self
        value, slope = self._with(other)
        return Dual(self.value + value, self.slope + slope, self.tag)

    __radd__ = __add__

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Dual) and other.tag > self.tag:
            return other * self
        value, slope = self._with(other)
        return Dual(self.value * value, self.slope * value + self.value * slope, self.tag)

    __rmul__ = __mul__

    def __float__(self) -> float:
        return float(self.value)


def _forward(function: Any, inputs: Any, tag: int) -> tuple[Any, list[Any]]:
    slopes = []
    value: Any = 0.0
    for chosen in range(len(inputs)):
        result = function(
            *(Dual(x, float(k == chosen), tag) if k == chosen else x for k, x in enumerate(inputs))
        )
        same = isinstance(result, Dual) and result.tag == tag
        value, slope = (result.value, result.slope) if same else (result, 0.0)
        slopes.append(slope)
    return value, slopes


def _untagged(function: Any, inputs: Any) -> tuple[Any, list[Any]]:
    return _forward(function, inputs, 0)


_depth: list[int] = []


def _tagged(function: Any, inputs: Any) -> tuple[Any, list[Any]]:
    _depth.append(0)
    try:
        return _forward(function, inputs, len(_depth))
    finally:
        _depth.pop()


def test_public_operations_that_nobody_asked_are_named() -> None:
    class Value:
        def __init__(self, data: float) -> None:
            self.data = data

        def softsign(self) -> None: ...

        def backward(self) -> None: ...

        def tanh(self) -> None: ...

        def take(self) -> None: ...

    engine = Engine.from_tape(
        name="public", variable=Value, backward=len, value=len, gradient=len, operations={"tanh": len}
    )
    assert unasked(engine, ["tanh"]) == "nobody asked what else the engine offers: softsign, take"
    assert unasked(engine, ["tanh", "take"]) == "nobody asked what else the engine offers: softsign"
    ours = unasked(load("nn_from_scratch"), ())
    assert "cumprod" in ours
    assert not {"value", "argmax", "item", "relu", "backprop"} & set(ours.replace(",", "").split())
    namespace = Engine.from_transform(name="numpy", namespace=np, value_and_gradient=_tagged)
    assert "arccosh" in unasked(namespace, ())


def test_all_public_operations_of_our_engine_are_asked_as_methods_of_its_nodes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = load("nn_from_scratch")
    asked = {question.operation for question in direct_questions((), engine.array_forms)}
    assert unasked(engine, asked) == ""
    assert unasked(engine, asked - {"take"}).endswith(": take")
    methods = [name for name in ("cumsum", *OF_NUMPY) if hasattr(Node, name)]
    assert len(methods) >= 13
    for name in methods:
        with monkeypatch.context() as patch:
            patch.setattr(Node, name, lambda *_, **__: None)
            first = next(question.case for question in direct_questions((), [(name, "x")]))
            with pytest.raises(AttributeError):
                engine.answer(first)


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ({"rules": "not settled", "accuracy": "right"}, "not settled"),
        ({"rules": "right", "accuracy": "not settled", "state": "wrong"}, "wrong"),
        ({"rules": "right", "accuracy": "not checked"}, "nothing checked"),
        ({"rules": "right", "accuracy": "right", "limits": "not checked"}, "right"),
    ],
)
def test_right_needs_rules_and_accuracy(outcomes: dict[str, str], verdict: str) -> None:
    assert overall_verdict(outcomes) == verdict


CAUGHT = [
    one
    for one in FAULTS[::11]
    if one.kind not in ("state", "order") and "at " not in one.blamed and "chain" not in one.blamed
]


@pytest.mark.parametrize("one", CAUGHT, ids=lambda one: one.name)
def test_faults_of_operations_are_caught_by_direct_questions(one: Any) -> None:
    failing = asked(one.engine(), one.explains).failing
    assert any(one.explains(question.operation) for question, _ in failing)
