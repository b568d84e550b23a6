"""The values of a gradient that is not traced, with other numbers where those given may hide a fault."""

from __future__ import annotations

from dataclasses import replace

from nn_from_scratch.verify.functions.black_box import BlackBox
from nn_from_scratch.verify.functions.result import FunctionResult
from nn_from_scratch.verify.functions.tracing.arrays.other_numbers import Drawn, hidden_from_values
from nn_from_scratch.verify.functions.values import differences
from nn_from_scratch.verify.judging.verdicts import Verdict


def unless_hidden(found: FunctionResult, box: BlackBox) -> FunctionResult:
    """Return that a gradient is right, or that it may be so where its inputs hide something alone.

    Parameters
    ----------
    found, box
        What was found, by values alone, and the question.

    """
    arguments = box.arguments
    arrays = arguments.arrays(box.point)
    evaluations = found.evaluations

    def verdict_at(drawn: Drawn) -> Verdict | None:
        nonlocal evaluations
        filled = arguments.filled([x if y is None else y for x, y in zip(arrays, drawn, strict=True)])
        try:
            there = box.at(filled)
        except Exception:  # noqa: BLE001  whatever a function does not like about other numbers
            return None
        verdict = differences(there).verdict
        evaluations += there.evaluations
        return verdict

    said = hidden_from_values(arrays, box.seed, verdict_at)
    if said is None:
        return replace(found, evaluations=evaluations)
    rows = tuple(
        replace(row, verdict=Verdict.UNDECIDED, said=f"{row.said}; {said}") if row.name == "values" else row
        for row in found.rows
    )
    return replace(found, verdict=Verdict.UNDECIDED, rows=rows, said=said, evaluations=evaluations)
