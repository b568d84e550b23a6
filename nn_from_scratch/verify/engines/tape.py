"""Engines that record a graph and walk it backward: their single moves, and how a case is asked by them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nn_from_scratch.verify.engines.answers import Answer, along_tangent, flat_gradient
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.exact_sums import exact_sum
from nn_from_scratch.verify.questions.expressions import Arithmetic


@dataclass(frozen=True, slots=True)
class Tape:
    """The moves of an engine that records a graph and walks it backward.

    `assign`, which replaces a leaf's value, and `reset`, which makes its gradient 0, are only needed by the
    checks of state; `gradients`, which gives gradients as nodes, by second derivatives.
    """

    variable: Callable[[float], Any]
    backward: Callable[..., object]
    value: Callable[[Any], Any]
    gradient: Callable[[Any], Any]
    assign: Callable[[Any, float], object] | None = None
    reset: Callable[[Any], object] | None = None
    gradients: Callable[..., Sequence[Any]] | None = None

    def forward(self, operations: Arithmetic, case: Case) -> object:
        """Compute a case's expression only."""
        return case.expression.evaluate(operations, [self.variable(x) for x in case.inputs()])

    def answer(self, operations: Arithmetic, case: Case) -> Answer:
        """Compute value and gradient of a case; the value of an array is its sum with the cotangent."""
        leaves = [self.variable(x) for x in case.inputs()]
        output = case.expression.evaluate(operations, leaves)[case.expression.output]
        cotangent = [np.reshape(case.cotangent, np.shape(self.value(output)))] if case.shapes else []
        if case.tangent and self.gradients:
            found = self.gradients(output, leaves, *cotangent)
            weights = [self.variable(x) if case.shapes else x for x in case.tangents()]
            output, cotangent = along_tangent(operations, found, weights), []
        self.backward(output, *cotangent)
        values = np.ravel(np.asarray(self.value(output), dtype=np.float64))
        weighed = exact_sum(values * (case.cotangent if cotangent else 1.0))
        return Answer(weighed, flat_gradient(case, [self.gradient(leaf) for leaf in leaves]))
