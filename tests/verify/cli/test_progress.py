"""How far the command is: a bar on a terminal, which leaves nothing behind; lines where it is none."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from terminals import on_a_terminal
from without_torch import environment

from nn_from_scratch.statuses import INTERRUPTED, WRONG

pytestmark = [pytest.mark.once, pytest.mark.skipif(os.name != "posix", reason="terminals are POSIX")]
ENGINE = """\
from nn_from_scratch import Node
from nn_from_scratch.verify import Engine

engine = Engine.from_tape(
    variable=Node,
    value="value",
    gradient="grad",
    backward="backprop",
    operations={"add": lambda a, b: a + b, "square": lambda x: x * x.value},
)
"""
TOLD = r"(\d+) of (\d+) graphs, \d+ a second, \d+ s left, ([1-9]\d*) failures"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(ENGINE)
    return tmp_path


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "nn_from_scratch", *arguments, "--engine", "mine.py"]


def test_a_campaign_has_a_bar_that_is_gone_at_the_end(folder: Path) -> None:
    words = command("campaign", "store.db", "--graphs", "600", "--jobs", "1")
    with on_a_terminal(words, folder, environment(folder)) as (process, read):
        screen = read()
        assert process.wait(60) == WRONG
    pictures = [found for picture in screen.shown if (found := re.search(TOLD, picture))]
    told = {found[1] for found in pictures}
    assert "600" in told <= {"200", "400", "600"}  # those between may be gone before they are drawn
    assert all(found[2] == "600" for found in pictures)
    assert all("━" in found.string and len(found.string) <= 80 for found in pictures)
    assert (screen.has_cursor, "".join(screen.lines).strip()) == (True, "")


def test_a_bar_is_gone_after_an_interruption_too(folder: Path) -> None:
    words = command("campaign", "store.db", "--graphs", "1e9", "--jobs", "1")
    with on_a_terminal(words, folder, environment(folder)) as (process, read):
        screen = read("00 of 1,000,000,000 graphs")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) in {INTERRUPTED, WRONG}
    assert re.search(
        r"00 of 1,000,000,000 graphs, \d+ a second, \d+ (hours|days) left", "".join(screen.shown)
    )
    assert (screen.has_cursor, "".join(screen.lines).strip()) == (True, "")


def test_verify_has_one_too(folder: Path) -> None:
    words = command("verify", "--graphs", "50", "--grade", "rules")
    with on_a_terminal(words, folder, environment(folder)) as (process, read):
        screen = read()
        assert process.wait(60) == WRONG
    assert any(re.search(r"━ +50/50 \d:\d\d:\d\d", picture) for picture in screen.shown)
    assert (screen.has_cursor, "".join(screen.lines).strip()) == (True, "")


def test_elsewhere_there_are_lines(folder: Path) -> None:
    words = command("campaign", "store.db", "--graphs", "200", "--jobs", "1")
    done = subprocess.run(
        words, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == WRONG
    assert "\x1b" not in done.stderr + done.stdout
    first, last = done.stderr.splitlines()
    assert first == "0 of 200 graphs, 0 a second, 0 failures"
    assert re.fullmatch(TOLD, last)
