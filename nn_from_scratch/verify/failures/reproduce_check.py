"""A script that shows a failed check of state or limits, in the engine's syntax where its adapter tells it.

The check itself is run, over code instead of nodes: each move writes a line.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from typing import Any

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.source import TapeSource
from nn_from_scratch.verify.failures.scripts import folders, imported_by, loading, repeated
from nn_from_scratch.verify.questions.expressions import Step
from nn_from_scratch.verify.questions.operations import bare
from nn_from_scratch.verify.state import CHECKS, LONG, Result, outcome
from nn_from_scratch.verify.state.moves import Moves, NotSupportedError

_ENOUGH = 5  # times that a check finds the same
_SECONDS = 10.0  # that it is looked for what other checks leave behind


def reproducer_of_check(engine: Engine, result: Result) -> str:
    """Return a script that fails while the engine does, and passes once it is right."""
    again = _differs(engine, result.name)
    before = [] if again else _needed_before(engine, result.name)
    script = "" if before else written(engine, result, again=again)
    # What may kill the interpreter is not tried here.
    if script and (result.grade != "state" or engine.driver.fails(script)):
        return script
    found_by, line = loading(engine)
    imports = "from nn_from_scratch.verify import check_state, load"
    question = f"check_state(engine, {result.name!r})"
    questions = [f"check_state(engine, {name!r})  # which leaves something behind" for name in before]
    lines = [_comment(engine, result), "", *found_by, imports, "", line, *questions]
    return "\n".join([*lines, repeated(question) if again else question, ""])


def written(engine: Engine, result: Result, *, again: bool = False) -> str:
    """Return the script in the engine's own syntax, or nothing where its adapter does not tell it.

    With `again` it does all of it again and again, for what is wrong now and then.
    """
    if not isinstance(engine.source, TapeSource):
        return ""
    try:
        code = "\n".join(_written(engine, engine.source, result.name))
    except (_NotWrittenError, NotSupportedError):
        return ""
    imports = engine.source.imports
    lines = [_comment(engine, result), "", *folders(engine, imported_by(imports)), imports, ""]
    return "\n".join([*lines, repeated(code) if again else code, ""])


def _differs(engine: Engine, name: str) -> bool:
    """Whether a check of state finds something else each time, as where something outlives a graph."""
    if CHECKS[name][0] != "state" or name in LONG:
        return False
    return len({outcome(engine, name).message for _ in range(_ENOUGH)}) > 1


def _needed_before(engine: Engine, name: str) -> list[str]:
    """Return the checks that come before this one, if some of them leave something behind.

    A slow engine is asked fewer of them.
    """
    earlier = list(CHECKS)[: list(CHECKS).index(name)]
    end = time.monotonic() + _SECONDS
    for one in earlier:
        if time.monotonic() > end:
            break
        if _differs(engine, one):
            return [before for before in earlier if CHECKS[before][0] == "state"]
    return []


def _comment(engine: Engine, result: Result) -> str:
    lines = (f"{engine.name}: {result.name}", *result.message.splitlines())
    return "\n".join(f"# {line}" for line in lines)


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
        if not name or not isinstance(value, (int, float)):
            raise _NotWrittenError
        return self._named(name, self._source.variable.format(value))

    def apply(self, name: str, *operands: Any, **parameters: Any) -> Any:
        kinds = "".join("c" if isinstance(operand, float) else "x" for operand in operands)
        step = Step(name, tuple(range(len(operands))), tuple(parameters.items()))
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

    def raises(self, name: str, *values: Any) -> bool:
        before, self.lines = self.lines, []
        node = self.apply(name, *map(self.leaf, values))
        tried = [*self.lines, str(self.value(node))]
        self.lines = [*before, "try:", *(f"    {line}" for line in tried), "except Exception:", "    pass"]
        return True

    def value(self, node: Any) -> Any:
        return _Code(self._source.value.format(node))

    def gradient(self, leaf: Any) -> Any:
        return _Code(self._source.gradient.format(leaf))

    def augment(self, node: Any, operand: Any) -> Any:
        self.lines.append(f"{node} += {operand}")
        return node

    def assign(self, leaf: Any, value: float) -> None:
        self._write(self._source.assign, leaf=leaf, value=value)

    def reset(self, leaf: Any) -> None:
        self._write(self._source.reset, leaf=leaf)

    def _write(self, template: str, **names: Any) -> None:
        if not template:
            raise _NotWrittenError
        self.lines += template.format(**names).splitlines()

    def _named(self, name: str, code: str) -> _Code:
        self.lines.append(f"{name} = {code}")
        return _Code(name)
