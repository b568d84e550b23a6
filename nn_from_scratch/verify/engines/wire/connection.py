"""Requests to an engine's process, one after another: where one ended, the next begins a new process."""

from __future__ import annotations

import json
import shlex
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from nn_from_scratch.verify.engines.deaths import DeathError, InvalidAnswerError, NotAskedError
from nn_from_scratch.verify.engines.engine import EngineError
from nn_from_scratch.verify.engines.wire.limits import Limits
from nn_from_scratch.verify.engines.wire.process import Process
from nn_from_scratch.verify.engines.wire.protocol import Hello, ProtocolError, Reply, legible, read_reply
from nn_from_scratch.verify.questions.programs import Program

_REMEMBERED = 5_000  # requests: among more of them nobody looks for what a process died of
Words = dict[str, Any]
"""A request, but for its number."""


class Connection:
    """A connection to whatever answers for an engine.

    Parameters
    ----------
    command
        What answers.
    environment
        Its environment variables.
    limits
        How long it is waited for until it says what it is, and how much memory it may take.

    Raises
    ------
    EngineError
        If it cannot be started, or does not say what it is.

    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], limits: Limits) -> None:
        self._command, self._environment, self._limits = command, environment, limits
        self._process: Process | None = None
        self._number = 0
        self.asked: deque[Words] = deque(maxlen=_REMEMBERED)
        """What the present process was asked last."""
        try:
            self.hello = self._start()
        except DeathError as death:
            printed = f"; it printed: {death.printed}" if death.printed else ""
            words = f"cannot load the engine of {shlex.join(command)}: {death} before it said what it is"
            raise EngineError(words + printed) from death
        except OSError as error:
            raise EngineError(f"cannot start {shlex.join(command)}: {error}") from error

    @property
    def is_open(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    def request(self, program: Program, seconds: float, *, goes_on: bool = False) -> Reply:
        """Ask a program; with `goes_on` the nodes of the one before are still there.

        Raises
        ------
        DeathError
            If there is no answer that is valid.

        """
        answer = self.exchange({"program": program, **({"continue": True} if goes_on else {})}, seconds)
        try:
            return read_reply(answer, self._number, program)
        except ProtocolError as error:
            self.end()
            raise InvalidAnswerError(str(error)) from error

    def exchange(self, words: Words, seconds: float) -> Any:
        """Write a request, begin a process if there is none, and return what is answered, as JSON.

        Raises
        ------
        DeathError
            If nothing is.

        """
        self.begin()
        self.asked.append(words)
        self._number += 1
        return self._exchanged({"id": self._number, **words}, seconds)

    def begin(self) -> None:
        """Begin a process, if there is none.

        Raises
        ------
        DeathError
            If it ends before it says what it is.
        NotAskedError
            If none can be begun any more, though one could be before: by that the engine is not judged.

        """
        if self._process is None:
            try:
                self._start()
            except (OSError, EngineError) as error:
                raise NotAskedError(f"its process cannot be started again: {error}") from error

    def end(self) -> None:
        """End the process, if there is one: the next request begins another."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def _start(self) -> Hello:
        self._process = Process(self._command, self._environment, self._limits.memory)
        self.asked.clear()
        said = self._exchanged(None, self._limits.start)
        try:
            hello = _greeting(said)
        except BaseException:
            self.end()
            raise
        self._process.settle()
        return hello

    def _exchanged(self, request: Words | None, seconds: float) -> Any:
        """Write a line, if there is one, and return what the next that comes says."""
        if self._process is None:
            raise InvalidAnswerError("there is no process")
        line = json.dumps(request, separators=(",", ":")).encode() + b"\n" if request else b""
        try:
            return json.loads(self._process.ask(line, seconds))
        except (ValueError, RecursionError) as error:
            self.end()
            raise InvalidAnswerError(f"a line that is no JSON: {error}") from error
        except BaseException:  # it died, or this process was interrupted
            self.end()
            raise


def _greeting(said: Any) -> Hello:
    """Read what a process says of itself.

    Raises
    ------
    EngineError
        If it refuses, or what it says is not valid.

    """
    if isinstance(said, dict) and isinstance(said.get("refused"), str):
        where = said.get("where")
        place = f" (at {legible(where)})" if isinstance(where, str) and where else ""
        raise EngineError(legible(said["refused"]) + place)
    try:
        return Hello.read(said)
    except ProtocolError as error:
        raise EngineError(f"it does not speak the protocol: {error}") from error
