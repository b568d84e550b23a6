"""The exact one-sided derivatives of an expression at kinks, on either side of the point.

Just beside a point, in a given direction, each kink selects one of its operands: the one whose difference
from the other has the right sign there, which is that of its first coefficient that is not 0, as a power
series. FLINT computes the series; no rule of ours takes part. For second derivatives the direction is a
curve, p + t w + t^7 v: first along w, then along v. It tells which smooth piece holds there, and the
derivative is that piece's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flint import arb, arb_series, ctx

from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.oracles.kinks import Kinks, State, UnsettledError
from nn_from_scratch.verify.oracles.selections import SELECTIONS

_ORDER = 8  # of the series by which conditions are compared
_LATER = 7  # the power of t at which a curve turns to its second direction
_MOST_STEPS = 2_000_000  # of all inputs' series together

Sides = dict[int, int]
"""For each kink the operand, 0 or 1, that it selects."""


class OneSided:
    """The one-sided derivatives of an expression at a point.

    With `near_is_exact`, kinks that are near are taken for exact ones, as an engine may.
    """

    def __init__(self, kinks: Kinks, *, near_is_exact: bool) -> None:
        self._kinks = kinks
        self._open = {
            node for node, kink in kinks.open.items() if kink.state is not State.NEAR or near_is_exact
        }
        self._sides = kinks.selected | {
            node: kink.side for node, kink in kinks.open.items() if node not in self._open
        }
        self._steps = {
            node: (None if step.operation in SELECTIONS else taylor.SERIES[step.operation], step.operands)
            for node, step in kinks.steps
        }
        # To first order the first coefficients decide, unless a condition has none.
        conditions = any(step.operation == "where" for node, step in kinks.steps if node in self._open)
        self._length = 1 + (_ORDER if conditions else 1)

    def derivatives(self) -> list[tuple[arb, arb]]:
        """Return, for each input, the derivatives on its side above and on that below.

        Raises
        ------
        UnsettledError
            If there are more inputs than can be followed one by one.

        """
        expression = self._kinks.expression
        reached = self._reached()
        if sum(map(len, reached)) > _MOST_STEPS:
            raise UnsettledError("too many inputs meet kinks")
        found = []
        with taylor.working(taylor.PRECISION, self._length):
            still: list[Any] = [arb_series([value]) for value in self._kinks.values]
            still[expression.inputs : expression.first_step] = expression.constants
            for i, program in enumerate(reached):
                above, below = (self._directed(still, i, program, sign) for sign in (1, -1))
                found.append((above, -below))
        return found

    def _reached(self) -> list[list[int]]:
        """Return for each input the nodes that it moves."""
        programs: list[list[int]] = [[] for _ in range(self._kinks.expression.inputs)]
        movers: dict[int, set[int]] = {k: {k} for k in range(len(programs))}
        for node, step in self._kinks.steps:
            if node not in self._kinks.zeros:
                movers[node] = set().union(*(movers.get(k, ()) for k in step.operands))
                for chosen in movers[node]:
                    programs[chosen].append(node)
        return programs

    def _directed(self, still: Sequence[Any], chosen: int, program: Sequence[int], sign: int) -> arb:
        series = list(still)
        series[chosen] = arb_series([self._kinks.point[chosen], sign])
        self._run(series, program, self._beside)
        derivative: arb = series[self._kinks.expression.output][1]
        return derivative

    def _run(
        self, series: list[Any], program: Sequence[int], select: Callable[[int, list[Any]], Any]
    ) -> None:
        """Compute the nodes of a program, each kink by a rule; constants among the series are floats."""
        for node in program:
            function, operands = self._steps[node]
            if function:
                series[node] = function(*[series[k] for k in operands])
            else:
                selected = select(node, [taylor.series(series[k]) for k in operands])
                # Operands that only nearly tie have nearly the node's value.
                series[node] = taylor.exactly(self._kinks.values[node], selected)

    def _beside(self, node: int, operands: list[Any]) -> Any:
        """Select as in a direction; the hull of both where series cannot tell."""
        first, second = operands[-2:]
        side = self._sides.get(node)
        if side is None:
            side = self._side(node, operands)
        if side is None:
            return arb_series([first[k].union(second[k]) for k in range(ctx.cap)])
        return (first, second)[side]

    def _side(self, node: int, operands: list[Any]) -> int | None:
        """Return which operand is selected just beside the point; None where series cannot tell."""
        expression = self._kinks.expression
        operation = expression.steps[node - expression.first_step].operation
        compared = operands[0] if operation == "where" else operands[0] - operands[1]
        for k in range(1, ctx.cap):
            if compared[k] > 0 or compared[k] < 0:
                return int((compared[k] < 0) != (operation == "minimum"))
            if not compared[k].is_zero():
                return None
        return int(operation == "where")  # a condition that stays 0; of what stays equal, either

    def second_derivatives(self, tangent: Sequence[float]) -> list[list[arb]]:
        """Return H v for each input, where v is the tangent and H the Hessian, on its sides.

        There are four sides, those of the input and of v; where the same piece holds on several, it is there
        once.

        Raises
        ------
        UnsettledError
            Where series cannot tell which piece holds, or if there are too many inputs.

        """
        inputs = range(self._kinks.expression.inputs)
        if 4 * len(inputs) * len(self._kinks.steps) > _MOST_STEPS:
            raise UnsettledError("too many inputs meet kinks")
        found = []
        for chosen in inputs:
            unit = [int(i == chosen) for i in inputs]
            sides = [([a * w for w in unit], [b * v for v in tangent]) for a in (1, -1) for b in (1, -1)]
            pieces = {tuple(piece.items()): piece for piece in (self._piece(w, v) for w, v in sides)}
            found.append([self._product(piece, unit, tangent) for piece in pieces.values()])
        return found

    def _piece(self, first: Sequence[float], later: Sequence[float]) -> Sides:
        """Return which operands are selected along a curve that starts along `first`, and turns `later`."""
        sides: Sides = {}

        def select(node: int, operands: list[Any]) -> Any:
            side = self._sides.get(node)
            if side is None:
                side = self._side(node, operands)
            if side is None:
                raise UnsettledError("the branches of a kink cannot be compared")
            sides[node] = side
            return operands[side - 2]

        with taylor.working(taylor.PRECISION, _LATER + 3):
            between = [0] * (_LATER - 1)
            curve = [
                arb_series([x, a, *between, b])
                for x, a, b in zip(self._kinks.point, first, later, strict=True)
            ]
            self._compute(curve, select)
        return sides

    def _product(self, piece: Sides, w: Sequence[float], v: Sequence[float]) -> arb:
        """Return w.Hv of a piece, as `taylor.enclose_second` does."""
        with taylor.working(taylor.PRECISION, 3):
            exact = [arb(x) for x in v]
            ahead = self._along(piece, [a + b for a, b in zip(exact, w, strict=True)])
            back = self._along(piece, [a - b for a, b in zip(exact, w, strict=True)])
            product: arb = (ahead[2] - back[2]) / 2
            return product

    def _along(self, piece: Sides, direction: Sequence[Any]) -> Any:
        """Return the series of a piece along a direction."""
        with taylor.working(taylor.PRECISION, 3):
            line = [arb_series([x, d]) for x, d in zip(self._kinks.point, direction, strict=True)]
            return self._compute(line, lambda node, operands: operands[piece[node] - 2])

    def _compute(self, inputs: Sequence[Any], select: Callable[[int, list[Any]], Any]) -> Any:
        expression = self._kinks.expression
        series = [*inputs, *expression.constants, *expression.steps]
        self._run(series, [node for node, _ in self._kinks.steps], select)
        return taylor.series(series[expression.output])
