"""Shadows of complex numbers: a pair of entries, each a ball or a series, for each number.

Their operations are those of the real and imaginary parts, so that no derivative of a complex function is
ever meant: what is differentiated, and what is returned, is real.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from flint import arb, fmpq

from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.shadows import (
    Shadow,
    as_shadow,
    exact,
    mapped,
    of_entries,
)


@dataclass(frozen=True, slots=True)
class Complex:
    """A number: its real and its imaginary part."""

    real: Any
    imag: Any


def paired(real: Shadow, imag: Shadow) -> Shadow:
    """Return complex numbers, given their parts."""
    return mapped(Complex, real, imag)


def parts(x: Any) -> tuple[Shadow, Shadow]:
    """Return the real and the imaginary parts of numbers, of which some or all may be real."""
    entries = as_shadow(x)
    real = [e.real if isinstance(e, Complex) else e for e in entries.ravel()]
    imag = [e.imag if isinstance(e, Complex) else arb(0) for e in entries.ravel()]
    return of_entries(real, entries.shape), of_entries(imag, entries.shape)


def add(x: Any, y: Any) -> Shadow:
    """Add."""
    (a, b), (c, d) = parts(x), parts(y)
    return paired(apply("add", a, c), apply("add", b, d))


def negative(x: Any) -> Shadow:
    """Return the numbers of the other sign."""
    a, b = parts(x)
    return paired(apply("negative", a), apply("negative", b))


def subtract(x: Any, y: Any) -> Shadow:
    """Subtract."""
    return add(x, negative(y))


def conjugate(x: Any) -> Shadow:
    """Return the conjugates."""
    a, b = parts(x)
    return paired(a, apply("negative", b))


def multiply(x: Any, y: Any) -> Shadow:
    """Multiply entry by entry."""
    (a, b), (c, d) = parts(x), parts(y)
    real = apply("subtract", apply("multiply", a, c), apply("multiply", b, d))
    return paired(real, apply("add", apply("multiply", a, d), apply("multiply", b, c)))


def scaled(x: Shadow, factor: arb) -> Shadow:
    """Multiply numbers, real or complex, by one ball."""
    complex_ones = any(isinstance(entry, Complex) for entry in x.ravel())
    return multiply(x, factor) if complex_ones else apply("multiply", x, as_shadow(factor))


def square_of_size(x: Any) -> Shadow:
    """Return the squares of the absolute values."""
    a, b = parts(x)
    return apply("add", apply("square", a), apply("square", b))


def divide(x: Any, y: Any) -> Shadow:
    """Divide entry by entry."""
    return multiply(multiply(x, conjugate(y)), apply("reciprocal", square_of_size(y)))


def absolute(x: Any) -> Shadow:
    """Return the absolute values, which are real."""
    return apply("sqrt", square_of_size(x))


def exponential(x: Any) -> Shadow:
    """Return the exponentials."""
    a, b = parts(x)
    size = apply("exp", a)
    return paired(apply("multiply", size, apply("cos", b)), apply("multiply", size, apply("sin", b)))


def total(x: Any, axis: Any = None, *, keepdims: bool = False) -> Shadow:
    """Sum over axes."""
    a, b = parts(x)
    return paired(*(apply("sum", part, axis=axis, keepdims=keepdims) for part in (a, b)))


def matmul(x: Any, y: Any) -> Shadow:
    """Multiply matrices as numpy does."""
    (a, b), (c, d) = parts(x), parts(y)
    real = apply("subtract", apply("matmul", a, c), apply("matmul", b, d))
    return paired(real, apply("add", apply("matmul", a, d), apply("matmul", b, c)))


@cache
def _roots(rows: int, columns: int, size: int, sign: int) -> Shadow:
    """Return exp(sign 2 pi i j k / size), a row for each j and a column for each k."""
    powers = [fmpq(2 * ((j * k) % size), size) for j in range(rows) for k in range(columns)]
    entries = (Complex(arb.cos_pi_fmpq(p), sign * arb.sin_pi_fmpq(p)) for p in powers)
    return of_entries(entries, (rows, columns))


def transformed(x: Shadow, axes: Sequence[int], sign: int) -> Shadow:
    """Return the discrete Fourier transform over axes: the sum of x[j] exp(sign 2 pi i j k / n) over j."""
    for axis in axes:
        size = x.shape[axis]
        moved = matmul(np.moveaxis(x, axis, -1), _roots(size, size, size, sign))
        x = np.moveaxis(moved, -1, axis)
    return x


def to_reals(x: Shadow, axis: int, size: int) -> Shadow:
    """Return the real transform, with sign 1, of the first half of what is symmetric along an axis.

    The imaginary parts of the first number, and of the one in the middle of an even size, are not read.
    """
    half = size // 2 + 1
    times = np.full(half, 2.0)
    times[0] = 1.0
    if size % 2 == 0:
        times[-1] = 1.0
    moved = np.moveaxis(x, axis, -1)[..., :half]
    real, imag = parts(moved)
    alone = exact(np.where(times == 1.0, 0.0, 1.0))
    weighed = multiply(paired(real, apply("multiply", imag, alone)), exact(times))
    found, _ = parts(matmul(weighed, _roots(half, size, size, 1)))
    return np.moveaxis(found, -1, axis)
