"""The places of outputs: a file, written whole or not at all, or a pipe, a terminal or a device."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import time
from pathlib import Path

_READER = 2.0
"""Seconds: for so long the reader of a pipe is waited for."""

_PRINTED = {"/dev/stdout": 1, "/dev/stderr": 2} | {
    f"{folder}/{number}": number for folder in ("/dev/fd", "/proc/self/fd") for number in (1, 2)
}
"""Names of what the command prints to, by their file descriptors."""


def identity(path: Path) -> object:
    """Return what all paths of one file have in common, hard links too."""
    try:
        found = path.stat()
    except OSError:
        return os.path.realpath(path)
    return found.st_dev, found.st_ino


def is_printed(path: Path) -> bool:
    """Whether a path names what the command prints to."""
    return os.fspath(path) in _PRINTED


def is_file(path: Path) -> bool:
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


class Place:
    """Where something is written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def clear(self) -> None:
        """Remove what is there of an earlier run."""

    def put(self, content: bytes) -> None:
        """Keep what is to be written; what is put last is what stays."""
        raise NotImplementedError

    def end(self) -> None:
        """Write what is left to be written."""


class File(Place):
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
            self.try_out(target.parent)
            self._is_replaced = True
        except PermissionError:
            if self._mode is None:
                raise
            self._is_replaced = False  # the folder is closed, the file is not: it is written in place

    @staticmethod
    def try_out(folder: Path) -> None:
        """See that a new file can be made in a folder."""
        new = _new_in(folder, "try")
        os.close(_made(new))
        new.unlink()

    def clear(self) -> None:  # noqa: D102  as it is there
        if self._is_replaced:
            self._target.unlink(missing_ok=True)

    def put(self, content: bytes) -> None:  # noqa: D102
        if not self._is_replaced:
            self._target.write_bytes(content)
            return
        new = self._beside(content)
        try:
            new.replace(self._target)
        except BaseException:
            new.unlink(missing_ok=True)
            raise

    def _beside(self, content: bytes) -> Path:
        """Write into a new file of the same folder."""
        new = _new_in(self._target.parent, self._target.name)
        opened = _made(new)
        try:
            with open(opened, "wb") as file:  # noqa: PTH123  a descriptor
                if self._mode is not None:
                    os.chmod(new, self._mode)  # noqa: PTH101
                file.write(content)
                file.flush()
                os.fsync(opened)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        return new


def _new_in(folder: Path, name: str) -> Path:
    """Return a path that nobody has: it tells of whom it is, as far as a name may be long."""
    return folder / f".{name[:50]}.{secrets.token_hex(8)}"


def _made(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)


class Stream(Place):
    """A pipe, a terminal or a device.

    Raises
    ------
    OSError
        If it cannot be written, or nobody reads it.

    """

    def __init__(self, path: Path, flags: int = 0) -> None:
        super().__init__(path)
        self._content = b""
        self._opened = os.dup(_PRINTED[os.fspath(path)]) if is_printed(path) else _opened(path, flags)

    def put(self, content: bytes) -> None:  # noqa: D102
        self._content = content

    def end(self) -> None:  # noqa: D102
        with open(self._opened, "wb") as file:  # noqa: PTH123  a descriptor
            file.write(self._content)


class Appended(Stream):
    """What is written to the end of, as others did before: a file, made if there is none, or a pipe.

    Raises
    ------
    OSError
        If it cannot be written, or nobody reads it.

    """

    def __init__(self, path: Path) -> None:
        self._is_new = not path.exists()
        super().__init__(path, os.O_APPEND | os.O_CREAT)

    def end(self) -> None:  # noqa: D102
        super().end()
        if self._is_new and not self._content:
            self.path.unlink(missing_ok=True)


def _opened(path: Path, flags: int) -> int:
    """Open what is written in place; a pipe only if somebody reads it."""
    end = time.monotonic() + _READER
    while True:
        try:
            opened = os.open(path, flags | os.O_WRONLY | getattr(os, "O_NONBLOCK", 0), 0o666)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if time.monotonic() > end:
                raise OSError(error.errno, "it is a pipe, and nobody reads it") from error
            time.sleep(0.05)
        else:
            os.set_blocking(opened, True)
            return opened
