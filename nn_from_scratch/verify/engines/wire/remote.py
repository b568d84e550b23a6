"""The driver of an engine in another process: cases and sessions as programs, and what comes back.

What the engine raised there is raised here, by an exception of the same name that is also of the same
built-in class. That its process died of what was asked is raised as a `DeathError`.
"""

from __future__ import annotations

import builtins
import math
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

from nn_from_scratch.verify.engines.answers import Answer, flat_gradient, flat_value
from nn_from_scratch.verify.engines.deaths import Death, DeathError
from nn_from_scratch.verify.engines.driver import Driver
from nn_from_scratch.verify.engines.errors import NotSpelledError
from nn_from_scratch.verify.engines.finding import FoundIn
from nn_from_scratch.verify.engines.session import MoveError, Session
from nn_from_scratch.verify.engines.wire.asker import IN_FLIGHT, Asker
from nn_from_scratch.verify.engines.wire.protocol import Failed, Hello, Reply
from nn_from_scratch.verify.questions import programs
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.exact_sums import exact_sum
from nn_from_scratch.verify.questions.expressions import Arithmetic
from nn_from_scratch.verify.questions.programs import Program


class Remote(Driver):
    """A driver that asks an engine's process.

    Parameters
    ----------
    asker
        Who asks.
    hello
        What the process said of itself.
    environment
        The environment variables that its process was given.

    """

    def __init__(self, asker: Asker, hello: Hello, environment: Mapping[str, str]) -> None:
        self.asker, self.hello, self.environment = asker, hello, environment
        self._has_tape = "backward" in hello.moves
        self._seconds, self._answers = 0.0, 0
        self._foreseen: deque[tuple[Case, Program]] = deque(maxlen=IN_FLIGHT)

    @property
    def moves(self) -> frozenset[str]:  # noqa: D102
        return self.hello.moves

    @property
    def integers(self) -> bool:  # noqa: D102
        return self.hello.integers

    @property
    def in_python(self) -> bool:  # noqa: D102
        return bool(self.hello.python)

    @property
    def deaths(self) -> list[Death]:  # noqa: D102
        return self.asker.deaths

    @property
    def seconds(self) -> float:  # noqa: D102
        return self._seconds

    @property
    def pace(self) -> float:
        """How many seconds of processor time an answer has taken on average; infinite before the first."""
        return self._seconds / self._answers if self._answers else math.inf

    def begin_phase(self) -> None:  # noqa: D102
        self.asker.begin_phase()

    def close(self) -> None:  # noqa: D102
        self.asker.close()

    def stop(self) -> None:
        """Ask nothing more: from another thread than the one that waits for an answer."""
        self.asker.stop()

    def session(self, operations: Arithmetic) -> Session:  # noqa: ARG002, D102  it has its own
        return RemoteSession(self.asker)

    def forward(self, operations: Arithmetic, case: Case) -> object:  # noqa: ARG002, D102
        program = programs.forward(case)
        if not self._has_tape:  # an engine of functions computes what it differentiates
            program = programs.of_case(case, tape=False, leaves=range(case.expression.inputs))
        failed = self.asker.ask(program).failed
        if failed and program[failed.move][0] in programs.MAKING:
            raise exception(failed)
        return None

    def answer(self, operations: Arithmetic, case: Case) -> Answer:  # noqa: ARG002, D102
        leaves = list(range(case.expression.inputs))
        reply = self._ask(self._written(case) or self._program(case, leaves))
        if reply.failed and not case.tangent:
            used = sorted(case.expression.reachable() & set(leaves))
            if 0 < len(used) < len(leaves):
                # The derivative by an unused input may raise: a check of state tells of it.
                reply, leaves = self._ask(self._program(case, used)), used
        value = self._value(case, reply)
        if reply.failed:
            raise exception(reply.failed)
        derivatives = dict(zip(leaves, reply.said[-len(leaves) :], strict=True))
        gradient = flat_gradient(case, [derivatives.get(k) for k in range(case.expression.inputs)])
        return Answer(value, gradient)

    def foresee(self, case: Case) -> None:  # noqa: D102
        program = self._program(case, range(case.expression.inputs))
        self._foreseen.append((case, program))
        self.asker.foresee(program)

    def public(self) -> list[str]:  # noqa: D102
        found = self.hello.python.get("public")
        return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []

    def found_in(self, spec: str) -> FoundIn:  # noqa: ARG002, D102
        found = self.hello.python.get("found in")
        known = found if isinstance(found, dict) else {}
        names, folders = known.get("names"), known.get("folders")
        return FoundIn(
            tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else (),
            {str(name): str(folder) for name, folder in folders.items()} if isinstance(folders, dict) else {},
        )

    def fails(self, script: str) -> bool:  # noqa: D102
        try:
            answer = self.asker.tell({"script": script})
        except DeathError:
            return True
        return isinstance(answer, dict) and answer.get("fails") is True

    def disturb(self, attempt: int) -> None:  # noqa: D102
        if self.hello.python:
            with suppress(DeathError):  # what it dies of is seen when it is asked
                self.asker.tell({"disturb": attempt})

    def _ask(self, program: Program) -> Reply:
        reply = self.asker.ask(program)
        self._seconds += reply.seconds
        self._answers += 1
        return reply

    def _written(self, case: Case) -> Program | None:
        """Return the program that was sent ahead for this very case, if one was."""
        return next((program for foreseen, program in self._foreseen if foreseen is case), None)

    def _program(self, case: Case, leaves: Sequence[int]) -> Program:
        return programs.of_case(case, tape=self._has_tape, leaves=leaves)

    def _value(self, case: Case, reply: Reply) -> float:
        """Return the value that was asked: of an array its sum with the cotangent, with a tangent along it.

        One of another shape is told though what came after it failed.
        """
        if not reply.said:
            return 0.0  # something before it failed
        is_array = bool(case.shapes) and self._has_tape
        value = flat_value(reply.said[0], len(case.cotangent) if is_array else 1)
        if case.tangent and self._has_tape:
            return float(flat_value(reply.said[1], 1)[0]) if len(reply.said) > 1 else 0.0
        return exact_sum(value * case.cotangent) if is_array else float(value[0])


class RemoteSession(Session):
    """A session with an engine in another process; if that ends, its moves are made again from the first."""

    def __init__(self, asker: Asker) -> None:
        super().__init__()
        self._asker = asker
        self._before: Program = []

    def run(self, program: Program) -> list[Any]:  # noqa: D102
        reply = self._asker.ask(program, self, self._before)
        self.seconds += reply.seconds
        failed = reply.failed
        self._before += program[: failed.move] if failed else program
        if failed:
            raise MoveError(failed.move, reply.said, exception(failed))
        return reply.said


class RemoteError(Exception):
    """What an engine raised in its own process: of its name there, and of the built-in class it was of."""

    def __init__(self, message: str) -> None:
        Exception.__init__(self, message)  # that of a built-in class may want more than a message
        self._message = message

    def __str__(self) -> str:
        """Return what it said."""
        return self._message


def exception(failed: Failed) -> Exception:
    """Return the exception that stands for what a move raised."""
    return _class_of(failed.kinds, failed.lacking)(failed.message)


@cache
def _class_of(kinds: tuple[str, ...], lacking: bool) -> type[RemoteError]:
    if lacking:
        return type(kinds[0], (RemoteError, NotSpelledError), {})
    known = (getattr(builtins, kind, None) for kind in kinds)
    bases = [kind for kind in known if isinstance(kind, type) and _may_be_a_base(kind)]
    return type(kinds[0], (RemoteError, *bases[:1]), {})


def _may_be_a_base(kind: type) -> bool:
    steers = (BaseExceptionGroup, StopIteration, StopAsyncIteration)  # whatever they are raised in
    made_of_more = UnicodeError  # than a message
    return issubclass(kind, Exception) and not issubclass(kind, (*steers, made_of_more))
