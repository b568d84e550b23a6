"""Enlarged and shrunk planes, padding by edges, and what they give back.

Along each axis every output is a sum of inputs with weights, which are fractions of the sizes. What is given
back is the sum with the weights turned.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache

import numpy as np
import torch
from flint import arb, fmpq

from nn_from_scratch.verify.functions.pytorch.tracing.operands import Call, NotTracedError, Rule
from nn_from_scratch.verify.functions.pytorch.tracing.scattering import added
from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow, as_shadow, exact

Weights = Callable[[int, int, Fraction, bool], list[dict[int, Fraction]]]
"""Takes the sizes of an axis before and after, the step, and whether corners are aligned; gives for each
output the weights of inputs by their places."""


def _linear(before: int, after: int, step: Fraction, aligned: bool) -> list[dict[int, Fraction]]:
    found = []
    for k in range(after):
        place = k * step if aligned else max(Fraction(0), (k + Fraction(1, 2)) * step - Fraction(1, 2))
        low = min(int(place), before - 1)
        part = min(max(place - low, Fraction(0)), Fraction(1))
        weights = {low: 1 - part}
        high = min(low + 1, before - 1)
        weights[high] = weights.get(high, Fraction(0)) + part
        found.append(weights)
    return found


def _cubic(before: int, after: int, step: Fraction, aligned: bool) -> list[dict[int, Fraction]]:
    """Return the weights of Keys' cubic with a = -3/4; beyond an edge its number is repeated."""
    a = Fraction(-3, 4)

    def near(x: Fraction) -> Fraction:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: Fraction) -> Fraction:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    found = []
    for k in range(after):
        place = k * step if aligned else (k + Fraction(1, 2)) * step - Fraction(1, 2)
        low = math.floor(place)
        t = place - low
        weights: dict[int, Fraction] = {}
        for offset, weight in zip(range(-1, 3), (far(t + 1), near(t), near(1 - t), far(2 - t)), strict=True):
            at = min(max(low + offset, 0), before - 1)
            weights[at] = weights.get(at, Fraction(0)) + weight
        found.append(weights)
    return found


@cache
def _matrix(weights: Weights, before: int, after: int, step: Fraction, aligned: bool) -> Shadow:
    matrix = exact(np.zeros((after, before)))
    for k, row in enumerate(weights(before, after, step, aligned)):
        for place, weight in row.items():
            matrix[k, place] = arb(fmpq(weight.numerator, weight.denominator))
    return matrix


def _step(before: int, after: int, scale: float | None, aligned: bool) -> Fraction:
    """Return by how much an input's place moves from one output to the next."""
    if aligned:
        return Fraction(before - 1, after - 1) if after > 1 else Fraction(0)
    if scale is not None and scale > 0:
        return 1 / Fraction(scale)
    return Fraction(before, after)


def _scales(rank: int) -> tuple[str, ...]:
    """Return the names of the factors by which axes are resized."""
    return ("scales",) if rank == 1 else ("scales_d", "scales_h", "scales_w")[-rank:]


def _matrices(call: Call, weights: Weights, before: tuple[int, ...], after: tuple[int, ...]) -> list[Shadow]:
    aligned = bool(call["align_corners"])
    rows = zip(before, after, (call[name] for name in _scales(len(before))), strict=True)
    return [_matrix(weights, n, m, _step(n, m, scale, aligned), aligned) for n, m, scale in rows]


def _along_axes(x: Shadow, matrices: list[Shadow]) -> Shadow:
    """Multiply the last axes by matrices, one each."""
    for axis, matrix in enumerate(matrices, -len(matrices)):
        moved = np.moveaxis(x, axis, -1)
        x = np.moveaxis(apply("matmul", moved, np.swapaxes(matrix, 0, 1)), -1, axis)
    return as_shadow(x)


def _resized(weights: Weights) -> Rule:
    def rule(call: Call) -> Shadow:
        x = call.shadow("self")
        return _along_axes(x, _matrices(call, weights, x.shape[2:], call.results[0].shape[2:]))

    return rule


def _resized_backward(weights: Weights) -> Rule:
    def rule(call: Call) -> Shadow:
        gradient = call.shadow("grad_output")
        matrices = _matrices(call, weights, tuple(call["input_size"])[2:], gradient.shape[2:])
        return _along_axes(gradient, [np.swapaxes(matrix, 0, 1) for matrix in matrices])

    return rule


def _places(call: Call, before: tuple[int, ...], after: tuple[int, ...]) -> Numbers:
    """Return which input each output of a plane is, as the operation takes them: it rounds its step."""
    positions = torch.arange(math.prod(before), dtype=torch.float64).reshape(1, 1, *before)
    operation = getattr(torch.ops.aten, call.name.removesuffix("_backward")).default
    scales = [call[name] for name in _scales(len(before))]
    return np.asarray(operation(positions, list(after), *scales).numpy().astype(int).ravel())


def _nearest(call: Call) -> Shadow:
    x, shape = call.shadow("self"), call.results[0].shape
    places = _places(call, x.shape[2:], shape[2:])
    return x.reshape(*shape[:2], -1)[..., places].reshape(shape)


def _nearest_backward(call: Call) -> Shadow:
    gradient, shape = call.shadow("grad_output"), call.results[0].shape
    places = _places(call, shape[2:], gradient.shape[2:])
    blank = exact(np.zeros(math.prod(shape[2:])))
    planes = gradient.reshape(math.prod(shape[:2]), -1)
    return np.stack([added(blank, places, plane, True) for plane in planes]).reshape(shape)


def _padded_backward(call: Call) -> Shadow:
    """Add to each edge the cotangents of what repeats it."""
    gradient, shape = call.shadow("grad_output"), call.results[0].shape
    padding = list(call["padding"])
    if min(padding) < 0:
        raise NotTracedError("padding that cuts off")
    matrices = []
    for axis in range(len(padding) // 2):
        size = shape[-1 - axis]
        places = np.clip(np.arange(gradient.shape[-1 - axis]) - padding[2 * axis], 0, size - 1)
        matrices.append(exact(np.equal.outer(np.arange(size), places).astype(float)))
    return _along_axes(gradient, matrices[::-1])


_LINEAR = ("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d")
_METHODS: dict[str, Weights] = {**dict.fromkeys(_LINEAR, _linear), "upsample_bicubic2d": _cubic}
_NEAREST = [f"{name}{k}d" for name in ("upsample_nearest", "_upsample_nearest_exact") for k in (1, 2, 3)]
RESIZING: dict[str, Rule] = {
    **{name: _resized(weights) for name, weights in _METHODS.items()},
    **{f"{name}_backward": _resized_backward(weights) for name, weights in _METHODS.items()},
    **dict.fromkeys(_NEAREST, _nearest),
    **dict.fromkeys((f"{name}_backward" for name in _NEAREST), _nearest_backward),
    **dict.fromkeys((f"replication_pad{k}d_backward" for k in (1, 2, 3)), _padded_backward),
}
"""Rules by the names of PyTorch's operations."""
