"""The formula of a derivative, compared exactly with the derivative of the function's."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.jaxpr.formulas import NONE, Trace
from nn_from_scratch.verify.functions.jaxpr.interpreter import (
    Constant,
)
from nn_from_scratch.verify.functions.jaxpr.question import drawn
from nn_from_scratch.verify.functions.tracing.constants import Reading
from nn_from_scratch.verify.functions.tracing.rules import (
    Comparison,
    Rule,
    Rules,
    compare,
    is_of_no_constants,
    judge,
    moved_by_rounding,
    unless_left_out,
    unlike_sizes,
)
from nn_from_scratch.verify.functions.tracing.shadows import (
    Shadow,
    exactly_computing,
    joined,
    nearest,
    values,
)

_FURTHER = 1000
"""Further directions are drawn from this seed on."""

Values = Callable[[Reading, Mapping[Constant, arb]], Sequence[Shadow]]


@dataclass(frozen=True)
class Formulas:
    """Two formulas for one number: the slopes of the one, weighed, and the values of the other, weighed."""

    traced: Trace
    truth: Values
    formula: Values
    truth_weights: Sequence[Any]
    formula_weights: Sequence[Any]
    scale: float = 0.0
    """The size of what cancels where the number is 0."""
    along: Callable[[int], Comparison] | None = None
    """Compares along another direction."""
    in_proportion: Formulas | None = None
    """The same along a direction that moves each input by its size, where these are unlike."""

    def compare(self, dtype: str) -> Rules:
        """Judge the one by the other."""
        with exactly_computing():
            found = judge(
                lambda reading: self.truth(reading, {}),
                lambda reading: self.formula(reading, {}),
                self.truth_weights,
                self.formula_weights,
                dtype=dtype,
                rounding=self._rounding,
                along=self.along,
                scale=self.scale,
            )
        if found.rule is not Rule.EQUAL and self.in_proportion is not None:
            found = found.unless(self.in_proportion.compare(dtype))
        numbers = [number for number, _ in self.traced.plain_numbers]
        return unless_left_out(found, float(jnp.finfo(dtype).eps) / 2, numbers, self._without)

    def _without(self, number: float) -> Comparison:
        constants = self.traced.plain_numbers | self.traced.numbers
        left_out = {key: arb(0) for key in constants if key[0] == number}
        with exactly_computing():
            return self.compared(Reading.RECOGNISED, left_out)

    def compared(self, reading: Reading, replaced: Mapping[Constant, arb] = NONE) -> Comparison:
        """Compare them with constants read in one way, some of them replaced."""
        truth, formula = self.truth(reading, replaced), self.formula(reading, replaced)
        return compare(truth, self.truth_weights, formula, self.formula_weights)

    def is_of_no_constants(self) -> bool:
        """Whether their difference hardly changes where constants move within their rounding."""
        with exactly_computing():
            return is_of_no_constants(self.compared, self.compared(Reading.LITERAL))

    def _rounding(self) -> tuple[Comparison, arb] | None:
        """Compare with each constant at one number, and bound what the rounding of the others changes."""
        if self.traced.arrays:
            return None  # their entries are rounded one by one
        return moved_by_rounding(partial(self.compared, Reading.RECOGNISED), self.traced.unrecognised)


def derivatives(traced: Trace, mode: str, outputs: Sequence[Any], inputs: Sequence[Any]) -> Formulas:
    """Return a gradient's formula (mode "rev"), or a tangent's, beside the derivative."""
    sizes = unlike_sizes(traced.question.numbers())
    if sizes is None:
        return _derivatives(traced, mode, outputs, inputs)
    others = [x * size for x, size in zip(inputs, sizes, strict=True)]
    return replace(
        _derivatives(traced, mode, outputs, inputs),
        in_proportion=_derivatives(traced, mode, outputs, others, sizes),
    )


def _derivatives(
    traced: Trace,
    mode: str,
    outputs: Sequence[Any],
    inputs: Sequence[Any],
    sizes: Sequence[Any] | None = None,
) -> Formulas:
    seeds, weights = (outputs, inputs) if mode == "rev" else (inputs, outputs)

    def truth(reading: Reading, replaced: Mapping[Constant, arb]) -> Sequence[Shadow]:
        return traced.primal_values(reading, inputs, replaced)

    def formula(reading: Reading, replaced: Mapping[Constant, arb]) -> Sequence[Shadow]:
        return traced.derived_values(reading, seeds, replaced)[1]

    def along(number: int) -> Comparison:
        other = drawn(traced.question.point, _FURTHER + number)
        if sizes is not None:
            other = [x * size for x, size in zip(other, sizes, strict=True)]
        given, by = (outputs, other) if mode == "rev" else (other, outputs)
        slopes, found = (
            traced.primal_values(Reading.LITERAL, other),
            traced.derived_values(Reading.LITERAL, given),
        )
        return compare(slopes, outputs, found[1], by)

    return Formulas(traced, truth, formula, outputs, weights, _scale(traced, outputs, inputs), along)


def _scale(traced: Trace, outputs: Sequence[Any], inputs: Sequence[Any]) -> float:
    """Return how much the weighed outputs change where the inputs change by their directions, by their sizes.

    A function that is 0 here, or is asked at 0, is taken to be of the size of its cotangents.
    """
    with exactly_computing():
        found = traced.primal_values(Reading.RECOGNISED, inputs)
    terms = sum(float(np.abs(c * nearest(y)).sum()) for c, y in zip(outputs, found, strict=True))
    moved = max((float(np.abs(d).max(initial=0.0)) for d in inputs), default=0.0)
    size = max((float(np.abs(x).max(initial=0.0)) for x in traced.question.numbers()), default=0.0)
    if not (terms and math.isfinite(terms) and size):
        terms = sum(float(np.abs(c).sum()) for c in outputs)
    return terms * moved / (size or 1.0)


def own_values(traced: Trace, mode: str, outputs: Sequence[Any], inputs: Sequence[Any]) -> Formulas:
    """Return the value that a derivative's rule computes, beside the function's own: they may differ."""
    seeds = outputs if mode == "rev" else inputs

    def truth(reading: Reading, replaced: Mapping[Constant, arb]) -> Sequence[Shadow]:
        found = traced.primal_values(reading, inputs, replaced)
        return [joined(values(x), values(x)) for x in found]  # slopes are what is compared

    def formula(reading: Reading, replaced: Mapping[Constant, arb]) -> Sequence[Shadow]:
        return traced.derived_values(reading, seeds, replaced)[0]

    return Formulas(traced, truth, formula, outputs, outputs)
