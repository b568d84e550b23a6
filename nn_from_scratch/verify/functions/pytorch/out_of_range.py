"""Numbers that are out of range, where what they stand for is not."""

from __future__ import annotations

import math

import torch

from nn_from_scratch.verify.functions.pytorch.question import numbers
from nn_from_scratch.verify.functions.tracing.shadows import Numbers


def out_of_range(what: str, x: torch.Tensor, truth: Numbers) -> str | None:
    """Say which entry of a tensor is not finite where its formula is, and in range of its dtype; or None."""
    limit = float(torch.finfo(x.dtype).max)
    for place, (number, true) in enumerate(zip(numbers(x).ravel(), truth.ravel(), strict=True)):
        if math.isfinite(true) and abs(true) <= limit and not math.isfinite(number):
            return f"{what} is {number} at entry {place}, where its formula is {true:.6g}"
    return None
