"""Operations that add numbers up where an index says: scatter, index_put, and convolutions."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.pytorch.tracing.operands import Call, NotTracedError, Rule
from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow, exact, of_entries, values


def added(target: Shadow, places: Iterable[Any], terms: Iterable[Any], add: bool) -> Shadow:
    """Return the target with terms added, or written, at row-major places."""
    flat = list(target.ravel())
    for place, term in zip(places, terms, strict=True):
        flat[place] = flat[place] + term if add else term
    return of_entries(flat, target.shape)


def _index_put(call: Call) -> Shadow:
    target = call.shadow("self")
    index = tuple(slice(None) if x is None else x.numbers for x in call["indices"])
    places = np.arange(target.size).reshape(target.shape)[_adjacent(index, target.ndim)]
    terms = np.broadcast_to(call.shadow("values"), places.shape)
    return added(target, places.ravel(), terms.ravel(), bool(call["accumulate"]))


def _adjacent(index: tuple[Any, ...], rank: int) -> tuple[Any, ...]:
    """Return an index for numpy; it and PyTorch place the result alike."""
    return (*index, *[slice(None)] * (rank - sum(_consumes(x) for x in index)))


def _consumes(index: Any) -> int:
    return index.ndim if isinstance(index, np.ndarray) and index.dtype == bool else 1


def _along(call: Call, index: Numbers, target: Shadow) -> Numbers:
    """Return the row-major places that an index along one axis names."""
    places = np.indices(index.shape)
    axis = call["dim"] % max(target.ndim, 1)
    coordinates = [index if k == axis else places[k] for k in range(target.ndim)]
    return np.ravel_multi_index(coordinates, target.shape)


def _scatter_add(call: Call) -> Shadow:
    target, index, source = call.shadow("self"), call.numbers("index"), call.shadow("src")
    if not target.ndim:
        return apply("add", target, source)
    source = source[tuple(slice(0, n) for n in index.shape)]
    return added(target, _along(call, index, target).ravel(), source.ravel(), True)


def _index_add(call: Call) -> Shadow:
    axis = call["dim"]
    source = apply("multiply", call.shadow("source"), call.shadow("alpha"))
    target = np.moveaxis(call.shadow("self").copy(), axis, 0)
    for place, rows in zip(call.numbers("index").ravel(), np.moveaxis(source, axis, 0), strict=True):
        target[place] = target[place] + rows
    return np.moveaxis(target, 0, axis)


def _embedding(call: Call) -> Shadow:
    """Return rows of a table; PyTorch takes those of ``padding_idx`` for constants."""
    rows, indices = call.shadow("weight"), call.numbers("indices")
    found: Shadow = rows[indices]
    padded = indices == call["padding_idx"]
    found[padded] = values(found[padded])
    return found


def _embedding_backward(call: Call) -> Shadow:
    if call["scale_grad_by_freq"]:
        raise NotTracedError("the backward of an embedding with scale_grad_by_freq")
    gradient = call.shadow("grad_output")
    rows = gradient.reshape(-1, gradient.shape[-1])
    result = exact(np.zeros(call.results[0].shape))
    for place, row in zip(call.numbers("indices").ravel(), rows, strict=True):
        if place != call["padding_idx"]:
            result[place] = result[place] + row
    return result


class Windows:
    """Where a convolution reads: for each output and tap the place of its input, or 0 for padding.

    Places are row-major, from 1 on.
    """

    def __init__(self, call: Call, data: tuple[int, ...], kernel: tuple[int, ...]) -> None:
        rank = len(kernel) - 2
        stride, padding, dilation = (repeated(call[name], rank) for name in ("stride", "padding", "dilation"))
        self.groups = int(call["groups"])
        self.data, self.kernel = data, kernel
        inputs = np.arange(1, int(np.prod(data)) + 1).reshape(data)
        inputs = np.pad(inputs, [(0, 0), (0, 0), *((p, p) for p in padding)])
        reach = zip(inputs.shape[2:], kernel[2:], stride, dilation, strict=True)
        self.size = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in reach]
        taps = []
        for tap in itertools.product(*map(range, kernel[2:])):
            steps = zip(tap, dilation, stride, self.size, strict=True)
            cut = [slice(t * d, t * d + s * (n - 1) + 1, s) for t, d, s, n in steps]
            taps.append(inputs[(slice(None), slice(None), *cut)])
        self.places = np.stack(taps, 2).reshape(
            data[0], self.groups, kernel[1] * int(np.prod(kernel[2:])), -1
        )

    def columns(self, x: Shadow) -> Shadow:
        """Return what each output reads: samples, groups, channels times taps, outputs."""
        padded = np.concatenate([exact(np.zeros(1)), x.ravel()])
        return padded[self.places]

    def rows(self, kernel: Shadow) -> Shadow:
        """Return the kernel as one matrix for each group."""
        return kernel.reshape(1, self.groups, self.kernel[0] // self.groups, -1)

    def grouped(self, outputs: Shadow) -> Shadow:
        """Return outputs as samples, groups, channels, places."""
        return outputs.reshape(self.data[0], self.groups, self.kernel[0] // self.groups, -1)

    def forward(self, x: Shadow, kernel: Shadow) -> Shadow:
        """Return the outputs."""
        found = apply("matmul", self.rows(kernel), self.columns(x))
        return found.reshape([self.data[0], self.kernel[0], *self.size])

    def to_data(self, outputs: Shadow, kernel: Shadow) -> Shadow:
        """Return what outputs give to the data: the transposed convolution."""
        columns = apply("matmul", np.swapaxes(self.rows(kernel), -1, -2), self.grouped(outputs))
        blank = exact(np.zeros(int(np.prod(self.data)) + 1))
        return added(blank, self.places.ravel(), columns.ravel(), True)[1:].reshape(self.data)

    def to_kernel(self, outputs: Shadow, x: Shadow) -> Shadow:
        """Return what outputs give to the kernel."""
        columns = np.swapaxes(self.columns(x), -1, -2)
        return apply("sum", apply("matmul", self.grouped(outputs), columns), axis=0).reshape(self.kernel)


def repeated(x: Sequence[int], rank: int) -> list[int]:
    """Return a size for each axis, of which one may stand for all."""
    return list(x) * rank if len(x) == 1 else list(x)


def _convolution(call: Call) -> Shadow:
    x, kernel = call.shadow("input"), call.shadow("weight")
    if call["transposed"]:
        shape = (x.shape[0], kernel.shape[1] * call["groups"], *call.results[0].shape[2:])
        found = Windows(call, shape, kernel.shape).to_data(x, kernel)
    else:
        found = Windows(call, x.shape, kernel.shape).forward(x, kernel)
    if call["bias"] is None:
        return found
    return apply("add", found, call.shadow("bias").reshape([1, -1] + [1] * (found.ndim - 2)))


def _convolution_backward(call: Call) -> tuple[Shadow | None, ...]:
    gradient, x, kernel = call.shadow("grad_output"), call.shadow("input"), call.shadow("weight")
    to_data, to_kernel, to_bias = call["output_mask"]
    if call["transposed"]:  # the transposed convolution of x is where the gradient is read from
        windows = Windows(call, gradient.shape, kernel.shape)
        data = windows.forward(gradient, kernel) if to_data else None
        weight = windows.to_kernel(x, gradient) if to_kernel else None
    else:
        windows = Windows(call, x.shape, kernel.shape)
        data = windows.to_data(gradient, kernel) if to_data else None
        weight = windows.to_kernel(gradient, x) if to_kernel else None
    bias = apply("sum", gradient, axis=(0, *range(2, gradient.ndim))) if to_bias else None
    return data, weight, bias


SCATTERING: dict[str, Rule] = {
    **dict.fromkeys(("index_put", "_index_put_impl", "_unsafe_index_put"), _index_put),
    "scatter_add": _scatter_add,
    "index_add": _index_add,
    "embedding": _embedding,
    "embedding_dense_backward": _embedding_backward,
    "convolution": _convolution,
    "convolution_backward": _convolution_backward,
}
"""Rules by the names of PyTorch's operations."""
