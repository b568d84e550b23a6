"""The contract of the command, seen from outside: each exit status, each way to it, and what is left."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from nn_from_scratch.statuses import (
    BAD_USAGE,
    INTERNAL_ERROR,
    INTERRUPTED,
    MEANINGS,
    NOTHING_CHECKED,
    RIGHT,
    WRONG,
)

BASH = shutil.which("bash") or ""
ROOT = Path(__file__).parents[3]
pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(not Path("/dev/full").exists(), reason="ways of Linux are taken"),
]

ENGINES = """\
import os
import time
from multiprocessing import parent_process
from pathlib import Path

import numpy as np

from nn_from_scratch import Node
from nn_from_scratch.verify import Engine

passes = 0


def made(before=lambda: None, factor=1.0):
    def backward(output):
        global passes
        passes += 1
        if passes > 150:  # after it was loaded
            before()
        output.backprop()

    return Engine.from_tape(
        variable=Node,
        value=lambda node: node.value,
        gradient=lambda node: node.grad * factor,
        backward=backward,
        operations={"sin": np.sin},
        name="é",
    )


def slowly(seconds):
    if seconds:
        Path(__file__).with_suffix(".asked").touch()
    time.sleep(seconds)


engine = made()
wrong = made(factor=2.0)
ends = made(lambda: os._exit(0))
slow = made(lambda: slowly(0.05))
stuck = made(lambda: slowly(1000))
stuck_in_a_worker = made(lambda: slowly(1000 * (parent_process().name != "MainProcess")))
"""
WITHOUT_TORCH = "import sys\nsys.modules['torch'] = None\n"  # it takes seconds to import
BROKEN = WITHOUT_TORCH + "import json\njson.dumps = None\n"


@dataclass(frozen=True)
class Way:
    """A way to a status: a line for bash, what it says on the error stream, and what it leaves."""

    name: str
    status: int
    line: str
    said: str = ""
    left: tuple[str, ...] = ()


VERIFY = "$RUN verify --graphs 1 --jobs 1 --grade rules --in-process --engine é.py"
ASCII = "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 PYTHONWARNINGS=error"
WAYS = (
    Way("right", RIGHT, "$RUN verify --engine é.py --graphs 1 --grade rules --junit new/j", left=("new/j",)),
    Way("nobody reads on", RIGHT, f"{VERIFY} --json j | head -1", left=("j",)),
    Way("no streams", RIGHT, f"{VERIFY} --json j >&- 2>&- <&-", left=("j",)),
    Way(
        "ASCII, warnings are errors, nobody hears",
        RIGHT,
        f"{ASCII} {VERIFY} --json j 2>/dev/full",
        left=("j",),
    ),
    Way("the shell reads", RIGHT, f"{VERIFY} --json >(cat >j); s=$?; sleep 1; (exit $s)", left=("j",)),
    Way("wrong", WRONG, f"{VERIFY}:wrong --json j >/dev/full", "cannot print", ("j",)),
    Way("ends its process", WRONG, f"{VERIFY}:ends --graphs 300", "exited with status 0 before there was"),
    Way(
        "broken",
        INTERNAL_ERROR,
        f"PYTHONPATH=broken:$PYTHONPATH {VERIFY} --json n --junit j",
        "n is not",
        ("j",),
    ),
    Way("no engine", BAD_USAGE, "$RUN verify --engine é.py:none --json new/n", "there is no 'none' in "),
    Way("not written", BAD_USAGE, f"{VERIFY} --json /dev/full --junit j", "cannot write /dev/full", ("j",)),
    Way("not printed", BAD_USAGE, f"{VERIFY} --json j >/dev/full", "cannot print", ("j",)),
    Way("help is not printed", BAD_USAGE, "$RUN verify --help >/dev/full", "cannot print"),
    Way("nobody reads help on", RIGHT, "$RUN --help | true"),
    Way("the version is not printed", BAD_USAGE, "$RUN --version >/dev/full", "cannot print"),
    Way("to what is printed to", BAD_USAGE, f"echo 'sin' >j; {VERIFY} --json j >>j", "prints to", ("j",)),
    Way("after what is printed", RIGHT, f"{VERIFY} --json /dev/stdout >j", left=("j",)),
    Way("nobody reads a pipe", BAD_USAGE, f"mkfifo p; {VERIFY} --json p", "nobody reads it", ("p",)),
    Way(
        "broken while it is imported",
        INTERNAL_ERROR,
        f"mkdir b; echo 'x = = 1' >b/rich.py; PYTHONPATH=b:$PYTHONPATH {VERIFY}; s=$?; rm -r b; (exit $s)",
        "internal error",
    ),
    Way(
        "nowhere",
        BAD_USAGE,
        # No Python starts there with a relative path.
        f"PYTHONPATH=${{PYTHONPATH#quick}}; PYTHONPATH=${{PYTHONPATH#:}}; mkdir g; cd g; "
        f"rmdir ../g; {VERIFY}",
        "the current folder is no more: change to another one",
    ),
    Way("more than memory holds", BAD_USAGE, "$RUN verify --graphs 99999999999999999", "campaign asks more"),
    Way("nothing", NOTHING_CHECKED, "$RUN verify --engine é.py --graphs 0 --grade rules --in-process"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "é.py").write_text(ENGINES)
    for name, text in (("quick", WITHOUT_TORCH), ("broken", BROKEN)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "sitecustomize.py").write_text(text)
    return tmp_path


def surroundings() -> dict[str, str]:
    given = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    path = ["quick", *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**given, "RUN": f"{sys.executable} -m nn_from_scratch", "PYTHONPATH": os.pathsep.join(path)}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_way_leads_to_its_status_and_leaves_what_was_found(way: Way, folder: Path) -> None:
    before = {path.relative_to(folder) for path in folder.rglob("*")}
    script = f"{way.line}\nexit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        [BASH, "-c", script], cwd=folder, env=surroundings(), capture_output=True, text=True, check=False
    )
    assert done.returncode == way.status, done.stdout + done.stderr
    assert way.said in done.stderr
    assert ("Traceback" in done.stderr) is (way.status == INTERNAL_ERROR)
    left = {
        path.relative_to(folder) for path in folder.rglob("*") if "__pycache__" not in path.parts
    } - before
    assert {str(path) for path in left if not (folder / path).is_dir()} == set(way.left)
    assert not way.left or (folder / way.left[0]).is_fifo() or "sin" in (folder / way.left[0]).read_text()


@pytest.mark.parametrize(
    ("number", "engine", "more"),
    [
        (signal.SIGINT, "slow", ("--jobs", "2")),
        (signal.SIGTERM, "slow", ("--jobs", "2", "--in-process")),
        (signal.SIGTERM, "stuck_in_a_worker", ("--jobs", "2", "--in-process")),
        (signal.SIGINT, "stuck", ()),
        (signal.SIGHUP, "stuck", ("--in-process",)),
    ],
)
def test_what_ends_a_command_keeps_results_and_leaves_no_process(
    number: signal.Signals, engine: str, more: tuple[str, ...], folder: Path
) -> None:
    line = f"exec $RUN verify --engine é.py:{engine} --graphs 4000 --grade rules --json j {' '.join(more)}"
    with started(line, folder) as process:
        wait_for((folder / "é.asked").exists)
        (child,) = children(process.pid)
        asked = time.monotonic()
        process.send_signal(number)
        assert process.wait(60) == INTERRUPTED
        assert time.monotonic() - asked < 30
    assert json.loads((folder / "j").read_text())["interrupted"] is True
    wait_for(lambda: not Path(f"/proc/{child}").exists() and not in_folder(folder))


def test_watching_ends_where_nobody_reads(folder: Path) -> None:
    line = "$RUN verify --engine é.py --graphs 1 --grade rules --watch | head -1; exit ${PIPESTATUS[0]}"
    done = subprocess.run(
        [BASH, "-c", line], cwd=folder, env=surroundings(), capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (INTERRUPTED, b"nn-from-scratch: interrupted\n")


def test_a_command_that_is_interrupted_while_it_starts_says_so(folder: Path) -> None:
    for seconds in (0.0, 0.6):
        with started("exec $RUN verify --engine é.py:slow --graphs 4000", folder) as process:
            wait_for(lambda: bool(children(process.pid)))
            time.sleep(seconds)
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=60)[1]
        assert (process.returncode, "Traceback" in said) == (INTERRUPTED, False), said
    wait_for(lambda: not in_folder(folder))


@contextmanager
def started(line: str, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Start a command that a terminal may close, and end it if the test has not."""
    with heeding_closed_terminals():
        process = subprocess.Popen(
            [BASH, "-c", line],
            cwd=folder,
            env=surroundings(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
    with process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def heeding_closed_terminals() -> Iterator[None]:
    """Let what is started not ignore what the tests may be told to ignore, as by nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def wait_for(happens: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.02)


def children(pid: int) -> list[str]:
    """Return the processes that do the work of a command."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [one for one in found if "spawn_main" in Path(f"/proc/{one}/cmdline").read_text()]


def in_folder(folder: Path) -> list[str]:
    """Return the processes that run in a folder."""

    def found() -> Iterator[str]:
        for path in Path("/proc").glob("[0-9]*/cwd"):
            try:
                if path.readlink() == folder:
                    yield path.parent.name
            except OSError:  # it has ended, or is somebody else's
                continue

    return list(found())


def test_every_status_has_a_way_and_stands_in_the_readme() -> None:
    assert {way.status for way in WAYS} | {INTERRUPTED} == set(MEANINGS)
    rows = re.findall(r"^\| (\d) \| (.*) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert rows == [(str(status), meaning) for status, meaning in MEANINGS.items()]
