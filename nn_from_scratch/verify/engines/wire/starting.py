"""How a process is started and how its end is seen: the system's own child, or one that is forked for us."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from nn_from_scratch.verify.engines.wire.forkserver import (
    ARGUMENTS,
    ENDED,
    EXITED,
    FOLDER,
    FORGET,
    HOME,
    LONGEST,
    STATUS,
)

CAN_FORK = sys.platform == "linux"
_PATIENCE = 10.0  # seconds until a fork server answers: it imports first
_SERVER = "nn_from_scratch.verify.engines.wire.forkserver"


class End(NamedTuple):
    """How a process ended: with a status, or else by the signal of that number."""

    exited: bool
    status: int


class Started(Protocol):
    """A process that was started: `pid` is its number, and that of its group, until `forget`."""

    pid: int

    def end(self) -> End | None:
        """Return how it ended; None while it lives."""

    def forget(self) -> None:
        """Wait for its end, after which its number may be another's."""


class Spawned:
    """A child of this process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid = process.pid

    def end(self) -> End | None:  # noqa: D102
        told = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return None if told is None else End(told.si_code == os.CLD_EXITED, told.si_status)

    def forget(self) -> None:  # noqa: D102
        self._process.wait()


class Server:
    """A fork server as its parent sees it.

    Parameters
    ----------
    environment
        Its environment variables, which are the workers' as well.

    Raises
    ------
    OSError
        If it cannot be started.

    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.settimeout(_PATIENCE)
        self.home = f"fork server {os.getpid()} {id(self)}"
        """What is in the environment of what a worker has forked, in the place of its folder."""
        self._ends: dict[int, End] = {}
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  our own code
                [sys.executable, "-P", "-m", _SERVER, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env={**environment, HOME: self.home},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def fork(self, folder: Path, arguments: Sequence[str], descriptors: Sequence[int]) -> Forked:
        """Start a worker.

        Parameters
        ----------
        folder
            Its own.
        arguments
            Of `worker.main`, without descriptors.
        descriptors
            Of requests, answers, and what it prints.

        Raises
        ------
        OSError
            If there is no answer.

        """
        request = {FOLDER: str(folder), ARGUMENTS: [*arguments]}
        socket.send_fds(self._channel, [json.dumps(request).encode()], [*descriptors])
        while (worker := self._next()) is None:
            pass
        return Forked(self, worker)

    def end_of(self, worker: int, *, wait: bool = False) -> End | None:
        """Return how a worker ended; None while it lives, if it is not waited for."""
        self._channel.settimeout(_PATIENCE if wait else 0.0)
        try:
            while worker not in self._ends:
                self._next()
        except BlockingIOError:
            return None
        except OSError:  # the server has ended, and its workers with it
            return End(exited=False, status=signal.SIGKILL)
        finally:
            self._channel.settimeout(_PATIENCE)
        return self._ends[worker]

    def forget(self, worker: int) -> None:
        """Wait for a worker's end, and let its number be another's."""
        self.end_of(worker, wait=True)
        self._ends.pop(worker, None)
        with suppress(OSError):
            self._channel.send(json.dumps({FORGET: worker}).encode())

    def close(self) -> None:
        """End it."""
        self._channel.close()
        with suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()

    def _next(self) -> int | None:
        """Read what it says next: the number of a new worker, or else how one has ended."""
        said = self._channel.recv(LONGEST)
        if not said:
            raise ConnectionError("the fork server has ended")
        told = json.loads(said)
        if isinstance(told, int):
            return told
        self._ends[told[ENDED]] = End(told[EXITED], told[STATUS])
        return None


class Forked:
    """A child of a fork server."""

    def __init__(self, server: Server, pid: int) -> None:
        self._server = server
        self.pid = pid

    def end(self) -> End | None:  # noqa: D102
        return self._server.end_of(self.pid)

    def forget(self) -> None:  # noqa: D102
        self._server.forget(self.pid)
