"""A program that lies is told as what it is: no run ends with status 0, or in a traceback."""

import json
import os
import subprocess
import sys
import time
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest

from nn_from_scratch.statuses import BAD_USAGE, NOTHING_CHECKED
from nn_from_scratch.verify import Engine, EngineError, isolated, verify
from nn_from_scratch.verify.engines.deaths import DeathError, ExitedError, InvalidAnswerError, TimedOutError
from nn_from_scratch.verify.engines.wire import process
from nn_from_scratch.verify.engines.wire.limits import Limits
from nn_from_scratch.verify.engines.wire.remote import Remote
from nn_from_scratch.verify.questions.programs import Program

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


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("no-gradients", "no `differentiate` among its `moves`, nor both `backward` and `gradient`"),
        ("no-second-order", "no `differentiate` among its `moves`, and says `second_order`"),
    ],
)
def test_a_hello_without_gradients_is_refused(mode: str, words: str) -> None:
    with pytest.raises(EngineError, match=words):
        liar(mode)


def test_what_is_no_answer_is_told(tmp_path: Path) -> None:
    ended = told("noise", tmp_path)
    # Of gradients it answered none, which is all that is gated here.
    assert ended.returncode == NOTHING_CHECKED, ended.stdout + ended.stderr
    text = (tmp_path / "told.json").read_text(encoding="utf-8")
    results = json.loads(text)
    assert results["deaths"]
    assert "InvalidAnswer" in text
    assert results["verdict"] != "right"


PROGRAM: Program = [["variable", "0x1p+0"], ["value", 0]]
SOON = Limits(program=0.3, grown=0.4, in_a_row=2)

OUTCOMES: dict[str, tuple[type[DeathError], str]] = {
    "half-then-dies": (ExitedError, "exited with status 3"),
    "half-then-silent": (TimedOutError, r"no answer within 0.4 s; is each line flushed at once\?"),
    "closed": (InvalidAnswerError, "closed its channel, and goes on"),
    "noise": (InvalidAnswerError, r"a line that is no JSON: `\\x00\\xff\\xfe\\x80`: "),
    "another-id": (InvalidAnswerError, "an answer to request -1, where [1-3] was asked"),
    "twice": (InvalidAnswerError, r"an answer to request 1, where 2 was asked; .* after 1 programs"),
    "unasked": (InvalidAnswerError, "an answer to request 100[1-3], where [1-3] was asked"),
    "huge-id": (InvalidAnswerError, "an answer to request 1000.*, where [1-3] was asked"),
    "no-unicode": (InvalidAnswerError, "a line that is no JSON: .*invalid start byte"),
    "nan": (InvalidAnswerError, "whose `seconds` are none: nan"),
    "infinity": (InvalidAnswerError, "whose `seconds` are none: inf"),
    "said-nan": (InvalidAnswerError, "what `value` said is no number"),
    "said-infinity": (InvalidAnswerError, "what `value` said is no number"),
    "nested": (InvalidAnswerError, "a line that is no JSON: .*recursion"),
    "huge-integer": (InvalidAnswerError, "a line that is no JSON: .*4300 digits"),
    "large-integer": (InvalidAnswerError, "whose `seconds` are none: 999"),
    "huge-shape": (InvalidAnswerError, "0 numbers in an array of shape"),
}


def liar(mode: str) -> Engine:
    return isolated(f"command:{sys.executable} -I -S {LIAR} {mode}", limits=SOON)


def asked_twice(engine: Engine) -> None:
    for _ in range(2):
        engine.session().run(PROGRAM)


@pytest.mark.parametrize("mode", OUTCOMES)
def test_each_lie_is_an_outcome_of_its_own(mode: str) -> None:
    kind, words = OUTCOMES[mode]
    engine = liar(mode)
    began = time.monotonic()
    with closing(engine.driver):
        with pytest.raises(kind, match=words):
            asked_twice(engine)
        results = verify(engine, graphs=2, grades=["rules"], jobs=1)
    assert results["deaths"]
    assert not results
    assert results["verdict"] != "right"
    assert time.monotonic() - began < 60, "or 1 s where nothing else runs"


def test_a_line_without_an_end_takes_no_more_memory_than_a_line_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LONGEST_LINE", 4 << 20)
    engine = liar("endless")
    tracemalloc.start()
    try:
        with (
            closing(engine.driver),
            pytest.raises(InvalidAnswerError, match="a line of more than 4,194,304 bytes"),
        ):
            engine.session().run(PROGRAM)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 4 << 20 < most < 12 << 20
    assert len(engine.driver.deaths) == 1


def test_answers_in_another_order_are_not_taken_for_each_other() -> None:
    engine = liar("backwards")
    with closing(engine.driver):
        assert isinstance(engine.driver, Remote)
        asker = engine.driver.asker
        other: Program = [["variable", "0x1p+1"], ["value", 0]]
        asker.foresee(PROGRAM)
        asker.foresee(other)
        with pytest.raises(InvalidAnswerError, match="an answer to request 2, where 1 was asked"):
            asker.ask(PROGRAM)
        assert asker.ask(other).said == [1.0], "sent again to a fresh process, where nothing comes before it"
