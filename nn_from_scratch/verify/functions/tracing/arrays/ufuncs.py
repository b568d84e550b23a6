"""Numpy's and scipy's elementwise functions over traced arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.tracing.arrays.array import (
    NONE,
    TracedArray,
    computed,
    is_traced,
    note_truth,
    plain,
    shadow_of,
)
from nn_from_scratch.verify.functions.tracing.arrays.composed import sums_between
from nn_from_scratch.verify.functions.tracing.arrays.masks import masked
from nn_from_scratch.verify.functions.tracing.arrays.running import running_maximum, running_minimum
from nn_from_scratch.verify.functions.tracing.arrays.trace import Trace
from nn_from_scratch.verify.functions.tracing.elementwise import ENTRIES
from nn_from_scratch.verify.functions.tracing.mending import mistaken
from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.products import matmul
from nn_from_scratch.verify.functions.tracing.shadows import Shadow, exact, mapped, select

_E = ENTRIES
SCIPY = {
    "expit": "sigmoid",
    "gammaln": "lgamma",
    "psi": "digamma",
    "float_power": "power",
    "conjugate": "positive",
}
"""Names of operations that are called otherwise here."""

COMPARISONS = frozenset(["less", "less_equal", "greater", "greater_equal", "equal", "not_equal"])
PLAIN = frozenset(
    ["isnan", "isfinite", "isinf", "signbit", "logical_and", "logical_or", "logical_not", "logical_xor"]
)
"""Functions of numbers whose results carry no derivative."""

STEPS = frozenset(["sign", "floor", "ceil", "rint", "trunc", "floor_divide", "heaviside"])
"""Functions that are constant between their jumps."""


def _logit(x: Any) -> Any:
    return _E["log"](_E["divide"](x, 1 - x))


def _degrees(x: Any) -> Any:
    return _E["divide"](x * 180, arb.pi())


def _radians(x: Any) -> Any:
    return x * (arb.pi() / 180)


def _log_sigmoid(x: Any) -> Any:
    return -_E["softplus"](-x)


def _normal_cdf(x: Any) -> Any:
    return _E["erfc"](-x / arb(2).sqrt()) / 2


def _entropy(x: Any) -> Any:
    return -_E["multiply"](x, _E["log"](x))


def _relative_entropy(x: Any, y: Any) -> Any:
    return _E["multiply"](x, _E["log"](_E["divide"](x, y)))


def _pseudo_huber(delta: Any, r: Any) -> Any:
    ratio = _E["divide"](r, delta)
    return _E["multiply"](_E["square"](delta), _E["sqrt"](1 + _E["multiply"](ratio, ratio)) - 1)


def _log_beta(x: Any, y: Any) -> Any:
    return _E["lgamma"](x) + _E["lgamma"](y) - _E["lgamma"](x + y)


def _normal_quantile(x: Any) -> Any:
    return arb(2).sqrt() * _E["erfinv"](2 * x - 1)


COMPOSED: Mapping[str, Callable[..., Any]] = {
    "logit": _logit,
    "degrees": _degrees,
    "rad2deg": _degrees,
    "radians": _radians,
    "deg2rad": _radians,
    "log_expit": _log_sigmoid,
    "ndtr": _normal_cdf,
    "log_ndtr": lambda x: _E["log"](_normal_cdf(x)),
    "ndtri": _normal_quantile,
    "entr": _entropy,
    "rel_entr": _relative_entropy,
    "kl_div": lambda x, y: _relative_entropy(x, y) - x + y,
    "betaln": _log_beta,
    "beta": lambda x, y: _E["exp"](_log_beta(x, y)),
    "rgamma": lambda x: _E["divide"](arb(1), _E["gamma"](x)),
    "xlog1py": lambda x, y: _E["multiply"](x, _E["log1p"](y)),
    "dawsn": lambda x: _E["exp"](-_E["multiply"](x, x)) * x.erfi() * (arb.pi().sqrt() / 2),
    "expi": lambda x: x.ei(),
    "exprel": lambda x: _E["divide"](_E["expm1"](x), x),
    "sindg": lambda x: _E["sin"](_radians(x)),
    "cosdg": lambda x: _E["cos"](_radians(x)),
    "pseudo_huber": _pseudo_huber,
    "boxcox": lambda x, power: _E["divide"](_E["expm1"](_E["multiply"](power, _E["log"](x))), power),
    "exp10": lambda x: _E["exp"](x * arb(10).log()),
    "logaddexp2": lambda x, y: _E["logaddexp"](x * arb(2).log(), y * arb(2).log()) / arb(2).log(),
}
"""Functions that are composed of other operations."""


_MADE_OF_OTHERS: Mapping[str, Callable[..., Any]] = {
    "divmod": lambda x, y: (np.floor_divide(x, y), np.remainder(x, y)),
    "modf": lambda x: (x - np.trunc(x), np.trunc(x)),
    "huber": lambda delta, r: np.where(np.abs(r) <= delta, 0.5 * r * r, delta * (np.abs(r) - 0.5 * delta)),
    "vecdot": lambda x, y: np.sum(x * y, axis=-1),
    "matvec": lambda x, y: np.matmul(x, y[..., None])[..., 0],
    "vecmat": lambda x, y: np.matmul(x[..., None, :], y)[..., 0, :],
}
"""Functions that are other calls of numpy's."""


def call(
    trace: Trace, ufunc: np.ufunc, method: str, operands: tuple[Any, ...], keywords: dict[str, Any]
) -> Any:
    """Answer a call of a ufunc, or of one of its methods."""
    if method == "at":
        return _at(trace, ufunc, operands)
    out = keywords.pop("out", None)
    where = keywords.pop("where", True)
    keywords = {name: value for name, value in keywords.items() if name not in {"casting", "order", "subok"}}
    made_of_others = method == "__call__" and not keywords and ufunc.__name__ in _MADE_OF_OTHERS
    if ufunc.nout != 1 and (not made_of_others or out or where is not True):
        raise trace.end(f"{ufunc.__name__} is not traced")
    if made_of_others:
        result = _MADE_OF_OTHERS[ufunc.__name__](*operands)
    elif (ufunc, method) == (np.add, "reduceat"):
        result = sums_between(trace, *operands, **keywords)
    elif method == "__call__":
        result = _call(trace, ufunc, operands, keywords)
    elif method == "outer":
        first, second = operands
        left = np.reshape(first, np.shape(plain(first)) + (1,) * np.ndim(plain(second)))
        result = _call(trace, ufunc, (left, second), keywords)
    else:
        result = _reduce(trace, ufunc, method, operands, keywords)
    if where is not True or out:
        return _delivered(trace, result, out[0] if out else None, plain(where))
    return result


def _call(trace: Trace, ufunc: np.ufunc, operands: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    name = ufunc.__name__
    arrays = [plain(x) for x in operands]
    with np.errstate(all="ignore"):
        numbers = ufunc(*arrays, **keywords)
    if name in COMPARISONS:
        trace.note_order(arrays[0], arrays[1], (shadow_of(trace, operands[0]), shadow_of(trace, operands[1])))
        return masked(trace, numbers)
    if name in PLAIN or np.asarray(numbers).dtype.kind == "b":
        for operand in operands if name.startswith(("logical", "signbit")) else ():
            note_truth(operand)
        return numbers
    if name in STEPS:
        if name not in {"sign", "heaviside"}:
            trace.note_step()
        rounded = np.round(np.asarray(arrays[0]))
        if is_traced(operands[0]):
            trace.note_order(arrays[0], rounded, (shadow_of(trace, operands[0]), exact(rounded)))
        return (
            TracedArray(numbers, exact(numbers), trace) if np.asarray(numbers).dtype.kind == "f" else numbers
        )
    formula = _formula(trace, name, operands, arrays)
    others = _others(name, arrays) if trace.changing else NONE
    return computed(trace, name, formula, operands, numbers, scale_of(name, arrays), others)


def _formula(trace: Trace, name: str, operands: tuple[Any, ...], arrays: list[Any]) -> Callable[..., Shadow]:
    """Return what an elementwise function makes of shadows."""
    known = SCIPY.get(name, name)
    if known in ENTRIES:
        return lambda *shadows: apply(known, *shadows)
    if name in COMPOSED:
        return lambda *shadows: mapped(COMPOSED[name], *shadows)
    if name == "matmul":
        return matmul
    chosen = _CHOSEN.get(name)
    if chosen is None:
        raise trace.end(f"the function {name} is not traced")
    return chosen(trace, name, operands, arrays)


def _extreme(trace: Trace, name: str, operands: tuple[Any, ...], arrays: list[Any]) -> Callable[..., Shadow]:
    first, second = (np.asarray(x) for x in arrays)
    shadows = shadow_of(trace, operands[0]), shadow_of(trace, operands[1])
    trace.note_order(first, second, shadows, chosen=True)
    left = first >= second if "max" in name else first <= second
    left = left & (first != second) if trace.otherwise else left
    left = left | np.isnan(second if name.startswith("f") else first)
    return lambda x, y: select(left, x, y)


def _absolute(trace: Trace, _: str, operands: tuple[Any, ...], arrays: list[Any]) -> Callable[..., Shadow]:
    zero = np.zeros(np.shape(arrays[0]))
    trace.note_order(arrays[0], zero, (shadow_of(trace, operands[0]), exact(zero)), chosen=True)
    negative, flat = np.asarray(arrays[0]) < 0, (np.asarray(arrays[0]) == 0) & trace.otherwise
    return lambda x: select(flat, exact(zero), select(negative, -x, x))


def _copysign(trace: Trace, _: str, operands: tuple[Any, ...], arrays: list[Any]) -> Callable[..., Shadow]:
    for operand, numbers, chosen in zip(operands, arrays, (True, False), strict=True):
        if is_traced(operand):
            zero = np.zeros(np.shape(numbers))
            trace.note_order(numbers, zero, (shadow_of(trace, operand), exact(zero)), chosen=chosen)
    turned = np.signbit(arrays[0]) != np.signbit(arrays[1])
    return lambda x, _: select(turned, -x, x)


def _remainder(trace: Trace, name: str, _: tuple[Any, ...], arrays: list[Any]) -> Callable[..., Shadow]:
    quotient = np.floor_divide(*arrays) if name == "remainder" else np.trunc(np.divide(*arrays))
    if np.any(quotient * arrays[1] == arrays[0]):
        trace.note_tie("a remainder is 0", jumps=True)
    return lambda x, y: x - apply("multiply", exact(quotient), y)


def _xlogy(_: Trace, __: str, ___: tuple[Any, ...], arrays: list[Any]) -> Callable[..., Shadow]:
    zero = np.asarray(arrays[0]) == 0
    return lambda x, y: select(zero, exact(0), apply("multiply", x, apply("log", select(zero, exact(1), y))))


_CHOSEN: Mapping[str, Callable[..., Callable[..., Shadow]]] = {
    "maximum": _extreme,
    "minimum": _extreme,
    "fmax": _extreme,
    "fmin": _extreme,
    "absolute": _absolute,
    "fabs": _absolute,
    "copysign": _copysign,
    "remainder": _remainder,
    "fmod": _remainder,
    "xlogy": _xlogy,
}
"""Functions of which the numbers choose a branch."""


def _others(name: str, arrays: list[Any]) -> dict[str, Callable[..., Any]]:
    """Return what an elementwise function, or a product of square matrices, may have been taken for."""
    if name == "matmul":
        if any(np.ndim(x) != 2 or np.shape(x)[0] != np.shape(x)[1] for x in arrays):
            return {}
        return {
            "a product with the first matrix transposed": lambda x, y: matmul(x.T, y),
            "a product with the second matrix transposed": lambda x, y: matmul(x, y.T),
        }
    others: dict[str, Callable[..., Any]] = {
        other: partial(apply, other) for other in mistaken(SCIPY.get(name, name))
    }
    if name in {"multiply", "divide", "add", "subtract"}:
        others |= {"its first operand alone": _first, "its second operand alone": _second}
    return others


def _first(x: Shadow, _: Shadow) -> Shadow:
    return x


def _second(_: Shadow, y: Shadow) -> Shadow:
    return y


ABSOLUTE = frozenset({
    "gammaln", "psi", "digamma", "log_ndtr", "logit", "logaddexp", "logaddexp2", "log_expit", "betaln",
    "beta", "kl_div", "rel_entr", "entr", "ndtri", "expi",
})  # fmt: skip
"""Functions of which libraries keep absolute accuracy, not relative, near their zeros."""


def scale_of(name: str, arrays: list[Any]) -> Callable[..., Any] | None:
    """Return what a rounding is multiplied by where that is not the size of the result."""
    if name == "matmul":
        terms = max(np.shape(arrays[0])[-1], 1)
        return lambda x, y: terms * np.matmul(x, y)
    if name in {"remainder", "fmod"}:
        return lambda x, y: x + y
    if name in ABSOLUTE:
        return lambda *sizes: 16 * (1 + sum(sizes))
    return None


def _reduce(
    trace: Trace, ufunc: np.ufunc, method: str, operands: tuple[Any, ...], keywords: dict[str, Any]
) -> Any:
    named: Mapping[tuple[str, str], Callable[..., Any]] = {
        ("add", "reduce"): np.sum,
        ("multiply", "reduce"): np.prod,
        ("maximum", "reduce"): np.max,
        ("minimum", "reduce"): np.min,
        ("add", "accumulate"): np.cumsum,
        ("multiply", "accumulate"): np.cumprod,
        ("maximum", "accumulate"): running_maximum,
        ("minimum", "accumulate"): running_minimum,
    }
    function = named.get((ufunc.__name__, method))
    if function is None:
        raise trace.end(f"{ufunc.__name__}.{method} is not traced")
    axis = operands[1] if len(operands) > 1 else keywords.get("axis", 0)
    rest = {name: keywords[name] for name in ("keepdims", "dtype") if keywords.get(name)}
    return function(operands[0], axis=axis, **rest)


def _at(trace: Trace, ufunc: np.ufunc, operands: tuple[Any, ...]) -> None:
    """Add to, or subtract from, entries that may be named more than once."""
    target, where, *values = operands
    if type(target) is not TracedArray:
        raise trace.end(f"{ufunc.__name__}.at puts traced values into an array that is not traced")
    if ufunc.__name__ not in {"add", "subtract"}:
        raise trace.end(f"{ufunc.__name__}.at is not traced")
    chosen, before = plain(where), target.numbers.copy()
    added = plain(values[0])
    ufunc.at(target.numbers, chosen, added)
    shadow = shadow_of(trace, values[0])
    if not trace.rehearsal:
        ufunc.at(target.shadow, chosen, shadow)

    def expected() -> Shadow:
        result = exact(before)
        ufunc.at(result, chosen, exact(added))
        return result

    def scale() -> Any:
        sizes = np.abs(before.astype(np.float64))
        np.add.at(sizes, chosen, np.abs(np.asarray(added, dtype=np.float64)))
        return sizes * max(math.prod(np.shape(added)), 1)

    trace.observe(f"{ufunc.__name__}.at", target.numbers, expected, scale)


def _delivered(trace: Trace, result: Any, out: Any, where: Any) -> Any:
    """Put a result where ``out=`` says, at the entries that ``where=`` says."""
    if out is None:
        raise trace.end("where= without out= leaves entries unset")
    if type(out) is not TracedArray:
        if is_traced(result):
            raise trace.end("traced values are written into an array that is not traced")
        np.copyto(out, result, where=where, casting="unsafe")
        return out
    shadow = shadow_of(trace, result)
    np.copyto(out.numbers, plain(result), where=where, casting="same_kind")
    out.shadow[...] = select(where, shadow, out.shadow)
    return out
