"""The shadows of tensors: one for each real number of a *storage*, read and written through strides.

Views, operations in place, aliases and saved tensors need no rule then: they look at the same storage. Every
shadow remembers the number that it was written beside. Where another one is found there, somebody has written
past PyTorch (a kernel in C, numpy on the same memory), and the shadow is forgotten. A complex number is two
real ones, one after the other, so that its parts are views; those of a conjugate, or of what is negative, are
stored as they were before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from nn_from_scratch.verify.functions.pytorch.tracing.lines import users_line
from nn_from_scratch.verify.functions.pytorch.tracing.operands import NotTracedError, leaves
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow, of_entries

Booleans = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(slots=True)
class Cells:
    """The numbers of one storage, as they were when their shadows were written. Both are kept alive."""

    storage: Any
    size: int
    shadows: Shadow
    numbers: Numbers


class Memory:
    """Shadows by storage."""

    def __init__(self) -> None:
        self._cells: dict[int, Cells] = {}

    def read(self, x: torch.Tensor, numbers: Numbers) -> tuple[Shadow, Booleans]:
        """Return a tensor's shadows, and where there is none, or none of these numbers."""
        cells = self._of(x)
        shadow = np.array(_window(cells.shadows, x), dtype=object)
        remembered = _window(cells.numbers, x)
        if _is_marked(x):
            signs = _signs(x)
            remembered, shadow = remembered * signs, _turned(shadow, signs)
        same = remembered == numbers
        if same.all():  # where there is no shadow the number is none either
            return shadow, np.zeros(same.shape, dtype=bool)
        same |= np.isnan(remembered) & np.isnan(numbers)
        return shadow, ~same | np.array([x is None for x in shadow.ravel()], dtype=bool).reshape(same.shape)

    def write(self, x: torch.Tensor, shadow: Shadow, numbers: Numbers) -> None:
        """Write shadows beside the numbers that a tensor now has."""
        cells = self._of(x)
        if _is_marked(x):
            signs = _signs(x)
            numbers, shadow = numbers * signs, _turned(np.broadcast_to(shadow, numbers.shape), signs)
        _window(cells.shadows, x)[...] = shadow
        _window(cells.numbers, x)[...] = numbers

    def _of(self, x: torch.Tensor) -> Cells:
        storage = x.untyped_storage()
        key = storage._cdata  # noqa: SLF001  the identity of a storage
        cells = self._cells.get(key)
        if cells is None:
            count = max(storage.nbytes() // element_size(x), 1)
            cells = Cells(
                storage, element_size(x), np.full(count, None, dtype=object), np.full(count, np.nan)
            )
            self._cells[key] = cells
        if cells.size != element_size(x):
            raise NotTracedError("a storage is read as another dtype")
        return cells


def element_size(x: torch.Tensor) -> int:
    """Return the bytes of a real number of a tensor."""
    return int(x.element_size()) // (2 if x.is_complex() else 1)


def shares(given: Any, found: Any) -> bool:
    """Whether what an operation returns looks at the same storage as what it is given."""
    ours, theirs = (
        {x.untyped_storage()._cdata for x in leaves(y) if isinstance(x, torch.Tensor)}  # noqa: SLF001
        for y in (given, found)
    )
    return bool(theirs) and theirs <= ours


def refuse_another_dtype(name: str, args: Any, found: Any) -> None:
    """Refuse an operation that returns the numbers it is given as numbers of another size."""
    given = {element_size(x) for x in leaves(args) if isinstance(x, torch.Tensor)}
    sizes = {element_size(x) for x in leaves(found) if isinstance(x, torch.Tensor)}
    if given and not sizes <= given:
        raise NotTracedError(f"{name} reads numbers as another dtype ({users_line()})")


def _is_marked(x: torch.Tensor) -> bool:
    """Whether a tensor is only marked as conjugate or negative."""
    return bool(x.is_neg() or x.is_conj())


def _signs(x: torch.Tensor) -> Numbers:
    """Return what stored numbers are multiplied by where a tensor is only marked as conjugate or negative."""
    sign = -1.0 if x.is_neg() else 1.0
    return np.array([sign, -sign if x.is_conj() else sign]) if x.is_complex() else np.array(sign)


def _turned(shadow: Shadow, signs: Numbers) -> Shadow:
    """Return shadows, those that there are, with signs."""
    if (signs > 0).all():
        return shadow
    entries: list[Any] = list(shadow.flat)
    pairs = zip(entries, np.broadcast_to(signs, shadow.shape).flat, strict=True)
    return of_entries((-x if x is not None and sign < 0 else x for x, sign in pairs), shadow.shape)


def _window(cells: np.ndarray[Any, Any], x: torch.Tensor) -> np.ndarray[Any, Any]:
    if x.is_contiguous() and not x.is_complex():
        start = x.storage_offset()
        return cells[start : start + x.numel()].reshape(x.shape)
    times = 2 if x.is_complex() else 1
    strides = [cells.itemsize * stride * times for stride in x.stride()]
    shape = list(x.shape)
    if x.is_complex():
        strides, shape = [*strides, cells.itemsize], [*shape, 2]
    return np.lib.stride_tricks.as_strided(cells[x.storage_offset() * times :], tuple(shape), strides)
