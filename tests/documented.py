"""The examples of a Markdown page: read, run, and compared with what the page says they print.

A block of Python runs in the names of those before it. One that begins with a comment of a file's name
(`# adder.py`) is that file. In a block of bash each line is a command, in a folder that holds the page's
files; `# exits with 1` behind it says its status. A block of text right after either is what is printed:
`...` in it stands for anything, and where code raises, the last line is what it raises.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nn_from_scratch.verify.cli.commands import main

_FENCED = re.compile(r"^```(\w+)\n(.*?)^```$(?:\n+^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
_SHOWN = {"text", "none", "json"}
"""What is no code to run."""
_WARNED = ("(overflow|invalid value) encountered", "Input #0 requires gradient and is not a double")
"""The beginnings of warnings that examples are meant to cause."""
_FRAMEWORKS = {"torch": "torch", "pytorch": "torch", "jax": "jax"}
"""By what a block imports, or loads, the package that it needs."""


@dataclass(frozen=True)
class Block:
    """A block of code; `printed` is None where the page does not say what it prints."""

    page: str
    line: int
    language: str
    text: str
    printed: str | None

    @property
    def file(self) -> str | None:
        """The name of the file that the block is, if it is one."""
        named = re.match(r"# ([\w/]+\.py)\n", self.text)
        return named[1] if named and self.language == "python" else None

    @property
    def framework(self) -> str:
        """The optional package that the block needs, or nothing."""
        importing = r"^(?:import|from) (?:nn_from_scratch\.verify\.)?(\w+)"
        named = re.findall(importing, self.text, re.MULTILINE) + re.findall(r'load\("(\w+)"\)', self.text)
        return next((package for name, package in _FRAMEWORKS.items() if name in named), "")


def blocks(path: Path) -> list[Block]:
    """Return the blocks of code of a page, in order."""
    text = path.read_text(encoding="utf-8")
    return [
        Block(path.name, text[: found.start()].count("\n") + 1, *found.groups())
        for found in _FENCED.finditer(text)
        if found[1] not in _SHOWN
    ]


def commands(block: Block) -> Iterator[tuple[list[str], int]]:
    """Yield the words of each command of a block of bash, and the status that it is to exit with."""
    for line in block.text.replace("\\\n", " ").splitlines():
        if words := shlex.split(line, comments=True):
            status = re.search(r"# exits with (\d)", line)
            yield words, int(status[1]) if status else 0


def execute(block: Block, names: dict[str, Any], *, raises: bool = False) -> str:
    """Run a block of Python in some names, and return what it prints; what it `raises` is the last line."""
    out = io.StringIO()
    code = "\n" * block.line + block.text  # so that tracebacks have the page's lines
    with contextlib.redirect_stdout(out):
        try:
            exec(compile(code, block.page, "exec"), names)  # noqa: S102  the page's own code
        except Exception as error:
            if not raises:
                raise
            print(f"{type(error).__name__}: {error}")
    return out.getvalue()


class Reader:
    """Somebody who does what a page says, in the current folder.

    Parameters
    ----------
    path
        The page.
    framework
        Which blocks are run: those that need this package, or those that need none.

    """

    def __init__(self, path: Path, framework: str = "") -> None:
        self.framework = framework
        self.blocks = blocks(path)
        self.names: dict[str, Any] = {"__name__": "example"}

    def read(self) -> int:
        """Do everything, and return how many blocks were run.

        Raises
        ------
        AssertionError
            If something prints, or exits with, what the page does not say.

        """
        for block in self.blocks:
            if block.file:
                Path(block.file).write_text(block.text, encoding="utf-8")
        mine = [block for block in self.blocks if not block.file and block.framework == self.framework]
        with warnings.catch_warnings():
            warnings.simplefilter("default")  # as for who reads the page
            for beginning in _WARNED:
                warnings.filterwarnings("ignore", beginning)
            for block in mine:
                self._try(block)
        return len(mine)

    def _try(self, block: Block) -> None:
        place = f"{block.page}, line {block.line}"
        if block.language == "python":
            printed = execute(block, self.names, raises=block.printed is not None)
        elif block.language == "bash":
            printed = "".join(answer(words, status, place) for words, status in commands(block))
        else:
            raise AssertionError(f"{place}: nothing runs {block.language}")
        if block.printed is not None:
            require_printed(block.printed, printed, place)


def require_printed(promised: str, printed: str, place: str) -> None:
    """Compare what is printed with what a page says; blanks at the ends of lines do not matter."""
    got = "".join(f"{line.rstrip()}\n" for line in printed.strip("\n").splitlines())
    same = doctest.OutputChecker().check_output(promised, got, doctest.ELLIPSIS)
    assert same, f"{place} promises\n{promised}\nand gets\n{got}"


def answer(words: list[str], status: int, place: str) -> str:
    """Run a command, and return what it prints."""
    command, *arguments = words
    if command == "nn-from-scratch":
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            exited = main(arguments)
        printed = out.getvalue()
    elif command in {"pytest", "python"}:
        plain = ["-m", "pytest", "-p", "no:cacheprovider", *arguments] if command == "pytest" else arguments
        done = subprocess.run([sys.executable, *plain], capture_output=True, text=True, check=False)
        exited, printed = done.returncode, done.stdout + done.stderr
    else:
        raise AssertionError(f"{place}: nothing runs {command}")
    assert exited == status, f"{place}: {shlex.join(words)} exits with {exited}, printing\n{printed}"
    return printed
