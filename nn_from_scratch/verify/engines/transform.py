"""Engines that turn a function into its gradient, and how a case is asked by such a transform."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nn_from_scratch.verify.engines.answers import (
    Answer,
    along_tangent,
    check_count,
    check_shape,
    flat_gradient,
    flat_value,
)
from nn_from_scratch.verify.engines.driver import Driver
from nn_from_scratch.verify.engines.session import Session, TransformSession, as_operand
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Arithmetic

_FUNCTIONS = """
    arccosh arcsinh arctanh cbrt cumprod cumsum deg2rad diagonal dot einsum exp2 float_power fmax fmin
    inner log10 log2 logaddexp2 median outer pad rad2deg repeat roll sinc sort std swapaxes tensordot
    tile trace tril triu var
"""
"""Functions of a namespace like numpy's that are differentiable, and that not every engine is asked."""


@dataclass(frozen=True, slots=True)
class Transform(Driver):
    """An engine that turns a function into its gradient.

    `value_and_gradient` takes a function of scalars (or arrays) and its inputs, and returns the function's
    value, a scalar, and a derivative for each input. `namespace` has a `sum` of arrays. `constant` makes an
    operand of a constant array, for engines that take no numpy array.
    """

    value_and_gradient: Callable[[Callable[..., Any], Sequence[Any]], tuple[Any, Sequence[Any]]]
    namespace: Any
    constant: Callable[[Any], Any] | None = None

    @property
    def moves(self) -> frozenset[str]:
        """The moves of which a function can be made."""
        return frozenset(("variable", "apply", "repeat", "weighed", "differentiate", "value", "changed"))

    def session(self, operations: Arithmetic) -> Session:
        """Begin a session, whose moves are one function."""
        return TransformSession(self, operations)

    def public(self) -> list[str]:
        """Return further functions of the namespace that are differentiable."""
        return [name for name in _FUNCTIONS.split() if callable(getattr(self.namespace, name, None))]

    def forward(self, operations: Arithmetic, case: Case) -> object:
        """Compute a case's expression only, on whatever the transform calls a function with.

        Those may lack what plain numbers have: the function is transformed, but only what its own operations
        raise is told.
        """
        raised: list[Exception] = []

        def traced(*inputs: Any) -> Any:
            try:
                return self._weighed(operations, case, inputs)
            except Exception as error:
                raised.append(error)
                raise

        try:
            return self.value_and_gradient(traced, case.inputs())
        except Exception:  # noqa: BLE001  what its reverse pass raises is a fault, which the checks will show
            if raised:
                raise raised[0] from None
            return None

    def answer(self, operations: Arithmetic, case: Case) -> Answer:
        """Compute value and gradient of a case; the value of an array is its sum with the cotangent."""

        def weighed(*inputs: Any) -> Any:
            return self._weighed(operations, case, inputs)

        def derivative_along_tangent(*inputs: Any) -> Any:
            moved, tangents = case.moved(), case.tangents()

            def of_moved(*values: Any) -> Any:  # the other inputs are captured
                replaced = dict(zip(moved, values, strict=True))
                return weighed(*(replaced.get(k, x) for k, x in enumerate(inputs)))

            _, gradient = self.value_and_gradient(of_moved, [inputs[k] for k in moved])
            check_count(len(moved), gradient)
            for number, derivative in zip(moved, gradient, strict=True):
                check_shape(number, np.shape(inputs[number]), np.shape(derivative))
            weights = [as_operand(tangents[k], self.constant) for k in moved]
            return along_tangent(operations, gradient, weights)

        if case.tangent:
            result, gradient = self.value_and_gradient(derivative_along_tangent, case.inputs())
        else:
            result, gradient = self._differentiated(case, weighed)
        return Answer(float(flat_value(result, 1)[0]), flat_gradient(case, gradient))

    def _differentiated(self, case: Case, function: Callable[..., Any]) -> tuple[Any, Sequence[Any]]:
        """Return value and gradient of a function of the case's inputs.

        Where it raises because it cannot differentiate by an input that the output does not depend on, it is
        asked by the others: a check of state tells of it.
        """
        inputs = case.inputs()
        try:
            return self.value_and_gradient(function, inputs)
        except Exception:
            used = sorted(case.expression.reachable() & set(range(len(inputs))))
            if not 0 < len(used) < len(inputs):
                raise

        def of_used(*values: Any) -> Any:
            replaced = dict(zip(used, values, strict=True))
            return function(*(replaced.get(k, x) for k, x in enumerate(inputs)))

        result, gradient = self.value_and_gradient(of_used, [inputs[k] for k in used])
        found = dict(zip(used, gradient, strict=True))
        return result, [found.get(k) for k in range(len(inputs))]

    def _weighed(self, operations: Arithmetic, case: Case, inputs: Sequence[Any]) -> Any:
        """Return the case's output, or of an array the sum of its entries, each times the cotangent's."""
        constants = [as_operand(x, self.constant) for x in case.constants()]
        output = case.expression.evaluate(operations, inputs, constants)[case.expression.output]
        if not case.shapes:
            return output
        return self.weighed(output, case.cotangent)

    def weighed(self, output: Any, weights: Any) -> Any:
        """Return the sum of an array's entries, each times a number, within a transformed function."""
        return self.namespace.sum(output * as_operand(np.reshape(weights, np.shape(output)), self.constant))
