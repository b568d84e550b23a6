"""What an engine in this process may change by accident, and what is put back afterwards.

What no process survives is not here: one that is ended or killed, and code of Python or numpy that is
patched. For that the engine is asked in a process of its own (`wire.isolated`).
"""

from __future__ import annotations

import gc
import os
import random
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np


class settings_kept:  # noqa: N801  read as a function; a generator takes longer, before and after each question
    """Put back what the suite itself depends on: after each question.

    The current directory, the streams, numpy's error state, a recursion limit that was lowered, and whether
    garbage is collected.
    """

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before = _current_folder(), _streams(), sys.getrecursionlimit(), np.geterr(), gc.isenabled()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        folder, streams, limit, errors, collects = self._before
        if sys.getrecursionlimit() < limit:  # an engine whose reverse pass recurses may need more
            sys.setrecursionlimit(limit)
        if _streams() != streams:
            sys.stdin, sys.stdout, sys.stderr = streams
        if folder is not None and _current_folder() != folder:
            with suppress(OSError):  # it may be gone
                os.chdir(folder)
        if np.geterr() != errors:
            np.seterr(**errors)
        if gc.isenabled() is not collects:
            (gc.enable if collects else gc.disable)()


@contextmanager
def surroundings_kept() -> Iterator[None]:
    """Put back what whoever calls the suite may depend on: after a run.

    Beside the settings: the states of Python's and numpy's random numbers, the filters of warnings, the
    environment, and what Ctrl-C does.
    """
    at_random, numpys, environment = random.getstate(), np.random.get_state(), dict(os.environ)  # noqa: NPY002
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        with settings_kept(), warnings.catch_warnings():
            yield
    finally:
        random.setstate(at_random)
        np.random.set_state(numpys)  # noqa: NPY002
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)
        if interrupt is not None and signal.getsignal(signal.SIGINT) != interrupt:
            with suppress(ValueError):  # only the main thread may
                signal.signal(signal.SIGINT, interrupt)


def _streams() -> tuple[Any, Any, Any]:
    return sys.stdin, sys.stdout, sys.stderr


def _current_folder() -> str | None:
    """Return the current folder; None where it is gone."""
    try:
        return os.getcwd()  # noqa: PTH109  a path would be made for each question
    except OSError:
        return None
