"""Engines that record a graph and walk it backward: their single moves, and how a case is asked by them."""

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
    shape_of,
)
from nn_from_scratch.verify.engines.calling import SAID_BY_ADAPTERS
from nn_from_scratch.verify.engines.driver import Driver
from nn_from_scratch.verify.engines.session import Session, TapeSession, as_operand
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.exact_sums import exact_sum
from nn_from_scratch.verify.questions.expressions import Arithmetic
from nn_from_scratch.verify.questions.operations import OPERATIONS


@dataclass(frozen=True, slots=True)
class Tape(Driver):
    """The moves of an engine that records a graph and walks it backward.

    `assign`, which replaces a leaf's value, and `reset`, which makes its gradient 0, are only needed by the
    checks of state; `gradients`, which gives gradients as nodes, by second derivatives; `constant`, which
    makes an operand of a constant array, by engines that take no numpy array.
    """

    variable: Callable[[float], Any]
    backward: Callable[..., object]
    value: Callable[[Any], Any]
    gradient: Callable[[Any], Any]
    assign: Callable[[Any, float], object] | None = None
    reset: Callable[[Any], object] | None = None
    gradients: Callable[..., Sequence[Any]] | None = None
    constant: Callable[[Any], Any] | None = None

    @property
    def moves(self) -> frozenset[str]:
        """The moves that it can be asked one by one."""
        always = ("variable", "apply", "repeat", "backward", "value", "gradient", "forget")
        optional = {"assign": self.assign, "reset": self.reset, "differentiate": self.gradients}
        given = (name for name, move in optional.items() if move is not None)
        return frozenset((*always, *given, "augment", "shared", "changed", "blocks"))

    def session(self, operations: Arithmetic) -> Session:
        """Begin a session, in which its moves are made one by one."""
        return TapeSession(self, operations)

    def public(self) -> list[str]:
        """Return the names of a node's public methods, but for operations that are found by name."""
        try:
            kind: type[Any] = type(self.variable(0.5))
        except Exception:  # noqa: BLE001  an engine that makes no leaf has no operation either
            return []
        names = (name for name in dir(kind) if not name.startswith("_") and not name.endswith("_"))
        found = OPERATIONS.keys() - SAID_BY_ADAPTERS
        return [name for name in names if name not in found and callable(getattr(kind, name, None))]

    def forward(self, operations: Arithmetic, case: Case) -> list[Any]:
        """Compute a case's expression only: all its nodes."""
        return self._nodes(operations, case, [self.variable(x) for x in case.inputs()])

    def _nodes(self, operations: Arithmetic, case: Case, leaves: Sequence[Any]) -> list[Any]:
        constants = [as_operand(x, self.constant) for x in case.constants()]
        return case.expression.evaluate(operations, leaves, constants)

    def answer(self, operations: Arithmetic, case: Case) -> Answer:
        """Compute value and gradient of a case; the value of an array is its sum with the cotangent."""
        leaves = [self.variable(x) for x in case.inputs()]
        output = self._nodes(operations, case, leaves)[case.expression.output]
        value = self.value(output)
        first = flat_value(value, len(case.cotangent) if case.shapes else 1)
        if case.tangent and self.gradients:
            output = self._along_tangent(operations, case, output, leaves)
            self.backward(output)
            total = float(flat_value(self.value(output), 1)[0])
        elif case.shapes:
            self.backward(output, np.reshape(case.cotangent, shape_of(value)))
            total = exact_sum(first * case.cotangent)
        else:
            self.backward(output)
            total = float(first[0])
        return Answer(total, flat_gradient(case, self._gradient(case, leaves)))

    def _along_tangent(self, operations: Arithmetic, case: Case, output: Any, leaves: Sequence[Any]) -> Any:
        """Return the node of the derivative along the case's tangent."""
        cotangent = [np.reshape(case.cotangent, shape_of(self.value(output)))] if case.shapes else []
        moved, inputs, tangents = case.moved(), case.inputs(), case.tangents()
        asked = [leaves[k] for k in moved]
        gradient = self.gradients(output, asked, *cotangent) if self.gradients else ()
        check_count(len(moved), gradient)
        for number, derivative in zip(moved, gradient, strict=True):
            check_shape(number, np.shape(inputs[number]), shape_of(self.value(derivative)))
        weights = [self.variable(tangents[k]) if case.shapes else tangents[k] for k in moved]
        return along_tangent(operations, gradient, weights)

    def _gradient(self, case: Case, leaves: Sequence[Any]) -> list[Any]:
        """Read the gradient of every leaf.

        That of an unused one may raise: it stands for 0, and a check of state tells of it.
        """
        found = []
        for number, leaf in enumerate(leaves):
            try:
                found.append(self.gradient(leaf))
            except Exception:
                if number in case.expression.reachable():
                    raise
                found.append(None)
        return found
