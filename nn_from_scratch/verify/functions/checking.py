"""The check of one function and its hand-written gradient that raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nn_from_scratch.verify.functions.black_box import BlackBox, Measured, describe, random_vector
from nn_from_scratch.verify.judging.checking import GradientError, UndecidedError


def check_gradient(
    function: Callable[..., Any], gradient: Callable[..., Any], inputs: Any, *, seed: int = 0
) -> Measured:
    """Check a hand-written gradient of a function of which nothing is known but its values.

    The derivative along one random direction is compared with finite differences, whose error is estimated,
    not chosen: a constant number of evaluations, however many inputs there are. If it is wrong, bisection
    finds the entries to name.

    Parameters
    ----------
    function
        Maps float64 arrays to a number.
    gradient
        Maps the same arrays to the gradient: an array of the input's shape, a tuple of them for several.
    inputs
        The point: a number or an array, or a tuple of them if the function takes several arguments.
    seed
        Which random direction.

    Returns
    -------
    Measured
        The derivative along the direction: got, expected, and the interval within which they agree; its
        `miss_probability` says how likely a wrong gradient passes.

    Raises
    ------
    GradientError
        If the gradient is wrong.
    UndecidedError
        If the function is not smooth enough here for finite differences to say anything.
    ValueError
        If the function returns no number, or the gradient has another shape than the input.

    """
    box = BlackBox(function, gradient, inputs if isinstance(inputs, tuple) else (inputs,))
    vector = random_vector(box, seed)
    found = box.along(vector)
    if found.wrong:
        lines = [describe(box, place) for place in box.locate(vector)]
        raise GradientError("\n".join([*lines, f"(found by {box.evaluations} evaluations of the function)"]))
    if found.vague:
        raise UndecidedError(
            f"finite differences are only good to {found.interval:.2g} here, for a derivative of "
            f"{found.expected:.6g}: there may be a kink, a jump, noise or the edge of the domain nearby"
        )
    return found
