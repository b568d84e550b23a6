"""Which operation, term or constant of a derivative its difference from the truth comes from.

A derivative along several directions is a vector, and so is its error. If what an operation gives, made twice
as large, changes the vector in proportion to the error, then some multiple of it makes the formula right: it
is found, and tried. In the same way JAX's own derivative is searched for the term that, left out, gives what
is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.jaxpr.formulas import NONE, Trace, trace
from nn_from_scratch.verify.functions.jaxpr.interpreter import Call, Constant, NotTracedError, is_shadow
from nn_from_scratch.verify.functions.jaxpr.moving import MOVING
from nn_from_scratch.verify.functions.jaxpr.question import MODES, drawn
from nn_from_scratch.verify.functions.tracing.complexes import scaled
from nn_from_scratch.verify.functions.tracing.constants import Reading, read
from nn_from_scratch.verify.functions.tracing.mending import decimal
from nn_from_scratch.verify.functions.tracing.shadows import slope, value

DIRECTIONS = 3
"""Along how many directions a gradient is looked at."""

ENTRIES = 16
"""How many entries of tangents are looked at."""

AGREED = 1e-40
"""How closely, relatively, vectors must be in proportion."""

WORK = 300_000
"""Numbers that a search may compute, at most."""

CONSTANTS = 40
"""Constants that are tried in place of others, at most."""

Vector = list[arb]


class _Scaled:
    """Multiplies what one equation gives; notes the equations that are met."""

    def __init__(self, equation: Any = None, factor: arb | int = 1) -> None:
        self.equation = equation
        self.factor = factor
        self.met: dict[int, Call] = {}

    def __call__(self, call: Call, results: list[Any]) -> list[Any]:
        if call.name not in MOVING:
            self.met.setdefault(id(call.equation), call)
        if call.equation is not self.equation:
            return results
        return [scaled(x, arb(self.factor)) if is_shadow(x) else x for x in results]


class _Derivative:
    """A derivative's formula as a vector, any of its operations scaled."""

    def __init__(
        self, traced: Trace, mode: str, seeds: Sequence[Any], directions: Sequence[Sequence[Any]]
    ) -> None:
        self.traced = traced
        self.mode = mode
        self.seeds = seeds
        self.directions = directions

    def __call__(self, hook: _Scaled | None = None, replaced: Mapping[Constant, arb] = NONE) -> Vector:
        reading, literal = Reading.RECOGNISED, {**self.traced.unrecognised, **replaced}
        found = self.traced.derived_values(reading, self.seeds, literal, hook)[1]
        if self.mode != "rev":
            return [value(x) for shadow in found for x in shadow.ravel()][:ENTRIES]
        return [_along(found, direction, value) for direction in self.directions]


def _along(shadows: Sequence[Any], weights: Sequence[Any], part: Callable[[Any], arb]) -> arb:
    total = arb(0)
    for shadow, numbers in zip(shadows, weights, strict=True):
        for entry, weight in zip(shadow.ravel(), np.ravel(numbers).tolist(), strict=True):
            total += part(entry) * weight
    return total


def causes(traced: Trace, mode: str, outputs: Sequence[Any], inputs: Sequence[Any]) -> list[str]:
    """Say where a wrong formula's difference comes from, where that can be told; FLINT computes exactly."""
    seeds = outputs if mode == "rev" else inputs
    directions = [inputs, *(drawn(inputs, 100 + k) for k in range(DIRECTIONS - 1))]
    formula = _Derivative(traced, mode, seeds, directions)
    try:
        truth = _truth(traced, mode, outputs, directions)
        found = _constant(formula, truth) or _operation(formula, truth) or _missing(formula, truth)
    except NotTracedError:
        return []
    return [] if found is None else [found]


def _truth(traced: Trace, mode: str, outputs: Sequence[Any], directions: Sequence[Sequence[Any]]) -> Vector:
    literal = traced.unrecognised
    if mode != "rev":
        found = traced.primal_values(Reading.RECOGNISED, directions[0], literal)
        return [slope(x) for shadow in found for x in shadow.ravel()][:ENTRIES]
    runs = [traced.primal_values(Reading.RECOGNISED, direction, literal) for direction in directions]
    return [_along(found, outputs, slope) for found in runs]


def _constant(formula: _Derivative, truth: Vector) -> str | None:
    """Find a constant of the derivative for which one of the function's makes it right."""
    traced, tries = formula.traced, 0
    for number, dtype in sorted(traced.numbers - traced.plain_numbers):
        for candidate, _ in sorted(traced.plain_numbers):
            tries += 1
            if tries > CONSTANTS or tries * traced.scalars > WORK:
                return None
            if (
                number
                and candidate
                and _agree(
                    formula(replaced={(number, dtype): read(candidate, Reading.RECOGNISED, dtype)}), truth
                )
            ):
                return f"with the function's constant {candidate!r} in place of {number!r} it is right"
    return None


def _operation(formula: _Derivative, truth: Vector) -> str | None:
    """Find an operation of the derivative of which some multiple makes it right, the last of them."""
    for call, factor in _multiples(formula, truth):
        where = f"what {call.place} gives"
        if abs(factor) < AGREED:
            return f"it is right without {where}"
        sign = "with the other sign" if abs(factor + 1) < AGREED else f"times {decimal(factor)}"
        return f"it is right with {where} {sign}"
    return None


def _missing(formula: _Derivative, truth: Vector) -> str | None:
    """Find a term of JAX's own derivative without which it is what is wrong."""
    question = formula.traced.question.without_rules()
    try:
        traced = trace(
            question,
            MODES[formula.mode](question),
            wide=formula.traced.wide,
            by_outputs=formula.mode == "rev",
        )
    except (TypeError, ValueError, NotImplementedError):
        return None
    own = _Derivative(traced, formula.mode, formula.seeds, formula.directions)
    if not _agree(own(), truth):
        return None
    for call, factor in _multiples(own, formula()):
        if abs(factor) < AGREED:
            return f"a term is missing: what {call.place} gives in JAX's own derivative"
    return None


def _multiples(formula: _Derivative, truth: Vector) -> Iterator[tuple[Call, arb]]:
    """Yield operations, the last first, and by what they are to be multiplied to give the truth."""
    watch = _Scaled()
    before = formula(watch)
    error = [a - b for a, b in zip(truth, before, strict=True)]
    calls = list(watch.met.values())
    if len(calls) * formula.traced.scalars > WORK:
        return
    for call in reversed(calls):
        after = formula(_Scaled(call.equation, 2))
        effect = [a - b for a, b in zip(after, before, strict=True)]
        ratio = _proportion(error, effect)
        if ratio is not None and _agree(formula(_Scaled(call.equation, 1 + ratio)), truth):
            yield call, 1 + ratio


def _proportion(error: Vector, effect: Vector) -> arb | None:
    """Return the number by which the one is the other times it, or None."""
    largest = max(range(len(effect)), key=lambda k: float(abs(effect[k]).mid()), default=0)
    if not effect or not effect[largest].is_finite() or effect[largest].contains(0):
        return None
    ratio = error[largest] / effect[largest]
    return ratio.mid() if _agree([ratio * x for x in effect], error) else None


def _agree(a: Vector, b: Vector) -> bool:
    """Whether vectors are equal to many digits of the largest entry."""
    if not all(x.is_finite() for x in (*a, *b)):
        return False
    size = max((float(abs(x).mid()) for x in (*a, *b)), default=0.0)
    gap = max((float(abs(x - y).abs_upper()) for x, y in zip(a, b, strict=True)), default=0.0)
    return gap <= AGREED * size
