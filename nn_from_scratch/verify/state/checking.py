"""The check of one engine's state or limits that raises."""

from __future__ import annotations

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.judging.checking import GradientError
from nn_from_scratch.verify.state.named import run


def check_state(engine: Engine, name: str) -> None:
    """Run one named check of state or limits.

    Raises
    ------
    GradientError
        If its outcome is not right; an engine that lacks what it needs passes.
    ValueError
        If there is no check of this name.

    """
    (result,) = run(engine, (name,))
    if result.outcome in ("wrong", "error"):
        raise GradientError(f"{engine.name}: {result.name}: {result.message}")
