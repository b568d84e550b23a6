"""Every operation that a tracer may ask shadows for, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nn_from_scratch.verify.functions.tracing import products
from nn_from_scratch.verify.functions.tracing.elementwise import ENTRIES
from nn_from_scratch.verify.functions.tracing.shadows import Shadow, as_shadow, mapped

WHOLE: Mapping[str, Callable[..., Shadow]] = {
    "sum": products.total,
    "prod": products.product,
    "mean": products.mean,
    "var": products.variance,
    "cumsum": products.running_sum,
    "cumprod": products.running_product,
    "matmul": products.matmul,
    "einsum": products.einsum,
    "solve": products.solve,
    "inv": products.inverse,
    "cholesky": products.cholesky,
    "triangle": products.triangle,
    "det": products.determinant,
    "logabsdet": products.log_determinant,
}
"""Operations that look at an array as a whole, with numpy's parameters."""


def supports(name: str) -> bool:
    """Whether `apply` knows an operation."""
    return name in ENTRIES or name in WHOLE


def apply(name: str, *operands: Any, **parameters: Any) -> Shadow:
    """Apply an operation to shadows.

    Parameters
    ----------
    name
        Of `ENTRIES` (entry by entry, operands broadcast) or of `WHOLE`.
    operands
        Shadows; numbers and arrays of numbers are taken exactly. The first of ``einsum`` is its subscripts.
    parameters
        Those of the function in `WHOLE`: ``axis``, ``keepdims``, ...

    Raises
    ------
    KeyError
        If there is no such operation: ask `supports` first.

    """
    if name in ENTRIES:
        return mapped(ENTRIES[name], *operands)
    return WHOLE[name](*(x if isinstance(x, str) else as_shadow(x) for x in operands), **parameters)
