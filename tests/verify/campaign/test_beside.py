"""Random graphs that other processes check while this one asks directly: the same is found as in turn."""

import atexit
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nn_from_scratch.verify import Engine, isolated, load, verify
from nn_from_scratch.verify.campaign import beside
from nn_from_scratch.verify.campaign.statistics import Statistics
from nn_from_scratch.verify.campaign.workers import pool
from nn_from_scratch.verify.engines.wire.isolated import CAN_ISOLATE
from nn_from_scratch.verify.engines.wire.remote import Remote
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.oracles import pytorch

pytestmark = [pytest.mark.once, pytest.mark.skipif(not CAN_ISOLATE, reason="no processes of POSIX")]

FOUND = ("verdict", "graphs", "second_order", "operations", "oracles", "checks", "failures", "alarms")
ADAPTER = """
import os
import numpy as np
from nn_from_scratch import Node
from nn_from_scratch.verify import Engine

os.environ["WANTED"]
engine = Engine.from_tape(variable=Node, value="value", backward="backprop", operations={"tanh": np.tanh})
"""


class Undone(Executor):
    """An executor whose work is done when a test says so."""

    def __init__(self) -> None:
        self.futures: list[Future[Any]] = []

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        """Return what will be there later."""
        self.futures.append(Future())
        return self.futures[-1]


def found(graphs: int = 50, seconds: float = 1.0) -> Statistics:
    """Return what is found in a chunk of graphs that are right."""
    statistics = Statistics(engine_seconds=seconds)
    statistics.verdicts[Verdict.RIGHT] = graphs
    return statistics


def elsewhere(monkeypatch: pytest.MonkeyPatch) -> list[Future[Any]]:
    """Let chunks be checked by nobody; return their futures, once they are begun."""
    executor = Undone()

    @contextmanager
    def pool(*_: object) -> Iterator[Executor]:
        yield executor
        executor.shutdown(cancel_futures=True)

    monkeypatch.setattr(beside, "pool", pool)
    monkeypatch.setattr(beside, "_workers", lambda *_: 1)
    return executor.futures


def asking_directly(monkeypatch: pytest.MonkeyPatch, does: Callable[[Callable[[], bool]], bool]) -> None:
    """Let that be done in place of direct questions, given whether there is time."""
    name = "nn_from_scratch.verify.campaign.inquiry.ask_directly"
    monkeypatch.setattr(name, lambda _engine, _found, go_on: does(go_on))


def test_the_same_is_found_beside_direct_questions_as_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "_WORTH_A_WORKER", 60)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    asking_directly(monkeypatch, lambda _: True)
    with closing((engine := isolated("nn_from_scratch")).driver):
        in_turn = verify(engine, graphs=60, jobs=1, grades=("rules",))
        monkeypatch.setattr(beside, "checked", None)  # in this process
        there = verify(engine, graphs=60, grades=("rules",))
    assert [there[key] for key in FOUND] == [in_turn[key] for key in FOUND]
    assert there["graphs"]["checked"] == 60


@pytest.mark.parametrize(
    ("change", "workers"),
    [
        ({}, 1),
        ({"graphs": 8000}, 2),
        ({"graphs": 900}, 0),
        ({"jobs": 1}, 0),
        ({"jobs": 3, "graphs": 10}, 3),
        ({"cores": 1}, 0),
    ],
    ids=str,
)
def test_how_many_processes_pay(
    change: dict[str, int], workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: change.get("cores", 2))
    with closing((engine := isolated("nn_from_scratch")).driver):
        assert not engine.silence  # by which it is known to be quick
        assert beside._workers(engine, change.get("graphs", 2000), change.get("jobs")) == workers


def test_what_others_might_not_find_or_not_in_time_is_asked_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    here = load("nn_from_scratch")
    assert here.silence == ""
    assert beside._workers(here, 2000, None) == 0
    with closing((engine := isolated("nn_from_scratch")).driver):
        assert beside._workers(engine, 2000, None) == 0, "nothing is known of its pace"
        assert engine.silence == ""
        assert beside._workers(engine, 2000, None) == 1
        assert beside._workers(replace(engine, arrays=False), 2000, None) == 0
        for kind, name, other in (
            (Remote, "pace", 0.03),
            (Remote, "deaths", [None]),
            (Engine, "has_tape", False),
        ):
            with monkeypatch.context() as patch:
                patch.setattr(kind, name, other)
                assert beside._workers(replace(engine, complete=False), 2000, None) == 0, name


def test_an_engine_takes_no_longer_in_all_where_it_is_asked_by_two(monkeypatch: pytest.MonkeyPatch) -> None:
    futures = elsewhere(monkeypatch)

    def ask(go_on: Callable[[], bool]) -> bool:
        assert go_on()
        futures[0].set_result(found(seconds=9.0))
        assert go_on()
        futures[1].set_result(found(seconds=2.0))
        assert [future.cancelled() for future in futures[:4]] == [False, False, True, True]
        return go_on()

    asking_directly(monkeypatch, ask)
    results = verify(load("nn_from_scratch"), graphs=200, seconds=10.0, grades=("rules",))
    assert results["stopped by time"]
    assert results["graphs"]["checked"] == 100, "what is there is counted"
    assert results["grades"]["rules"] == "not settled"


def test_state_is_checked_while_others_check_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    futures = elsewhere(monkeypatch)

    def ask(_: object) -> bool:
        for future in futures:
            future.set_result(found())
        return True

    asking_directly(monkeypatch, ask)
    told: list[tuple[str, int]] = []

    def progress(done: int, _: int, words: str) -> None:
        told.append((words, done))

    engine = load("nn_from_scratch")
    results = verify(engine, graphs=100, grades=("rules", "state"), progress=progress)
    assert results["verdict"] == "right"
    assert told[1:4] == [("checking state and limits", 0), ("checking graphs", 50), ("checking graphs", 100)]


def test_what_others_have_found_is_kept_after_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    futures = elsewhere(monkeypatch)

    def ask(_: object) -> bool:
        for future in futures[:2]:
            future.set_result(found())
        futures[2].set_exception(BrokenProcessPool())
        raise KeyboardInterrupt

    asking_directly(monkeypatch, ask)
    results = verify(load("nn_from_scratch"), graphs=200, grades=("rules",))
    assert results["interrupted"]
    assert results["graphs"]["checked"] == 100
    assert results["verdict"] == "not settled"


@pytest.mark.parametrize("jobs", [None, 2])
def test_what_a_process_that_died_leaves_is_checked_here_unless_it_was_asked_for(
    jobs: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    futures = elsewhere(monkeypatch)

    def ask(_: object) -> bool:
        futures[0].set_exception(BrokenProcessPool())
        futures[1].set_result(found())
        return True

    asking_directly(monkeypatch, ask)
    if jobs:
        with pytest.raises(BrokenProcessPool):
            verify(load("nn_from_scratch"), graphs=60, jobs=jobs, grades=("rules",))
    else:
        results = verify(load("nn_from_scratch"), graphs=60, grades=("rules",))
        assert results["graphs"]["checked"] == 50 + 50
        assert len(results["checks"]["verdict"]) == 50, "which were checked in this process"


def _leave_a_note(path: str) -> None:
    """Let that be written at the end of the process."""
    atexit.register(Path(path).write_text, "ended")


def test_a_worker_does_at_its_end_what_is_to_be_done(tmp_path: Path) -> None:
    note = tmp_path / "note"
    with pool(1, _leave_a_note, str(note)) as executor:
        assert executor.submit(abs, -1).result() == 1
        assert not note.exists()
    assert note.read_text() == "ended"


def test_a_script_without_a_guard_may_have_several_jobs(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from nn_from_scratch.verify import load, verify\n"
        'print("begins")\n'
        'grades = ("rules", "accuracy")\n'
        'found = verify(load("nn_from_scratch"), graphs=60, jobs=2, directly=False, grades=grades)\n'
        'print(found["verdict"], found["graphs"]["checked"])\n'
    )
    done = subprocess.run([sys.executable, script], check=False, capture_output=True, text=True, timeout=300)
    assert (done.stdout.split(), done.stderr) == (["begins", "right", "60"], "")


def test_every_process_of_an_engine_has_its_environment_and_its_limits(tmp_path: Path) -> None:
    path = tmp_path / "adapter.py"
    path.write_text(ADAPTER)
    engine = isolated(path, environment={"WANTED": "1"})
    with closing(engine.driver):
        results = verify(engine, graphs=4, jobs=2, directly=False, grades=("rules", "state"))
    assert results["verdict"] == "right", results["state"]
    assert {check["outcome"] for check in results["state"] if "hash seeds" in check["name"]} == {"right"}


def test_importing_pytorch_survives_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, interrupted, goes_on, ended = (threading.Event() for _ in range(4))
    main = threading.get_ident()

    def imports() -> str:
        begun.set()
        goes_on.wait(60)
        ended.set()
        return "1.0"

    def interrupts() -> None:
        begun.wait(60)
        while not interrupted.wait(0.05):  # a signal that comes before it waits does not wake it
            signal.pthread_kill(main, signal.SIGINT)

    def once(*_: object) -> None:
        if not interrupted.is_set():
            interrupted.set()
            raise KeyboardInterrupt

    monkeypatch.setattr(pytorch, "_imported", imports)
    pytorch.version.cache_clear()
    before = signal.signal(signal.SIGINT, once)
    try:
        threading.Thread(target=interrupts).start()
        with pytest.raises(KeyboardInterrupt):
            pytorch.version()
        assert not ended.is_set()
        goes_on.set()
        assert pytorch.version() == "1.0"
    finally:
        signal.signal(signal.SIGINT, before)
        pytorch.version.cache_clear()
