"""Checks in processes of their own: what may kill the interpreter, and what may differ between processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

from nn_from_scratch.verify.engines import Engine

_PATIENCE = 300  # seconds; slowness is no fault
_CHECK = """
import json, sys
from nn_from_scratch.verify import load, state
result = state.outcome(load(sys.argv[1]), sys.argv[2])
print(json.dumps([result.outcome, result.message]))
"""
_ANSWERS = """
import json, sys
from nn_from_scratch.verify import load
from nn_from_scratch.verify.generate import case, seeded
engine = load(sys.argv[1])
answers = [engine.answer(case(seeded("hash seeds", k), engine.forms)) for k in range(20)]
print(json.dumps([repr(answers), ""]))
"""
HASH_SEEDS = ("0", "1", "2")


class NoAnswerError(Exception):
    """A process did not come to its end in time."""


def check(engine: Engine, name: str) -> tuple[str, str]:
    """Run a named check of state or limits in a process of its own; return outcome and message."""
    try:
        (said,) = _said(engine, _CHECK, name, seeds=("random",))
    except NoAnswerError as error:
        return "not supported", str(error)
    except ChildProcessError as error:
        return "error", str(error)
    outcome, message = json.loads(said)
    return outcome, message


def answers(engine: Engine) -> list[str]:
    """Return what an engine answers about the same graphs under several hash seeds: a text for each.

    Raises
    ------
    ChildProcessError
        If a process fails or dies.
    NoAnswerError
        If one takes too long.

    """
    return [json.loads(said)[0] for said in _said(engine, _ANSWERS, seeds=HASH_SEEDS)]


def _said(engine: Engine, code: str, *arguments: str, seeds: tuple[str, ...]) -> list[str]:
    """Run code in a process for each hash seed, side by side; return the last line that each printed."""
    command = [sys.executable, "-P", "-c", code, engine.spec, *arguments]
    path = os.pathsep.join(filter(None, sys.path))
    processes = [
        subprocess.Popen(  # noqa: S603  our own code
            command,
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in seeds
    ]
    try:
        return [_last_line(process) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()  # it closes the pipes


def _last_line(process: subprocess.Popen[str]) -> str:
    try:
        output, errors = process.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired as error:
        raise NoAnswerError(f"no answer within {_PATIENCE} s") from error
    if process.returncode < 0:
        raise ChildProcessError(f"the interpreter died of {signal.Signals(-process.returncode).name}")
    if process.returncode:
        last = (errors.strip().splitlines() or [f"exit status {process.returncode}"])[-1]
        raise ChildProcessError(f"the process failed: {last}")
    return output.strip().splitlines()[-1]
