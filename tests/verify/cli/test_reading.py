"""``nn-from-scratch report FILE...``: pages of results that there are; nothing is run."""

import json
from pathlib import Path
from typing import Any

import pytest
from narrowed import narrowed

from nn_from_scratch.statuses import BAD_USAGE, INTERRUPTED, NOTHING_CHECKED, RIGHT, WRONG
from nn_from_scratch.verify import load, verify
from nn_from_scratch.verify.campaign.compare import beside
from nn_from_scratch.verify.cli import benchmark, commands

pytestmark = pytest.mark.once

Results = dict[str, Any]
CAMPAIGN = {"kind": "campaign", "plan": {"name": "mine"}, "verdict": "right", "graphs": {"checked": 10}}
COMPARISON = {"kind": "comparison", "engines": [], "interrupted": False}
FUNCTIONS = {"functions": [], "spec": "a.py:f", "verdict": "wrong"}
MOONS = {"kind": "moons", "verdict": "right", "interrupted": True}
BENCHMARK = {"kind": "benchmark", "verdict": "measured", "interrupted": False}


@pytest.fixture(scope="module")
def right() -> Results:
    engine = narrowed(load("nn_from_scratch"), "add", "mul", "relu", "sum")
    results: Results = json.loads(json.dumps(verify(engine, graphs=10, grades=("rules",))))
    return results


@pytest.fixture(autouse=True)
def _nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_run_verify", "_run_moons"):
        monkeypatch.setattr(commands, name, None)
    monkeypatch.setattr(benchmark, "asked", None)


def report(folder: Path, *results: Any) -> tuple[int, str]:
    """Return the exit status, and the title of the page."""
    files = []
    for k, one in enumerate(results):
        files.append(folder / f"{k}.json")
        files[-1].write_text(json.dumps(one))
    page = folder / "page.html"
    status = commands.main(["report", *map(str, files), "--html", str(page)])
    return status, page.read_text() if page.exists() else ""


def test_one_run_is_its_page(right: Results, tmp_path: Path) -> None:
    status, page = report(tmp_path, right)
    assert status == RIGHT
    assert 'id="gradients"' in page


def test_parts_are_one_page_whether_written_together_or_not(right: Results, tmp_path: Path) -> None:
    status, page = report(tmp_path, right, BENCHMARK)
    assert status == RIGHT
    assert 'id="gradients"' in page
    assert 'id="speed"' in page
    assert report(tmp_path, {"verify": right, "benchmark": BENCHMARK}) == (status, page)


def test_several_runs_stand_side_by_side(right: Results, tmp_path: Path) -> None:
    wrong = right | {"engine": "theirs", "spec": "theirs", "verdict": "wrong"}
    status, page = report(tmp_path, right, wrong)
    assert status == WRONG
    assert "2 engines" in page
    assert "theirs" in page
    assert "(seed 0)" in page
    assert "asked the same questions" in page
    _, page = report(tmp_path, right, wrong | {"seed": 1})
    assert "(seed" not in page
    assert "in runs that drew different random graphs" in page


def test_a_comparison_and_a_run_stand_side_by_side(right: Results, tmp_path: Path) -> None:
    theirs = right | {"engine": "theirs", "spec": "theirs"}
    both = beside([right, theirs])
    status, page = report(tmp_path, both, theirs | {"environment": {"python": "3.14"}})
    assert status == RIGHT
    assert "3 engines" in page
    assert "theirs (run 2)" in page
    assert "nn-from-scratch compare nn_from_scratch theirs --graphs=10 --seed=0" in page
    assert "nn-from-scratch verify --engine=theirs --graphs=10 --seed=0" in page
    assert "Environment of nn_from_scratch and theirs (run 1)" in page
    assert "Environment of theirs (run 2)" in page
    assert report(tmp_path, both, theirs) == report(tmp_path, both, theirs)


@pytest.mark.parametrize(
    ("results", "status", "seen"),
    [
        ([CAMPAIGN, CAMPAIGN], RIGHT, "Of 2 campaigns"),
        ([COMPARISON], NOTHING_CHECKED, "Conformance matrix"),
        ([FUNCTIONS], WRONG, "a.py:f"),
        ([FUNCTIONS | {"verdict": "right"}, FUNCTIONS], WRONG, "in 2 runs"),
        ([MOONS], INTERRUPTED, 'id="training"'),
        ([MOONS | {"verdict": "not settled"}], INTERRUPTED, 'id="training"'),  # as the command itself says
        ([CAMPAIGN | {"verdict": "not settled"}], WRONG, 'id="failures"'),
        ([MOONS | {"verdict": None, "interrupted": False}], NOTHING_CHECKED, 'id="training"'),
    ],
)
def test_each_kind_has_its_page(results: list[Results], status: int, seen: str, tmp_path: Path) -> None:
    found, page = report(tmp_path, *results)
    assert found == status
    assert seen in page


@pytest.mark.parametrize(
    ("results", "words"),
    [
        ([CAMPAIGN, MOONS], "do not fit on one page: campaign, moons"),
        ([COMPARISON, MOONS], "do not fit on one page"),
        ([COMPARISON, COMPARISON], "cannot be set side by side: KeyError('graphs')"),
        ([{"engine": "x", "grades": {}, "graphs": {}}] * 2, "cannot be set side by side"),
        ([{}], "0.json holds no results"),
        ([[1]], "0.json holds no results"),
        ([{"verify": {"kind": 3}}], "0.json holds no results"),
    ],
)
def test_what_is_no_page_is_told(
    results: list[Any], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(tmp_path, *results) == (BAD_USAGE, "")
    assert words in capsys.readouterr().err


def test_files_that_cannot_be_read_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, file = str(tmp_path / "page.html"), tmp_path / "results.json"
    assert commands.main(["report", str(file), "--html", page]) == BAD_USAGE
    assert "cannot read" in capsys.readouterr().err
    file.write_text("{")
    assert commands.main(["report", str(file), "--html", page]) == BAD_USAGE
    assert "is no JSON" in capsys.readouterr().err
    file.write_text(json.dumps(CAMPAIGN))
    assert commands.main(["report", str(file), "--html", str(file)]) == BAD_USAGE
    assert commands.main(["report", str(file), "--html", page, "--json", f"{page}.json"]) == BAD_USAGE
