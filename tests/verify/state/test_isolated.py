import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nn_from_scratch import Node
from nn_from_scratch.verify import Engine, load, state
from nn_from_scratch.verify.engines.tape import Tape
from nn_from_scratch.verify.engines.wire import isolated as wire
from nn_from_scratch.verify.engines.wire.isolated import CAN_ISOLATE
from nn_from_scratch.verify.state import isolated

OURS = load("nn_from_scratch")
CHAIN, SEEDS = "a chain of 100,000 operations", "answers under other hash seeds"

ADAPTER = """
import os
from nn_from_scratch import Node
from nn_from_scratch.verify import Engine

def backward(output):
    {fault}
    output.backprop()

engine = Engine.from_tape(
    name="odd", variable=Node, backward=backward,
    value=lambda node: node.value, gradient=lambda node: {gradient},
)
"""


def adapted(path: Path, fault: str = "pass", gradient: str = "node.grad") -> Engine:
    adapter = path / "adapter.py"
    adapter.write_text(ADAPTER.format(fault=fault, gradient=gradient))
    return load(str(adapter))


def ours(**moves: Any) -> Engine:
    """Return our engine with other moves."""
    assert isinstance(OURS.tape, Tape)
    return replace(OURS, driver=replace(OURS.tape, **moves))


def outcome(engine: Engine, name: str) -> state.Result:
    (result,) = state.run(engine, (name,))
    return result


def test_engine_that_kills_the_interpreter_is_an_error(tmp_path: Path) -> None:
    result = outcome(adapted(tmp_path, fault="os.abort()"), CHAIN)
    assert (result.outcome, result.message) == ("error", "the interpreter died of SIGABRT")


def test_engine_that_ends_the_process_is_an_error(tmp_path: Path) -> None:
    result = outcome(adapted(tmp_path, fault="raise SystemExit('no more')"), CHAIN)
    assert (result.outcome, result.message) == ("error", "ExitError: SystemExit: no more")


def test_check_in_a_process_finds_what_is_right_and_wrong(tmp_path: Path) -> None:
    assert outcome(adapted(tmp_path), CHAIN).outcome == "right"
    result = outcome(adapted(tmp_path, gradient="2 * node.grad"), CHAIN)
    assert result.outcome == "wrong"
    assert "100,000 operations is 2.0, expected 1.0" in result.message


@pytest.mark.once
def test_death_in_one_check_leaves_what_was_said_before(tmp_path: Path) -> None:
    engine = adapted(tmp_path, fault="os.abort() if output.value > 50_000 else None")
    seeds, chain = state.run(engine, (SEEDS, CHAIN))
    assert (seeds.outcome, chain.outcome) == ("right", "error")
    assert chain.message == "the interpreter died of SIGABRT"


@pytest.mark.once
def test_what_the_engine_prints_is_not_taken_for_an_answer(tmp_path: Path) -> None:
    engine = adapted(tmp_path, fault="print('backward'); os.write(1, b'noise')")
    assert [one.outcome for one in state.run(engine, (SEEDS, CHAIN))] == ["right", "right"]


@pytest.mark.once
def test_exceptions_are_answers_that_hash_seeds_do_not_change(tmp_path: Path) -> None:
    engine = adapted(tmp_path, fault="raise LookupError(id(output))")
    assert [one.outcome for one in state.run(engine, (SEEDS, CHAIN))] == ["right", "error"]


def test_slowness_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated, "_PATIENCE", 0.01)
    for result in state.run(adapted(tmp_path), (CHAIN, SEEDS)):
        assert (result.outcome, result.message) == ("not supported", "no answer within 0.01 s")


@pytest.mark.once
@pytest.mark.once
@pytest.mark.skipif(not CAN_ISOLATE, reason="no processes of POSIX")
def test_after_an_interruption_no_process_under_another_hash_seed_is_asked(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    adapted(
        tmp_path,
        fault="import time; os.environ['PYTHONHASHSEED'] == '0' or "
        f"(open({str(begun)!r} + os.environ['PYTHONHASHSEED'], 'w'), time.sleep(600))",
    )
    engine = wire.isolated(tmp_path / "adapter.py")
    with closing(engine.driver), isolated.OtherSeeds(engine) as seeds:
        seeds.begin()
        end = time.monotonic() + 60
        while not list(tmp_path.glob("begun*")) and time.monotonic() < end:
            time.sleep(0.01)
        left = time.monotonic()
    assert time.monotonic() - left < 5
    assert all(other.done() for other in seeds._others)


def test_gradients_that_depend_on_the_hash_seed_are_wrong(tmp_path: Path) -> None:
    assert outcome(adapted(tmp_path), SEEDS).outcome == "right"
    result = outcome(adapted(tmp_path, gradient="node.grad + hash('x')"), SEEDS)
    assert result.outcome == "wrong"
    assert "gradients under PYTHONHASHSEED=1 are those under 0 is False" in result.message


def test_gradients_that_are_not_zeroed_are_wrong() -> None:
    name = "gradients zeroed between two passes"
    assert outcome(OURS, name).outcome == "right"
    assert outcome(ours(reset=lambda leaf: None), name).outcome == "wrong"


def test_freed_graph_that_is_empty_is_wrong_and_one_that_refuses_is_right() -> None:
    name = "a graph walked again, once gradients are zeroed"
    used: list[Any] = []

    def empty(output: Any) -> None:
        if output not in used:
            output.backprop()
        used.append(output)

    def refuses(output: Any) -> None:
        if any(output is one for one in used):
            raise RuntimeError("freed")
        output.backprop()
        used.append(output)

    assert outcome(OURS, name).outcome == "right"
    assert outcome(ours(backward=empty), name).outcome == "wrong"
    used.clear()
    assert outcome(ours(backward=refuses), name).outcome == "right"


def test_gradients_that_share_memory_are_wrong() -> None:
    name = "the memory of gradients"
    assert outcome(OURS, name).outcome == "right"
    common = np.zeros(3)

    def shared(node: Any) -> Any:
        common[:] = node.grad
        return common

    result = outcome(ours(gradient=shared), name)
    assert result.outcome == "wrong"
    assert "that two gradients share memory is True, expected False" in result.message
    result = outcome(ours(gradient=lambda node: node.value), name)
    assert "that a gradient shares memory with the value is True" in result.message
    arrays: dict[int, Any] = {}

    def keeping(x: Any) -> Node:
        node = Node(x)
        arrays[id(node)] = x
        return node

    result = outcome(ours(variable=keeping, gradient=lambda node: arrays[id(node)]), name)
    assert "shares memory with the array that the leaf was made of is True" in result.message
