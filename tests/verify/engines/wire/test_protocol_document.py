"""The protocol's document and schema say what is spoken."""

import functools
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from wire_engines import JAVASCRIPT, command_of, spec_of

from nn_from_scratch.verify import check_state
from nn_from_scratch.verify.engines import wire
from nn_from_scratch.verify.engines.wire import protocol
from nn_from_scratch.verify.engines.wire.isolated import isolated
from nn_from_scratch.verify.engines.wire.process import Process
from nn_from_scratch.verify.engines.wire.protocol import Hello, ProtocolError, read_reply
from nn_from_scratch.verify.questions.formats import FORMATS
from nn_from_scratch.verify.questions.programs import Program
from nn_from_scratch.verify.state import asking

jsonschema = pytest.importorskip("jsonschema")
pytestmark = pytest.mark.once

FOLDER = Path(wire.__file__).parent
DOCUMENT = (FOLDER / "PROTOCOL.md").read_text(encoding="utf-8")
SCHEMA = json.loads((FOLDER / "protocol.schema.json").read_text(encoding="utf-8"))
STATE = [
    "a second backward of one output",
    "a second backward with another cotangent",
    "an inner node as the next output",
    "a graph built again, once values are assigned",
    "a gradient after an exception",
    "values assigned after the forward pass",
    "leaves made of integers",
    "a node added to in place",
    "a chain of 100,000 operations",
]
PROGRAM: Program = [["variable", "0x1p+1"], ["value", 0], ["gradient", 0]]


@functools.cache
def validator(kind: str) -> Any:
    schema = {"$schema": SCHEMA["$schema"], "$defs": SCHEMA["$defs"], "$ref": f"#/$defs/{kind}"}
    return jsonschema.Draft202012Validator(schema)


def valid(line: Any, kind: str) -> bool:
    return bool(validator(kind).is_valid(line))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$defs"]["hello"]["properties"]["protocol"]["const"] == protocol.VERSION
    assert set(SCHEMA["$defs"]["hello"]["properties"]["dtype"]["enum"]) == set(FORMATS)


def test_the_session_of_the_document_is_what_the_example_says() -> None:
    session = DOCUMENT[DOCUMENT.index("## A session") :]
    asked = re.findall(r"^< (.*)$", session, re.MULTILINE)
    expected = [json.loads(line) for line in re.findall(r"^> (.*)$", session, re.MULTILINE)]
    said = subprocess.run(
        command_of(JAVASCRIPT), input="\n".join([*asked, ""]), capture_output=True, text=True, check=True
    )
    got = [json.loads(line) for line in said.stdout.splitlines()]
    for line in (*got, *expected):
        line.pop("seconds", None)
    assert got == expected
    assert len(asked) == len(got) - 1 == 3


def test_the_examples_of_the_document_are_valid() -> None:
    blocks = re.findall(r"```json\n(.*?)\n```", DOCUMENT, re.DOTALL)
    kinds = ("hello", "request", "answer")
    for block, kind in zip(blocks, kinds, strict=True):
        assert all(valid(json.loads(line), kind) for line in block.splitlines())
    moves = re.findall(r"`(\[\"[a-z]+\".*?\])`", DOCUMENT)
    assert {json.loads(move)[0] for move in moves} == {
        *("variable", "apply", "repeat", "backward", "value", "gradient", "assign", "reset", "forget"),
        *("differentiate", "weighed"),
    }
    assert all(valid(json.loads(move), "move") for move in moves)


@pytest.mark.parametrize("which", ["nn_from_scratch", "JavaScript"])
def test_every_line_of_a_session_is_valid(
    which: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    requests, answers = list[Any](), list[Any]()
    write, next_line = Process.write, Process.next_line

    def written(process: Process, line: bytes) -> None:
        requests.append(json.loads(line))
        write(process, line)

    def read(process: Process, seconds: float) -> bytes:
        line = next_line(process, seconds)
        answers.append(json.loads(line))
        return line

    monkeypatch.setattr(Process, "write", written)
    monkeypatch.setattr(Process, "next_line", read)
    engine = isolated(which if which == "nn_from_scratch" else spec_of(JAVASCRIPT))
    request.addfinalizer(engine.driver.close)
    for case in asking.cases(engine):
        asking.said(engine, case)  # or what it raises, which is an answer as well
    for name in STATE:
        check_state(engine, name)  # it raises what is wrong
    assert not engine.driver.deaths
    hello, *answers = answers
    assert valid(hello, "hello")
    asked = zip(requests, answers, strict=True)
    programs = [(question, answer) for question, answer in asked if "program" in question]
    assert len(programs) > 25
    for question, answer in programs:
        assert valid(question, "request"), question
        assert valid(answer, "answer"), answer
        assert list(question) == ["id", "program", "continue"][: len(question)]  # as the document promises


INVALID_ANSWERS: list[Any] = [
    [],
    {},
    {"id": 1},
    {"id": True, "said": ["nan", None]},
    {"id": 1, "said": {}},
    {"id": 1, "said": ["10", None]},
    {"id": 1, "said": [1.5, None]},
    {"id": 1, "said": ["0x", None]},
    {"id": 1, "said": [{"shape": [-1], "data": []}, None]},
    {"id": 1, "said": [{"shape": [True], "data": ["0x1p+0"]}, None]},
    {"id": 1, "said": [{"shape": [1], "data": ["1"]}, None]},
    {"id": 1, "said": [{"no number": 1}, None]},
    {"id": 1, "said": ["nan", None], "seconds": -1},
    {"id": 1, "said": ["nan", None], "seconds": "1"},
    {"id": 1, "said": ["nan", None], "seconds": True},
    {"id": 1, "said": [], "failed": True},
    {"id": 1, "said": [], "failed": {}},
    {"id": 1, "said": [], "failed": {"move": -1}},
    {"id": 1, "said": [], "failed": {"move": 0, "kinds": []}},
    {"id": 1, "said": [], "failed": {"move": 0, "lacking": 1}},
    {"id": 1, "said": [], "failed": {"move": 0, "kinds": [1]}},
    {"id": 1, "said": [], "failed": {"move": 0, "message": None}},
]
HELLO: dict[str, Any] = {"protocol": 1, "name": "x", "moves": [], "operations": []}
INVALID_HELLOS: list[Any] = [
    *([], "hello", {}, {**HELLO, "protocol": 2}, {**HELLO, "protocol": True}, {**HELLO, "name": ""}),
    *({**HELLO, "name": 1}, {**HELLO, "moves": "value"}, {**HELLO, "operations": [1]}),
    *(
        {**HELLO, "dtype": "float128"},
        {**HELLO, "dtype": []},
        {**HELLO, "explicit": None},
        {**HELLO, "python": 1},
    ),
]


@pytest.mark.parametrize("line", INVALID_ANSWERS)
def test_an_invalid_answer_is_refused_by_schema_and_suite(line: Any) -> None:
    assert not valid(line, "answer")
    with pytest.raises(ProtocolError):
        read_reply(line, 1, PROGRAM)


@pytest.mark.parametrize("line", INVALID_HELLOS)
def test_an_invalid_hello_is_refused_by_schema_and_suite(line: Any) -> None:
    assert not valid(line, "hello")
    with pytest.raises(ProtocolError):
        Hello.read(line)


def test_valid_lines_are_taken_by_both() -> None:
    answer = {"id": 1, "said": ["-0x1.8p+1", {"shape": [2], "data": ["inf", "nan"]}]}
    assert valid(HELLO, "hello")
    assert Hello.read(HELLO).name == "x"
    assert valid(answer, "answer")
    assert read_reply(answer, 1, PROGRAM).said[0] == -3.0
