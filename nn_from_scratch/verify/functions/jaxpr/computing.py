"""Primitives that compute entry by entry, and what is computed of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flint import arb

from nn_from_scratch.verify.functions.jaxpr.interpreter import Call, Meaning, is_floating, is_shadow, lifted
from nn_from_scratch.verify.functions.jaxpr.running import running
from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.shadows import (
    Shadow,
    as_shadow,
    exact,
    mapped,
    nearest,
    value,
    values,
)

NAMES = {
    "acos": "arccos",
    "acosh": "arccosh",
    "add": "add",
    "add_any": "add",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
    "bessel_i0e": "i0e",
    "bessel_i1e": "i1e",
    "cbrt": "cbrt",
    "cos": "cos",
    "cosh": "cosh",
    "digamma": "digamma",
    "div": "divide",
    "erf": "erf",
    "erf_inv": "erfinv",
    "erfc": "erfc",
    "exp2": "exp2",
    "expm1": "expm1",
    "lgamma": "lgamma",
    "log": "log",
    "log1p": "log1p",
    "logistic": "sigmoid",
    "mul": "multiply",
    "neg": "negative",
    "pow": "power",
    "rsqrt": "rsqrt",
    "sin": "sin",
    "sinh": "sinh",
    "sqrt": "sqrt",
    "square": "square",
    "sub": "subtract",
    "tan": "tan",
    "tanh": "tanh",
}
"""What JAX's primitives are called in `tracing.operations`."""


def _entry_by_entry(name: str) -> Meaning:
    def meaning(call: Call) -> Any:
        return apply(name, *call.operands)

    return meaning


def _exponential(call: Call) -> Any:
    """Return the exponential; that of minus infinity is 0, and so is its derivative: masks are made so."""
    x = call.operands[0]
    return mapped(_exponential_of_entry, x)


def _exponential_of_entry(x: Any) -> Any:
    at = value(x)
    if not at.is_finite() and at < 0 and at == arb("-inf"):
        return arb(0)
    return apply("exp", as_shadow(x)).item()


def _integer_power(call: Call) -> Any:
    return apply("power", call.operands[0], exact(call.parameters["y"]))


def _convert(call: Call) -> Any:
    x = call.operands[0]
    if not is_shadow(x):
        return lifted(call.bind(x)[0], call.dtype)
    if is_floating(call.dtype):
        return x
    return nearest(x).astype(call.dtype)


def _same(call: Call) -> Any:
    return call.operands[0]


def _constant(call: Call) -> Any:
    """Return the values alone: what is stopped has no derivative."""
    return values(call.operands[0])


def _polygamma(call: Call) -> Any:
    order, x = call.operands
    return apply("polygamma", x, order)


def _sum(call: Call) -> Any:
    return apply("sum", call.operands[0], axis=tuple(call.parameters["axes"]))


def _product(call: Call) -> Any:
    return apply("prod", call.operands[0], axis=tuple(call.parameters["axes"]))


def _step(name: str) -> Callable[[Call, Shadow, Shadow], Shadow]:
    def step(_: Call, before: Shadow, entry: Shadow) -> Shadow:
        return apply(name, before, entry)

    return step


COMPUTING: dict[str, Meaning] = {
    **{primitive: _entry_by_entry(name) for primitive, name in NAMES.items()},
    "convert_element_type": _convert,
    "cumlogsumexp": running(_step("logaddexp")),
    "cumprod": running(_step("multiply")),
    "cumsum": running(_step("add")),
    "exp": _exponential,
    "integer_pow": _integer_power,
    "polygamma": _polygamma,
    "reduce_precision": _same,
    "reduce_prod": _product,
    "reduce_sum": _sum,
    "stop_gradient": _constant,
}
"""Meanings of the primitives that compute."""
