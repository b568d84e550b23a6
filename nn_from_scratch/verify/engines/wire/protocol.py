"""The lines between the suite and a process that answers for an engine, and what makes one valid.

The process first says what it is, in a line by itself (`Hello`). Then each line that it reads is a request,
and it writes one line for each, at once:

    {"id": 7, "program": [move, ...], "continue": true?}
    {"id": 7, "said": [...], "seconds": 0.001,
     "failed": {"move": 3, "kinds": ["ValueError", ...], "message": "..."}?}

A program (`questions.programs`) ends at its first failing move, whose number, names of its exception's
classes and message are told, beside what was said before. Unless it is to "continue" the one before, it
begins without nodes. "seconds" are those of processor time that the program took.

What is said is a number, an array or null, as a program writes them; true, false, an integer or a list of
texts by the moves that say such; or {"no number": kind, "seen": text} for what is no real number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nn_from_scratch.verify.engines.answers import NoNumber
from nn_from_scratch.verify.engines.legible import legible
from nn_from_scratch.verify.questions import programs
from nn_from_scratch.verify.questions.formats import FORMATS

VERSION = 1
LONGEST_LINE = 1 << 26
"""Bytes: no answer is longer."""
SAYING = ("value", "gradient", "shared", "changed", "blocks")
"""The moves that say something."""


class ProtocolError(ValueError):
    """A line that is not valid."""


@dataclass(frozen=True)
class Hello:
    """What an engine says of itself before it is asked anything.

    Parameters
    ----------
    name
        What reports call it.
    moves
        The moves that it can be asked.
    operations
        The operations that it has, by numpy's names.
    dtype, arrays, complete, second_order, explicit
        As of an `Engine`.
    integers
        Whether constants and leaves can be given as integers.
    python
        What only an engine in Python tells: of its adapter, for scripts.

    """

    name: str
    moves: frozenset[str]
    operations: tuple[str, ...]
    dtype: str = "float64"
    arrays: bool = False
    complete: bool = False
    second_order: bool = False
    explicit: frozenset[str] = frozenset()
    integers: bool = False
    python: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, line: Any) -> Hello:
        """Read the first line of a process.

        Raises
        ------
        ProtocolError
            If it is not valid, or of another version.

        """
        if not isinstance(line, dict) or not _is(VERSION, line.get("protocol")):
            raise ProtocolError(f'it does not begin with {{"protocol": {VERSION}, ...}}, but {_seen(line)}')
        name, dtype = line.get("name"), line.get("dtype", "float64")
        if not isinstance(name, str) or not name:
            raise ProtocolError(f"its `name` is no text: {_seen(name)}")
        if not isinstance(dtype, str) or dtype not in FORMATS:
            raise ProtocolError(f"its `dtype` is none of {', '.join(FORMATS)}: {_seen(dtype)}")
        python = line.get("python", {})
        if not isinstance(python, dict):
            raise ProtocolError("its `python` is no object")
        return cls(
            legible(name),
            frozenset(_texts(line, "moves")),
            _texts(line, "operations"),
            dtype,
            arrays=line.get("arrays") is True,
            complete=line.get("complete") is True,
            second_order=line.get("second_order") is True,
            explicit=frozenset(_texts(line, "explicit", ())),
            integers=line.get("integers") is True,
            python=python,
        )


def _is(number: int, told: Any) -> bool:
    """Whether a number is told: JSON's true is none, though Python's is 1."""
    return not isinstance(told, bool) and bool(told == number)


def _texts(line: Mapping[str, Any], key: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
    found = line.get(key, default)
    if not isinstance(found, (list, tuple)) or not all(isinstance(x, str) for x in found):
        raise ProtocolError(f"its `{key}` is no list of names: {_seen(found)}")
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Failed:
    """What a move raised.

    `lacking` says that the engine has not what was asked: one in Python by its own table (`Spelling`).
    """

    move: int
    kinds: tuple[str, ...]
    message: str
    lacking: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What was said to a program, how long it took, and what ended it before its end."""

    said: list[Any]
    seconds: float
    failed: Failed | None

    def after(self, program: programs.Program) -> Reply:
        """Return what was said to the rest of a program, after its first moves."""
        if not program:
            return self
        failed = self.failed and replace(self.failed, move=max(0, self.failed.move - len(program)))
        return Reply(self.said[sum(move[0] in SAYING for move in program) :], self.seconds, failed)


def read_reply(line: Any, number: int, program: programs.Program) -> Reply:
    """Read the answer to a program.

    Raises
    ------
    ProtocolError
        If it is not valid.

    """
    if not isinstance(line, dict):
        raise ProtocolError(f"an answer that is no object: {_seen(line)}")
    if not _is(number, line.get("id")):
        raise ProtocolError(f"an answer to request {_seen(line.get('id'))}, where {number} was asked")
    said, seconds = line.get("said"), line.get("seconds", 0.0)
    if not isinstance(said, list):
        raise ProtocolError(f"an answer whose `said` is no list: {_seen(said)}")
    if type(seconds) not in (int, float) or not 0 <= seconds < 1e9:
        raise ProtocolError(f"an answer whose `seconds` are none: {_seen(seconds)}")
    failed = _read_failed(line.get("failed"), len(program))
    made = program[: failed.move] if failed else program
    expected = [move[0] for move in made if move[0] in SAYING]
    if len(said) != len(expected):
        raise ProtocolError(f"{len(said)} things said, where {len(expected)} were asked")
    found = [_read_said(what, x) for what, x in zip(expected, said, strict=True)]
    return Reply(found, float(seconds), failed)


def _read_failed(failed: Any, moves: int) -> Failed | None:
    if failed is None:
        return None
    if not isinstance(failed, dict):
        raise ProtocolError(f"a `failed` that is no object: {_seen(failed)}")
    move, kinds, message = failed.get("move"), failed.get("kinds", ["Error"]), failed.get("message", "")
    if type(move) is not int or not 0 <= move < moves:
        raise ProtocolError(f"a failed move that is none of {moves}: {_seen(move)}")
    if not isinstance(kinds, list) or not kinds or not all(isinstance(kind, str) for kind in kinds):
        raise ProtocolError(f"a failed move whose `kinds` are no names: {_seen(kinds)}")
    if not isinstance(message, str):
        raise ProtocolError(f"a failed move whose `message` is no text: {_seen(message)}")
    lacking = failed.get("lacking", False)
    if not isinstance(lacking, bool):
        raise ProtocolError(f"a failed move that is `lacking` {_seen(lacking)}")
    return Failed(move, tuple(legible(kind) for kind in kinds), legible(message), lacking)


def _read_said(move: str, x: Any) -> Any:
    if move == "shared" and isinstance(x, bool):
        return x
    if move == "blocks" and type(x) is int:
        return x
    if move == "changed" and isinstance(x, list) and all(isinstance(what, str) for what in x):
        return [legible(what) for what in x]
    if move not in ("value", "gradient"):
        raise ProtocolError(f"what `{move}` said is not valid: {_seen(x)}")
    if x is None:
        return None
    if isinstance(x, dict) and "no number" in x:
        kind, seen = x["no number"], x.get("seen", "")
        if not isinstance(kind, str) or not kind or not isinstance(seen, str):
            raise ProtocolError(f"what `{move}` said names no kind: {_seen(x)}")
        return NoNumber(legible(kind), legible(seen))
    try:
        return programs.read(x)
    except programs.NotANumberError as error:
        raise ProtocolError(f"what `{move}` said is {error}") from None
    except RecursionError:
        raise ProtocolError(f"what `{move}` said is no number: {_seen(x)}") from None


def _seen(x: Any) -> str:
    """Return what there is to see of a value of JSON, which may be too deep to be written."""
    try:
        return legible(repr(x))[:80]
    except RecursionError:
        return "(lists in lists, too deep to be shown)"
