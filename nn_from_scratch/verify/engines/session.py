"""The small interpreter that runs programs of moves on an engine: see `questions.programs`.

A session is what lives from one move to the next. A program may be run in pieces, so that what is asked next
may depend on what was said.
"""

from __future__ import annotations

import gc
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import process_time  # itself: an engine may replace what `time` calls so
from typing import Any

import numpy as np

from nn_from_scratch.verify.engines.answers import check_count, shape_of
from nn_from_scratch.verify.questions import programs
from nn_from_scratch.verify.questions.expressions import Arithmetic
from nn_from_scratch.verify.questions.programs import Program

_LONG = 10_000  # steps: a chain that the collector would go through over and over


class MoveError(Exception):
    """A move failed.

    Parameters
    ----------
    position
        Which of the program's moves.
    said
        What was said before.
    reason
        What it raised.

    """

    def __init__(self, position: int, said: list[Any], reason: BaseException) -> None:
        super().__init__(f"move {position} raised {type(reason).__name__}")  # whose text may raise as well
        self.position, self.said, self.reason = position, said, reason


class Session(ABC):
    """The nodes that moves have made, and how long the engine took for them."""

    def __init__(self) -> None:
        self.seconds = 0.0
        """Seconds of processor time that its moves have taken."""

    @abstractmethod
    def run(self, program: Program) -> list[Any]:
        """Make moves; return what they say: floats, arrays, or for a gradient None.

        Raises
        ------
        MoveError
            Where one raises: those after it are not made.

        """


class TapeSession(Session):
    """A session with an engine that records a graph and walks it backward, in this process.

    Parameters
    ----------
    tape
        The engine's moves (a `Tape`).
    operations
        What it computes.

    """

    def __init__(self, tape: Any, operations: Arithmetic) -> None:
        super().__init__()
        self._tape, self._operations = tape, operations
        self._nodes: list[Any] = []
        self._said: list[Any] = []
        self._given: dict[tuple[str, int], Any] = {}
        self._watched: list[tuple[str, Any, Any]] | None = None
        self._moves: dict[str, Callable[..., None]] = {
            "variable": self._variable,
            "apply": self._apply,
            "repeat": self._repeat,
            "backward": self._backward,
            "differentiate": self._differentiate,
            "assign": lambda leaf, x: tape.assign(self._nodes[leaf], programs.read(x)),
            "reset": lambda leaf: tape.reset(self._nodes[leaf]),
            "value": lambda node: self._said.append(tape.value(self._nodes[node])),
            "gradient": lambda leaf: self._said.append(tape.gradient(self._nodes[leaf])),
            "forget": self._forget,
            "shared": self._shared,
            "augment": self._augment,
            "changed": self._changed,
            "blocks": self._blocks,
        }

    def run(self, program: Program) -> list[Any]:  # noqa: D102
        said: list[Any] = []
        self._said = said
        position = 0
        if any(move[0] == "changed" for move in program):
            self._watched = []
        with _uncollected(program):
            start = process_time()
            try:
                for position, (name, *operands) in enumerate(program):  # noqa: B007  told where one raises
                    self._moves[name](*operands)
            except BaseException as reason:
                raise MoveError(position, said, reason) from reason
            finally:
                self.seconds += process_time() - start
        return said

    def _variable(self, x: Any) -> None:
        value = self._remember("an input", programs.read(x))
        self._given["variable", len(self._nodes)] = value
        self._nodes.append(self._tape.variable(value))

    def _apply(self, name: str, *operands: Any) -> None:
        constant = self._tape.constant
        self._nodes.append(applied(self._operations, self._nodes, name, operands, constant))

    def _repeat(self, times: int, name: str, node: int, *operands: Any) -> None:
        self._nodes.append(repeated(self._operations[name], self._nodes, times, node, operands))

    def _augment(self, node: int, operand: Any) -> None:
        augmented = self._nodes[node]
        augmented += self._nodes[operand] if isinstance(operand, int) else programs.read(operand)
        self._nodes.append(augmented)

    def _backward(self, node: int, *cotangent: Sequence[str]) -> None:
        self._tape.backward(self._nodes[node], *self._shaped(node, cotangent))

    def _differentiate(self, node: int, by: Sequence[int], *cotangent: Sequence[str]) -> None:
        leaves = [self._nodes[leaf] for leaf in by]
        found = self._tape.gradients(self._nodes[node], leaves, *self._shaped(node, cotangent))
        check_count(len(leaves), found)
        self._nodes.extend(found)

    def _forget(self) -> None:
        self._nodes.clear()
        self._given.clear()

    def _shared(self, one: tuple[str, int], other: tuple[str, int]) -> None:
        self._said.append(bool(np.shares_memory(self._memory(*one), self._memory(*other))))

    def _changed(self) -> None:
        watched = self._watched or []
        found = {what for what, x, before in watched if not np.array_equal(x, before, equal_nan=True)}
        self._said.append(sorted(found))

    def _blocks(self) -> None:
        gc.collect()
        self._said.append(sys.getallocatedblocks())

    def _shaped(self, node: int, given: Sequence[Sequence[str]]) -> Iterator[Any]:
        """Yield the cotangent, if there is one, in the shape of the node's value."""
        for numbers in given:
            cotangent = np.reshape(_floats(numbers), shape_of(self._tape.value(self._nodes[node])))
            self._given["cotangent", node] = cotangent
            yield self._remember("the cotangent", cotangent)

    def _remember(self, what: str, x: Any) -> Any:
        if self._watched is not None and isinstance(x, np.ndarray):
            self._watched.append((what, x, x.copy()))
        return x

    def _memory(self, what: str, node: int) -> Any:
        if what in ("variable", "cotangent"):
            return self._given[what, node]
        return np.asarray(getattr(self._tape, what)(self._nodes[node]))


class TransformSession(Session):
    """A session with an engine that turns a function into its gradient: a program is one function.

    Only what is differentiated is computed, for only in a function is it the engine that computes.

    Parameters
    ----------
    transform
        The engine (a `Transform`).
    operations
        What it computes.

    """

    def __init__(self, transform: Any, operations: Arithmetic) -> None:
        super().__init__()
        self._transform, self._operations = transform, operations
        self._program: Program = []
        self._position = 0  # of the move that is made, for where one raises

    def run(self, program: Program) -> list[Any]:  # noqa: D102
        first, said = len(self._program), list[Any]()
        self._program += program
        start = process_time()
        try:
            with _uncollected(program):
                self._run(first, said)
        except BaseException as reason:
            raise MoveError(max(0, self._position - first), said, reason) from reason
        finally:
            self.seconds += process_time() - start
        return said

    def _run(self, first: int, said: list[Any]) -> None:
        """Differentiate what the program says, and say what its moves from the `first` on do."""
        known: dict[int, Any] = {}  # by node
        leaves = [programs.read(move[1]) for move in self._program if move[0] == "variable"]
        before = [np.copy(x) for x in leaves]
        nodes = 0
        for position, move in enumerate(self._program):
            self._position = position
            if move[0] == "differentiate":
                known[move[1]], derivatives = self._differentiated(position, move[1], move[2], leaves)
                known.update(enumerate(derivatives, nodes))
            elif move[0] == "value" and position >= first:
                if move[1] not in known:
                    known[move[1]], _ = self._differentiated(position, move[1], self._leaves(), leaves)
                said.append(known[move[1]])
            elif move[0] == "changed" and position >= first:
                pairs = zip(leaves, before, strict=True)
                same = all(np.array_equal(x, y, equal_nan=True) for x, y in pairs)
                said.append([] if same else ["an input"])
            nodes += programs.made([move])

    def _leaves(self) -> list[int]:
        """Return the nodes that are leaves."""
        nodes, found = 0, []
        for move in self._program:
            found += [nodes] * (move[0] == "variable")
            nodes += programs.made([move])
        return found

    def _differentiated(
        self, position: int, node: int, by: Sequence[int], leaves: Sequence[Any]
    ) -> tuple[Any, Sequence[Any]]:
        """Return the value of a node that is made before a position, and its derivatives by leaves."""
        every = self._leaves()
        numbers = [every.index(leaf) for leaf in by]

        def function(*values: Any) -> Any:
            replaced = dict(zip(numbers, values, strict=True))  # the other leaves are captured
            output = self._nodes(position, [replaced.get(k, x) for k, x in enumerate(leaves)])[node]
            self._position = position
            return output

        value, derivatives = self._transform.value_and_gradient(function, [leaves[k] for k in numbers])
        check_count(len(numbers), derivatives)
        return value, derivatives

    def _nodes(self, end: int, leaves: Sequence[Any]) -> list[Any]:
        """Make the nodes of all moves before the one at `end`, given what stands for the leaves."""
        nodes: list[Any] = []
        fresh = iter(leaves)
        for position, move in enumerate(self._program[:end]):
            self._position = position
            match move:
                case ["apply", name, *operands]:
                    nodes.append(applied(self._operations, nodes, name, operands, self._transform.constant))
                case ["variable", _]:
                    nodes.append(next(fresh))
                case ["repeat", times, name, node, *operands]:
                    nodes.append(repeated(self._operations[name], nodes, times, node, operands))
                case ["weighed", node, numbers]:
                    nodes.append(self._transform.weighed(nodes[node], _floats(numbers)))
                case ["differentiate", node, by]:
                    nodes.extend(self._differentiated(position, node, by, leaves)[1])
                case ["value" | "changed", *_]:
                    pass
                case _:
                    raise NotImplementedError(f"no such move: {move!r:.200}")
        return nodes


def applied(
    operations: Arithmetic,
    nodes: Sequence[Any],
    name: str,
    operands: Sequence[Any],
    constant: Callable[[Any], Any] | None,
) -> Any:
    """Compute an operation of nodes and constants, of constant arrays as the engine takes them."""
    keywords = {}
    if operands and isinstance(operands[-1], dict) and not programs.is_number(operands[-1]):
        keywords = {key: _tuples(value) for key, value in operands[-1].items()}
        operands = operands[:-1]
    values = [nodes[x] if isinstance(x, int) else as_operand(programs.read(x), constant) for x in operands]
    return operations[name](*values, **keywords)


def as_operand(x: Any, constant: Callable[[Any], Any] | None) -> Any:
    """Return a constant as an engine takes it: an array by what it makes `constant` of it, if it says so."""
    return x if constant is None or not isinstance(x, np.ndarray) else constant(x)


def repeated(
    operation: Callable[..., Any], nodes: Sequence[Any], times: int, node: int, operands: Sequence[Any]
) -> Any:
    """Compute an operation of a node, then of its result, and so on; return the last."""
    last = nodes[node]
    others = [nodes[x] if isinstance(x, int) else programs.read(x) for x in operands]
    for _ in range(times):
        last = operation(last, *others)
    return last


def _floats(numbers: Sequence[str]) -> list[float]:
    return [float.fromhex(x) for x in numbers]


def _tuples(x: Any) -> Any:
    """Return the value of a keyword, in which JSON has made lists of tuples."""
    return tuple(map(_tuples, x)) if isinstance(x, (list, tuple)) else x


@contextmanager
def _uncollected(program: Program) -> Iterator[None]:
    """Let the garbage collector rest while a long chain is made, which it would go through over and over."""
    rest = gc.isenabled() and any(move[0] == "repeat" and move[1] > _LONG for move in program)
    if rest:
        gc.disable()
    try:
        yield
    finally:
        if rest:
            gc.enable()
