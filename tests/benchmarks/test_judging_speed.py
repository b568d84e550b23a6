"""How fast graphs are judged: `pytest tests/benchmarks/test_judging_speed.py --benchmark-only -n0`.

The ratios to gradcheck are the extra info of its entries. Nothing here asserts a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nn_from_scratch.verify.benchmark.judging import JUDGING
from nn_from_scratch.verify.benchmark.measuring import like_conditions
from nn_from_scratch.verify.benchmark.results import row
from nn_from_scratch.verify.benchmark.workloads import SUBJECT
from nn_from_scratch.verify.engines.loading import load
from nn_from_scratch.verify.judging.examine import WITNESSES, examine
from nn_from_scratch.verify.questions.generate import case, seeded

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from nn_from_scratch.verify.benchmark.workloads import Workload


@pytest.mark.benchmark(group="Judging 200 scalar graphs of 1 to 30 operations")
@pytest.mark.parametrize(
    "witnesses", [(), WITNESSES[:1], WITNESSES], ids=["balls", "finite differences too", "PyTorch too"]
)
def test_generated_graphs_are_judged(benchmark: BenchmarkFixture, witnesses: tuple[str, ...]) -> None:
    if "pytorch" in witnesses:
        pytest.importorskip("torch")
    engine = load(SUBJECT)
    cases = [case(seeded(0, index)) for index in range(200)]
    with like_conditions():
        seen = benchmark(lambda: [examine(engine, one, witnesses=witnesses) for one in cases])
    assert not any(one.verdict.accuses for one in seen)
    assert benchmark.stats is not None
    benchmark.extra_info["graphs_per_second"] = len(cases) / benchmark.stats.stats.median


@pytest.mark.parametrize("workload", JUDGING, ids=lambda workload: str(workload.name))
@pytest.mark.parametrize("name", JUDGING[0].contenders)
def test_judging_is_timed(benchmark: BenchmarkFixture, workload: Workload, name: str) -> None:
    pytest.importorskip("torch")
    benchmark.group = workload.name
    if name != SUBJECT:
        benchmark.extra_info.update(row(workload, name, workload.against(name, seconds=2.0)))
    contender = workload.contenders[name]()
    with like_conditions():
        outcome = benchmark(contender.run)
    assert all(contender.result(outcome))
