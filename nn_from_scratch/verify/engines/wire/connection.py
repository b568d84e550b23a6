"""Requests to an engine's process, one after another: where one ended, the next begins a new process."""

from __future__ import annotations

import json
import os
import shlex
import signal
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.util import Finalize
from typing import Any

from nn_from_scratch.verify.engines.deaths import DeathError, InvalidAnswerError, NotAskedError
from nn_from_scratch.verify.engines.engine import EngineError
from nn_from_scratch.verify.engines.legible import legible
from nn_from_scratch.verify.engines.wire.limits import Limits
from nn_from_scratch.verify.engines.wire.process import Process, is_worker
from nn_from_scratch.verify.engines.wire.protocol import Hello, ProtocolError, Reply, read_reply
from nn_from_scratch.verify.engines.wire.starting import CAN_FORK, Server
from nn_from_scratch.verify.questions.programs import Program

_REMEMBERED = 5_000  # requests: among more of them nobody looks for what a process died of
_SHOWN = 60  # bytes of a line that is no JSON
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
        self._server: Server | None = None
        self._forks = CAN_FORK and is_worker(command)
        self._number = 0
        self.asked: deque[Words] = deque(maxlen=_REMEMBERED)
        """What the present process has answered last."""
        self._awaited: deque[tuple[int, Words]] = deque()
        """What it was asked and has not answered, with each one's number."""
        try:
            _, self.hello = self._start()
        except DeathError as death:
            printed = f"; it printed: {death.printed}" if death.printed else ""
            raise EngineError(f"{death} before it said what it is{printed}") from death
        except OSError as error:
            raise EngineError(f"cannot start {shlex.join(command)}: {error}") from error
        # Nobody closes the engine of a worker, whose work ends when there is no more.
        self._at_exit = Finalize(None, self.close, exitpriority=0)

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
        self.send(program, goes_on=goes_on)
        return self.receive(program, seconds)

    def send(self, program: Program, *, goes_on: bool = False) -> None:
        """Write a program, whose answer comes after those that are awaited already.

        Raises
        ------
        DeathError, NotAskedError
            If there is no process and none can be begun.

        """
        self._write({"program": program, **({"continue": True} if goes_on else {})})

    def receive(self, program: Program, seconds: float) -> Reply:
        """Return the answer that has been awaited longest, to this program.

        Raises
        ------
        DeathError
            If there is no answer that is valid.

        """
        number, answer = self._read(seconds)
        try:
            return read_reply(answer, number, program)
        except ProtocolError as error:
            self.asked.pop()
            self.end()
            raise InvalidAnswerError(str(error)) from error

    def exchange(self, words: Words, seconds: float) -> Any:
        """Write a request, begin a process if there is none, and return what is answered, as JSON.

        Nothing else may be awaited.

        Raises
        ------
        DeathError
            If nothing is.

        """
        self._write(words)
        return self._read(seconds)[1]

    def begin(self) -> Process:
        """Return the process, after beginning one if there is none.

        Raises
        ------
        DeathError
            If it ends before it says what it is.
        NotAskedError
            If none can be begun any more, though one could be before: by that the engine is not judged.

        """
        if self._process is None:
            try:
                process, _ = self._start_again()
            except (OSError, EngineError) as error:
                raise NotAskedError(f"its process cannot be started again: {error}") from error
            return process
        return self._process

    def end(self) -> None:
        """End the process, if there is one: the next request begins another."""
        if self._process is not None:
            self._process.close()
            self._process = None
        self._awaited.clear()

    def kill(self) -> None:
        """Kill the process: whoever waits for its answer, in another thread, clears up after it."""
        process = self._process
        if process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the process, and what it was forked from: nothing is asked any more."""
        self._at_exit.cancel()
        self.end()
        self._close_server()

    def _start_again(self) -> tuple[Process, Hello]:
        """Start a process that is not the first: forked, if it can be, for then there may be many."""
        if self._forks:
            try:
                self._server = self._server or Server(self._environment)
                return self._start(self._server)
            except OSError:  # the server has died, or cannot be started
                self._forks = False
                self._close_server()
        return self._start()

    def _close_server(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _start(self, server: Server | None = None) -> tuple[Process, Hello]:
        memory = self._limits.memory
        process = self._process = Process(self._command, self._environment, memory, server)
        self.asked.clear()
        said = self._next_said(self._limits.start)
        try:
            hello = _greeting(said)
        except BaseException:
            self.end()
            raise
        process.settle()
        return process, hello

    def _write(self, words: Words) -> None:
        """Write a request, to a new process if there is none."""
        process = self.begin()
        self._number += 1
        self._awaited.append((self._number, words))
        process.write(json.dumps({"id": self._number, **words}, separators=(",", ":")).encode() + b"\n")

    def _read(self, seconds: float) -> tuple[int, Any]:
        """Return the number of the request that has been awaited longest, and what is answered."""
        number, words = self._awaited[0]
        answer = self._next_said(seconds)
        self._awaited.popleft()
        self.asked.append(words)
        return number, answer

    def _next_said(self, seconds: float) -> Any:
        """Return what the next line says that comes."""
        if self._process is None:
            raise InvalidAnswerError("there is no process")
        try:
            line = self._process.next_line(seconds)
        except BaseException:  # it died, or this process was interrupted
            self.end()
            raise
        try:
            return json.loads(line)
        except (ValueError, RecursionError) as error:
            self.end()
            shown = legible(line[:_SHOWN].decode("utf-8", "backslashreplace"))
            raise InvalidAnswerError(f"a line that is no JSON: `{shown}`: {error}") from error


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
