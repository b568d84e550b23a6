"""What comparisons of traced numbers give, so that it is seen what they decide.

A mask that selects between two formulas leaves each of them what it is; one that decides what is run, is
counted with or picks entries may stop an iteration, or switch to an approximation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from nn_from_scratch.verify.functions.tracing.arrays.trace import Trace


class Mask(np.ndarray[Any, np.dtype[Any]]):
    """An array of booleans that tells its trace where it decides more than a selection."""

    _trace: Trace | None = None

    def __array_finalize__(self, parent: Any) -> None:
        self._trace = getattr(parent, "_trace", None)

    def belongs_to(self, trace: Trace) -> None:
        """Say which trace is to be told."""
        self._trace = trace

    def decides(self) -> None:
        """Note that this decides what is run."""
        if self._trace is not None:
            self._trace.note_decision()

    def __bool__(self) -> bool:
        self.decides()
        return bool(np.asarray(self))

    def any(self, *operands: Any, **keywords: Any) -> Any:
        """Whether any entry holds: that decides something."""
        self.decides()
        return np.asarray(self).any(*operands, **keywords)

    def all(self, *operands: Any, **keywords: Any) -> Any:
        """Whether all entries hold: that decides something."""
        self.decides()
        return np.asarray(self).all(*operands, **keywords)

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        if not isinstance(found, np.ndarray):
            self.decides()
        return found

    def __iter__(self) -> Any:
        self.decides()
        return iter(np.asarray(self))

    def nonzero(self) -> Any:
        """Where entries hold: that picks entries."""
        self.decides()
        return np.asarray(self).nonzero()

    def __array_function__(
        self, function: Callable[..., Any], types: Any, operands: Any, keywords: Any
    ) -> Any:
        """Answer numpy's functions: those of a mask alone pick, count or decide."""
        if any(not issubclass(kind, np.ndarray) for kind in types):
            return NotImplemented  # a traced array selects by the mask
        self.decides()
        return super().__array_function__(function, types, operands, keywords)


def masked(trace: Trace, found: Any) -> Any:
    """Return the result of a comparison: a mask, or one truth value, by which only a branch can be chosen."""
    if not isinstance(found, np.ndarray) or not found.ndim:
        trace.note_decision()
        return found
    mask = found.view(Mask)
    mask.belongs_to(trace)
    return mask
