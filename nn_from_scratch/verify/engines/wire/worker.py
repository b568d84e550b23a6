"""The process that answers for an engine in Python, once it has been started (`apart`).

Whatever the engine does spoils this process only: nothing of what it says is believed. What an engine may
change by accident (the folder, the recursion limit, numpy's error state, collection) is restored after each
program, and what the loop needs is noted before the engine is loaded.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from nn_from_scratch.verify.engines.answers import NoNumber, as_numbers
from nn_from_scratch.verify.engines.disturbing import disturb
from nn_from_scratch.verify.engines.driver import fails
from nn_from_scratch.verify.engines.engine import Engine, EngineError
from nn_from_scratch.verify.engines.errors import is_lacking
from nn_from_scratch.verify.engines.finding import found_in
from nn_from_scratch.verify.engines.loading import find
from nn_from_scratch.verify.engines.session import MoveError, Session
from nn_from_scratch.verify.engines.source import TapeSource, TransformSource
from nn_from_scratch.verify.engines.wire.protocol import SAYING, VERSION
from nn_from_scratch.verify.questions import programs

_MOST = 100_000  # numbers in one answer; of more only the shape is told
_LONGEST = 2_000  # characters of a text
_write, _exit, _getpid, _chdir = os.write, os._exit, os.getpid, os.chdir  # before an engine patches them
_dumps, _loads = json.dumps, json.loads


class Worker:
    """The loop that reads requests and writes answers.

    Parameters
    ----------
    out
        The file descriptor that answers are written to.

    """

    def __init__(self, out: int) -> None:
        self._out, self._pid, self._home = out, _getpid(), Path.cwd()
        self._limit, self._errors = sys.getrecursionlimit(), np.geterr()
        self._session: Session | None = None
        self._kept: list[Any] = []

    def serve(self, spec: str, folder: Path, requests: Any) -> None:
        """Find the engine, say what it is, and answer each line until there are no more."""
        try:
            engine = find(spec, folder)
            hello = _hello(engine)
        except BaseException as error:  # noqa: BLE001  a file may raise whatever it likes
            kind = "" if isinstance(error, EngineError) else f"{type(error).__name__}: "
            self._end_if_forked()
            self._say({"refused": kind + _text(error)})
            return
        self._end_if_forked()
        gc.collect()
        gc.freeze()  # what is there now stays
        self._say(hello)
        for line in requests:
            request = _loads(line)
            answer = self._answer(engine, request)
            self._end_if_forked()
            self._restore()
            self._say({"id": request["id"], **answer})

    def _answer(self, engine: Engine, request: dict[str, Any]) -> dict[str, Any]:
        if "script" in request:
            return {"fails": fails(request["script"])}
        if "disturb" in request:
            disturb(self._kept, request["disturb"])
            return {}
        if self._session is None or not request.get("continue"):
            self._session = engine.session()
        before = self._session.seconds
        failed = {}
        try:
            with np.errstate(all="ignore"):
                said = self._session.run(request["program"])
        except MoveError as error:
            said = error.said
            failed = {"failed": _failure(error)}
        asked = [move[0] for move in request["program"] if move[0] in SAYING]
        told = [_told(what, x) for what, x in zip(asked, said, strict=False)]
        return {"said": told, "seconds": self._session.seconds - before, **failed}

    def _end_if_forked(self) -> None:
        """End where the engine forked: only its parent is asked."""
        if _getpid() != self._pid:
            _exit(0)

    def _restore(self) -> None:
        """Undo what an engine may have changed by accident."""
        _chdir(self._home)
        if sys.getrecursionlimit() < self._limit:  # one whose reverse pass recurses may need more
            sys.setrecursionlimit(self._limit)
        np.seterr(**self._errors)
        gc.enable()

    def _say(self, answer: dict[str, Any]) -> None:
        line = memoryview(_dumps(answer).encode() + b"\n")
        while line:
            line = line[_write(self._out, line) :]


def _hello(engine: Engine) -> dict[str, Any]:
    source = engine.source
    kind = {TapeSource: "tape", TransformSource: "transform"}.get(type(source))  # type: ignore[arg-type]
    return {
        "protocol": VERSION,
        "name": _text(engine.name),
        "moves": sorted(engine.driver.moves),
        "operations": sorted(engine.operations),
        "dtype": engine.dtype,
        "arrays": bool(engine.arrays),
        "complete": bool(engine.complete),
        "second_order": bool(engine.second_order),
        "explicit": sorted(engine.explicit),
        "integers": engine.driver.integers,
        "python": {
            "source": {"kind": kind, **asdict(source)} if source is not None and kind else None,
            "public": engine.driver.public(),
            "found in": asdict(found_in(engine.spec)),
        },
    }


def _told(move: str, x: Any) -> Any:
    """Write what a move said: as a number if it is one."""
    if move not in ("value", "gradient") or x is None:
        return x
    if type(x) is float:
        return x.hex()
    found = as_numbers(x)
    if isinstance(found, NoNumber):
        return {"no number": found.kind, "seen": found.seen}
    if found.size > _MOST:
        return {"no number": f"an array of shape {found.shape}, too large to be told", "seen": ""}
    return programs.number(found if found.ndim else float(found))


def _failure(error: MoveError) -> dict[str, Any]:
    raised = error.reason
    kinds = [kind.__name__ for kind in type(raised).__mro__ if kind is not object]
    told = {"move": error.position, "kinds": [_cut(kind) for kind in kinds], "message": _text(raised)}
    return {**told, "lacking": True} if is_lacking(raised) else told


def _text(x: Any) -> str:
    """Return the text of what an engine gave, whatever it does when it is asked for it."""
    say: Callable[[Any], str] = str if isinstance(x, (str, BaseException)) else repr
    try:
        return _cut(str(say(x)))
    except BaseException as error:  # noqa: BLE001  an engine's own `__str__`
        return f"(a {type(x).__name__} whose text raises {type(error).__name__})"


def _cut(text: str) -> str:
    return str(text)[:_LONGEST].encode("utf-8", "backslashreplace").decode("utf-8")


def main(arguments: list[str]) -> None:
    """Answer for an engine: of a spec, found from a folder, over two file descriptors."""
    spec, folder, requests, answers = arguments
    signal.signal(signal.SIGINT, signal.default_int_handler)  # however this was started, it is an exception
    with open(int(requests), "rb") as lines:  # noqa: PTH123  a descriptor
        Worker(int(answers)).serve(spec, Path(folder), lines)
    _exit(0)  # without the engine's own hooks
