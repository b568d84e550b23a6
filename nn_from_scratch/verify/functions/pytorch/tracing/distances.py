"""Distances of all pairs of points, and what they give back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.pytorch.tracing.operands import Call, Operand, Rule
from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow, exact, select


def _between(x: Any, y: Any) -> Any:
    """Return the differences of all pairs of points of two arrays."""
    return np.subtract(x[..., :, None, :], y[..., None, :, :])


def _pairs(size: int) -> tuple[Numbers, Numbers]:
    """Return the first and the second of all pairs of different points, as `pdist` orders them."""
    return np.triu_indices(size, 1)


def _own(x: Any) -> Any:
    """Return the differences of all pairs of points of one array."""
    first, second = _pairs(x.shape[0])
    return np.subtract(x[first], x[second])


def _differences(call: Call) -> tuple[Shadow, Numbers]:
    """Return shadows and numbers of the differences that distances are of."""
    if "x1" in call.arguments:
        numbers = _between(call.numbers("x1"), call.numbers("x2"))
        return _between(call.shadow("x1"), call.shadow("x2")), numbers
    return _own(call.shadow("self")), _own(call.numbers("self"))


def _distances(call: Call) -> Shadow:
    shadows, numbers = _differences(call)
    order = float(call["p"])
    sizes = select(numbers < 0, apply("negative", shadows), shadows)
    if order == 0:
        return exact(call.results[0])
    if math.isinf(order):
        places = np.argmax(np.abs(numbers), axis=-1)[..., None]
        return np.take_along_axis(sizes, places, -1)[..., 0]
    if order == 1:
        return apply("sum", sizes, axis=-1)
    if order == 2:
        return apply("sqrt", apply("sum", apply("square", shadows), axis=-1))
    exponent = call.shadow_of(order)
    summed = apply("sum", apply("power", sizes, exponent), axis=-1)
    return apply("power", summed, apply("reciprocal", exponent))


def _backward(call: Call) -> Shadow:
    """Return the cotangents times the slopes of the distances, at what the first points and all are added to.

    PyTorch gives none where a distance is 0.
    """
    shadows, numbers = _differences(call)
    gradient = call.shadow("grad")[..., None]
    distance = call.shadow("cdist" if "x1" in call.arguments else "pdist")[..., None]
    terms = _slopes(call, shadows, numbers, distance)
    terms = apply("multiply", np.broadcast_to(gradient, terms.shape), terms)
    if "x1" in call.arguments:
        return apply("sum", terms, axis=-2)
    result = exact(np.zeros(call.results[0].shape))
    for first, second, term in zip(*_pairs(len(result)), terms, strict=True):
        result[first] = result[first] + term
        result[second] = result[second] - term
    return result


def _slopes(call: Call, shadows: Shadow, numbers: Numbers, distance: Shadow) -> Shadow:
    order = float(call["p"])
    zeros = exact(np.zeros(shadows.shape))
    signs = exact(np.sign(numbers))
    if order == 0:
        return zeros
    if order == 1:
        return signs
    if math.isinf(order):
        return select(np.abs(numbers) == np.abs(numbers).max(axis=-1, keepdims=True), signs, zeros)
    distance = np.broadcast_to(distance, shadows.shape)
    if order == 2:
        found = apply("divide", shadows, distance)
    else:
        sizes = select(numbers < 0, apply("negative", shadows), shadows)
        ratio = apply("power", apply("divide", sizes, distance), call.shadow_of(order - 1))
        found = apply("multiply", signs, ratio)
    return select(numbers == 0, zeros, found)


def tied_distances(arguments: dict[str, Any]) -> bool:
    """Whether a distance has a kink: where two points meet or, but in Euclid's, in one coordinate."""
    x, y = (arguments.get(key) for key in ("x1", "x2"))
    if isinstance(x, Operand) and isinstance(y, Operand):
        gaps = np.abs(_between(x.numbers, y.numbers))
    else:
        gaps = np.abs(_own(arguments["self"].numbers))
    if arguments["p"] == 2:
        return bool((gaps == 0).all(axis=-1).any())
    if math.isinf(arguments["p"]):
        largest = gaps == gaps.max(axis=-1, keepdims=True)
        return bool((largest.sum(axis=-1) > 1).any())
    return bool((gaps == 0).any())


FORWARD = ("_cdist_forward", "_pdist_forward")
DISTANCES: dict[str, Rule] = {
    **dict.fromkeys(FORWARD, _distances),
    **dict.fromkeys(("_cdist_backward", "_pdist_backward"), _backward),
}
"""Rules by the names of PyTorch's operations."""
