"""The check of one function and its hand-written gradient that raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.black_box import BlackBox, Measured
from nn_from_scratch.verify.functions.causes import likely_cause
from nn_from_scratch.verify.functions.doubts import doubt
from nn_from_scratch.verify.functions.judging import judge
from nn_from_scratch.verify.functions.locating import wrong_entries
from nn_from_scratch.verify.judging.checking import GradientError, UndecidedError

_LINES = 4


def check_gradient(
    function: Callable[..., Any], gradient: Callable[..., Any], inputs: Any, *, seed: int = 0
) -> Measured:
    """Check a hand-written gradient of a function of which nothing is known but its values.

    The derivative along a random direction is compared with finite differences whose error is estimated, not
    chosen: the noise of the function, the type of the numbers that it computes with and its scale are found
    out from its values. A gradient is accused only of what they cannot explain, and called right only where
    they could have shown an error of a hundredth; else the question is undecided, and says why. A smooth
    function of any number of inputs takes at most 20 evaluations. If the gradient is wrong, its wrong
    entries are looked for and named.

    Parameters
    ----------
    function
        Maps the inputs to a number; or to an array or a nesting of arrays, if the gradient takes a cotangent.
    gradient
        Maps the same inputs to the gradient: an array of the input's shape (or a sparse one, or None for
        zeros), a tuple of them for several arguments, nested as the inputs are. If it has one required
        parameter more than there are arguments, a drawn cotangent of the value's shape is passed there.
    inputs
        The point: a number or an array, or a tuple of arguments; each may be a list, tuple or dict itself. A
        dict whose keys are the function's parameters is passed by keyword. Inputs keep their type (float64,
        float32, float16); integers, None and texts within are passed through.
    seed
        Which directions and which cotangent.

    Returns
    -------
    Measured
        The derivative along the direction: got, expected, and the interval within which they agree; its
        `miss_probability` says how likely a wrong gradient passes.

    Raises
    ------
    GradientError
        If the gradient is wrong, is not the same twice, or changes what is not its own.
    UndecidedError
        If the values cannot decide: noise, a jump, an edge of the domain, a function that is not
        deterministic.
    ValueError
        If the function returns no finite real number, or the gradient has another shape than the input.

    """
    box = BlackBox(function, gradient, inputs, seed)
    judged = judge(box)
    if judged.verdict == "wrong":
        wrong = {k: x for k, x in judged.entries.items() if x.wrong}
        complete = len(judged.entries) == len(box.point)
        if not wrong:
            wrong, complete = wrong_entries(box, judged.vector, judged.whole)
        reason = doubt(box, judged.whole, wrong, complete=complete)
        if reason:
            raise UndecidedError(reason)
        raise GradientError(_accusation(box, judged.whole, wrong, complete=complete))
    if judged.verdict == "undecided":
        raise UndecidedError(judged.whole.reason)
    return judged.whole


def _accusation(box: BlackBox, whole: Measured, wrong: dict[int, Measured], *, complete: bool) -> str:
    """Say what is wrong: entries, the likely cause, and what it took to find them."""
    lines = [_line(box, index, measured) for index, measured in list(wrong.items())[:_LINES]]
    if not lines:
        lines.append(
            f"the derivative along a random direction is {whole.got!r}, expected {whole.expected!r} within "
            f"{whole.interval:.2g} (finite differences): the error is {abs(whole.got - whole.expected):.3g}"
        )
    if not complete:
        lines.append(f"and more of {len(box.point)} entries")
    elif len(wrong) > _LINES:
        lines.append(f"and {len(wrong) - _LINES} more of {len(box.point)} entries")
    cause = likely_cause(box, wrong, complete)
    if cause:
        lines.append(f"likely cause: {cause}")
    lines += [f"note: {note}" for note in box.notes]
    return "\n".join([*lines, f"(found by {box.evaluations} evaluations of the function)"])


def _line(box: BlackBox, index: int, found: Measured) -> str:
    """Say what is wrong with one entry: got, expected, interval, and how many digits hold."""
    length = float(np.abs(box.unit_vector(index)).max())
    got, expected, interval = float(box.slopes[index]), found.expected / length, found.interval / length
    between = ""
    if found.kink:
        low, high = expected - found.kink / length, expected + found.kink / length
        between = f"; there is a kink here, and anything from {low:.6g} to {high:.6g} would do"
    error = abs(got - expected)
    digits = max(0, int(-np.log10(error / abs(expected)))) if 0 < error < abs(expected) else 0
    hold = f", {digits} digit{'s' * (digits != 1)} hold{'s' * (digits == 1)}"
    return (
        f"the derivative for {box.arguments.name(index)} is {got!r}, expected {expected!r} within "
        f"{interval:.2g} (finite differences): the error is {error:.3g}{hold}{between}"
    )
