"""Whatever a process writes, only errors made for it come of it, and nothing wrong is taken for an answer."""

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from long_runs import WHOLE

from nn_from_scratch.verify.engines.answers import NoNumber
from nn_from_scratch.verify.engines.deaths import DeathError
from nn_from_scratch.verify.engines.engine import EngineError
from nn_from_scratch.verify.engines.wire import connection
from nn_from_scratch.verify.engines.wire.connection import Connection
from nn_from_scratch.verify.engines.wire.limits import Limits
from nn_from_scratch.verify.engines.wire.protocol import Hello, Reply
from nn_from_scratch.verify.engines.wire.remote import exception
from nn_from_scratch.verify.questions.programs import Program

pytestmark = pytest.mark.once

HELLO = {
    "protocol": 1,
    "name": "fake",
    "moves": ["variable", "value"],
    "operations": ["add"],
    "dtype": "float64",
    "arrays": False,
    "explicit": ["add"],
    "python": {},
}
PROGRAM: Program = [
    ["variable", "0x1p+1"],
    ["apply", "tanh", 0],
    ["backward", 1],
    ["value", 1],
    ["gradient", 0],
]
ANSWER = {"id": 1, "said": ["0x1.8p-1", "-0x1p-3"], "seconds": 0.25}
FAILED = {"id": 1, "said": [], "failed": {"move": 1, "kinds": ["ValueError"], "message": "no tanh"}}
ARRAY = {"id": 1, "said": [{"shape": [1, 2], "data": ["0x1p+0", "nan"]}, None]}
NO_NUMBER = {"id": 1, "said": [{"no number": "complex", "seen": "1j"}, "inf"]}
EXAMPLES = 100_000 if WHOLE else 300
FUZZ = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=not WHOLE
)

WORDS = (
    "id said seconds failed move kinds message seen shape data order protocol name moves operations "
    "dtype python refused where nan 0x1p+0 10 UnicodeDecodeError KeyError SystemExit 0x1p+99999 \ud800 \0"
)
words = st.sampled_from(["no number", *WORDS.split(" ")])
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | words
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(words | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@st.composite
def mutated(draw: st.DrawFn, lines: Sequence[Mapping[str, Any]]) -> bytes:
    """Draw a valid line in which something is replaced, left out, cut, doubled or hidden deep."""
    line = json.loads(json.dumps(draw(st.sampled_from(lines))))
    holder: Any = line
    while True:
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        if not keys:
            break
        key = draw(st.sampled_from(keys))
        if isinstance(holder[key], (dict, list)) and draw(st.booleans()):
            holder = holder[key]
            continue
        if draw(st.booleans()):
            holder[key] = draw(values)
        else:
            del holder[key]
        break
    text = json.dumps(line).encode()
    match draw(st.integers(0, 6)):
        case 0:
            return text[: draw(st.integers(0, len(text)))]
        case 1:
            return text + text
        case 2:
            return text.replace(b"[", b"[" * draw(st.sampled_from([2, 500, 100_000])), 1)
        case 3:
            return draw(st.binary(max_size=20)) + text
    return text


def lines(valid: Sequence[Mapping[str, Any]]) -> st.SearchStrategy[bytes]:
    return mutated(valid) | st.binary(max_size=40) | values.map(lambda x: json.dumps(x).encode())


class Said:
    """A process that says the lines that it is given."""

    pid, waiting = 0, list[bytes]()

    def __init__(self, *_: object) -> None:
        pass

    def write(self, _line: bytes) -> None:
        pass

    def next_line(self, _seconds: float) -> bytes:
        return self.waiting.pop(0)

    def settle(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "Process", Said)


def connected(*said: bytes) -> Connection:
    Said.waiting = [*said]
    return Connection(["fake"], {}, Limits())


def asked(answer: bytes) -> Reply:
    return connected(json.dumps(HELLO).encode(), answer).request(PROGRAM, 1.0)


def number(told: Any) -> Any:
    """Read what is said, without the suite's reader."""
    if told is None or isinstance(told, str):
        return None if told is None else float.fromhex(told)
    if "no number" in told:
        return told["no number"]
    return np.array([float.fromhex(x) for x in told["data"]]).reshape(told["shape"])


def check_faithful(reply: Reply, line: bytes) -> None:
    """What was accepted is what the line says, to the program that was asked."""
    told = json.loads(line)
    assert told["id"] == 1
    assert type(told["id"]) is not bool
    failed = told.get("failed")
    until = PROGRAM if failed is None else PROGRAM[: failed["move"]]
    assert len(reply.said) == len(told["said"]) == sum(move[0] in ("value", "gradient") for move in until)
    assert math.isfinite(reply.seconds)
    assert (reply.failed is None) == (failed is None)
    for got, one in zip(reply.said, told["said"], strict=True):
        if isinstance(got, NoNumber):
            assert one["no number"]
        else:
            np.testing.assert_array_equal(np.array(got, float), np.array(number(one), float))
            assert (
                one is None
                or "0x" in str(one).lower()
                or "inf" in str(one)
                or "nan" in str(one)
                or not np.size(got)
            )
    if reply.failed:
        assert str(exception(reply.failed)) == reply.failed.message


@FUZZ
@given(lines([ANSWER, FAILED, ARRAY, NO_NUMBER]))
@example(b'{"id":true,"said":["0x1p+0","0x1p+0"]}')
@example(b'{"id":1,"said":["10","0x1p+0"]}')
@example(b'{"id":1,"said":["0x1p+0","0x1p+0"],"seconds":NaN}')
@example(b'{"id":1,"said":[' + b"[" * 900 + b"]" * 900 + b',"0x1p+0"]}')
@example(b'{"id":1,"said":[{"shape":[' + b"1," * 99 + b'1],"data":["0x1p+0"]},null]}')
@example(b'{"id":1,"said":[{"shape":[0,1000000000000000000000000000000],"data":[]},null]}')
@example(b'{"id":1,"said":[],"failed":{"move":0,"kinds":["UnicodeDecodeError"]}}')
@example(b"1" * 10_000)
def test_an_answer_is_read_or_refused(line: bytes) -> None:
    with suppress(DeathError):
        check_faithful(asked(line), line)


@FUZZ
@given(lines([HELLO, {"refused": "no engine", "where": "here"}]))
@example(b'{"protocol":true,"name":"x","moves":[],"operations":[]}')
@example(b'{"protocol":1,"name":"x","moves":[],"operations":[],"dtype":[]}')
@example(b'{"refused":' + b"[" * 900 + b"]" * 900 + b"}")
def test_a_hello_is_read_or_refused(line: bytes) -> None:
    with suppress(EngineError):
        hello = connected(line).hello
        told = json.loads(line)
        assert isinstance(hello, Hello)
        assert told["protocol"] == 1
        assert type(told["protocol"]) is not bool
        assert set(told["moves"]) == hello.moves
        assert tuple(told["operations"]) == hello.operations
        assert hello.dtype == told.get("dtype", "float64")


@pytest.mark.parametrize("line", [ANSWER, FAILED, ARRAY, NO_NUMBER])
def test_what_is_valid_is_read(line: dict[str, Any]) -> None:
    check_faithful(asked(json.dumps(line).encode()), json.dumps(line).encode())
