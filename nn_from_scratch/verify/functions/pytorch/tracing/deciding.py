"""What the numbers of a forward decide: where its own derivative may not be the one that is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from nn_from_scratch.verify.functions.pytorch.tracing.formats import WITHIN
from nn_from_scratch.verify.functions.pytorch.tracing.operands import Operand, leaves
from nn_from_scratch.verify.functions.pytorch.tracing.trace import Trace
from nn_from_scratch.verify.functions.tracing.approximations import alike, where_alike
from nn_from_scratch.verify.functions.tracing.shadows import has_series, nearest

_STEPS = frozenset(["round", "floor", "ceil", "trunc", "fix", "floor_divide"])
_SIGNS = frozenset(["sign", "sgn", "heaviside"])
_SELECTIONS = {"where": ("self", "other"), "masked_fill": ("self", "value")}
"""Operations that select by a mask, and between what."""


class Deciding:
    """Follows masks and integers that are made of what has a derivative, and notes what is done with them.

    A mask that selects between two formulas leaves each of them what it is. One that is counted with, or an
    integer, stands for a function that is constant between jumps.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._made: dict[int, Any] = {}
        """The storages of such masks and integers, by their identity, which lasts as long as they do."""
        self.taking: tuple[str, str] | None = None
        """A line with a `where`, and which of its formulas it takes wherever both are nearly alike."""

    def note(
        self,
        base: str,
        bound: dict[str, Any],
        operands: dict[str, Any],
        outputs: Sequence[torch.Tensor],
        line: str,
    ) -> None:
        """Note an operation of a forward.

        Parameters
        ----------
        base
            Its name.
        bound, operands
            Its arguments by name, as they are and with shadows.
        outputs
            What it returns or writes.
        line
            The user's line.

        """
        by_made = bool(self._made) and any(_key(x) in self._made for x in _tensors(bound))
        made = [x for x in outputs if x.dtype not in WITHIN]
        is_step = base in _STEPS or operands.get("rounding_mode") is not None
        differentiated = bool(made or is_step or base in _SIGNS) and any(
            isinstance(x, Operand) and x.shadow is not None and has_series(x.shadow) for x in leaves(operands)
        )
        if by_made or differentiated:
            self._made |= {_key(x): x.untyped_storage() for x in made}
        if differentiated and is_step:
            self._trace.jumps.append(line)
        if not any(x.dtype in WITHIN for x in outputs):
            return
        if by_made and base in _SELECTIONS:
            self._trace.selections.append(line)
            one, other = (_at_256_bits(operands[name]) for name in _SELECTIONS[base])
            if alike(one, other):
                self._trace.switches.append(line)
        elif by_made or (differentiated and base in _SIGNS):
            self._trace.decisions.append(line)

    def taken(self, base: str, operands: dict[str, Any], line: str) -> dict[str, Any]:
        """Return the arguments of an operation, with another mask if one of two formulas is to be taken."""
        if base != "where" or self.taking is None or self.taking[0] != line or "other" not in operands:
            return operands
        near = where_alike(*(_at_256_bits(operands[name]) for name in _SELECTIONS["where"]))
        mask, near = np.broadcast_arrays(operands["condition"].numbers, near)
        changed = np.where(near, self.taking[1] == "self", mask)
        return {**operands, "condition": replace(operands["condition"], numbers=changed)}


def _tensors(arguments: Any) -> list[torch.Tensor]:
    return [x for x in leaves(arguments) if isinstance(x, torch.Tensor)]


def _key(x: torch.Tensor) -> int:
    return int(x.untyped_storage()._cdata)  # noqa: SLF001  the identity of a storage


def _numbers(x: Any) -> Any:
    return x.numbers if isinstance(x, Operand) else x


def _at_256_bits(x: Any) -> Any:
    """Return real numbers as the shadow has them, if there is one: finite where a format overflows."""
    if not isinstance(x, Operand) or x.shadow is None or x.numbers.dtype.kind == "c":
        return _numbers(x)
    return nearest(x.shadow)
