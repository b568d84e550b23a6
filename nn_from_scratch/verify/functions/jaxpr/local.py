"""The local check: what each operation of a derivative gives, against its exact value at its own operands.

Errors do not grow along a chain here: each operation has but its own rounding. What exceeds that says either
that what was traced is not what runs, or that the operation itself is inaccurate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from nn_from_scratch.verify.functions.jaxpr.formulas import Trace
from nn_from_scratch.verify.functions.jaxpr.interpreter import (
    Call,
    NotTracedError,
    TooLongError,
    is_complex,
    is_floating,
    is_shadow,
    lifted,
)
from nn_from_scratch.verify.functions.jaxpr.moving import MOVING
from nn_from_scratch.verify.functions.jaxpr.rounding import radii, rounded, unit
from nn_from_scratch.verify.functions.rows import Row
from nn_from_scratch.verify.functions.tracing.complexes import parts
from nn_from_scratch.verify.functions.tracing.local import ALLOWED, LocalCheck
from nn_from_scratch.verify.functions.tracing.shadows import Shadow, exact, nearest
from nn_from_scratch.verify.judging.verdicts import Verdict

MOST = 20_000
"""Scalar operations up to which each operation is asked on its own."""

UNASKED = frozenset({*MOVING, "custom_linear_solve", "stop_gradient", "reduce_precision", "scatter"})
"""Primitives that compute nothing of their own."""


@dataclass
class Stepwise:
    """Gives what an operation gives by itself in place of its exact results, and compares the two."""

    check: LocalCheck = field(default_factory=LocalCheck)
    operations: int = 0

    def __call__(self, call: Call, results: list[Any]) -> list[Any]:
        """Return what the operation gives; its results are the exact ones."""
        if call.name in UNASKED:
            return results
        found = call.bind(*map(_number, call.operands, call.equation.invars))
        balls = rounded(call, results)
        self.operations += 1
        given = zip(results, balls, found, call.outputs, strict=True)
        return [
            self._compared(call, x, ball, got, output) if is_floating(output.dtype) else _plain(got, output)
            for x, ball, got, output in given
        ]

    def _compared(self, call: Call, result: Shadow, ball: Shadow, got: Any, output: Any) -> Shadow:
        dtype, numbers = str(output.dtype), np.asarray(got, dtype=np.float64)
        if call.name == "cholesky":
            numbers = np.tril(numbers)  # above the diagonal is what was given, and nobody reads it
        scale = radii(ball) / (ALLOWED * unit(call))  # what rounding may do is what is allowed
        self.check.observe(call.name, call.line, numbers, result, dtype=dtype, scale=scale)
        return exact(numbers)


def _plain(got: Any, output: Any) -> Any:
    """Return numbers that are not compared: complex ones, until real ones are made of them."""
    return lifted(got, output.dtype) if is_complex(output.dtype) else np.asarray(got)


def _number(operand: Any, variable: Any) -> Any:
    """Return an operand as the primitive takes it."""
    if is_shadow(operand) and is_complex(variable.aval.dtype):
        real, imag = map(nearest, parts(operand))
        return jax.numpy.asarray(real + 1j * imag, variable.aval.dtype)
    return jax.numpy.asarray(nearest(operand), variable.aval.dtype) if is_shadow(operand) else operand


_LONGER = 4
"""Times the operations of a run in exact numbers: a loop may take longer to come to its end."""


def step_by_step(traced: Trace, seeds: Sequence[Any]) -> Stepwise:
    """Compute a derivative operation by operation, each from the numbers of those before it."""
    steps = Stepwise()
    traced.rounded_values(seeds, steps, limit=_LONGER * traced.scalars)
    return steps


def operations_row(traced: Trace, seeds: Sequence[Any]) -> Row:
    """Say how exact each operation of a derivative is by itself.

    An operation that is off by more than its rounding accuses nobody: it is JAX's.
    """
    name = "by operation"
    if traced.scalars > MOST:
        return Row(name, None, f"more than {MOST:,} scalar operations")
    try:
        steps = step_by_step(traced, seeds)
    except TooLongError:
        said = "a loop goes on where each operation is computed by itself, which ends as it is compiled"
        return Row(name, None, said)
    except NotTracedError as error:
        return Row(name, None, str(error))
    worst = steps.check.largest
    if worst is None:
        return Row(name, Verdict.RIGHT, "it only moves numbers")
    times = worst.units / ALLOWED
    place = f"{worst.operation} ({worst.line})" if worst.line else worst.operation
    said = f"{place} is off by {times:.2g} times its rounding"
    if times <= 1:
        return Row(name, Verdict.RIGHT, f"each of {steps.operations} within its rounding; at most {said}")
    half = worst.units * worst_unit(traced) ** 0.5 <= 1
    return Row(name, Verdict.RIGHT if half else Verdict.UNDECIDED, said)


def worst_unit(traced: Trace) -> float:
    """Return the unit roundoff of the coarsest dtype that a derivative is computed in."""
    return max((float(jax.numpy.finfo(dtype).eps) / 2 for dtype in traced.formats), default=2.0**-53)
