"""A function that cannot be traced, as a kernel is, judged by its plain version.

The plain version is traced in float64, and must itself be right. It says what values and gradients are,
exactly, and how far rounding may move them: by its own operations, each rounded to the format that the kernel
computes in, and by the last rounding to the dtype of the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch

from nn_from_scratch.verify.functions.kernels import SPARE, judge_array
from nn_from_scratch.verify.functions.pytorch.formula import Formula, trace
from nn_from_scratch.verify.functions.pytorch.question import Question, numbers
from nn_from_scratch.verify.functions.pytorch.runs import Tracing
from nn_from_scratch.verify.functions.pytorch.traced import rules
from nn_from_scratch.verify.functions.pytorch.tracing.formats import FORMATS
from nn_from_scratch.verify.functions.pytorch.tracing.operands import NotTracedError
from nn_from_scratch.verify.functions.pytorch.ways import Asked
from nn_from_scratch.verify.functions.rows import Row
from nn_from_scratch.verify.functions.tracing.constants import UNIT, Reading
from nn_from_scratch.verify.functions.tracing.shadows import Shadow, exactly_computing
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.oracles.taylor import working
from nn_from_scratch.verify.questions import formats

NAME = "reference"


def format_of(question: Question, compute: str | None) -> str:
    """Return the format that a kernel computes in: by default the widest of its inputs.

    Raises
    ------
    ValueError
        If there is no such format.

    """
    chosen = compute or min((FORMATS[x.dtype] for x in question.tensors), key=lambda name: UNIT[name])
    if chosen not in formats.FORMATS:
        raise ValueError(f"compute must be one of {', '.join(formats.FORMATS)}, not {compute!r}")
    return chosen


def by_reference(asked: Asked, plain: Question, compute: str) -> Iterator[Row]:
    """Judge a kernel's values and gradients by the exact ones of its plain version.

    Parameters
    ----------
    asked
        The kernel, one pass of it, the cotangents that it was given, and the gradients that came back.
    plain
        The same question of its plain version.
    compute
        The format that the kernel computes in.

    """
    wide, seed = plain.widened(), asked.seed
    weights = [x.double() for x in asked.cotangents]
    shapes, expected = ([tuple(x.shape) for x in found.outputs] for found in (asked.found, wide.run()))
    if shapes != expected:
        said = f"the function returns outputs of shapes {shapes}, its reference {expected}"
        yield Row(NAME, Verdict.WRONG, said)
        return
    formula = trace(wide, weights, seed)
    row = rules(formula, wide)
    if not isinstance(formula, Formula) or row.verdict is not Verdict.RIGHT:
        verdict = "not traced" if row.verdict is None else row.verdict
        yield Row(NAME, Verdict.UNDECIDED, f"the reference itself is {verdict}: {row.said}")
        return
    yield Row(NAME, Verdict.RIGHT, row.said)
    try:
        with exactly_computing():
            exact = Tracing(wide, weights, seed).shadows(Reading.RECOGNISED)
        with working(formats.FORMATS[compute].precision - SPARE, 2):
            rounded = Tracing(wide, weights, seed).shadows(Reading.LITERAL)
    except NotTracedError as reason:
        yield Row("numbers", Verdict.UNDECIDED, f"the reference is not traced in {compute}: {reason}")
        return
    names = [f"output {k}" for k in range(len(shapes))]
    values = zip(names, asked.found.outputs, exact[0], rounded[0], strict=True)
    yield _judged("values", values, compute)
    names = [f"the gradient of {x}" for x in asked.question.names]
    gradients = zip(names, asked.gradient, exact[1], rounded[1], strict=True)
    yield _judged("numbers", gradients, compute)


def _judged(name: str, arrays: Iterable[tuple[str, torch.Tensor, Shadow, Shadow]], compute: str) -> Row:
    """Judge tensors, each beside its exact numbers and balls of the rounded ones, and say the worst."""
    with exactly_computing():
        judged = [
            judge_array(what, numbers(x), exact, rounded, FORMATS[x.dtype])
            for what, x, exact, rounded in arrays
        ]
    worst = max(judged, key=lambda one: (one.verdict.severity, one.ratio))
    more = "" if worst.verdict is Verdict.RIGHT else " (say compute= if another format is computed with)"
    return Row(name, worst.verdict, f"by the reference, computing in {compute}: {worst.message}{more}")
