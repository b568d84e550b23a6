"""The numbers of tensors: real ones in float64, and complex ones as pairs of real ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from nn_from_scratch.verify.functions.tracing.complexes import paired, parts
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow

FORMATS = {
    torch.float64: "float64",
    torch.float32: "float32",
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
}
"""The dtypes that are differentiated."""

WITHIN = {**FORMATS, torch.complex128: "float64", torch.complex64: "float32"}
"""The dtypes that have shadows, and that of their parts: complex numbers only between real ones."""


def numbers(x: torch.Tensor) -> Numbers:
    """Return a tensor's numbers: in float64 if they are real, else as they are."""
    with torch._C._DisableTorchDispatch():  # noqa: SLF001  looking is no operation
        plain = torch.zeros(x.shape, dtype=x.dtype) if x._is_zerotensor() else x.detach()  # noqa: SLF001
        plain = plain.resolve_neg().resolve_conj().cpu()
        return np.asarray((plain.to(torch.float64) if x.dtype in FORMATS else plain).numpy())


def reals(x: torch.Tensor) -> Numbers:
    """Return a tensor's numbers in float64, complex ones as pairs along one more axis."""
    return as_reals(numbers(x))


def in_own_format(found: Numbers, dtype: torch.dtype) -> Numbers:
    """Return a copy of a tensor's numbers in its format, if numpy has that."""
    name = FORMATS.get(dtype)
    return found.astype(name if name in {"float16", "float32"} else found.dtype)


def own_numbers(x: torch.Tensor) -> Numbers:
    """Return a tensor's numbers in its own format, if numpy has that."""
    return in_own_format(numbers(x), x.dtype)


def as_reals(found: Any) -> Numbers:
    """Return numbers, complex ones as pairs along one more axis."""
    if found.dtype.kind != "c":
        return np.asarray(found)
    return np.stack([found.real, found.imag], -1).astype(np.float64)


def as_pairs(shadow: Any, x: torch.Tensor) -> Shadow:
    """Return a shadow as a tensor's memory holds it: the parts of complex numbers along one more axis."""
    return np.stack(parts(shadow), -1) if x.is_complex() else shadow


def as_numbers(pairs: Shadow, x: torch.Tensor) -> Shadow:
    """Return a shadow as operations take it, given it as memory holds it."""
    return paired(pairs[..., 0], pairs[..., 1]) if x.is_complex() else pairs
