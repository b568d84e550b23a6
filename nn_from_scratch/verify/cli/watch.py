"""``nn-from-scratch verify --watch``: the loop in which somebody mends an engine.

Whenever a file of the engine's changes, the script of the last failure is run first, and what it says is told
at once; then the engine is asked again, each time in a new process, which imports the files as they are.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

from nn_from_scratch.verify.cli.arguments import files_read
from nn_from_scratch.verify.cli.outputs import UsageError
from nn_from_scratch.verify.engines.engine import EngineError
from nn_from_scratch.verify.engines.wire.isolated import CAN_ISOLATE, COMMAND, python_path

GRAPHS = 100
GRADES = ("rules", "accuracy")
"""What is asked in each round, unless something else is asked for: it takes seconds."""

_PAUSE = 0.2
"""Seconds between two looks at the files."""
_PATIENCE = 60.0
"""Seconds that a script, or the importing of an engine, may take."""

State = dict[Path, tuple[int, int] | None]
"""Of each file its time of change in nanoseconds and its size in bytes; None if it is not there."""


def watch(
    options: argparse.Namespace, ask: Callable[[], dict[str, Any]], is_heard: Callable[[], bool]
) -> NoReturn:
    """Ask an engine again whenever its files change, until Ctrl-C, or until nobody reads what is found.

    Parameters
    ----------
    options
        Of the command `verify`.
    ask
        Asks the engine, tells what was found, and returns the results; raises EngineError if it cannot.
    is_heard
        Whether what it tells is still read.

    Raises
    ------
    UsageError
        If there is nothing to watch, or the engine would stay imported.
    KeyboardInterrupt
        At its end.

    """
    if options.in_process or not CAN_ISOLATE:
        raise UsageError("--watch asks the engine in a new process each time, which --in-process does not")
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # bytecode of the same second and size would be taken for new
    files: set[Path] = set()
    failure: dict[str, Any] | None = None
    while True:
        files |= _files(options)
        if not files:
            raise UsageError(f"there is nothing to watch: all files of {options.engine} are installed ones")
        seen = state(files)
        if failure is not None:
            _say(f"{_first_line(failure)}: {'still wrong' if _is_still_wrong(failure, files) else 'mended'}")
        try:
            results = ask()
        except EngineError as error:
            _say(f"{error}")
        else:
            if results["interrupted"] or not is_heard():
                raise KeyboardInterrupt
            failure = _first(results)
        _say(f"watching {len(files)} files; Ctrl-C ends it")
        _wait_for_change(files, seen)


def state(files: Iterable[Path]) -> State:
    """Return what is seen of some files."""
    found: State = {}
    for file in files:
        try:
            status = file.stat()
        except OSError:
            found[file] = None
        else:
            found[file] = status.st_mtime_ns, status.st_size
    return found


def _wait_for_change(files: Iterable[Path], seen: State) -> None:
    """Wait until files differ from what was seen of them, and for more: an editor writes several times."""
    now = state(files)
    while now == seen:
        time.sleep(_PAUSE)
        now = state(files)
    before: State = {}
    while now != before:
        time.sleep(_PAUSE)
        before, now = now, state(files)


def _files(options: argparse.Namespace) -> set[Path]:
    """Return the files of an engine: those of a command are named in it, others are found by importing it."""
    named = {path.resolve() for path in files_read(options)}
    if options.engine.startswith(COMMAND):
        return named
    command = [sys.executable, "-m", "nn_from_scratch.verify.engines.written_in", options.engine]
    done = _done(command, [])
    try:
        return named | {Path(file) for file in json.loads(done.stdout)} if done else named
    except ValueError:  # the engine has ended the process
        return named


def _first(results: dict[str, Any]) -> dict[str, Any] | None:
    """Return the first failure that the verdict depends on and that has a script."""
    gated = set(results["gated"])
    return next(
        (one for one in results["failures"] if one["reproducer"] and one["grade"] in gated),
        None,
    )


def _is_still_wrong(failure: dict[str, Any], files: Iterable[Path]) -> bool:
    """Whether the script of a failure, which finds what the engine is made of, still fails."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "failure.py"
        script.write_text(failure["reproducer"], encoding="utf-8")
        done = _done([sys.executable, str(script)], sorted({str(file.parent) for file in files}))
    return done is None or done.returncode != 0


def _done(command: list[str], folders: list[str]) -> subprocess.CompletedProcess[str] | None:
    """Run a command where modules of this folder and some others are found; None if it takes too long."""
    path = os.pathsep.join([str(Path.cwd()), *folders, *python_path().values()])
    try:
        return subprocess.run(  # noqa: S603  the engine's own code
            command,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return None


def _first_line(failure: dict[str, Any]) -> str:
    return str(failure["message"]).partition("\n")[0]


def _say(words: str) -> None:
    print(words, flush=True)
