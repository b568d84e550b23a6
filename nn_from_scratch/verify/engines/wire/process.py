"""One process that answers for an engine, as its parent sees it: lines, limits of time and memory, an end.

The process leads a session of its own, so that whatever it starts ends with it; its folder is private, its
standard input empty. What it prints is read and thrown away but for the end.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress

import psutil

from nn_from_scratch.verify.engines.deaths import (
    CrashedError,
    DeathError,
    ExitedError,
    InvalidAnswerError,
    KilledError,
    OutOfMemoryError,
    TimedOutError,
)
from nn_from_scratch.verify.engines.legible import legible
from nn_from_scratch.verify.engines.wire.folders import Folder
from nn_from_scratch.verify.engines.wire.forkserver import HOME
from nn_from_scratch.verify.engines.wire.protocol import LONGEST_LINE
from nn_from_scratch.verify.engines.wire.starting import Server, Spawned, Started

_TICK = 0.05  # seconds between two looks at a process that says nothing
_BLINK = 0.001  # seconds between two attempts to write what it does not read yet
_END = 2.0  # seconds that it has to end once it has closed its channel
_GRACE = 0.2  # seconds that it has to end once its child did
_PRINTED, _TOLD = 2_000, 400  # bytes of what it prints that are kept, and told
REQUESTS, ANSWERS = "{requests}", "{answers}"
"""What stands for file descriptors in the command of a worker in Python: its last words."""


class Process:
    """A process, from its start to its end.

    Parameters
    ----------
    command
        What is run: lines go over the file descriptors that stand for the words "{requests}" and "{answers}",
        or else over standard input and output.
    environment
        Its environment variables.
    memory
        Bytes that it may have resident, beyond those at its start.
    server
        What forks it, instead of its being started afresh by the command: the words before its arguments do
        not matter then.

    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        memory: int,
        server: Server | None = None,
    ) -> None:
        self._folder = Folder()
        self.directory = self._folder.path
        self._memory, self._base = memory, 0
        self._watched: list[psutil.Process] = []
        self._printed = bytearray()
        self._out, self._in, self._lines = bytearray(), bytearray(), deque[bytes]()
        self._selector = selectors.DefaultSelector()
        self._is_ours = is_worker(command)
        requests, self._to = os.pipe()
        self._from, answers = os.pipe()
        self._noise, noise = os.pipe()
        try:
            if server is None:
                self._process = self._spawned(command, environment, requests, answers, noise)
            else:
                self._process = server.fork(self.directory, arguments_of(command), (requests, answers, noise))
        except OSError:
            os.close(self._to)
            os.close(self._from)
            os.close(self._noise)
            self._folder.remove()
            raise
        finally:
            os.close(requests)
            os.close(answers)
            os.close(noise)
        self._server = server
        os.set_blocking(self._to, False)
        self._selector.register(self._from, selectors.EVENT_READ, self._take)
        self._selector.register(self._noise, selectors.EVENT_READ, self._listen)

    def _spawned(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        requests: int,
        answers: int,
        noise: int,
    ) -> Started:
        given = {REQUESTS: str(requests), ANSWERS: str(answers)}
        started = subprocess.Popen(  # noqa: S603  what the user gave as an engine
            [given.get(word, word) for word in command],
            stdin=subprocess.DEVNULL if self._is_ours else requests,
            stdout=noise if self._is_ours else answers,
            stderr=noise,
            pass_fds=(requests, answers) if self._is_ours else (),
            cwd=self.directory,
            env={**environment, HOME: str(self.directory)},
            start_new_session=True,
        )
        return Spawned(started)

    @property
    def pid(self) -> int:
        """Its number, which is also that of its group."""
        return self._process.pid

    def write(self, line: bytes) -> None:
        """Write as much of a line as the process takes now: the rest follows while it is listened to."""
        self._out += line
        self._send()

    def next_line(self, seconds: float) -> bytes:
        """Return the next line that it writes.

        Raises
        ------
        DeathError
            If there is none: the process is ended then.

        """
        try:
            return self._next_line(seconds)
        except DeathError as death:
            death.printed = self.printed()
            raise

    def _next_line(self, seconds: float) -> bytes:
        now = time.monotonic()
        end, look = now + seconds, now + _TICK
        while not self._lines:
            self._send()
            for key, _ in self._selector.select(_BLINK if self._out else _TICK):
                key.data()
            now = time.monotonic()
            if now > look and not self._lines:
                self._look()
                look = now + _TICK
            if now > end and not self._lines:
                self.kill()
                hint = "" if self._is_ours else "; is each line flushed at once?"
                raise TimedOutError(f"no answer within {seconds:g} s{hint}")
        return self._lines.popleft()

    def settle(self) -> None:
        """Take the memory that it has now, with its children, for what it needs to begin with."""
        with suppress(psutil.Error):
            process = psutil.Process(self.pid)
            self._watched = [process, *process.children(recursive=True)]
        self._base = self._resident()

    def printed(self) -> str:
        """Return the end of what it has printed until now."""
        for key, _ in self._selector.select(0):
            if key.fd == self._noise:
                self._listen()
        return legible(self._printed[-_TOLD:].decode("utf-8", "replace"))

    def kill(self) -> None:
        """End it, and all that it started."""
        if self._is_ours and not self._has_ended():
            self._end_worker()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)  # it is not waited for yet: the number is still its own
        _end_strays(str(self.directory))
        if self._server is not None:
            _end_strays(self._server.home, but=self._server.pid)

    def _end_worker(self) -> None:
        """End a worker that lives apart: who stands outside waits for it, and ends as well."""
        with suppress(psutil.Error):
            for process in self._watched[1:] or psutil.Process(self.pid).children(recursive=True):
                process.kill()
        self._wait(_GRACE)

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._has_ended() and time.monotonic() < end:
            time.sleep(_BLINK)

    def close(self) -> None:
        """End it, wait for it and clear up after it."""
        with suppress(OSError):
            os.close(self._to)
        self.kill()
        self._process.forget()
        self._selector.close()
        os.close(self._from)
        os.close(self._noise)
        self._folder.remove()

    def _send(self) -> None:
        """Write what it takes of what it was not given yet."""
        while self._out:
            try:
                del self._out[: os.write(self._to, self._out)]
            except BlockingIOError:
                return
            except BrokenPipeError:
                self._out.clear()  # it reads no more: how it ended is seen soon

    def _take(self) -> None:
        """Read what it answers."""
        data = os.read(self._from, 1 << 18)
        if not data:
            self._selector.unregister(self._from)
            raise self._death()
        self._in += data
        if b"\n" in data:
            *lines, rest = bytes(self._in).split(b"\n")
            self._lines += lines
            self._in = bytearray(rest)
        elif len(self._in) > LONGEST_LINE:
            self.kill()
            raise InvalidAnswerError(f"a line of more than {LONGEST_LINE:,} bytes")

    def _listen(self) -> None:
        """Read what it prints, and keep the end of it."""
        data = os.read(self._noise, 1 << 18)
        if not data:
            self._selector.unregister(self._noise)
        self._printed = (self._printed + data)[-_PRINTED:]

    def _look(self) -> None:
        """See whether it lives, and how much memory it takes."""
        if self._has_ended():  # though something that it started may hold the pipes open
            self._take_the_rest()
            if self._lines:
                return
            raise self._death()
        grown = self._resident() - self._base
        if self._base and grown > self._memory:
            self.kill()
            raise OutOfMemoryError(
                f"{grown >> 20:,} MB more than at its start, of {self._memory >> 20:,} allowed"
            )

    def _take_the_rest(self) -> None:
        """Read what a process that has ended left in its pipes: an answer that it gave counts."""
        for key, _ in self._selector.select(0):
            key.data()

    def _has_ended(self) -> bool:
        return self._process.end() is not None

    def _death(self) -> DeathError:
        """End what is left of it, and say how it ended."""
        self._wait(_END)
        end = self._process.end()
        self.kill()
        if end is None:
            return InvalidAnswerError("the process closed its channel, and goes on")
        if end.exited:
            return ExitedError(f"the process exited with status {end.status}")
        name = signal.Signals(end.status).name
        if name == "SIGKILL":
            return KilledError("the process was killed from outside, perhaps for want of memory")
        return CrashedError(f"the process died of {name}")

    def _resident(self) -> int:
        """Return how many bytes of memory it has resident; 0 where the system does not tell."""
        found = 0
        for process in self._watched:
            with suppress(psutil.Error):
                found += int(process.memory_info().rss)
        return found


def _end_strays(home: str, but: int = 0) -> None:
    """End what has left the process's session, `but` one: it still has its environment."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != but and process.environ().get(HOME) == home:
                process.kill()


def is_worker(command: Sequence[str]) -> bool:
    """Whether a command is that of a worker in Python, and not an engine's own."""
    return REQUESTS in command


def arguments_of(command: Sequence[str]) -> list[str]:
    """Return the arguments of a worker's command without its file descriptors: spec and folder."""
    return [*command[-4:-2]]
