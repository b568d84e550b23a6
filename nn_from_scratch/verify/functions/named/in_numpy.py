"""A function of numpy's arrays, with a gradient written by hand, that somebody named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.black_box import Measured
from nn_from_scratch.verify.functions.checking import examine_gradient
from nn_from_scratch.verify.functions.formula import value_out_of_range
from nn_from_scratch.verify.functions.inputs import Arguments
from nn_from_scratch.verify.functions.named.answer import Answer
from nn_from_scratch.verify.functions.named.importing import TargetError
from nn_from_scratch.verify.functions.named.numeric import numeric
from nn_from_scratch.verify.functions.named.raised import row_of
from nn_from_scratch.verify.functions.named.target import Target, not_called
from nn_from_scratch.verify.functions.outputs import Outputs, is_one_number
from nn_from_scratch.verify.functions.rows import Row
from nn_from_scratch.verify.functions.signatures import takes_one_more
from nn_from_scratch.verify.judging.verdicts import Verdict

NUMBERS = "numbers"
VALUE = "value"


def answer_of(target: Target, seed: int) -> Answer:
    """Ask about the formula, where it can be traced, and about the numbers.

    Raises
    ------
    TargetError
        If the function itself cannot be called with its inputs, or returns what has no gradient.

    """
    gradient = target.gradient
    if gradient is None:
        raise TargetError(f"{target.name} has no gradient")
    unusable = _not_finite(target, gradient)
    if unusable is not None:
        return Answer.of([unusable])
    try:
        numeric(target, seed)
    except ValueError as error:  # another shape, or no numbers
        return Answer.of([Row(NUMBERS, Verdict.ERROR, str(error))])
    except Exception as error:  # noqa: BLE001  whatever a gradient raises
        return Answer.of([row_of(error, NUMBERS)])
    try:
        found = examine_gradient(target.function, gradient, target.inputs, seed=seed)
    except Exception as error:  # noqa: BLE001  whatever a gradient raises
        return Answer.of([row_of(error, NUMBERS)])
    rows = found.rows or (Row(NUMBERS, found.verdict, found.said),)
    return Answer(rows, found.verdict, found.said, _measured(found.measured, found.evaluations))


def _not_finite(target: Target, gradient: Callable[..., Any]) -> Row | None:
    """Call the function once: what is wrong with its inputs or its value is nothing that a gradient did."""
    try:
        arguments = Arguments(target.function, target.inputs)
    except (TypeError, ValueError) as error:
        raise TargetError(f"{target.name} cannot be asked: {error}") from error
    try:
        value = arguments.call(target.function, arguments.point)
    except Exception as error:
        raise not_called(target, error) from error
    try:
        asks = takes_one_more(gradient, len(arguments.trees), needed=not is_one_number(value))
        outputs = Outputs(value, asks_cotangent=asks, seed=0)
        number = outputs.number(value)
    except ValueError as error:
        raise TargetError(f"{target.name} cannot be asked: {error}") from error
    if np.isfinite(number):
        return None
    lost = value_out_of_range(target.function, arguments, outputs)
    if lost is not None:
        return Row(VALUE, Verdict.WRONG, lost)
    return Row(NUMBERS, Verdict.UNDECIDED, f"the function is {number} here: there is no derivative")


def _measured(found: Measured | None, evaluations: int) -> dict[str, Any]:
    if found is None:
        return {"evaluations": evaluations}
    noise = max(found.noise, found.rough)
    return {"noise": noise, "digits": found.digits, "evaluations": evaluations}
