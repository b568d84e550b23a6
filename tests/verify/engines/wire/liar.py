"""A program that speaks the protocol, and lies: how is its argument. It computes nothing, and says 1."""

import json
import os
import select
import sys
import time
from collections.abc import Iterator
from typing import Any

MODE = sys.argv[1]
HELLO = {
    "protocol": 1,
    "name": "liar",
    "moves": ["variable", "apply", "backward", "value", "gradient"],
    "operations": ["add", "mul"],
}


def say(text: str | bytes) -> None:
    """Write bytes at once, whatever they are."""
    sys.stdout.buffer.write(text if isinstance(text, bytes) else text.encode())
    sys.stdout.buffer.flush()


def hello() -> None:
    """Say what it is, or something like it."""
    match MODE:
        case "no-hello":
            sys.exit(0)
        case "wrong-version":
            say(json.dumps({**HELLO, "protocol": 2}) + "\n")
        case "huge-hello":
            say(json.dumps({**HELLO, "name": "x" * 1_000_000, "protocol": "1"}) + "\n")
        case "noise-first":
            say(b"\x00\xff\xfe\n")
        case "no-gradients":
            say(json.dumps({**HELLO, "moves": ["variable", "apply", "value", "gradient"]}) + "\n")
        case "no-second-order":
            say(json.dumps({**HELLO, "second_order": True}) + "\n")
        case "answer-first":
            say('{"id":1,"said":[]}\n')
        case _:
            say(json.dumps(HELLO) + "\n")


def lie(number: int, said: list[str | None]) -> bytes:
    """Return what is written in place of an answer; the answer itself where it lies otherwise."""
    right = json.dumps({"id": number, "said": said}) + "\n"
    lies = {
        "twice": right + right,
        "another-id": json.dumps({"id": -1, "said": said}) + "\n",
        "unasked": json.dumps({"id": number + 1_000, "said": said}) + "\n",
        "huge-id": json.dumps({"id": 10**300, "said": said}) + "\n",
        "nan": _with(right, "NaN"),
        "infinity": _with(right, "Infinity"),
        "large-integer": _with(right, "9" * 400),
        "huge-integer": _with(right, "9" * 100_000),
        "said-nan": f'{{"id": {number}, "said": [NaN]}}\n',
        "said-infinity": f'{{"id": {number}, "said": [-Infinity]}}\n',
        "huge-shape": json.dumps({"id": number, "said": [{"shape": [10**15, 10**15], "data": []}]}) + "\n",
        "nested": "[" * 1_000_000 + "]" * 1_000_000 + "\n",
    }
    if MODE == "noise":
        return b"\x00\xff\xfe\x80\n"
    if MODE == "no-unicode":
        return _with(right, '"?"').encode().replace(b"?", b"\xff\xfe")
    return lies.get(MODE, right).encode()


def _with(answer: str, seconds: str) -> str:
    return answer.replace("}", f', "seconds": {seconds}}}')


def answer(request: dict[str, Any]) -> None:
    """Answer wrongly."""
    asked = [move[0] for move in request["program"] if move[0] in ("value", "gradient")]
    written = lie(request["id"], ["0x1p+0" if what == "value" else None for what in asked])
    match MODE:
        case "half-then-dies":
            say(written[:9])
            sys.exit(3)
        case "half-then-silent":
            say(written[:9])
            time.sleep(1_000)
        case "closed":
            os.close(1)
            time.sleep(1_000)
        case "endless":
            while True:
                say("x" * (1 << 20))
        case _:
            say(written)


def lines() -> Iterator[str]:
    """Read requests; those that come together backwards, if that is how it lies."""
    if MODE != "backwards":
        yield from sys.stdin
    while MODE == "backwards" and (read := os.read(0, 1 << 16)):
        while select.select([0], [], [], 0.1)[0] and (more := os.read(0, 1 << 16)):
            read += more
        yield from reversed(read.decode().splitlines())


hello()
for line in lines():
    answer(json.loads(line))
