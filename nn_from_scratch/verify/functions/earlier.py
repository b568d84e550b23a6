"""What a gradient keeps from an earlier call, at another point.

A backward that saves its inputs once, or where the next call does not find its own, is right at the first
point that it is ever asked. So each gradient is asked elsewhere first, and then judged here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from nn_from_scratch.verify.functions.black_box import BlackBox, outputs_of
from nn_from_scratch.verify.functions.inputs import Arguments
from nn_from_scratch.verify.functions.result import FunctionResult
from nn_from_scratch.verify.functions.values import differences
from nn_from_scratch.verify.judging.checking import GradientError, UndecidedError
from nn_from_scratch.verify.judging.verdicts import Verdict

Floats = npt.NDArray[np.float64]

SHRUNK = 15 / 16
"""Times all inputs: positive, definite, symmetric and sorted ones stay so, and indices stay within tables."""

SAID = (
    f"where all inputs are {SHRUNK:g} times as large the gradient is the same, to the bit, and right: "
    "something is kept from an earlier call, as inputs that are saved once and for all; or there is a branch "
    "that it has not"
)
AT_ONE_POINT = (
    f"where all inputs are {SHRUNK:g} times as large the gradient is the same, to the bit, and wrong: it was "
    "computed for this point, or keeps its inputs"
)


def answer_elsewhere(
    function: Callable[..., Any], gradient: Callable[..., Any], inputs: Any, seed: int
) -> Floats | None:
    """Ask a gradient at inputs that are all somewhat smaller; None where it has no answer there.

    Parameters
    ----------
    function, gradient, inputs, seed
        As `BlackBox` takes them.

    """
    try:
        arguments = Arguments(function, inputs)
        point = arguments.rounded(SHRUNK * arguments.point)
        with np.errstate(all="ignore"):
            outputs = outputs_of(arguments.call(function, point), gradient, arguments, seed)
            return arguments.gradient(arguments.call(gradient, point, *outputs.cotangents(1.0)))[0]
    except Exception:  # noqa: BLE001  whatever a function does not like about another point
        return None


def with_what_is_kept(found: FunctionResult, box: BlackBox, earlier: Floats | None) -> FunctionResult:
    """Say that a gradient is one point's at another.

    Where it is wrong at the point, and right where it was asked before, that is why. Where it is right at the
    point it is not accused, for it may have been computed for this point: then its contract says so.

    Parameters
    ----------
    found, box
        What was found at the point, and the question.
    earlier
        What the gradient answered elsewhere, before.

    """
    asked = found.verdict in {Verdict.RIGHT, Verdict.WRONG} and not box.is_large
    if not asked or earlier is None or not earlier.any() or not np.array_equal(earlier, box.slopes):
        return found
    try:
        there = box.at(box.arguments.arguments(SHRUNK * box.point))
    except (GradientError, UndecidedError, ValueError):  # not at the point, which is what was asked about
        return found
    other = differences(there).verdict
    found = replace(found, evaluations=found.evaluations + there.evaluations)
    here = [row.verdict for row in found.rows if row.name == "values"]
    if (found.verdict, other) == (Verdict.WRONG, Verdict.RIGHT) and Verdict.WRONG in here:
        return replace(found, said=f"{SAID}\n{found.said}")
    if (found.verdict, other) == (Verdict.RIGHT, Verdict.WRONG):
        *others, contract = found.rows
        said = f"{contract.said}; {AT_ONE_POINT}"
        return replace(found, rows=(*others, replace(contract, said=said)))
    return found
