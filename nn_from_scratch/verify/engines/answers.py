"""What an engine answers, as plain numbers, whatever its own numbers are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Arithmetic


@dataclass(frozen=True, slots=True)
class Answer:
    """What an engine returned for a case: the value, and a derivative for each number of the point."""

    value: float
    gradient: tuple[float, ...]


def flat_gradient(case: Case, gradient: Sequence[Any]) -> tuple[float, ...]:
    """Convert a gradient of any library's scalars and arrays to floats, one for each number of the point.

    Parameters
    ----------
    case
        What was asked.
    gradient
        A derivative for each input, in the input's shape; None stands for 0.

    Raises
    ------
    ValueError
        If there is not a derivative for each input, or one of another shape than its input.

    """
    if len(gradient) != case.expression.inputs:
        raise ValueError(f"{len(gradient)} derivatives for {case.expression.inputs} inputs")
    derivatives: list[float] = []
    for number, (x, derivative) in enumerate(zip(case.inputs(), gradient, strict=True)):
        found = np.zeros(np.shape(x)) if derivative is None else np.asarray(derivative, dtype=np.float64)
        if found.shape != np.shape(x):
            raise ValueError(
                f"the gradient for x{number} has shape {found.shape}, x{number} has {np.shape(x)}"
            )
        derivatives += found.ravel().tolist()
    return tuple(derivatives)


def along_tangent(operations: Arithmetic, gradient: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Return the sum of all entries of a gradient, each times the tangent's, in the engine's operations."""
    parts = [operations["mul"](g, v) for g, v in zip(gradient, tangents, strict=True)]
    if not isinstance(tangents[0], float):
        parts = [operations["sum"](part, axis=None, keepdims=False) for part in parts]
    return reduce(operations["add"], parts)
