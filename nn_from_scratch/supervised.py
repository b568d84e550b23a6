"""The command in a process of its own: what is checked cannot choose the exit status.

An engine, or a function, runs in the process that checks it. If it ends that process, by `os._exit` or a
segmentation fault, it does so before there is a verdict, and with a status of its own choice: a gate would
turn green on nothing. So the process that was started only waits for the status that the command says at its
end over a pipe. Any other end is told, and is never 0.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import FrameType

from nn_from_scratch.distribution import install_command
from nn_from_scratch.statuses import BAD_USAGE, INTERNAL_ERROR, INTERRUPTED, WRONG


def main() -> int:
    """Run ``nn-from-scratch``; return its exit status, or that of a wrong gradient if it says none."""
    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_say_status, args=(there, sys.argv))
    with _signals_handed_on(process):
        process.start()
        there.close()  # so that the pipe ends with the process
        process.join()
    try:
        return int(here.recv())
    except EOFError:
        ended = process.exitcode or 0
        how = f"died of {signal.Signals(-ended).name}" if ended < 0 else f"exited with status {ended}"
        sys.stderr.write(
            f"nn-from-scratch: error: the process that checks {how} before there was a verdict: what is "
            "checked ended it, or the system did; no results are written\n"
        )
        return WRONG


def _say_status(said: Connection, arguments: list[str]) -> None:
    """Run the command, and say its status: the work of the process."""
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # Ctrl-C reaches it once, handed on
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was checked until then is kept
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.argv = arguments
    said.send(command())


def command() -> int:
    """Run the command line in this process, or say what to install where the suite's extra is missing."""
    try:
        commands = importlib.import_module("nn_from_scratch.verify.cli.commands")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("nn_from_scratch"):
            raise
        sys.stderr.write(
            f"nn-from-scratch: {error.name} is not installed; the suite needs an extra: "
            f"{install_command('verify')}\n"
        )
        return BAD_USAGE
    return int(commands.main())


def _end_with_parent() -> None:
    """End this process, and those that it has started, once nobody waits for it any more."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        if hasattr(os, "killpg"):
            os.killpg(0, signal.SIGKILL)
        os._exit(INTERNAL_ERROR)


@contextmanager
def _signals_handed_on(process: BaseProcess) -> Iterator[None]:
    """Hand interruptions on to a process, and go on waiting for it."""

    def hand_on(number: int, _: FrameType | None) -> None:
        if process.pid is None:  # it has not been started
            sys.exit(INTERRUPTED)
        if hasattr(os, "setpgrp"):  # elsewhere a terminal reaches both
            os.kill(process.pid, number)

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, hand_on) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
