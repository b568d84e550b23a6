"""Single checks that raise, for tests and for scripts that reproduce a failure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nn_from_scratch.verify import state
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.functions import black_box
from nn_from_scratch.verify.functions.black_box import BlackBox, Measured
from nn_from_scratch.verify.judging.examine import Examination, examine
from nn_from_scratch.verify.questions.expressions import Case


class GradientError(AssertionError):
    """An engine's value, gradient, state or limit is not right."""


class UndecidedError(GradientError):
    """Nothing can be said of a gradient: the oracle's own error is too large."""


def check(engine: Engine, case: Case) -> Examination:
    """Check one case, and return what was found if the engine is not to blame.

    Raises
    ------
    GradientError
        If the value or a derivative is wrong or inaccurate, or the engine raised.

    """
    found = examine(engine, case)
    if found.verdict.accuses:
        oracle = "expected by FLINT power series in balls, the tolerance derived from rounding"
        raise GradientError(f"{engine.name} is {found.verdict} about\n{case}:\n{found.message}\n({oracle})")
    return found


def check_state(engine: Engine, name: str) -> None:
    """Run one named check of state or limits.

    Raises
    ------
    GradientError
        If its outcome is not right; an engine that lacks what it needs passes.
    ValueError
        If there is no check of this name.

    """
    (result,) = state.run(engine, (name,))
    if result.outcome in ("wrong", "error"):
        raise GradientError(f"{engine.name}: {result.name}: not so.\n{result.message}")


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
    vector = black_box.random_vector(box, seed)
    found = box.along(vector)
    if found.wrong:
        lines = [black_box.describe(box, place) for place in box.locate(vector)]
        raise GradientError("\n".join([*lines, f"(found by {box.evaluations} evaluations of the function)"]))
    if found.vague:
        raise UndecidedError(
            f"finite differences are only good to {found.interval:.2g} here, for a derivative of "
            f"{found.expected:.6g}: there may be a kink, a jump, noise or the edge of the domain nearby"
        )
    return found
