"""What a derivative's numbers should be, and what is said of those that came."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax.numpy as jnp
import numpy as np

from nn_from_scratch.verify.functions.jaxpr.formulas import Trace
from nn_from_scratch.verify.functions.jaxpr.interpreter import NotTracedError
from nn_from_scratch.verify.functions.jaxpr.local import MOST, step_by_step
from nn_from_scratch.verify.functions.jaxpr.losses import first_loss
from nn_from_scratch.verify.functions.jaxpr.question import Question
from nn_from_scratch.verify.functions.jaxpr.rounding import radii, smallest
from nn_from_scratch.verify.functions.jaxpr.sizes import formats
from nn_from_scratch.verify.functions.rows import Row
from nn_from_scratch.verify.judging.rounded_numbers import MARGIN
from nn_from_scratch.verify.judging.verdicts import Verdict

Numbers = np.ndarray[Any, np.dtype[np.float64]]

CERTAIN = 16.0
"""How many times the tolerance, and beyond half of the digits, an error is that accuses by numbers alone."""

A_DIGIT = 1 / 16
"""The relative error up to which a hexadecimal digit holds: what is left must tell something."""

FEWER = 0.75
"""A number that keeps less than this share of its dtype's digits may have been computed in a narrower one."""

ZERO = 1e-20
"""How much smaller than its rounding a derivative is that is 0."""


@dataclass(frozen=True)
class Exact:
    """The numbers that a formula has, and how far rounding may move each: infinite if that is not known."""

    traced: Trace
    seeds: Sequence[Any]
    middles: list[Numbers]
    """The formula's numbers."""
    by_rule: bool
    """Whether a rule computes them, which may round worse than JAX's own derivative."""
    ask_own: Callable[[], list[Numbers]]
    """Computes JAX's own derivative."""

    @cached_property
    def own(self) -> list[Numbers] | None:
        """What JAX's own derivative gives where a rule is in question; a loop has none in reverse."""
        try:
            return self.ask_own() if self.by_rule else None
        except (TypeError, ValueError, NotImplementedError):
            return None

    @cached_property
    def tolerances(self) -> list[Numbers] | None:
        """How far rounding may move each; None where it may turn a comparison."""
        try:
            rounded = self.traced.what_rounding_does(self.seeds)
        except NotTracedError:
            return None
        if rounded.kinks:
            return None
        return [MARGIN * radii(x) for x in rounded.derivatives]

    def explain_loss(self, said: str) -> str:
        """Add to what is said of a number that is not finite where that comes from, if it is known."""
        if self.traced.scalars > MOST:
            return said
        try:
            return step_by_step(self.traced, self.seeds).check.explain(said)
        except NotTracedError:
            return said

    @cached_property
    def narrower(self) -> str | None:
        """Say which format the derivative alone is computed in that is narrower than all around it."""
        found = self.traced.formats
        around = {*map(_dtype, self.traced.question.point), *formats(self.traced.primal)}
        around |= {_dtype(x) for x in self.traced.question.outputs(wide=False)}
        coarsest = max(map(_unit, around))
        inside = [name for name in found if _unit(name) > coarsest]
        if not inside:
            return None
        name = max(inside, key=_unit)
        return f"{name} inside, at {found[name].place}"


@dataclass(frozen=True)
class Expected:
    """What a derivative should be: what its formula has, if that is right, and else what came eagerly."""

    question: Question
    names: list[str]
    dtypes: list[str]
    eager: list[Numbers]
    exact: Exact | None

    def row(self, way: str, found: list[Numbers]) -> Row:
        """Judge what came in another way."""
        if self.exact is None:
            return self.like(way, found, self.eager)
        rows = [self._entry(found, k, self.exact) for k in range(len(found))]
        compared = [row for row in rows if row is not None]
        if not compared:
            return Row(way, Verdict.UNDECIDED, f"no number could be compared: {self._why_none(self.exact)}")
        worst = max(compared, key=_severity)
        return Row(way, worst.verdict, worst.said)

    def _entry(self, found: list[Numbers], k: int, exact: Exact) -> _Judged | None:
        """Judge one array; None where it has no number to compare."""
        name, got, middle, dtype = self.names[k], found[k], exact.middles[k], self.dtypes[k]
        known = np.isfinite(middle) & (np.abs(middle) <= float(jnp.finfo(dtype).max))
        lost = known & ~np.isfinite(got)
        if lost.any():
            place = int(np.argmax(lost))
            said = f"the derivative for {name} is {got.flat[place]} where its formula gives"
            return _Judged(Verdict.WRONG, exact.explain_loss(f"{said} {middle.flat[place]:.6g}"), math.inf)
        if not known.any():
            return None
        errors = np.where(known, np.abs(got - np.where(known, middle, 0.0)), 0.0)
        gap = float(errors[errors > 8 * smallest(dtype)].max(initial=0.0))
        largest = float(np.abs(middle[known]).max())
        unit = max(_unit(dtype), *(_unit(_dtype(x)) for x in self.question.point))
        if gap <= unit**FEWER * largest:
            return _Judged(Verdict.RIGHT, _units(gap, largest, unit), gap / (largest or 1.0))
        tolerance = exact.tolerances[k] if exact.tolerances is not None else np.full(got.shape, np.inf)
        sure = np.isfinite(tolerance) & known
        if sure.any() and largest <= ZERO * float(tolerance[sure].max()):
            largest = self._scale_of_zero(exact, float(tolerance[sure].max()))
        relative = gap / largest if largest else math.inf
        judged = self._by_digits(relative, unit, exact, k)
        excess = float((errors[sure] / np.maximum(tolerance[sure], smallest(dtype))).max(initial=0.0))
        if judged.verdict is Verdict.UNDECIDED and sure.all() and excess > CERTAIN:
            said = f"the derivative for {name} is off by {gap:.3g}, {excess:.3g} times what rounding explains"
            return _Judged(Verdict.WRONG, said, relative)
        return judged

    def _by_digits(self, relative: float, unit: float, exact: Exact, k: int) -> _Judged:
        """Say what a relative error means."""
        if relative > unit**FEWER and exact.narrower is not None:
            return _Judged(Verdict.INACCURATE, f"{_digits(relative)}: {exact.narrower}", relative)
        if relative <= math.sqrt(unit):
            return _Judged(Verdict.RIGHT, _units(relative, 1.0, unit), relative)
        own = self._of_own(exact, k)
        lost = first_loss(exact.traced, exact.seeds, math.sqrt(unit))
        where = f"; digits are lost at {lost}" if lost else ""
        said = f"the formula is right, but the numbers keep only {_digits(relative)} here"
        if own is not None and own <= math.sqrt(unit):
            said = f"{said}, where JAX's own derivative keeps {_digits(max(own, unit))}{where}"
            return _Judged(Verdict.UNDECIDED, said, relative)
        told = relative <= A_DIGIT
        return _Judged(Verdict.RIGHT if told else Verdict.UNDECIDED, f"{said}{where}", relative)

    def _of_own(self, exact: Exact, k: int) -> float | None:
        """Return the relative error of JAX's own derivative."""
        if exact.own is None:
            return None
        middle, own = exact.middles[k], exact.own[k]
        known = np.isfinite(middle)
        if not np.isfinite(own[known]).all():
            return None
        largest = float(np.abs(middle[known]).max(initial=0.0))
        gap = float(np.abs(own - middle)[known].max(initial=0.0))
        return 0.0 if not gap else (gap / largest if largest else math.inf)

    def _scale_of_zero(self, exact: Exact, tolerance: float) -> float:
        """Return the size of what cancelled where a derivative is 0, from what its rounding may be.

        A rule of its own is held to the size of its cotangents or directions: its rounding may be anything.
        """
        unit = max(_unit(_dtype(x)) for x in self.question.point)
        if not exact.by_rule:
            return tolerance / unit
        return max((float(np.abs(np.asarray(x, float)).max(initial=0.0)) for x in exact.seeds), default=0.0)

    def _why_none(self, exact: Exact) -> str:
        if not any(x.size for x in exact.middles):
            return "there is none"
        return "the derivative is beyond the range of its dtype, or not known, for every entry"

    def like(self, way: str, found: list[Numbers], expected: list[Numbers], names: Sequence[str] = ()) -> Row:
        """Compare two ways to compute the same, derivatives or what has other names: half of the digits hold.

        That accuses nobody: rounding may turn a comparison, and what follows from it is any number.
        """
        if not any(x.size for x in found):
            return Row(way, Verdict.UNDECIDED, "no number could be compared: there is none")
        half = math.sqrt(float(jnp.finfo(self.question.narrowest).eps))
        for name, a, b in zip(
            names or [f"derivative for {x}" for x in self.names], found, expected, strict=True
        ):
            same = (a == b) | (np.isnan(a) & np.isnan(b))
            if same.all():
                continue
            size = float(np.abs(b[np.isfinite(b)]).max(initial=0.0))
            gap = float(np.abs(a - b)[~same].max())
            if not gap <= half * size:
                said = f"the {name} differs by {gap:.3g} from that computed otherwise"
                return Row(way, Verdict.UNDECIDED, said)
        return Row(way, Verdict.RIGHT, "as eagerly")


@dataclass(frozen=True)
class _Judged:
    """What is said of one array, and its error relative to its largest entry."""

    verdict: Verdict
    said: str
    relative: float


def _severity(judged: _Judged) -> tuple[int, float]:
    return judged.verdict.severity, judged.relative


def _units(gap: float, largest: float, unit: float) -> str:
    """Say how large an error is in units of the last place of the largest entry."""
    return f"numbers within {gap / largest / (2 * unit) if gap else 0.0:.2g} units"


def _digits(relative: float) -> str:
    return f"{max(0.0, -math.log10(relative)):.1f} digits" if relative else "all digits"


def _unit(dtype: str) -> float:
    return float(jnp.finfo(dtype).eps) / 2


def _dtype(x: Any) -> str:
    return str(x.dtype)
