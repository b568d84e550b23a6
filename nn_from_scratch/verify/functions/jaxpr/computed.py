"""The numbers of a derivative, however computed: against its own formula, within what rounding does."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nn_from_scratch.verify.functions.jaxpr.formulas import Trace, derived_by
from nn_from_scratch.verify.functions.jaxpr.interpreter import NotTracedError
from nn_from_scratch.verify.functions.jaxpr.question import MODES, Question, numbers
from nn_from_scratch.verify.functions.jaxpr.rounding import radii
from nn_from_scratch.verify.functions.rows import Row, first_line
from nn_from_scratch.verify.functions.tracing.shadows import Shadow, nearest
from nn_from_scratch.verify.judging.tolerance import MARGIN
from nn_from_scratch.verify.judging.verdicts import Verdict

Numbers = np.ndarray[Any, np.dtype[np.float64]]

CERTAIN = 16.0
"""How many times the tolerance, and beyond half of the digits, an error is that accuses by numbers alone."""


@dataclass(frozen=True)
class Expected:
    """What a derivative should be: balls if its formula is right, and else what came eagerly."""

    question: Question
    names: list[str]
    eager: list[Numbers]
    balls: list[Shadow] | None

    @property
    def half(self) -> float:
        """The relative error up to which half of the digits hold of the point's shortest dtype."""
        return math.sqrt(float(jnp.finfo(self.question.narrowest).eps))

    @property
    def largest(self) -> float:
        """The largest number that every dtype of the point holds."""
        return min(float(jnp.finfo(x.dtype).max) for x in self.question.point)

    def row(self, way: str, found: list[Numbers]) -> Row:
        """Judge what came in another way."""
        return self.like(way, found, self.eager) if self.balls is None else self._within(way, found)

    def _within(self, way: str, found: list[Numbers]) -> Row:
        worst = 0.0
        for name, got, ball in zip(self.names, found, self.balls or [], strict=True):
            tolerance, middle = MARGIN * radii(ball), nearest(ball)
            known = np.isfinite(middle) & np.isfinite(tolerance)
            lost = known & ~np.isfinite(got) & (np.abs(middle) <= self.largest)
            if lost.any():
                k = int(np.argmax(lost))
                said = (
                    f"the derivative for {name} is {got.flat[k]} where its formula gives {middle.flat[k]:.6g}"
                )
                return Row(way, Verdict.WRONG, said)
            known &= np.isfinite(got)
            if not known.any():
                continue
            errors = np.abs(got - middle)[known]
            units = float((errors / np.maximum(tolerance[known], 5e-324)).max())
            if units > CERTAIN and float(errors.max()) > self.half * float(np.abs(middle[known]).max()):
                explained = f"{units:.3g} times what rounding explains"
                return Row(
                    way, Verdict.WRONG, f"the derivative for {name} is off by {errors.max():.3g}, {explained}"
                )
            worst = max(worst, units)
        if worst > 1:
            return Row(way, Verdict.UNDECIDED, f"numbers are off by {worst:.2g} times what rounding explains")
        return Row(way, Verdict.RIGHT, f"numbers within {worst:.2f} of what rounding explains")

    def like(self, way: str, found: list[Numbers], expected: list[Numbers]) -> Row:
        """Compare two ways to compute the same: half of the digits must hold.

        That accuses nobody: rounding may turn a comparison, and what follows from it is any number.
        """
        for name, a, b in zip(self.names, found, expected, strict=True):
            same = (a == b) | (np.isnan(a) & np.isnan(b))
            if same.all():
                continue
            size = float(np.abs(b[np.isfinite(b)]).max(initial=0.0))
            gap = float(np.abs(a - b)[~same].max())
            if not gap <= self.half * size:
                said = f"the derivative for {name} differs by {gap:.3g} from that computed otherwise"
                return Row(way, Verdict.UNDECIDED, said)
        return Row(way, Verdict.RIGHT, "as eagerly")

    def batched(self, way: str, found: list[Any], alone: list[Numbers]) -> Row:
        """Judge what came for two points at once, given what comes for the second alone."""
        row = self.row(way, [numbers(x[0]) for x in found])
        if row.verdict is not Verdict.RIGHT:
            return row
        second = self.like(way, [numbers(x[1]) for x in found], alone)
        return row if second.verdict is Verdict.RIGHT else second


def computed(question: Question, mode: str, seeds: Sequence[Any]) -> Callable[..., list[Numbers]]:
    """Return the function of a point that gives gradients or tangents, as somebody would compute them."""
    function, outputs = MODES[mode](question), len(question.outputs(wide=False))

    def derivative(point: Sequence[Any], transform: Callable[..., Any] | None = None) -> list[Numbers]:
        way = function if transform is None else transform(function)
        return [numbers(x) for x in way(*point, *seeds)[outputs:]]

    return derivative


def seeds_of(question: Question, mode: str, outputs: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
    """Return drawn cotangents or directions in the dtypes that the function's own are of."""
    if mode == "rev":
        return [jnp.asarray(c, y.dtype) for c, y in zip(outputs, question.outputs(wide=False), strict=True)]
    return [jnp.asarray(d, x.dtype) for d, x in zip(inputs, question.point, strict=True)]


def number_rows(
    question: Question, mode: str, traced: Trace | None, seeds: Sequence[Any], *, right: bool
) -> Iterator[Row]:
    """Yield a row for each way to compute a derivative: twice, eagerly, compiled and under vmap.

    `right` says whether the formula is: only then are numbers judged by it.
    """
    derivative = computed(question, mode, seeds)
    eager = derivative(question.point)
    names = question.names if mode == "rev" else [f"output {k}" for k in range(len(eager))]
    balls = _balls(traced, seeds) if right and traced is not None else None
    expected = Expected(question, names, eager, balls)
    yield _twice(eager, derivative(question.point), names)
    if balls is not None:
        yield expected.row("eagerly", eager)
    yield expected.row("under jit", derivative(question.point, jax.jit))
    yield _under_vmap(question, mode, seeds, expected)


def _balls(traced: Trace, seeds: Sequence[Any]) -> list[Shadow] | None:
    before = len(traced.kinks)
    try:
        found = derived_by(traced, [numbers(x) for x in seeds])
    except NotTracedError:
        return None
    return found if len(traced.kinks) == before else None


def _twice(first: list[Numbers], second: list[Numbers], names: list[str]) -> Row:
    for name, a, b in zip(names, first, second, strict=True):
        if not np.array_equal(a, b, equal_nan=True):
            gap = float(np.nan_to_num(np.abs(a - b)).max())
            said = f"not deterministic: asked twice, the derivative for {name} differs by {gap:.3g}"
            return Row("twice the same", Verdict.WRONG, said)
    return Row("twice the same", Verdict.RIGHT)


def _under_vmap(question: Question, mode: str, seeds: Sequence[Any], expected: Expected) -> Row:
    """Ask for two points at once, the second with the entries of each array in reverse."""
    function, count = MODES[mode](question), len(question.outputs(wide=False))
    other = [jnp.flip(x.ravel()).reshape(x.shape) for x in question.point]
    pairs = [jnp.stack([x, y]) for x, y in zip(question.point, other, strict=True)]
    twice = [jnp.stack([x, x]) for x in seeds]
    try:
        found = jax.vmap(function)(*pairs, *twice)[count:]
    except (ValueError, TypeError, NotImplementedError, jax.errors.JAXTypeError) as error:
        return Row("under vmap", None, first_line(error))
    return expected.batched("under vmap", found, computed(question, mode, seeds)(other))
