"""The work: the same totals for any number of workers and any interruption, and when it ends."""

import json
import math
import os
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fake_chunks import PLAN, ask

from nn_from_scratch.verify import Engine
from nn_from_scratch.verify.campaign.chunks import checked
from nn_from_scratch.verify.campaign.statistics import Statistics
from nn_from_scratch.verify.engines.loading import load
from nn_from_scratch.verify.engines.wire.isolated import CAN_ISOLATE
from nn_from_scratch.verify.engines.wire.remote import Remote
from nn_from_scratch.verify.store import asking
from nn_from_scratch.verify.store.asking import Found, Request
from nn_from_scratch.verify.store.asking import ask as ask_an_engine
from nn_from_scratch.verify.store.export import results_of
from nn_from_scratch.verify.store.plan import Plan, PlanError
from nn_from_scratch.verify.store.running import Campaign, Progress
from nn_from_scratch.verify.store.store import Store, StoreError

GRAPHS = 1000


def threads(workers: int) -> Any:
    return partial(ThreadPoolExecutor, workers)


def exported(path: Path) -> str:
    with Store(path) as store:
        return json.dumps(results_of(store, PLAN, GRAPHS))


def run(path: Path, workers: int = 2, executors: Any = None, **options: Any) -> list[Progress]:
    told: list[Progress] = []
    with Store(path) as store:
        store.begin(PLAN, GRAPHS)
        options = {"ask": ask, "progress": told.append, **options}
        Campaign(store, PLAN, GRAPHS, workers, **options).run(executors or threads(workers))
    return told


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("whole") / "store.db"
    run(path, 1)
    return exported(path)


def test_what_is_found_is_counted(expected: str) -> None:
    results = json.loads(expected)
    assert (results["verdict"], results["complete"]) == ("wrong", True)
    graphs = results["graphs"]
    assert graphs["checked"] == graphs["right"] + graphs["wrong"] == 1000
    asked = [ask(Request(PLAN, first)) for first in range(0, 1000, 10)]
    assert graphs["wrong"] == sum(found.tally["graphs"].get("wrong", 0) for found in asked)
    assert results["operations"]["add"]["checked"] == sum(found.tally["checked"]["add"] for found in asked)
    assert results["operations"]["add"]["largest error"] == max(
        found.tally["largest"]["add"] for found in asked
    )
    names = {failure["operation"] for found in asked for failure in found.failures}
    assert {failure["operation"] for failure in results["failures"]} == names


def test_an_answer_that_is_no_number_is_strict_json(tmp_path: Path) -> None:
    def ask_for_nan(request: Request) -> Found:
        found = ask(request)
        return replace(found, tally={**found.tally, "largest": {"add": math.inf}})

    run(tmp_path / "store.db", ask=ask_for_nan)
    with Store(tmp_path / "store.db") as store:
        results = results_of(store, PLAN, GRAPHS)
    assert json.loads(json.dumps(results, allow_nan=False))["operations"]["add"]["largest error"] == 1e300


@pytest.mark.parametrize("workers", [2, 4])
def test_totals_are_the_same_for_any_number_of_workers(workers: int, expected: str, tmp_path: Path) -> None:
    told = run(tmp_path / "store.db", workers)
    assert exported(tmp_path / "store.db") == expected
    assert [progress.done for progress in told] == list(range(0, 1001, 10))
    assert {progress.graphs for progress in told} == {1000}
    assert told[-1].seconds_left == 0
    assert told[50].seconds_left > 0


def test_an_interruption_keeps_what_was_committed(expected: str, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.asked == 300:
            raise KeyboardInterrupt

    path = tmp_path / "store.db"
    with pytest.raises(KeyboardInterrupt):
        run(path, progress=stop)
    with Store(path) as store:
        assert store.chunks == 30
    assert [progress.done for progress in run(path)] == list(range(300, 1001, 10))
    assert exported(path) == expected


def test_it_ends_at_a_failure_or_after_a_time_if_that_is_wanted(expected: str, tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    assert 0 < run(path, until_failure=True)[-1].done < 200
    assert not json.loads(exported(path))["complete"]
    assert run(path, until_failure=True)[-1].asked == 0
    assert run(path, seconds=0.0)[-1].asked == 0
    run(path)
    assert exported(path) == expected


def test_what_a_broken_executor_has_not_answered_is_asked_again(expected: str, tmp_path: Path) -> None:
    given: list[int] = []

    @contextmanager
    def breaking() -> Iterator[Executor]:
        given.append(len(given))
        with ThreadPoolExecutor(2) as executor:
            yield executor

    def breaks(request: Request) -> Found:
        if request.first % 130 == 0 and request.first // 130 == len(given) - 1:
            raise BrokenExecutor
        return ask(request)

    run(tmp_path / "store.db", executors=breaking, ask=breaks)
    assert len(given) > 5
    assert exported(tmp_path / "store.db") == expected


def test_executors_that_break_again_and_again_are_told(tmp_path: Path) -> None:
    def breaks(_: Request) -> Found:
        raise BrokenExecutor

    with pytest.raises(StoreError, match="have died 3 times in a row without an answer"):
        run(tmp_path / "store.db", ask=breaks)


def test_processes_that_die_are_made_anew(tmp_path: Path, expected: str) -> None:
    from nn_from_scratch.verify.campaign.workers import pool

    run(tmp_path / "store.db", executors=partial(pool, 2), ask=partial(dying, str(tmp_path / "died")))
    assert (tmp_path / "died").exists()
    assert exported(tmp_path / "store.db") == expected


def dying(mark: str, request: Request) -> Found:
    """Answer, but for one request, which kills its process once."""
    if request.first == 400 and not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), 9)
    return ask(request)


@pytest.mark.once
def test_a_chunk_hangs_on_no_other_that_was_asked_before() -> None:
    pytest.importorskip("autograd")
    plan = plan_of("autograd")
    alone = ask_an_engine(Request(plan, 400))
    for first in (200, 0, 1200):
        ask_an_engine(Request(plan, first))
    assert ask_an_engine(Request(plan, 400)) == alone
    assert alone.tally["checked"]


def test_a_process_that_finds_another_engine_is_told() -> None:
    plan = replace(plan_of("nn_from_scratch"), suite="another")
    with pytest.raises(PlanError, match="suite was 'another', and is"):
        ask_an_engine(Request(plan, 0))


def plan_of(spec: str) -> Plan:
    """Return the plan of small chunks of an engine, which is asked here."""
    return Plan.of(load(spec), spec, 0, in_process=True, chunk=40)


@pytest.mark.once
@pytest.mark.skipif(not CAN_ISOLATE, reason="no processes of POSIX")
def test_an_engine_that_is_killed_from_outside_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = replace(plan_of("nn_from_scratch"), in_process=False)
    expected = ask_an_engine(Request(plan, 0))
    killed: list[int] = []

    def killing(engine: Engine, *arguments: Any) -> Statistics:
        if len(killed) < 2:
            driver = engine.driver
            assert isinstance(driver, Remote)
            process = driver.asker._connection.begin()
            killed.append(process.pid)
            os.kill(process.pid, 9)
        return checked(engine, *arguments)

    monkeypatch.setattr(asking, "checked", killing)
    assert ask_an_engine(Request(plan, 0)) == expected
    assert len(set(killed)) == 2
