"""A function that cannot be traced, a compiled kernel, judged by its plain version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.black_box import BlackBox
from nn_from_scratch.verify.functions.formula import subject_of
from nn_from_scratch.verify.functions.kernels import (
    SPARE,
    Judged,
    judge_by_plain,
    judge_within_rounding,
)
from nn_from_scratch.verify.functions.result import FunctionResult
from nn_from_scratch.verify.functions.rows import Row
from nn_from_scratch.verify.functions.traced import NotTraced
from nn_from_scratch.verify.functions.tracing.arrays.runs import Pass, Subject
from nn_from_scratch.verify.functions.tracing.constants import Reading
from nn_from_scratch.verify.functions.tracing.rules import truth_along
from nn_from_scratch.verify.functions.tracing.shadows import of_entries, values
from nn_from_scratch.verify.judging.verdicts import Verdict

Reference = Callable[..., Any] | tuple[Callable[..., Any], Callable[..., Any]]
"""A plain function, or that and its gradient."""

MOST = 2_000_000
"""Scalar operations of a plain function times inputs, at most, where it brings no gradient."""

MORE = 2
"""Bits fewer where the plain version has no backward, which may round more than its forward does."""


def judged_by_reference(
    box: BlackBox,
    gradient: Callable[..., Any],
    reference: Reference,
    compute: str | None,
    stored: str | None,
) -> FunctionResult:
    """Judge the values and gradients of a kernel by those of its plain version, within rounding."""
    kernel = subject_of(box.function, gradient, box.arguments, box.outputs)
    kernel.cotangents = box.outputs.weights()
    scalar = not box.outputs.asks_cotangent
    if isinstance(reference, tuple):
        plain = subject_of(*reference, box.arguments, box.outputs)
        found = judge_by_plain(kernel, plain, compute, stored, box.seed, scalar=scalar)
    else:
        plain = subject_of(reference, gradient, box.arguments, box.outputs)
        plain.users = (reference,)
        found = _by_forward(kernel, plain, compute, stored)
    contract = Row("contract", Verdict.RIGHT, "the same twice; changes no input and no cotangent")
    if isinstance(found, NotTraced):
        row = Row("reference", Verdict.UNDECIDED, found.reason)
        return FunctionResult(Verdict.UNDECIDED, (row, contract), found.reason, None, box.evaluations)
    row = Row("reference", found.verdict, found.message)
    said = "" if found.verdict is Verdict.RIGHT else f"{found.message}\n(by the reference, exactly)"
    return FunctionResult(found.verdict, (row, contract), said, None, box.evaluations)


def _by_forward(
    kernel: Subject, plain: Subject, compute: str | None, stored: str | None
) -> Judged | NotTraced:
    """Judge by a plain function alone: an input at a time is differentiated along."""
    plain.cotangents = kernel.cotangents

    def computed(reading: Reading) -> Pass:
        inputs = plain.differentiated
        found = Pass([], [])
        for k, x in enumerate(inputs):
            slopes: list[arb] = []
            for place in range(x.size):
                directions = [np.zeros(y.shape) for y in inputs]
                directions[k].ravel()[place] = 1.0
                outputs, trace = plain.derivative(directions, reading)
                if trace.scalars * sum(y.size for y in inputs) > MOST:
                    raise trace.end(
                        f"more than {MOST} scalar operations: give the reference's gradient as well"
                    )
                if trace.ties:
                    raise trace.end(f"the reference is at or near a kink: {trace.ties[0]}")
                slopes.append(truth_along(outputs, plain.cotangents)[0])
                found.output_shadows = found.output_shadows or [values(y) for y in outputs]
            found.gradient_shadows.append(of_entries(slopes, x.shape))
        return found

    return judge_within_rounding(kernel, computed, compute, stored, SPARE + MORE)
