import math
from typing import Any

import pytest

from nn_from_scratch.verify import Engine, GradientError, check_state, load, state
from nn_from_scratch.verify.faults import FAULTS, Victim
from nn_from_scratch.verify.faults.victim import Value, topological

ENGINE = load("nn_from_scratch")
LACKING = {  # it has no `reset`, and no name by which another process finds it
    "gradients zeroed between two passes begin anew",
    "a freed graph is refused, and not empty",
    "results do not depend on the hash seed",
    "a chain of 1,000,000 operations",
}
BY_FAULT = {fault.name: fault.engine() for fault in FAULTS}


def test_our_engine_passes_every_check() -> None:
    assert {result.name: result.outcome for result in state.run(ENGINE)} == dict.fromkeys(
        state.CHECKS, "right"
    )


def test_the_victim_without_a_fault_passes_every_check() -> None:
    found = {result.name: result.outcome for result in state.run(Victim().engine("victim"))}
    assert {name for name, outcome in found.items() if outcome == "not supported"} == LACKING
    assert set(found.values()) == {"right", "not supported"}


@pytest.mark.parametrize(
    ("fault", "names"),
    [
        (
            "left over",
            {"a second backward does not count inner nodes again", "two outputs may share a node"},
        ),
        ("current values", {"values assigned after the forward pass change nothing"}),
        ("breadth first", {"the order of operands does not matter"}),
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
    assert outcome_of(victim, "the order of operands does not matter").outcome == "right"
    result = outcome_of(victim, "the order in which operands are made does not matter")
    assert result.outcome == "wrong"
    assert "made as abuv" not in result.message
    assert "for a, where u = a * a and v = b * 5 are made as aubv is 0.0, expected 480.0" in result.message


def test_memory_that_is_kept_is_found_and_garbage_in_cycles_is_not() -> None:
    name = "backward passes leave no memory behind"
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


def test_check_tells_what_it_got() -> None:
    (result,) = state.run(BY_FAULT["left over"], ("two outputs may share a node",))
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
        for name in ("a chain of 100,000 operations", "an unused input has derivative 0")
    }
    assert outcomes["a chain of 100,000 operations"].outcome == "error"
    assert outcomes["a chain of 100,000 operations"].message.startswith("RecursionError")
    assert outcomes["an unused input has derivative 0"].outcome == "not supported"  # it cannot multiply


def test_engine_without_a_tape_is_not_supported() -> None:
    engine = Engine.from_transform(
        name="pure", namespace=object(), value_and_gradient=lambda function, point: (0.0, point)
    )
    results = state.run(engine)
    assert {result.outcome for result in results} == {"not supported"}
    assert "no tape" in results[0].message


def test_engine_without_assign_is_not_supported() -> None:
    engine = Engine.from_tape(
        name="fixed",
        variable=ENGINE.tape.variable if ENGINE.tape else float,
        backward=lambda output: output.backprop(),
        value=lambda node: node.value,
        gradient=lambda node: node.grad,
    )
    (result,) = state.run(engine, ("values assigned after the forward pass change nothing",))
    assert (result.outcome, result.message) == ("not supported", "its adapter has no `assign`")


def test_run_refuses_an_unknown_name() -> None:
    with pytest.raises(ValueError, match="no such check: luck; known are: a second backward"):
        state.run(ENGINE, ("luck",))


def test_check_state_raises_what_is_wrong() -> None:
    check_state(ENGINE, "two outputs may share a node")
    with pytest.raises(GradientError, match="left over: two outputs may share a node: not so"):
        check_state(BY_FAULT["left over"], "two outputs may share a node")
