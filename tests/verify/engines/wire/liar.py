"""A program that speaks the protocol, and lies: how is its argument. It computes nothing."""

import json
import sys

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
        case "answer-first":
            say('{"id":1,"said":[]}\n')
        case _:
            say(json.dumps(HELLO) + "\n")


def answer(request: dict[str, object]) -> None:
    """Answer wrongly."""
    right = json.dumps({"id": request["id"], "said": [], "seconds": 0}) + "\n"
    match MODE:
        case "twice":
            say(right + right)
        case "another-id":
            say(json.dumps({"id": -1, "said": []}) + "\n")
        case "noise":
            say(b"\x00\xff\xfe\x80\n")
        case _:
            say(right)


hello()
for line in sys.stdin:
    answer(json.loads(line))
