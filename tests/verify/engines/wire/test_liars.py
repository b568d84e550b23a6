"""A program that lies is told as what it is: no run ends with status 0, or in a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nn_from_scratch.statuses import BAD_USAGE, NOTHING_CHECKED

pytestmark = pytest.mark.once

LIAR = Path(__file__).with_name("liar.py")


def told(mode: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the liar by the command line, and see that no process of it is left."""
    mark = f"NN_FROM_SCRATCH_LIAR={folder}"
    command = [
        sys.executable,
        "-m",
        "nn_from_scratch",
        "verify",
        "--engine",
        f"command:{sys.executable} -I -S {LIAR} {mode}",
    ]
    environment = {**os.environ, "NN_FROM_SCRATCH_LIAR": str(folder)}
    options = [
        "--graphs",
        "5",
        "--grade",
        "rules",
        "--jobs",
        "1",
        "--json",
        "told.json",
        "--html",
        "told.html",
    ]
    ended = subprocess.run(
        [*command, *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert "Traceback" not in ended.stdout + ended.stderr
    left = [path for path in Path("/proc").glob("[0-9]*/environ") if mark.encode() in readable(path)]
    assert not left
    return ended


def readable(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("mode", ["no-hello", "wrong-version", "huge-hello", "noise-first", "answer-first"])
def test_without_a_hello_nothing_is_asked(mode: str, tmp_path: Path) -> None:
    ended = told(mode, tmp_path)
    assert ended.returncode == BAD_USAGE
    assert "nn-from-scratch: error: " in ended.stderr
    assert len(ended.stderr) < 2_000
    assert not list(tmp_path.glob("*.json"))


@pytest.mark.parametrize("mode", ["another-id", "twice", "noise"])
def test_what_is_no_answer_is_told(mode: str, tmp_path: Path) -> None:
    ended = told(mode, tmp_path)
    # Of gradients it answered none, which is all that is gated here.
    assert ended.returncode == NOTHING_CHECKED, ended.stdout + ended.stderr
    text = (tmp_path / "told.json").read_text(encoding="utf-8")
    results = json.loads(text)
    assert results["deaths"]
    assert "InvalidAnswer" in text
    assert results["verdict"] != "right"
