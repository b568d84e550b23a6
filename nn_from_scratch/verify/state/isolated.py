"""Processes beside this one: for what may kill the interpreter, and for what may differ between processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import Any, Protocol, Self

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.wire.isolated import again
from nn_from_scratch.verify.engines.wire.remote import Remote
from nn_from_scratch.verify.state import asking

_PATIENCE = 60.0  # seconds since a process was started; slowness is no fault
_CODE = """
import gc, json, os, sys
from nn_from_scratch.verify import load, state
from nn_from_scratch.verify.state import asking

said = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what the engine prints is not what we say

def say(words):
    print(json.dumps(words), file=said, flush=True)

engine = load(sys.argv[1])
say([asking.said(engine, case) for case in asking.cases(engine)])
gc.disable()  # it would go through a long chain over and over
for name in sys.argv[2:]:
    result = state.outcome(engine, name)
    say([result.outcome, result.message])
"""
HASH_SEEDS = ("0", "1", "2")


class NoAnswerError(Exception):
    """A process did not come to its end in time."""


class Answers(Protocol):
    """Who asks the engine the same under several hash seeds."""

    def answers(self) -> list[list[asking.Said]]:
        """Return what the engine answers to `asking.cases`, under each of `HASH_SEEDS`."""


class OtherSeeds:
    """An engine in another process, asked under other hash seeds in further ones.

    Parameters
    ----------
    engine
        The system under test, whose process has the first hash seed.

    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._side_by_side = ThreadPoolExecutor(len(HASH_SEEDS) - 1)
        self._others: list[Future[list[asking.Said]]] = []
        self._stops: list[Callable[[], None]] = []
        self._is_over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        for stop in self._stops:  # after an interruption they are still asked
            stop()
        self._side_by_side.shutdown(cancel_futures=True)

    def begin(self) -> None:
        """Ask under the other hash seeds from now on, beside what is asked here: it is mostly waiting."""
        self._others = [self._side_by_side.submit(self._under, seed) for seed in HASH_SEEDS[1:]]

    def answers(self) -> list[list[asking.Said]]:
        """Return what the engine answers to `asking.cases`, under each hash seed.

        A program of another language has none, and is asked in fresh processes nevertheless.
        """
        if not self._others:
            self.begin()
        return [_answers(self._engine), *(other.result() for other in self._others)]

    def _under(self, seed: str) -> list[asking.Said]:
        other = again(self._engine, {"PYTHONHASHSEED": seed})()
        if isinstance(other.driver, Remote):
            self._stops.append(other.driver.stop)
            if self._is_over:  # since it was begun to be loaded
                other.driver.stop()
        try:
            return _answers(other)
        finally:
            other.driver.close()


def _answers(engine: Engine) -> list[asking.Said]:
    return [asking.said(engine, case) for case in asking.cases(engine)]


class Processes:
    """The processes that some checks need, side by side and at work from now on.

    They are for an engine that is asked in this process. Why they are not the workers of `engines/wire`, as
    `OtherSeeds` are: a worker waits to be asked move by move, while these go through whole checks by
    themselves, beside the graphs that are asked here; and a worker needs POSIX, while these do not.

    Parameters
    ----------
    engine
        The system under test; another process must be able to load it.
    names
        Checks that may kill the interpreter: one process runs them, in this order.
    hash_seeds
        Whether there are to be several hash seeds.

    """

    def __init__(self, engine: Engine, names: Sequence[str], *, hash_seeds: bool) -> None:
        seeds = HASH_SEEDS if hash_seeds else HASH_SEEDS[: bool(names)]
        self._names = names
        self._processes = [_Process(engine, seed, names if seed == HASH_SEEDS[0] else ()) for seed in seeds]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()

    def check(self, name: str) -> tuple[str, str]:
        """Return outcome and message of a named check."""
        try:
            outcome, message = self._processes[0].line(1 + self._names.index(name))
        except NoAnswerError as error:
            return "not supported", str(error)
        except ChildProcessError as error:
            return "error", str(error)
        return outcome, message

    def answers(self) -> list[list[asking.Said]]:
        """Return what the engine answers to `asking.cases`, under each hash seed.

        Raises
        ------
        ChildProcessError
            If a process failed or died.
        NoAnswerError
            If one took too long.

        """
        return [process.line(0) for process in self._processes]


class _Process:
    """An interpreter that answers some questions, and then runs the named checks."""

    def __init__(self, engine: Engine, hash_seed: str, names: Sequence[str]) -> None:
        path = os.pathsep.join(filter(None, sys.path))
        self._started = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603  our own code
            [sys.executable, "-P", "-c", _CODE, engine.spec, *names],
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": hash_seed},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def line(self, position: int) -> list[Any]:
        """Return what it said at this position."""
        lines, failure = self._end
        if position >= len(lines):
            raise failure
        said: list[Any] = json.loads(lines[position])
        return said

    def kill(self) -> None:
        """End it, if it has not ended."""
        self._process.kill()
        self._process.communicate()  # it closes the pipes

    @cached_property
    def _end(self) -> tuple[list[str], Exception]:
        """The lines that it said until its end, and why there are no more."""
        try:
            elapsed = time.monotonic() - self._started
            said, errors = self._process.communicate(timeout=max(_PATIENCE - elapsed, _PATIENCE / 60))
        except subprocess.TimeoutExpired:
            self._process.kill()
            said, _ = self._process.communicate()
            return said.splitlines(), NoAnswerError(f"no answer within {_PATIENCE:g} s")
        code = self._process.returncode
        last = (errors.strip().splitlines() or [f"exit status {code}"])[-1]
        died = f"the interpreter died of {signal.Signals(-code).name}" if code < 0 else ""
        return said.splitlines(), ChildProcessError(died or f"the process failed: {last}")
