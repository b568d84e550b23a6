"""Products, convolutions, sums at indices, and linear algebra."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.jaxpr.deciding import maximum, minimum
from nn_from_scratch.verify.functions.jaxpr.interpreter import Call, Meaning, NotTracedError, is_shadow
from nn_from_scratch.verify.functions.jaxpr.moving import by_positions
from nn_from_scratch.verify.functions.tracing.elementwise import divide
from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.shadows import (
    Shadow,
    as_shadow,
    exact,
    nearest,
    of_entries,
    slope,
    value,
)


def _dot(call: Call) -> Any:
    (left, right), (left_stack, right_stack) = call.parameters["dimension_numbers"]
    x, y = map(as_shadow, call.operands)
    x_free = [k for k in range(x.ndim) if k not in left and k not in left_stack]
    y_free = [k for k in range(y.ndim) if k not in right and k not in right_stack]
    stack = [x.shape[k] for k in left_stack]
    terms = int(np.prod([x.shape[k] for k in left], dtype=int))
    rows = np.transpose(x, [*left_stack, *x_free, *left]).reshape(
        *stack, -1 if x.size else _size(x, x_free), terms
    )
    columns = np.transpose(y, [*right_stack, *right, *y_free])
    columns = columns.reshape(*stack, terms, -1 if y.size else _size(y, y_free))
    return apply("matmul", rows, columns).reshape(call.outputs[0].shape)


def _size(x: Any, axes: Sequence[int]) -> int:
    return int(np.prod([x.shape[k] for k in axes], dtype=int))


def _convolution(call: Call) -> Any:
    """Convolve by a product of matrices: the rows of the one are the windows that the kernel meets."""
    parameters = call.parameters
    numbers = parameters["dimension_numbers"]
    x = np.transpose(as_shadow(call.operands[0]), numbers.lhs_spec)
    kernel = np.transpose(as_shadow(call.operands[1]), numbers.rhs_spec)
    windows = _windows(x, kernel.shape[2:], parameters)
    groups, batches = parameters["feature_group_count"], parameters["batch_group_count"]
    table = of_entries([arb(0), *x.ravel()], (x.size + 1,))
    samples, channels, _, *sizes = windows.shape
    outputs, per_group = kernel.shape[:2]
    if batches == 1:
        left = kernel.reshape(1, groups, outputs // groups, -1)
        columns = table[windows].reshape(samples, groups, per_group * windows.shape[2], -1)
        found = apply("matmul", left, columns).reshape(samples, outputs, *sizes)
    else:
        left = kernel.reshape(batches, 1, outputs // batches, -1)
        columns = table[windows].reshape(batches, samples // batches, channels * windows.shape[2], -1)
        product = np.moveaxis(apply("matmul", left, columns), 0, 1)
        found = product.reshape(samples // batches, outputs, *sizes)
    return np.transpose(found, np.argsort(numbers.out_spec)).copy()


def _windows(x: Shadow, kernel: Sequence[int], parameters: Any) -> Any:
    """Return positions, from 1, of what each place of the kernel meets at each output; 0 is padding.

    Shape (batch, channels, places of the kernel, outputs...).
    """
    ids = jnp.arange(1, x.size + 1, dtype=jnp.int32).reshape(x.shape)
    gaps = zip(parameters["padding"], parameters["lhs_dilation"], strict=True)
    edges = [(0, 0, 0), (0, 0, 0), *((low, high, gap - 1) for (low, high), gap in gaps)]
    ids = np.asarray(jax.lax.pad(ids, jnp.int32(0), edges))
    strides, spread = parameters["window_strides"], parameters["rhs_dilation"]
    sizes = [
        max(0, (n - d * (k - 1) - 1) // s + 1)
        for n, d, k, s in zip(ids.shape[2:], spread, kernel, strides, strict=True)
    ]
    met = [
        ids[
            (
                slice(None),
                slice(None),
                *(
                    slice(at * d, at * d + s * (size - 1) + 1, s) if size else slice(0, 0)
                    for at, d, s, size in zip(place, spread, strides, sizes, strict=True)
                ),
            )
        ]
        for place in np.ndindex(*kernel)
    ]
    return np.stack(met, 2)


def _scatter(call: Call) -> Any:
    """Write updates at indices; which of several that differ stays is not defined."""
    operand, indices, updates = call.operands
    written: dict[int, Any] = {}
    for place, update in zip(
        _targets(operand.shape, indices, updates.shape, call).ravel().tolist(), updates.ravel(), strict=True
    ):
        before = written.setdefault(place, update) if place else update
        if is_shadow(updates) and before is not update and not _same(before, update):
            call.note_undefined("several numbers are written to one place, in no defined order")
    return by_positions(call)


def _same(x: Any, y: Any) -> bool:
    return bool(value(x) == value(y) and slope(x) == slope(y))


def _scattered(combined: Callable[[Call, Shadow, Shadow], Shadow]) -> Meaning:
    """Return a meaning that combines updates with what stands at indices, one after the other."""

    def meaning(call: Call) -> Any:
        operand, indices, updates = call.operands
        result = as_shadow(operand).copy()
        flat = result.reshape(-1)
        places = _targets(operand.shape, indices, updates.shape, call)
        for place, update in zip(places.ravel().tolist(), as_shadow(updates).ravel(), strict=True):
            if place:
                flat[place - 1 : place] = combined(call, flat[place - 1 : place], as_shadow(update))
        return result

    return meaning


def _targets(shape: Any, indices: Any, updates: Any, call: Call) -> Any:
    """Return the position, from 1, to which each update goes; 0 where it is dropped.

    Adding is linear, and its transpose takes from those positions: from an array of positions.
    """
    size = int(np.prod(shape, dtype=int))

    def added(values: Any) -> Any:
        zeros = jnp.zeros(shape, jnp.float32)
        parameters = {**call.parameters, "update_jaxpr": None, "update_consts": ()}
        return jax.lax.scatter_add_p.bind(zeros, jnp.asarray(indices), values, **parameters)

    positions = jnp.arange(1, size + 1, dtype=jnp.float32).reshape(shape)
    (found,) = jax.linear_transpose(added, jax.ShapeDtypeStruct(updates, jnp.float32))(positions)
    return np.asarray(found).astype(int)


def _cholesky(call: Call) -> Any:
    return apply("cholesky", call.operands[0])


def _triangular_solve(call: Call) -> Any:
    parameters = call.parameters
    a, b = map(as_shadow, call.operands)
    matrix = apply("triangle", a, lower=parameters["lower"], unit_diagonal=parameters["unit_diagonal"])
    if parameters["transpose_a"]:
        matrix = np.swapaxes(matrix, -1, -2)
    if parameters["left_side"]:
        return apply("solve", matrix, b)
    return np.swapaxes(apply("solve", np.swapaxes(matrix, -1, -2), np.swapaxes(b, -1, -2)), -1, -2).copy()


def _lu(call: Call) -> Any:
    """Eliminate, exchanging rows as the numbers say."""
    factors = as_shadow(call.operands[0]).copy()
    pivots = np.zeros(call.outputs[1].shape, dtype=np.int32)
    order = np.zeros(call.outputs[2].shape, dtype=np.int32)
    for place in np.ndindex(*factors.shape[:-2]):
        _eliminate(factors[place], pivots[place], order[place])
    return [factors, pivots, order]


def _eliminate(a: Shadow, pivots: Any, order: Any) -> None:
    order[:] = np.arange(len(a))
    for k in range(min(a.shape)):
        best = k + int(np.argmax(np.abs(nearest(a[k:, k]))))
        pivots[k] = best
        if best != k:
            a[[k, best]] = a[[best, k]]
            order[[k, best]] = order[[best, k]]
        for i in range(k + 1, len(a)):
            a[i, k] = divide(a[i, k], a[k, k])
            a[i, k + 1 :] = a[i, k + 1 :] - apply("multiply", as_shadow(a[i, k]), a[k, k + 1 :])


def _linear_solve(call: Call) -> Any:
    """Solve for what a linear function maps to what is given.

    The truth knows the function, by its matrix: the solver that runs may look at constants alone, and give no
    derivative. Where rounding is counted it is the solver's.
    """
    lengths, jaxprs = call.parameters["const_lengths"], call.parameters["jaxprs"]
    given = call.operands[sum(lengths) :]
    if call.interpreter.rounding is not None:
        before = lengths.matvec + lengths.vecmat
        return call.interpreter.run_closed(
            jaxprs.solve, [*call.operands[before : before + lengths.solve], *given]
        )
    if len(given) != 1 or not is_shadow(given[0]):
        raise NotTracedError(f"several arrays in {call.place}")
    (b,) = given
    columns = []
    for k in range(b.size):
        unit = np.zeros(b.size)
        unit[k] = 1.0
        argument = exact(unit.reshape(b.shape))
        (column,) = call.interpreter.run_closed(jaxprs.matvec, [*call.operands[: lengths.matvec], argument])
        columns.append(column.ravel())
    matrix = of_entries((entry for row in zip(*columns, strict=True) for entry in row), (b.size, b.size))
    return apply("solve", matrix, b.reshape(-1, 1)).reshape(b.shape)


def _sum(_: Call, x: Shadow, y: Shadow) -> Shadow:
    return np.add(x, y)


def _difference(_: Call, x: Shadow, y: Shadow) -> Shadow:
    return np.subtract(x, y)


def _product(_: Call, x: Shadow, y: Shadow) -> Shadow:
    return apply("multiply", x, y)


SCATTERED = {"add": _sum, "sub": _difference, "mul": _product, "max": maximum, "min": minimum}
"""How the scatter primitives combine what stands at a place with an update."""

LINEAR: dict[str, Meaning] = {
    "cholesky": _cholesky,
    "conv_general_dilated": _convolution,
    "custom_linear_solve": _linear_solve,
    "dot_general": _dot,
    "lu": _lu,
    "scatter": _scatter,
    **{f"scatter{hyphen}{name}": _scattered(step) for hyphen in "-_" for name, step in SCATTERED.items()},
    "triangular_solve": _triangular_solve,
}
"""Meanings of products and of linear algebra."""
