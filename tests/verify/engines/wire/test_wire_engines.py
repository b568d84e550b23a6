"""The examples in JavaScript and C are right, and what is planted in them is found."""

import math
import shlex
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from wire_engines import JAVASCRIPT, C, command_of, spec_of

from nn_from_scratch.verify import Engine, Results, verify
from nn_from_scratch.verify.engines.session import MoveError
from nn_from_scratch.verify.engines.wire.isolated import isolated

pytestmark = pytest.mark.once

SOURCES = [pytest.param(JAVASCRIPT, id="JavaScript"), pytest.param(C, id="C")]
HAS = {"add", "sub", "mul", "div", "pow", "neg", "exp", "log", "sin", "tanh", "relu", "maximum"}
# What a program of another language cannot be asked, and nothing else.
NOT_ASKED = {"memory after many backward passes", "answers under other hash seeds"}


@pytest.fixture
def engine(source: Path) -> Iterator[Engine]:
    found = isolated(spec_of(source))
    yield found
    found.driver.close()


def outcomes(results: Results, outcome: str) -> set[str]:
    return {one["name"] for one in results["state"] if one["outcome"] == outcome}


@pytest.mark.parametrize("source", SOURCES)
def test_an_example_is_right(engine: Engine) -> None:
    results = verify(engine, graphs=200)
    assert set(engine.operations) == HAS
    assert results["verdict"] == "right", results
    assert not results["failures"]
    assert not results["deaths"]
    assert results["graphs"]["checked"] == 200
    assert results["graphs"]["right"] > 190  # a graph may be at a point where nothing can be decided
    assert all(results["operations"][name]["status"] == "right" for name in HAS)
    assert results["operations"]["sigmoid"]["status"] == "not supported"
    assert outcomes(results, "wrong") | outcomes(results, "error") == set()
    assert outcomes(results, "not supported") <= NOT_ASKED
    assert "a chain of 1,000,000 operations" in outcomes(results, "right")
    assert "a second backward of one output" in outcomes(results, "right")


MINIMAL = """\
import json, subprocess, sys

engine = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
known = ["variable", "apply", "backward", "value", "gradient"]
print(json.dumps({**json.loads(engine.stdout.readline()), "moves": known}), flush=True)
for line in sys.stdin:
    if {move[0] for move in json.loads(line)["program"]} - {*known}:
        sys.exit("asked what it does not know")
    engine.stdin.write(line)
    engine.stdin.flush()
    answer = json.loads(engine.stdout.readline())
    del answer["seconds"]
    print(json.dumps(answer), flush=True)
"""


def test_an_engine_is_asked_only_the_moves_that_it_knows(tmp_path: Path) -> None:
    path = tmp_path / "minimal.py"
    path.write_text(MINIMAL)
    engine = isolated(f"command:{shlex.join([sys.executable, '-I', str(path), *command_of(C)])}")
    results = verify(engine, graphs=20, directly=False)
    engine.driver.close()
    assert results["verdict"] == "right"
    assert not results["deaths"]
    assert {"the same question asked again", "a chain of 3,000 operations"} <= outcomes(results, "right")
    assert {"time over operations", "a chain of 100,000 operations"} <= outcomes(results, "not supported")
    assert outcomes(results, "wrong") | outcomes(results, "error") == set()


@pytest.mark.parametrize(
    ("source", "operation", "kind"),
    [
        pytest.param(JAVASCRIPT, "tanh", "another derivative", id="JavaScript"),
        pytest.param(C, "lost accumulation", "12 operations show it", id="C"),
    ],
)
def test_the_planted_bug_is_found(source: Path, operation: str, kind: str) -> None:
    engine = isolated(spec_of(source, "--bug"))
    results = verify(engine, graphs=200, grades=["rules"])
    engine.driver.close()
    assert results["verdict"] == "wrong"
    first = results["failures"][0]
    assert (first["operation"] == operation) or operation in first["kind"], first
    assert kind in first["message"]
    right = shlex.join(command_of(source))
    for failure in results["failures"][:2]:  # the script fails, and passes once the engine is right
        script = failure["reproducer"]
        assert ran(script) == 1, script
        repaired = script.replace(f"{command_of(source, '--bug')!r}", f"{command_of(source)!r}")
        repaired = repaired.replace(f"{right} --bug", right)
        assert repaired != script
        assert ran(repaired) == 0, repaired
    assert "nn_from_scratch" not in results["failures"][0]["reproducer"]
    line = next(
        line for line in results["failures"][0]["reproducer"].splitlines() if line.startswith("# printf")
    )
    piped = subprocess.run(["/bin/sh", "-c", line[2:]], capture_output=True, text=True, check=True)
    assert '"id":1,"said":["' in piped.stdout


def ran(script: str) -> int:
    return subprocess.run([sys.executable, "-c", script], stderr=subprocess.DEVNULL, check=False).returncode


@pytest.mark.parametrize("source", SOURCES)
def test_numbers_are_told_exactly(engine: Engine) -> None:
    drawn = Random(0)
    numbers = [struct.unpack("<d", drawn.randbytes(8))[0] for _ in range(1000)]
    numbers += [
        0.0,
        -0.0,
        math.inf,
        -math.inf,
        math.nan,
        5e-324,
        -2.2250738585072014e-308,
        1.7976931348623157e308,
    ]
    numbers += [math.ldexp(1.0, exponent) for exponent in range(-1074, 1024)]
    program = [["variable", x.hex()] for x in numbers] + [["value", k] for k in range(len(numbers))]
    said = engine.session().run(program)
    assert [x.hex() for x in said] == [x.hex() for x in numbers]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "move",
    [
        ["apply", "gelu", 0],
        ["value", 7],
        ["blocks"],
        ["gradient", -1],
        ["shared", ["value", 0], ["value", 0]],
    ],
)
def test_what_it_cannot_do_is_a_failed_move(engine: Engine, move: list[Any]) -> None:
    session = engine.session()
    with pytest.raises(MoveError) as raised:
        session.run([["variable", "0x1p+1"], ["value", 0], move, ["value", 0]])
    assert (raised.value.position, raised.value.said) == (2, [2.0])
    assert session.run([["value", 0]]) == [2.0]  # what was made before is still there


@pytest.mark.parametrize("source", [JAVASCRIPT, C])
def test_an_example_is_short(source: Path) -> None:
    assert len(source.read_text().splitlines()) < 150
    assert command_of(source)
