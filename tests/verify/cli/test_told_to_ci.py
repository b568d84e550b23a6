"""The forms for CI systems, from the command line."""

import json
import os
from pathlib import Path

import pytest

from nn_from_scratch.statuses import BAD_USAGE, WRONG
from nn_from_scratch.verify.cli.commands import main

pytestmark = pytest.mark.once

FUNCTION = """\
import numpy as np


def loss(x):
    return np.sum(np.sin(x))


def loss_gradient(x):
    return -np.cos(x)


loss_inputs = np.array([0.5, -2.0])
"""
ENGINE = """\
from dataclasses import replace

from micrograd.engine import Value
from nn_from_scratch.verify import Engine

engine = Engine.from_tape(
    variable=Value, value="data", gradient=lambda node: node.grad + 1, name="odd\\n::error::injected"
)
engine = replace(engine, complete=False, operations={"add": engine.operations["add"]})
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "layers.py").write_text(FUNCTION)
    (tmp_path / "engine_of_ours.py").write_text(ENGINE)
    return tmp_path


def test_check_writes_all_forms(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "summary").write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary"))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    command = ["check", "layers.py:loss", "--sarif", "s", "--markdown", "m", "--badge", "b", "--junit", "j"]
    assert main(command) == WRONG
    assert (folder / "summary").read_text() == f"before\n{(folder / 'm').read_text()}\n"
    assert "layers&#46;py&#58;4" in (folder / "m").read_text()
    assert json.loads((folder / "s").read_text())["version"] == "2.1.0"
    assert "wrong" in (folder / "b").read_text()
    assert "::error file=layers.py,line=4,title=" in capsys.readouterr().out


def test_verify_lets_no_engine_command_github(capsys: pytest.CaptureFixture[str]) -> None:
    command = [
        "verify",
        "--engine",
        "engine_of_ours.py",
        "--graphs",
        "4",
        "--grade",
        "rules",
        "--annotations",
    ]
    assert main(command) == WRONG
    lines = capsys.readouterr().out.splitlines()
    token = lines[0].removeprefix("::stop-commands::")
    assert len(token) == 32
    commands = [line for line in lines[lines.index(f"::{token}::") + 1 :] if line]
    assert commands
    assert all(line.startswith("::error file=engine_of_ours.py,line=6,title=") for line in commands)


def test_without_being_asked_nothing_is_annotated(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "layers.py:loss"]) == WRONG
    assert "::" not in capsys.readouterr().out


def test_the_summary_of_a_step_is_not_written_over(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary"))
    assert main(["check", "layers.py:loss", "--markdown", "summary"]) == BAD_USAGE
    assert "would write over $GITHUB_STEP_SUMMARY" in capsys.readouterr().err
    assert not (folder / "summary").exists()


def test_a_summary_that_cannot_be_written_keeps_no_other_form_away(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder))
    assert main(["check", "layers.py:loss", "--sarif", "s"]) == WRONG
    assert capsys.readouterr().err.startswith(f"nn-from-scratch: error: cannot write {folder}: Is a dir")
    assert (folder / "s").exists()


@pytest.mark.parametrize("target", ["layers.py:loss", "layers.py:none"])
def test_the_summary_of_a_step_is_tried_before_the_work(
    target: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(folder / "pipe")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "pipe")  # which nobody reads: it is not waited for for ever
    assert main(["check", target]) == (WRONG if target.endswith("loss") else BAD_USAGE)
    assert capsys.readouterr().err.startswith("nn-from-scratch: error: cannot write pipe: it is a pipe, and")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "layers.py")
    main(["check", target])
    assert "layers.py is not written: it is a file that is what the command reads" in capsys.readouterr().err
    assert (folder / "layers.py").read_text() == FUNCTION
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "new")
    main(["check", target])
    assert (folder / "new").exists() is target.endswith("loss")  # no trace of a run that could not start


def test_two_forms_have_two_paths(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "layers.py:loss", "--sarif", "x", "--badge", "x"]) == BAD_USAGE
    assert "--badge x would write over a file that --sarif writes" in capsys.readouterr().err
