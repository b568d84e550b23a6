"""Faults that need arrays: broadcasting, axes, shapes, indices, permutations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from nn_from_scratch.verify.faults.array_rules import matmul, scatter, softmax, split, spread
from nn_from_scratch.verify.faults.planting import Fault, pull, reduced, value
from nn_from_scratch.verify.faults.victim import summed
from nn_from_scratch.verify.questions.operations import as_index

Shape = tuple[int, ...]


def _averaged(cotangent: Any, shape: Shape) -> Any:
    share = max(1, np.size(cotangent)) / max(1, int(np.prod(shape)))
    return summed("", cotangent, shape) / share


def _first(cotangent: Any, shape: Shape) -> Any:
    """Take one entry where all belong together."""
    if not np.size(cotangent):
        return summed("", cotangent, shape)
    for _ in range(np.ndim(cotangent) - len(shape)):
        cotangent = cotangent[0]
    return cotangent[tuple(slice(0, n) for n in shape)]


def _everything(cotangent: Any, shape: Shape) -> Any:
    return np.full(shape, np.sum(cotangent))


def _as_it_comes(cotangent: Any, shape: Shape) -> Any:
    return cotangent if np.size(cotangent) else summed("", cotangent, shape)


def _leading(cotangent: Any, shape: Shape) -> Any:
    """Sum the axes in front, but not those of length 1."""
    return np.sum(cotangent, axis=tuple(range(np.ndim(cotangent) - len(shape))))


def _largest(cotangent: Any, shape: Shape) -> Any:
    cotangent = np.max(cotangent, axis=tuple(range(np.ndim(cotangent) - len(shape))))
    stretched = tuple(a for a, n in enumerate(shape) if n == 1)
    return np.max(cotangent, axis=stretched, keepdims=True)


def _without_keepdims(g: Any, z: Any, x: Any, axis: Any, keepdims: bool) -> tuple[Any]:
    """Broadcast against the last axes: silent on square inputs only."""
    return (np.broadcast_to(g, np.shape(x)),)


def _by_axis(count: Any) -> Any:
    """Return a mean's rule that divides by another count."""
    return lambda g, z, x, axis, keepdims: (spread(g, x, axis, keepdims) / count(z, x, axis),)


def _one_place(g: Any, z: Any, x: Any, axis: Any, keepdims: bool) -> tuple[Any]:
    """Give everything to the largest entry of the whole array."""
    result = np.zeros(np.shape(x))
    result[np.unravel_index(np.argmax(x), np.shape(x))] = np.sum(g)
    return (result,)


def _everywhere(g: Any, z: Any, x: Any, axis: Any, keepdims: bool) -> tuple[Any]:
    return (spread(g, x, axis, keepdims),)


def _matmul(left: Any, right: Any) -> Any:
    """Return a rule that is wrong for matrices; vectors and stacks have the right one."""

    def wrong(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
        if x.ndim != 2 or y.ndim != 2:
            return matmul(g, z, x, y)
        return left(g, x, y), right(g, x, y)

    return wrong


def _vector(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Forget a scalar cotangent where both operands are vectors."""
    return (y, x) if x.ndim == y.ndim == 1 else matmul(g, z, x, y)


def _one_batch(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    gx, gy = matmul(g, z, x, y)
    return (gx[-1:] if gx.ndim > x.ndim else gx), (gy[-1:] if gy.ndim > y.ndim else gy)


def _overwritten(g: Any, z: Any, x: Any, index: Any) -> tuple[Any]:
    result = np.zeros(np.shape(x))
    result[as_index(index)] = g
    return (result,)


def _forwards(g: Any, z: Any, x: Any, index: Any) -> tuple[Any]:
    """Take slices from the end as if they went forwards."""
    items = tuple(
        ("slice", None, None, None)
        if isinstance(item, tuple) and item[-1] == -1 and item[0] == "slice"
        else item
        for item in index
    )
    return (scatter(g, x, items),)


def _averaged_repeats(g: Any, z: Any, x: Any, index: Any) -> tuple[Any]:
    times = scatter(np.ones(np.shape(g)), x, index)
    return (scatter(g, x, index) / np.maximum(times, 1),)


def _equal_parts(g: Any, z: Any, *xs: Any, axis: int) -> tuple[Any, ...]:
    parts = np.array_split(g, len(xs), axis)
    return tuple(np.resize(part, x.shape) for part, x in zip(parts, xs, strict=True))


def _detached(g: Any, z: Any, x: Any, **_: Any) -> tuple[Any]:
    return (np.zeros(np.shape(x)),)


def _reversed_split(g: Any, z: Any, *xs: Any, axis: int) -> tuple[Any, ...]:
    return split(g, xs[::-1], axis)[::-1]


def _mean_without(g: Any, z: Any, x: Any, axis: Any) -> tuple[Any]:
    """Return log_softmax's rule with the cotangents' mean for their sum."""
    return (g - np.exp(z) * np.mean(g, axis=axis, keepdims=True),)


ARRAYS: tuple[Fault, ...] = (
    reduced("add", "a broadcast operand's gradient averaged", _averaged),
    reduced("mul", "a broadcast operand's gradient averaged", _averaged),
    reduced("sub", "a broadcast operand's gradient from one entry", _first),
    reduced("div", "a broadcast operand's gradient summed over everything", _everything),
    reduced("add", "axes of length 1 not summed", _leading),
    reduced("mul", "the largest of a broadcast operand's gradients", _largest),
    reduced("pow", "a broadcast operand's gradient averaged", _averaged),
    reduced("maximum", "a broadcast operand's gradient from one entry", _first),
    reduced("where", "a broadcast operand's gradient averaged", _averaged),
    reduced("hypot", "no sum over broadcast axes", _as_it_comes),
    reduced("matmul", "a shared matrix's gradient averaged over the stack", _averaged),
    reduced("matmul", "a shared matrix's gradient from one of the stack", _first),
    reduced("broadcast_to", "an average for a sum", _averaged),
    reduced("broadcast_to", "one entry for a sum", _first),
    reduced("broadcast_to", "no sum", _as_it_comes),
    pull("sum", "an axis without keepdims", _without_keepdims),
    pull("sum", "a mean's division", _by_axis(lambda z, x, axis: np.size(x) / np.size(z))),
    pull("mean", "no division", _by_axis(lambda z, x, axis: 1)),
    pull("mean", "a division by the array's size", _by_axis(lambda z, x, axis: np.size(x))),
    pull("mean", "a division by the first axis", _by_axis(lambda z, x, axis: (*np.shape(x), 1)[0])),
    pull("mean", "a division by the result's size", _by_axis(lambda z, x, axis: np.size(z))),
    pull(
        "mean",
        "an axis without keepdims",
        lambda g, z, x, axis, keepdims: (np.broadcast_to(g, np.shape(x)) * (np.size(z) / np.size(x)),),
    ),
    # its rule follows the value, so that the two agree
    replace(
        value(
            "mean",
            "axis 0 taken for no axis",
            lambda x, axis, keepdims: np.mean(x, axis=axis or None, keepdims=keepdims),
            "arrays",
        ),
        rule="",
    ),
    pull("prod", "the product itself", lambda g, z, x, axis, keepdims: (spread(g * z, x, axis, keepdims),)),
    pull("prod", "z x for z / x", lambda g, z, x, axis, keepdims: (spread(g * z, x, axis, keepdims) * x,)),
    pull("max", "everything for each entry", _everywhere),
    pull("max", "everything for one entry of the whole array", _one_place),
    pull("max", "an average", _by_axis(lambda z, x, axis: np.size(x) / np.size(z))),
    pull("min", "the largest entry", _one_place),
    pull(
        "min",
        "an axis without keepdims",
        lambda g, z, x, axis, keepdims: (
            np.broadcast_to(g, np.shape(x)) * (x == np.broadcast_to(z, np.shape(x))),
        ),
    ),
    pull(
        "logsumexp",
        "no normalization",
        lambda g, z, x, axis, keepdims: (spread(g, x, axis, keepdims) * np.exp(x),),
    ),
    pull(
        "logsumexp",
        "shares of the whole array",
        lambda g, z, x, axis, keepdims: (spread(g, x, axis, keepdims) * np.exp(x) / np.sum(np.exp(x)),),
    ),
    pull("logsumexp", "equal shares", _by_axis(lambda z, x, axis: np.size(x) / np.size(z))),
    pull("softmax", "the Jacobian's diagonal only", lambda g, z, x, axis: (g * z * (1 - z),)),
    pull(
        "softmax",
        "the last axis always",
        lambda g, z, x, axis: (z * (g - np.sum(g * z, axis=-1, keepdims=True)),),
    ),
    pull("softmax", "nothing subtracted", lambda g, z, x, axis: (g * z,)),
    pull("softmax", "the sum over the whole array", lambda g, z, x, axis: (z * (g - np.sum(g * z)),)),
    pull(
        "softmax",
        "the operand for the value",
        lambda g, z, x, axis: (x * (g - np.sum(g * x, axis=axis, keepdims=True)),),
    ),
    pull("log_softmax", "the cotangents not summed", lambda g, z, x, axis: (g * (1 - np.exp(z)),)),
    pull(
        "log_softmax",
        "softmax's rule",
        lambda g, z, x, axis: (
            softmax(x, axis) * (g - np.sum(g * softmax(x, axis), axis=axis, keepdims=True)),
        ),
    ),
    pull("log_softmax", "a mean for a sum", _mean_without),
    pull(
        "matmul",
        "the left matrix not transposed",
        _matmul(
            lambda g, x, y: np.resize(g @ y if g.shape[1] == y.shape[0] else g @ y.T, x.shape),
            lambda g, x, y: x.T @ g,
        ),
    ),
    pull(
        "matmul",
        "the right gradient transposed",
        _matmul(lambda g, x, y: g @ y.T, lambda g, x, y: np.reshape(g.T @ x, y.shape)),
    ),
    pull(
        "matmul",
        "the right gradient's operand not transposed",
        _matmul(
            lambda g, x, y: g @ y.T,
            lambda g, x, y: np.resize(x @ g if x.shape[1] == g.shape[0] else x.T @ g, y.shape),
        ),
    ),
    pull(
        "matmul",
        "gradients exchanged",
        _matmul(lambda g, x, y: np.resize(x.T @ g, x.shape), lambda g, x, y: np.resize(g @ y.T, y.shape)),
    ),
    pull("matmul", "two vectors' cotangent dropped", _vector),
    pull("matmul", "the last of a stack only", _one_batch),
    pull("reshape", "columns before rows", lambda g, z, x, shape: (np.reshape(g, np.shape(x), order="F"),)),
    pull("reshape", "detached", _detached),
    pull(
        "transpose",
        "the permutation for its inverse",
        lambda g, z, x, axes: (np.reshape(np.transpose(g, axes), np.shape(x)),),
    ),
    pull("transpose", "all axes reversed", lambda g, z, x, axes: (np.reshape(np.transpose(g), np.shape(x)),)),
    pull("transpose", "detached", _detached),
    pull("transpose", "no permutation", lambda g, z, x, axes: (np.reshape(g, np.shape(x)),)),
    pull("squeeze", "detached", _detached),
    pull(
        "expand_dims",
        "the cotangent turned round",
        lambda g, z, x, axis: (np.reshape(np.ravel(g)[::-1], np.shape(x)),),
    ),
    pull("index", "a repeated entry overwritten", _overwritten),
    pull("index", "a repeated entry averaged", _averaged_repeats),
    pull("index", "slices from the end taken forwards", _forwards),
    pull("index", "detached", _detached),
    pull("concatenate", "cut into equal parts", _equal_parts),
    pull("concatenate", "cut in reverse order", _reversed_split),
    pull(
        "concatenate",
        "only its first operand",
        lambda g, z, *xs, axis: (split(g, xs, axis)[0], *(np.zeros(x.shape) for x in xs[1:])),
    ),
    pull(
        "concatenate",
        "its operands' gradients exchanged",
        lambda g, z, *xs, axis: tuple(np.resize(g, x.shape) for x in xs),
    ),
    pull(
        "stack", "its operands in reverse order", lambda g, z, *xs, axis: tuple(np.moveaxis(g, axis, 0)[::-1])
    ),
    pull(
        "stack",
        "axis 0 always",
        lambda g, z, *xs, axis: tuple(
            np.resize(part, x.shape) for part, x in zip(np.array_split(g, len(xs)), xs, strict=True)
        ),
    ),
    pull(
        "stack",
        "its first operand's for all",
        lambda g, z, *xs, axis: (np.moveaxis(g, axis, 0)[0],) * len(xs),
    ),
)
