"""How PyTorch spells the operations: for the oracle, and for the adapter that puts it under test."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np
import torch

from nn_from_scratch.verify.questions.expressions import Arithmetic
from nn_from_scratch.verify.questions.operations import ELEMENTWISE, as_index

_CONSTANTS = (float, int, np.ndarray)


def _of_tensors(function: Callable[..., Any], constants: Any = _CONSTANTS) -> Callable[..., Any]:
    """Let constants of these types reach a function as tensors, of the same kind as its other operands."""

    def apply(*xs: Any) -> Any:
        dtype = next(x.dtype for x in xs if isinstance(x, torch.Tensor))
        return function(*[torch.tensor(x, dtype=dtype) if isinstance(x, constants) else x for x in xs])

    return apply


def _operator(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let constant arrays reach an operator as tensors; it takes floats itself."""
    return _of_tensors(function, np.ndarray)


def _clip(x: torch.Tensor, low: Any, high: Any) -> torch.Tensor:
    if not isinstance(low, np.ndarray) and not isinstance(high, np.ndarray):
        return torch.clip(x, low, high)
    return torch.clip(x, torch.as_tensor(low, dtype=x.dtype), torch.as_tensor(high, dtype=x.dtype))


def _cube_root(x: torch.Tensor) -> torch.Tensor:
    """Return the cube root, which PyTorch has not: a power, whose last digits are made good.

    The power that is differentiated is of 1: of numbers like 1e300 the rounded third would cost two digits.
    """
    known = x.detach()
    root = torch.sign(known) * torch.abs(known) ** (1 / 3)
    root = root + (known / (root * root) - root) / 3
    return root * (x / known) ** (1 / 3)


def _eigenvectors(x: torch.Tensor) -> torch.Tensor:
    vectors = torch.linalg.eigh((x + x.mT) / 2).eigenvectors
    return vectors * torch.sign(vectors[..., :1, :])


def _axes(x: torch.Tensor, axis: Any) -> tuple[int, ...]:
    return tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)


def _prod(x: torch.Tensor, axis: Any, keepdims: bool) -> torch.Tensor:
    for a in sorted((a % x.ndim for a in _axes(x, axis)), reverse=True):
        x = torch.prod(x, a, keepdim=keepdims)
    return x


def _expand_dims(x: torch.Tensor, axis: Any) -> torch.Tensor:
    axes = axis if isinstance(axis, tuple) else (axis,)
    for a in sorted(a % (x.ndim + len(axes)) for a in axes):
        x = x.unsqueeze(a)
    return x


def _index(x: torch.Tensor, index: Any) -> torch.Tensor:
    items = list(as_index(index))
    if any(isinstance(item, list) for item in items):  # beside which an integer is an array as well to numpy
        items = [[item] if isinstance(item, int) else item for item in items]
    for axis, item in enumerate(items):
        if isinstance(item, slice) and (item.step or 1) < 0:  # which PyTorch has not: the axis, turned round
            start, stop, step = item.indices(x.shape[axis])
            last = x.shape[axis] - 1
            x, items[axis] = x.flip(axis), slice(last - start, last - stop, -step)
    return x[tuple(torch.tensor(item) if isinstance(item, list) else item for item in items)]


def _dot(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    if x.ndim == y.ndim == 1:
        return torch.dot(x, y)
    return torch.tensordot(x, y, ([x.ndim - 1], [max(0, y.ndim - 2)]))


def _take(x: torch.Tensor, indices: Any, axis: Any) -> torch.Tensor:
    if axis is None:
        return torch.take(x, torch.tensor(indices))
    places = torch.tensor(indices) % x.shape[axis]  # of a negative one PyTorch knows nothing
    taken = torch.index_select(x, axis, places.ravel())
    return taken.unflatten(axis, places.shape) if places.ndim else taken.squeeze(axis)


def _compress(x: torch.Tensor, condition: Any, axis: Any) -> torch.Tensor:
    flat = x.ravel() if axis is None else x
    return torch.index_select(flat, axis or 0, torch.tensor(condition).nonzero().ravel())


def _repeat(x: torch.Tensor, repeats: Any, axis: Any) -> torch.Tensor:
    return torch.repeat_interleave(x, torch.tensor(repeats), axis)


def _trace(x: torch.Tensor, offset: int, axis1: int, axis2: int) -> torch.Tensor:
    if x.ndim == 2 and offset == 0:
        return torch.trace(x)
    return torch.diagonal(x, offset, axis1, axis2).sum(-1)


def _pad(x: torch.Tensor, pad_width: Any) -> torch.Tensor:
    pairs = np.broadcast_to(pad_width, (x.ndim, 2))
    return torch.nn.functional.pad(x, pairs[::-1].ravel().tolist())  # PyTorch begins with the last axis


def _average(x: torch.Tensor, axis: Any, weights: Any) -> torch.Tensor:
    weighs = torch.tensor(weights, dtype=x.dtype)
    if weighs.ndim != x.ndim:
        weighs = weighs.reshape([-1 if a == axis % x.ndim else 1 for a in range(x.ndim)])
    return (x * weighs).sum(_axes(x, axis)) / weighs.sum()


def _ptp(x: torch.Tensor, axis: Any, keepdims: bool) -> torch.Tensor:
    axes = _axes(x, axis)
    return torch.amax(x, axes, keepdim=keepdims) - torch.amin(x, axes, keepdim=keepdims)


def _delete(x: torch.Tensor, obj: int, axis: Any) -> torch.Tensor:
    flat = x.ravel() if axis is None else x
    kept = np.delete(np.arange(flat.shape[axis or 0]), obj)
    return torch.index_select(flat, axis or 0, torch.tensor(kept))


def _convolve(x: torch.Tensor, y: torch.Tensor, mode: str) -> torch.Tensor:
    cut = {"full": len(y) - 1, "same": (len(y) - 1) // 2, "valid": 0}[mode]
    return torch.conv1d(x[None, None], y.flip(0)[None, None], padding=cut)[0, 0]


def _correlate(x: torch.Tensor, y: torch.Tensor, mode: str) -> torch.Tensor:
    return _convolve(x, y.flip(0), mode)


def _quantile(x: torch.Tensor, q: Any, axis: Any, keepdims: bool) -> torch.Tensor:
    return torch.quantile(x, torch.tensor(q, dtype=x.dtype), axis, keepdim=keepdims)


def _interpolated(x: torch.Tensor, y: torch.Tensor, xp: Any) -> torch.Tensor:
    """Interpolate by the lines between points, which PyTorch has no function for."""
    points = torch.tensor(xp, dtype=x.dtype)
    k = torch.searchsorted(points, x.detach().contiguous(), right=True).clamp(1, len(xp) - 1) - 1
    slope = (y[k + 1] - y[k]) / (points[k + 1] - points[k])
    return y[k] + slope * (x.clamp(points[0], points[-1]) - points[k])


def _in_order(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """Give a function numpy's keywords in their order, where PyTorch calls them otherwise."""
    return lambda x, **keywords: function(x, *keywords.values())


def _cumulative(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda x, axis: function(x.ravel() if axis is None else x, axis or 0)


def _running_product(x: torch.Tensor, axis: Any) -> torch.Tensor:
    rows = torch.unbind(x.ravel() if axis is None else x, axis or 0)
    return torch.stack(list(accumulate(rows, operator.mul)), axis or 0)


def _determinant(x: torch.Tensor) -> torch.Tensor:
    """Expand along the first row, which has the right derivative where a matrix is singular."""
    first, below = x[..., 0, :], x[..., 1:, :]
    columns = range(x.shape[-1])
    if len(columns) == 1:
        return first[..., 0]
    signed = [
        (-1) ** k * first[..., k] * _determinant(below[..., [j for j in columns if j != k]]) for k in columns
    ]
    return torch.stack(signed).sum(0)


# PyTorch's own Bessel functions have no derivatives; sums over a circle are exact integrals up to 25.
_SINES = torch.sin(2 * torch.pi * (torch.arange(96, dtype=torch.float64) + 0.5) / 96)


def _gamma(x: torch.Tensor) -> torch.Tensor:
    negative = (x < 0) & (torch.floor(x) % 2 != 0)
    return torch.where(negative, -1.0, 1.0) * torch.exp(torch.lgamma(x))


def _log_of_beta(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.lgamma(x) + torch.lgamma(y) - torch.lgamma(x + y)


OPERATIONS: Arithmetic = {
    **{
        name: getattr(torch, name) if operation.arity == 1 else _of_tensors(getattr(torch, name))
        for name, operation in ELEMENTWISE.items()
        if not operation.symbol and hasattr(torch, name)
    },
    "add": _operator(operator.add),
    "sub": _operator(operator.sub),
    "mul": _operator(operator.mul),
    "div": _operator(operator.truediv),
    "pow": _operator(operator.pow),
    "neg": operator.neg,
    "cbrt": _cube_root,
    **{
        name: getattr(torch.special, name)
        for name in ("expit", "entr", "ndtr", "log_ndtr", "ndtri", "erfcx", "i1")
    },
    "xlog1py": _of_tensors(torch.special.xlog1py),
    "log_expit": torch.nn.functional.logsigmoid,
    "j0": lambda x: torch.cos(x[..., None] * _SINES).mean(-1).to(x.dtype),
    "j1": lambda x: (torch.sin(x[..., None] * _SINES) * _SINES).mean(-1).to(x.dtype),
    **{name: _of_tensors(getattr(torch.special, name)) for name in ("zeta", "gammainc", "gammaincc")},
    "gamma": _gamma,
    "beta": _of_tensors(lambda x, y: torch.exp(_log_of_beta(x, y))),
    "betaln": _of_tensors(_log_of_beta),
    "rel_entr": _of_tensors(lambda x, y: x * torch.log(x / y)),
    "erfcinv": lambda x: -torch.special.ndtri(x / 2) / math.sqrt(2),
    # By default it returns x above 20, which is right to ten digits only.
    "softplus": lambda x: torch.nn.functional.softplus(x, threshold=40.0),
    "where": _of_tensors(lambda c, x, y: torch.where(c > 0, x, y)),
    "clip": _clip,
    "sum": lambda x, axis, keepdims: torch.sum(x, _axes(x, axis), keepdim=keepdims),
    "mean": lambda x, axis, keepdims: torch.mean(x, _axes(x, axis), keepdim=keepdims),
    "prod": _prod,
    "max": lambda x, axis, keepdims: torch.amax(x, _axes(x, axis), keepdim=keepdims),
    "min": lambda x, axis, keepdims: torch.amin(x, _axes(x, axis), keepdim=keepdims),
    "logsumexp": lambda x, axis, keepdims: torch.logsumexp(x, _axes(x, axis), keepdim=keepdims),
    "softmax": torch.softmax,
    "log_softmax": torch.log_softmax,
    "matmul": _operator(torch.matmul),
    "einsum": lambda *xs, subscripts: _operator(lambda *terms: torch.einsum(subscripts, *terms))(*xs),
    "take_along_axis": lambda x, indices, axis: torch.take_along_dim(x, torch.tensor(indices), axis),
    "scatter_add": lambda x, y, indices, axis: _operator(
        lambda to, source: torch.scatter_add(to, axis, torch.tensor(indices), source)
    )(x, y),
    "sort": lambda x, axis: torch.sort(x.ravel() if axis is None else x, axis or 0).values,
    "conv": lambda x, w, stride, padding: _operator(
        lambda a, b: (torch.conv1d if a.ndim == 3 else torch.conv2d)(a, b, stride=stride, padding=padding)
    )(x, w),
    "solve": _operator(torch.linalg.solve),
    "inv": torch.linalg.inv,
    "det": torch.linalg.det,
    "cholesky": lambda x: torch.linalg.cholesky((x + x.mT) / 2),
    "cumsum": _cumulative(torch.cumsum),
    "cumprod": _cumulative(torch.cumprod),
    "take": _take,
    "compress": _compress,
    "repeat": _repeat,
    "diagonal": _in_order(torch.diagonal),
    "trace": _trace,
    "swapaxes": _in_order(torch.swapaxes),
    "ravel": torch.ravel,
    "flatten": torch.flatten,
    "var": lambda x, axis, ddof, keepdims: torch.var(x, _axes(x, axis), correction=ddof, keepdim=keepdims),
    "std": lambda x, axis, ddof, keepdims: torch.std(x, _axes(x, axis), correction=ddof, keepdim=keepdims),
    "dot": _operator(_dot),
    "inner": _operator(torch.inner),
    "outer": _operator(lambda x, y: torch.outer(x.ravel(), y.ravel())),
    "kron": _operator(torch.kron),
    "cross": lambda x, y, axis: _operator(partial(torch.linalg.cross, dim=axis))(x, y),
    "tensordot": lambda x, y, axes: _operator(partial(torch.tensordot, dims=axes))(x, y),
    "roll": _in_order(torch.roll),
    "flip": lambda x, axis: torch.flip(x, _axes(x, axis)),
    "moveaxis": _in_order(torch.moveaxis),
    "tril": _in_order(torch.tril),
    "triu": _in_order(torch.triu),
    "tile": lambda x, reps: torch.tile(x, reps if isinstance(reps, tuple) else (reps,)),
    "pad": _pad,
    "diff": _in_order(torch.diff),
    "trapezoid": lambda x, dx, axis: torch.trapezoid(x, dx=dx, dim=axis),
    "average": _average,
    "norm": lambda x, axis, keepdims: torch.linalg.vector_norm(x, 2, _axes(x, axis), keepdim=keepdims),
    "slogdet": lambda x: torch.linalg.slogdet(x).logabsdet,
    "matrix_power": torch.linalg.matrix_power,
    "eigvalsh": lambda x: torch.linalg.eigvalsh((x + x.mT) / 2),
    "eigh": _eigenvectors,
    **{name: getattr(torch, name) for name in ("positive", "nan_to_num")},
    "fabs": torch.abs,
    **{name: _operator(getattr(torch, name)) for name in ("fmax", "fmin", "copysign")},
    "diag": _in_order(torch.diag),
    "rot90": _in_order(torch.rot90),
    "delete": _delete,
    "nansum": lambda x, axis, keepdims: torch.nansum(x, _axes(x, axis), keepdim=keepdims),
    "nanmean": lambda x, axis, keepdims: torch.nanmean(x, _axes(x, axis), keepdim=keepdims),
    "convolve": lambda x, y, mode: _operator(partial(_convolve, mode=mode))(x, y),
    "correlate": lambda x, y, mode: _operator(partial(_correlate, mode=mode))(x, y),
    "interp": lambda x, y, xp: _of_tensors(partial(_interpolated, xp=xp))(x, y),
    "quantile": _quantile,
    "percentile": lambda x, q, **how: _quantile(x, np.true_divide(q, 100), **how),
    "ptp": _ptp,
    "median": lambda x, axis, keepdims: torch.quantile(x, 0.5, axis, keepdim=keepdims),
    "reshape": torch.reshape,
    "transpose": lambda x, axes: x.permute(axes),
    "broadcast_to": lambda x, shape: x.broadcast_to(shape),
    "squeeze": torch.squeeze,
    "expand_dims": _expand_dims,
    "index": _index,
    "concatenate": lambda *xs, axis: _operator(lambda *parts: torch.concatenate(parts, axis))(*xs),
    "stack": lambda *xs, axis: _operator(lambda *parts: torch.stack(parts, axis))(*xs),
}

COMPOSED = frozenset({"cbrt", "j0", "j1", "erfcinv", "gamma", "beta", "betaln", "rel_entr"})
"""What PyTorch has not: nobody who is asked for it is PyTorch."""

AS_A_WITNESS: Arithmetic = {
    "ndtr": lambda x: 0.5 * torch.erfc(-x / math.sqrt(2)),
    "det": _determinant,
    "cumprod": _running_product,
    "kron": _operator(lambda x, y: torch.kron(x.contiguous(), y.contiguous())),
}
"""What the oracle computes otherwise than the adapter, since PyTorch's own is known to be wrong.

`torch.special.ndtr` loses digits below 0, six of them at -6. The derivative of `torch.linalg.det` is 0 at a
singular matrix, and has few digits near one. That of `torch.cumprod` divides by each entry, products that
have underflowed too. That of `torch.kron` raises for a transposed one.
"""
