"""Record with what power a campaign's time grows: python reference/record_campaign_growth.py.

Processor time, which other processes do not stretch: of asking and judging by the number of graphs, in one
process and the engine's own, without their start; of a commit by the number of chunks that are in the store.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from nn_from_scratch.verify.benchmark.growth import exponent
from nn_from_scratch.verify.benchmark.machine import machine
from nn_from_scratch.verify.campaign.environment import environment
from nn_from_scratch.verify.engines.wire.isolated import isolated
from nn_from_scratch.verify.store.asking import Found, Request, ask
from nn_from_scratch.verify.store.plan import CHUNK, Plan
from nn_from_scratch.verify.store.running import Campaign
from nn_from_scratch.verify.store.store import Store

HERE = Path(__file__).parent
GRAPHS = tuple(CHUNK * 2**k for k in range(1, 7))
CHUNKS = tuple(10**k for k in range(3, 8))
SAMPLES = 5
COMMITS = 200  # that are timed together


class Here(Executor):
    """An executor that does the work at once, in this process."""

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        """Do it."""
        done: Future[Any] = Future()
        done.set_result(work(*arguments, **options))
        return done


def processor_seconds() -> float:
    """Return what this process and its children have taken so far."""
    children = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return time.process_time() + sum(times.user + times.system for times in children)


def planned(engine: str = "nn_from_scratch") -> Plan:
    """Return the plan of a campaign of an engine."""
    found = isolated(engine)
    with closing(found.driver):
        return Plan.of(found, engine, 0, in_process=False)


def asking(plan: Plan, sizes: Sequence[int] = GRAPHS, samples: int = SAMPLES) -> dict[int, list[float]]:
    """Return processor seconds of whole campaigns by their numbers of graphs, sizes by turns."""
    ask(Request(plan, 0))  # the engine's process is there from now on
    seconds: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(samples):
        for size in sizes:
            with TemporaryDirectory() as folder, Store(Path(folder) / "store.db") as store:
                store.begin(plan, size)
                before = processor_seconds()
                Campaign(store, plan, size, workers=1).run(Here)
                seconds[size].append(processor_seconds() - before)
    return seconds


def committing(plan: Plan, sizes: Sequence[int] = CHUNKS, samples: int = SAMPLES) -> dict[int, list[float]]:
    """Return processor seconds of a commit by the number of chunks that there are."""
    found = replace(ask(Request(plan, 0)), failures=[])
    seconds: dict[int, list[float]] = {}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        with Store(path) as store:
            store.begin(plan, plan.chunk)
        for size in sizes:
            _fill(path, size, plan.chunk)
            with Store(path) as store:
                firsts = iter(range(size * plan.chunk, 2 * size * plan.chunk, plan.chunk))
                seconds[size] = [_commit(store, found, firsts) for _ in range(samples)]
            _fill(path, size, plan.chunk)  # without them again
    return seconds


def _fill(path: Path, chunks: int, chunk: int) -> None:
    """Let a store have so many chunks, and no others."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM chunk WHERE first >= ?", (chunks * chunk,))
        (there,) = database.execute("SELECT count(*) FROM chunk").fetchone()
        missing = ((k * chunk,) for k in range(there, chunks))
        database.executemany("INSERT INTO chunk VALUES (?)", missing)


def _commit(store: Store, found: Found, firsts: Iterator[int]) -> float:
    begun = time.process_time()
    for _ in range(COMMITS):
        store.commit(replace(found, first=next(firsts)))
        store.failing_programs  # noqa: B018  as after each commit
    return (time.process_time() - begun) / COMMITS


def fitted(samples: dict[int, list[float]]) -> dict[str, Any]:
    """Return samples with the power of the size that fits their medians, and its 95 % interval."""
    power, low, high = exponent(samples)
    return {
        "sizes": list(samples),
        "processor seconds": list(samples.values()),
        "exponent": power,
        "low": low,
        "high": high,
    }


def main() -> None:
    """Write campaign_growth.json."""
    plan = planned()
    by_graphs, by_chunks = asking(plan), committing(plan)
    curves = {"asking": fitted(by_graphs), "committing": fitted(by_chunks)}
    largest = max(by_graphs)
    record = {
        "about": "Processor time of campaigns by graphs, and of commits by chunks that are there: samples, "
        "and the power of the size that fits their medians by least squares of logarithms.",
        "provenance": {
            "script": "reference/record_campaign_growth.py",
            **environment(),
            **machine(),
            "plan": asdict(plan),
        },
        "seconds a graph": median(by_graphs[largest]) / largest,
        **curves,
    }
    for name, curve in curves.items():
        print(f"{name}: {curve['exponent']:.4f} ({curve['low']:.4f} to {curve['high']:.4f})")
    text = json.dumps(record, indent=1)
    (HERE / "campaign_growth.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
