"""The victim's rules for operations that work element by element, written without regard to any other's."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Row = tuple[Callable[..., Any], Callable[..., tuple[Any, ...]]]
"""An operation: its value, and its partial derivatives from the value and the operands."""


def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + exp(-x)), without overflow."""
    e = np.exp(-abs(x))
    return np.where(x >= 0, 1.0, e) / (1 + e)


def pow_partials(z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Return the derivatives of x**y for the base, and for the exponent where x is positive."""
    base = np.where(np.equal(y, 0), 0.0, y * np.power(np.where(np.equal(y, 0), 1.0, x), y - 1.0))
    return base, z * np.log(np.where(np.greater(x, 0), x, 1.0))


def _where_partials(_z: Any, c: Any, _x: Any, _y: Any) -> tuple[Any, Any, Any]:
    return 0.0, (c > 0) * 1.0, (c <= 0) * 1.0


RULES: Mapping[str, Row] = {
    "add": (operator.add, lambda z, x, y: (1.0, 1.0)),
    "sub": (operator.sub, lambda z, x, y: (1.0, -1.0)),
    "mul": (operator.mul, lambda z, x, y: (y, x)),
    "div": (operator.truediv, lambda z, x, y: (1 / y, -x / (y * y))),
    "pow": (np.power, pow_partials),
    "neg": (operator.neg, lambda z, x: (-1.0,)),
    "reciprocal": (lambda x: 1 / x, lambda z, x: (-z * z,)),
    "square": (lambda x: x * x, lambda z, x: (2 * x,)),
    "exp": (np.exp, lambda z, x: (z,)),
    "expm1": (np.expm1, lambda z, x: (np.exp(x),)),
    "log1p": (np.log1p, lambda z, x: (1 / (1 + x),)),
    "log": (np.log, lambda z, x: (1 / x,)),
    "sqrt": (np.sqrt, lambda z, x: (0.5 / z,)),
    "sin": (np.sin, lambda z, x: (np.cos(x),)),
    "cos": (np.cos, lambda z, x: (-np.sin(x),)),
    "tan": (np.tan, lambda z, x: (1 + z * z,)),
    "arcsin": (np.arcsin, lambda z, x: (1 / np.sqrt(1 - x * x),)),
    "arccos": (np.arccos, lambda z, x: (-1 / np.sqrt(1 - x * x),)),
    "arctan": (np.arctan, lambda z, x: (1 / (1 + x * x),)),
    "arctan2": (np.arctan2, lambda z, y, x: (x / (x * x + y * y), -y / (x * x + y * y))),
    "sinh": (np.sinh, lambda z, x: (np.cosh(x),)),
    "cosh": (np.cosh, lambda z, x: (np.sinh(x),)),
    "tanh": (np.tanh, lambda z, x: (1 - z * z,)),
    "sigmoid": (sigmoid, lambda z, x: (z * (1 - z),)),
    "softplus": (
        lambda x: np.maximum(x, 0.0) + np.log1p(np.exp(-abs(x))),
        lambda z, x: (sigmoid(x),),
    ),
    "hypot": (np.hypot, lambda z, x, y: (x / z, y / z)),
    "logaddexp": (
        lambda x, y: np.maximum(x, y) + np.log1p(np.exp(-abs(x - y))),
        lambda z, x, y: (sigmoid(x - y), sigmoid(y - x)),
    ),
    "relu": (lambda x: np.maximum(x, 0.0), lambda z, x: ((x > 0) * 1.0,)),
    "abs": (abs, lambda z, x: (np.sign(x),)),
    "sign": (np.sign, lambda z, x: (0.0,)),
    "maximum": (np.maximum, lambda z, x, y: ((x >= y) * 1.0, (x < y) * 1.0)),
    "minimum": (np.minimum, lambda z, x, y: ((x <= y) * 1.0, (x > y) * 1.0)),
    "where": (lambda c, x, y: np.where(c > 0, x, y), _where_partials),
    "clip": (
        lambda x, low, high: np.minimum(np.maximum(x, low), high),
        lambda z, x, low, high: ((low <= x) * (x <= high) * 1.0, 0.0, 0.0),
    ),
}
