"""Engines that crash, hang, exit or spoil what is around them: each is told, and none ends the run.

Their base is a right engine, so that whatever is told is what they do besides.
"""

import json
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hostile_engines import LIMITS, heard, wait_until_ended
from long_runs import half
from without_torch import environment

from nn_from_scratch.statuses import BAD_USAGE, NOTHING_CHECKED, RIGHT
from nn_from_scratch.verify import Verdict, verify
from nn_from_scratch.verify.engines.wire.isolated import CAN_ISOLATE, isolated

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(not CAN_ISOLATE, reason="no processes of POSIX"),
]

ENGINES = """\
import builtins, ctypes, json, os, random, signal, sys, threading, time, warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from nn_from_scratch.verify.power.right_engines.tape import Way

passes = 0


class Rude(Exception):
    def __str__(self):
        raise RuntimeError("no text")


class Base(BaseException):
    pass


def raises(error):
    def end():
        raise error

    return end


def spin():
    while True:
        pass


def eat():
    kept = []
    while True:
        kept.append(bytearray(50_000_000))


def patch():
    np.reshape = np.shape = np.array_equal = np.asarray = lambda *_, **__: 1
    builtins.len = lambda _: 0
    json.loads = json.dumps = lambda *_, **__: "{}"


def child_that_lives():
    if passes == 9 and os.fork() == 0:
        os.setsid()
        time.sleep(600)


def close_all():
    for number in range(3, 64):
        try:
            os.close(number)
        except OSError:
            pass


def scribble():
    for number in range(3, 64):
        try:
            os.write(number, b'{"id": 1, "said": []}\\n')
        except OSError:
            pass


DEEDS = {
    "nothing": lambda: None,
    "exits": lambda: os._exit(0),
    "always exits": lambda: os._exit(0),
    "exits with 7": lambda: os._exit(7),
    "raises SystemExit": raises(SystemExit(0)),
    "raises KeyboardInterrupt": raises(KeyboardInterrupt()),
    "raises GeneratorExit": raises(GeneratorExit()),
    "raises its own BaseException": raises(Base("odd")),
    "raises without a text": raises(Rude()),
    "raises a lone surrogate": raises(ValueError("\\ud800 and \\x1b[31m red \\0")),
    "raises a megabyte": raises(ValueError("x" * 1_000_000)),
    "raises RecursionError": raises(RecursionError("deep")),
    "raises MemoryError": raises(MemoryError()),
    "raises a group": raises(ExceptionGroup("many", [ValueError("one")])),
    "raises StopIteration": raises(StopIteration()),
    "raises UnicodeDecodeError": raises(UnicodeDecodeError("utf-8", b"x", 0, 1, "why")),
    "aborts": os.abort,
    "reads at 0": lambda: ctypes.string_at(0),
    "kills itself": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "terminates itself": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "interrupts itself": lambda: os.kill(os.getpid(), signal.SIGINT),
    "stops itself": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "spins": spin,
    "sleeps": lambda: time.sleep(600),
    "eats memory": eat,
    "floods": lambda: print("x" * 1_000_000),
    "floods errors": lambda: sys.stderr.write("x" * 1_000_000),
    "replaces stdout": lambda: setattr(sys, "stdout", None),
    "closes stdout": lambda: os.close(1),
    "closes its channel": close_all,
    "writes into its channel": scribble,
    "changes directory": lambda: os.chdir("/"),
    "removes its directory": lambda: os.rmdir(os.getcwd()),
    "lowers the recursion limit": lambda: sys.setrecursionlimit(80),
    "raises on floating point": lambda: np.seterr(all="raise"),
    "seeds random": lambda: random.seed(0),
    "warns": lambda: warnings.warn("oh"),
    "patches numpy and builtins": patch,
    "forks": lambda: passes < 50 and os.fork(),
    "leaves a child": child_that_lives,
    "starts a thread": lambda: passes == 9 and threading.Thread(target=time.sleep, args=(600,)).start(),
    "clears its environment": os.environ.clear,
    "ignores all": lambda: [signal.signal(n, signal.SIG_IGN) for n in (signal.SIGTERM, signal.SIGINT)],
}


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    deed, base = DEEDS[name.replace("_", " ")], Way().engine("hostile")
    names = ("add", "tanh") if deed is DEEDS["always exits"] else ("add", "mul", "div", "exp", "sin", "tanh")
    few = {operation: base.operations[operation] for operation in names}

    def backward(output):
        global passes
        passes += 1
        if passes % 9 == 0 or deed is DEEDS["always exits"]:
            deed()
        base.driver.backward(output)

    driver = replace(base.driver, backward=backward)
    return replace(base, operations=few, explicit=frozenset(few), complete=False, driver=driver)
"""

HARMLESS = {
    "nothing",
    *("floods", "floods errors", "replaces stdout", "changes directory", "lowers the recursion limit"),
    *("raises on floating point", "seeds random", "warns", "forks", "leaves a child", "starts a thread"),
    *("clears its environment", "ignores all"),
}
"""What an engine may do without harm to itself: it is right then."""

RAISED = {
    "raises SystemExit": "SystemExit",
    "raises KeyboardInterrupt": "KeyboardInterrupt",
    "raises GeneratorExit": "GeneratorExit",
    "raises its own BaseException": "Base: odd",
    "raises without a text": "whose text raises RuntimeError",
    "raises a lone surrogate": "ValueError",
    "raises a megabyte": "ValueError: xxx",
    "raises RecursionError": "RecursionError: deep",
    "raises MemoryError": "MemoryError",
    "raises a group": "ExceptionGroup: many",
    "raises StopIteration": "StopIteration",
    "raises UnicodeDecodeError": "UnicodeDecodeError",
    "interrupts itself": "KeyboardInterrupt",
    "closes stdout": "OSError",
    "removes its directory": "",
    "writes into its channel": "",
}
"""What is no death, but an exception that is told by its name."""

ENDS = {
    "exits": "Exited",
    "exits with 7": "Exited",
    "aborts": "Crashed",
    "reads at 0": "Crashed",
    "kills itself": "Killed",
    "terminates itself": "Crashed",
    "stops itself": "TimedOut",
    "spins": "TimedOut",
    "sleeps": "TimedOut",
    "eats memory": "OutOfMemory",
    "closes its channel": "",
    "patches numpy and builtins": "",
}
"""How a process ends; nothing stands for one way or another."""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "hostile.py"
    path.write_text(ENGINES)
    return path


@pytest.mark.parametrize("deed", sorted(HARMLESS))
def test_what_does_no_harm_is_right(deed: str, hostile: Path) -> None:
    found = heard(hostile, deed)
    assert found.verdicts <= {Verdict.RIGHT, Verdict.UNDECIDED}
    assert not found.deaths


@pytest.mark.parametrize("deed", sorted(RAISED))
def test_what_is_raised_is_told_by_its_name(deed: str, hostile: Path) -> None:
    found = heard(hostile, deed)
    assert Verdict.ERROR in found.verdicts
    assert RAISED[deed] in found.errors
    found.errors.encode("utf-8")
    assert len(found.errors) < 30 * 600


@pytest.mark.parametrize("deed", sorted(ENDS))
def test_a_process_that_ends_is_told(deed: str, hostile: Path) -> None:
    found = heard(hostile, deed)
    assert found.deaths
    assert not ENDS[deed] or ENDS[deed] in found.deaths
    # Of the others nothing is lost, for they are answered when they are asked again.
    lost = ENDS[deed] not in ("Killed", "TimedOut", "OutOfMemory")
    assert (Verdict.ERROR in found.verdicts) is lost


@pytest.mark.parametrize("deed", half(["exits", "kills itself"]))
def test_an_engine_whose_process_ended_is_never_right(deed: str, hostile: Path) -> None:
    # It also dies while it is found out what it has, and is to be asked graphs nevertheless.
    limits = replace(LIMITS, deaths=12, in_a_row=6, lost=60.0)
    engine = isolated(f"{hostile}:{deed.replace(' ', '_')}", limits=limits)
    with closing(engine.driver):
        results = verify(engine, graphs=20, directly=False, jobs=1, grades=("rules", "accuracy"))
    assert not results
    assert results["verdict"] in ("wrong", "not settled")
    assert ENDS[deed] in {death["outcome"] for death in results["deaths"]}
    assert any("the engine's process ended" in alarm for alarm in results["alarms"])


@pytest.mark.parametrize("deed", ["nothing", "always exits"])
def test_the_command_asks_an_engine_in_a_process_of_its_own(deed: str, hostile: Path) -> None:
    out = hostile.with_name("out.json")
    command = [
        "-m",
        "nn_from_scratch",
        "verify",
        "--engine",
        f"{hostile}:{deed.replace(' ', '_')}",
        "--json",
        str(out),
    ]
    done = subprocess.run(
        [sys.executable, *command, "--graphs", "4", "--grade", "rules"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=environment(hostile.parent),
    )
    assert done.returncode == (RIGHT if deed == "nothing" else NOTHING_CHECKED), done.stdout + done.stderr
    assert bool(json.loads(out.read_text())["deaths"]) is (deed == "always exits")
    wait_until_ended(hostile)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import os; os._exit(0)", "'{path}': the process exited with status 0 before it said what it is"),
        ("import os; os.abort()", "died of SIGABRT"),
        ("raise SystemExit(0)", "SystemExit: 0 ({path}, line 1: raise SystemExit(0))"),
        (
            "import argparse\nargparse.ArgumentParser().parse_args(['x'])",
            "SystemExit: 2 ({path}, line 2: argparse",
        ),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import ctypes; ctypes.string_at(0)", "died of SIGSEGV"),
        ("1 / 0", "ZeroDivisionError"),
        ("engine = 3", "no Engine"),
    ],
)
def test_an_engine_that_cannot_be_loaded_has_no_report(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.py"
    path.write_text(text)
    command = [sys.executable, "-m", "nn_from_scratch", "verify", "--engine", str(path)]
    command += ["--json", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == BAD_USAGE, done.stderr
    assert told.format(path=path) in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
