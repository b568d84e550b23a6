"""numpy's functions on nodes: ``np.tanh(node)`` gives a node.

numpy hands a call with a node among its arguments over to the node, by the protocols of NEP 13 (ufuncs) and
NEP 18 (all other functions). It gives a node where there is a rule for it, a plain value where the function
is constant between jumps, and raises TypeError, with the function's name and what to write instead, where
there is neither: no value leaves the graph unseen.
"""

import math
from typing import Any

import numpy as np

from nn_from_scratch.array_methods import ArrayMethods
from nn_from_scratch.array_rules import SCATTER, axes_within, axis_within, cast
from nn_from_scratch.constant_functions import CONSTANT_FUNCTIONS, CONSTANT_UFUNCS, constant
from nn_from_scratch.elementwise_rules import ELEMENTWISE_FUNCTIONS, ELEMENTWISE_ROWS
from nn_from_scratch.joining import JOINING
from nn_from_scratch.linear_algebra import LINEAR_ALGEBRA
from nn_from_scratch.methods import Methods
from nn_from_scratch.products import PRODUCTS, matvec, vecdot, vecmat
from nn_from_scratch.rearranging import REARRANGING
from nn_from_scratch.reducing import REDUCING, total
from nn_from_scratch.refusals import ARRAY_IN_PLACE, NO_ARRAY, no_rule, refuse_out, unknown_keywords
from nn_from_scratch.rule import NO_OPTIONS, Function, Operand, Rule, Traced, value_of
from nn_from_scratch.rules import RULES
from nn_from_scratch.scanning import SCANNING, running_extreme
from nn_from_scratch.special_rules import special_rule


class NumpyFunctions(ArrayMethods):
    """What numpy asks a node to do."""

    __slots__ = ()

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(NO_ARRAY)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: Operand, **options: Any) -> Any:
        if method != "__call__":
            return _by_method(ufunc, method, operands, options)
        if options:
            return _with_options(ufunc, operands, options)
        if type(self._value) is float and isinstance(operands[0], _REALS):
            reflected = REFLECTED.get(ufunc)
            if reflected is not None:
                return reflected(self, float(operands[0]))
        rule = UFUNCS.get(ufunc)
        if rule is not None:
            return self.apply(rule, operands, NO_OPTIONS)
        return without_row(ufunc, operands)

    def __array_function__(
        self, function: Any, _types: Any, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        if function in CONSTANT_FUNCTIONS:
            return constant(function, arguments, options)
        ours = FUNCTIONS.get(function) or _composed(function)
        if options:
            known = _parameters(ours)
            if "**" not in known:
                options = {
                    name: option for name, option in options.items() if name in known or option is not None
                }
                if not all(name in known for name in options):
                    raise TypeError(unknown_keywords(function, known, options))
        return ours(*arguments, **options)


def _composed(function: Any) -> Function:
    """Return what is made of other functions: read when it is first asked for, as few programs do."""
    from nn_from_scratch.composing import COMPOSING  # noqa: PLC0415

    if function not in COMPOSING:
        raise TypeError(no_rule(function))
    return COMPOSING[function]


def _parameters(function: Function) -> tuple[str, ...]:
    """Return the names of what a function of ours takes; "**" among them for all others."""
    code = getattr(function, "__code__", None)
    if code is None:  # a function of numpy's, which knows by itself
        return ("**",)
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return (*names, "**") if code.co_flags & _TAKES_ALL else names


_TAKES_ALL = 0x08  # inspect.CO_VARKEYWORDS, whose module takes a third of the engine's time to be imported

# numpy's ufuncs

UFUNCS: dict[np.ufunc, Rule] = {
    rule.compute: rule for rule in (*RULES.values(), *ELEMENTWISE_ROWS) if isinstance(rule.compute, np.ufunc)
}
"""By ufunc, its rule."""
UFUNCS[np.float_power] = RULES["pow"]
UFUNCS_OF_ARRAYS: dict[np.ufunc, Function] = {
    getattr(np, function.__name__): function
    for function in (vecdot, matvec, vecmat)
    if hasattr(np, function.__name__)  # numpy 2.2 has them all
}
REFLECTED: dict[np.ufunc, Function] = {}
"""By ufunc, the operator of a scalar node that takes the number on its left, by the short way of `Node`.

A number of numpy's on the left asks numpy first: as a Python number it takes little more than half of the
time (`number - node` of the README's loss).
"""
_REALS = (float, np.integer)


def without_row(ufunc: np.ufunc, operands: tuple[Operand, ...]) -> Any:
    """Apply a ufunc that is no row of numpy's: constant between jumps, of whole arrays, or scipy's."""
    if ufunc in CONSTANT_UFUNCS:
        return ufunc(*(value_of(operand) for operand in operands))
    if ufunc in _COMPOSED_UFUNCS:
        return _COMPOSED_UFUNCS[ufunc](*operands)
    rule = special_rule(ufunc)
    if rule is None:
        raise TypeError(no_rule(ufunc))
    return rule(*operands)


def _with_options(ufunc: np.ufunc, operands: tuple[Operand, ...], options: dict[str, Any]) -> Any:
    """Apply a ufunc with keywords: ``dtype``, which operands are cast to, and ``axis`` of vecdot."""
    if "out" in options:
        raise TypeError(ARRAY_IN_PLACE.format(name=ufunc.__name__))
    if options.get("where", True) is not True:
        raise TypeError(
            f"np.{ufunc.__name__}: without out= where leaves elements unset: np.where(mask, z, other)"
        )
    ignored = {"where", "casting", "order", "subok"}
    kept = {name: option for name, option in options.items() if name not in ignored}
    dtype = kept.pop("dtype", None)
    operands = tuple(cast(x, dtype, options.get("casting", "same_kind")) for x in operands)
    if ufunc is getattr(np, "vecdot", None) and set(kept) == {"axis"}:
        return vecdot(*operands, **kept)
    if kept:
        raise TypeError(unknown_keywords(ufunc, ("dtype",), kept))
    return ufunc(*operands)


def _by_method(ufunc: np.ufunc, method: str, operands: tuple[Operand, ...], options: dict[str, Any]) -> Any:
    """Apply a method of a ufunc: reduce, accumulate or outer."""
    options = {name: option for name, option in options.items() if name == "axis" or option is not None}
    if method == "outer" and not options:
        x, y = operands
        return ufunc(np.reshape(x, np.shape(x) + (1,) * np.ndim(y)), y)
    if method == "reduce" and ufunc in _REDUCTIONS:
        x, *others = operands
        if others:  # as numpy orders them
            options |= dict(
                zip(("axis", "dtype", "out", "keepdims", "initial", "where"), others, strict=False)
            )
        return _REDUCTIONS[ufunc](x, **({"axis": 0} | options))
    if method == "accumulate" and ufunc in _ACCUMULATIONS:
        x, *others = operands
        options |= dict(zip(("axis", "dtype", "out"), others, strict=False))
        options["axis"] = axis_within(f"np.{ufunc.__name__}.accumulate", options.get("axis", 0), x)
        return _ACCUMULATIONS[ufunc](x, **options)
    if ufunc in CONSTANT_UFUNCS and method in {"reduce", "accumulate", "outer"}:
        return getattr(ufunc, method)(*(value_of(x) for x in operands), **options)
    raise TypeError(no_rule(ufunc, method))


_REDUCTIONS: dict[np.ufunc, Function] = {
    np.add: REDUCING[np.sum],
    np.multiply: REDUCING[np.prod],
    np.maximum: REDUCING[np.max],
    np.minimum: REDUCING[np.min],
    np.fmax: REDUCING[np.nanmax],
    np.fmin: REDUCING[np.nanmin],
    np.logaddexp: total("logsumexp", "Return the logarithm of a sum.", -math.inf, np.logaddexp),
}
_ACCUMULATIONS: dict[np.ufunc, Function] = {
    np.add: SCANNING[np.cumsum],
    np.multiply: SCANNING[np.cumprod],
    np.maximum: running_extreme("np.maximum.accumulate", np.greater_equal),
    np.minimum: running_extreme("np.minimum.accumulate", np.less_equal),
}


# numpy's other functions


def _where(condition: Any, x: Operand = None, y: Operand = None) -> Any:
    if x is None and y is None:
        return np.nonzero(condition)
    if x is None or y is None:
        raise ValueError("np.where: either both x and y are given, or neither")
    return RULES["where"](x, y, condition=np.array(value_of(condition), dtype=bool))


def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    if not len(condlist) or len(condlist) != len(choicelist):
        raise ValueError(
            f"np.select: one choice for each condition, got {len(condlist)} and {len(choicelist)}"
        )
    z = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        z = np.where(condition, choice, z)
    return z


def _clip(
    a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, *, min: Any = None, max: Any = None
) -> Any:
    refuse_out("clip", out)
    if (a_min is not None or a_max is not None) and (min is not None or max is not None):
        raise ValueError("np.clip: bounds are given as a_min and a_max, or as min and max")
    low, high = min if a_min is None else a_min, max if a_max is None else a_max
    return RULES["clip"](a, -np.inf if low is None else low, np.inf if high is None else high)


def _full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None
) -> Any:
    """Return a number that is repeated: a plain array, if it is no node."""
    if not isinstance(fill_value, Traced):
        return np.full_like(value_of(a), fill_value, dtype, order, subok, shape)
    filled = _broadcast_to(fill_value, np.shape(a) if shape is None else shape)
    return filled if dtype is None else filled.astype(dtype)


def _bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    """Return how often each integer is there, or the sums of its weights: a node, if they are one."""
    places = np.asarray(value_of(x))
    counts = np.bincount(places, minlength=minlength)
    if not isinstance(weights, Traced):
        return counts if weights is None else np.bincount(places, weights, minlength)
    return SCATTER(weights, key=places, shape=counts.shape)


def _heaviside(x: Operand, at_0: Operand) -> Any:
    """Return the step function of numpy; a node where its value at 0 is one."""
    step = np.heaviside(value_of(x), value_of(at_0))
    return _where(np.equal(x, 0), at_0, step) if isinstance(at_0, Traced) else step


def _broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:  # noqa: ARG001 - numpy's
    return RULES["broadcast_to"](array, shape=shape)


def _squeeze(a: Methods, axis: Any = None) -> Methods:
    return a.squeeze(axis)


def _expand_dims(a: Methods, axis: Any) -> Methods:
    return a.expand_dims(axis)


def _transpose(a: Methods, axes: Any = None) -> Methods:
    return a.transpose(axes)


def _matrix_transpose(x: Methods) -> Methods:
    return x.transpose(*range(x.ndim - 2), -1, -2)


def _size(a: Methods, axis: Any = None) -> int:
    return math.prod(a.shape[one] for one in axes_within("np.size", axis, a))


def _divmod(x: Operand, y: Operand) -> tuple[Any, Any]:
    return np.floor_divide(x, y), np.remainder(x, y)


_COMPOSED_UFUNCS: dict[np.ufunc, Function] = {
    **UFUNCS_OF_ARRAYS,
    np.heaviside: _heaviside,
    np.divmod: _divmod,
}
FUNCTIONS: dict[Any, Function] = {
    **REDUCING,
    **SCANNING,
    **REARRANGING,
    **JOINING,
    **PRODUCTS,
    **LINEAR_ALGEBRA,
    **ELEMENTWISE_FUNCTIONS,
    np.clip: _clip,
    np.where: _where,
    np.select: _select,
    np.broadcast_to: _broadcast_to,
    np.squeeze: _squeeze,
    np.expand_dims: _expand_dims,
    np.transpose: _transpose,
    np.full_like: _full_like,
    np.bincount: _bincount,
    np.matrix_transpose: _matrix_transpose,
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.size: _size,
}
"""By function of numpy, what it does to nodes."""
