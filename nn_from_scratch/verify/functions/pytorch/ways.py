"""Two ways to the same gradient: where they differ, differences of the function's values are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from nn_from_scratch.verify.functions.pytorch.differences import difference, half_of_the_digits, largest_entry
from nn_from_scratch.verify.functions.pytorch.measured import differences
from nn_from_scratch.verify.functions.pytorch.question import Pass, Question, Tensors, numbers
from nn_from_scratch.verify.functions.rows import Row
from nn_from_scratch.verify.judging.verdicts import Verdict

_ROUNDINGS = 16
"""Of the largest of all gradients: by so many one may differ that is 0."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the caller allows: by how much backward passes differ, and what else is asked of them."""

    nondeterminism: float = 0.0
    undefined: bool = True
    dtypes: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A pass, its cotangents, the gradient that it had, and what the caller allows."""

    question: Question
    found: Pass
    cotangents: Tensors
    gradient: Tensors
    seed: int
    allowed: Allowed
    changed: str = ""
    """What a forward or a backward wrote into that is not its own."""
    repeated: bool | None = None
    """Whether the gradient was the same elsewhere, to the bit; None if it had no answer there."""

    def same(
        self, name: str, got: Sequence[torch.Tensor], cotangents: Tensors, expected: Tensors, what: str
    ) -> Row:
        """Compare the gradient that was got in another way with the expected one.

        The two ways may round differently: half of the digits must hold, beside the largest entry that the
        gradient has for a drawn cotangent, but for a few roundings of the largest of all its tensors: one
        that is 0, as of a bias before a batch norm, is the rounding of what cancels. Where they do not, it is
        the rounding of a derivative that cancels or a fault, and differences of the function's values tell
        which: no other way accuses.
        """
        sizes = list(map(largest_entry, self.gradient))
        for x, part, truth, size in zip(self.question.names, got, expected, sizes, strict=True):
            half = half_of_the_digits(truth.dtype)
            rounding = _ROUNDINGS * float(torch.finfo(truth.dtype).eps) * max(sizes)
            gap = difference(part, truth, max(size, rounding / half))
            if gap > half:
                return self._told(
                    name, got, cotangents, f"{what}: the gradient of {x} by {gap:.2g} of its size"
                )
        return Row(name, Verdict.RIGHT)

    def _told(self, name: str, got: Sequence[torch.Tensor], cotangents: Tensors, said: str) -> Row:
        if any(x.dtype != torch.float64 for x in self.question.tensors):
            return Row(name, Verdict.UNDECIDED, said)
        row = differences(self.question, cotangents, [numbers(x) for x in got], self.seed)
        return replace(row, name=name, said=said if row.verdict is Verdict.RIGHT else f"{said}\n{row.said}")
