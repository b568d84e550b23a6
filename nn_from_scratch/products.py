"""Products of arrays: dot, einsum, tensordot and their kin, by matmul and one rule for einsum."""

import math
from typing import Any

import numpy as np

from nn_from_scratch.array_rules import axis_within
from nn_from_scratch.rearranging import move
from nn_from_scratch.refusals import refuse_out
from nn_from_scratch.rule import Function, Operand, Value, Variadic
from nn_from_scratch.values import brief, cut

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


def _einsum_of_one(x: Value, subscripts: str) -> Value:
    return np.einsum(subscripts, x)


_einsum_of_one.__name__ = "einsum"  # as messages have it
_entries_of_equal_index = move(_einsum_of_one)


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
            _require_equal_lengths(inputs[k], np.shape(x))
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


def _require_equal_lengths(letters: str, shape: tuple[int, ...]) -> None:
    """Refuse axes of one letter and several lengths: of none and some numpy gives what is in its memory."""
    for letter in letters:
        lengths = {n for other, n in zip(letters, shape, strict=True) if other == letter}
        if len(lengths) > 1:
            raise ValueError(f"einsum of shapes {shape}: {letter} stands for lengths that differ")


_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _spelled_out(subscripts: str, ndims: list[int]) -> tuple[list[str], str]:
    """Return the letters of each operand and of the result, with letters for dots."""
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    if len(inputs) != len(ndims):
        raise ValueError(f"np.einsum: {brief(subscripts)} is of {len(inputs)} operands, got {len(ndims)}")
    free = [letter for letter in _LETTERS if letter not in subscripts]
    longest = max([0, *(n - len(one) + 3 for one, n in zip(inputs, ndims, strict=True) if "..." in one)])
    dots = "".join(free[:longest])
    spelled = []
    for one, n in zip(inputs, ndims, strict=True):
        count = n - len(one) + 3
        spelled.append(one.replace("...", dots[longest - count :] if count else "") if "..." in one else one)
        if len(spelled[-1]) != n:
            raise ValueError(f"np.einsum: {brief(one)} in {brief(subscripts)} is no operand with {n} axes")
    if not arrow:
        letters = left.replace(",", "").replace(".", "")
        output = dots + "".join(sorted(letter for letter in set(letters) if letters.count(letter) == 1))
    return spelled, output.replace("...", dots)


# By matrix products


def _dot(a: Any, b: Any, out: Any = None) -> Any:
    refuse_out("dot", out)
    if not np.ndim(a) or not np.ndim(b):
        return np.multiply(a, b)
    if np.ndim(b) <= 2 and (np.ndim(a) <= 2 or np.ndim(b) == 1):
        return np.matmul(a, b)
    return np.tensordot(a, b, (-1, -2))


def _inner(a: Any, b: Any) -> Any:
    return np.tensordot(a, b, (-1, -1)) if np.ndim(a) and np.ndim(b) else np.multiply(a, b)


def _outer(a: Any, b: Any, out: Any = None) -> Any:
    refuse_out("outer", out)
    return np.multiply(np.reshape(a, (-1, 1)), np.reshape(b, (1, -1)))


def _vdot(a: Any, b: Any) -> Any:
    return np.matmul(np.reshape(a, -1), np.reshape(b, -1))


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Return the sum of products over pairs of axes: of both as matrices it is one matrix product."""
    if isinstance(axes, int | np.integer):
        n = int(axes)
        if n > min(np.ndim(a), np.ndim(b)):
            raise np.exceptions.AxisError(
                f"np.tensordot of shapes {np.shape(a)}, {np.shape(b)}: one has no {n} axes"
            )
        axes = range(np.ndim(a) - n, np.ndim(a)), range(n)
    of_a, of_b = axes
    in_a = [axis_within("np.tensordot", axis, a) for axis in np.atleast_1d(of_a)]
    in_b = [axis_within("np.tensordot", axis, b) for axis in np.atleast_1d(of_b)]
    if [np.shape(a)[axis] for axis in in_a] != [np.shape(b)[axis] for axis in in_b]:
        raise ValueError(
            f"tensordot of shapes {np.shape(a)}, {np.shape(b)} over axes {in_a}, {in_b}: lengths differ"
        )
    free_a = [axis for axis in range(np.ndim(a)) if axis not in in_a]
    free_b = [axis for axis in range(np.ndim(b)) if axis not in in_b]
    n = math.prod(np.shape(a)[axis] for axis in in_a)
    shape_a, shape_b = [np.shape(a)[axis] for axis in free_a], [np.shape(b)[axis] for axis in free_b]
    left = np.reshape(np.transpose(a, (*free_a, *in_a)), (math.prod(shape_a), n))
    right = np.reshape(np.transpose(b, (*in_b, *free_b)), (n, math.prod(shape_b)))
    return np.reshape(np.matmul(left, right), (*shape_a, *shape_b))


def vecdot(x1: Any, x2: Any, axis: int = -1) -> Any:
    """Return the sums of products along an axis of each, which all others are broadcast beside."""
    x1, x2 = (np.moveaxis(x, axis_within("np.vecdot", axis, x), -1) for x in (x1, x2))
    if np.shape(x1)[-1] != np.shape(x2)[-1]:
        raise ValueError(f"np.vecdot of shapes {np.shape(x1)}, {np.shape(x2)}: lengths of vectors differ")
    return np.sum(np.multiply(x1, x2), axis=-1)


def matvec(x1: Any, x2: Any) -> Any:
    """Return the products of matrices with vectors."""
    if np.ndim(x1) < 2 or np.ndim(x2) < 1:
        raise ValueError(f"np.matvec of shapes {np.shape(x1)}, {np.shape(x2)}: no matrix and vector")
    return np.matmul(x1, np.expand_dims(x2, -1))[..., 0]


def vecmat(x1: Any, x2: Any) -> Any:
    """Return the products of vectors with matrices."""
    if np.ndim(x1) < 1 or np.ndim(x2) < 2:
        raise ValueError(f"np.vecmat of shapes {np.shape(x1)}, {np.shape(x2)}: no vector and matrix")
    return np.matmul(np.expand_dims(x1, -2), x2)[..., 0, :]


def _kron(a: Any, b: Any) -> Any:
    ndim = max(np.ndim(a), np.ndim(b))
    shape_a, shape_b = ((1,) * (ndim - np.ndim(x)) + np.shape(x) for x in (a, b))
    left = np.reshape(a, [n for length in shape_a for n in (length, 1)])
    right = np.reshape(b, [n for length in shape_b for n in (1, length)])
    return np.reshape(left * right, [n * m for n, m in zip(shape_a, shape_b, strict=True)])


def _cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    x = np.moveaxis(a, axis_within("np.cross", axisa, a), -1)
    y = np.moveaxis(b, axis_within("np.cross", axisb, b), -1)
    if x.shape[-1] != 3 or y.shape[-1] != 3:
        raise ValueError(f"np.cross of Nodes is of vectors of 3 elements, got shapes {x.shape} and {y.shape}")
    parts = []
    for first, second in ((1, 2), (2, 0), (0, 1)):
        parts.append(x[..., first] * y[..., second] - x[..., second] * y[..., first])
    return np.stack(parts, axis=axisc)


_MODES = ("valid", "same", "full")
"""Which sums of products there are, by numpy's number of the mode."""


def _convolve(a: Any, v: Any, mode: Any = "full") -> Any:
    """Return the sums of products of one with the other, reversed and moved along it."""
    if not np.size(a) or not np.size(v) or max(np.ndim(a), np.ndim(v)) > 1:
        raise ValueError(f"np.convolve is of rows with elements, got shapes {np.shape(a)}, {np.shape(v)}")
    if np.size(a) < np.size(v):
        a, v = v, a
    n, m = np.size(a), np.size(v)
    padded = np.pad(np.reshape(a, -1), m - 1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, m)
    full = np.matmul(windows, np.flip(np.reshape(v, -1)))
    mode = _MODES[mode] if mode in range(len(_MODES)) else mode
    if mode not in _MODES:
        raise ValueError(f"np.convolve: mode is full, same or valid, got {brief(mode)}")
    if mode == "full":
        return full
    return full[m - 1 : n] if mode == "valid" else full[(m - 1) // 2 : (m - 1) // 2 + n]


def _correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    if np.ndim(a) != 1 or np.ndim(v) != 1:
        raise ValueError(f"np.correlate is of rows, got shapes {np.shape(a)}, {np.shape(v)}")
    if np.size(a) < np.size(v):
        return np.flip(_convolve(v, np.flip(a), mode))
    return _convolve(a, np.flip(v), mode)


def _multi_dot(arrays: Any, *, out: Any = None) -> Any:
    """Return the matrix product of several arrays, from the left."""
    refuse_out("linalg.multi_dot", out)
    first, *others = arrays
    inner = others[:-1]
    if not others or any(np.ndim(x) != 2 for x in inner) or {np.ndim(first), np.ndim(others[-1])} - {1, 2}:
        shapes = ", ".join(str(np.shape(x)) for x in arrays)
        raise np.linalg.LinAlgError(
            f"np.linalg.multi_dot is of two matrices or more, got shapes {cut(shapes)}"
        )
    for other in others:
        first = np.matmul(first, other)
    return first


def _outer_of_vectors(x1: Any, x2: Any) -> Any:
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(f"np.linalg.outer is of two vectors, got shapes {np.shape(x1)}, {np.shape(x2)}")
    return _outer(x1, x2)


def _cross_of_vectors(x1: Any, x2: Any, *, axis: int = -1) -> Any:
    return _cross(x1, x2, axis=axis)


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
    np.linalg.multi_dot: _multi_dot,
    np.linalg.outer: _outer_of_vectors,
    np.linalg.cross: _cross_of_vectors,
    np.linalg.matmul: np.matmul,
    np.linalg.tensordot: _tensordot,
    np.linalg.vecdot: vecdot,
}
"""By function of numpy, what it does to nodes."""
