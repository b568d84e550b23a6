"""The value of a function, which may be out of range where what it stands for is not."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from nn_from_scratch.verify.functions.jaxpr.formulas import MEANINGS
from nn_from_scratch.verify.functions.jaxpr.interpreter import Interpreter, NotTracedError
from nn_from_scratch.verify.functions.jaxpr.local import Stepwise
from nn_from_scratch.verify.functions.jaxpr.question import Question, numbers, precision
from nn_from_scratch.verify.functions.rows import Row
from nn_from_scratch.verify.functions.tracing.constants import Reading
from nn_from_scratch.verify.functions.tracing.out_of_range import out_of_range
from nn_from_scratch.verify.functions.tracing.shadows import exact, exactly_computing
from nn_from_scratch.verify.judging.verdicts import Verdict


def out_of_range_row(question: Question) -> Row | None:
    """Say that an output is not finite where its formula is, and in range, and at which operation it is lost.

    Returns
    -------
    Row or None
        None where all is finite, or what is not is so by its formula, or that cannot be traced.

    """
    outputs = question.function(*question.point)
    if all(np.isfinite(numbers(y)).all() for y in outputs):
        return None
    try:
        primal = jax.make_jaxpr(question.function)(*question.point)
        given = [exact(x) for x in question.numbers()]
        exactly, steps = Interpreter(MEANINGS, Reading.RECOGNISED), Stepwise()
        with exactly_computing(), precision(wide=True):
            truths = exactly.run_closed(primal, given)
            Interpreter(MEANINGS, Reading.LITERAL, steps).run_closed(primal, given)
    except (TypeError, ValueError, NotImplementedError, NotTracedError):
        return None
    if exactly.kinks or steps.check.failed is not None:
        return None
    found = (
        out_of_range(f"output {k}", numbers(y), truth, float(jnp.finfo(y.dtype).max))
        for k, (y, truth) in enumerate(zip(outputs, truths, strict=True))
    )
    said = next(filter(None, found), None)
    return None if said is None else Row("value", Verdict.WRONG, steps.check.explain(said))
