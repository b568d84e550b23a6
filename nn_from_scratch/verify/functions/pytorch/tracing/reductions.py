"""Sums, extremes and products of matrices."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.pytorch.tracing.operands import Call, Rule
from nn_from_scratch.verify.functions.tracing.elementwise import ENTRIES
from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.shadows import Shadow, exact, select


def _axes(call: Call, name: str = "dim") -> Any:
    """Return the axes of a reduction in numpy's way; none at all are all of them."""
    dim = call[name]
    if dim is None or (isinstance(dim, Sequence) and not dim):
        return None
    return tuple(dim) if isinstance(dim, Sequence) else dim


def _kept(call: Call) -> bool:
    return bool(call["keepdim"])


def _reduced(name: str) -> Rule:
    return lambda call: apply(name, call.shadow("self"), axis=_axes(call), keepdims=_kept(call))


def _var(call: Call) -> Shadow:
    correction = call["correction"]
    if correction is None:
        correction = 0 if call["unbiased"] is False else 1
    return apply("var", call.shadow("self"), axis=_axes(call), correction=correction, keepdims=_kept(call))


def _var_mean(call: Call) -> tuple[Shadow, Shadow]:
    return _var(call), apply("mean", call.shadow("self"), axis=_axes(call), keepdims=_kept(call))


def _norm(call: Call) -> Shadow:
    order = 2 if call["ord"] is None else call["ord"]
    x, numbers = call.shadow("self"), call.numbers("self")
    if order == 2:
        return apply("sqrt", apply("sum", apply("square", x), axis=_axes(call), keepdims=_kept(call)))
    if order == 0:
        return exact(call.results[0])
    sizes = select(numbers < 0, apply("negative", x), x)
    if math.isinf(order):
        of_sizes = replace(call.arguments["self"], numbers=np.abs(numbers), shadow=sizes)
        extreme = _extreme(np.argmax if order > 0 else np.argmin)
        return extreme(replace(call, arguments={**call.arguments, "self": of_sizes}))
    exponent = call.shadow_of(order)
    summed = apply("sum", apply("power", sizes, exponent), axis=_axes(call), keepdims=_kept(call))
    return apply("power", summed, apply("reciprocal", exponent))


def _extreme(found: Any) -> Callable[[Call], Shadow]:
    """Return the entry whose number is the largest or smallest along axes: the first of equal ones."""

    def rule(call: Call) -> Shadow:
        x, numbers = call.shadow("self"), call.numbers("self")
        axes = _axes(call)
        axes = range(x.ndim) if axes is None else axes
        axes = [axis % max(x.ndim, 1) for axis in (axes if isinstance(axes, (tuple, range)) else [axes])]
        if not x.ndim:
            return x.copy()
        rest = [axis for axis in range(x.ndim) if axis not in axes]
        lines = [x.shape[axis] for axis in rest]
        together = np.transpose(x, [*rest, *axes]).reshape([*lines, -1])
        numbers = np.transpose(numbers, [*rest, *axes]).reshape(together.shape)
        places = found(numbers, axis=-1)[..., None]
        chosen: Shadow = np.take_along_axis(together, places, -1)[..., 0]
        return chosen.reshape(call.results[0].shape)

    return rule


def _ordered(call: Call) -> Shadow:
    """Return entries by the indices that came out as well: max along an axis, sort, topk and their like."""
    if len(call.results) == 1 and call.name in {"median", "nanmedian"}:
        place = np.argmax(call.numbers("self").ravel() == call.results[0])
        return call.shadow("self").ravel()[place : place + 1].reshape(())
    if len(call.results) == 1:
        return _extreme(np.argmax if call.name.startswith("max") else np.argmin)(call)
    x, places = call.shadow("self"), call.results[1]
    axis = -1 if call["dim"] is None else call["dim"]
    if not x.ndim:
        return x.copy()
    if places.ndim == x.ndim:
        return np.take_along_axis(x, places, axis)
    return np.squeeze(np.take_along_axis(x, np.expand_dims(places, axis), axis), axis)


def _cumulative(name: str) -> Rule:
    return lambda call: apply(name, call.shadow("self"), axis=call["dim"])


def _matmul(call: Call) -> Shadow:
    other = next(name for name in ("mat2", "other", "vec", "tensor") if name in call.arguments)
    return apply("matmul", call.shadow("self"), call.shadow(other))


def _add_product(first: str, second: str) -> Rule:
    def rule(call: Call) -> Shadow:
        product = apply("matmul", call.shadow(first), call.shadow(second))
        scaled = apply("multiply", product, call.shadow("alpha"))
        return apply("add", apply("multiply", call.shadow("self"), call.shadow("beta")), scaled)

    return rule


def _logarithm_of_sums(call: Call) -> Shadow:
    """Return the logarithms of the cumulative sums of exponentials."""
    x = call.shadow("self")
    if not x.size or not x.ndim:
        return x.copy()
    return np.frompyfunc(ENTRIES["logaddexp"], 2, 1).accumulate(x, axis=call["dim"], dtype=object)


def _trilinear(call: Call) -> Shadow:
    """Multiply three arrays, each with further axes, and sum."""
    factors = []
    for k in (1, 2, 3):
        factor = call.shadow(f"i{k}")
        for axis in sorted(call[f"expand{k}"]):
            factor = np.expand_dims(factor, axis)
        factors.append(factor)
    product = apply("multiply", apply("multiply", factors[0], factors[1]), factors[2])
    return apply("sum", product, axis=tuple(call["sumdim"])) if call["sumdim"] else product


def _add_products(call: Call) -> Shadow:
    summed = apply("sum", apply("matmul", call.shadow("batch1"), call.shadow("batch2")), axis=0)
    scaled = apply("multiply", summed, call.shadow("alpha"))
    return apply("add", apply("multiply", call.shadow("self"), call.shadow("beta")), scaled)


REDUCTIONS: dict[str, Rule] = {
    "sum": _reduced("sum"),
    "mean": _reduced("mean"),
    "prod": _reduced("prod"),
    "var": _var,
    "var_mean": _var_mean,
    "linalg_vector_norm": _norm,
    "amax": _extreme(np.argmax),
    "amin": _extreme(np.argmin),
    **dict.fromkeys(
        ("max", "min", "sort", "topk", "kthvalue", "median", "nanmedian", "mode", "cummax", "cummin"),
        _ordered,
    ),
    "cumsum": _cumulative("cumsum"),
    "cumprod": _cumulative("cumprod"),
    **dict.fromkeys(("mm", "bmm", "mv", "dot", "vdot", "matmul"), _matmul),
    "addmm": _add_product("mat1", "mat2"),
    "baddbmm": _add_product("batch1", "batch2"),
    "addbmm": _add_products,
    "_trilinear": _trilinear,
    **dict.fromkeys(("logcumsumexp", "_logcumsumexp"), _logarithm_of_sums),
    "addmv": _add_product("mat", "vec"),
}
"""Rules by the names of PyTorch's operations."""
