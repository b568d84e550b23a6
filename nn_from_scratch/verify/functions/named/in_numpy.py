"""A function of numpy's arrays, with a gradient written by hand, that somebody named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.black_box import Measured
from nn_from_scratch.verify.functions.checking import check_gradient
from nn_from_scratch.verify.functions.inputs import Arguments, takes_one_more
from nn_from_scratch.verify.functions.named.answer import Answer
from nn_from_scratch.verify.functions.named.importing import TargetError
from nn_from_scratch.verify.functions.named.numeric import numeric
from nn_from_scratch.verify.functions.named.raised import row_of
from nn_from_scratch.verify.functions.named.target import Target, not_called
from nn_from_scratch.verify.functions.outputs import Outputs, is_one_number
from nn_from_scratch.verify.functions.rows import Row
from nn_from_scratch.verify.functions.traced import NotTraced, Traced, trace_backward, trace_gradient
from nn_from_scratch.verify.judging.checking import GradientError, UndecidedError
from nn_from_scratch.verify.judging.verdicts import Verdict

RULES, NUMBERS = "rules", "numbers"


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
        found: Any = check_gradient(target.function, gradient, target.inputs, seed=seed)
    except UndecidedError as error:
        found, row = getattr(error, "result", None), Row(NUMBERS, Verdict.UNDECIDED, str(error))
    except GradientError as error:
        found, row = getattr(error, "result", None), Row(NUMBERS, Verdict.WRONG, str(error))
    except Exception as error:  # noqa: BLE001  whatever a gradient raises
        return Answer.of([row_of(error, NUMBERS)])
    else:
        row = Row(NUMBERS, Verdict.RIGHT, _compared(found))
    if hasattr(found, "rows"):  # it has asked about the formula as well
        return Answer(
            tuple(found.rows), found.verdict, found.said, _measured(found.measured, found.evaluations)
        )
    measured = _measured(found, found.evaluations) if found is not None else {}
    return Answer.of([_rules(target, gradient, seed, measured), row], **measured)


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
        number = Outputs(value, asks_cotangent=asks, seed=0).number(value)
    except ValueError as error:
        raise TargetError(f"{target.name} cannot be asked: {error}") from error
    if np.isfinite(number):
        return None
    return Row(NUMBERS, Verdict.UNDECIDED, f"the function is {number} here: there is no derivative")


def _rules(target: Target, gradient: Callable[..., Any], seed: int, measured: dict[str, Any]) -> Row:
    inputs = target.inputs if isinstance(target.inputs, tuple) else (target.inputs,)
    if not all(isinstance(x, (np.ndarray, np.generic, int, float)) or x is None for x in inputs):
        return Row(RULES, None, "not traced: its inputs are nested")
    try:
        if target.layer is not None:
            found = trace_backward(target.layer.forward, target.layer.backward, inputs, seed=seed)
        else:
            found = trace_gradient(target.function, gradient, inputs, seed=seed)
    except Exception as error:  # noqa: BLE001  whatever a backward raises
        return Row(RULES, None, f"not traced: {type(error).__name__}: {error}")
    if isinstance(found, NotTraced):
        return Row(RULES, None, f"not traced: {found.reason}")
    measured["operations"], measured["units"], measured["local"] = found.operations, found.units, found.local
    return Row(RULES, found.verdict, "\n".join(_said(found)))


def _said(found: Traced) -> Iterator[str]:
    yield found.message
    yield from found.elsewhere
    yield from found.notes


def _compared(found: Any) -> str:
    return (
        f"{found.got:.9g} along a random direction, {found.expected:.9g} within {found.interval:.2g} expected"
    )


def _measured(found: Measured | None, evaluations: int) -> dict[str, Any]:
    if found is None:
        return {"evaluations": evaluations}
    noise = max(found.noise, found.rough)
    return {"noise": noise, "digits": found.digits, "evaluations": evaluations}
