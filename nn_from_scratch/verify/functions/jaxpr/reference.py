"""A function that cannot be traced, as a kernel or a call of the host, judged by its plain version.

The plain version is traced and must itself be right. It says what values and derivatives are, exactly, and
how far rounding may move them: by its own operations, each rounded to the format that the function computes
in, and by the last rounding to the dtype of the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from nn_from_scratch.verify.functions.jaxpr.formulas import Rounded, Trace, trace
from nn_from_scratch.verify.functions.jaxpr.interpreter import NotTracedError
from nn_from_scratch.verify.functions.jaxpr.judging import formula_row
from nn_from_scratch.verify.functions.jaxpr.question import MODES, Question, precision
from nn_from_scratch.verify.functions.kernels import Judged, judge_array
from nn_from_scratch.verify.functions.rows import Row
from nn_from_scratch.verify.functions.tracing.constants import Reading
from nn_from_scratch.verify.functions.tracing.shadows import Shadow, exactly_computing
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.questions.formats import FORMATS


@dataclass(frozen=True)
class Plain:
    """The plain version of a function, and the format that the function computes in."""

    question: Question
    compute: str

    def rounded(self, mode: str, seeds: Sequence[Any]) -> Rounded:
        """Return balls that hold what rounding makes of it, were its inputs of the format it computes in."""
        with precision(wide=self.compute == "float64"):
            point = [jnp.asarray(x, self.compute) for x in self.question.numbers()]
            question = replace(self.question, point=point)
            traced = _traced(question, mode)
            return traced.rounded_values(seeds)


def _traced(question: Question, mode: str) -> Trace:
    return trace(question, MODES[mode](question), wide=False, by_outputs=mode == "rev")


def reference_rows(
    name: str, question: Question, plain: Plain, mode: str, *, outputs: Sequence[Any], inputs: Sequence[Any]
) -> Iterator[Row]:
    """Judge values and derivatives of a question by the exact ones of its plain version."""
    seeds = outputs if mode == "rev" else inputs
    wide = trace(plain.question, MODES[mode](plain.question), wide=True, by_outputs=mode == "rev")
    try:
        row = formula_row(name, mode, wide, outputs, inputs)
        if row.verdict is not Verdict.RIGHT:
            yield Row(name, Verdict.UNDECIDED, f"the reference itself is {row.verdict}: {row.said}")
            return
        with exactly_computing():
            values, derivatives = wide.derived_values(Reading.RECOGNISED, seeds)
        rounded = plain.rounded(mode, seeds)
    except NotTracedError as error:
        yield Row(name, Verdict.UNDECIDED, f"the reference is not traced: {error}")
        return
    found = MODES[mode](question)(*question.point, *_in_own_dtypes(question, mode, seeds))
    count = len(found) - len(derivatives)
    if count != len(values) or any(x.shape != y.shape for x, y in zip(found, values, strict=False)):
        shapes = f"{[x.shape for x in found[:count]]}, its reference {[y.shape for y in values]}"
        yield Row(name, Verdict.WRONG, f"the function returns outputs of shapes {shapes}")
        return
    names = [f"output {k}" for k in range(count)]
    said = [f"the derivative for {x}" for x in (question.names if mode == "rev" else names)]
    for what, of, got, exact, balls in (
        ("value", names, found[:count], values, rounded.outputs),
        (name, said, found[count:], derivatives, rounded.derivatives),
    ):
        worst = _worst(of, got, exact, balls)
        more = f" of {plain.compute}: say compute= if it computes with more"
        hint = more if worst.verdict is Verdict.UNDECIDED else ""
        yield Row(what, worst.verdict, f"numbers by the reference: {worst.message}{hint}")


def _in_own_dtypes(question: Question, mode: str, seeds: Sequence[Any]) -> list[Any]:
    like = question.outputs(wide=False) if mode == "rev" else question.point
    return [jnp.asarray(x, y.dtype) for x, y in zip(seeds, like, strict=True)]


def _worst(names: list[str], found: list[Any], exact: list[Shadow], rounded: list[Shadow]) -> Judged:
    """Judge arrays, and return what is found of the worst."""
    with exactly_computing():
        judged = [
            judge_array(said, np.asarray(x, np.float64), true, ball, str(x.dtype))
            for said, x, true, ball in zip(names, found, exact, rounded, strict=True)
        ]
    return max(judged, key=lambda row: (row.verdict.severity, row.ratio))


def plain_version(question: Question, compute: str | None) -> Plain:
    """Return the plain version; by default the function computes in the widest dtype of its inputs."""
    widest = min((str(x.dtype) for x in question.point), key=lambda dtype: float(jnp.finfo(dtype).eps))
    chosen = compute or widest
    if chosen not in FORMATS:
        raise ValueError(f"compute must be of {', '.join(FORMATS)}: {compute!r}")
    return Plain(question, chosen)
