"""Faults that leave most digits right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nn_from_scratch.verify.faults.array_rules import PULLS, spread
from nn_from_scratch.verify.faults.planting import ANY, Fault, derivative, part, pull, scaled, value
from nn_from_scratch.verify.faults.rules import RULES
from nn_from_scratch.verify.faults.victim import Value

KIND = "precision"


def _single(x: Any) -> Any:
    return np.float64(np.float32(x)) if np.ndim(x) == 0 else np.float32(x).astype(np.float64)


def _differenced(rule: str, step: float) -> Fault:
    """Plant a derivative that is a central difference."""
    f = RULES[rule][0]
    return derivative(
        rule,
        f"a central difference with step {step:g}",
        lambda z, x: ((f(x + step) - f(x - step)) / (2 * step),),
        KIND,
    )


def _single_value(rule: str) -> Fault:
    """Plant an array operation that computes in float32."""
    compute: Callable[..., Any] = PULLS[rule][0]

    def wrong(*xs: Any, **parameters: Any) -> Any:
        return np.asarray(compute(*map(np.float32, xs), **parameters)).astype(np.float64)

    return value(rule, "float32 inside", wrong, KIND)


PRECISION: tuple[Fault, ...] = (
    _differenced("sinh", 1e-5),
    _differenced("arctan", 1e-3),
    _single_value("matmul"),
    _single_value("sum"),
    _single_value("softmax"),
    pull(
        "mean",
        "float32 inside",
        lambda g, z, x, axis, keepdims: (
            spread(g, x, axis, keepdims) * np.float64(np.float32(np.size(z) / np.size(x))),
        ),
        KIND,
    ),
    pull(
        "logsumexp",
        "float32 inside",
        lambda g, z, x, axis, keepdims: (
            spread(g, x, axis, keepdims) * _single(np.exp(x - spread(z, x, axis, keepdims))),
        ),
        KIND,
    ),
    derivative("exp", "float32 inside", lambda z, x: (_single(z),), KIND),
    derivative("div", "float32 inside", lambda z, x, y: (_single(1 / y), _single(-x / (y * y))), KIND),
    derivative(
        "sigmoid",
        "float16 inside",
        lambda z, x: (
            np.float64(np.float16(z * (1 - z)))
            if np.ndim(z) == 0
            else np.float16(z * (1 - z)).astype(np.float64),
        ),
        KIND,
    ),
    derivative("sqrt", "ten digits", lambda z, x: (np.round(0.5 / z, 10),), KIND),
    derivative("log", "an epsilon under the division", lambda z, x: (1 / (x + 1e-8),), KIND),
    derivative("arcsin", "an epsilon under the root", lambda z, x: (1 / np.sqrt(1 - x * x + 1e-10),), KIND),
    derivative("hypot", "an epsilon in the divisor", lambda z, x, y: (x / (z + 1e-9), y / (z + 1e-9)), KIND),
    value("cos", "a period of 6.283185307", lambda x: np.cos(np.fmod(x, 6.283185307)), KIND),
    scaled("mul", 1 + 1e-6, KIND),
    scaled("cosh", 1 - 1e-4, KIND),
    scaled("sub", 1 + 1e-13, KIND),
    part(
        "float32 gradients",
        "gradients kept in float32",
        ANY,
        KIND,
        combine=lambda rule, old, new: _single(old + new),
    ),
    part("float32 leaves", "leaves rounded to float32", ANY, KIND, leaf=lambda x: Value(_single(x))),
)
