"""``nn-from-scratch campaign``: random graphs by the million, kept in a store that loses nothing."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from nn_from_scratch.statuses import INTERRUPTED, NOTHING_CHECKED, RIGHT, WRONG
from nn_from_scratch.verify.campaign.statistics import contradictions
from nn_from_scratch.verify.campaign.workers import pool
from nn_from_scratch.verify.cli import numbers
from nn_from_scratch.verify.cli.arguments import Once, one_of, path
from nn_from_scratch.verify.cli.outputs import UsageError
from nn_from_scratch.verify.cli.terminal import progress_bar, say
from nn_from_scratch.verify.engines.specs import known, resolved
from nn_from_scratch.verify.engines.wire.isolated import isolated_if_possible
from nn_from_scratch.verify.store import dask
from nn_from_scratch.verify.store.export import results_of
from nn_from_scratch.verify.store.plan import Plan
from nn_from_scratch.verify.store.running import Campaign, Executors, Progress
from nn_from_scratch.verify.store.store import Store

TEXT = "Ask an engine random graphs by the million; the store keeps what was asked, and the next run goes on."
GRAPHS = 1_000_000
_STATUSES = (
    "exit status: 0 no graph that was asked is wrong; 1 one is, or a process of the engine ended; 2 "
    "interrupted: what was committed is kept, and the same command goes on; 3 internal error; 4 bad usage, a "
    "store or an engine that cannot be used; 5 nothing was asked"
)
_KINDS = ("bar", "log", "json")
_BETWEEN = 10.0  # seconds between two lines


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add what the command takes beside --json."""
    command.epilog = textwrap.fill(_STATUSES, 79)
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.add_argument("store", type=path, metavar="STORE", help="a file, made if there is none")
    command.add_argument(
        "--engine",
        action=Once,
        metavar="SPEC",
        help=f"{', '.join(known()).replace('%', '%%')}, module:attribute, path.py:attribute, or "
        "'command:PROGRAM' (default: the store's, or nn_from_scratch)",
    )
    command.add_argument(
        "--in-process", action="store_true", help="ask the engine in the processes that judge it"
    )
    command.add_argument(
        "--graphs",
        type=numbers.count,
        metavar="N",
        help="how many there are to be, such as 1e8; whole chunks are asked (default: as many as before, or "
        f"{GRAPHS:,})",
    )
    command.add_argument("--seed", type=int, metavar="S", help="which graphs (default: the store's, or 0)")
    command.add_argument(
        "--jobs", type=numbers.at_least(1), metavar="N", help="how many processes (default: one a core)"
    )
    command.add_argument(
        "--dask", action=Once, metavar="ADDRESS", help="ask on the cluster of this scheduler instead"
    )
    command.add_argument(
        "--minutes", type=numbers.seconds, metavar="T", help="begin no chunk after so many minutes"
    )
    command.add_argument("--until-failure", action="store_true", help="begin no chunk after a failure")
    command.add_argument(
        "--progress",
        type=one_of(_KINDS),
        metavar=f"{{{','.join(_KINDS)}}}",
        help=f"how it is told on the error stream: a bar, a line every {_BETWEEN:g} s, or JSON lines "
        "(default: a bar on a terminal, else lines)",
    )


def asked(options: argparse.Namespace, begin: Callable[[], None]) -> tuple[dict[str, Any], bool]:
    """Ask what the store lacks; return the results so far, and whether the run was interrupted.

    Parameters
    ----------
    options
        Of the command.
    begin
        Called once it is known that the run can start.

    Raises
    ------
    EngineError, PlanError, StoreError
        If the engine or the store cannot be used.

    """
    with Store(options.store) as store:
        plan, graphs = _planned(options, store)
        executors, workers = _executors(options)
        store.begin(plan, graphs)
        begin()
        interrupted = False
        with _told(options.progress) as progress:
            campaign = Campaign(
                store,
                plan,
                graphs,
                workers,
                seconds=60 * options.minutes if options.minutes else math.inf,
                until_failure=options.until_failure,
                progress=progress,
            )
            try:
                campaign.run(executors)
            except KeyboardInterrupt:
                interrupted = True
        return results_of(store, plan, graphs), interrupted


def _planned(options: argparse.Namespace, store: Store) -> tuple[Plan, int]:
    """Return what is to be asked, and how many graphs, in whole chunks: what is not said is the store's."""
    before = store.plan
    spec = options.engine or (before.engine if before else "nn_from_scratch")
    seed = options.seed if options.seed is not None else before.seed if before else 0
    in_process = options.in_process or bool(before and before.in_process and not options.engine)
    engine = isolated_if_possible(spec, in_process=in_process)
    with closing(engine.driver):
        plan = Plan.of(engine, resolved(spec), seed, in_process=in_process)
    return plan, plan.whole(options.graphs or store.graphs or GRAPHS)


def _executors(options: argparse.Namespace) -> tuple[Executors, int]:
    if options.dask:
        if options.jobs:
            raise UsageError("--jobs are processes of this machine, and --dask asks on a cluster: give one")
        return dask.cluster(options.dask), dask.workers_of(options.dask)
    jobs = options.jobs or os.cpu_count() or 1
    return partial(pool, jobs), jobs


@contextmanager
def _told(kind: str | None) -> Iterator[Callable[[Progress], None]]:
    """Give what tells of progress on the error stream."""
    kind = kind or ("bar" if sys.stderr.isatty() else "log")
    if kind != "bar":
        yield _Lines(_as_json if kind == "json" else _as_words)
        return
    with progress_bar(numbers=False) as move:
        yield lambda progress: move(progress.done, progress.graphs, _as_words(progress))


class _Lines:
    """Lines now and then, and at the beginning and the end."""

    def __init__(self, words: Callable[[Progress], str]) -> None:
        self._words, self._last = words, -math.inf

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._last > _BETWEEN or progress.done == progress.graphs:
            say(self._words(progress))
            self._last = now


def _as_words(progress: Progress) -> str:
    left = f", {_time(progress.seconds_left)} left" if math.isfinite(progress.seconds_left) else ""
    return (
        f"{progress.done:,} of {progress.graphs:,} graphs, {progress.rate:,.0f} a second{left}, "
        f"{progress.failures} failures"
    )


def _as_json(progress: Progress) -> str:
    left = progress.seconds_left
    return json.dumps(
        {
            "done": progress.done,
            "graphs": progress.graphs,
            "per second": round(progress.rate, 1),
            "seconds left": round(left) if math.isfinite(left) else None,
            "failures": progress.failures,
        }
    )


def _time(seconds: float) -> str:
    for unit, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:,.0f} {name}"
    return f"{seconds:.0f} s"


def status(results: dict[str, Any], *, interrupted: bool) -> int:
    """Return the exit status of a campaign."""
    if results["verdict"] in {"wrong", "not settled"}:
        return WRONG
    if interrupted:
        return INTERRUPTED
    return RIGHT if results["verdict"] == "right" else NOTHING_CHECKED


def show(console: Console, results: dict[str, Any], store: Path) -> None:
    """Print what is known so far, each failure with its script."""
    graphs = results["graphs"]
    so_far = "" if results["complete"] else " so far"
    console.print(
        f"{results['verdict'].upper()}{so_far}: {results['plan']['name']}, {graphs['checked']:,} of "
        f"{graphs['requested']:,} random graphs, seed {results['plan']['seed']}",
        markup=False,
        highlight=False,
    )
    counts = ", ".join(f"{graphs[name]:,} {name}" for name in graphs if name not in {"requested", "checked"})
    console.print(counts, markup=False, highlight=False)
    for failure in results["failures"]:
        words = f"\n{failure['message']}\nin {failure['chunks']} chunks, first at graph {failure['first']:,}"
        console.print(f"{words}\n\n{failure['reproducer']}", markup=False, highlight=False)
    for note in contradictions(results["contradicted"], results["oracles"]):
        console.print(f"[yellow]note:[/] {note}", highlight=False)
    if not results["complete"]:
        console.print(f"to go on: nn-from-scratch campaign {store}", markup=False, highlight=False)
