"""Scalars that record what is computed from them: nodes of a graph, and entries of constant arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.questions.operations import SCALARS

_CONSTANTS = 1 << 40  # no point has as many entries


@dataclass(eq=False, slots=True)
class Symbol:
    """A scalar node of the traced graph, by number: first the point's entries, then what was recorded.

    Python's operators record operations; to add 0, and to multiply by 1, records nothing.
    """

    recorder: Recorder
    number: int

    def __add__(self, other: Any) -> Any:
        return self.recorder.apply("add", self, other) if _matters(other, 0.0) else self

    def __radd__(self, other: Any) -> Any:
        return self.recorder.apply("add", other, self) if _matters(other, 0.0) else self

    def __sub__(self, other: Any) -> Any:
        return self.recorder.apply("sub", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self.recorder.apply("sub", other, self)

    def __mul__(self, other: Any) -> Any:
        return self.recorder.apply("mul", self, other) if _matters(other, 1.0) else self

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self.recorder.apply("div", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self.recorder.apply("div", other, self)

    def __pow__(self, other: Any) -> Any:
        return self.recorder.apply("pow", self, other)

    def __neg__(self) -> Any:
        return self.recorder.apply("neg", self)


class Entry(float):
    """An entry of a constant array: what is made of two of them is recorded, for an engine rounds it."""

    recorder: Recorder

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, (int, float)):  # a symbol, or an array, knows what to do
            return NotImplemented
        if other == 0:
            return self
        return self.recorder.apply("add", self, other) if self else other

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self + -other if isinstance(other, (int, float)) else NotImplemented

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, (int, float)):
            return NotImplemented
        return self if other == 1 else self.recorder.apply("mul", self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self.recorder.apply("div", self, other) if isinstance(other, (int, float)) else NotImplemented

    def __rtruediv__(self, other: Any) -> Any:
        return self.recorder.apply("div", other, self)

    def __neg__(self) -> Entry:
        return self.recorder.entry(-float(self))


def _matters(operand: Any, neutral: float) -> bool:
    return isinstance(operand, Symbol) or operand != neutral


class Recorder:
    """Records scalar operations."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, list[int]]] = []
        self.zero: Symbol | None = None
        """What a sum of constants alone begins with, once there is one: a node."""
        self.constants: dict[float, int] = {}
        """Of each the number it goes by until all are known: so far beyond those of the point's entries."""

    def symbol(self, entry: int) -> Symbol:
        """Return the symbol of an entry of the point."""
        return Symbol(self, entry)

    def entry(self, value: float) -> Entry:
        """Return an entry of a constant array."""
        one = Entry(value)
        one.recorder = self
        return one

    def apply(self, name: str, *operands: Any) -> Symbol:
        """Record an operation."""
        numbers = [x.number if type(x) is Symbol else self._constant(x) for x in operands]
        if min(numbers) >= _CONSTANTS:  # constants alone, or what an empty sum gave: it needs a node
            self.zero = self.zero or self.apply("mul", Symbol(self, 0), 0.0)
            node = SCALARS[name].operand_kinds[0].index("x")  # an order stays a constant
            numbers[node] = self.apply("add", self.zero, operands[node]).number
        self.steps.append((name, numbers))
        return Symbol(self, -len(self.steps))

    def _constant(self, value: Any) -> int:
        return self.constants.setdefault(float(value), _CONSTANTS + len(self.constants))

    def case(self, output: Symbol, point: tuple[float, ...]) -> Case:
        """Return what was recorded, numbered: inputs, then constants, then steps."""
        inputs = len(point)
        last = inputs + len(self.constants) - 1
        to_constants = inputs - _CONSTANTS

        def number(k: int) -> int:
            if k < 0:
                return last - k
            return k if k < _CONSTANTS else k + to_constants

        steps = tuple([Step(name, tuple(map(number, numbers))) for name, numbers in self.steps])
        return Case(Expression(inputs, tuple(self.constants), steps, number(output.number)), point)
