import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from xml.etree import ElementTree as ET

import pytest

import nn_from_scratch.verify
from nn_from_scratch.statuses import BAD_USAGE, INTERNAL_ERROR, INTERRUPTED, NOTHING_CHECKED, RIGHT, WRONG
from nn_from_scratch.verify import report, verify
from nn_from_scratch.verify.cli import benchmark
from nn_from_scratch.verify.cli import commands as cli

FAULTY = """\
from dataclasses import replace

from nn_from_scratch.verify.faults import FAULTS


def narrowed(name):
    engine = next(fault for fault in FAULTS if fault.name == name).engine()
    few = {name: engine.operations[name] for name in ("add", "mul", "sin", "tanh", "sum")}
    return replace(engine, operations=few, complete=False)


engine = narrowed("sin: its derivative times -1.0")
double = narrowed("left over")
"""
QUICK = ("--graphs", "60", "--jobs", "1")
OF_GRAPHS = ("--grade", "rules", "--grade", "accuracy")


@pytest.fixture
def faulty(tmp_path: Path) -> str:
    path = tmp_path / "faulty.py"
    path.write_text(FAULTY)
    return str(path)


@pytest.mark.once
def test_verify_of_our_engine_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", *QUICK]) == RIGHT == 0
    out = capsys.readouterr().out
    assert "RIGHT nn_from_scratch, 60 of 60 graphs" in out
    assert "second derivatives of 30 graphs: " in out
    assert "tanh" in out
    assert "finite differences" in out


@pytest.mark.once
def test_verify_of_a_wrong_engine_says_what_is_wrong(faulty: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", "--engine", f"{faulty}:engine", *QUICK, *OF_GRAPHS]) == WRONG == 1
    out = capsys.readouterr().out
    assert "WRONG" in out
    assert "sin is wrong: in sin(x0) at x0 = 2.0" in out


def test_verify_writes_json_html_and_junit(faulty: str, tmp_path: Path) -> None:
    paths = {kind: tmp_path / "new" / f"results.{kind}" for kind in ("json", "html", "junit")}
    options = [text for kind, path in paths.items() for text in (f"--{kind}", str(path))]
    assert cli.main(["verify", "--engine", faulty, *QUICK, *OF_GRAPHS, *options]) == WRONG
    results = json.loads(paths["json"].read_text(), parse_constant=pytest.fail)
    assert results["verdict"] == "wrong"
    assert results["graphs"]["checked"] == 60
    page = paths["html"].read_text()
    assert page.startswith("<!")
    assert "sin" in page
    suite = ET.parse(paths["junit"]).getroot()  # noqa: S314  our own text
    assert suite.get("failures") != "0"


@pytest.mark.once
def test_results_may_go_where_no_file_is_of_its_own(faulty: str, tmp_path: Path) -> None:
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    target.write_text("earlier")
    link.symlink_to(target)
    cli.main(["verify", "--engine", faulty, "--graphs", "1", "--jobs", "1", *OF_GRAPHS, "--json", str(link)])
    assert link.is_symlink()
    assert json.loads(target.read_text())["graphs"]["checked"] == 1


def test_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == RIGHT
    assert capsys.readouterr().out.startswith("nn-from-scratch ")


@pytest.mark.once
def test_verify_gates_on_the_given_grades(faulty: str) -> None:
    options = ["verify", "--engine", f"{faulty}:double", "--graphs", "10"]
    assert cli.main([*options, *OF_GRAPHS]) == RIGHT
    assert cli.main([*options, "--grade", "state"]) == WRONG


@pytest.mark.once
def test_verify_of_nothing_is_no_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", "--graphs", "0", *OF_GRAPHS]) == NOTHING_CHECKED == 5
    assert "NOTHING CHECKED" in capsys.readouterr().out


@pytest.mark.once
def test_verify_takes_seed_and_engine_by_name(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    options = [
        "--engine",
        "nn_from_scratch.verify.engines.adapters.ours",
        "--seed",
        "-7",
        "--json",
        str(path),
    ]
    assert cli.main(["verify", *options, *QUICK, *OF_GRAPHS]) == 0
    assert json.loads(path.read_text())["seed"] == -7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["verify", "--engine", "no_such_engine"],
            "cannot load engine 'no_such_engine': ModuleNotFoundError",
        ),
        (["verify", "--engine", "no/such.py:engine"], "FileNotFoundError: there is no file"),
        (["verify", "--engine", "math:pi"], "pi of math is 3.14"),
        (["verify", "--graphs", "-1"], "argument --graphs: must be at least 0, got -1"),
        (["verify", "--graphs", "many"], "argument --graphs: invalid integer value: 'many'"),
        (["verify", "--seconds", "-1"], "argument --seconds: must be a number above 0, got -1"),
        (["verify", "--seconds", "nan"], "argument --seconds: must be a number above 0, got nan"),
        (["verify", "--seconds", "long"], "argument --seconds: must be a number above 0, got long"),
        (["verify", "--jobs", "0"], "argument --jobs: must be at least 1, got 0"),
        (["verify", "--grade", "speed"], "argument --grade: invalid choice: 'speed'"),
        (["verify", "--grade", "rules,accuracy"], "'rules,accuracy' are several: repeat the option for each"),
        (["verify", "--grade", "rule"], "perhaps you mean rules"),
        (["verify", "--json", ""], "argument --json: the path is empty"),
        (["verify", "--json", "a", "--json", "b"], "--json is given twice"),
        (["verify", "--engine", "a", "--engine", "b"], "nn-from-scratch compare asks several engines"),
        (["verify", "--json", "x", "--junit", "./x"], "--junit x would write over a file that --json writes"),
        (
            ["verify", "--engine", __file__, "--html", __file__],
            "would write over Python source",
        ),
        (["verify", "--json", "."], "cannot write .: Is a directory: give the name of a file in it"),
        (["verify", "--engine", "."], "cannot load engine '.': IsADirectoryError: . is a folder"),
        (["check", "."], ". is a folder: give FILE.py:NAME"),
        (
            ["verify", "my_engine.py"],
            "unrecognized arguments: my_engine.py; perhaps you mean --engine my_eng",
        ),
        (
            ["verify", "--graph=3", "--seeed", "1"],
            "unrecognized arguments: --seeed 1; perhaps you mean --seed",
        ),
        (["verify", "--colour"], "unrecognized arguments: --colour"),
        (["prove"], "invalid choice: 'prove'"),
        ([], "the following arguments are required: COMMAND"),
    ],
)
def test_bad_usage_is_told_in_one_error(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == BAD_USAGE == 4
    error = capsys.readouterr().err
    assert message in error
    assert error.count("error: ") == 1
    assert "Traceback" not in error


@pytest.mark.parametrize("option", ["--json", "--html", "--junit"])
def test_unwritable_path_is_told_before_the_work(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "verify", lambda *_, **__: pytest.fail("the work began"))
    assert cli.main(["verify", option, str(tmp_path)]) == BAD_USAGE
    assert f"cannot write {tmp_path}: Is a directory" in capsys.readouterr().err
    file = tmp_path / "file"
    file.write_text("")
    assert cli.main(["verify", option, str(file / "results")]) == BAD_USAGE


def raising(error: BaseException) -> Callable[..., Any]:
    def run(*_: object, **__: object) -> Any:
        raise error

    return run


def test_internal_failure_has_its_own_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "verify", raising(RuntimeError("the suite is broken")))
    assert cli.main(["verify"]) == INTERNAL_ERROR == 3
    assert "RuntimeError: the suite is broken" in capsys.readouterr().err


def test_interruption_has_its_own_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "verify", raising(KeyboardInterrupt()))
    assert cli.main(["verify"]) == INTERRUPTED == 2
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.once
def test_interrupted_results_are_written_nevertheless(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupted(*arguments: Any, **options: Any) -> dict[str, Any]:
        def stop(done: int, *_: object) -> None:
            if done >= 50:
                raise KeyboardInterrupt

        return verify(*arguments, **{**options, "progress": stop})

    monkeypatch.setattr(cli, "verify", interrupted)
    path = tmp_path / "results.json"
    assert cli.main(["verify", "--graphs", "500", "--jobs", "1", "--json", str(path)]) == INTERRUPTED
    results = json.loads(path.read_text())
    assert (results["interrupted"], results["graphs"]["checked"]) == (True, 50)


@pytest.mark.parametrize("command", ["verify", "moons", "benchmark", "report"])
def test_help_tells_options_and_exit_statuses(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([command, "--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "--json PATH" in out
    assert "--html PATH" in out
    assert "0 all right; 1 a gradient is wrong" in out
    assert "5 nothing could be checked" in out
    for option in ("--engine SPEC", "--graphs N", "--seed S", "--jobs N", "--grade"):
        assert (option in out) is (command in ("verify", "report"))
    assert ("--junit PATH" in out) is (command == "verify")


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (("right", "right"), 0),
        (("wrong", "right"), 1),
        (("right", "wrong"), 1),
        (("nothing checked", "right"), 5),
        (("nothing checked", "wrong"), 1),
    ],
)
def test_report_sums_up_the_statuses(
    statuses: tuple[str, str], expected: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gradients, moons = statuses
    result = {"interrupted": False}
    monkeypatch.setattr(cli, "_run_verify", lambda *_: {**result, "verdict": gradients})
    monkeypatch.setattr(cli, "_run_moons", lambda *options: {**result, "verdict": moons})
    monkeypatch.setattr(benchmark, "asked", lambda *options: {**result, "verdict": "measured"})
    monkeypatch.setattr(report, "page", lambda **results: " ".join(results))
    monkeypatch.setattr(cli, "tables", Mock())
    paths = [tmp_path / "page.html", tmp_path / "results.json"]
    assert cli.main(["report", "--html", str(paths[0]), "--json", str(paths[1])]) == expected
    assert paths[0].read_text() == "verify moons benchmark power"
    assert set(json.loads(paths[1].read_text())) == {"verify", "moons", "benchmark"}


@pytest.mark.once
def test_only_pages_import_what_draws_them() -> None:
    code = "import sys, nn_from_scratch.verify.cli.commands; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_page_that_cannot_be_drawn_is_told_before_the_long_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delattr(nn_from_scratch.verify, "report")
    monkeypatch.setitem(sys.modules, report.__name__, None)
    monkeypatch.setattr(cli, "_run_verify", lambda *_: pytest.fail("the work began"))
    assert cli.main(["verify", "--html", str(tmp_path / "page.html")]) == BAD_USAGE
    assert "which pages need, is not installed: " in capsys.readouterr().err


def test_report_stops_where_it_is_interrupted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cli, "_run_verify", lambda *_: {"interrupted": True, "verdict": "right"})
    monkeypatch.setattr(cli, "_run_moons", lambda *options: pytest.fail("the work went on"))
    monkeypatch.setattr(report, "page", lambda **results: " ".join(results))
    monkeypatch.setattr(cli, "tables", Mock())
    path = tmp_path / "page.html"
    assert cli.main(["report", "--html", str(path)]) == INTERRUPTED
    assert path.read_text() == "verify power"
