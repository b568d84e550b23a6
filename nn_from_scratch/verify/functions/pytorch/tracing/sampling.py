"""What planes that are sampled at the places of a grid give back: to the planes, and to the grid."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.pytorch.tracing.operands import Call, NotTracedError, Rule
from nn_from_scratch.verify.functions.tracing.shadows import Shadow, exact

_BILINEAR, _BORDER, _ZEROS = 0, 1, 0


def _backward(call: Call) -> tuple[Shadow | None, Shadow]:
    """Return the cotangents of planes and grid; each sample is a sum of four neighbours with weights."""
    if call["interpolation_mode"] != _BILINEAR or call["padding_mode"] not in {_ZEROS, _BORDER}:
        raise NotTracedError("samples that are not bilinear, or of planes that are reflected")
    planes, gradient = call.shadow("input"), call.shadow("grad_output")
    to_planes, to_grid = exact(np.zeros(planes.shape)), exact(np.zeros(call.arguments["grid"].shape))
    for n, row, column in np.ndindex(*to_grid.shape[:3]):
        (x, left, by_x), (y, top, by_y) = (_place(call, n, row, column, axis) for axis in (0, 1))
        parts = gradient[n, :, row, column]
        for (i, weight_y, slope_y), (j, weight_x, slope_x) in _corners((y, top), (x, left), planes.shape[2:]):
            to_planes[n, :, i, j] = to_planes[n, :, i, j] + parts * (weight_y * weight_x)
            product = np.sum(parts * planes[n, :, i, j])
            to_grid[n, row, column, 0] = to_grid[n, row, column, 0] + product * (weight_y * slope_x * by_x)
            to_grid[n, row, column, 1] = to_grid[n, row, column, 1] + product * (weight_x * slope_y * by_y)
    return (to_planes if call["output_mask"][0] else None), to_grid


def _place(call: Call, *entry: int) -> tuple[Any, int, arb]:
    """Return where along an axis a sample lies, the neighbour before it, and how that follows the grid."""
    axis = entry[-1]
    size = call.arguments["input"].shape[3 - axis]
    steps = size - 1 if call["align_corners"] else size
    offset = size - 1
    by = arb(steps) / 2
    place = call.shadow("grid")[entry] * by + arb(offset) / 2
    number = float(call.numbers("grid")[entry]) * steps / 2 + offset / 2
    if call["padding_mode"] == _BORDER and not 0 < number < offset:
        edge = 0 if number <= 0 else offset
        return arb(edge), edge, arb(0)
    return place, math.floor(number), by


def _corners(
    y: tuple[Any, int], x: tuple[Any, int], sizes: tuple[int, ...]
) -> Iterator[tuple[tuple[int, Any, int], tuple[int, Any, int]]]:
    """Yield the neighbours that lie within: along each axis the place, the weight and its slope."""
    rows, columns = ([(low, low + 1 - at, -1), (low + 1, at - low, 1)] for at, low in (y, x))
    for row in rows:
        for column in columns:
            if 0 <= row[0] < sizes[0] and 0 <= column[0] < sizes[1]:
                yield row, column


def size_of_samples(_: str, call: Call, __: int, ___: Shadow) -> Any:
    """Return by what a rounding of these sums is multiplied: places are rounded as well."""
    planes, gradient = call.numbers("input"), call.numbers("grad_output")
    largest = float(np.abs(gradient).max(initial=0.0)) * max(1.0, float(np.abs(planes).max(initial=0.0)))
    return largest * sum(planes.shape[1:]) ** 2 * math.prod(gradient.shape[2:])


SAMPLING: dict[str, Rule] = {"grid_sampler_2d_backward": _backward}
"""Rules by the names of PyTorch's operations."""
