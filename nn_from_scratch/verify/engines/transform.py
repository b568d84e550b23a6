"""Engines that turn a function into its gradient, and how a case is asked by such a transform."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nn_from_scratch.verify.engines.answers import Answer, along_tangent, flat_gradient
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Arithmetic


@dataclass(frozen=True, slots=True)
class Transform:
    """An engine that turns a function into its gradient.

    `value_and_gradient` takes a function of scalars (or arrays) and its inputs, and returns the function's
    value, a scalar, and a derivative for each input. `namespace` has a `sum` of arrays.
    """

    value_and_gradient: Callable[[Callable[..., Any], Sequence[Any]], tuple[Any, Sequence[Any]]]
    namespace: Any

    def forward(self, operations: Arithmetic, case: Case) -> object:
        """Compute a case's expression only."""
        return case.expression.evaluate(operations, case.inputs())

    def answer(self, operations: Arithmetic, case: Case) -> Answer:
        """Compute value and gradient of a case; the value of an array is its sum with the cotangent."""

        def weighed(*inputs: Any) -> Any:
            output = case.expression.evaluate(operations, inputs)[case.expression.output]
            if not case.shapes:
                return output
            return self.namespace.sum(output * np.reshape(case.cotangent, np.shape(output)))

        def derivative_along_tangent(*inputs: Any) -> Any:
            _, gradient = self.value_and_gradient(weighed, inputs)
            return along_tangent(operations, gradient, case.tangents())

        function = derivative_along_tangent if case.tangent else weighed
        result, gradient = self.value_and_gradient(function, case.inputs())
        return Answer(float(result), flat_gradient(case, gradient))
