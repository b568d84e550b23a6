"""Every workload, timed for everybody who does it: `pytest tests/benchmarks --benchmark-only -n0`.

A baseline's entry carries, as extra info, the engine's ratio to it (interleaved pairs, 95 % interval)
and whether the mark was reached. Nothing here asserts a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nn_from_scratch.verify.benchmark.imports import import_pairs
from nn_from_scratch.verify.benchmark.measuring import like_conditions
from nn_from_scratch.verify.benchmark.results import import_row, row
from nn_from_scratch.verify.benchmark.workloads import SUBJECT, WORKLOADS, Workload

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pytest_benchmark.fixture import BenchmarkFixture

SECONDS = 1.5
PACKAGES = {"PyTorch": "torch", "micrograd": "micrograd", "CasADi": "casadi"}
TIMED = [workload for workload in WORKLOADS if workload.unit == "seconds"]
OTHERS = [workload for workload in WORKLOADS if workload.unit != "seconds"]


def cases(workloads: list[Workload], names: Callable[[Workload], Any]) -> list[Any]:
    return [
        pytest.param(
            workload, name, id=f"{workload.name}-{name}", marks=pytest.mark.benchmark(group=workload.name)
        )
        for workload in workloads
        for name in names(workload)
    ]


@pytest.mark.parametrize(("workload", "name"), cases(TIMED, lambda workload: workload.contenders))
def test_workload_is_timed(benchmark: BenchmarkFixture, workload: Workload, name: str) -> None:
    if name in PACKAGES:
        pytest.importorskip(PACKAGES[name])
    if name != SUBJECT:
        benchmark.extra_info.update(row(workload, name, workload.against(name, seconds=SECONDS)))
    contender = workload.contenders[name]()
    with like_conditions(collector=workload.collector):
        outcome = benchmark(contender.run)
    assert contender.result(outcome)


@pytest.mark.parametrize(("workload", "baseline"), cases(OTHERS, lambda workload: workload.baselines))
def test_workload_is_measured_in_its_unit(
    benchmark: BenchmarkFixture, workload: Workload, baseline: str
) -> None:
    """The time in the table is that of measuring; what was measured is the extra info."""
    if baseline in PACKAGES:
        pytest.importorskip(PACKAGES[baseline])
    pairs = benchmark.pedantic(workload.against, args=[baseline], kwargs={"seconds": SECONDS})  # type: ignore[no-untyped-call]
    benchmark.extra_info.update(row(workload, baseline, pairs))
    assert pairs.ratio > 0


@pytest.mark.benchmark(group="Import")
def test_import_is_measured(benchmark: BenchmarkFixture) -> None:
    """The time in the table is that of measuring; what was measured is the extra info."""
    pairs = benchmark.pedantic(import_pairs, kwargs={"seconds": SECONDS})  # type: ignore[no-untyped-call]
    benchmark.extra_info.update(import_row(pairs))
    assert pairs.ratio > 0
