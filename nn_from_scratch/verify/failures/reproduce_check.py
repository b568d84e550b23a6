"""A script that shows a failed check of state or limits, in the engine's syntax where its adapter tells it.

The check itself is run, over code instead of nodes: each move writes a line.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.source import TapeSource
from nn_from_scratch.verify.questions.expressions import Step
from nn_from_scratch.verify.questions.operations import bare
from nn_from_scratch.verify.state import CHECKS, Result
from nn_from_scratch.verify.state.moves import Moves, NotSupportedError


def reproducer_of_check(engine: Engine, result: Result) -> str:
    """Return a script that fails while the engine does, and passes once it is right."""
    comment = "\n".join(
        f"# {line}" for line in (f"{engine.name}: {result.name}", *result.message.splitlines())
    )
    if isinstance(engine.source, TapeSource):
        try:
            code = "\n".join(_written(engine, engine.source, result.name))
        except (_NotWrittenError, NotSupportedError):
            pass
        else:
            return f"{comment}\n\n{engine.source.imports}\n\n{code}\n"
    line = f"engine = load({engine.spec!r})" if engine.spec else "# here goes what makes the `engine`"
    imports = "from nn_from_scratch.verify import check_state, load"
    return f"{comment}\n\n{imports}\n\n{line}\ncheck_state(engine, {result.name!r})\n"


def _written(engine: Engine, source: TapeSource, name: str) -> list[str]:
    moves = _Written(engine, source)
    for what, got, expected in CHECKS[name][1](moves):
        if not isinstance(got, _Code):
            raise _NotWrittenError
        right = " or ".join(map(repr, expected))
        moves.lines += [
            f"got = float({got})",
            f'assert got in {expected!r}, f"{what} is {{got}}, expected {right}"',
        ]
    return moves.lines


class _NotWrittenError(Exception):
    """A check does what is more than moves."""


class _Code(str):
    """What computes a node or a number."""

    __slots__ = ()


class _Written(Moves):
    """The moves as lines of code."""

    def __init__(self, engine: Engine, source: TapeSource) -> None:
        self.engine, self._source = engine, source
        self.lines: list[str] = []
        self._leaves = iter("abcdefgh")
        self._nodes = count()

    def leaf(self, value: Any) -> Any:
        name = next(self._leaves, "")
        if not name or not isinstance(value, float):
            raise _NotWrittenError
        return self._named(name, self._source.variable.format(value))

    def apply(self, name: str, *operands: Any) -> Any:
        kinds = "".join("c" if isinstance(operand, float) else "x" for operand in operands)
        step = Step(name, tuple(range(len(operands))))
        code = self._source.write(step, [*map(str, operands)], kinds)
        return self._named(f"u{next(self._nodes)}", bare(code))

    def repeat(self, times: int, step: Callable[[Any], Any], node: Any) -> Any:
        before = [*self.lines, f"y = {node}", f"for _ in range({times:_}):"]
        self.lines = []
        self._named("y", step(_Code("y")))
        self.lines = [*before, *(f"    {line}" for line in self.lines)]
        return _Code("y")

    def backward(self, output: Any, *cotangent: Any) -> None:
        if cotangent:
            raise _NotWrittenError
        self.lines.append(self._source.backward.format(output=output))

    def value(self, node: Any) -> Any:
        return _Code(self._source.value.format(node))

    def gradient(self, leaf: Any) -> Any:
        return _Code(self._source.gradient.format(leaf))

    def assign(self, leaf: Any, value: float) -> None:
        self._set(self._source.value, leaf, value)

    def reset(self, leaf: Any) -> None:
        self._set(self._source.gradient, leaf, 0.0)

    def _set(self, template: str, leaf: Any, value: float) -> None:
        if not template.removeprefix("{}.").isidentifier():
            raise _NotWrittenError
        self._named(template.format(leaf), str(value))

    def _named(self, name: str, code: str) -> _Code:
        self.lines.append(f"{name} = {code}")
        return _Code(name)
