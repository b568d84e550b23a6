"""What a backward keeps from an earlier call: see `nn_from_scratch.verify.functions.earlier`."""

from __future__ import annotations

import torch

from nn_from_scratch.verify.functions.black_box import MANY
from nn_from_scratch.verify.functions.earlier import AT_ONE_POINT, SAID, SHRUNK
from nn_from_scratch.verify.functions.pytorch.conventions import convention
from nn_from_scratch.verify.functions.pytorch.formula import NotCompared, trace
from nn_from_scratch.verify.functions.pytorch.question import Question, Tensors
from nn_from_scratch.verify.functions.pytorch.triangles import one_triangle
from nn_from_scratch.verify.functions.pytorch.ways import Asked
from nn_from_scratch.verify.functions.rows import Row
from nn_from_scratch.verify.functions.tracing.rules import AT_ANY_INPUTS, Rule
from nn_from_scratch.verify.judging.verdicts import Verdict


def nothing_kept(name: str, asked: Asked) -> Row:
    """Compare the gradient with the one elsewhere: where it is the same, to the bit, it must fit both."""
    question = asked.question
    if question.inside:
        return Row(name, None, "not asked of a function that closes over its inputs")
    if asked.repeated is None:
        return Row(name, None, f"it has no answer where all inputs are {SHRUNK:g} times as large")
    return _of_the_same(name, asked) if asked.repeated else Row(name, Verdict.RIGHT)


def is_repeated(elsewhere: Tensors | None, gradient: Tensors) -> bool | None:
    """Return whether a gradient, but for zeros, is what it was elsewhere, to the bit."""
    if elsewhere is None:
        return None
    pairs = list(zip(elsewhere, gradient, strict=True))
    return all(torch.equal(x, y) for x, y in pairs) and any(bool(x.count_nonzero()) for x, _ in pairs)


def _of_the_same(name: str, asked: Asked) -> Row:
    """Judge a gradient that is the same at both points."""
    question = asked.question
    few = sum(x.numel() for x in question.tensors) <= MANY
    here, there = (_is_right(each, asked) if few else None for each in (question, question.shrunk()))
    if here is None or there is None:
        return Row(name, None, "the gradient is the same elsewhere, and why cannot be told")
    if here is there:
        return Row(name, Verdict.RIGHT)
    if here:
        return Row(name, Verdict.UNDECIDED, AT_ONE_POINT)
    return Row(name, Verdict.WRONG, SAID)


def _is_right(question: Question, asked: Asked) -> bool | None:
    """Say whether the formula is the derivative's; None where it cannot be told."""
    formula = trace(question, asked.cotangents, asked.seed)
    if isinstance(formula, NotCompared) or convention(question) or one_triangle(question):
        return None
    if formula.rules.rule is Rule.DIFFERENT:
        return False
    return True if formula.rules.rule in AT_ANY_INPUTS else None
