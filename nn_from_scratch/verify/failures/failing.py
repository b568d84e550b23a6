"""Failures as a person wants them: few, minimal, each with the operation to blame and a script."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.failures.blame import Diagnosis, diagnose
from nn_from_scratch.verify.failures.kinds_of_checks import kind_of_check
from nn_from_scratch.verify.failures.reproduce import reproducer
from nn_from_scratch.verify.failures.reproduce_check import reproducer_of_check
from nn_from_scratch.verify.failures.shrink import FORWARD_PASS, REVERSE_PASS, accused_alone, minimal
from nn_from_scratch.verify.judging.examine import Examination, examine
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.operations import ARRAYS, CATALOGUE
from nn_from_scratch.verify.state import Result

_MOST_SHRUNK = 12  # failing graphs, at perhaps 0.1 s each; all of them are counted
_MOST_UNBLAMED = 3  # of which no single operation is to blame


def failing_graphs(engine: Engine, accused: Collection[Case]) -> Iterator[dict[str, Any]]:
    """Shrink failing graphs, small ones first, passing over those that an operation already blamed explains.

    Second derivatives are made of the first ones of other operations: they are told only of an engine whose
    first derivatives are right.

    Yields
    ------
    dict
        A failure, as in the results JSON.

    """
    blamed: set[str] = set()
    told: set[str] = set()
    budget, unblamed = _MOST_SHRUNK, 0
    first_order = [case for case in accused if not case.tangent]
    for case in sorted(first_order or accused, key=lambda one: len(one.expression.steps)):
        if budget and not blamed & {step.operation for step in case.expression.steps}:
            budget -= 1
            smallest, diagnosis = _explained(engine, examine(engine, case))
            operation = diagnosis.operation
            if operation in CATALOGUE | ARRAYS:
                blamed.add(operation)
            else:
                unblamed += 1
            text = str(smallest.case.expression)
            if text not in told and unblamed <= _MOST_UNBLAMED:
                told.add(text)
                yield _failure(engine, smallest, diagnosis)


def failing_accuracy(
    engine: Engine, inaccurate: Collection[Case], told: Collection[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Tell one failure of accuracy, if there are some and none is told: the smallest.

    Yields
    ------
    dict
        A failure, as in the results JSON.

    """
    if any(failure["grade"] == "accuracy" for failure in told):
        return
    for case in sorted(inaccurate, key=lambda one: (bool(one.tangent), len(one.expression.steps))):
        found = examine(engine, case)
        if found.verdict is Verdict.INACCURATE:
            smallest = minimal(engine, found)
            yield _failure(engine, smallest, diagnose(engine, smallest))
            return


def _explained(engine: Engine, found: Examination) -> tuple[Examination, Diagnosis]:
    """Return the minimal case with its diagnosis."""
    smallest = minimal(engine, found)
    diagnosis = diagnose(engine, smallest)
    if diagnosis.operation in (FORWARD_PASS, REVERSE_PASS):
        # Shrinking may have left an operation where it is right on its own, as one over an axis of length 1.
        expression = found.case.expression
        for index in range(expression.first_step, len(expression)):
            alone = accused_alone(engine, found.case, index)
            if alone is not None:
                smallest = minimal(engine, alone)
                return smallest, diagnose(engine, smallest)
    return smallest, diagnosis


def failing_checks(engine: Engine, checks: Collection[Result]) -> list[dict[str, Any]]:
    """Return the failures of the named checks of state and limits."""
    return [
        {
            "grade": check.grade,
            "operation": check.name,
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


def _failure(engine: Engine, found: Examination, diagnosis: Diagnosis) -> dict[str, Any]:
    case = found.case
    message = found.message or "the engine answered right when it was asked again"
    return {
        "grade": "accuracy" if found.verdict is Verdict.INACCURATE else "rules",
        "operation": diagnosis.operation,
        "kind": diagnosis.kind,
        "message": f"{diagnosis.operation} is {found.verdict}: in {case}\n{diagnosis.kind}\n{message}",
        "text": str(case.expression),
        "expression": case.expression.to_json(),
        "point": list(case.point),
        "shapes": [list(shape) for shape in case.shapes],
        "cotangent": list(case.cotangent),
        "tangent": list(case.tangent),
        "got": [_finite(one.got) for one in found.judgements],
        "expected": [_finite(one.expected) for one in found.judgements],
        "tolerance": [_finite(one.tolerance) for one in found.judgements],
        "graph": _graph(diagnosis),
        "reproducer": reproducer(engine, found),
    }


def _graph(diagnosis: Diagnosis) -> dict[str, Any]:
    """Return the nodes of the case with what the engine holds in them, for a drawing."""
    position = {node.index: k for k, node in enumerate(diagnosis.nodes)}
    return {
        "nodes": [
            {
                "label": node.label,
                "operands": [position[k] for k in node.operands],
                "value": _beside(node.got, node.expected),
                "adjoint": _beside(node.adjoint, node.true_adjoint),
                "wrong": node.wrong,
                "blamed": node.index == diagnosis.node,
            }
            for node in diagnosis.nodes
        ]
    }


def _beside(got: Sequence[float] | None, expected: Sequence[float]) -> dict[str, list[float | None] | None]:
    return {"got": None if got is None else [*map(_finite, got)], "expected": [*map(_finite, expected)]}


def _finite(x: float) -> float | None:
    """Return the number, or None where strict JSON has no literal for it."""
    return x if math.isfinite(x) else None
