"""Primitives on complex numbers that stand between real ones, as Fourier transforms make them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.jaxpr.deciding import chosen, sign_of_difference
from nn_from_scratch.verify.functions.jaxpr.interpreter import Call, Meaning, NotTracedError, is_complex
from nn_from_scratch.verify.functions.jaxpr.linear import LINEAR
from nn_from_scratch.verify.functions.jaxpr.moving import MOVING
from nn_from_scratch.verify.functions.tracing import complexes
from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.shadows import (
    Shadow,
    as_shadow,
    exact,
    value,
    values,
)


def _of(operation: Callable[..., Shadow]) -> Meaning:
    """Return a meaning that gives operands to an operation; a complex result is made so of real ones."""
    return lambda call: operation(*call.operands)


def _part(place: int) -> Meaning:
    return lambda call: complexes.parts(call.operands[0])[place]


def _joined(call: Call) -> Any:
    return complexes.paired(*call.operands)


def _square(x: Any) -> Shadow:
    return complexes.multiply(x, x)


def _power(call: Call) -> Any:
    exponent = int(call.parameters["y"])
    found = exact(np.ones(call.operands[0].shape))
    for _ in range(abs(exponent)):
        found = complexes.multiply(found, call.operands[0])
    return found if exponent >= 0 else complexes.divide(exact(1.0), found)


def _sum(call: Call) -> Any:
    return complexes.total(call.operands[0], tuple(call.parameters["axes"]))


def _converted(call: Call) -> Any:
    x = as_shadow(call.operands[0])
    return complexes.paired(*complexes.parts(x)) if is_complex(call.dtype) else complexes.parts(x)[0]


def _stopped(call: Call) -> Any:
    return complexes.paired(*map(values, complexes.parts(call.operands[0])))


def _sign(call: Call) -> Any:
    x = call.operands[0]
    return complexes.divide(x, complexes.absolute(x))


def _select(call: Call) -> Any:
    which, *cases = call.operands
    return chosen(which, [as_shadow(x) for x in cases])


def _dot(call: Call) -> Any:
    """Contract the parts as real arrays are contracted."""
    (a, b), (c, d) = map(complexes.parts, call.operands)

    def of(x: Shadow, y: Shadow) -> Any:
        return LINEAR["dot_general"](replace(call, operands=[x, y]))

    real = apply("subtract", of(a, c), of(b, d))
    return complexes.paired(real, apply("add", of(a, d), of(b, c)))


def _equality(equal: bool) -> Meaning:
    """Return whether numbers are equal, or are not: where a part differs, the other is not looked at."""

    def same(call: Call, z: Any, w: Any) -> bool:
        (a, b), (c, d) = (
            [x.real, x.imag] if isinstance(x, complexes.Complex) else [x, arb(0)] for x in (z, w)
        )
        apart = (not value(x).overlaps(value(y)) for x, y in ((a, c), (b, d)))
        return not any(apart) and sign_of_difference(call, a, c) == 0 == sign_of_difference(call, b, d)

    def meaning(call: Call) -> Any:
        x, y = np.broadcast_arrays(*map(as_shadow, call.operands))
        found = [same(call, *pair) is equal for pair in zip(x.ravel(), y.ravel(), strict=True)]
        return np.array(found, dtype=bool).reshape(x.shape)

    return meaning


_FORWARD, _BACK, _FROM_REALS, _TO_REALS = range(4)
"""How JAX numbers the kinds of transforms."""


def _transform(call: Call) -> Any:
    """Return a discrete Fourier transform over the last axes; one that goes back is divided by its size."""
    kind, sizes = int(call.parameters["fft_type"]), tuple(call.parameters["fft_lengths"])
    x = as_shadow(call.operands[0])
    axes = tuple(range(x.ndim - len(sizes), x.ndim))
    if kind in {_FORWARD, _FROM_REALS}:
        found = complexes.transformed(x, axes, -1)
        return found[..., : sizes[-1] // 2 + 1].copy() if kind == _FROM_REALS else found
    if kind == _BACK:
        return complexes.divide(complexes.transformed(x, axes, 1), exact(math.prod(sizes)))
    if kind != _TO_REALS:
        raise NotTracedError(f"a transform of another kind, in {call.place}")
    found = complexes.to_reals(complexes.transformed(x, axes[:-1], 1), -1, sizes[-1])
    return apply("divide", found, exact(math.prod(sizes)))


COMPLEX: dict[str, Meaning] = {
    **MOVING,
    "abs": _of(complexes.absolute),
    "add": _of(complexes.add),
    "add_any": _of(complexes.add),
    "complex": _joined,
    "conj": _of(complexes.conjugate),
    "convert_element_type": _converted,
    "div": _of(complexes.divide),
    "dot_general": _dot,
    "eq": _equality(True),
    "ne": _equality(False),
    "exp": _of(complexes.exponential),
    "fft": _transform,
    "imag": _part(1),
    "integer_pow": _power,
    "mul": _of(complexes.multiply),
    "neg": _of(complexes.negative),
    "real": _part(0),
    "reduce_sum": _sum,
    "select_n": _select,
    "sign": _sign,
    "square": _of(_square),
    "stop_gradient": _stopped,
    "sub": _of(complexes.subtract),
}
"""Meanings of primitives that take or give complex numbers."""


def by_kind(real: dict[str, Meaning]) -> dict[str, Meaning]:
    """Return meanings that are those given, or those of complex numbers where there are some."""

    def chosen(name: str) -> Meaning:
        def meaning(call: Call) -> Any:
            known = COMPLEX if call.is_complex else real
            if name not in known:
                raise NotTracedError(f"the primitive {call.place} of complex numbers")
            return known[name](call)

        return meaning

    return {name: chosen(name) for name in {**real, **COMPLEX}}
