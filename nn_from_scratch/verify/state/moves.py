"""The single moves of a tape engine, of which the checks of state and limits are made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from nn_from_scratch.verify.engines.answers import real_numbers
from nn_from_scratch.verify.engines.deaths import DeathError
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.errors import is_lacking
from nn_from_scratch.verify.engines.session import MoveError
from nn_from_scratch.verify.questions import programs
from nn_from_scratch.verify.questions.programs import Program
from nn_from_scratch.verify.state.isolated import Answers


class NotSupportedError(Exception):
    """A check cannot be asked: the engine or its adapter lacks what it needs."""


class DoesNotApplyError(NotSupportedError):
    """There is nothing to ask: the engine has not what the check is about."""


class NoTapeError(NotSupportedError):
    """The engine transforms functions: it has no nodes that could keep something."""


class RefusedError(Exception):
    """The engine says that it does not do this."""


# What Python itself raises where code goes wrong; a refusal is an exception that was written to be one.
_CRASHES = (
    *(AttributeError, TypeError, NameError, LookupError, ArithmeticError, RecursionError, MemoryError),
    DeathError,
)


_LONG = 10_000  # steps that are asked one by one at most
_NO_CODE = "it is no move of an engine, which could be written down"


class Moves(ABC):
    """What a check may do; nodes and derivatives are whatever the moves give."""

    engine: Engine
    processes: Answers | None = None

    @abstractmethod
    def leaf(self, value: Any) -> Any:
        """Make a leaf."""

    @abstractmethod
    def apply(self, name: str, *operands: Any, **parameters: Any) -> Any:
        """Compute an operation; constants are floats, and parameters numpy's keywords."""

    @abstractmethod
    def repeat(self, times: int, step: Callable[[Any], Any], node: Any) -> Any:
        """Take a step from a node to the next, many times; return the last."""

    @abstractmethod
    def backward(self, output: Any, *cotangent: Any) -> None:
        """Run the reverse pass."""

    def backward_again(self, output: Any, *cotangent: Any) -> None:
        """Run the reverse pass over nodes that one went over before.

        Raises
        ------
        RefusedError
            If the engine refuses, as one does that frees a graph once it is used.

        """
        self.backward(output, *cotangent)

    @abstractmethod
    def raises(self, name: str, *values: Any) -> bool:
        """Whether it raises to compute an operation of fresh leaves and read its value; let go of nodes."""

    @abstractmethod
    def value(self, node: Any) -> Any:
        """Read a node's value."""

    @abstractmethod
    def gradient(self, leaf: Any) -> Any:
        """Read a leaf's gradient."""

    def unless_refused(self, read: Callable[[Any], Any], node: Any) -> Any:
        """Read the `value` or `gradient` of a node; let go of all nodes if there is none.

        Raises
        ------
        RefusedError
            If any exception is raised, by this or by what it needs.

        """
        return read(node)

    @abstractmethod
    def augment(self, node: Any, operand: Any) -> Any:
        """Return what Python's ``node += operand`` leaves."""

    @abstractmethod
    def assign(self, leaf: Any, value: float) -> None:
        """Replace a leaf's value."""

    @abstractmethod
    def reset(self, leaf: Any) -> None:
        """Make a leaf's gradient 0."""

    def share_memory(self, one: tuple[str, Any], other: tuple[str, Any]) -> bool:  # noqa: ARG002
        """Whether two arrays share memory, each what a node has: see `questions.programs`."""
        raise NotSupportedError(_NO_CODE)

    def blocks(self) -> int:
        """Let go of all nodes; return how many blocks of memory are in use then."""
        raise NotSupportedError(_NO_CODE)

    def seconds(self, build: Callable[[], object]) -> float:  # noqa: ARG002
        """Return how many seconds of processor time the moves of a function take; let go of its nodes."""
        raise NotSupportedError(_NO_CODE)

    def add(self, x: Any, y: Any) -> Any:
        """Compute x + y."""
        return self.apply("add", x, y)

    def mul(self, x: Any, y: Any) -> Any:
        """Compute x * y."""
        return self.apply("mul", x, y)


class Driven(Moves):
    """An engine's own moves: they are kept until something is read, and made in one program then.

    Raises
    ------
    NotSupportedError
        By a move that the engine lacks, by each if it has no tape.

    """

    def __init__(self, engine: Engine, processes: Answers | None = None) -> None:
        self.engine, self.processes = engine, processes
        self._known = engine.driver.moves
        self._session = engine.session()
        self._kept: Program = []
        self._nodes = 0

    def make(self) -> list[Any]:
        """Make the moves that were kept; return what they say."""
        kept, self._kept = self._kept, []
        if not kept:
            return []
        try:
            return self._session.run(kept)
        except MoveError as error:
            if is_lacking(error.reason):
                raise NotSupportedError(str(error.reason)) from error
            raise error.reason from error

    def leaf(self, value: Any) -> Any:  # noqa: D102
        self._need("backward")
        return self._node("variable", programs.number(value))

    def apply(self, name: str, *operands: Any, **parameters: Any) -> Any:  # noqa: D102
        kinds = "".join("c" if isinstance(operand, float) else "x" for operand in operands)
        if (name, kinds) in self.engine.lacks:
            raise NotSupportedError(f"the engine has no {name}")
        written = (programs.number(x) if isinstance(x, float) else x for x in operands)
        return self._node("apply", name, *written, *([parameters] if parameters else []))

    def repeat(self, times: int, step: Callable[[Any], Any], node: Any) -> Any:  # noqa: D102
        before = len(self._kept)
        last = step(node)
        if "repeat" in self._known:
            match self._kept[before:]:
                case [["apply", name, first, *others]] if first == node and node not in others:
                    self._kept[before:] = [["repeat", times, name, node, *others]]
                    return last
        elif times > _LONG:
            raise NotSupportedError("it has no `repeat`, without which a long chain cannot be asked")
        for _ in range(times - 1):
            last = step(last)
        return last

    def backward(self, output: Any, *cotangent: Any) -> None:  # noqa: D102
        self._need("backward")
        self._kept.append(["backward", output, *([float(x).hex() for x in c.ravel()] for c in cotangent)])

    def backward_again(self, output: Any, *cotangent: Any) -> None:  # noqa: D102
        self.make()
        self.backward(output, *cotangent)
        try:
            self.make()
        except _CRASHES:
            raise
        except Exception as error:
            raise RefusedError(str(error)) from error

    def raises(self, name: str, *values: Any) -> bool:  # noqa: D102
        self.make()
        node = self.apply(name, *map(self.leaf, values))
        raised = False
        try:
            with np.errstate(all="ignore"):
                self.value(node)
        except DeathError:
            raise
        except Exception as error:  # noqa: BLE001  whatever an engine raises
            raised = not isinstance(error, NotSupportedError)
        self._forget()  # some of its nodes may not have been made
        return raised

    def value(self, node: Any) -> Any:  # noqa: D102
        return self._read("value", node)

    def gradient(self, leaf: Any) -> Any:  # noqa: D102
        found = self._read("gradient", leaf)
        return 0.0 if found is None else found

    def unless_refused(self, read: Callable[[Any], Any], node: Any) -> Any:  # noqa: D102
        try:
            return read(node)
        except (DeathError, NotSupportedError):
            raise
        except Exception as error:
            self._forget()  # some of its nodes may not have been made
            raise RefusedError(str(error)) from error

    def augment(self, node: Any, operand: Any) -> Any:  # noqa: D102
        self._need("augment")
        return self._node("augment", node, operand)

    def assign(self, leaf: Any, value: float) -> None:  # noqa: D102
        self._need("assign")
        self._kept.append(["assign", leaf, programs.number(value)])

    def reset(self, leaf: Any) -> None:  # noqa: D102
        self._need("reset")
        self._kept.append(["reset", leaf])

    def share_memory(self, one: tuple[str, Any], other: tuple[str, Any]) -> bool:  # noqa: D102
        self._need("shared")
        return bool(self._say("shared", [*one], [*other]))

    def blocks(self) -> int:  # noqa: D102
        self._need("blocks")
        self._forget()
        return int(self._say("blocks"))

    def seconds(self, build: Callable[[], object]) -> float:  # noqa: D102
        self.make()
        start = self._session.seconds
        build()
        self.make()
        taken = self._session.seconds - start
        self._forget()
        return taken

    def _forget(self) -> None:
        if "forget" in self._known:
            self._kept.append(["forget"])
        else:
            self.make()
            self._session = self.engine.session()
        self._nodes = 0

    def _node(self, *move: Any) -> int:
        self._kept.append([*move])
        self._nodes += 1
        return self._nodes - 1

    def _need(self, move: str) -> None:
        if "backward" not in self._known:
            raise NoTapeError("the engine has no tape, whose moves could be asked one by one")
        if move not in self._known:
            raise NotSupportedError(f"its adapter has no `{move}`")

    def _read(self, *move: Any) -> Any:
        return _number(self._say(*move))

    def _say(self, *move: Any) -> Any:
        self._kept.append([*move])
        return self.make()[-1]


def _number(x: Any) -> Any:
    """Return a float for a scalar of any library, numpy's array for an array: of integers, if it has such.

    Raises
    ------
    AnswerError
        If it is neither.

    """
    if x is None:
        return None
    found = real_numbers(x, "what was read")
    return np.asarray(x) if found.ndim else float(found)
