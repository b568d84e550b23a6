import math
import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import Engine, GradientError, check_state, load, state
from nn_from_scratch.verify.engines import session
from nn_from_scratch.verify.engines.tape import Tape
from nn_from_scratch.verify.faults import FAULTS, Victim
from nn_from_scratch.verify.faults.victim import Value, topological
from nn_from_scratch.verify.questions.cases import single
from nn_from_scratch.verify.state import growth

ENGINE = load("nn_from_scratch")
IN_PLACE = "a node added to in place"  # its nodes have no +=
LACKING = {  # it has no `reset`, and no name by which another process finds it
    "gradients zeroed between two passes",
    "a graph walked again, once gradients are zeroed",
    "answers under other hash seeds",
    "a chain of 1,000,000 operations",
}
BY_FAULT = {fault.name: fault.engine() for fault in FAULTS}


@pytest.mark.once
def test_our_engine_passes_every_check() -> None:
    assert {result.name: result.outcome for result in state.run(ENGINE)} == dict.fromkeys(
        state.CHECKS, "right"
    )


@pytest.mark.once
def test_the_victim_without_a_fault_passes_every_check() -> None:
    found = {result.name: result.outcome for result in state.run(Victim().engine("victim"))}
    assert {name for name, outcome in found.items() if outcome == "not supported"} == LACKING
    assert {name for name, outcome in found.items() if outcome == "does not apply"} == {IN_PLACE}
    assert set(found.values()) == {"right", "not supported", "does not apply"}


@pytest.mark.parametrize(
    ("fault", "names"),
    [
        (
            "left over",
            {"a second backward of one output", "two outputs that share a node"},
        ),
        ("current values", {"values assigned after the forward pass"}),
        ("breadth first", {"operands in either order"}),
        ("sigmoid: an exponential that overflows", {"sigmoid at -800"}),
    ],
)
def test_checks_find_the_fault_and_nothing_else(fault: str, names: set[str]) -> None:
    results = state.run(BY_FAULT[fault], [name for name in state.CHECKS if name not in state.LONG])
    assert {result.name for result in results if result.outcome in ("wrong", "error")} == names


def outcome_of(victim: Victim, name: str) -> state.Result:
    return state.outcome(victim.engine("faulty"), name)


def test_tape_that_begins_anew_with_each_leaf_depends_on_the_order_of_making() -> None:
    tape: list[Value] = []

    class Recording(Victim):
        def apply(self, name: str, *operands: Value | float, **parameters: Any) -> Value:
            tape.append(super().apply(name, *operands, **parameters))
            return tape[-1]

    def leaf(x: float) -> Value:
        tape.clear()
        return Value(x)

    victim = Recording(leaf=leaf, order=lambda output: [node for node in topological(output) if node in tape])
    assert outcome_of(victim, "operands in either order").outcome == "right"
    result = outcome_of(victim, "operands made in any order")
    assert result.outcome == "wrong"
    assert "made as abuv" not in result.message
    assert "for a, where u = a * a and v = b * 5 are made as aubv is 0.0, expected 480.0" in result.message


def test_memory_that_is_kept_is_found_and_garbage_in_cycles_is_not() -> None:
    name = "memory after many backward passes"
    kept: list[Value] = []

    def order(output: Value) -> list[Value]:
        kept.append(output)
        return topological(output)

    result = outcome_of(Victim(order=order), name)
    assert result.outcome == "wrong"
    assert "how many blocks of memory a graph leaves behind is" in result.message

    def leaf(x: float) -> Value:
        node = Value(x)
        node.parameters = {"itself": node}
        return node

    assert outcome_of(Victim(leaf=leaf), name).outcome == "right"


def test_tanh_of_two_exponentials_overflows_at_800_only() -> None:
    def tanh(x: float) -> float:
        up, down = math.exp(x), math.exp(-x)
        return (up - down) / (up + down)

    victim = Victim({**Victim().table, "tanh": (tanh, lambda z, x: (1 - z * z,))})
    assert outcome_of(victim, "tanh at 400").outcome == "right"
    result = outcome_of(victim, "tanh at -800")
    assert (result.outcome, result.message) == ("error", "OverflowError: math range error")


def of_arrays(name: str, value: Callable[..., Any], slope: Callable[..., Any]) -> Engine:
    """Return an engine of arrays that has one reduction."""

    class Reduced:
        def __init__(self, data: Any, operand: "Reduced | None" = None) -> None:
            self.data, self.operand = np.asarray(data), operand
            self.grad = np.zeros_like(self.data)

        def __add__(self, other: "Reduced") -> "Reduced":
            raise NotImplementedError

        def backward(self, cotangent: Any = 1.0) -> None:
            assert self.operand is not None
            self.operand.grad = self.operand.grad + slope(self.operand.data, self.data) * cotangent

    def reduce(x: Reduced, axis: Any, keepdims: bool = False) -> Reduced:  # noqa: ARG001
        return Reduced(np.asarray(value(x.data)).reshape((1,) * keepdims), x)

    return Engine.from_tape(
        name="reducing", variable=Reduced, value=lambda node: node.data, gradient=lambda node: node.grad,
        backward=Reduced.backward, operations={name: reduce}, arrays=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("working", "outcome"), [(np.float64, "right"), (np.float32, "right"), (np.float16, "wrong")]
)
def test_float16_cannot_count_the_entries_of_a_large_tie(working: Any, outcome: str) -> None:
    def shared_out(x: Any, largest: Any) -> Any:
        equal = (x == largest).astype(working)
        return equal / working(min(equal.sum(dtype=np.float64), np.finfo(working).max * 2.0))

    with np.errstate(over="ignore"):
        found = state.outcome(of_arrays("max", np.max, shared_out), "65,536 equal entries")
    assert found.outcome == outcome
    if outcome == "wrong":
        assert "the sum of the derivatives of max for 65,536 ones is 0.0, expected 1.0" in found.message


@pytest.mark.parametrize(
    ("largest", "outcome"), [(np.max, "right"), (lambda x: (x * (x == np.max(x))).max(), "wrong")]
)
def test_a_shift_by_what_is_multiplied_with_a_mask_is_nan_beside_an_infinity(
    largest: Callable[[Any], Any], outcome: str
) -> None:
    def logsumexp(x: Any) -> Any:
        return np.log(np.exp(x - largest(x)).sum()) + largest(x)

    with np.errstate(invalid="ignore"):
        engine = of_arrays("logsumexp", logsumexp, lambda x, z: np.exp(x - z))
        found = state.outcome(engine, "an entry of -inf beside others")
    assert found.outcome == outcome
    if outcome == "wrong":
        assert "the derivative of logsumexp at (-inf, 0, 0) is [nan, nan, nan]" in found.message


def test_check_tells_what_it_got() -> None:
    (result,) = state.run(BY_FAULT["left over"], ("two outputs that share a node",))
    assert result.outcome == "wrong"
    assert "the derivative for a is 33.0, expected 27.0 or 15.0" in result.message


def test_check_takes_an_exception_as_an_outcome() -> None:
    (result,) = state.run(BY_FAULT["sigmoid: an exponential that overflows"], ("sigmoid at -800",))
    assert (result.outcome, result.message) == ("error", "OverflowError: math range error")


def test_engine_that_recurses_fails_the_deep_chain_only() -> None:
    class Recursive:
        """Adds and multiplies; its backward calls itself once a node."""

        def __init__(self, data: float, *edges: "tuple[Recursive, float]") -> None:
            self.data, self.edges, self.grad = data, edges, 0.0

        def __add__(self, other: "Recursive | float") -> "Recursive":
            if isinstance(other, Recursive):
                return Recursive(self.data + other.data, (self, 1.0), (other, 1.0))
            return Recursive(self.data + other, (self, 1.0))

        def back(self, cotangent: float) -> None:
            self.grad += cotangent
            for node, slope in self.edges:
                node.back(cotangent * slope)

    engine = Engine.from_tape(
        name="recursive",
        variable=Recursive,
        backward=lambda output: output.back(1.0),
        value=lambda node: node.data,
        gradient=lambda node: node.grad,
    )
    outcomes = {
        name: state.run(engine, (name,))[0]
        for name in ("a chain of 100,000 operations", "the gradient of an unused input")
    }
    assert outcomes["a chain of 100,000 operations"].outcome == "error"
    assert outcomes["a chain of 100,000 operations"].message.startswith("RecursionError")
    assert outcomes["the gradient of an unused input"].outcome == "not supported"  # it cannot multiply


def test_engine_without_a_tape_has_no_state_of_its_nodes() -> None:
    results = {one.name: one for one in state.run(transform())}
    assert results["two outputs that share a node"].outcome == "does not apply"
    assert "no tape" in results["two outputs that share a node"].message
    asked = ("the same question asked again", "the gradient of an unused input")
    assert [results[name].outcome for name in asked] == ["right", "right"]
    limits = {one.name: one.outcome for one in results.values() if one.grade == "limits"}
    of_arrays = {"an entry of -inf beside others", "65,536 equal entries"}
    assert {name for name, outcome in limits.items() if outcome == "does not apply"} == of_arrays
    assert {*limits.values()} == {"not supported", "does not apply"}, "of its limits nothing is known"


def transform(fault: Callable[[list[float]], Any] = lambda gradient: gradient) -> Engine:
    """Return an engine that transforms functions, and does something to the gradient."""

    def value_and_gradient(function: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Any, Any]:
        leaves = [Value(x) for x in inputs]
        output = function(*leaves)
        Victim().backward(output)
        return output.data, fault([leaf.grad for leaf in leaves])

    operations = Victim().engine("victim").operations
    return Engine.from_transform(
        name="pure", namespace=object(), value_and_gradient=value_and_gradient, operations=operations
    )


def test_engine_without_assign_is_not_supported() -> None:
    engine = Engine.from_tape(
        name="fixed",
        variable=ENGINE.tape.variable if ENGINE.tape else float,
        backward=lambda output: output.backprop(),
        value=lambda node: node.value,
        gradient=lambda node: node.grad,
    )
    (result,) = state.run(engine, ("values assigned after the forward pass",))
    assert (result.outcome, result.message) == ("not supported", "its adapter has no `assign`")


def test_run_refuses_an_unknown_name() -> None:
    with pytest.raises(ValueError, match="no such check: luck; known are: a second backward"):
        state.run(ENGINE, ("luck",))


def test_check_state_raises_what_is_wrong() -> None:
    check_state(ENGINE, "two outputs that share a node")
    with pytest.raises(GradientError, match="left over: two outputs that share a node: the second"):
        check_state(BY_FAULT["left over"], "two outputs that share a node")


def tape_of(engine: Engine) -> Tape:
    assert engine.tape is not None
    return engine.tape


def odd(engine: Engine, **moves: Any) -> Engine:
    """Return an engine with other moves."""
    return replace(engine, driver=replace(tape_of(engine), **moves), spec="")


def test_engine_that_refuses_a_second_pass_is_right() -> None:
    used: list[Any] = []

    def backward(output: Any) -> None:
        nodes = [node for node in topological(output) if node.rule]
        if any(node is one for node in nodes for one in used):
            raise RuntimeError("the graph is freed")
        Victim().backward(output)
        used.extend(nodes)

    engine = odd(Victim().engine("once"), backward=backward, reset=lambda leaf: leaf.forget())
    for name in (
        "a second backward of one output",
        "two outputs that share a node",
        "a graph walked again, once gradients are zeroed",
    ):
        assert state.outcome(engine, name).outcome == "right"


def test_pytorch_with_its_plain_backward_is_right() -> None:
    pytest.importorskip("torch")
    engine = odd(load("pytorch"), backward=_plain_backward)
    names = [name for name, one in state.CHECKS.items() if one.grade == "state" and name not in state.LONG]
    outcomes = {one.name: one.outcome for one in state.run(engine, names)}
    assert outcomes == dict.fromkeys(names, "right")


def _plain_backward(output: Any, cotangent: Any = None) -> None:
    import torch

    output.backward(None if cotangent is None else torch.as_tensor(cotangent))


def test_crash_in_a_second_pass_is_no_refusal() -> None:
    passes = 0

    def backward(output: Any) -> None:
        nonlocal passes
        passes += 1
        if passes > 1:
            raise AttributeError("'NoneType' object has no attribute 'grad'")
        Victim().backward(output)

    result = state.outcome(
        odd(Victim().engine("crashes"), backward=backward), "a second backward of one output"
    )
    assert (result.outcome, result.message[:14]) == ("error", "AttributeError")


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_low_precision_overflows_nowhere(dtype: str) -> None:
    kind = np.dtype(dtype).type

    class Low(Victim):
        def apply(self, name: str, *operands: Any, **parameters: Any) -> Value:
            node = super().apply(name, *operands, **parameters)
            node.data = kind(node.data)
            return node

        def pull(self, name: str, g: Any, z: Any, *operands: Any, **parameters: Any) -> tuple[Any, ...]:
            return tuple(kind(x) for x in super().pull(name, g, z, *operands, **parameters))

    engine = replace(Low().engine(dtype), dtype=dtype, arrays=False)
    with np.errstate(over="ignore"):
        results = state.run(engine, [name for name in state.CHECKS if name not in state.LONG])
    assert {one.outcome for one in results} <= {"right", "not supported", "does not apply"}
    assert {one.name: one.outcome for one in results}["a node shared 2**20 paths deep"] == "right"


def test_gradient_of_an_unused_input_that_cannot_be_read_is_one_failure() -> None:
    def gradient(node: Value) -> Any:
        if not np.any(node.grad):
            raise RuntimeError("no gradient was computed")
        return node.grad

    engine = odd(Victim().engine("raises"), gradient=gradient)
    results = state.run(engine, [name for name in state.CHECKS if name not in state.LONG])
    failed = [one for one in results if one.grade == "state" and one.outcome in ("wrong", "error")]
    assert [one.name for one in failed] == ["the gradient of an unused input"]
    assert failed[0].message == "RuntimeError: no gradient was computed"

    def raises(gradient: list[float]) -> Any:
        if not all(gradient):
            raise RuntimeError("One of the differentiated tensors was not used")
        return gradient

    result = state.outcome(transform(raises), "the gradient of an unused input")
    assert (result.outcome, result.message[:12]) == ("error", "RuntimeError")


def test_engine_that_writes_into_what_it_is_given_is_found() -> None:
    name = "arrays that the engine is given"

    def doubled(output: Value, cotangent: Any = 1.0) -> None:
        Victim().backward(output, np.copy(cotangent))
        if np.ndim(cotangent):
            cotangent *= 2.0

    result = state.outcome(odd(Victim().engine("doubles"), backward=doubled), name)
    assert result.outcome == "wrong"
    assert result.message.startswith(
        "the engine wrote into an array that it was given\nthat the engine wrote into"
    )
    assert "wrote into the cotangent of" in result.message
    assert "an input" not in result.message

    def rounded(x: Any) -> Value:
        if np.ndim(x):
            x[...] = np.round(x, 1)
        return Value(x)

    result = state.outcome(odd(Victim().engine("rounds"), variable=rounded), name)
    assert "wrote into an input of" in result.message
    assert state.outcome(Victim().engine("victim"), name).outcome == "right"
    scalars = replace(Victim().engine("scalars"), arrays=False)
    assert state.outcome(scalars, name).outcome == "does not apply"


def test_answers_that_chance_changes_are_told_as_that() -> None:
    name = "the same question asked again"
    chance = random.Random(0)

    class Dropping(Victim):
        def pull(self, name: str, g: Any, z: Any, *operands: Any, **parameters: Any) -> tuple[Any, ...]:
            kept = chance.random() > 0.2
            return tuple(kept * x for x in super().pull(name, g, z, *operands, **parameters))

    result = state.outcome(Dropping().engine("drops"), name)
    assert result.outcome == "wrong"
    assert result.message.startswith(
        "answers are not determined by the question: the engine is not determini"
    )
    result = state.outcome(transform(lambda gradient: [chance.random() for _ in gradient]), name)
    assert result.outcome == "wrong"
    assert state.outcome(transform(), name).outcome == "right"


def test_answers_that_differ_within_rounding_are_no_contradiction() -> None:
    chance = random.Random(0)

    def nearly(node: Value) -> Any:
        return node.grad * (1 + chance.choice([-1, 1]) * 2.0**-53)

    engine = odd(Victim().engine("in any order"), gradient=nearly)
    assert len({engine.answer(single("sin", "x", [0.3])).gradient for _ in range(9)}) > 1
    assert state.outcome(engine, "the same question asked again").outcome == "right"


class Paths(Victim):
    """Walks each path apart: exponential in shared nodes."""

    def backward(self, output: Value, cotangent: Any = 1.0) -> None:
        output.grad = output.grad + cotangent
        if output.rule:
            parts = self.pull(output.rule, cotangent, output.data, *output.seen, **output.parameters)
            for operand, part in zip(output.operands, parts, strict=True):
                if isinstance(operand, Value):
                    self.backward(operand, part)


def test_time_that_is_exponential_in_shared_nodes_is_found_within_a_budget(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "time over shared paths"
    assert state.outcome(Victim().engine("victim"), name).outcome == "right"
    clock = 0.0  # a machine whose speed never changes

    class Timed(Paths):
        def backward(self, output: Value, cotangent: Any = 1.0) -> None:
            nonlocal clock
            clock += 1e-4
            super().backward(output, cotangent)

    monkeypatch.setattr(session, "process_time", lambda: clock)
    result = state.outcome(Timed().engine("paths"), name)
    assert clock < 12
    assert result.outcome == "wrong"
    found = re.search(r"over n levels of shared paths is (\S+)\^n, reached (\d+) in", result.message)
    assert found is not None, result.message
    assert 1.95 <= float(found[1]) < 2.05
    assert 8 <= int(found[2]) < 30


@pytest.mark.once
def test_time_that_is_quadratic_in_the_length_is_found_within_a_budget(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "time over operations"
    assert state.outcome(Victim().engine("victim"), name).outcome == "right"
    clock = 0.0  # a machine whose speed never changes

    def quadratic(output: Value) -> list[Value]:
        """Search a list of what was visited, for every node."""
        nonlocal clock
        nodes = topological(output)
        clock += 1e-7 * len(nodes) ** 2
        return nodes

    monkeypatch.setattr(session, "process_time", lambda: clock)
    result = state.outcome(Victim(order=quadratic).engine("quadratic"), name)
    assert clock < 60
    assert result.outcome == "wrong"
    found = re.search(
        r"how time grows over n operations is n\^(\S+), reached ([\d,]+) in (\S+) s", result.message
    )
    assert found is not None, result.message
    assert 1.95 <= float(found[1]) < 2.05
    assert int(found[2].replace(",", "")) >= 1_000


@pytest.mark.once
def test_chain_is_asked_although_other_work_stretched_one_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, passes = 0.0, 0

    def stretched_once(output: Value) -> list[Value]:
        nonlocal clock, passes
        nodes, passes = topological(output), passes + 1
        clock += 1e-6 * len(nodes) + (2.0 if passes == 4 else 0.0)
        return nodes

    monkeypatch.setattr(session, "process_time", lambda: clock)
    engine = Victim(order=stretched_once).engine("stretched once")
    assert state.outcome(engine, "a chain of 100,000 operations").outcome == "right"
    assert passes == 8  # four sizes, three of them again, and the chain


def test_chain_that_would_take_too_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "AFFORDABLE", 0.01)
    result = state.outcome(Victim().engine("victim"), "a chain of 100,000 operations")
    assert result.outcome == "not supported"
    assert re.match(
        r"100,000 operations would take about \d+ s: time grows as n\^\d\.\d, reached 6,250", result.message
    )


def test_time_of_which_nothing_is_told_is_not_called_linear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "process_time", lambda: 0.0)
    result = state.outcome(Victim().engine("victim"), "time over operations")
    assert (result.outcome, result.message) == ("not supported", "the engine does not say how long it takes")


def test_an_engine_that_stops_the_clock_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "process_time", lambda: 0.0)
    assert state.outcome(Victim().engine("victim"), "time over operations").outcome == "right"


@pytest.mark.once
def test_slow_engine_that_is_linear_is_not_accused() -> None:
    class Slow(Victim):
        def apply(self, name: str, *operands: Any, **parameters: Any) -> Value:
            busy = time.process_time() + 0.005
            while time.process_time() < busy:
                pass
            return super().apply(name, *operands, **parameters)

    result = state.outcome(Slow().engine("slow"), "time over shared paths")
    assert result.outcome == "not supported"
    assert result.message.startswith("too slow, or too small, to tell: reached")
    assert state.outcome(Slow().engine("slow"), "time over operations").outcome in ("right", "not supported")


def test_names_of_checks_say_what_is_asked_and_messages_what_happened() -> None:
    for name, one in state.CHECKS.items():
        assert not re.search(r"\b(not|may|no|stay|must|does|do|right|has)\b", name), name
        assert one.happened not in ("", name)
        assert not one.happened.endswith(".")


@pytest.mark.parametrize(
    ("law", "steep"),
    [
        (lambda n: n, False),
        (lambda n: n * math.log(n), False),
        (lambda n: n * (1 + (n > 8_000)), False),  # a processor that slows down, or memory farther away
        (lambda n: n * n, True),
        (lambda n: n * (1 + n / 4_000), True),
    ],
)
def test_laws_are_told_apart(law: Callable[[int], float], steep: bool) -> None:
    sizes = tuple(125 * 2**k for k in range(9))
    found = growth.Growth(sizes, tuple(1e-5 * law(n) for n in sizes))
    assert found.too_steep is steep


def test_exponential_is_told_from_a_slow_start() -> None:
    levels = tuple(range(1, 16))
    doubling = growth.Growth(levels, tuple(1e-4 * 2.0**n for n in levels), "the budget of time")
    assert doubling.base == pytest.approx(2.0)
    for power in (1, 2):
        slow = growth.Growth(levels, tuple(0.01 * n**power for n in levels), "the budget of time")
        assert slow.base < growth.STEEPEST_BASE
    assert math.isnan(growth.Growth(levels[:5], tuple(2.0**n for n in levels[:5])).base)
