"""The reading of arguments: mistakes are told in one line, with what was probably meant."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from nn_from_scratch.statuses import BAD_USAGE
from nn_from_scratch.verify.cli.terminal import print_no_more, tell
from nn_from_scratch.verify.engines.errors import EngineError
from nn_from_scratch.verify.engines.specs import parts
from nn_from_scratch.verify.engines.wire.isolated import COMMAND, command


class Parser(argparse.ArgumentParser):
    """A parser whose mistakes have the exit status of bad usage."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.set_defaults(parser=self)

    def error(self, message: str) -> NoReturn:
        """Tell a mistake, and exit."""
        tell(f"error: {message}\n{self.format_usage()}")
        sys.exit(BAD_USAGE)

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print help or the version, and exit if that cannot be, which argparse passes over."""
        stream = file or sys.stderr
        try:
            stream.write(message)
            stream.flush()
        except BrokenPipeError:  # whoever read has read enough
            print_no_more()
        except OSError as error:
            print_no_more()
            tell(f"error: cannot print: {error.strerror}")
            sys.exit(BAD_USAGE)


class Once(argparse.Action):
    """An option that names one thing: given twice, the first would be lost in silence."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        _: str | None = None,
    ) -> None:
        """Keep a value, or exit where there is one."""
        given: set[str] = namespace.__dict__.setdefault("given_once", set())
        if self.dest in given:
            more = ": nn-from-scratch compare asks several engines" if self.dest == "engine" else ""
            parser.error(f"{self.option_strings[-1]} is given twice{more}")
        given.add(self.dest)
        setattr(namespace, self.dest, values)


def path(text: str) -> Path:
    """Read a path."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the path is empty")
    if "\0" in text:
        raise argparse.ArgumentTypeError("no path has a null byte")
    return Path(text)


def file_path(text: str) -> Path:
    """Read the path of a file that is to be written."""
    if text.endswith(("/", os.sep)):
        raise argparse.ArgumentTypeError(f"{text} is a folder: give the name of a file in it")
    return path(text)


def one_of(names: Sequence[str]) -> Callable[[str], str]:
    """Return what reads one of several names."""

    def name(text: str) -> str:
        if text in names:
            return text
        several = text.replace(",", " ").split()
        if len(several) > 1 and set(several) <= set(names):
            raise argparse.ArgumentTypeError(f"{text!r} are several: repeat the option for each")
        (close,) = get_close_matches(text, names, 1) or ("",)
        hint = f", perhaps you mean {close}" if close else ""
        raise argparse.ArgumentTypeError(f"invalid choice: {text!r} (choose from {', '.join(names)}){hint}")

    return name


def parsed(parser: Parser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read arguments; what nobody knows is told with what may be meant.

    Raises
    ------
    SystemExit
        After a message.

    """
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        command: Parser = options.parser
        command.error(f"unrecognized arguments: {' '.join(unknown)}{_hint(command, unknown[0])}")
    return options


def _hint(command: Parser, unknown: str) -> str:
    options = [name for action in command._actions for name in action.option_strings]  # noqa: SLF001
    if not unknown.startswith("-") and "--engine" in options:
        return f"; perhaps you mean --engine {shlex.quote(unknown)}"
    close = get_close_matches(unknown.partition("=")[0], options, 1)
    return f"; perhaps you mean {close[0]}" if close else ""


def files_read(options: argparse.Namespace) -> list[Path]:
    """Return the files that a command reads: adapters, functions, their inputs, a store, results."""
    names = ("engine", "target", "inputs", "module")
    specs = [getattr(options, name, None) for name in names] + list(getattr(options, "engines", ()))
    found = {file for spec in specs if spec for file in _files(spec)}
    for name in ("store", "compare"):  # which there may not be yet
        if getattr(options, name, None):
            found.add(str(getattr(options, name)))
    if getattr(options, "store", None):  # SQLite's own, beside it
        found.update(f"{os.path.realpath(options.store)}-{name}" for name in ("wal", "shm", "journal"))
    found.update(map(str, getattr(options, "results", ())))
    return [Path(file) for file in sorted(found)]


def _files(spec: str) -> list[str]:
    """Return the files that a spec may mean."""
    if spec.startswith(COMMAND):
        try:
            candidates = command(spec)
        except EngineError:  # it is told when the engine is to be started
            candidates = []
    else:
        location = parts(spec)[0]
        candidates = [spec, location, f"{location.replace('.', os.sep)}.py"]
    return [file for file in candidates if os.path.isfile(file)]  # noqa: PTH113  of any text
