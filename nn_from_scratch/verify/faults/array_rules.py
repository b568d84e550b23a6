"""The victim's rules for operations on whole arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nn_from_scratch.verify.questions.operations import as_index

Pull = Callable[..., tuple[Any, ...]]
"""How an operation pulls a cotangent back: from it, the value, the operands and numpy's keywords to what
each operand gets."""


def spread(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """Return a reduction's result, or its cotangent, in the shape of what was reduced."""
    if not keepdims and axis is not None:
        g = np.expand_dims(g, axis)
    return np.broadcast_to(g, np.shape(x))


def others(x: Any, axis: Any) -> Any:
    """Return for each entry the product of all others along the axes, without a division."""
    axes = range(np.ndim(x)) if axis is None else np.atleast_1d(axis) % np.ndim(x)
    rows = np.moveaxis(x, list(axes), range(len(axes)))
    flat = rows.reshape(int(np.prod(rows.shape[: len(axes)])), *rows.shape[len(axes) :])
    products = [np.prod(np.delete(flat, k, 0), 0) for k in range(len(flat))]
    return np.moveaxis(np.reshape(products, rows.shape), range(len(axes)), list(axes))


def shared(x: Any, z: Any, axis: Any, keepdims: bool) -> Any:
    """Return 1 at an extremum's place, shared among ties, and 0 elsewhere."""
    here = x == spread(z, x, axis, keepdims)
    return here / np.sum(here, axis=axis, keepdims=True)


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return log(sum(exp(x))), without overflow."""
    most = np.max(x, axis=axis, keepdims=True)
    result = most + np.log(np.sum(np.exp(x - most), axis=axis, keepdims=True))
    return result if keepdims else np.squeeze(result, axis)


def softmax(x: Any, axis: Any) -> Any:
    """Return exp(x) as shares of its sum."""
    return np.exp(x - logsumexp(x, axis, keepdims=True))


def matmul(g: Any, _z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Pull back through a product of matrices, stacks of them, or vectors."""
    rows, columns = (x[None, :] if x.ndim == 1 else x), (y[:, None] if y.ndim == 1 else y)
    g = np.expand_dims(g, -1) if y.ndim == 1 else g
    g = np.expand_dims(g, -2) if x.ndim == 1 else g
    gy = np.swapaxes(rows, -1, -2) @ g
    return g @ np.swapaxes(columns, -1, -2), gy[..., 0] if y.ndim == 1 else gy


def scatter(g: Any, x: Any, index: Any) -> Any:
    """Add the cotangent of ``x[index]`` to the entries that were taken, as often as they were."""
    result = np.zeros(np.shape(x))
    np.add.at(result, as_index(index), g)
    return result


def split(g: Any, xs: tuple[Any, ...], axis: int) -> tuple[Any, ...]:
    """Cut the cotangent of a concatenation where its operands meet."""
    return tuple(np.split(g, np.cumsum([x.shape[axis] for x in xs])[:-1], axis))


def _mean(g: Any, z: Any, x: Any, axis: Any, keepdims: bool) -> tuple[Any]:
    return (spread(g, x, axis, keepdims) * (np.size(z) / np.size(x)),)


def _extremum(g: Any, z: Any, x: Any, axis: Any, keepdims: bool) -> tuple[Any]:
    return (spread(g, x, axis, keepdims) * shared(x, z, axis, keepdims),)


def _transposed_back(g: Any, _z: Any, _x: Any, axes: Any) -> tuple[Any]:
    return (np.transpose(g, None if axes is None else np.argsort(np.mod(axes, np.ndim(g)))),)


def _reshaped(g: Any, _z: Any, x: Any, **_: Any) -> tuple[Any]:
    return (np.reshape(g, np.shape(x)),)


PULLS: Mapping[str, tuple[Callable[..., Any], Pull]] = {
    "sum": (np.sum, lambda g, z, x, axis, keepdims: (spread(g, x, axis, keepdims),)),
    "mean": (np.mean, _mean),
    "prod": (np.prod, lambda g, z, x, axis, keepdims: (spread(g, x, axis, keepdims) * others(x, axis),)),
    "max": (np.max, _extremum),
    "min": (np.min, _extremum),
    "logsumexp": (
        logsumexp,
        lambda g, z, x, axis, keepdims: (
            spread(g, x, axis, keepdims) * np.exp(x - spread(z, x, axis, keepdims)),
        ),
    ),
    "softmax": (softmax, lambda g, z, x, axis: (z * (g - np.sum(g * z, axis=axis, keepdims=True)),)),
    "log_softmax": (
        lambda x, axis: x - logsumexp(x, axis, keepdims=True),
        lambda g, z, x, axis: (g - np.exp(z) * np.sum(g, axis=axis, keepdims=True),),
    ),
    "matmul": (np.matmul, matmul),
    "reshape": (lambda x, shape: x.reshape(shape), _reshaped),
    "transpose": (np.transpose, _transposed_back),
    "broadcast_to": (np.broadcast_to, lambda g, z, x, shape: (g,)),
    "squeeze": (np.squeeze, _reshaped),
    "expand_dims": (np.expand_dims, _reshaped),
    "index": (
        lambda x, index: x[as_index(index)],
        lambda g, z, x, index: (scatter(g, x, index),),
    ),
    "concatenate": (
        lambda *xs, axis: np.concatenate(xs, axis),
        lambda g, z, *xs, axis: split(g, xs, axis),
    ),
    "stack": (lambda *xs, axis: np.stack(xs, axis), lambda g, z, *xs, axis: tuple(np.moveaxis(g, axis, 0))),
}
