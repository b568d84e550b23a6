"""Fifty digits throughout, rounded at the end: an engine whose errors are as small as its format allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import mpmath

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.power.right_engines.tape import topological
from nn_from_scratch.verify.questions.operations import CATALOGUE

context = mpmath.MPContext()
context.dps = 50
_LARGEST = context.mpf(10) ** 1000


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + context.exp(-x))


def _step(x: Any) -> Any:
    return context.mpf(x > 0)


def _power(x: Any, y: Any) -> tuple[Any, tuple[Any, ...]]:
    by_base = y * x ** (y - 1) if y else context.zero
    return x**y, (by_base, x**y * context.log(x) if x > 0 else context.zero)


def _clip(x: Any, low: Any, high: Any) -> tuple[Any, tuple[Any, ...]]:
    return min(max(x, low), high), (context.mpf(low < x < high), context.zero, context.zero)


def _logaddexp(x: Any, y: Any) -> tuple[Any, tuple[Any, ...]]:
    small, large = sorted((x, y))
    return large + context.log1p(context.exp(small - large)), (_sigmoid(x - y), _sigmoid(y - x))


_RULES: Mapping[str, Callable[..., tuple[Any, tuple[Any, ...]]]] = {
    "add": lambda x, y: (x + y, (1, 1)),
    "sub": lambda x, y: (x - y, (1, -1)),
    "mul": lambda x, y: (x * y, (y, x)),
    "div": lambda x, y: (x / y, (1 / y, -x / y**2)),
    "pow": _power,
    "neg": lambda x: (-x, (-1,)),
    "reciprocal": lambda x: (1 / x, (-1 / x**2,)),
    "square": lambda x: (x**2, (2 * x,)),
    "exp": lambda x: (context.exp(x), (context.exp(x),)),
    "expm1": lambda x: (context.expm1(x), (context.exp(x),)),
    "log": lambda x: (context.log(x), (1 / x,)),
    "log1p": lambda x: (context.log1p(x), (1 / (1 + x),)),
    "sqrt": lambda x: (context.sqrt(x), (1 / (2 * context.sqrt(x)),)),
    "sin": lambda x: (context.sin(x), (context.cos(x),)),
    "cos": lambda x: (context.cos(x), (-context.sin(x),)),
    "tan": lambda x: (context.tan(x), (context.sec(x) ** 2,)),
    "arcsin": lambda x: (context.asin(x), (1 / context.sqrt((1 - x) * (1 + x)),)),
    "arccos": lambda x: (context.acos(x), (-1 / context.sqrt((1 - x) * (1 + x)),)),
    "arctan": lambda x: (context.atan(x), (1 / (1 + x**2),)),
    "arctan2": lambda y, x: (context.atan2(y, x), (x / (x**2 + y**2), -y / (x**2 + y**2))),
    "sinh": lambda x: (context.sinh(x), (context.cosh(x),)),
    "cosh": lambda x: (context.cosh(x), (context.sinh(x),)),
    "tanh": lambda x: (context.tanh(x), (context.sech(x) ** 2,)),
    "sigmoid": lambda x: (_sigmoid(x), (_sigmoid(x) * _sigmoid(-x),)),
    "softplus": lambda x: (_logaddexp(x, context.zero)[0], (_sigmoid(x),)),
    "hypot": lambda x, y: (context.hypot(x, y), (x / context.hypot(x, y), y / context.hypot(x, y))),
    "logaddexp": _logaddexp,
    "relu": lambda x: (max(x, context.zero), (_step(x),)),
    "sign": lambda x: (context.sign(x), (context.zero,)),
    "abs": lambda x: (abs(x), (context.sign(x),)),
    "maximum": lambda x, y: (max(x, y), (context.mpf(x >= y), context.mpf(x < y))),
    "minimum": lambda x, y: (min(x, y), (context.mpf(x <= y), context.mpf(x > y))),
    "where": lambda c, x, y: (x if c > 0 else y, (context.zero, _step(c), 1 - _step(c))),
    "clip": _clip,
}


@dataclass(eq=False, slots=True)
class Value:
    """A number of fifty digits, how it was computed, and its gradient."""

    data: Any
    operands: tuple[Any, ...] = ()
    partials: tuple[Any, ...] = ()
    grad: Any = context.zero


def _apply(rule: str, *operands: Value | float) -> Value:
    numbers = [x.data if isinstance(x, Value) else context.mpf(x) for x in operands]
    undefined = context.nan, (context.nan,) * len(operands)
    try:
        result, partials = _RULES[rule](*numbers)
    except ZeroDivisionError:  # where other engines compute an infinity
        result, partials = undefined
    if any(isinstance(x, context.mpc) for x in (result, *partials)):  # where others compute no number
        result, partials = undefined
    if abs(result) > _LARGEST:  # beyond every format; its sine would take as many digits of pi
        result *= context.inf
    nodes = [(x, slope) for x, slope in zip(operands, partials, strict=True) if isinstance(x, Value)]
    return Value(result, tuple(x for x, _ in nodes), tuple(slope for _, slope in nodes))


def _backward(output: Value) -> None:
    output.grad = context.one
    for node in topological(output):  # type: ignore[arg-type]
        for operand, slope in zip(node.operands, node.partials, strict=True):
            operand.grad = operand.grad + node.grad * slope


def engine(dtype: str = "float64") -> Engine:
    """Return the engine; its answers are rounded to `dtype`."""
    return Engine.from_tape(
        name=f"fifty digits, rounded to {dtype}",
        variable=lambda x: Value(context.mpf(x)),
        backward=_backward,
        value=lambda node: node.data,
        gradient=lambda node: node.grad,
        operations={rule: partial(_apply, rule) for rule in CATALOGUE},
        complete=True,
        dtype=dtype,
    )
