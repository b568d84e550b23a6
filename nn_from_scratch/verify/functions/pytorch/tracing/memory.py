"""The shadows of tensors: one for each number of a *storage*, read and written through strides.

Views, operations in place, aliases and saved tensors need no rule then: they look at the same storage. Every
shadow remembers the number that it was written beside. Where another one is found there, somebody has written
past PyTorch (a kernel in C, numpy on the same memory), and the shadow is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from nn_from_scratch.verify.functions.pytorch.tracing.operands import NotTracedError
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow

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
        same = (remembered == numbers) | (np.isnan(remembered) & np.isnan(numbers))
        return shadow, ~same | np.array([x is None for x in shadow.ravel()], dtype=bool).reshape(same.shape)

    def write(self, x: torch.Tensor, shadow: Shadow, numbers: Numbers) -> None:
        """Write shadows beside the numbers that a tensor now has."""
        cells = self._of(x)
        _window(cells.shadows, x)[...] = np.broadcast_to(shadow, numbers.shape)
        _window(cells.numbers, x)[...] = numbers

    def _of(self, x: torch.Tensor) -> Cells:
        storage = x.untyped_storage()
        key = storage._cdata  # noqa: SLF001  the identity of a storage
        cells = self._cells.get(key)
        if cells is None:
            count = max(storage.nbytes() // x.element_size(), 1)
            cells = Cells(
                storage, x.element_size(), np.full(count, None, dtype=object), np.full(count, np.nan)
            )
            self._cells[key] = cells
        if cells.size != x.element_size():
            raise NotTracedError("a storage is read as another dtype")
        return cells


def _window(cells: np.ndarray[Any, Any], x: torch.Tensor) -> np.ndarray[Any, Any]:
    strides = [cells.itemsize * stride for stride in x.stride()]
    return np.lib.stride_tricks.as_strided(cells[x.storage_offset() :], tuple(x.shape), strides)
