"""A terminal of a test's own: what a command shows on it, picture by picture, and what it leaves behind."""

from __future__ import annotations

import os
import re
import struct
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_STEPS = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


@dataclass
class Screen:
    """The lines of a terminal, for what progress bars send: text, colours, erasing, one line up.

    `shown` are the pictures that it has had, each once, one for each time that a line was begun anew.
    """

    lines: list[str] = field(default_factory=lambda: [""])
    row: int = 0
    column: int = 0
    has_cursor: bool = True
    shown: list[str] = field(default_factory=list)

    def take(self, text: str) -> None:
        """Show what was sent."""
        assert not _STEPS.sub("", text), "a sequence that this terminal does not know"
        for numbers, letter, end, letters in _STEPS.findall(text):
            if letters:
                line = self.lines[self.row].ljust(self.column)
                self.lines[self.row] = line[: self.column] + letters + line[self.column + len(letters) :]
                self.column += len(letters)
            elif end == "\n":
                self.row += 1
                self.lines += [""] * (self.row + 1 - len(self.lines))
            elif end:
                self.column = 0
                self._look()
            elif letter == "A":
                self.row -= int(numbers or 1)
            elif letter == "K":
                self.lines[self.row] = ""
            elif (letter, numbers) in {("h", "?25"), ("l", "?25")}:
                self.has_cursor = letter == "h"
            else:
                assert letter == "m", f"the sequence {numbers}{letter} is not known here"

    def _look(self) -> None:
        picture = "\n".join(self.lines).strip()
        if picture and picture not in self.shown:
            self.shown.append(picture)


@contextmanager
def on_a_terminal(
    command: Sequence[str], folder: Path, variables: dict[str, str], columns: int = 80
) -> Iterator[tuple[subprocess.Popen[str], Callable[..., Screen]]]:
    """Run a command whose error stream is a terminal.

    Yields
    ------
    tuple
        The process, and what reads on until a text was shown, or to the end if there is none.

    """
    import fcntl
    import termios

    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    kept = {name: value for name, value in variables.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
    screen, sent = Screen(), bytearray()

    def read(until: str = "\0") -> Screen:
        while until not in "\n".join(screen.shown):
            try:
                more = os.read(ours, 1 << 16)
            except OSError:  # nobody has the other end any more
                break
            sent.extend(more)
            whole, _, rest = sent.rpartition(b"\r")  # no sequence is cut there
            screen.take((whole + b"\r" if whole else b"").decode())
            sent[:] = rest
        return screen

    try:
        with subprocess.Popen(
            command,
            cwd=folder,
            env={**kept, "TERM": "xterm"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
        ) as process:
            os.close(theirs)
            try:
                yield process, read
                read()
                screen.take(sent.decode())
            finally:
                process.kill()
    finally:
        os.close(ours)
