"""CasADi, which differentiates graphs of symbols ahead (https://web.casadi.org)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import casadi

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.questions.expressions import Arithmetic


def _value_and_gradient(function: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
    symbols = casadi.SX.sym("x", len(inputs))
    result = function(*(symbols[k] for k in range(len(inputs))))
    compiled = casadi.Function("f", [symbols], [result, casadi.gradient(result, symbols)])
    value, gradient = compiled(list(inputs))
    return float(value), [float(gradient[k]) for k in range(len(inputs))]


def _logaddexp(x: Any, y: Any) -> Any:
    # CasADi's own logsumexp is log(exp(x) + exp(y)), which keeps no small digit of softplus.
    return casadi.fmax(x, y) + casadi.log1p(casadi.exp(-casadi.fabs(x - y)))


_OPERATIONS: Arithmetic = {
    **{
        name: getattr(casadi, name)
        for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "expm1", "log1p")
    },
    "arcsin": casadi.arcsin,
    "arccos": casadi.arccos,
    "arctan": casadi.arctan,
    "arctan2": casadi.arctan2,
    "hypot": casadi.hypot,
    "reciprocal": lambda x: 1 / x,
    "square": lambda x: x * x,
    "sigmoid": lambda x: 1 / (1 + casadi.exp(-x)),
    "softplus": lambda x: _logaddexp(x, 0.0),
    "logaddexp": _logaddexp,
    "relu": lambda x: casadi.fmax(x, 0.0),
    "abs": casadi.fabs,
    "sign": casadi.sign,
    "maximum": casadi.fmax,
    "minimum": casadi.fmin,
    "where": lambda c, x, y: casadi.if_else(c > 0, x, y),
    "clip": lambda x, low, high: casadi.fmin(casadi.fmax(x, low), high),
}

engine = Engine.from_transform(
    name="CasADi", namespace=None, value_and_gradient=_value_and_gradient, operations=_OPERATIONS
)
