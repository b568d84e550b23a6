"""The formulas of a function and its gradient, whatever their arguments are: traced, or why they are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.black_box import BlackBox
from nn_from_scratch.verify.functions.inputs import Arguments, dense
from nn_from_scratch.verify.functions.outputs import Outputs
from nn_from_scratch.verify.functions.traced import NotTraced, Traced, trace_subject
from nn_from_scratch.verify.functions.tracing.arrays.ended import TraceEndedError
from nn_from_scratch.verify.functions.tracing.arrays.replay import check_replay
from nn_from_scratch.verify.functions.tracing.arrays.runs import Subject
from nn_from_scratch.verify.functions.tracing.arrays.watch import Report, Watch
from nn_from_scratch.verify.functions.tracing.constants import Reading
from nn_from_scratch.verify.functions.tracing.local import LocalCheck
from nn_from_scratch.verify.functions.tracing.out_of_range import out_of_range
from nn_from_scratch.verify.functions.tracing.shadows import exactly_computing

MOST_INPUTS = 2**15
"""Numbers of a point that is traced, at most: each needs a hundred bytes or two at every operation."""


class Counted:
    """A function that counts how often it is called."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.calls = 0

    def __call__(self, *operands: Any, **keywords: Any) -> Any:
        """Call the function."""
        self.calls += 1
        return self.function(*operands, **keywords)


def traced_formula(
    function: Counted,
    gradient: Callable[..., Any],
    box: BlackBox,
    *,
    seed: int,
    shapes: bool,
    progress: Report | None = None,
) -> Traced | NotTraced:
    """Trace a function and its gradient at the point of a box.

    Returns
    -------
    Traced or NotTraced
        What was found, or why the trace does not count, with the user's line.

    """
    if len(box.point) > MOST_INPUTS:
        return NotTraced(f"more than {MOST_INPUTS} inputs are not traced: ask about a smaller point as well")

    subject = subject_of(function, gradient, box.arguments, box.outputs)
    subject.users = (function.function, gradient)
    subject.watch = None if progress is None else Watch(progress)
    shapes = shapes and not box.is_large
    return trace_subject(subject, seed=seed, shapes=shapes, scalar=not box.outputs.asks_cotangent)


def value_out_of_range(
    function: Callable[..., Any],
    arguments: Arguments,
    outputs: Outputs,
    reference: Callable[..., Any] | None = None,
) -> str | None:
    """Say that a value is not finite where its formula, or its reference's, is, and in range.

    Returns
    -------
    str or None
        What is wrong, with the operation and the line if it is the function's own formula; None where nothing
        is, and where it is not traced.

    """
    if len(arguments.point) > MOST_INPUTS:
        return None
    local = LocalCheck()
    with exactly_computing():
        try:
            own = _forward_of(function, arguments, outputs).plainly()
            traced = _forward_of(reference or function, arguments, outputs).balls(Reading.RECOGNISED, local)
            if reference is None:
                check_replay(own, traced)
        except TraceEndedError:
            return None
        if local.failed is not None:
            return None
        found = (
            out_of_range("the value", x, y, float(np.finfo(x.dtype).max))
            for x, y in zip(own.outputs, traced.output_shadows, strict=True)
            if x.dtype.kind == "f"
        )
        said = next(filter(None, found), None)
    return said if said is None or reference is not None else local.explain(said)


def _forward_of(function: Callable[..., Any], arguments: Arguments, outputs: Outputs) -> Subject:
    """Return a function without its gradient, which has nothing to be asked."""
    subject = subject_of(function, function, arguments, outputs)
    subject.opaque = True
    return subject


def subject_of(
    function: Callable[..., Any], gradient: Callable[..., Any], arguments: Arguments, outputs: Outputs
) -> Subject:
    """Return a function and its gradient as a forward and a backward of the arrays that are a point."""

    def forward(*arrays: Any) -> tuple[Any, Any]:
        kept = [x.copy() for x in arrays]
        value = arguments.apply(function, arguments.filled(arrays))
        return tuple(outputs.flat(value)), kept

    def backward(cotangents: Sequence[Any], kept: Sequence[Any]) -> Any:
        given = [outputs.nested(cotangents)] if outputs.asks_cotangent else []
        found = arguments.apply(gradient, arguments.filled(kept), *given)
        return tuple(map(dense, arguments.parts(found)))

    inputs = [np.asarray(x) for x in arguments.arrays(arguments.point)]
    names = [leaf.name for leaf in arguments.leaves]
    return Subject(forward, backward, inputs, users=(function, gradient), names=names)
