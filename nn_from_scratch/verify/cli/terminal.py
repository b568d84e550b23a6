"""What is printed, and what becomes of it where nobody can hear it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, cast

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column


class Terminal(Console):
    """The standard output, which says by an error that nobody reads it any more."""

    def on_broken_pipe(self) -> None:
        """Raise, where rich would end the process."""
        raise BrokenPipeError


def print_no_more() -> None:
    """Let what is still to be printed go nowhere: Python tries again when it ends."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):  # it is no file of the system
        pass


def tell(words: str) -> None:
    """Say on the error stream, if anybody can hear it, what went wrong."""
    say(f"nn-from-scratch: {words.rstrip()}")


def say(line: str) -> None:
    """Write a line to the error stream, if anybody can hear it."""
    stream = _Unheard(sys.stderr)
    stream.write(f"{line}\n")
    stream.flush()


class _Unheard:
    """A stream of text that may fail without anybody being the worse for it."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except (OSError, ValueError):  # it is full, or closed
            return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def progress_bar(*, numbers: bool = True) -> Iterator[Callable[[int, int, str], None]]:
    """Show a progress bar on the error stream, if that is a terminal; it is moved by what is yielded.

    Parameters
    ----------
    numbers
        Whether what is done and the time left are shown behind it; else the words say so, and the bar takes
        the width that they leave.

    """
    words = TextColumn("{task.description}", table_column=Column(no_wrap=True))
    told = (words, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    columns = told if numbers else (BarColumn(bar_width=None), words)
    console = Console(file=cast("IO[str]", _Unheard(sys.stderr)))
    is_shown = console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=not is_shown, expand=not numbers) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda done, total, words: bar.update(task, completed=done, total=total, description=words)
