"""Each program, at a tiny size, comes to the same with every peer; nothing is timed."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from long_runs import WHOLE

from nn_from_scratch.verify.benchmark import programs
from nn_from_scratch.verify.benchmark.measuring import (
    Contender,
    DifferentResultsError,
    like_conditions,
    require_same_results,
)
from nn_from_scratch.verify.benchmark.peers import PEERS, CannotError, LeftOutError
from nn_from_scratch.verify.benchmark.workloads import SUBJECT

pytestmark = pytest.mark.once
TINY = [
    programs.by_sample("by sample", 3, (2, 3, 1)),
    programs.training("batch", 4, (2, 3, 2)),
    programs.mixed_graph(20),
    programs.chained(7),
    programs.fanned_out(5),
]
# Every peer about every third question, in turn, unless all is asked.
ASKED = [
    pytest.param(question, name, id=f"{question.name}-{name}")
    for k, question in enumerate(TINY)
    for j, name in enumerate(question.contenders())
    if name != SUBJECT and (WHOLE or (j + k) % 3 == 1)
]


@pytest.fixture(autouse=True)
def _nothing_is_compiled_by_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes twenty seconds, and would find no other numbers."""
    try:
        import torch
    except ModuleNotFoundError:
        return
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)


def made(question: programs.Question, name: str) -> Contender:
    try:
        return question.contenders()[name]()
    except ModuleNotFoundError as error:
        return pytest.skip(f"{error.name} is not installed")
    except CannotError as error:
        return pytest.skip(f"{name}: {error}")


@pytest.mark.parametrize(("question", "name"), ASKED)
def test_peer_comes_to_the_same_and_another_number_is_noticed(question: programs.Question, name: str) -> None:
    ours, theirs = made(question, SUBJECT), made(question, name)

    def slightly_off(found: Any) -> list[Any]:
        *arrays, last = theirs.result(found)
        return [*arrays, np.asarray(last) * (1 + 1e-7)]

    with like_conditions():
        require_same_results(ours, theirs)
        with pytest.raises(DifferentResultsError):
            require_same_results(ours, Contender(theirs.run, slightly_off), repeats=1)


@pytest.mark.parametrize("question", TINY, ids=lambda question: str(question.name))
def test_gradient_is_that_of_differences(question: programs.Question) -> None:
    subject = question.contenders()[SUBJECT]()
    _, *gradients = map(np.asarray, subject.result(subject.run()))
    rng = np.random.default_rng(0)
    along = [rng.normal(size=leaf.shape) for leaf in question.leaves]

    def at(h: float) -> float:
        moved = [leaf + h * v for leaf, v in zip(question.leaves, along, strict=True)]
        spelled = PEERS[SUBJECT].contender(question.program, moved, question.constants)
        return float(np.asarray(spelled.result(spelled.run())[0]))

    expected = sum(float(np.sum(g * v)) for g, v in zip(gradients, along, strict=True))
    assert (at(1e-5) - at(-1e-5)) / 2e-5 == pytest.approx(expected, rel=1e-6)


class Counted:
    """Counts operations."""

    operations = 0

    def step(self, _: Any) -> Counted:
        Counted.operations += 1
        return Counted()

    __add__ = __sub__ = __rsub__ = __mul__ = step


@pytest.mark.parametrize("size", [8, 9, 100])
def test_scalar_programs_have_as_many_operations_as_they_say(size: int) -> None:
    for question, expected in (
        (programs.mixed_graph(size), size),
        (programs.chained(size), size),
        (programs.fanned_out(size), 2 * size - 1),
    ):
        Counted.operations = 0
        question.program(None, [Counted() for _ in question.leaves], ())  # type: ignore[arg-type]
        assert Counted.operations == expected


def reasons(*, whole: bool) -> dict[tuple[str, str], str]:
    """Return why each peer is left out of each workload."""
    found = {}
    for workload in programs.workloads(whole=whole):
        for name, make in workload.contenders.items():
            if isinstance(make, partial) and make.func is programs._left_out:
                with pytest.raises(LeftOutError) as raised:
                    make()
                found[workload.name, name] = str(raised.value)
    return found


def test_who_is_left_out_says_why_and_the_default_leaves_out_what_compiles_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    installed = {name: replace(peer, spelling=PEERS[SUBJECT].spelling) for name, peer in PEERS.items()}
    monkeypatch.setattr(programs, "PEERS", installed)
    default, whole = (reasons(whole=whole) for whole in (False, True))
    batch, loop = "Batch of 100 through [2, 16, 16, 1]", "The README's loss, sample by sample"
    assert default[batch, "PyTorch, compile"] == default[loop, "JAX, jit"] == programs.LATER
    assert default[loop, "tinygrad"] == whole[loop, "tinygrad"] == programs.MINUTES
    assert (batch, "PyTorch, compile") not in whole
    assert {name for _, name in whole} == {"tinygrad", "PyTorch, compile"}
    assert set(whole) < set(default)
    for workload in programs.workloads(whole=True):
        assert next(iter(workload.contenders)) == SUBJECT


def test_who_is_left_out_and_not_installed_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tinygrad", None)
    with pytest.raises(ModuleNotFoundError, match="tinygrad"):
        programs.mixed_graph(9, without={"tinygrad": "slow"}).contenders()["tinygrad"]()


def test_peer_that_does_not_compile_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")

    def broken(*_: Any, **__: Any) -> Any:
        def call(_: Any) -> Any:
            raise RuntimeError("no compiler")

        return call

    monkeypatch.setattr(torch, "compile", broken)
    with pytest.raises(CannotError, match="it does not compile: RuntimeError"):
        programs.chained(3).contenders()["PyTorch, compile"]()
