"""Which comparisons of an expression lie at a kink: for certain, or as far as an engine can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flint import arb, arb_series

from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.oracles.sameness import ZERO, Sameness
from nn_from_scratch.verify.oracles.selections import SELECTIONS, Selecting
from nn_from_scratch.verify.questions.constants import numbers_of
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.questions.lower import Tracer

_NOTHING = arb(0)


class UnsettledError(Exception):
    """Nothing can be said: the point cannot be told from one at which the function is another one."""


class JumpError(UnsettledError):
    """Rounding decides on which side of a jump the point lies: not even a value is known."""

    def __init__(self) -> None:
        super().__init__("rounding decides on which side of a jump the point lies")


class State(StrEnum):
    """How a comparison comes out."""

    EXACT = "exact"
    """Both sides are equal."""
    NEAR = "near"
    """They differ, but by no more than an engine's rounding."""
    UNDECIDED = "undecided"
    """They are equal to as many digits as are computed."""


@dataclass(frozen=True, slots=True)
class Kink:
    """A selection in reach of its kink; `side` is the operand that is selected, 0 or 1, where it is near."""

    state: State
    side: int


@dataclass(frozen=True, slots=True)
class Kinks:
    """A scalar expression at a point: its values, which selections are clear, and which lie at a kink.

    `steps` are those that matter, with their nodes: not what only a branch needs that is not taken.
    `selected` (0 or 1, the operand) and `open` are by node. `zeros` are the nodes that are 0 everywhere,
    whatever balls say.
    """

    expression: Expression
    original: dict[int, int]
    point: Sequence[float]
    values: list[arb]
    steps: list[tuple[int, Step]]
    selected: dict[int, int]
    open: dict[int, Kink]
    zeros: set[int]

    def smooth_piece(self) -> Expression:
        """Return one of the smooth expressions that meet at the kinks: that of all first operands."""
        tracer = Tracer()
        expression = self.expression
        values: dict[int, Any] = {k: tracer.symbol(k) for k in range(expression.inputs)}
        values |= enumerate(expression.constants, expression.inputs)
        for node, step in self.steps:
            if node in self.selected:
                values[node] = values[step.operands[self.selected[node] - 2]]
            elif node in self.open:
                first, second = (values[k] for k in step.operands[-2:])
                values[node] = tracer.apply("add", first, tracer.apply("mul", second, 0.0))
            else:
                values[node] = tracer.apply(step.operation, *(values[k] for k in step.operands))
        output = tracer.apply("add", values[expression.output], 0.0)
        return tracer.case(output, (0.0,) * expression.inputs).expression

    def has(self, state: State) -> bool:
        """Whether there is a kink in that state."""
        return any(kink.state is state for kink in self.open.values())


def find(selecting: Selecting, point: Sequence[float], held: Sequence[arb]) -> Kinks:
    """Compare the operands of every selection.

    Parameters
    ----------
    selecting
        What is asked.
    point
        Where: a float for each input.
    held
        For each node a ball with every number that an engine may hold in it.

    Raises
    ------
    UnsettledError
        Where the point is outside the domain, or where rounding decides on which side of a jump it lies.

    """
    expression = selecting.expression
    with taylor.working(taylor.PRECISION, 1):
        series = expression.evaluate(_EITHER, [arb_series([x]) for x in point])
        values = [arb(x) if isinstance(x, float) else x[0] for x in series]
        functions, equals = _numbered(expression, point, values)
        zeros = {node for node, number in enumerate(functions) if number == ZERO}
        values = [_NOTHING if node in zeros else value for node, value in enumerate(values)]
        compare = _Comparison(expression, values, held, functions, equals)
        found = Kinks(expression, selecting.original, point, values, [], {}, {}, zeros)
        needed = {expression.output}
        for node in range(len(expression) - 1, expression.first_step - 1, -1):
            if node in needed:
                _add(found, compare, needed, node)
    found.steps.reverse()
    return found


def _add(found: Kinks, compare: _Comparison, needed: set[int], node: int) -> None:
    """Find out about a step that matters, and which others do then."""
    if not found.values[node].is_finite():
        raise UnsettledError("outside the domain")
    step = found.expression.steps[node - found.expression.first_step]
    found.steps.append((node, step))
    operands = step.operands
    if step.operation == "sign" and compare.may_change(*operands):
        raise JumpError
    if step.operation in SELECTIONS:
        kink = compare.kink(step)
        if isinstance(kink, Kink):
            found.open[node] = kink
        else:
            found.selected[node] = kink
            if step.operation == "where":
                operands = (step.operands[0], step.operands[1 + kink])
    needed.update(operands)


def _either(c: Any, x: Any, y: Any) -> Any:
    """Return what `where` gives, or the hull of both operands where that is not known."""
    c, x, y = taylor.series(c), taylor.series(x), taylor.series(y)
    if c[0] > 0:
        return x
    return y if c[0] <= 0 else arb_series([x[0].union(y[0])])


_EITHER = {**taylor.SERIES, "where": _either}


def _numbered(
    expression: Expression, point: Sequence[float], values: Sequence[arb]
) -> tuple[list[int], list[int]]:
    """Return numbers for nodes that are the same function, and for those that are equal at the point."""
    same, equal = Sameness(), Sameness()
    functions = [same.leaf(("input", k)) for k in range(expression.inputs)]
    functions += map(same.constant, numbers_of(expression.constants))
    equals = [equal.leaf(_exact(arb(x))) for x in (*point, *numbers_of(expression.constants))]
    for node, step in enumerate(expression.steps, expression.first_step):
        functions.append(same.step(step.operation, [functions[k] for k in step.operands]))
        if values[node].is_exact():
            equals.append(equal.leaf(_exact(values[node])))
        else:
            equals.append(equal.step(step.operation, [equals[k] for k in step.operands]))
    return functions, equals


def _exact(value: arb) -> tuple[str, Any]:
    """Return a key of a ball of radius 0: the float where it is one."""
    number = float(value.mid())
    return ("value", number + 0.0) if arb(number) == value else ("number", value.mid().man_exp())


@dataclass(frozen=True, slots=True)
class _Comparison:
    expression: Expression
    values: Sequence[arb]
    held: Sequence[arb]
    functions: Sequence[int]
    equals: Sequence[int]

    def kink(self, step: Step) -> Kink | int:
        """Return the kink that a selection lies at, or which operand it selects: 0 or 1."""
        if step.operation == "where":
            return self._where(*step.operands)
        first, second = step.operands
        if first == second:
            return 0
        difference = self._difference(first, second)
        side = int(difference < 0 if step.operation == "maximum" else difference > 0)
        return self._kink(difference, self._in_reach(first, second), side)

    def _where(self, condition: int, first: int, second: int) -> Kink | int:
        zero = ZERO in (self.functions[condition], self.equals[condition])
        value = _NOTHING if zero else self.values[condition]
        held = _NOTHING if zero else self.held[condition]
        if first == second:
            return 0
        if self.expression.is_constant(condition):
            return int(not value > 0)
        kink = self._kink(value, held.contains(0), int(not value > 0))
        if isinstance(kink, int):
            return kink
        if self._difference(first, second).contains(0) or self._in_reach(first, second):
            return kink
        if kink.state is State.EXACT and held == 0:
            return 1  # a jump, on whose side every engine agrees
        raise JumpError

    def may_change(self, node: int) -> bool:
        """Whether engines may differ about the sign of a node."""
        return self.functions[node] != ZERO and self.held[node].contains(0) and not self.held[node].is_zero()

    @staticmethod
    def _kink(difference: arb, in_reach: bool, side: int) -> Kink | int:
        if difference == 0:
            return Kink(State.EXACT, 0)
        if difference.contains(0):
            return Kink(State.UNDECIDED, 0)
        return Kink(State.NEAR, side) if in_reach else side

    def _difference(self, first: int, second: int) -> arb:
        if self.functions[first] == self.functions[second] or self.equals[first] == self.equals[second]:
            return _NOTHING
        return self.values[first] - self.values[second]

    def _in_reach(self, first: int, second: int) -> bool:
        return bool((self.held[first] - self.held[second]).contains(0))
