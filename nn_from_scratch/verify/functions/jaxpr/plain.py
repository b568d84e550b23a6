"""A function without its custom rules: JAX's own derivative of what it computes.

A custom rule may stop gradients, or take for a constant what is none: its derivative is then another than
that of the derivative. The truth of a second derivative is therefore the derivative of what JAX itself makes
of the function, once every `jax.custom_vjp` and `jax.custom_jvp` in it is but the function that it wraps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Literal

from nn_from_scratch.verify.functions.jaxpr.lines import asked_by

CUSTOM = {"custom_jvp_call": "call_jaxpr", "custom_vjp_call": "call_jaxpr"}
"""Primitives with a rule of their own, and the parameter that holds the function."""

CALLS = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "closed_call": "call_jaxpr",
    "checkpoint": "jaxpr",
    "remat2": "jaxpr",
}
"""Primitives that only call a function."""


STOP = "stop_gradient"


def without_rules(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what a function of arrays computes, in which no derivative is anybody's rule."""
    return _plain(function, frozenset(CUSTOM))


def without_stops(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the same, in which no gradient is stopped either."""
    return _plain(function, frozenset({*CUSTOM, STOP}))


def _plain(function: Callable[..., Any], without: frozenset[str]) -> Callable[..., Any]:
    def plain(*arrays: Any) -> Any:
        return _run(jax.make_jaxpr(function)(*arrays), arrays, without)

    return plain


def has_rules(closed: Any) -> bool:
    """Whether a jaxpr has a custom rule somewhere."""
    return _has(closed, frozenset(CUSTOM))


def _has(closed: Any, names: frozenset[str]) -> bool:
    return any(name in names for name in primitives(closed))


def primitives(closed: Any) -> Iterator[str]:
    """Yield the names of all primitives in a jaxpr, those inside of others too."""
    jaxpr = getattr(closed, "jaxpr", closed)
    for equation in jaxpr.eqns:
        yield equation.primitive.name
        for inner in inside(equation):
            yield from primitives(inner)


def inside(equation: Any) -> Iterator[Any]:
    """Yield the jaxprs among the parameters of an equation."""
    for parameter in jax.tree_util.tree_leaves(dict(equation.params), is_leaf=_is_jaxpr):
        if _is_jaxpr(parameter):
            yield parameter


def _is_jaxpr(x: Any) -> bool:
    return hasattr(getattr(x, "jaxpr", x), "eqns")


def _run(closed: Any, arguments: Sequence[Any], without: frozenset[str]) -> list[Any]:
    """Run a jaxpr, and of what has a rule the function alone; `without` names what is not run as it is."""
    jaxpr, constants = getattr(closed, "jaxpr", closed), getattr(closed, "consts", [])
    known: dict[Any, Any] = dict(zip(jaxpr.constvars, constants, strict=True))
    known.update(zip(jaxpr.invars, arguments, strict=True))

    def value(atom: Any) -> Any:
        return atom.val if isinstance(atom, Literal) else known[atom]

    for equation in jaxpr.eqns:
        with asked_by(equation):
            found = _call(equation, [value(x) for x in equation.invars], without)
        known.update(zip(equation.outvars, found, strict=True))
    return [value(x) for x in jaxpr.outvars]


def _call(equation: Any, operands: list[Any], without: frozenset[str]) -> list[Any]:
    name = equation.primitive.name
    if name == STOP and name in without:
        return operands
    within = CUSTOM.get(name) or CALLS.get(name)
    if within is not None and (name in CUSTOM or _has(equation.params[within], without)):
        return _run(equation.params[within], operands, without)
    parameters = {key: _stripped(x, without) for key, x in equation.params.items()}
    found = equation.primitive.bind(*operands, **parameters)
    return list(found) if equation.primitive.multiple_results else [found]


def _stripped(parameter: Any, without: frozenset[str]) -> Any:
    """Return the parameter of a loop or a branch in which nothing of that is."""
    if isinstance(parameter, (tuple, list)) and any(isinstance(x, ClosedJaxpr) for x in parameter):
        return type(parameter)(_stripped(x, without) for x in parameter)
    if not isinstance(parameter, ClosedJaxpr) or not _has(parameter, without):
        return parameter

    def run(*arguments: Any) -> list[Any]:
        return _run(parameter, arguments, without)

    return jax.make_jaxpr(run)(*parameter.in_avals)
