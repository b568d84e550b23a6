"""How much a jaxpr computes, in which dtypes, and whether two are the same but for these."""

from __future__ import annotations

import itertools
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.extend.core import Literal

from nn_from_scratch.verify.functions.jaxpr.plain import inside


def scalars(closed: Any) -> int:
    """Count the numbers that a jaxpr computes: of branches the largest, of a `while` loop one step."""
    jaxpr = getattr(closed, "jaxpr", closed)
    total = 0
    for equation in jaxpr.eqns:
        parts = [scalars(inner) for inner in inside(equation)]
        name = equation.primitive.name
        if not parts:
            total += sum(int(np.prod(x.aval.shape)) for x in equation.outvars)
        elif name == "cond":
            total += max(parts)
        else:
            total += sum(parts) * (equation.params["length"] if name == "scan" else 1)
    return total


def formats(closed: Any) -> set[str]:
    """Return the floating-point dtypes of what a jaxpr computes."""
    found: set[str] = set()
    for equation in getattr(closed, "jaxpr", closed).eqns:
        found |= {str(x.aval.dtype) for x in equation.outvars if _is_floating(x.aval)}
        found = found.union(*map(formats, inside(equation)))
    return found


def _is_floating(aval: Any) -> bool:
    return bool(jnp.issubdtype(getattr(aval, "dtype", bool), jnp.floating))


def alike(narrow: Any, wide: Any) -> bool:
    """Whether two jaxprs differ in nothing but their dtypes, and the rounding of their constants to them."""
    a, b = getattr(narrow, "jaxpr", narrow), getattr(wide, "jaxpr", wide)
    constants = zip(getattr(narrow, "consts", ()), getattr(wide, "consts", ()), strict=False)
    if len(a.eqns) != len(b.eqns) or len(a.constvars) != len(b.constvars):
        return False
    if not all(_close(x, y) for x, y in constants):
        return False
    return all(_same(x, y) for x, y in zip(a.eqns, b.eqns, strict=True))


def _same(narrow: Any, wide: Any) -> bool:
    if narrow.primitive is not wide.primitive or len(narrow.invars) != len(wide.invars):
        return False
    for x, y in zip(narrow.invars, wide.invars, strict=True):
        if isinstance(x, Literal) != isinstance(y, Literal) or x.aval.shape != y.aval.shape:
            return False
        if isinstance(x, Literal) and not _close(x.val, y.val):
            return False
    if any(_plain(narrow.params[key]) != _plain(wide.params.get(key)) for key in narrow.params):
        return False
    parts = itertools.zip_longest(inside(narrow), inside(wide))
    return all(x is not None and y is not None and alike(x, y) for x, y in parts)


def _plain(parameter: Any) -> Any:
    """Return a parameter that is a number, a name or a tuple of them; nothing of any other."""
    if isinstance(parameter, tuple) and not hasattr(parameter, "_fields"):
        return tuple(map(_plain, parameter))
    return parameter if isinstance(parameter, (bool, int, str)) else None


def _close(narrow: Any, wide: Any) -> bool:
    """Whether a constant is the rounding of another."""
    dtype = jnp.result_type(narrow)
    if not jnp.issubdtype(dtype, jnp.floating):
        return np.array_equal(narrow, wide) if jnp.issubdtype(dtype, jnp.number) else True
    if np.shape(narrow) != np.shape(wide):
        return False
    unit = float(jnp.finfo(dtype).eps)
    a, b = np.asarray(narrow, np.float64), np.asarray(wide, np.float64)
    return bool(np.allclose(a, b, rtol=unit, atol=float(jnp.finfo(dtype).tiny), equal_nan=True))
