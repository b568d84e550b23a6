"""Processes of this machine that check graphs: they end with what started them, whatever an engine does."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess
from types import ModuleType
from typing import Any

from nn_from_scratch.statuses import INTERRUPTED

_GRACE = 3.0  # seconds


class _Process(SpawnProcess):
    """A process that does not run the script again that started it, as others do: it needs nothing of it.

    Nor does it take its modules apart at its end, which takes half a second where PyTorch is among them.
    """

    def start(self) -> None:
        """Start it, with an empty main module in place of the script that is run."""
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            super().start()
        finally:
            sys.modules["__main__"] = main

    def run(self) -> None:
        """Do its work, and what is to be done at its end."""
        super().run()
        atexit._run_exitfuncs()  # noqa: SLF001  as the end of an interpreter does
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


class _Context(SpawnContext):
    Process = _Process


@contextmanager
def pool(jobs: int, prepare: Callable[..., None] | None = None, *given: Any) -> Iterator[ProcessPoolExecutor]:
    """Give an executor of some processes; an interruption ends them at once.

    Parameters
    ----------
    jobs
        How many.
    prepare
        What each does first, if anything, with what is given.

    """
    context = _Context()
    stopped, stop = context.Pipe(duplex=False)
    executor = ProcessPoolExecutor(jobs, context, _start, (stopped, prepare, given))
    try:
        yield executor
    except (KeyboardInterrupt, GeneratorExit):
        # Nobody waits for what an engine may never answer. It is not cancelled before: an executor whose
        # processes end cannot say so of what is cancelled, and dies of that.
        stop.close()
        raise
    finally:  # once only: a second time would take the cancellation back
        executor.shutdown(cancel_futures=True)
        stop.close()
        stopped.close()


def _start(stopped: Connection, prepare: Callable[..., None] | None, given: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted, and stops its workers
    signal.signal(signal.SIGTERM, _end_soon)
    threading.Thread(target=_end_when, args=(stopped,), daemon=True).start()
    if prepare:
        prepare(*given)


def _end_soon(*_: object) -> None:
    """End this process, later than a parent would that got the same signal: then it is no death.

    An executor of which a process has died sends this to the others, and waits for them.
    """
    threading.Timer(_GRACE, os._exit, (INTERRUPTED,)).start()


def _end_when(stopped: Connection) -> None:
    """End this process once its parent wants it to, or is no more: then the pipe from it ends."""
    wait([stopped])
    os._exit(INTERRUPTED)
