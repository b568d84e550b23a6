"""Primitives that look through windows: sums and extremes of pooling, and what they give back."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.jaxpr.deciding import winner
from nn_from_scratch.verify.functions.jaxpr.interpreter import Call, Meaning
from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.shadows import Shadow, exact, of_entries

Places = np.ndarray[Any, np.dtype[np.int64]]


def _windows(call: Call, shape: tuple[int, ...]) -> Places:
    """Return what each window reads, a row for each: places from 1 on, row-major, and 0 for padding."""
    parameters, rank = call.parameters, len(shape)
    window, strides = parameters["window_dimensions"], parameters["window_strides"]
    dilation = parameters.get("window_dilation", (1,) * rank)
    spread = parameters.get("base_dilation", (1,) * rank)
    dilated = np.zeros([max((n - 1) * d + 1, 0) for n, d in zip(shape, spread, strict=True)], dtype=np.int64)
    places = np.arange(1, int(np.prod(shape)) + 1).reshape(shape)
    dilated[tuple(slice(None, None, d) for d in spread)] = places
    padded = np.pad(dilated, parameters["padding"])
    reach = zip(padded.shape, window, strides, dilation, strict=True)
    counts = [max((n - (k - 1) * d - 1) // s + 1, 0) for n, k, s, d in reach]
    taps = []
    for tap in itertools.product(*map(range, window)):
        steps = zip(tap, dilation, strides, counts, strict=True)
        cut = tuple(slice(t * d, t * d + s * (n - 1) + 1, s) if n else slice(0) for t, d, s, n in steps)
        taps.append(padded[cut].ravel())
    return np.stack(taps, axis=1)


def _sum(call: Call) -> Shadow:
    x = call.operands[0]
    known = np.concatenate([exact(np.zeros(1)), x.ravel()])
    return apply("sum", known[_windows(call, x.shape)], axis=1).reshape(call.outputs[0].shape)


def _chosen(call: Call, x: Shadow, sign: int) -> list[int | None]:
    """Return the place of the largest or smallest entry of each window; None where it reads padding alone."""
    flat = x.ravel()
    found: list[int | None] = []
    for row in _windows(call, x.shape):
        places = row[row > 0] - 1
        found.append(int(places[winner(call, flat[places], sign)]) if places.size else None)
    return found


def _extreme(sign: int) -> Meaning:
    def meaning(call: Call) -> Shadow:
        x = call.operands[0]
        beyond = exact(-sign * np.inf)[()]
        entries = (beyond if k is None else x.ravel()[k] for k in _chosen(call, x, sign))
        return of_entries(entries, call.outputs[0].shape)

    return meaning


def _sign(call: Call) -> int:
    return 1 if str(call.parameters["select_prim"]) == "ge" else -1


def _gathered(call: Call) -> Shadow:
    """Return, of each window, the tangent of the entry that is chosen."""
    tangents, x = call.operands
    chosen = _chosen(call, x, _sign(call))
    zero = exact(0)[()]
    entries = (zero if k is None else tangents.ravel()[k] for k in chosen)
    return of_entries(entries, call.outputs[0].shape)


def _scattered(call: Call) -> Shadow:
    """Give each window's cotangent to the entry that is chosen."""
    source, x = call.operands
    found = exact(np.zeros(x.size))
    for k, cotangent in zip(_chosen(call, x, _sign(call)), source.ravel(), strict=True):
        if k is not None:
            found[k] = found[k] + cotangent
    return found.reshape(x.shape)


WINDOWS: dict[str, Meaning] = {
    "reduce_window_sum": _sum,
    "reduce_window_max": _extreme(1),
    "reduce_window_min": _extreme(-1),
    "select_and_gather_add": _gathered,
    "select_and_scatter_add": _scattered,
}
"""Meanings of the primitives of pooling."""
