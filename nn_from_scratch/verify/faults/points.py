"""Faults that only special points show: zeros, ties, the ends of an interval."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn_from_scratch.verify.faults.array_rules import spread
from nn_from_scratch.verify.faults.planting import Fault, derivative, pull
from nn_from_scratch.verify.faults.rules import pow_partials

KIND = "special points"


def _twice_at_a_tie(g: Any, z: Any, x: Any, axis: Any, keepdims: bool) -> tuple[Any]:
    return (spread(g, x, axis, keepdims) * (x == spread(z, x, axis, keepdims)),)


POINTS: tuple[Fault, ...] = (
    derivative("mul", "z / x, which fails at 0", lambda z, x, y: (z / x, z / y), KIND),
    derivative("square", "2 z / x, which fails at 0", lambda z, x: (2 * z / x,), KIND),
    derivative(
        "pow", "y z / x, which fails at 0", lambda z, x, y: (y * z / x, pow_partials(z, x, y)[1]), KIND
    ),
    derivative("relu", "z / x, which fails at 0", lambda z, x: (z / x,), KIND),
    derivative("relu", "slope -1 at 0", lambda z, x: (np.where(np.equal(x, 0), -1.0, (x > 0) * 1.0),), KIND),
    derivative("abs", "x / z, which fails at 0", lambda z, x: (x / z,), KIND),
    derivative("abs", "slope 2 at 0", lambda z, x: (np.where(np.equal(x, 0), 2.0, np.sign(x)),), KIND),
    derivative("maximum", "neither operand at a tie", lambda z, x, y: ((x > y) * 1.0, (x < y) * 1.0), KIND),
    derivative("minimum", "both operands at a tie", lambda z, x, y: ((x <= y) * 1.0, (x >= y) * 1.0), KIND),
    derivative("minimum", "neither operand at a tie", lambda z, x, y: ((x < y) * 1.0, (x > y) * 1.0), KIND),
    derivative("where", "neither branch at 0", lambda z, c, x, y: (0.0, (c > 0) * 1.0, (c < 0) * 1.0), KIND),
    derivative("sin", "slope 0 at 0", lambda z, x: (np.where(np.equal(x, 0), 0.0, np.cos(x)),), KIND),
    derivative(
        "tan",
        "z / x at small x, which fails at 0",
        lambda z, x: (np.where(abs(x) < 1e-4, z / x, 1 + z * z),),
        KIND,
    ),
    derivative(
        "pow",
        "slope 1 at exponent 1 only for x > 0",
        lambda z, x, y: (
            np.where((x <= 0) & np.equal(y, 1), 0.0, pow_partials(z, x, y)[0]),
            pow_partials(z, x, y)[1],
        ),
        KIND,
    ),
    derivative("expm1", "log's slope at 0", lambda z, x: (np.where(np.equal(x, 0), 0.0, np.exp(x)),), KIND),
    pull("max", "all of it for each of a tie", _twice_at_a_tie, KIND),
    pull("min", "all of it for each of a tie", _twice_at_a_tie, KIND),
    pull(
        "prod",
        "z / x, which fails at 0",
        lambda g, z, x, axis, keepdims: (spread(g * z, x, axis, keepdims) / x,),
        KIND,
    ),
)
