"""``nn-from-scratch compare`` from its arguments to its files and its exit status."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from compared_engines import ENGINES

from nn_from_scratch.statuses import BAD_USAGE, INTERRUPTED, NOTHING_CHECKED, RIGHT, WRONG
from nn_from_scratch.verify.campaign.compare import compare as side_by_side
from nn_from_scratch.verify.cli import commands as cli
from nn_from_scratch.verify.cli import compare
from nn_from_scratch.verify.engines.wire.isolated import CAN_ISOLATE

pytestmark = [pytest.mark.once, pytest.mark.skipif(not CAN_ISOLATE, reason="no processes of POSIX")]


@pytest.fixture
def engines(tmp_path: Path) -> str:
    path = tmp_path / "engines.py"
    path.write_text(ENGINES)
    return str(path)


def test_it_prints_and_writes_what_it_found(
    engines: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    of_graphs = partial(side_by_side, grades=("rules", "accuracy"))  # long chains take their time
    monkeypatch.setattr(compare, "compare", of_graphs)
    paths = {kind: tmp_path / f"compared.{kind}" for kind in ("json", "html")}
    options = [text for kind, path in paths.items() for text in (f"--{kind}", str(path))]
    command = ["compare", f"{engines}:wrong", f"{engines}:few", "--graphs", "8", *options]
    assert cli.main(command) == WRONG == 1
    out = capsys.readouterr().out
    assert "square     wrong  lacks" in out
    assert "right in every engine that has it: add, mul, relu" in out
    results = json.loads(paths["json"].read_text(), parse_constant=pytest.fail)
    assert (results["schema"], results["kind"]) == (1, "comparison")
    assert [engine["label"] for engine in results["engines"]] == ["Wrong", "Few"]
    page = paths["html"].read_text()
    assert page.startswith("<!")
    assert "Wrong and Few, asked the same questions" in page


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no_such_engine"], "cannot load engine 'no_such_engine'"),
        (["{engines}:nothing"], "there is no 'nothing'"),
        (["{engines}:few", "{engines}:few"], "is named 2 times"),
        (["{engines}:few", "--graphs", "0"], "must be at least 1, got 0"),
        (["{engines}:few", "--graphs", "many"], "invalid integer value"),
        (["{engines}:few", "--seconds", "-1"], "must be a number above 0"),
        (["{engines}:few", "--json", "/dev/null/no.json"], "cannot write"),
    ],
)
def test_bad_input_is_one_error_and_nothing_is_asked(
    arguments: list[str], said: str, engines: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["compare", *(one.format(engines=engines) for one in arguments)]) == BAD_USAGE
    out, err = capsys.readouterr()
    assert not out
    assert said in err
    assert err.count("error:") == 1


def test_an_interruption_keeps_what_there_was(
    engines: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def asked(*_: Any, **__: Any) -> Iterator[dict[str, Any]]:
        yield comparison(verdicts=["right", None])
        raise KeyboardInterrupt

    monkeypatch.setattr(compare, "compare", asked)
    path = tmp_path / "kept.json"
    assert cli.main(["compare", f"{engines}:few", "--json", str(path)]) == INTERRUPTED
    assert json.loads(path.read_text())["engines"][0]["verdict"] == "right"
    assert "interrupted" in capsys.readouterr().err


def comparison(verdicts: list[str | None], *, interrupted: bool = False, outcome: str = "asked") -> Any:
    engines = [
        {
            "verdict": verdict or "nothing checked",
            "results": {"verdict": verdict} if verdict else None,
            "outcome": outcome,
        }
        for verdict in verdicts
    ]
    return {"engines": engines, "interrupted": interrupted}


@pytest.mark.parametrize(
    ("results", "status"),
    [
        (comparison(["right", "right"]), RIGHT),
        (comparison(["right", "wrong"]), WRONG),
        (comparison(["right", "not settled"]), WRONG),
        (comparison(["right", "nothing checked"]), NOTHING_CHECKED),
        (comparison(["right", None], interrupted=True), INTERRUPTED),
        (comparison(["wrong", None], interrupted=True), WRONG),
        (comparison(["right", None], outcome="cannot be asked"), BAD_USAGE),
        (comparison([None]), NOTHING_CHECKED),
        (comparison([]), NOTHING_CHECKED),
    ],
)
def test_the_exit_status_is_that_of_the_gravest_engine(results: Any, status: int) -> None:
    assert compare.status(results) == status


def test_help_says_what_the_exit_status_means(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compare", "--help"]) == RIGHT
    out = capsys.readouterr().out
    assert "1 an engine is wrong or" in out
    assert "(default: 300)" in out
