"""Single checks that raise, for tests and for scripts that reproduce a failure."""

from __future__ import annotations

from nn_from_scratch.verify import state
from nn_from_scratch.verify.engines import Engine
from nn_from_scratch.verify.examine import Examination, examine
from nn_from_scratch.verify.expressions import Case


class GradientError(AssertionError):
    """An engine's value, gradient, state or limit is not right."""


def check(engine: Engine, case: Case) -> Examination:
    """Check one case, and return what was found if the engine is not to blame.

    Raises
    ------
    GradientError
        If the value or a derivative is wrong or inaccurate, or the engine raised.

    """
    found = examine(engine, case)
    if found.verdict.accuses:
        raise GradientError(f"{engine.name} is {found.verdict} about\n{case}:\n{found.message}")
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
