"""The benchmark: every workload against every baseline, as JSON."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nn_from_scratch.verify.benchmark import programs
from nn_from_scratch.verify.benchmark.catching import caught
from nn_from_scratch.verify.benchmark.growth import Growth
from nn_from_scratch.verify.benchmark.imports import MODULES, import_pairs, peer_import_pairs
from nn_from_scratch.verify.benchmark.judging import JUDGING
from nn_from_scratch.verify.benchmark.machine import machine
from nn_from_scratch.verify.benchmark.measuring import DifferentResultsError, Pairs, median_interval
from nn_from_scratch.verify.benchmark.peers import NOT_MEASURED, LeftOutError, why_not
from nn_from_scratch.verify.benchmark.resident import Resident
from nn_from_scratch.verify.benchmark.second_order import SECOND_ORDER
from nn_from_scratch.verify.benchmark.tutorials import TUTORIALS
from nn_from_scratch.verify.benchmark.workloads import SUBJECT, WORKLOADS, Workload
from nn_from_scratch.verify.campaign.environment import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

IMPORT_NAME, IMPORT_MARK_SECONDS = "Import, beyond numpy", 0.015


def benchmark(
    *,
    progress: Callable[[int, int, str], None] | None = None,
    workloads: Sequence[Workload] | None = None,
    whole: bool = False,
    seconds: float | None = None,
) -> dict[str, Any]:
    """Measure the engine's speed, memory and import time, and the suite's speed, beside others', as ratios.

    Parameters
    ----------
    progress
        Called with (rows done, rows in all, what comes next) before each row, and at the end.
    workloads
        What to measure, beside the import: by default everything, and growth.
    whole
        Whether also what takes many minutes is measured: peers that compile for long, graphs as large as
        a run in ten seconds allows, resident memory, and peers' imports.
    seconds
        About how long to measure for each row; slow baselines take longer. By default a seventh of a second,
        and two for the whole.

    Returns
    -------
    dict
        ``whole`` says what was asked for. ``rows``: ``ratio`` is baseline / subject, the median of ``pairs``
        interleaved pairs, ``low`` and ``high`` the 95 % interval of that median; ``speed`` is "ahead" or
        "behind" (the subject) if all of the interval says so, and "within noise" where it contains 1;
        ``subject_<unit>`` and ``baseline_<unit>`` are medians (the unit is seconds unless the row has a
        ``unit``). A row with a ``mark`` (the ratio, or with ``mark_seconds`` the time, that the engine is
        meant to reach) has an ``outcome``: ``"reached"`` or ``"missed"`` if the whole interval says so, else
        ``"within noise"``. ``baseline_compile_seconds`` is what a baseline that compiles took for that,
        apart. ``machine`` says where. ``growth`` has the curves of `growth.Growth`, ``resident`` the rows of
        `resident.Resident` (of the whole benchmark alone), ``catching`` those of `catching.rows`. ``notes``
        say what was not measured, and why. ``verdict`` is ``"measured"``, or
        ``"wrong"`` if the engine's results differed from a baseline's. After a keyboard interrupt
        ``interrupted`` is true, and there are the rows so far.
    """
    start = time.perf_counter()
    growing: dict[str, float] = {}
    if workloads is None:
        growing = dict.fromkeys(("seconds", "bytes"), 10.0 if whole else 0.1)
        workloads = (*WORKLOADS, *programs.workloads(whole=whole), SECOND_ORDER, *TUTORIALS, *JUDGING)
    if seconds is None:
        seconds = 2.0 if whole else 0.15
    tasks = [(workload, baseline) for workload in workloads for baseline in workload.baselines]
    steps = len(tasks) + len(growing) + bool(growing) + bool(growing and whole) + 1
    pairs = _Rows()
    grown: list[Growth] = []
    memory = Resident()
    catches: list[dict[str, Any]] = []
    stops: list[str] = []
    interrupted = False

    def report(done: int, label: str) -> None:
        if progress is not None:
            progress(done, steps, label)

    try:
        for done, (workload, baseline) in enumerate(tasks):
            report(done, _title(workload, baseline))
            pairs.measure(workload, baseline, seconds)
        for done, (unit, limit) in enumerate(growing.items(), len(tasks)):
            report(done, f"Growth in {unit}")
            grown.append(Growth(unit))
            grown[-1].measure(seconds=limit)
        if growing and whole:
            report(steps - 3, "Resident memory")
            memory.measure()
        if growing:  # that is, everything is measured
            report(steps - 2, "Catching planted faults")
            found, stops = caught(whole=whole)
            catches += found
        report(steps - 1, IMPORT_NAME)
        pairs.rows.append(import_row(import_pairs(seconds=seconds)))
        pairs.measure_imports(MODULES if growing and whole else (), seconds)
        report(steps, "done")
    except KeyboardInterrupt:
        interrupted = True
    told = [note for one in grown for note in one.notes]
    notes = [*pairs.notes, *stops, *told, *memory.notes, *pairs.left_out_notes]
    return {
        "schema": 1,
        "kind": "benchmark",
        "verdict": "wrong"
        if any([pairs.differ, memory.differ, *(one.differ for one in grown)])
        else "measured",
        "seconds": time.perf_counter() - start,
        "interrupted": interrupted,
        "whole": whole,
        "environment": environment(),
        "machine": machine(),
        "rows": pairs.rows,
        "growth": [curve for one in grown for curve in one.curves],
        "resident": memory.rows,
        "catching": catches,
        "notes": list(dict.fromkeys(notes)),  # the same is not installed for one workload after the other
    }


@dataclass
class _Rows:
    """What was measured in pairs, and what was not, kept as it is measured."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: defaultdict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    differ: bool = False

    def measure(self, workload: Workload, baseline: str, seconds: float) -> None:
        try:
            self.rows.append(row(workload, baseline, workload.against(baseline, seconds=seconds)))
        except LeftOutError as error:
            self.left_out[baseline, str(error)].append(workload.name)
        except NOT_MEASURED as error:
            self.notes.append(why_not(error, _title(workload, baseline), baseline))
            self.differ |= isinstance(error, DifferentResultsError)

    def measure_imports(self, peers: Iterable[str], seconds: float) -> None:
        for peer in peers:
            try:
                self.rows.append(_row(IMPORT_NAME, peer, peer_import_pairs(peer, seconds=seconds), "seconds"))
            except ModuleNotFoundError as error:
                self.notes.append(why_not(error, IMPORT_NAME, peer))
            except ImportError as error:
                self.notes.append(f"{IMPORT_NAME}: {peer}: not measured, {str(error).splitlines()[-1]}")

    @property
    def left_out_notes(self) -> list[str]:
        """Tell of each peer, and each reason, where it was left out."""
        return [
            f"{peer}: {why}: left out of {'; '.join(works)}" for (peer, why), works in self.left_out.items()
        ]


def _title(workload: Workload, baseline: str) -> str:
    return f"{workload.name}: {SUBJECT} and {baseline}"


def row(workload: Workload, baseline: str, pairs: Pairs) -> dict[str, Any]:
    """Return one row of the results: a workload against one baseline."""
    found = _row(workload.name, baseline, pairs, workload.unit)
    mark = workload.marks.get(baseline)
    if pairs.compile_seconds is not None:
        found["baseline_compile_seconds"] = pairs.compile_seconds
    if mark is not None:
        found |= {"mark": mark, "outcome": outcome(*pairs.interval, mark)}
    return found


def import_row(pairs: Pairs) -> dict[str, Any]:
    """Return the row of the import; its mark is a time, not a ratio."""
    shortest, longest = median_interval(pairs.subject)
    return _row(IMPORT_NAME, "numpy", pairs, "seconds") | {
        "mark_seconds": IMPORT_MARK_SECONDS,
        "outcome": outcome(-longest, -shortest, -IMPORT_MARK_SECONDS),
    }


def _row(name: str, baseline: str, pairs: Pairs, unit: str) -> dict[str, Any]:
    low, high = pairs.interval
    return {
        "name": name,
        "subject": SUBJECT,
        "baseline": baseline,
        "ratio": pairs.ratio,
        "low": low,
        "high": high,
        "speed": speed(low, high),
        "pairs": len(pairs.ratios),
        "unit": unit,
        f"subject_{unit}": statistics.median(pairs.subject),
        f"baseline_{unit}": statistics.median(pairs.baseline),
    }


def speed(low: float, high: float) -> str:
    """Say what the interval of a ratio tells: the subject is ahead or behind, or it is within noise."""
    return "ahead" if low > 1 else "behind" if high < 1 else "within noise"


def outcome(low: float, high: float, mark: float) -> str:
    """Say whether an interval lies at or above a mark, below it, or across it."""
    return "reached" if low >= mark else "missed" if high < mark else "within noise"
