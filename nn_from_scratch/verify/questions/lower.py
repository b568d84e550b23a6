"""Array expressions as scalar ones, entry by entry, so that every oracle can judge them.

The expression is evaluated over numpy arrays whose entries are symbols, each of which records the scalar
operation that made it. Broadcasting, indexing and reshaping are numpy's own, on symbols; sums, products and
extrema are chains of scalar operations.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from nn_from_scratch.verify.questions import lower_eigen, lower_matrices
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Arithmetic
from nn_from_scratch.verify.questions.operations import ELEMENTWISE, OPERATIONS, as_index
from nn_from_scratch.verify.questions.symbols import Recorder, Symbol

_PARTS = frozenset({"exp", "log", "add", "sub", "div", "maximum", "minimum", "sqrt", "abs", "where", "clip"})
"""The operations that those on whole arrays are made of."""
_FAR = 10.0  # e to this power is in range of every format


def lower(case: Case) -> Case:
    """Return the scalar case with the same derivatives.

    Its inputs are the entries of the inputs, in their order; its output is the sum of the output's entries,
    each times its cotangent.
    """
    tracer = Tracer()
    count = len(case.point)
    symbols = np.array([*map(tracer.symbol, range(count)), None], dtype=object)[:-1]
    ends = np.cumsum([math.prod(shape) for shape in case.shapes])[:-1]
    inputs = [part.reshape(shape) for part, shape in zip(np.split(symbols, ends), case.shapes, strict=True)]
    expression = case.expression.closed()
    arithmetic = tracer.arithmetic(case.point, {step.operation for step in expression.steps})
    entries = np.frompyfunc(tracer.entry, 1, 1)
    constants = [entries(x) if isinstance(x, np.ndarray) else x for x in expression.given_constants()]
    output = np.ravel(expression.evaluate(arithmetic, inputs, constants)[expression.output])
    cotangent = case.cotangent or (1.0,) * output.size
    total: Any = 0.0
    for entry, weight in zip(output, cotangent, strict=True):
        total = total + entry * weight
    # An output that no input moves is still asked: its derivatives are 0.
    scalar = tracer.case(total + symbols[0] * 0.0 if isinstance(total, float) else total, case.point)
    return replace(scalar, tangent=case.tangent)


class Tracer(Recorder):
    """Records scalar operations, of those on whole arrays too."""

    def arithmetic(self, point: tuple[float, ...], names: AbstractSet[str] = OPERATIONS.keys()) -> Arithmetic:
        """Return numpy's operations of these names on arrays of symbols, given the numbers of the point."""
        if names <= ELEMENTWISE.keys():
            return self._entry_by_entry(names)
        scalar = self._entry_by_entry(_PARTS | (names & ELEMENTWISE.keys()))
        exp, log, add, sub, div = (scalar[name] for name in ("exp", "log", "add", "sub", "div"))

        def shifted(x: Any, axis: Any) -> tuple[Any, Any]:
            most = _shift(x, axis, point)
            # An engine may subtract what is as large as the rows (exp(x - z), where z is the logarithm): so
            # that this rounding is counted, it is added first.
            return (x, None) if most is None else (sub(add(x, most), 2 * most), most)

        def logsumexp(x: Any, axis: Any, keepdims: bool) -> Any:
            rest, most = shifted(x, axis)
            total = log(np.sum(exp(rest), axis=axis, keepdims=keepdims))
            if most is None:
                return total
            return add(total, most if keepdims else np.squeeze(most, axis))

        def softmax(x: Any, axis: Any) -> Any:
            rest, _ = shifted(x, axis)
            return div(exp(rest), np.sum(exp(rest), axis=axis, keepdims=True))

        def mean(x: Any, axis: Any, keepdims: bool) -> Any:
            return div(np.sum(x, axis=axis, keepdims=keepdims), float(_count(x, axis)))

        in_order = partial(_sorted, scalar["minimum"], scalar["maximum"])
        return {
            **scalar,
            **STRUCTURE,
            **SUMS,
            "copysign": lambda x, y: scalar["where"](-y, -scalar["abs"](x), scalar["abs"](x)),
            "fmax": scalar["maximum"],
            "fmin": scalar["minimum"],
            "fabs": scalar["abs"],
            **dict.fromkeys(("mean", "nanmean"), mean),
            "std": lambda x, **how: scalar["sqrt"](variance(x, **how)),
            "norm": lambda x, **how: scalar["sqrt"](np.sum(x * x, **how)),
            "ptp": partial(extent, scalar["maximum"], scalar["minimum"]),
            "median": partial(_quantile, in_order, q=0.5),
            "quantile": partial(_quantile, in_order),
            "percentile": lambda x, q, **how: _quantile(in_order, x, np.true_divide(q, 100), **how),
            "interp": partial(_interpolated, scalar["clip"]),
            "slogdet": partial(lower_matrices.log_of_size, log=log, size=scalar["abs"], record=self.apply),
            "matrix_power": partial(lower_matrices.power, record=self.apply),
            "max": partial(_fold, scalar["maximum"]),
            "min": partial(_fold, scalar["minimum"]),
            "logsumexp": logsumexp,
            "softmax": softmax,
            "log_softmax": lambda x, axis: sub(x, logsumexp(x, axis, keepdims=True)),
            "sort": in_order,
            "solve": partial(lower_matrices.solution, record=self.apply),
            "inv": partial(lower_matrices.inverse, record=self.apply),
            "det": partial(lower_matrices.determinant, record=self.apply),
            "cholesky": partial(lower_matrices.factor, root=scalar["sqrt"], record=self.apply),
            "eigvalsh": partial(lower_eigen.eigenvalues, record=self.apply),
            "eigh": partial(lower_eigen.eigenvectors, record=self.apply),
        }

    def _entry_by_entry(self, names: AbstractSet[str]) -> dict[str, Callable[..., Any]]:
        """Return operations on numbers, by name, as functions of arrays of symbols."""
        return {
            name: np.frompyfunc(partial(self.apply, name), ELEMENTWISE[name].arity or 1, 1) for name in names
        }


def _of_arrays_that_fit(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let numpy's function say by a ValueError, as others do, that it does not take arrays of a shape."""

    def called(x: Any, **keywords: Any) -> Any:
        try:
            return function(x, **keywords)
        except TypeError as error:
            raise ValueError(str(error)) from error

    return called


STRUCTURE: Arithmetic = {
    "reshape": lambda x, shape: np.asarray(x).reshape(shape),
    "transpose": np.transpose,
    "broadcast_to": np.broadcast_to,
    "squeeze": np.squeeze,
    "expand_dims": np.expand_dims,
    "index": lambda x, index: np.asarray(x)[as_index(index)],
    "concatenate": lambda *xs, axis: np.concatenate(xs, axis),
    "stack": lambda *xs, axis: np.stack(xs, axis),
    "take_along_axis": lambda x, indices, axis: np.take_along_axis(np.asarray(x), np.array(indices), axis),
    "take": np.take,
    "compress": lambda x, condition, axis: np.compress(condition, x, axis),
    "repeat": np.repeat,
    "diagonal": np.diagonal,
    "swapaxes": np.swapaxes,
    "ravel": np.ravel,
    "flatten": np.ravel,
    "roll": np.roll,
    "flip": np.flip,
    "moveaxis": np.moveaxis,
    "tril": _of_arrays_that_fit(np.tril),
    "triu": _of_arrays_that_fit(np.triu),
    "tile": np.tile,
    "diag": _of_arrays_that_fit(np.diag),
    "rot90": np.rot90,
    "delete": np.delete,
    "positive": np.array,
    "nan_to_num": np.array,
    "pad": np.pad,
}
"""numpy's functions that only move entries about."""


def variance(x: Any, axis: Any, ddof: int, keepdims: bool) -> Any:
    """Return the sum of the squared distances from the mean over their number, less `ddof`."""
    count = _count(x, axis)
    if count <= ddof:
        raise ValueError(f"no variance of {count} numbers, less {ddof}")
    apart = x - np.sum(x, axis=axis, keepdims=True) / count
    return np.sum(apart * apart, axis=axis, keepdims=keepdims) / (count - ddof)


def conv(x: Any, w: Any, stride: int, padding: int) -> Any:
    """Return the sums of products of a kernel with each window of an array that is padded with zeros."""
    x, w = np.asarray(x), np.asarray(w)
    axes = x.ndim - 2
    if axes not in (1, 2) or w.ndim != x.ndim or x.shape[1] != w.shape[1]:
        raise ValueError(f"no convolution of {x.shape} with {w.shape}")
    wide = np.pad(x, [(0, 0), (0, 0), *[(padding, padding)] * axes], constant_values=0.0)
    sizes = [(n - k) // stride + 1 for n, k in zip(wide.shape[2:], w.shape[2:], strict=True)]
    if min(sizes) < 1:
        raise ValueError("the kernel is larger than the array")
    result = np.empty((x.shape[0], w.shape[0], *sizes), dtype=np.result_type(x, w))
    for place in np.ndindex(*sizes):
        window: Any = (
            ...,
            *(slice(p * stride, p * stride + k) for p, k in zip(place, w.shape[2:], strict=True)),
        )
        result[(..., *place)] = (
            np.einsum("bc...,oc...->bo...", wide[window], w).reshape(x.shape[0], w.shape[0], -1).sum(axis=-1)
        )
    return result


def scatter_add(x: Any, y: Any, indices: Any, axis: int) -> Any:
    """Return x with the entries of y added, as often as their index is there."""
    result = np.array(x, dtype=np.result_type(np.asarray(x), np.asarray(y)))
    for place in np.ndindex(np.shape(y)):
        target = list(place)
        target[axis] = np.array(indices)[place]
        result[tuple(target)] = result[tuple(target)] + np.asarray(y)[place]
    return result


SUMS: Arithmetic = {
    "sum": np.sum,
    "nansum": np.sum,
    "convolve": np.convolve,
    "correlate": np.correlate,
    "prod": np.prod,
    "cumsum": np.cumsum,
    "cumprod": np.cumprod,
    "trace": np.trace,
    "var": variance,
    "matmul": np.matmul,
    "dot": np.dot,
    "inner": np.inner,
    "outer": np.outer,
    "kron": np.kron,
    "cross": np.linalg.cross,
    "tensordot": np.tensordot,
    "diff": np.diff,
    "trapezoid": np.trapezoid,
    "average": _of_arrays_that_fit(np.average),
    "conv": conv,
    "scatter_add": scatter_add,
    "einsum": lambda *xs, subscripts: np.einsum(subscripts, *xs),
}
"""What is made of nothing but sums, differences, products and quotients: of numbers and symbols alike."""


def _axes(x: Any, axis: Any) -> tuple[int, ...]:
    every = range(np.ndim(x))
    chosen = every if axis is None else axis if isinstance(axis, tuple) else (axis,)
    # As numpy has it, axis 0 of an array without axes is all of it.
    return tuple(every[a] for a in chosen) if every else ()


def _count(x: Any, axis: Any) -> int:
    return math.prod(np.shape(x)[a] for a in _axes(x, axis))


def _shift(x: Any, axis: Any, point: tuple[float, ...]) -> Any:
    """Return each row's largest number, which exponentials are shifted by; None where they need not be.

    A constant that is subtracted before and added after changes no value and no derivative, only what
    overflows on the way. It is known where the rows are entries of the point.
    """
    entries = np.ravel(x)  # symbols, constants, and what an empty sum gave
    if any(isinstance(one, Symbol) and not 0 <= one.number < len(point) for one in entries):
        return None
    numbers = [point[one.number] if isinstance(one, Symbol) else float(one) for one in entries]
    if max(map(abs, numbers), default=0.0) < _FAR:
        return None
    return np.max(np.array(numbers).reshape(np.shape(x)), axis=axis, keepdims=True)


def _sorted(smaller: Any, larger: Any, x: Any, axis: Any) -> Any:
    """Sort by comparing neighbours, which are exchanged or not: of those that tie, engines do either."""
    rows = [*np.moveaxis(np.ravel(x) if axis is None else np.asarray(x), axis or 0, 0)]
    for last in range(len(rows) - 1, 0, -1):
        for k in range(last):
            first, second = rows[k], rows[k + 1]
            rows[k], rows[k + 1] = smaller(first, second), larger(first, second)
    return np.stack(rows, axis or 0)


def _quantile(in_order: Callable[..., Any], x: Any, q: Any, axis: int | None, keepdims: bool) -> Any:
    """Return the entry at a part of the way through those in order, or what is between two of them."""
    rows = np.moveaxis(in_order(x, axis), axis or 0, 0)
    found = [_between(rows, part * (len(rows) - 1)) for part in np.ravel(q)]
    if keepdims:
        found = [np.expand_dims(one, _axes(x, axis)) for one in found]
    return np.stack(found) if np.ndim(q) else found[0]


def _between(rows: Any, place: float) -> Any:
    below, above = rows[math.floor(place)], rows[math.ceil(place)]
    part = place - math.floor(place)
    if not part:
        return below
    # An engine may add a part of the difference to the one below: so that its rounding is counted, it is
    # added and subtracted.
    along = (above - below) * part
    return below * (1 - part) + above * part + (along - along)


def _interpolated(clip: Callable[..., Any], x: Any, y: Any, xp: Any) -> Any:
    """Return the first of values, and of each step to the next the part that is passed at x."""
    if np.shape(y) != np.shape(xp):
        raise ValueError(f"no lines between {np.shape(xp)} and {np.shape(y)}")
    z = np.broadcast_to(np.asarray(y)[:1], np.shape(x)) if np.ndim(x) else y[0]
    xp = np.asarray(xp, dtype=np.float64)  # where lines end is compared with
    for k in range(len(xp) - 1):
        width = xp[k + 1] - xp[k]
        z = z + clip(np.asarray(x) - xp[k], 0.0, width) * ((y[k + 1] - y[k]) / width)
    return z


def extent(larger: Any, smaller: Any, x: Any, **how: Any) -> Any:
    """Return how far the largest entry is from the smallest."""
    return _fold(larger, x, **how) - _fold(smaller, x, **how)


def _fold(function: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """Reduce along axes, one after the other."""
    for a in _axes(x, axis):
        x = np.expand_dims(function.reduce(x, axis=a), a)
    return x if keepdims else np.squeeze(x, _axes(x, axis))
