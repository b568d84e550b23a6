"""Products of arrays: dot, einsum, tensordot and their kin, by matmul and one rule for einsum."""

import math
from typing import Any

import numpy as np

from nn_from_scratch.rearranging import move
from nn_from_scratch.refusals import refuse_out
from nn_from_scratch.rule import Function, Operand, Value, Variadic

# Einstein's sums. The rule knows only the plain case, in which every letter of an operand stands there once,
# and in another operand or in the result as well: then the cotangent of an operand is the einsum of all
# others with that of the result. What is not plain is made so first.


def _einsum_of_values(*operands: Value, inputs: tuple[str, ...], output: str) -> Value:
    return np.einsum(f"{','.join(inputs)}->{output}", *operands, optimize=len(operands) > 2)


def _through_einsum(
    position: int, g: Operand, _z: Operand, *operands: Operand, inputs: tuple[str, ...], output: str
) -> Operand:
    """Return the einsum of the cotangent and all other operands, with the letters of the operand."""
    others = [k for k in range(len(operands)) if k != position]
    return EINSUM(
        g,
        *(operands[k] for k in others),
        inputs=(output, *(inputs[k] for k in others)),
        output=inputs[position],
    )


EINSUM = Variadic("einsum", _einsum_of_values, [_through_einsum])
_entries_of_equal_index = move(lambda x, subscripts: np.einsum(subscripts, x))


def _einsum(subscripts: Any, *operands: Any, out: Any = None, optimize: Any = None, **keywords: Any) -> Any:
    if not isinstance(subscripts, str) or out is not None or keywords:
        raise TypeError("np.einsum of Nodes takes its subscripts as text, then operands; no out, no dtype")
    if any(np.ndim(x) == 0 for x in operands):
        operands = tuple(x if np.ndim(x) else np.reshape(x, ()) for x in operands)
    inputs, output = _spelled_out(subscripts, [np.ndim(x) for x in operands])
    plain = _without_repeated(inputs, operands)
    inputs = [letters for letters, _ in plain]
    parts = []
    for k, (_, x) in enumerate(plain):
        letters = "".join(dict.fromkeys(inputs[k]))
        if letters != inputs[k]:
            x = _entries_of_equal_index(x, f"{inputs[k]}->{letters}")  # noqa: PLW2901
        elsewhere = output + "".join(other for j, other in enumerate(inputs) if j != k)
        alone = tuple(axis for axis, letter in enumerate(letters) if letter not in elsewhere)
        if alone:
            x = np.sum(x, axis=alone)  # noqa: PLW2901
            letters = "".join(letter for letter in letters if letter in elsewhere)
        inputs[k] = letters
        parts.append(x)
    return EINSUM(*parts, inputs=tuple(inputs), output=output)


def _without_repeated(inputs: list[str], operands: tuple[Any, ...]) -> list[tuple[str, Any]]:
    """Return operands and their letters without axes of length 1 that are longer elsewhere: they repeat."""
    sizes: dict[str, int] = {}
    for letters, x in zip(inputs, operands, strict=True):
        for letter, size in zip(letters, np.shape(x), strict=True):
            sizes[letter] = size if sizes.get(letter, 1) == 1 else sizes[letter]
    found = []
    for letters, x in zip(inputs, operands, strict=True):
        alone = [letters.count(letter) == 1 for letter in letters]
        repeated = {k for k, size in enumerate(np.shape(x)) if size == 1 < sizes[letters[k]] and alone[k]}
        left = "".join(letter for k, letter in enumerate(letters) if k not in repeated)
        found.append((left, np.squeeze(x, tuple(repeated)) if repeated else x))
    return found


_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _spelled_out(subscripts: str, ndims: list[int]) -> tuple[list[str], str]:
    """Return the letters of each operand and of the result, with letters for dots."""
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    if len(inputs) != len(ndims):
        raise ValueError(f"np.einsum: {subscripts!r} is of {len(inputs)} operands, got {len(ndims)}")
    free = [letter for letter in _LETTERS if letter not in subscripts]
    longest = max([0, *(n - len(one) + 3 for one, n in zip(inputs, ndims, strict=True) if "..." in one)])
    dots = "".join(free[:longest])
    spelled = []
    for one, n in zip(inputs, ndims, strict=True):
        count = n - len(one) + 3
        spelled.append(one.replace("...", dots[longest - count :] if count else "") if "..." in one else one)
        if len(spelled[-1]) != n:
            raise ValueError(f"np.einsum: {one!r} in {subscripts!r} is no operand with {n} axes")
    if not arrow:
        letters = left.replace(",", "").replace(".", "")
        output = dots + "".join(sorted(letter for letter in set(letters) if letters.count(letter) == 1))
    return spelled, output.replace("...", dots)


# By matrix products


def _dot(x: Any, y: Any, out: Any = None) -> Any:
    refuse_out("dot", out)
    if not np.ndim(x) or not np.ndim(y):
        return np.multiply(x, y)
    if np.ndim(y) <= 2 and (np.ndim(x) <= 2 or np.ndim(y) == 1):
        return np.matmul(x, y)
    return np.tensordot(x, y, (-1, -2))


def _inner(x: Any, y: Any) -> Any:
    return np.tensordot(x, y, (-1, -1)) if np.ndim(x) and np.ndim(y) else np.multiply(x, y)


def _outer(x: Any, y: Any, out: Any = None) -> Any:
    refuse_out("outer", out)
    return np.multiply(np.reshape(x, (-1, 1)), np.reshape(y, (1, -1)))


def _vdot(x: Any, y: Any) -> Any:
    return np.matmul(np.reshape(x, -1), np.reshape(y, -1))


def _tensordot(x: Any, y: Any, axes: Any = 2) -> Any:
    """Return the sum of products over pairs of axes: of both as matrices it is one matrix product."""
    if isinstance(axes, int | np.integer):
        summed = [list(range(np.ndim(x) - axes, np.ndim(x))), list(range(axes))]
    else:
        summed = [[axis] if np.ndim(axis) == 0 else list(axis) for axis in axes]
    in_x, in_y = ([axis % np.ndim(a) for axis in one] for a, one in zip((x, y), summed, strict=True))
    if [np.shape(x)[axis] for axis in in_x] != [np.shape(y)[axis] for axis in in_y]:
        raise ValueError(f"tensordot of shapes {np.shape(x)}, {np.shape(y)} over axes {axes}: lengths differ")
    free_x = [axis for axis in range(np.ndim(x)) if axis not in in_x]
    free_y = [axis for axis in range(np.ndim(y)) if axis not in in_y]
    n = math.prod(np.shape(x)[axis] for axis in in_x)
    shape_x, shape_y = [np.shape(x)[axis] for axis in free_x], [np.shape(y)[axis] for axis in free_y]
    left = np.reshape(np.transpose(x, (*free_x, *in_x)), (math.prod(shape_x), n))
    right = np.reshape(np.transpose(y, (*in_y, *free_y)), (n, math.prod(shape_y)))
    return np.reshape(np.matmul(left, right), (*shape_x, *shape_y))


def vecdot(x: Any, y: Any, axis: int = -1) -> Any:
    """Return the sums of products along an axis."""
    return np.sum(np.multiply(x, y), axis=axis)


def matvec(x: Any, y: Any) -> Any:
    """Return the products of matrices with vectors."""
    return np.matmul(x, np.expand_dims(y, -1))[..., 0]


def vecmat(x: Any, y: Any) -> Any:
    """Return the products of vectors with matrices."""
    return np.matmul(np.expand_dims(x, -2), y)[..., 0, :]


def _kron(x: Any, y: Any) -> Any:
    ndim = max(np.ndim(x), np.ndim(y))
    shape_x, shape_y = ((1,) * (ndim - np.ndim(a)) + np.shape(a) for a in (x, y))
    left = np.reshape(x, [n for length in shape_x for n in (length, 1)])
    right = np.reshape(y, [n for length in shape_y for n in (1, length)])
    return np.reshape(left * right, [n * m for n, m in zip(shape_x, shape_y, strict=True)])


def _cross(x: Any, y: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = np.moveaxis(x, axisa, -1), np.moveaxis(y, axisb, -1)
    if x.shape[-1] != 3 or y.shape[-1] != 3:
        raise ValueError(f"np.cross of Nodes is of vectors of 3 elements, got shapes {x.shape} and {y.shape}")
    parts = []
    for first, second in ((1, 2), (2, 0), (0, 1)):
        parts.append(x[..., first] * y[..., second] - x[..., second] * y[..., first])
    return np.stack(parts, axis=axisc)


def _convolve(x: Any, y: Any, mode: str = "full") -> Any:
    """Return the sums of products of one with the other, reversed and moved along it."""
    if np.size(x) < np.size(y):
        x, y = y, x
    n, m = np.size(x), np.size(y)
    padded = np.pad(x, m - 1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, m)
    full = np.matmul(windows, np.flip(y))
    start, stop = {"full": (0, n + m - 1), "same": ((m - 1) // 2, (m - 1) // 2 + n), "valid": (m - 1, n)}[
        mode
    ]
    return full[start:stop]


def _correlate(x: Any, y: Any, mode: str = "valid") -> Any:
    if np.size(x) < np.size(y):
        return np.flip(_convolve(y, np.flip(x), mode))
    return _convolve(x, np.flip(y), mode)


def _product(arrays: Any) -> Any:
    """Return the matrix product of several arrays, from the left."""
    first, *others = arrays
    for other in others:
        first = np.matmul(first, other)
    return first


PRODUCTS: dict[Any, Function] = {
    np.dot: _dot,
    np.einsum: _einsum,
    np.tensordot: _tensordot,
    np.inner: _inner,
    np.outer: _outer,
    np.vdot: _vdot,
    np.kron: _kron,
    np.cross: _cross,
    np.convolve: _convolve,
    np.correlate: _correlate,
    np.linalg.multi_dot: _product,
    np.linalg.outer: _outer,
    np.linalg.cross: lambda x, y, axis=-1: np.cross(x, y, axis=axis),
    np.linalg.matmul: np.matmul,
    np.linalg.tensordot: _tensordot,
    np.linalg.vecdot: vecdot,
}
"""By function of numpy, what it does to nodes."""
