"""Failures as a person wants them: few, minimal, each with the operation to blame and a script."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.failures.blame import diagnose
from nn_from_scratch.verify.failures.kinds_of_checks import kind_of_check
from nn_from_scratch.verify.failures.reproduce_check import reproducer_of_check
from nn_from_scratch.verify.failures.settling import Settling
from nn_from_scratch.verify.failures.shrink import minimal
from nn_from_scratch.verify.failures.telling import failure
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.state import Result


def failing_graphs(engine: Engine, accused: Collection[Case]) -> Iterator[dict[str, Any]]:
    """Settle failing graphs of an engine of which nothing else is known: see `Settling`.

    Yields
    ------
    dict
        A failure, as in the results JSON.

    """
    settling = Settling(engine)
    settling.graphs(accused)
    yield from settling.failures()


def failing_accuracy(
    engine: Engine, inaccurate: Collection[Case], told: Collection[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Tell one failure of accuracy, if there are some and none is told: the smallest.

    Yields
    ------
    dict
        A failure, as in the results JSON.

    """
    if any(one["grade"] == "accuracy" for one in told):
        return
    for case in sorted(inaccurate, key=lambda one: (bool(one.tangent), len(one.expression.steps))):
        found = examine(engine, case)
        if found.verdict is Verdict.INACCURATE:
            smallest = minimal(engine, found)
            yield failure(engine, smallest, diagnose(engine, smallest))
            return


def failing_checks(engine: Engine, checks: Collection[Result]) -> list[dict[str, Any]]:
    """Return the failures of the named checks of state and limits."""
    return [
        {
            "grade": check.grade,
            "operation": check.name,
            "verdict": check.outcome,
            "kind": kind_of_check(check),
            "message": f"{check.name}: {check.message}",
            "text": "",
            "expression": None,
            "point": [],
            "got": [],
            "expected": [],
            "tolerance": [],
            "reproducer": reproducer_of_check(engine, check),
        }
        for check in checks
        if check.outcome in ("wrong", "error")
    ]
