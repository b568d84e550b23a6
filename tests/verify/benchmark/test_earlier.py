"""Earlier benchmarks that are compared with are made up here: nothing is timed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from nn_from_scratch.statuses import BAD_USAGE, RIGHT
from nn_from_scratch.verify import benchmark as room
from nn_from_scratch.verify.benchmark.earlier import EarlierError, comparable, comparison, word
from nn_from_scratch.verify.benchmark.machine import machine
from nn_from_scratch.verify.benchmark.workloads import SUBJECT
from nn_from_scratch.verify.cli import commands as cli
from nn_from_scratch.verify.results.tables import show_benchmark

pytestmark = pytest.mark.once
HERE = {"processor": "made up", "cores": 2}


def figure(name: str, low: float, ratio: float, high: float) -> dict[str, Any]:
    return {"name": name, "subject": "us", "baseline": "them", "low": low, "ratio": ratio, "high": high}


def run(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "kind": "benchmark",
        "verdict": "measured",
        "interrupted": False,
        "seconds": 1.0,
        "environment": {"numpy": "2"},
        "machine": dict(HERE),
        "rows": list(rows),
        **more,
    }


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1.2, 1.4, "improved"),
        (0.7, 0.9, "regressed"),
        (0.9, 1.1, "within noise"),
        (0.5, 1.0, "within noise"),
        (0.98, 1.02, "no change"),
        (1.01, 1.04, "no change"),
        (1.01, 1.06, "improved"),
        (0.94, 0.99, "regressed"),
    ],
)
def test_word_asks_the_whole_interval(low: float, high: float, expected: str) -> None:
    assert word(low, high) == expected


def test_comparison_classifies_every_figure_and_names_those_that_only_one_run_has() -> None:
    old = run(
        figure("better", 1.9, 2, 2.1),
        figure("worse", 1.9, 2, 2.1),
        figure("same", 1.99, 2, 2.01),
        figure("noisy", 1.5, 2, 2.5),
        figure("lost", 1, 1, 1),
    )
    new = run(
        figure("noisy", 1.6, 2.2, 2.7),
        figure("same", 2, 2.02, 2.03),
        figure("worse", 0.9, 1, 1.1),
        figure("better", 3.9, 4, 4.2),
        figure("found", 1, 1, 1),
        environment={"numpy": "3"},
    )
    found = comparison(old, new)
    assert {row["name"]: row["word"] for row in found["rows"]} == {
        "better": "improved",
        "worse": "regressed",
        "same": "no change",
        "noisy": "within noise",
    }
    (better,) = (row for row in found["rows"] if row["name"] == "better")
    assert (better["old"], better["new"], better["change"]) == (2, 4, 2)
    assert (better["low"], better["high"]) == pytest.approx((3.9 / 2.1, 4.2 / 1.9))
    assert found["missing"] == ["lost: us and them"]
    assert found["added"] == ["found: us and them"]
    assert found["versions"] == ["numpy was 2 and is 3"]


def grown(unit: str, exponent: float, *, most: int = 1000, each: float = 100.0) -> dict[str, Any]:
    fitted = {"low": 0.99 * exponent, "exponent": exponent, "high": 1.01 * exponent}
    return {"peer": SUBJECT, "unit": unit, "sizes": [10, most], "medians": [1.0, each * most], **fitted}


def catch(tool: str, faults: int = 5, **ratio: float) -> dict[str, Any]:
    return {"tool": tool, "faults": 7, "faults_caught": faults, **ratio}


def test_comparison_takes_growth_memory_and_the_cost_of_a_catch() -> None:
    others = grown("seconds", 2.0) | {"peer": "them"}
    old = run(
        growth=[grown("seconds", 1.5), grown("bytes", 1.0, each=100.0), others],
        catching=[catch("us"), catch("them", low=1.9, ratio=2.0, high=2.1), catch("nobody", faults=0)],
    )
    new = run(
        growth=[grown("seconds", 1.1), grown("bytes", 1.01, each=120.0), others],
        catching=[catch("us", faults=6), catch("them", low=3.9, ratio=4.0, high=4.1)],
    )
    found = comparison(old, new)
    assert {(row["name"], row["baseline"]): (row["change"], row["word"]) for row in found["rows"]} == {
        ("Catching a fault", "them"): (2.0, "improved"),
        ("Growth in time up to 1,000 operations, exponent", ""): (pytest.approx(1.5 / 1.1), "improved"),
        ("Growth in memory up to 1,000 operations, exponent", ""): (pytest.approx(1 / 1.01), "no change"),
        ("Bytes an operation, of 1,000 operations", ""): (pytest.approx(100 / 120), "regressed"),
    }
    assert found["versions"] == ["us caught 5 of 7 faults and catches 6 of 7 faults"]
    larger = run(growth=[grown("bytes", 1.0, most=10_000)])
    assert comparison(old, larger)["rows"] == []  # fitted elsewhere
    assert f"Bytes an operation, of 10,000 operations: {SUBJECT}" in comparison(old, larger)["added"]


def test_earlier_run_is_taken_also_out_of_a_report() -> None:
    results = run(figure("one", 1, 2, 3))
    for written in (results, {"verify": {}, "moons": {}, "benchmark": results}):
        assert comparable(written, Path("old.json"), HERE) == results


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ([], "is no result of a benchmark"),
        (run() | {"kind": "moons"}, "is no result of a benchmark"),
        ({"verify": {}}, "is no result of a benchmark"),
        (run(schema=7), "has schema 7, and this version reads schema 1"),
        (
            run(machine={"processor": "other", "cores": 64}),
            r"another machine \(other, 64 cores\) than this one \(made up, 2 cores\)",
        ),
        ({k: v for k, v in run().items() if k != "machine"}, "which it does not name"),
        (run(figure("one", 3, 2, 1)), "has a row without"),
        (run(figure("one", 0, 2, 3)), "has a row without"),
        (run({"name": "one"}), "has a row without"),
        (run(rows=None), "has a row without"),
        (run(growth=[{"peer": SUBJECT}]), "has growth or catches that no benchmark writes: KeyError"),
        (run(growth=[grown("seconds", 1.0) | {"sizes": []}]), "has growth or catches"),
        (run(catching=[{"low": 1, "ratio": 1, "high": 1}]), "has growth or catches"),
    ],
)
def test_what_cannot_be_compared_with_is_refused(written: Any, expected: str) -> None:
    with pytest.raises(EarlierError, match=expected):
        comparable(written, Path("old.json"), HERE)


def test_command_shows_a_regression_and_does_not_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(json.dumps(run(figure("work", 1.9, 2, 2.1), figure("lost", 1, 1, 1), machine=machine())))
    monkeypatch.setattr(room, "benchmark", lambda **_: run(figure("work", 0.9, 1, 1.1)))
    assert cli.main(["benchmark", "--compare", str(old), "--json", str(new)]) == RIGHT
    out = capsys.readouterr().out
    assert "regressed" in out
    assert "in the earlier run alone: lost: us and them" in out
    (row,) = json.loads(new.read_text())["comparison"]["rows"]
    assert row["word"] == "regressed"


def test_command_refuses_a_bad_file_before_it_measures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(room, "benchmark", lambda **_: pytest.fail("it measured"))
    path = tmp_path / "old.json"
    assert cli.main(["benchmark", "--compare", str(path)]) == BAD_USAGE
    assert "No such file" in capsys.readouterr().err
    for text in ("{", "[" * 100_000):
        path.write_text(text)
        assert cli.main(["benchmark", "--compare", str(path)]) == BAD_USAGE
        assert "is no JSON" in capsys.readouterr().err
    path.write_text("{}")
    assert cli.main(["benchmark", "--compare", str(path)]) == BAD_USAGE
    assert "--compare" in capsys.readouterr().err
    assert cli.main(["benchmark", "--compare", str(path), "--json", str(path)]) == BAD_USAGE
    assert path.read_text() == "{}"


def test_table_says_what_is_within_noise() -> None:
    console = Console(record=True, width=120)
    rows = [figure("one", 0.9, 1, 1.1) | {"speed": "within noise"}, figure("two", 2, 3, 4)]
    show_benchmark(console, run(*rows))
    lines = console.export_text().splitlines()
    assert ["within noise" in line for line in lines if "them" in line] == [True, False]


def test_resident_memory_is_compared_and_less_of_it_is_better() -> None:
    def memory(each: float) -> list[dict[str, Any]]:
        ours = {"peer": SUBJECT, "operations": 99_999, "bytes": each, "least": each - 1, "most": each + 1}
        return [ours, ours | {"peer": "them", "bytes": 1.0}]

    found = comparison(run(resident=memory(200.0)), run(resident=memory(100.0)))
    assert [(row["name"], row["word"]) for row in found["rows"]] == [
        ("Resident bytes an operation, of 99,999 operations", "improved")
    ]
    assert found["rows"][0]["change"] == 2
