"""The single moves of a tape engine, of which the checks of state and limits are made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.tape import Tape
from nn_from_scratch.verify.state.isolated import Processes


class NotSupportedError(Exception):
    """A check cannot be asked: the engine or its adapter lacks what it needs."""


class DoesNotApplyError(NotSupportedError):
    """There is nothing to ask: the engine has not what the check is about."""


class NoTapeError(NotSupportedError):
    """The engine transforms functions: it has no nodes that could keep something."""


class RefusedError(Exception):
    """The engine says that it does not do this."""


# What Python itself raises where code goes wrong; a refusal is an exception that was written to be one.
_CRASHES = (AttributeError, TypeError, NameError, LookupError, ArithmeticError, RecursionError, MemoryError)


class Moves(ABC):
    """What a check may do; nodes and derivatives are whatever the moves give."""

    engine: Engine
    processes: Processes | None = None

    @abstractmethod
    def leaf(self, value: Any) -> Any:
        """Make a leaf."""

    @abstractmethod
    def apply(self, name: str, *operands: Any) -> Any:
        """Compute an operation; constants are floats."""

    @abstractmethod
    def repeat(self, times: int, step: Callable[[Any], Any], node: Any) -> Any:
        """Take a step from a node to the next, many times; return the last."""

    @abstractmethod
    def backward(self, output: Any, *cotangent: Any) -> None:
        """Run the reverse pass."""

    def backward_again(self, output: Any) -> None:
        """Run the reverse pass over nodes that one went over before.

        Raises
        ------
        RefusedError
            If the engine refuses, as one does that frees a graph once it is used.

        """
        self.backward(output)

    @abstractmethod
    def value(self, node: Any) -> Any:
        """Read a node's value."""

    @abstractmethod
    def gradient(self, leaf: Any) -> Any:
        """Read a leaf's gradient."""

    @abstractmethod
    def assign(self, leaf: Any, value: float) -> None:
        """Replace a leaf's value."""

    @abstractmethod
    def reset(self, leaf: Any) -> None:
        """Make a leaf's gradient 0."""

    def add(self, x: Any, y: Any) -> Any:
        """Compute x + y."""
        return self.apply("add", x, y)

    def mul(self, x: Any, y: Any) -> Any:
        """Compute x * y."""
        return self.apply("mul", x, y)


class Driven(Moves):
    """An engine's own moves.

    Raises
    ------
    NotSupportedError
        By a move that the engine lacks, by each if it has no tape.

    """

    def __init__(self, engine: Engine, processes: Processes | None = None) -> None:
        self.engine, self.processes = engine, processes

    @property
    def _tape(self) -> Tape:
        if self.engine.tape is None:
            raise NoTapeError("the engine has no tape, whose moves could be asked one by one")
        return self.engine.tape

    def leaf(self, value: Any) -> Any:  # noqa: D102
        return self._tape.variable(value)

    def apply(self, name: str, *operands: Any) -> Any:  # noqa: D102
        kinds = "".join("c" if isinstance(operand, float) else "x" for operand in operands)
        if (name, kinds) in self.engine.lacks:
            raise NotSupportedError(f"the engine has no {name}")
        return self.engine.operations[name](*operands)

    def repeat(self, times: int, step: Callable[[Any], Any], node: Any) -> Any:  # noqa: D102
        for _ in range(times):
            node = step(node)
        return node

    def backward(self, output: Any, *cotangent: Any) -> None:  # noqa: D102
        self._tape.backward(output, *cotangent)

    def backward_again(self, output: Any) -> None:  # noqa: D102
        try:
            self.backward(output)
        except _CRASHES:
            raise
        except Exception as error:
            raise RefusedError(str(error)) from error

    def value(self, node: Any) -> Any:  # noqa: D102
        return _number(self._tape.value(node))

    def gradient(self, leaf: Any) -> Any:  # noqa: D102
        found = self._tape.gradient(leaf)
        return 0.0 if found is None else _number(found)

    def assign(self, leaf: Any, value: float) -> None:  # noqa: D102
        if self._tape.assign is None:
            raise NotSupportedError("its adapter has no `assign`")
        self._tape.assign(leaf, value)

    def reset(self, leaf: Any) -> None:  # noqa: D102
        if self._tape.reset is None:
            raise NotSupportedError("its adapter has no `reset`")
        self._tape.reset(leaf)


def _number(x: Any) -> Any:
    """Return a float for a scalar of any library; arrays stay as they are."""
    return x if np.ndim(x) else float(x)
