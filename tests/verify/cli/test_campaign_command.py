"""The campaign of a real engine, as the command line runs it."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console
from without_torch import environment

from nn_from_scratch.statuses import BAD_USAGE, INTERRUPTED, RIGHT, WRONG
from nn_from_scratch.verify.cli.campaign import show
from nn_from_scratch.verify.store.store import Store

pytestmark = pytest.mark.once

ENGINES = """\
from nn_from_scratch import Node
from nn_from_scratch.verify import Engine
import numpy as np


def value(x):
    return x.value if isinstance(x, Node) else x


def made(factor):
    return Engine.from_tape(
        variable=Node,
        value="value",
        gradient=lambda node: node.grad,
        backward="backprop",
        operations={
            "add": lambda a, b: a + b,
            "mul": lambda a, b: a * b,
            "sin": lambda x: np.sin(x) * factor - np.sin(value(x)) * (factor - 1),
        },
    )


engine = made(1.0)
wrong = made(2.0)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(ENGINES)
    (tmp_path / "tmp").mkdir()
    return tmp_path


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "nn_from_scratch", "campaign", *arguments]


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment(folder) | {"PYTHONWARNINGS": "error", "TMPDIR": str(folder / "tmp")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_right_engine_is_right_and_the_store_goes_on(folder: Path) -> None:
    first = run(folder, "store.db", "--engine", "mine.py", "--graphs", "150", "--jobs", "1")
    assert first.returncode == RIGHT, first.stderr
    assert "RIGHT: nn_from_scratch, 200 of 200 random graphs, seed 0" in first.stdout
    assert "200 of 200 graphs" in first.stderr
    assert "Traceback" not in first.stderr
    assert not [*(folder / "tmp").iterdir()]
    more = ("store.db", "--graphs", "4e2", "--jobs", "1", "--progress", "json", "--json", "r.json")
    second = run(folder, *more)
    assert second.returncode == RIGHT, second.stderr
    told = [json.loads(line) for line in second.stderr.splitlines()]
    assert (told[0]["done"], told[-1]["done"], told[-1]["failures"]) == (200, 400, 0)
    results = json.loads((folder / "r.json").read_text())
    assert (results["verdict"], results["graphs"]["checked"]) == ("right", 400)
    assert set(results["operations"]) >= {"add", "mul", "sin"}
    (folder / "mine.py").write_text(ENGINES + "\n")
    changed = run(folder, "store.db")
    assert changed.returncode == BAD_USAGE
    assert "the engine's file has changed: what is added up belongs together" in changed.stderr


def test_failures_of_a_wrong_engine_are_told_once_with_a_script(folder: Path) -> None:
    exports = []
    for jobs in ("1", "2"):
        options = ("--engine", "mine.py:wrong", "--graphs", "600", "--jobs", jobs, "--json", f"{jobs}.json")
        done = run(folder, f"{jobs}.db", *options)
        assert done.returncode == WRONG, done.stderr
        assert "WRONG: nn_from_scratch, 600 of 600 random graphs" in done.stdout
        assert "sin is wrong" in done.stdout
        exports.append((folder / f"{jobs}.json").read_bytes())
    assert exports[0] == exports[1]
    failures = json.loads(exports[0])["failures"]
    assert {failure["operation"] for failure in failures} == {"sin"}
    assert all(failure["reproducer"] for failure in failures)
    assert len({json.dumps([one["expression"], one["kind"]]) for one in failures}) == len(failures)
    until = run(folder, "u.db", "--engine", "mine.py:wrong", "--jobs", "1", "--until-failure")
    assert until.returncode == WRONG
    assert "to go on: nn-from-scratch campaign u.db" in until.stdout


def test_oracles_that_are_alone_are_told_beyond_their_own_errors() -> None:
    results = {
        "verdict": "right",
        "complete": True,
        "plan": {"name": "mine", "seed": 0},
        "graphs": {"requested": 10_000, "checked": 10_000, "right": 10_000},
        "oracles": {name: {"agrees": 9_990, "differs": 10} for name in ("pytorch", "finite differences")},
        "contradicted": {"pytorch": 1, "finite differences": 10},
        "failures": [],
    }
    told = io.StringIO()
    show(Console(file=told, width=100), results, Path("store.db"))
    assert "note: the oracle pytorch contradicts all others about 1 gradients" in told.getvalue()
    assert "finite differences" not in told.getvalue()
    results["contradicted"] = {"finite differences": 11}
    show(Console(file=told, width=100), results, Path("store.db"))
    assert "the oracle finite differences contradicts all others about 11 gradients" in told.getvalue()


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_a_campaign_that_is_ended_keeps_what_was_committed(folder: Path) -> None:
    arguments = command("store.db", "--engine", "mine.py", "--graphs", "1e8", "--jobs", "1")
    with subprocess.Popen(
        arguments,
        cwd=folder,
        env=environment(folder),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        end = time.monotonic() + 60
        while not (folder / "store.db-wal").exists() or (folder / "store.db-wal").stat().st_size < 90_000:
            assert time.monotonic() < end
            time.sleep(0.05)
        busy = run(folder, "store.db")
        assert busy.returncode == BAD_USAGE
        assert "another campaign is at work on store.db" in busy.stderr
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == INTERRUPTED
    with Store(folder / "store.db") as store:
        assert store.chunks > 0
        assert sum(store.total["graphs"].values()) == 200 * store.chunks


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("store.db", "--graphs", "0"), "must be a whole number above 0, such as 1000 or 1e6, got 0"),
        (("store.db", "--graphs", "1.5"), "such as 1000 or 1e6, got 1.5"),
        (("store.db", "--graphs", "1e30"), "must be at most 1e+18, got 1e30"),
        (("store.db", "--graphs", "1e9999999999999"), "must be at most 1e+18"),
        (("store.db", "--jobs", "2", "--dask", "tcp://127.0.0.1:9"), "--jobs are processes of this machine"),
        (("store.db", "--engine", "command:"), "no program follows 'command:'"),
        (("store.db", "--engine", "command:'"), "No closing quotation"),
        (("tmp",), "tmp is no file"),
        (("store.db", "--engine", "none.py"), "there is no file"),
        (("mine.py",), "is no store of a campaign"),
        (("store.db", "--dask", "tcp"), "there is no Dask scheduler at tcp"),
        (("store.db", "--json", "./store.db"), "would write over a file that is what the command reads"),
    ],
)
def test_bad_usage_is_told_in_a_line(arguments: tuple[str, ...], said: str, folder: Path) -> None:
    done = run(folder, *arguments)
    assert done.returncode == BAD_USAGE, done.stdout
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert (folder / "mine.py").read_text() == ENGINES
    assert not (folder / "store.db").exists()


def test_the_engine_may_be_named_again_or_not(folder: Path) -> None:
    for named in ((), ("--engine", "nn_from_scratch"), ()):
        done = run(folder, "store.db", *named, "--graphs", "1", "--jobs", "1")
        assert done.returncode == RIGHT, done.stderr
