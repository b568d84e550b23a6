"""The loop in which somebody mends an engine, as a process, with files that change under it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue

import pytest

from nn_from_scratch.statuses import BAD_USAGE, INTERRUPTED
from nn_from_scratch.verify.cli.commands import main
from nn_from_scratch.verify.engines.wire.isolated import CAN_ISOLATE

pytestmark = [pytest.mark.once, pytest.mark.skipif(not CAN_ISOLATE, reason="processes of POSIX are watched")]

ROOT = Path(__file__).parents[3]
ENGINE = """\
class Value:
    def __init__(self, data, parents=(), partials=()):
        self.data, self.parents, self.partials, self.grad = data, parents, partials, 0.0

    def sin(self):
        import math
        return Value(math.sin(self.data), (self,), ({} * math.cos(self.data),))

    def backward(self, adjoint=1.0):
        self.grad += adjoint
        for parent, partial in zip(self.parents, self.partials):
            parent.backward(adjoint * partial)
"""
ADAPTER = """\
from home_made import Value
from nn_from_scratch.verify import Engine

engine = Engine.from_tape(variable=Value, value="data", gradient="grad")
"""


class Watched:
    """A process that watches an engine, and what it says."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "nn_from_scratch", "verify", "--watch"]
        command += ["--engine", "adapter.py", "--graphs", "4", "--grade", "rules", "--jobs", "1"]
        path = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        self.process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, text=True
        )
        self.lines: Queue[str] = Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.put(line)

    def round(self) -> str:
        """Return what is said until it waits for the next change."""
        said, end = "", time.monotonic() + 100
        while "watching " not in said:
            try:
                said += self.lines.get(timeout=max(0.1, end - time.monotonic()))
            except Empty:
                pytest.fail(f"it waits for nothing, and has said: {said}")
        return said


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    (tmp_path / "home_made.py").write_text(ENGINE.format("-1"))
    (tmp_path / "adapter.py").write_text(ADAPTER)
    watched = Watched(tmp_path)
    yield watched
    watched.process.kill()
    watched.process.wait()
    watched.reader.join(timeout=30)
    assert watched.process.stdout
    watched.process.stdout.close()


def test_an_engine_is_mended_and_broken_while_it_is_watched(watched: Watched, tmp_path: Path) -> None:
    engine = tmp_path / "home_made.py"
    first = watched.round()
    assert "WRONG" in first
    assert "watching 2 files; Ctrl-C ends it" in first
    engine.write_text(ENGINE.format("-2"))
    again = watched.round()
    assert again.splitlines()[0].startswith("sin is wrong: in sin(x0)")
    assert again.splitlines()[0].endswith(": still wrong")
    engine.write_text(ENGINE.format("(("))
    assert "cannot load engine 'adapter.py'" in watched.round()
    engine.write_text(ENGINE.format("+1"))
    mended = watched.round()
    assert mended.splitlines()[0].endswith(": mended")
    assert "RIGHT" in mended
    engine.write_text(ENGINE.format("-1"))
    broken = watched.round()
    assert "WRONG" in broken
    assert "mended" not in broken
    watched.process.send_signal(signal.SIGINT)
    assert watched.process.wait(timeout=30) == INTERRUPTED


def test_what_is_installed_is_not_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("micrograd")
    monkeypatch.chdir(tmp_path)  # in a clone the adapter is a file that somebody may mend
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert main(["verify", "--watch", "--engine", "micrograd"]) == BAD_USAGE
    assert "nothing to watch: all files of micrograd are installed ones" in capsys.readouterr().err


def test_an_engine_in_the_process_that_judges_it_is_not_watched(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--watch", "--in-process"]) == BAD_USAGE
    assert "--watch asks the engine in a new process" in capsys.readouterr().err


def test_the_files_of_an_engine_are_found_without_its_tests_or_the_suite() -> None:
    command = [sys.executable, "-m", "nn_from_scratch.verify.engines.written_in", "nn_from_scratch"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    names = {Path(file).relative_to(ROOT / "nn_from_scratch").as_posix() for file in json.loads(done.stdout)}
    assert {"node.py", "rules.py", "reverse.py"} <= names
    assert not {name for name in names if name.startswith("verify/") or name == "statuses.py"}
