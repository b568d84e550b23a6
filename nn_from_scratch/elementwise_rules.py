"""Rules of numpy's other elementwise functions, in the notation of `rules`.

Conventions at kinks: `fmax` and `fmin` share a tie as `maximum` does; `mod` and `fmod` have at their jumps
the derivative beside them; `copysign` has 0 by the first at 0, as `abs` has, and 0 by the sign; `cbrt` has
derivative inf at 0, its limit.
"""

import math

import numpy as np

from nn_from_scratch.rule import Elementwise, Function, Operand
from nn_from_scratch.rules import SIGMOID, one_less_square


def _row(compute: Function, *partials: Function, scalar: Function | None = None) -> Elementwise:
    return Elementwise(compute.__name__, compute, partials, scalar=scalar)


_LN2, _LN10 = math.log(2), math.log(10)
_DEGREES = 180 / math.pi

_SINC_TERMS = [(-1) ** k * 2 * k / math.factorial(2 * k + 1) for k in range(1, 12)]
"""Of (cos u - sin u / u) / u, the coefficients of u, u³, u⁵, ...: at 1 the first left out is below 1e-22."""


def _sinc_slope(_z: Operand, x: Operand) -> Operand:
    """Return pi (cos u - sin u / u) / u for u = pi x; below 1 as a series, where the difference cancels."""
    u = np.pi * x
    is_small = np.abs(u) < 1
    small, large = np.where(is_small, u, 0.0), np.where(is_small, 1.0, u)
    series, square = 0.0 * small, small * small
    for coefficient in reversed(_SINC_TERMS):
        series = series * square + coefficient
    return np.pi * np.where(is_small, small * series, (np.cos(large) - np.sin(large) / large) / large)


def _first_counts(_z: Operand, x: Operand, y: Operand) -> Operand:
    """Return 1 where x is larger, or all that is a number; 1/2 at a tie."""
    return (x > y) + 0.5 * (x == y) + 1.0 * np.isnan(y)


def _second_counts(_z: Operand, x: Operand, y: Operand) -> Operand:
    """Return 1 where y is larger, or all that is a number; 1/2 at a tie."""
    return (y > x) + 0.5 * (y == x) + 1.0 * (np.isnan(x) & ~np.isnan(y))


def _whole_times(z: Operand, x: Operand, y: Operand) -> Operand:
    """Return how many times y was taken from x to leave z, negative."""
    return -np.rint((x - z) / y)


ELEMENTWISE_ROWS = (
    # Exponentials, logarithms and roots
    _row(np.exp2, lambda z, x: z * _LN2),
    _row(np.log2, lambda z, x: 1 / (x * _LN2), scalar=math.log2),
    _row(np.log10, lambda z, x: 1 / (x * _LN10), scalar=math.log10),
    _row(np.logaddexp2, lambda z, x, y: SIGMOID((x - y) * _LN2), lambda z, x, y: SIGMOID((y - x) * _LN2)),
    _row(np.cbrt, lambda z, x: 1 / (3 * z * z)),
    # Inverse hyperbolic functions, and the sine over its angle
    _row(np.arcsinh, lambda z, x: 1 / np.hypot(x, 1.0), scalar=math.asinh),
    _row(np.arccosh, lambda z, x: 1 / (np.sqrt(x - 1) * np.sqrt(x + 1)), scalar=math.acosh),
    _row(np.arctanh, lambda z, x: 1 / one_less_square(x), scalar=math.atanh),
    _row(np.sinc, _sinc_slope),
    # Angles in degrees
    _row(np.deg2rad, lambda z, x: 1 / _DEGREES),
    _row(np.radians, lambda z, x: 1 / _DEGREES),
    _row(np.rad2deg, lambda z, x: _DEGREES),
    _row(np.degrees, lambda z, x: _DEGREES),
    # Signs, remainders, and the larger of two
    _row(np.positive, lambda z, x: 1.0),
    _row(np.conjugate, lambda z, x: 1.0),
    _row(np.fabs, lambda z, x: np.sign(x)),
    _row(np.copysign, lambda z, x, y: np.sign(x) * np.copysign(1.0, y), lambda z, x, y: 0.0),
    _row(np.remainder, lambda z, x, y: 1.0, _whole_times),
    _row(np.fmod, lambda z, x, y: 1.0, _whole_times),
    _row(np.fmax, _first_counts, _second_counts),
    _row(np.fmin, lambda z, x, y: _first_counts(z, -x, -y), lambda z, x, y: _second_counts(z, -x, -y)),
)


def _nan_to_num(
    x: Operand, copy: bool = True, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Operand:
    """Replace what is no finite number; what was replaced has the derivative 0."""
    largest = np.finfo(x.dtype).max
    z = np.where(np.isnan(x), nan, x)
    z = np.where(np.equal(x, np.inf), largest if posinf is None else posinf, z)
    return np.where(np.equal(x, -np.inf), -largest if neginf is None else neginf, z)


SINC = next(row for row in ELEMENTWISE_ROWS if row.compute is np.sinc)


def _sinc(x: Operand) -> Operand:
    return SINC(x)


def _real(val: Operand) -> Operand:
    return np.positive(val)


def _real_if_close(a: Operand, tol: float = 100) -> Operand:
    return np.positive(a)


ELEMENTWISE_FUNCTIONS: dict[object, Function] = {
    np.sinc: _sinc,
    np.nan_to_num: _nan_to_num,
    np.real: _real,
    np.real_if_close: _real_if_close,
}
"""By function of numpy that is no ufunc, what it does to nodes."""
