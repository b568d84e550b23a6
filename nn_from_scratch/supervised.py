"""The command in a process of its own: what is checked cannot choose the exit status.

An engine, or a function, runs in the process that checks it. If it ends that process, by `os._exit` or a
segmentation fault, it does so before there is a verdict, and with a status of its own choice: a gate would
turn green on nothing. So the process that was started only waits for the status that the command says at its
end over a pipe. Any other end is told, and is never 0.
"""

from __future__ import annotations

import importlib
import io
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Any

from nn_from_scratch.distribution import install_command
from nn_from_scratch.statuses import BAD_USAGE, INTERNAL_ERROR, INTERRUPTED, WRONG

_ENDINGS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""What ends a command: Ctrl-C, whoever cancels it, and a terminal that is closed."""


def main() -> int:
    """Run ``nn-from-scratch``; return its exit status, or that of a wrong gradient if it says none."""
    try:
        Path.cwd()
    except OSError:
        sys.stderr.write("nn-from-scratch: error: the current folder is no more: change to another one\n")
        return BAD_USAGE
    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_say_status, args=(there, sys.argv))
    with _endings_handed_on(process):
        try:
            with _endings_held_back():  # until the process can say its status
                process.start()
        except OSError as error:
            sys.stderr.write(f"nn-from-scratch: error: the process that checks cannot be started: {error}\n")
            return INTERNAL_ERROR
        there.close()  # so that the pipe ends with the process
        process.join()
    try:
        return int(here.recv())
    except EOFError:
        _end_group(process)
        ended = process.exitcode or 0
        how = f"died of {signal.Signals(-ended).name}" if ended < 0 else f"exited with status {ended}"
        with suppress(OSError):  # nobody can hear it
            sys.stderr.write(
                f"nn-from-scratch: error: the process that checks {how} before there was a verdict: what is "
                "checked ended it, or the system did; no results are written\n"
            )
        return WRONG


def _say_status(said: Connection, arguments: list[str]) -> None:
    """Run the command, and say its status: the work of the process."""
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # Ctrl-C reaches it once, handed on

    def end_at_once(*_: object) -> None:
        said.send(INTERRUPTED)
        os._exit(INTERRUPTED)

    _handle_endings(end_at_once)  # there is nothing to keep while modules are imported, which may not be cut
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDINGS)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal may know no more than ASCII
    sys.argv = [_as_seen_here(argument) for argument in arguments]
    said.send(_status())


def _as_seen_here(argument: str) -> str:
    """Return an argument that finds what only the parent has opened: a shell's ``>(program)``."""
    parent = f"/proc/{os.getppid()}/fd/"
    if not Path(parent).is_dir():
        return argument
    return re.sub(r"/(?:dev|proc/self)/fd/(?=[3-9]|\d\d)", parent, argument)


def _status() -> int:
    """Return the status of the command; where it fails before anything was checked, no gradient is wrong."""
    try:
        return command()
    except Exception:  # noqa: BLE001  the last resort
        sys.stderr.write(f"nn-from-scratch: internal error\n{traceback.format_exc()}")
        return INTERNAL_ERROR


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
    _handle_endings(signal.default_int_handler)  # what was checked until then is kept
    try:
        return int(commands.main())
    except KeyboardInterrupt:  # a second one, while results are written
        return INTERRUPTED


def _handle_endings(handler: Callable[[int, FrameType | None], Any]) -> None:
    """Let a function handle what ends a command, but for what was ignored from the start, as by nohup."""
    for number in _ENDINGS:
        if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


@contextmanager
def _endings_held_back() -> Iterator[None]:
    """Hold back what ends a command, also from a process that is started meanwhile."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # starting it would let them through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_group(process: BaseProcess) -> None:
    """End what a process has started and left behind."""
    if process.pid is not None and hasattr(os, "killpg"):
        with suppress(OSError):  # it has left nothing
            os.killpg(process.pid, signal.SIGKILL)


def _end_with_parent() -> None:
    """End this process, and those that it has started, once nobody waits for it any more."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        if hasattr(os, "killpg"):
            os.killpg(0, signal.SIGKILL)
        os._exit(INTERNAL_ERROR)


@contextmanager
def _endings_handed_on(process: BaseProcess) -> Iterator[None]:
    """Hand what ends a command on to its process, and go on waiting for that."""

    def hand_on(number: int, _: FrameType | None) -> None:
        if process.pid is None:  # it has not been started
            sys.exit(INTERRUPTED)
        if hasattr(os, "setpgrp"):  # elsewhere a terminal reaches both
            os.kill(process.pid, number)

    before = {number: signal.getsignal(number) for number in _ENDINGS}
    _handle_endings(hand_on)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
