"""How far two tensors differ, and how far they may."""

from __future__ import annotations

import torch


def difference(got: torch.Tensor, expected: torch.Tensor, scale: float = 0.0) -> float:
    """Return the largest difference of two tensors, relative to the largest entry, or to `scale`.

    It is 0 if they are the same. Entries that are not finite count as the same where they are equal, or both
    are not a number, and as infinitely different elsewhere.
    """
    if got.dtype == expected.dtype and torch.equal(got, expected):
        return 0.0
    a, b = (_parts(x.detach()).to(torch.float64) for x in (got, expected))
    same = (a == b) | (a.isnan() & b.isnan())
    if bool(same.all()):
        return 0.0
    gap = (a - b)[~same].abs()
    largest = max(largest_entry(a), largest_entry(b), scale)
    return float(gap.max()) / largest if largest and bool(gap.isfinite().all()) else float("inf")


def largest_entry(x: torch.Tensor) -> float:
    """Return the size of the largest finite entry; 0 if there is none."""
    finite = x.detach().nan_to_num(0.0, 0.0, 0.0)
    return max(float(finite.max()), -float(finite.min())) if finite.numel() else 0.0


def _parts(x: torch.Tensor) -> torch.Tensor:
    """Return a tensor of real numbers: the parts of complex ones."""
    return torch.view_as_real(x.resolve_conj()) if x.is_complex() else x


def half_of_the_digits(dtype: torch.dtype) -> float:
    """Return the relative error up to which at least half of the digits of a dtype hold."""
    return float(torch.finfo(dtype).eps ** 0.5)
