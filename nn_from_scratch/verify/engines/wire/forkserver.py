"""The process that workers are forked from, once an engine's has died: it has imported what they need.

A worker that is started afresh imports for 0.2 s of processor time; one that is forked is there in a fifth of
the time, and an engine that dies of what it is asked needs one after another: 72 of them in a whole run on
one whose relu aborts, 24 s in place of 60. The engine itself is never imported here: each worker does that
anew. It is for Linux only, where numpy may be forked, and where a fork has no threads, which could not enter
a namespace of their own.

Over its channel come requests, each with the file descriptors of a worker: `{"folder", "arguments"}`, to
which the worker's number is the answer; and `{"forget": number}` of a worker that has ended. What it says
unasked is how one has ended: `{"ended": number, "exited", "status"}`. Its number stays its own until it is
forgotten.
"""

from __future__ import annotations

import json
import os
import random
import selectors
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from nn_from_scratch.verify.engines.wire.apart import die_with_parent, live_apart

HOME = "NN_FROM_SCRATCH_ENGINE"  # in the environment of all that an engine starts: its folder
FOLDER, ARGUMENTS, FORGET, ENDED, EXITED, STATUS = (
    "folder",
    "arguments",
    "forget",
    "ended",
    "exited",
    "status",
)
LONGEST = 1 << 16  # bytes of a message


class ForkServer:
    """The loop that forks workers, and tells how they end.

    Parameters
    ----------
    channel
        Where requests come from; the end of it is the end of all.
    answer
        The work of a worker: `worker.main`.

    """

    def __init__(self, channel: socket.socket, answer: Callable[[list[str]], None]) -> None:
        self._channel, self._answer = channel, answer
        self._workers: set[int] = set()
        """Those that are not known to have ended."""
        self._woken, self._wakes = os.pipe()
        for end in (self._woken, self._wakes):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wakes, warn_on_full_buffer=False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(channel, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)

    def serve(self) -> None:
        """Do what is asked until nobody asks any more."""
        while True:
            ready = {key.fd for key, _ in self._selector.select()}
            if self._woken in ready:
                os.read(self._woken, LONGEST)
                self._tell_ends()
            if self._channel.fileno() in ready and not self._serve_one():
                return

    def _serve_one(self) -> bool:
        """Do what comes next; whether anything did."""
        said, descriptors, _, _ = socket.recv_fds(self._channel, LONGEST, 3)
        if not said:
            return False
        request = json.loads(said)
        if FORGET in request:
            os.waitpid(request[FORGET], 0)
        else:
            self._fork(request, descriptors)
        return True

    def _fork(self, request: dict[str, Any], descriptors: list[int]) -> None:
        begun, begins = os.pipe()
        worker = os.fork()
        if not worker:
            os.setsid()
            os.close(begins)
            os.close(begun)
            self._forget()
            self._answer(_as_a_worker(request, descriptors))
        self._workers.add(worker)
        for descriptor in (begins, *descriptors):
            os.close(descriptor)
        os.read(begun, 1)  # until it leads a session, by which it can be ended
        os.close(begun)
        self._say(worker)

    def _forget(self) -> None:
        """Have nothing more to do with serving, in a worker."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        self._channel.close()
        os.close(self._woken)
        os.close(self._wakes)

    def _tell_ends(self) -> None:
        """Say which workers have ended, and how; they are not waited for yet."""
        for worker in [*self._workers]:
            told = os.waitid(os.P_PID, worker, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if told is not None:
                self._workers.discard(worker)
                self._say({ENDED: worker, EXITED: told.si_code == os.CLD_EXITED, STATUS: told.si_status})

    def _say(self, words: Any) -> None:
        self._channel.send(json.dumps(words).encode())


def _as_a_worker(request: dict[str, Any], descriptors: list[int]) -> list[str]:
    """Make of this process what one is that is started for a worker alone; return the worker's arguments."""
    requests, answers, noise = descriptors
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, standard in ((nothing, 0), (noise, 1), (noise, 2)):
        os.dup2(descriptor, standard)
    os.close(nothing)
    os.close(noise)
    os.chdir(request[FOLDER])
    os.environ[HOME] = request[FOLDER]
    arguments = [*request[ARGUMENTS], str(requests), str(answers)]
    sys.argv[1:] = arguments
    random.seed()  # two workers are to draw different numbers
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()
    live_apart((requests, answers))
    return arguments


def main(channel: int) -> None:
    """Serve over a file descriptor."""
    die_with_parent()
    from nn_from_scratch.verify.engines.wire import worker  # noqa: PLC0415  who asks does not import it

    with socket.socket(fileno=channel) as open_channel:
        ForkServer(open_channel, worker.main).serve()
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
