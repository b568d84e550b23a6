"""The rows of a function that was traced: its rules, and its numbers against its own formula."""

from __future__ import annotations

import math

import torch

from nn_from_scratch.verify.functions.pytorch.by_forward import lost_by_forward
from nn_from_scratch.verify.functions.pytorch.formula import Formula, NotCompared, relative_error
from nn_from_scratch.verify.functions.pytorch.question import Question, Tensors, numbers
from nn_from_scratch.verify.functions.rows import Row
from nn_from_scratch.verify.functions.tracing.out_of_range import out_of_range
from nn_from_scratch.verify.functions.tracing.rules import Rule
from nn_from_scratch.verify.functions.tracing.shadows import exactly_computing, nearest
from nn_from_scratch.verify.judging.verdicts import Verdict

NAME = "rules"
VALUE = "value"
_SOME_ROUNDINGS = 64
_FEWER = 0.75
"""A gradient that keeps less than this share of its digits may have been computed in a narrower format."""


def rules(found: Formula | NotCompared, question: Question, nondeterminism: float = 0.0) -> Row:
    """Return what the formulas say; None where they were not compared.

    Those that differ because one draws random numbers are the same within `nondeterminism`.
    """
    if isinstance(found, NotCompared):
        return Row(NAME, None, f"not traced: {found.reason}")
    coarsest = max(float(torch.finfo(x.dtype).eps) for x in question.tensors)
    rounded = []
    if found.constants > _SOME_ROUNDINGS * coarsest:
        rounded = [f"constants are rounded, so that {-math.log10(found.constants):.0f} digits of it hold"]
    said = "; ".join([str(found.rules), *rounded, *found.explain(), *found.notes])
    rule = found.rules.rule
    if rule is Rule.UNKNOWN:
        return Row(NAME, None, "the formulas are not known well enough here")
    if rule is Rule.DIFFERENT and found.drawn_apart <= nondeterminism:
        said = f"formula within {nondeterminism:g} of the derivative: {'; '.join(found.notes)}"
        return Row(NAME, Verdict.RIGHT, said)
    if rule is Rule.DIFFERENT:
        return Row(NAME, Verdict.WRONG, said)
    if rule is Rule.SHORT and found.difference > coarsest:
        return Row(NAME, Verdict.INACCURATE, f"{said}; as they are written, {found.difference:.2g} apart")
    return Row(NAME, Verdict.RIGHT, said)


def value_row(found: Formula | NotCompared, question: Question, outputs: Tensors) -> Row | None:
    """Say that outputs are not finite: where their formula is, or all of them; None of others."""
    if all(bool(x.isfinite().all()) for x in outputs):
        return None
    lost = found.lost if isinstance(found, Formula) else lost_by_forward(question)
    if lost is not None:
        return Row(VALUE, Verdict.WRONG, lost)
    if any(bool(x.isfinite().any()) for x in outputs):
        return None
    number = next(float(x.detach().ravel()[0]) for x in outputs if x.numel())
    return Row(
        VALUE, Verdict.UNDECIDED, f"the function is {number} here: there is no derivative to compare with"
    )


def numbers_of_formula(name: str, found: Formula, question: Question, gradient: Tensors) -> Row:
    """Compare the numbers of a gradient with what its own formula, which is right, has here.

    Every operation has been seen to be right to the rounding of its own result, so what is lost here is lost
    by the formula at this point, and is said. A number that is not finite where the formula's is, and in
    range, is wrong; and what is lost in a narrower format, in which the forward does not compute, inaccurate.
    """
    worst = 0.0
    unit = max(float(torch.finfo(x.dtype).eps) / 2 for x in question.tensors)
    for what, x, shadow in zip(question.names, gradient, found.gradient, strict=True):
        with exactly_computing():
            truth = nearest(shadow)
        lost = out_of_range(f"the gradient of {what}", numbers(x), shadow, float(torch.finfo(x.dtype).max))
        if lost is not None:
            return Row(name, Verdict.WRONG, found.local.explain(lost))
        got = numbers(x)
        worst = max(worst, relative_error([*zip(got.ravel(), truth.ravel(), strict=True)]))
    digits = "all digits" if not worst else f"{max(0.0, -math.log10(worst)):.1f} digits"
    if found.narrower is not None and worst > unit**_FEWER:
        return Row(name, Verdict.INACCURATE, f"{digits} of the largest entry hold: {found.narrower}")
    return Row(name, Verdict.RIGHT, f"as the formula has them, to {digits} of the largest entry")
