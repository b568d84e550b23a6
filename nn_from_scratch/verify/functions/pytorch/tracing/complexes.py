"""Operations on complex numbers that stand between real ones, as Fourier transforms make them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.pytorch.tracing.operands import (
    Call,
    NotTracedError,
    Operand,
    Rule,
    exactly,
)
from nn_from_scratch.verify.functions.tracing import complexes
from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.shadows import Shadow, as_shadow, exact, nearest, select


def _unary(operation: Callable[[Any], Shadow]) -> Rule:
    return lambda call: operation(call.shadow("self"))


def _binary(operation: Callable[[Any, Any], Shadow]) -> Rule:
    return lambda call: operation(call.shadow("self"), call.shadow("other"))


def _scaled(call: Call, name: str) -> Shadow:
    shadow = call.shadow(name)
    return shadow if call["alpha"] in {None, 1} else complexes.multiply(shadow, call.shadow("alpha"))


def _sum(call: Call) -> Shadow:
    axis = tuple(call["dim"]) if call["dim"] else None
    return complexes.total(call.shadow("self"), axis, keepdims=bool(call["keepdim"]))


def _mean(call: Call) -> Shadow:
    summed = _sum(call)
    return complexes.divide(summed, exact(call.shadow("self").size // max(summed.size, 1)))


def _matmul(call: Call) -> Shadow:
    other = next(name for name in ("mat2", "other", "vec", "tensor") if name in call.arguments)
    return complexes.matmul(call.shadow("self"), call.shadow(other))


def _inner(call: Call) -> Shadow:
    return complexes.matmul(complexes.conjugate(call.shadow("self")), call.shadow("other"))


def _joined(call: Call) -> Shadow:
    return complexes.paired(*np.broadcast_arrays(call.shadow("real"), call.shadow("imag")))


def _sign(call: Call) -> Shadow:
    """Return numbers over their sizes; that of 0 is 0."""
    x, at_zero = call.shadow("self"), call.numbers("self") == 0
    ones = exact(np.ones(x.shape))
    found = complexes.divide(x, select(at_zero, ones, complexes.absolute(x)))
    return select(at_zero, exact(np.zeros(x.shape)), found)


def _size(call: Call) -> Shadow:
    x, at_zero = call.shadow("self"), call.numbers("self") == 0
    size = complexes.absolute(select(at_zero, exact(np.ones(x.shape)), x))
    return select(at_zero, exact(np.zeros(x.shape)), size)


def _angle(call: Call) -> Shadow:
    real, imag = complexes.parts(call.shadow("self"))
    return apply("arctan2", imag, real)


def _power(call: Call) -> Shadow:
    exponent = call["exponent"]
    if isinstance(exponent, Operand) or exponent not in range(1, _LARGEST_POWER):
        raise NotTracedError("this power of complex numbers")
    found = x = call.shadow("self")
    for _ in range(int(exponent) - 1):
        found = complexes.multiply(found, x)
    return found


_LARGEST_POWER = 16


def _converted(call: Call) -> Shadow:
    """Copy; a real result takes the real parts."""
    x = call.shadow("src" if "src" in call.arguments else "self")
    return x.copy() if call.results[0].dtype.kind == "c" else complexes.parts(x)[0]


def _filled(name: str) -> Rule:
    return lambda call: np.broadcast_to(call.shadow(name), call.results[0].shape)


def _constant(call: Call) -> Shadow:
    return exactly(call.results[0])


def _normalised(call: Call, x: Shadow, count: int) -> Shadow:
    """Divide a transform of so many numbers by their number, or its root, if that is asked for."""
    if not call["normalization"]:
        return x
    by = exact(count)
    return complexes.divide(x, apply("sqrt", by) if call["normalization"] == _BY_THE_ROOT else by)


_BY_THE_ROOT = 1


def _count(call: Call, shape: tuple[int, ...]) -> int:
    return math.prod(shape[axis] for axis in call["dim"])


def _from_reals(call: Call) -> Shadow:
    x = call.shadow("self")
    found = complexes.transformed(x, call["dim"], -1)
    if call["onesided"]:
        axis = call["dim"][-1]
        found = np.take(found, np.arange(x.shape[axis] // 2 + 1), axis)
    return _normalised(call, found, _count(call, x.shape))


def _transformed(call: Call) -> Shadow:
    x = call.shadow("self")
    found = complexes.transformed(x, call["dim"], -1 if call["forward"] else 1)
    return _normalised(call, found, _count(call, x.shape))


def _to_reals(call: Call) -> Shadow:
    *others, axis = call["dim"]
    x = complexes.transformed(call.shadow("self"), others, 1)
    found = complexes.to_reals(x, axis, int(call["last_dim_size"]))
    return complexes.parts(_normalised(call, found, _count(call, call.results[0].shape)))[0]


COMPLEX: dict[str, Rule] = {
    "add": lambda call: complexes.add(call.shadow("self"), _scaled(call, "other")),
    "sub": lambda call: complexes.subtract(call.shadow("self"), _scaled(call, "other")),
    "rsub": lambda call: complexes.subtract(call.shadow("other"), _scaled(call, "self")),
    "mul": _binary(complexes.multiply),
    "div": _binary(complexes.divide),
    "neg": _unary(complexes.negative),
    "reciprocal": lambda call: complexes.divide(exact(1.0), call.shadow("self")),
    "square": lambda call: complexes.multiply(call.shadow("self"), call.shadow("self")),
    "exp": _unary(complexes.exponential),
    "pow": _power,
    "abs": _size,
    "sgn": _sign,
    "angle": _angle,
    "complex": _joined,
    **dict.fromkeys(("_conj_physical", "conj_physical"), _unary(complexes.conjugate)),
    "sum": _sum,
    "mean": _mean,
    **dict.fromkeys(("mm", "bmm", "mv", "dot", "matmul"), _matmul),
    "vdot": _inner,
    "_fft_r2c": _from_reals,
    "_fft_c2c": _transformed,
    "_fft_c2r": _to_reals,
    **dict.fromkeys(("clone", "_to_copy", "copy", "contiguous", "detach_copy", "alias_copy"), _converted),
    "fill": _filled("value"),
    **dict.fromkeys(("full", "full_like", "new_full"), _filled("fill_value")),
    **dict.fromkeys(
        ("zero", "zeros", "zeros_like", "new_zeros", "_efficientzerotensor", "ones", "ones_like", "new_ones"),
        _constant,
    ),
}
"""Rules by the names of PyTorch's operations, without the underscore of those in place."""

_SUMS = frozenset(["sum", "mean", "mm", "bmm", "mv", "dot", "vdot", "matmul"])
_OF_TWO = frozenset(["add", "sub", "rsub"])


def complex_scale(name: str, call: Call, expected: Shadow) -> Any:
    """Return by what a rounding is multiplied: parts are as inexact as the whole number is large."""
    operands = [x for x in call.arguments.values() if isinstance(x, Operand)]
    largest = [float(np.abs(x.numbers).max(initial=0.0)) for x in operands]
    if name.startswith("_fft"):
        return float(np.abs(operands[0].numbers).sum()) * 2
    if name in _SUMS:
        return math.prod(largest) * operands[0].numbers.size
    if name in _OF_TWO:
        return sum(largest) * (1 + abs(complex(call["alpha"] or 1)))
    found = np.abs(nearest(as_shadow(expected)))
    if call.results[0].dtype.kind != "c" or not found.size:
        return found
    return np.broadcast_to(np.linalg.norm(found, axis=-1, keepdims=True), found.shape)
