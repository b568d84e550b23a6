"""What an engine in this process changes is put back, and what it says is told, whatever it says."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nn_from_scratch.verify import Engine, load, verify
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.oracles import pytorch
from nn_from_scratch.verify.questions.cases import single

pytestmark = pytest.mark.once


def with_deed(deed: Callable[[], object]) -> Engine:
    """Return a right engine that does something else beside its reverse pass."""
    base = load("nn_from_scratch")
    assert base.tape

    def backward(output: object, *cotangent: object) -> None:
        deed()
        base.tape.backward(output, *cotangent)  # type: ignore[union-attr]

    few = {name: base.operations[name] for name in ("add", "mul", "tanh")}
    driver = replace(base.tape, backward=backward)
    one = replace(base, driver=driver, arrays=False, second_order=False)
    return replace(one, operations=few, explicit=frozenset(few), complete=False)


def surroundings() -> list[object]:
    return [
        os.getcwd(),  # noqa: PTH109
        (sys.stdin, sys.stdout, sys.stderr),
        sys.getrecursionlimit(),
        np.geterr(),
        random.getstate(),
        str(np.random.get_state()),  # noqa: NPY002
        [*warnings.filters],
        dict(os.environ),
        signal.getsignal(signal.SIGINT),
    ]


DEEDS: dict[str, Callable[[], object]] = {
    "changes directory": lambda: os.chdir("/"),
    "replaces the streams": lambda: vars(sys).update(stdin=None, stdout=None, stderr=None),
    "lowers the recursion limit": lambda: sys.setrecursionlimit(len_of_stack() + 60),
    "raises on floating point": lambda: np.seterr(all="raise"),
    "seeds random": lambda: (random.seed(0), np.random.seed(0)),  # noqa: NPY002
    "filters warnings": lambda: warnings.simplefilter("error"),
    "clears its environment": os.environ.clear,
    "ignores Ctrl-C": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
}


def len_of_stack() -> int:
    frame, depth = sys._getframe(), 0
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    return depth


@pytest.mark.parametrize("deed", DEEDS)
def test_what_an_engine_changes_is_put_back(deed: str) -> None:
    pytorch.version()  # its import filters warnings
    before = surroundings()
    results = verify(with_deed(DEEDS[deed]), graphs=4, directly=False, grades=("rules",))
    assert surroundings() == before
    assert results["verdict"] == "right", results["failures"]


def test_each_question_is_asked_in_the_same_surroundings() -> None:
    seen = list[Path]()

    def deed() -> None:
        seen.append(Path.cwd())
        os.chdir("/")

    engine, home = with_deed(deed), Path.cwd()
    for _ in range(2):
        engine.answer(single("tanh", "x", [0.5]))
    assert seen == [home, home]


def test_a_limit_that_was_raised_is_left() -> None:
    """An engine whose reverse pass recurses asks for more when it is imported, and needs it later."""
    before = sys.getrecursionlimit()
    engine = with_deed(lambda: sys.setrecursionlimit(before + 7))
    try:
        engine.answer(single("tanh", "x", [0.5]))
        assert sys.getrecursionlimit() == before + 7
    finally:
        sys.setrecursionlimit(before)


class RudeError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def raises(error: BaseException) -> Callable[[], object]:
    def deed() -> None:
        raise error

    return deed


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RudeError(), "RudeError: (its text raises RuntimeError)"),
        (SystemExit(0), "ExitError: SystemExit: 0"),
        (ValueError("x" * 10**6), "ValueError: " + "x" * 500),
        (ValueError("red \x1b[31m, \ud800 and \0"), r"ValueError: red \x1b[31m, \ud800 and \x00"),
        (type("Odd\x1b", (Exception,), {})("one\ntwo"), r"Odd\x1b: one two"),
    ],
    ids=["without a text", "exit", "long", "control characters", "odd name"],
)
def test_what_an_engine_raises_is_told(error: BaseException, told: str) -> None:
    seen = examine(with_deed(raises(error)), single("tanh", "x", [0.5]))
    assert seen.error.endswith(told)
    json.dumps(seen.error).encode("ascii")


def test_a_run_with_exceptions_that_cannot_be_told_has_results() -> None:
    calls = 0

    def deed() -> None:
        nonlocal calls
        calls += 1
        if calls > 20:
            raise RudeError

    results = verify(with_deed(deed), graphs=20, directly=False, grades=("rules",))
    assert results["verdict"] == "wrong"
    assert "its text raises RuntimeError" in json.dumps(results)


def test_a_name_is_made_legible() -> None:
    engine = replace(load("nn_from_scratch"), name="a\x1b[31m\ud800" + "b" * 10**6)
    assert engine.name.startswith(r"a\x1b[31m\ud800b")
    assert len(engine.name) == 500
