"""An engine that ends its process, and a command that is ended: what comes of it, seen from outside."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from without_torch import environment

from nn_from_scratch.statuses import BAD_USAGE, INTERRUPTED, RIGHT, WRONG
from nn_from_scratch.verify.engines.answers import ExitError, asking

pytestmark = pytest.mark.once

ENGINE = """\
import ctypes, os, sys, time
from dataclasses import replace
from pathlib import Path

from nn_from_scratch.verify.power.right_engines.tape import Way

passes = 0


def ending(end, after=200):
    base = Way().engine("ends")

    def backward(output):
        global passes
        passes += 1
        if passes > after:
            end()
        base.driver.backward(output)

    few = {name: base.operations[name] for name in ("add", "mul", "div", "sin", "tanh")}
    driver = replace(base.driver, backward=backward)
    return replace(base, operations=few, explicit=frozenset(few), complete=False, driver=driver)


def sleep(seconds):
    Path(__file__).with_suffix(".asked").touch()
    time.sleep(seconds)


exits = ending(lambda: os._exit(0))
leaves = ending(lambda: sys.exit(0))
aborts = ending(os.abort)
faults = ending(lambda: ctypes.string_at(0))
stays = ending(lambda: None)
slow = ending(lambda: sleep(0.01))
stuck = ending(lambda: sleep(600), after=20)
"""
QUICK = ("--graphs", "20", "--grade", "rules", "--grade", "accuracy", "--in-process")


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    path = tmp_path / "ends.py"
    path.write_text(ENGINE)
    return path


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "nn_from_scratch", *map(str, arguments)]


def run(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """Return what a command did to which PyTorch is hidden."""
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=environment(folder),
    )


def wait_for(happens: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("name", "said"),
    [("exits", "exited with status 0"), ("aborts", "died of SIGABRT"), ("faults", "died of SIGSEGV")],
)
def test_an_engine_that_ends_its_process_is_never_right(name: str, said: str, engine: Path) -> None:
    out = engine.with_suffix(".json")
    out.write_text('{"verdict": "right"}')  # of an earlier run
    done = run(
        "verify", "--engine", f"{engine}:{name}", "--jobs", "1", "--json", out, *QUICK, folder=engine.parent
    )
    assert done.returncode == WRONG
    assert f"the process that checks {said} before there was a verdict" in done.stderr
    assert not out.exists()


def test_the_same_engine_is_right_where_it_does_not_end(engine: Path) -> None:
    done = run("verify", "--engine", f"{engine}:stays", "--jobs", "1", *QUICK, folder=engine.parent)
    assert done.returncode == RIGHT, done.stdout + done.stderr


def test_an_engine_that_ends_a_process_of_several_is_never_right(engine: Path) -> None:
    done = run(
        "verify",
        "--engine",
        f"{engine}:exits",
        "--jobs",
        "2",
        *QUICK,
        "--graphs",
        "400",
        folder=engine.parent,
    )
    assert done.returncode == WRONG
    assert "before there was a verdict" in done.stderr or "a process that checks graphs died" in done.stderr


def test_an_engine_that_raises_system_exit_is_told_as_any_error(engine: Path) -> None:
    out = engine.with_suffix(".json")
    done = run(
        "verify", "--engine", f"{engine}:leaves", "--jobs", "1", "--json", out, *QUICK, folder=engine.parent
    )
    assert done.returncode == WRONG
    results = json.loads(out.read_text())
    assert results["verdict"] == "wrong"
    assert "ExitError: SystemExit: 0" in out.read_text()


def test_an_adapter_that_exits_when_it_is_imported_cannot_be_loaded(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text("import sys\nsys.exit(0)\n")
    done = run("verify", "--engine", path, folder=tmp_path)
    assert done.returncode == BAD_USAGE
    assert "ExitError: SystemExit: 0" in done.stderr


def test_what_asks_an_engine_lets_interruptions_through() -> None:
    with pytest.raises(KeyboardInterrupt), asking():
        raise KeyboardInterrupt
    with pytest.raises(ExitError, match="GeneratorExit"), asking():
        raise GeneratorExit


EARLY = """\
import os, signal, sys
import nn_from_scratch.__main__ as door

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
door.import_module = lambda _: os.kill(os.getpid(), int(sys.argv[1]))
door.main()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="signals are POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_ends_a_command_before_it_has_imported_anything_is_an_interruption(number: int) -> None:
    line = [sys.executable, "-c", EARLY, str(int(number))]
    assert subprocess.run(line, check=False).returncode == INTERRUPTED


@pytest.mark.skipif(not hasattr(os, "setpgrp"), reason="signals are POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_ended_keeps_what_was_checked(number: signal.Signals, engine: Path) -> None:
    out = engine.with_suffix(".json")
    arguments = ("verify", "--engine", f"{engine}:slow", "--jobs", "1", "--json", out, *QUICK)
    with subprocess.Popen(
        command(*arguments), stderr=subprocess.PIPE, text=True, env=environment(engine.parent)
    ) as process:
        wait_for(engine.with_suffix(".asked").exists)
        process.send_signal(number)
        assert process.wait(60) == INTERRUPTED
    assert json.loads(out.read_text())["interrupted"] is True


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked for in /proc")
def test_no_process_outlives_a_command_that_is_killed(engine: Path) -> None:
    arguments = ("verify", "--engine", f"{engine}:stuck", "--jobs", "1", "--graphs", "20", "--in-process")
    with subprocess.Popen(
        command(*arguments), stderr=subprocess.PIPE, text=True, env=environment(engine.parent)
    ) as process:
        wait_for(engine.with_suffix(".asked").exists)
        (leader,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[-1:]
        wait_for(lambda: len(group_of(int(leader))) > 1)  # the processes that checks of state take
        process.kill()
        process.wait(60)
    wait_for(lambda: not group_of(int(leader)))


def group_of(leader: int) -> list[int]:
    """Return the processes of a group that are alive."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, group = path.read_text().rpartition(")")[2].split()[:3]
        except OSError:  # it has ended meanwhile
            continue
        if int(group) == leader and state != "Z":
            found.append(int(path.parent.name))
    return found
