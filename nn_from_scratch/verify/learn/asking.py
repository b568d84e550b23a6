"""Ask an engine one step's questions; say what it lacks at the first that it does not answer right."""

from __future__ import annotations

import operator
from typing import Any

from nn_from_scratch.verify import state
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.learn.steps import Step


class MissingError(AssertionError):
    """Something of a step is not there yet, or wrong."""


def engine_of(variable: type[Any]) -> Engine:
    """Describe an engine that is written in the steps."""
    operations = {"matmul": operator.matmul}
    return Engine.from_tape(
        variable=variable, value="data", gradient="grad", arrays=True, operations=operations
    )


def ask(variable: type[Any], step: Step) -> None:
    """Ask all of a step.

    Parameters
    ----------
    variable
        The class of values: ``data`` and ``grad`` are arrays, ``backward(cotangent)`` runs the reverse pass.
    step
        One of `STEPS`.

    Raises
    ------
    MissingError
        At the first question that is not answered right: with the step's three sentences, what was asked and
        what was answered.

    """
    __tracebackhide__ = True  # who learns reads the sentences, not this code
    engine = engine_of(variable)
    for case in step.cases():
        found = examine(engine, case)
        if found.verdict is not Verdict.RIGHT:
            answered = found.message or f"the answer is {found.verdict.value}"
            raise MissingError(_told(step, f"in {case}", answered))
    for name in step.checks:
        result = state.outcome(engine, name)
        if result.outcome != "right":
            raise MissingError(_told(step, name, result.message))


def _told(step: Step, asked: str, answered: str) -> str:
    return f"step {step.name}\n\n{step.missing}\n\n{asked}\n{answered}"
