"""Primitives that only move data: they need no meaning, for positions move as numbers do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.jaxpr.interpreter import Call, Meaning, is_shadow
from nn_from_scratch.verify.functions.tracing.shadows import of_entries


def by_positions(call: Call) -> list[Any]:
    """Run the primitive on positions in a table of all entries; position 0 is what fills gaps."""
    fill = call.parameters.get("fill_value")
    table: list[Any] = [arb.nan() if fill is None or math.isnan(fill) else arb(float(fill))]
    positions = []
    for x in call.operands:
        if is_shadow(x):
            positions.append(np.arange(len(table), len(table) + x.size, dtype=np.int32).reshape(x.shape))
            table.extend(x.ravel())
        else:
            positions.append(x)
    found = call.bind(*positions, **({"fill_value": 0} if "fill_value" in call.parameters else {}))
    if not any(is_shadow(x) for x in call.operands):
        return [np.asarray(x) for x in found]
    return [of_entries((table[k] for k in np.asarray(x).ravel().tolist()), x.shape) for x in found]


def _broadcast(call: Call) -> Any:
    x, shape = call.operands[0], call.parameters["shape"]
    inner = [1] * len(shape)
    for axis, place in enumerate(call.parameters["broadcast_dimensions"]):
        inner[place] = x.shape[axis]
    return np.broadcast_to(x.reshape(inner), shape).copy()


def _slice(call: Call) -> Any:
    starts, limits = call.parameters["start_indices"], call.parameters["limit_indices"]
    strides = call.parameters["strides"] or [1] * len(starts)
    return call.operands[0][tuple(map(slice, starts, limits, strides))].copy() if starts else call.operands[0]


def _reshape(call: Call) -> Any:
    if call.parameters.get("dimensions") is not None:
        return by_positions(call)
    return call.operands[0].reshape(call.outputs[0].shape)


def _same(call: Call) -> Any:
    return list(call.operands)


MOVING: dict[str, Meaning] = {
    "broadcast_in_dim": _broadcast,
    "concatenate": lambda call: np.concatenate(call.operands, call.parameters["dimension"]),
    "copy": _same,
    "copy_p": _same,
    "dynamic_slice": by_positions,
    "dynamic_update_slice": by_positions,
    "expand_dims": _reshape,
    "gather": by_positions,
    "optimization_barrier": _same,
    "pad": by_positions,
    "reshape": _reshape,
    "rev": lambda call: np.flip(call.operands[0], call.parameters["dimensions"]).copy(),
    "slice": _slice,
    "split": by_positions,
    "squeeze": _reshape,
    "stack": by_positions,
    "tile": by_positions,
    "transpose": lambda call: np.transpose(call.operands[0], call.parameters["permutation"]).copy(),
    "unstack": by_positions,
}
"""Meanings of the primitives that move data."""
