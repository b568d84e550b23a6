"""Pooling: the means and the largest entries of windows, and what they give back."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.pytorch.tracing.operands import Call, Rule
from nn_from_scratch.verify.functions.pytorch.tracing.scattering import added, repeated
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow, exact, of_entries

Window = tuple[list[int], int]
"""The places in a plane that an output reads, row-major, and the number that their sum is divided by."""


def windows(call: Call, plane: tuple[int, ...], outputs: tuple[int, ...]) -> list[Window]:
    """Return the window of each output of a plane, in row-major order."""
    along = _adaptive if "kernel_size" not in call.arguments else _sliding
    axes = along(call, plane, outputs)
    found = []
    for spans in itertools.product(*axes):
        reads = [[k for k in span if 0 <= k < size] for span, size in zip(spans, plane, strict=True)]
        places = [int(np.ravel_multi_index(place, plane)) for place in itertools.product(*reads)]
        found.append((places, _divisor(call, spans, plane, len(places))))
    return found


def _divisor(call: Call, spans: Sequence[range], plane: tuple[int, ...], count: int) -> int:
    if call["divisor_override"]:
        return int(call["divisor_override"])
    if not call["count_include_pad"]:
        return count
    padding = repeated(call["padding"], len(plane))
    ends = (min(span.stop, size + pad) for span, size, pad in zip(spans, plane, padding, strict=True))
    return math.prod(end - span.start for span, end in zip(spans, ends, strict=True))


def _sliding(call: Call, plane: tuple[int, ...], outputs: tuple[int, ...]) -> list[list[range]]:
    """Return what each output reads along each axis; padding is beyond the plane."""
    rank = len(plane)
    kernel = repeated(call["kernel_size"], rank)
    stride = repeated(call["stride"], rank) if call["stride"] else kernel
    padding = repeated(call["padding"], rank)
    dilation = repeated(call["dilation"], rank) if call["dilation"] else [1] * rank
    return [
        [range(first * s - p, first * s - p + d * (k - 1) + 1, d) for first in range(count)]
        for count, k, s, p, d in zip(outputs, kernel, stride, padding, dilation, strict=True)
    ]


def _adaptive(_: Call, plane: tuple[int, ...], outputs: tuple[int, ...]) -> list[list[range]]:
    """Return windows that share an axis out: from the floor to the ceiling of each share."""
    return [
        [range(k * size // count, -(-(k + 1) * size // count)) for k in range(count)]
        for size, count in zip(plane, outputs, strict=True)
    ]


def _rank(call: Call) -> int:
    """Return how many axes a plane has: the number in the operation's name."""
    return int(next(letter for letter in call.name if letter.isdigit()))


def _planes(shadow: Shadow, rank: int) -> Shadow:
    return shadow.reshape(-1, math.prod(shadow.shape[-rank:]))


def _average(call: Call) -> Shadow:
    x, shape = call.shadow("self"), call.results[0].shape
    rank = _rank(call)
    found = windows(call, x.shape[-rank:], shape[-rank:])
    entries = [
        sum(plane[places], start=exact(0)[()]) / divisor
        for plane in _planes(x, rank)
        for places, divisor in found
    ]
    return of_entries(entries, shape)


def _average_backward(call: Call) -> Shadow:
    gradient, shape = call.shadow("grad_output"), call.results[0].shape
    rank = _rank(call)
    found = windows(call, shape[-rank:], gradient.shape[-rank:])
    places = [place for reads, _ in found for place in reads]
    blank = exact(np.zeros(math.prod(shape[-rank:])))
    planes = []
    for plane in _planes(gradient, rank):
        shares = [g / divisor for g, (reads, divisor) in zip(plane, found, strict=True) for _ in reads]
        planes.append(added(blank, places, shares, True))
    return np.stack(planes).reshape(shape) if planes else exact(np.zeros(shape))


def _largest(call: Call) -> tuple[Shadow, None]:
    """Return the entries that the indices name, which came out as well."""
    rank = _rank(call)
    planes = _planes(call.shadow("self"), rank)
    chosen = np.take_along_axis(planes, call.results[1].reshape(len(planes), -1), -1)
    return chosen.reshape(call.results[0].shape), None


def _largest_backward(call: Call) -> Shadow:
    gradient, shape = call.shadow("grad_output"), call.results[0].shape
    rank = _rank(call)
    blank = exact(np.zeros(shape)).reshape(-1, math.prod(shape[-rank:]))
    indices = call.numbers("indices").reshape(len(blank), -1)
    rows = zip(blank, indices, _planes(gradient, rank), strict=True)
    planes = [added(plane, places, terms, True) for plane, places, terms in rows]
    return np.stack(planes).reshape(shape) if planes else exact(np.zeros(shape))


def tied_windows(name: str, arguments: dict[str, Any], outputs: tuple[int, ...]) -> bool:
    """Whether in any window the largest number is there twice."""
    call = Call(name, arguments, [], exact)
    rank = _rank(call)
    x: Numbers = call.numbers("self")
    planes = x.reshape(-1, math.prod(x.shape[-rank:]))
    for places, _ in windows(call, x.shape[-rank:], outputs[-rank:]):
        read = planes[:, places]
        if places and bool(((read == read.max(axis=1, keepdims=True)).sum(axis=1) > 1).any()):
            return True
    return False


_AVERAGES = ("avg_pool2d", "avg_pool3d", "_adaptive_avg_pool2d", "_adaptive_avg_pool3d")
LARGEST = ("max_pool2d_with_indices", "max_pool3d_with_indices", "adaptive_max_pool2d", "adaptive_max_pool3d")

POOLING: dict[str, Rule] = {
    **dict.fromkeys(_AVERAGES, _average),
    **dict.fromkeys((f"{name}_backward" for name in _AVERAGES), _average_backward),
    **dict.fromkeys(LARGEST, _largest),
    **dict.fromkeys((f"{name}_backward" for name in LARGEST), _largest_backward),
}
"""Rules by the names of PyTorch's operations; those of one axis are run with two."""
