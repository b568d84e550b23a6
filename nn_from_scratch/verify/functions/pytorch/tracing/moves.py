"""Operations that only move data: run on positions, they say where every number comes from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree

from nn_from_scratch.verify.functions.pytorch.tracing.operands import Call, Operand
from nn_from_scratch.verify.functions.tracing.shadows import Shadow, exact, moved

MOVES = frozenset(
    """
    as_strided_copy as_strided_scatter block_diag cat channel_shuffle constant_pad_nd diag_embed
    diagonal_backward diagonal_copy diagonal_scatter expand_copy flip gather im2col index
    index_select masked_fill masked_scatter masked_select max_unpool2d max_unpool3d narrow_copy
    permute_copy pixel_shuffle pixel_unshuffle reflection_pad1d reflection_pad2d reflection_pad3d repeat
    repeat_interleave replication_pad1d replication_pad2d replication_pad3d roll rot90 scatter
    select_backward select_copy select_scatter slice_backward slice_copy slice_scatter squeeze_copy
    stack t_copy take take_along_dim transpose_copy tril triu unfold unfold_copy unsqueeze_copy
    view_copy where _unsafe_index
    """.split()  # noqa: SIM905  a long list reads best as words
)
"""By their names without the underscore of an operation in place."""

_FILLS = frozenset({"value", "self", "other"})  # numbers that are data, not places
_NOT_A_PLACE = frozenset({"dtype", "device", "layout", "pin_memory", "memory_format"})


def move(operation: Callable[..., Any], call: Call, in_place: bool) -> Shadow | tuple[Shadow | None, ...]:
    """Run an operation on the positions of its numbers, and fetch the shadows from there.

    Position 0 is that of the number 0, which padding fills in.
    """
    known: list[Shadow] = [exact(np.zeros(1))]
    size = 1

    def placed(shadow: Shadow) -> torch.Tensor:
        nonlocal size
        known.append(shadow.ravel())
        size += shadow.size
        return torch.arange(size - shadow.size, size, dtype=torch.float64).reshape(shadow.shape)

    def position(x: Any) -> Any:
        if not isinstance(x, Operand):
            return x
        return torch.from_numpy(np.array(x.numbers)) if x.shadow is None else placed(x.shadow)

    arguments = {}
    for name, x in call.arguments.items():
        if name in _NOT_A_PLACE:
            continue
        number = isinstance(x, (int, float, complex)) and not isinstance(x, bool)
        if number and name in _FILLS:
            arguments[name] = float(placed(call.shadow_of(x)).item())
        else:
            arguments[name] = pytree.tree_map(position, x, is_leaf=lambda leaf: isinstance(leaf, Operand))
    found = operation(**_without_defaults(operation, arguments))
    source = np.concatenate(known)
    outputs = found if isinstance(found, (tuple, list)) else [found]
    shadows = tuple(moved(source, x.numpy().astype(np.int64)) for x in outputs)
    return shadows[0] if in_place or not isinstance(found, (tuple, list)) else shadows


def _without_defaults(operation: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    names = {argument.name for argument in operation._schema.arguments}  # noqa: SLF001
    return {name: x for name, x in arguments.items() if name in names}
