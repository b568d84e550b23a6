"""The files that a command writes: found to be writable before the work, and written whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from rich.console import Console

from nn_from_scratch.statuses import BAD_USAGE, INTERNAL_ERROR, RIGHT
from nn_from_scratch.verify.cli.terminal import Terminal, print_no_more, tell

Written = TypeVar("Written")

_READER = 2.0
"""Seconds: for so long the reader of a pipe is waited for."""


class UsageError(Exception):
    """The command cannot be carried out as given."""


class Outputs:
    """The files of one command.

    A file is written beside its place and then put there, so that there is never half of one; a symbolic link
    stays, and what it points to is written. What is no file of its own, such as a pipe or ``/dev/stdout``, is
    written once, at the end.

    Parameters
    ----------
    paths
        By what is written there, such as "--json"; None for what is not asked for.
    inputs
        Files that the command reads, none of which may be written over.

    Raises
    ------
    UsageError
        If something cannot be written, or would be written over what is read or written as well.

    """

    def __init__(self, paths: Mapping[str, Path | None], inputs: Iterable[Path] = ()) -> None:
        self._made: list[Path] = []
        self._places: dict[str, _Place] = {}
        self._failed: list[str] = []
        self.status = RIGHT
        """The exit status of a command that is all right but for what could not be written."""
        named = {name: path for name, path in paths.items() if path is not None}
        _refuse_the_same(named, inputs)
        try:
            for name, path in named.items():
                self._places[name] = self._opened(path)
        except BaseException:
            self._take_back()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        for place in self._places.values():
            self.attempt(place.end, place.path)
        self._take_back()

    def begin(self) -> None:
        """Remove the files of an earlier run: if this one dies, they are not taken for its own."""
        for place in self._places.values():
            place.clear()

    def write(self, name: str, text: Callable[[], str]) -> None:
        """Write a text, if it is asked for; what goes wrong is told, and keeps no other from being written.

        Parameters
        ----------
        name
            Of the path; the text written last under it is what stays.
        text
            Makes the text.

        """
        if name in self._places:
            place = self._places[name]
            self.attempt(lambda: place.put(text()), place.path)

    def show(self, show: Callable[[Console], None]) -> None:
        """Print something. Where nobody reads it, nothing is said; what goes wrong else is told.

        Parameters
        ----------
        show
            Prints to a console.

        """
        try:
            show(Terminal())
            sys.stdout.flush()
        except BrokenPipeError:
            print_no_more()
        except OSError as error:
            print_no_more()
            self._tell(f"error: cannot print what was found: {error.strerror}", BAD_USAGE)

    def attempt(self, write: Callable[[], Written], path: Path) -> Written | None:
        """Write to a path, and return what comes of it; what goes wrong is told, and None returned."""
        try:
            return write()
        except BrokenPipeError:  # whoever read has read enough
            pass
        except OSError as error:
            self._tell(f"error: cannot write {path}: {error.strerror}", BAD_USAGE)
        except Exception:  # noqa: BLE001  a fault of the suite, which must not take other files with it
            self._tell(f"internal error, {path} is not written\n{traceback.format_exc()}", INTERNAL_ERROR)
        return None

    def _tell(self, words: str, status: int) -> None:
        if words not in self._failed:
            self._failed.append(words)
            tell(words)
        self.status = max(self.status, status, key=(RIGHT, BAD_USAGE, INTERNAL_ERROR).index)

    def _opened(self, path: Path) -> _Place:
        try:
            if not _is_file(path):
                return _Stream(path)
            target = Path(os.path.realpath(path))
            self._make_folders(target.parent)
            return _File(path, target)
        except OSError as error:
            hint = ": give the name of a file in it" if error.errno == errno.EISDIR else ""
            raise UsageError(f"cannot write {path}: {error.strerror}{hint}") from error

    def _make_folders(self, folder: Path) -> None:
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        for one in reversed(missing):
            one.mkdir()
            self._made.append(one)

    def _take_back(self) -> None:
        """Remove the folders that were made, if nothing came to be in them."""
        for folder in reversed(self._made):
            try:
                folder.rmdir()
            except OSError:  # there is something in it
                return


def _refuse_the_same(named: Mapping[str, Path], inputs: Iterable[Path]) -> None:
    """Raise where two paths lead to one file."""
    taken = {os.path.realpath(path): "is what the command reads" for path in inputs}
    for name, path in named.items():
        place = os.path.realpath(path)
        if place in taken:
            raise UsageError(f"{name} {path} would write over a file that {taken[place]}")
        if path.is_file() or not path.exists():  # /dev/null may be written by all
            taken[place] = f"{name} writes"


def _is_file(path: Path) -> bool:
    """Whether a path is one of a file, or of nothing yet.

    Raises
    ------
    OSError
        If it is a folder, or cannot be looked at.

    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return True
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return stat.S_ISREG(mode)


class _Place:
    """Where something is written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def clear(self) -> None:
        """Remove what is there of an earlier run."""

    def put(self, text: str) -> None:
        raise NotImplementedError

    def end(self) -> None:
        """Write what is left to be written."""


class _File(_Place):
    """A file, or one that is to be.

    Raises
    ------
    OSError
        If it could not be written.

    """

    def __init__(self, path: Path, target: Path) -> None:
        super().__init__(path)
        self._target = target
        self._mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
        if self._mode is not None and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        try:
            self._beside("").unlink()
            self._is_replaced = True
        except PermissionError:
            if self._mode is None:
                raise
            self._is_replaced = False  # the folder is closed, the file is not: it is written in place

    def clear(self) -> None:
        if self._is_replaced:
            self._target.unlink(missing_ok=True)

    def put(self, text: str) -> None:
        if not self._is_replaced:
            self._target.write_text(text, encoding="utf-8")
            return
        new = self._beside(text)
        try:
            new.replace(self._target)
        except BaseException:
            new.unlink(missing_ok=True)
            raise

    def _beside(self, text: str) -> Path:
        """Write a text into a new file of the same folder."""
        new = self._target.with_name(f".{self._target.name[:100]}.{secrets.token_hex(8)}")
        opened = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            with open(opened, "w", encoding="utf-8") as file:  # noqa: PTH123  a descriptor
                if self._mode is not None:
                    os.chmod(new, self._mode)  # noqa: PTH101
                file.write(text)
                file.flush()
                os.fsync(opened)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        return new


class _Stream(_Place):
    """A pipe, a terminal or a device.

    Raises
    ------
    OSError
        If it cannot be written, or nobody reads it.

    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._text = ""
        end = time.monotonic() + _READER
        while True:
            try:
                self._opened = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0))
                break
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
                if time.monotonic() > end:
                    raise OSError(error.errno, "it is a pipe, and nobody reads it") from error
                time.sleep(0.05)
        os.set_blocking(self._opened, True)

    def put(self, text: str) -> None:
        self._text = text

    def end(self) -> None:
        with open(self._opened, "w", encoding="utf-8") as file:  # noqa: PTH123  a descriptor
            file.write(self._text)
