"""What was found about one promise of a function: a row of the answer."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from nn_from_scratch.verify.judging.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Row:
    """One promise: its name, the verdict (None where the function does not make it), and why."""

    name: str
    verdict: Verdict | None
    said: str = ""

    def __str__(self) -> str:
        verdict = "not supported" if self.verdict is None else str(self.verdict)
        return f"{self.name}: {verdict}" + (f": {self.said}" if self.said else "")

    @property
    def accuses(self) -> bool:
        """Whether the function is to blame."""
        return self.verdict is not None and self.verdict.accuses


def difference(got: torch.Tensor, expected: torch.Tensor, scale: float = 0.0) -> float:
    """Return the largest difference of two tensors, relative to the largest entry, or to `scale`.

    It is 0 if they are the same. Entries that are not finite count as the same where they are equal, or both
    are not a number, and as infinitely different elsewhere.
    """
    a, b = (x.detach().to(torch.float64) for x in (got, expected))
    same = (a == b) | (a.isnan() & b.isnan())
    if bool(same.all()):
        return 0.0
    gap = (a - b).abs()[~same]
    finite = torch.cat([x[x.isfinite()].abs().ravel() for x in (a, b)])
    largest = max(float(finite.max()) if finite.numel() else 0.0, scale)
    return float(gap.max()) / largest if largest and bool(gap.isfinite().all()) else float("inf")


def half_of_the_digits(dtype: torch.dtype) -> float:
    """Return the relative error up to which at least half of the digits of a dtype hold."""
    return float(torch.finfo(dtype).eps ** 0.5)
