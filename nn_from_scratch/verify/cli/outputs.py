"""The files that a command writes: found to be writable before the work, and written whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from rich.console import Console

from nn_from_scratch.statuses import BAD_USAGE, INTERNAL_ERROR, RIGHT
from nn_from_scratch.verify.cli.places import Appended, File, Place, Stream, identity, is_file, is_printed
from nn_from_scratch.verify.cli.terminal import Terminal, print_no_more, tell

Written = TypeVar("Written")


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
    folder
        One into which files will be written whose names are known in the end, such as scripts.

    Raises
    ------
    UsageError
        If something cannot be written, or would be written over what is read, written or printed to as well.

    """

    def __init__(
        self,
        paths: Mapping[str, Path | None],
        inputs: Iterable[Path] = (),
        folder: Path | None = None,
    ) -> None:
        self._made: list[Path] = []
        self._places: dict[str, Place] = {}
        self._failed: list[str] = []
        self.status = RIGHT
        """The exit status of a command that is all right but for what could not be written."""
        self.is_heard = True
        """Whether what is printed still goes somewhere."""
        named = {name: path for name, path in paths.items() if path is not None}
        self._taken = _refuse_the_same(named, inputs)
        try:
            if folder is not None:
                self._prepare(folder)
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

    def append(self, name: str, path: Path) -> None:
        """Let what is written under a name go to the end of a file; if it cannot, that is told."""
        words = self._taken.get(identity(path))
        if words is not None:
            self._tell(f"error: {name} {path} is not written: it is a file that {words}", BAD_USAGE)
            return
        place = self.attempt(lambda: Appended(path), path)
        if place is not None:
            self._places[name] = place

    def write(self, name: str, made: Callable[[], str | bytes]) -> Path | None:
        """Write something, if it is asked for; what goes wrong is told, and keeps no other from being so.

        Parameters
        ----------
        name
            Of the path; what is written last under it is what stays.
        made
            Makes a text, or bytes.

        Returns
        -------
        Path | None
            Where it is; None if it is nowhere.

        """
        if name not in self._places:
            return None
        return self._written(self._places[name], made)

    def write_into(self, path: Path, text: str) -> Path | None:
        """Write a text into a file of the folder; return where it is, None if that cannot be."""
        words = self._taken.get(identity(path))
        if words is not None:
            self._tell(f"error: {path} is not written: it is a file that {words}", BAD_USAGE)
            return None
        place = self.attempt(lambda: self._opened(path), path)
        return self._written(place, lambda: text) if place else None

    def _written(self, place: Place, made: Callable[[], str | bytes]) -> Path | None:
        def put() -> Path:
            place.put(_encoded(made()))
            return place.path

        return self.attempt(put, place.path)

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
            self.is_heard = False
            print_no_more()
        except OSError as error:
            self.is_heard = False
            print_no_more()
            self._tell(f"error: cannot print what was found: {error.strerror}", BAD_USAGE)

    def attempt(self, write: Callable[[], Written], path: Path) -> Written | None:
        """Write to a path, and return what comes of it; what goes wrong is told, and None returned."""
        try:
            return write()
        except BrokenPipeError:  # whoever read has read enough
            pass
        except UsageError as error:
            self._tell(f"error: {error}", BAD_USAGE)
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

    def _opened(self, path: Path) -> Place:
        try:
            if is_printed(path) or not is_file(path):
                return Stream(path)
            target = Path(os.path.realpath(path))
            self._make_folders(target.parent)
            return File(path, target)
        except OSError as error:
            hint = ": give the name of a file in it" if error.errno == errno.EISDIR else ""
            raise UsageError(f"cannot write {path}: {error.strerror}{hint}") from error

    def _prepare(self, folder: Path) -> None:
        """Make a folder, and see that files can be written into it."""
        try:
            self._make_folders(folder)
            File.try_out(folder)
        except OSError as error:
            raise UsageError(f"cannot write into {folder}: {error.strerror}") from error

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


def _refuse_the_same(named: Mapping[str, Path], inputs: Iterable[Path]) -> dict[object, str]:
    """Raise where two paths lead to one file; return what is known of each file."""
    taken = {identity(path): "is what the command reads" for path in inputs}
    taken |= dict.fromkeys(_printed_to(), "the command prints to")
    for name, path in named.items():
        if is_printed(path):  # it follows what is printed
            continue
        place = identity(path)
        if place in taken:
            raise UsageError(f"{name} {path} would write over a file that {taken[place]}")
        if isinstance(place, str) or path.is_file():  # /dev/null may be written by all
            taken[place] = f"{name} writes"
    return taken


def _printed_to() -> Iterator[object]:
    """Yield what the command prints to, as far as it is files."""
    for number in (1, 2):
        try:
            found = os.fstat(number)
        except OSError:  # closed
            continue
        if stat.S_ISREG(found.st_mode):
            yield found.st_dev, found.st_ino


def _encoded(made: str | bytes) -> bytes:
    """Return bytes; what no encoding has, as the bytes of a file's name that are no text, is escaped."""
    return made if isinstance(made, bytes) else made.encode("utf-8", "backslashreplace")
