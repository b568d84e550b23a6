"""The folders in which engines' processes work: what a process leaves that is killed, a later one clears up.

Each folder is locked while whoever made it lives. The lock is the system's: it ends with the process, however
that ends, so that a folder that can be locked is nobody's any more.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

PREFIX = "nn-from-scratch-engine-"
_AGE = 60.0  # seconds: a younger folder may have been made and not be locked yet


class Folder:
    """A private folder, which is there until it is removed.

    Raises
    ------
    OSError
        If none can be made.

    """

    def __init__(self) -> None:
        clear_up(tempfile.gettempdir())
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._lock = _locked(self.path)

    def remove(self) -> None:
        """Remove it, with all that is in it."""
        _remove(self.path)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


@cache
def clear_up(folder: str) -> None:
    """Remove the folders in a folder whose makers are no more; once in a process."""
    for path in Path(folder).glob(f"{PREFIX}*"):
        with suppress(OSError):  # it is somebody else's, or gone
            found = path.lstat()
            if found.st_uid == os.getuid() and time.time() - found.st_mtime > _AGE:
                lock = _locked(path)
                if lock is not None:
                    _remove(path)
                    os.close(lock)


def _remove(path: Path) -> None:
    """Remove a folder with all that is in it, as far as that is allowed."""
    try:
        shutil.rmtree(path, ignore_errors=True)
    except RecursionError:  # a thousand folders in folders, which POSIX's own command removes
        subprocess.run(["rm", "-rf", "--", str(path)], stderr=subprocess.DEVNULL, check=False)  # noqa: S603, S607


def _locked(path: Path) -> int | None:
    """Lock a folder, and return what holds the lock; None if another process holds it, or it cannot be."""
    import fcntl  # noqa: PLC0415  where there is none no process is started

    opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(opened)
        return None
    return opened
