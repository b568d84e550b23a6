"""The folders of engines' processes: those of the dead are cleared up, and no others."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nn_from_scratch.verify.engines.wire import folders
from nn_from_scratch.verify.engines.wire.folders import PREFIX, Folder, clear_up

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(os.name != "posix", reason="the lock is POSIX"),
]

KILLED = """\
import os, signal
from nn_from_scratch.verify.engines.wire.folders import Folder

print(Folder().path, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return str(tmp_path)


def grow_old(folder: Path) -> None:
    then = time.time() - 2 * folders._AGE
    os.utime(folder, (then, then))


def test_what_the_dead_leave_is_cleared_up_and_nothing_of_the_living(place: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED],
        env={**os.environ, "TMPDIR": place},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    left, living = Path(done.stdout.strip()), Folder()
    (left / "file").touch()
    other, link = Path(place) / "another", Path(place) / f"{PREFIX}link"
    other.mkdir()
    link.symlink_to(other)
    for folder in (living.path, other):
        grow_old(folder)
    clear_up.cache_clear()
    clear_up(place)
    assert left.is_dir()  # it may have been made just now
    grow_old(left)
    clear_up.cache_clear()
    clear_up(place)
    assert not left.exists()
    assert living.path.is_dir()
    assert other.is_dir()
    assert link.is_symlink()
    living.remove()
    assert not living.path.exists()


@pytest.mark.usefixtures("place")
def test_folders_in_folders_are_removed_however_many() -> None:
    folder, home = Folder(), Path.cwd()
    try:
        os.chdir(folder.path)
        for _ in range(1_200):
            os.mkdir("deeper")  # noqa: PTH102  a path would be too long
            os.chdir("deeper")
    finally:
        os.chdir(home)
    folder.remove()
    assert not folder.path.exists()


def test_a_folder_is_cleared_up_once_its_maker_holds_it_no_more(place: str) -> None:
    folder = Folder()
    grow_old(folder.path)
    assert folder._lock is not None
    os.close(folder._lock)
    clear_up.cache_clear()
    clear_up(place)
    assert not folder.path.exists()
