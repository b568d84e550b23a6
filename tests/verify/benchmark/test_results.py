from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nn_from_scratch.verify.benchmark import benchmark, programs, results
from nn_from_scratch.verify.benchmark.growth import Growth
from nn_from_scratch.verify.benchmark.machine import machine
from nn_from_scratch.verify.benchmark.measuring import Contender, Pairs
from nn_from_scratch.verify.benchmark.peers import CannotError, LeftOutError
from nn_from_scratch.verify.benchmark.resident import Resident
from nn_from_scratch.verify.benchmark.workloads import SCALARS, SUBJECT, Workload

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def instant_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "import_pairs", lambda **_: Pairs([0.01] * 7, [0.1] * 7))


def workload(subject: Any = 1.0, baseline: Any = 1.0, **options: Any) -> Workload:
    def made(value: Any) -> Callable[[], Contender]:
        def make() -> Contender:
            if isinstance(value, BaseException):
                raise value
            return Contender(lambda: None, lambda _: [value])

        return make

    measure = options.pop("measure", lambda _: lambda: 0.5)
    return Workload("Nothing", {SUBJECT: made(subject), "it": made(baseline)}, measure=measure, **options)


@pytest.mark.usefixtures("instant_import")
def test_benchmark_returns_rows_as_strict_json_and_reports_progress() -> None:
    seen: list[tuple[int, int, str]] = []
    found = benchmark(
        workloads=[workload(marks={"it": 2.0}), workload(unit="bytes")],
        seconds=0,
        progress=lambda *step: seen.append(step),
    )
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["schema"], found["kind"], found["verdict"]) == (1, "benchmark", "measured")
    assert found["interrupted"] is False
    assert found["notes"] == []
    assert found["growth"] == found["resident"] == found["catching"] == []
    common = {
        "name": "Nothing",
        "subject": SUBJECT,
        "baseline": "it",
        "ratio": 1,
        "low": 1,
        "high": 1,
        "speed": "within noise",
        "pairs": 7,
    }
    assert found["rows"] == [
        common
        | {
            "unit": "seconds",
            "subject_seconds": 0.5,
            "baseline_seconds": 0.5,
            "mark": 2,
            "outcome": "missed",
        },
        common | {"unit": "bytes", "subject_bytes": 0.5, "baseline_bytes": 0.5},
        {
            **common,
            "name": "Import, beyond numpy",
            "baseline": "numpy",
            "ratio": 10,
            "low": 10,
            "high": 10,
            "speed": "ahead",
            "unit": "seconds",
            "subject_seconds": 0.01,
            "baseline_seconds": 0.1,
            "mark_seconds": 0.015,
            "outcome": "reached",
        },
    ]
    assert [step[:2] for step in seen] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert found["environment"]["numpy"] == np.__version__
    assert found["machine"] == machine()


@pytest.mark.usefixtures("instant_import")
def test_benchmark_says_what_was_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch", "micrograd", "micrograd.engine"):
        monkeypatch.setitem(sys.modules, name, None)
    found = benchmark(workloads=[SCALARS, SCALARS, workload()], seconds=0)
    assert found["verdict"] == "measured"
    assert [row["name"] for row in found["rows"]] == ["Nothing", "Import, beyond numpy"]
    assert found["notes"] == [
        "micrograd: not installed: pip install micrograd",
        "PyTorch: not installed: pip install torch",
    ]


@pytest.mark.usefixtures("instant_import")
def test_benchmark_says_what_a_peer_cannot_do_and_how_long_one_compiled() -> None:
    def compiled() -> Contender:
        return Contender(lambda: None, lambda _: [1.0], compile_seconds=3.5)

    slow = Workload("Compiled", {SUBJECT: compiled, "it": compiled}, measure=lambda _: lambda: 0.5)
    deep = [workload(baseline=error) for error in (RecursionError("..."), CannotError("it has no tanh"))]
    found = benchmark(workloads=[*deep, slow], seconds=0)
    assert found["verdict"] == "measured"
    assert found["rows"][0]["baseline_compile_seconds"] == 3.5
    assert found["notes"] == [
        "Nothing: nn_from_scratch and it: not measured, the graph is too deep: RecursionError",
        "Nothing: nn_from_scratch and it: not measured, it has no tanh",
    ]


@pytest.mark.usefixtures("instant_import")
def test_benchmark_says_once_where_a_peer_was_left_out_and_why() -> None:
    slow = workload(baseline=LeftOutError("it takes minutes"))
    found = benchmark(workloads=[slow, replace(slow, name="Something"), workload()], seconds=0)
    assert found["verdict"] == "measured"
    assert found["notes"] == ["it: it takes minutes: left out of Nothing; Something"]


@pytest.mark.usefixtures("instant_import")
def test_benchmark_passes_on_the_lack_of_what_it_needs() -> None:
    lacking = workload(baseline=ModuleNotFoundError("No module named 'sklearn'", name="sklearn"))
    with pytest.raises(ModuleNotFoundError, match="sklearn"):
        benchmark(workloads=[lacking], seconds=0)


@pytest.mark.usefixtures("instant_import")
def test_benchmark_of_different_results_is_wrong_and_keeps_the_other_rows() -> None:
    found = benchmark(workloads=[workload(baseline=2.0), workload()], seconds=0)
    assert found["verdict"] == "wrong"
    assert len(found["rows"]) == 2
    (note,) = found["notes"]
    assert "compute different things (run 1: array 0 of the results, of shape (), differs by 1" in note


@pytest.mark.usefixtures("instant_import")
def test_benchmark_measures_growth_with_everything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int, str]] = []
    monkeypatch.setattr(results, "WORKLOADS", (workload(),))
    for name in ("JUDGING", "TUTORIALS"):
        monkeypatch.setattr(results, name, ())
    monkeypatch.setattr(programs, "workloads", lambda **_: [])
    monkeypatch.setattr(results, "SECOND_ORDER", workload())

    class Grown(Growth):
        def measure(self, **_: object) -> None:
            self.samples["peer"] = {10: [1.0]}
            self.notes.append("too deep")
            self.differ = self.unit == "seconds"

    monkeypatch.setattr(results, "Growth", Grown)
    monkeypatch.setattr(results, "caught", lambda *, whole: ([{"tool": whole}], ["not installed"]))
    found = benchmark(seconds=0, progress=lambda *step: seen.append(step))
    assert found["catching"] == [{"tool": False}]
    assert [(one["peer"], one["unit"]) for one in found["growth"]] == [("peer", "seconds"), ("peer", "bytes")]
    assert found["notes"] == ["not installed", "too deep"]
    assert found["verdict"] == "wrong"  # as growth in seconds tells of results that differ
    assert [step[1] for step in seen] == [6] * 7
    assert [step[0] for step in seen] == [0, 1, 2, 3, 4, 5, 6]

    class Measured(Resident):
        def measure(self, **_: object) -> None:
            self.rows.append({"peer": "peer"})
            self.notes.append("Linux alone")

    def imported(peer: str, **_: object) -> Pairs:
        if peer == "PyTorch":
            raise ModuleNotFoundError("torch", name="torch")
        if peer == "JAX":
            raise ImportError("a fresh python cannot import it:\nits reason")
        return Pairs([0.01] * 7, [0.02] * 7)

    monkeypatch.setattr(results, "Resident", Measured)
    monkeypatch.setattr(results, "MODULES", ("PyTorch", "JAX", "autograd"))
    monkeypatch.setattr(results, "peer_import_pairs", imported)
    assert found["resident"] == []
    assert [row["baseline"] for row in found["rows"]] == ["it", "it", "numpy"]
    seen.clear()
    found = benchmark(seconds=0, whole=True, progress=lambda *step: seen.append(step))
    assert found["resident"] == [{"peer": "peer"}]
    assert [row["baseline"] for row in found["rows"]] == ["it", "it", "numpy", "autograd"]
    assert found["rows"][-1]["ratio"] == 2
    assert found["notes"] == [
        "PyTorch: not installed: pip install torch",
        "Import, beyond numpy: JAX: not measured, its reason",
        *("not installed", "too deep", "Linux alone"),
    ]
    assert [step[:2] for step in seen] == [(done, 7) for done in range(8)]


@pytest.mark.usefixtures("instant_import")
def test_benchmark_interrupted_keeps_its_rows() -> None:
    found = benchmark(workloads=[workload(), workload(baseline=KeyboardInterrupt())], seconds=0)
    assert found["interrupted"] is True
    assert [row["name"] for row in found["rows"]] == ["Nothing"]


@pytest.mark.usefixtures("instant_import")
def test_benchmark_interrupted_within_growth_keeps_the_sizes_that_were_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Interrupted(Growth):
        def measure(self, **_: object) -> None:
            self.samples["peer"] = {10: [1.0]}
            raise KeyboardInterrupt

    monkeypatch.setattr(results, "Growth", Interrupted)
    for name in ("WORKLOADS", "JUDGING", "TUTORIALS"):
        monkeypatch.setattr(results, name, ())
    monkeypatch.setattr(results, "SECOND_ORDER", workload())
    monkeypatch.setattr(programs, "workloads", lambda **_: [])
    found = benchmark(seconds=0)
    assert found["interrupted"] is True
    assert [one["sizes"] for one in found["growth"]] == [[10]]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(2.0, 3.0, "reached"), (1.9, 3.0, "within noise"), (1.0, 1.9, "missed"), (1.0, 2.0, "within noise")],
)
def test_outcome_asks_the_whole_interval(low: float, high: float, expected: str) -> None:
    assert results.outcome(low, high, mark=2.0) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(1.1, 2.0, "ahead"), (0.5, 0.9, "behind"), (0.9, 1.1, "within noise"), (1.0, 1.0, "within noise")],
)
def test_speed_is_within_noise_where_the_interval_contains_1(low: float, high: float, expected: str) -> None:
    assert results.speed(low, high) == expected


def test_import_row_judges_the_time_that_the_engine_adds() -> None:
    slow = Pairs([0.02] * 7, [1.0] * 7)
    assert results.import_row(slow)["outcome"] == "missed"
    assert results.import_row(slow)["ratio"] == 50
