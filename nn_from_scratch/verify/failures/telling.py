"""A failure as the results tell it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.failures.around import around
from nn_from_scratch.verify.failures.blame import Diagnosis
from nn_from_scratch.verify.failures.reproduce import reproducer
from nn_from_scratch.verify.judging.examine import Examination
from nn_from_scratch.verify.judging.verdicts import Judgement, Verdict


def failure(
    engine: Engine, found: Examination, diagnosis: Diagnosis, *, drawn: bool = True
) -> dict[str, Any]:
    """Return a failure as the results JSON has it, with its graph and a script.

    If it is to be `drawn`, the function around the point is sampled as well.
    """
    case = found.case
    outcome = f"is {found.verdict}" if found.verdict.accuses else "is not the same each time"
    outcome = "fails" if found.verdict is Verdict.ERROR else outcome
    message = found.message or "the engine answered right when it was asked again"
    return {
        "grade": "accuracy" if found.verdict is Verdict.INACCURATE else "rules",
        "operation": diagnosis.operation,
        "verdict": found.verdict.value,
        "kind": diagnosis.kind,
        "message": f"{diagnosis.operation} {outcome}: in {case}\n{diagnosis.kind}\n{message}",
        "text": "\n".join(case.lines()),
        "expression": case.expression.to_json(),
        "point": list(case.point),
        "shapes": [list(shape) for shape in case.shapes],
        "cotangent": list(case.cotangent),
        "tangent": list(case.tangent),
        "order": case.order,
        "integers": case.integers,
        "numbers": case.numbers,
        "got": [_finite(one.got) for one in found.judgements],
        "expected": [_finite(one.expected) for one in found.judgements],
        "tolerance": [_finite(one.tolerance) for one in found.judgements],
        "graph": _graph(found, diagnosis),
        **({"around": around(engine, found)} if drawn else {}),
        "reproducer": reproducer(engine, found),
    }


def _graph(found: Examination, diagnosis: Diagnosis) -> dict[str, Any]:
    """Return the nodes of the case with what the engine holds in them, or else answered for them."""
    position = {node.index: k for k, node in enumerate(diagnosis.nodes)}
    answered = _answered(found)
    nodes = []
    for node in diagnosis.nodes:
        value, adjoint = answered.get(node.index, ((), ()))
        got, wrong_value, held, wrong = node.got, node.wrong_value, node.adjoint, node.wrong
        if got is None and value:
            got, wrong_value = _told_by(value)
        if held is None and adjoint:
            held, wrong = _told_by(adjoint)
        nodes.append(
            {
                "label": node.label,
                "operands": [position[k] for k in node.operands],
                "value": _beside(got, node.expected) | {"wrong": wrong_value},
                "adjoint": _beside(held, node.true_adjoint),
                "wrong": wrong,
                "blamed": node.index == diagnosis.node,
            }
        )
    return {"nodes": nodes}


def _answered(found: Examination) -> dict[int, tuple[Sequence[Judgement], Sequence[Judgement]]]:
    """Return by nodes what was judged of an answer: the output's value, and the inputs' derivatives."""
    case = found.case
    if case.tangent:
        return {}
    said: dict[int, tuple[Sequence[Judgement], Sequence[Judgement]]] = {}
    if found.value is not None and not case.shapes:
        said[case.expression.output] = [found.value], ()
    if len(found.gradient) == len(case.point):
        sizes = [math.prod(shape) for shape in case.shapes] or [1] * len(case.point)
        for k, (size, end) in enumerate(zip(sizes, accumulate(sizes), strict=True)):
            said[k] = said.get(k, ((), ()))[0], found.gradient[end - size : end]
    return said


def _told_by(judgements: Sequence[Judgement]) -> tuple[tuple[float, ...], bool]:
    return tuple(one.got for one in judgements), any(one.verdict.accuses for one in judgements)


def _beside(got: Sequence[float] | None, expected: Sequence[float]) -> dict[str, Any]:
    return {"got": None if got is None else [*map(_finite, got)], "expected": [*map(_finite, expected)]}


def _finite(x: float) -> float | None:
    """Return the number, or None where strict JSON has no literal for it."""
    return x if math.isfinite(x) else None
