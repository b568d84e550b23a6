"""Where the numbers decide between two formulas and are equal: at a kink no formula is the derivative."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.pytorch.tracing.collecting import tied_at_indices
from nn_from_scratch.verify.functions.pytorch.tracing.distances import FORWARD as DISTANCES
from nn_from_scratch.verify.functions.pytorch.tracing.distances import tied_distances
from nn_from_scratch.verify.functions.pytorch.tracing.operands import Operand
from nn_from_scratch.verify.functions.pytorch.tracing.pooling import LARGEST, tied_windows
from nn_from_scratch.verify.functions.tracing.shadows import Numbers

_AT_ZERO = frozenset(
    ["abs", "relu", "leaky_relu", "elu", "hardtanh", "sign", "sgn", "heaviside", "special_i0e"]
)
_MODULO = frozenset(["remainder", "fmod"])
_REDUCED_AT_INDICES = frozenset(["scatter_reduce", "index_reduce"])
_BETWEEN_TWO = frozenset(
    """
    maximum minimum fmax fmin gt ge lt le eq ne greater less greater_equal less_equal not_equal
    """.split()  # noqa: SIM905  a long list reads best as words
)
_EXTREMES = frozenset(["max", "min", "amax", "amin", "argmax", "argmin"])
_IN_ORDER = frozenset(
    ["sort", "topk", "kthvalue", "median", "nanmedian", "mode", "cummax", "cummin", "argsort"]
)


_ASK_FOR_ONE = frozenset(["eq", "ne", "not_equal"])


def equal_to_one(name: str, arguments: dict[str, Any]) -> Any:
    """Return which entries equal the number that an operation asks for; None if it asks for none.

    Beside such a number another formula may hold, on both sides.
    """
    x = arguments.get("self")
    if name not in _ASK_FOR_ONE or not isinstance(x, Operand) or x.shadow is None:
        return None
    return np.asarray(x.numbers == _numbers(arguments["other"]))


def tied(name: str, arguments: dict[str, Any], outputs: tuple[int, ...]) -> bool:
    """Whether an operation decides by numbers of which two are equal; `outputs` is the shape of its first."""
    if name in _MODULO:
        return _moves(arguments) and _divides(_numbers(arguments["self"]), _numbers(arguments["other"]))
    if name in DISTANCES:
        return tied_distances(arguments)
    x = arguments.get("self")
    if not isinstance(x, Operand) or x.shadow is None or not x.numbers.size:
        return False
    asked = next((ask for names, ask in _ASKED if name in names), None)
    return asked is not None and bool(asked(name, arguments, x.numbers, outputs))


def _moves(arguments: dict[str, Any]) -> bool:
    """Whether anything of floating point is among the arguments: integers, as indices are, do not move."""
    return any(isinstance(x, Operand) and x.shadow is not None for x in arguments.values())


def _divides(x: Numbers, by: Any) -> bool:
    return bool((np.fmod(x, by) == 0).any())


Ask = Callable[[str, dict[str, Any], Numbers, tuple[int, ...]], Any]
"""Takes an operation's name, arguments and first operand, and the shape of what it returned."""


def _at_a_threshold(_: str, arguments: dict[str, Any], x: Numbers, __: Any) -> Any:
    return (x == arguments.get("threshold", 0)).any()


def _of_two(_: str, arguments: dict[str, Any], x: Numbers, __: Any) -> Any:
    return (x == _numbers(arguments["other"])).any()


def _at_a_bound(_: str, arguments: dict[str, Any], x: Numbers, __: Any) -> Any:
    bounds = [_numbers(arguments.get(key)) for key in ("min", "max")]
    return any(bound is not None and bool((x == bound).any()) for bound in bounds)


def _of_a_norm(_: str, arguments: dict[str, Any], x: Numbers, __: Any) -> Any:
    return arguments["ord"] != 2 and _has_equals(np.append(np.abs(x), 0))


def _in_windows(name: str, arguments: dict[str, Any], _: Numbers, outputs: tuple[int, ...]) -> Any:
    return tied_windows(name, arguments, outputs)


def _at_indices(name: str, arguments: dict[str, Any], _: Numbers, __: Any) -> Any:
    return arguments["reduce"] in {"amax", "amin"} and tied_at_indices(name, arguments)


def _at_extremes(name: str, arguments: dict[str, Any], x: Numbers, outputs: tuple[int, ...]) -> Any:
    if isinstance(arguments.get("other"), Operand):
        return _of_two(name, arguments, x, outputs)
    dims = arguments.get("dim")
    axes = range(x.ndim) if dims is None or dims == [] else np.ravel(dims)
    along = tuple(int(axis) for axis in axes)
    extreme = (np.max if name.endswith("max") else np.min)(x, axis=along, keepdims=True)
    return (((x == extreme) & np.isfinite(x)).sum(along) > 1).any()


def _in_order(_: str, __: dict[str, Any], x: Numbers, ___: Any) -> Any:
    return _has_equals(x)


_ASKED: tuple[tuple[Collection[str], Ask], ...] = (
    ({*_AT_ZERO, "threshold_backward"}, _at_a_threshold),
    (_BETWEEN_TWO, _of_two),
    (("clamp", "clamp_min", "clamp_max"), _at_a_bound),
    (("linalg_vector_norm",), _of_a_norm),
    (LARGEST, _in_windows),
    (_REDUCED_AT_INDICES, _at_indices),
    (_EXTREMES, _at_extremes),
    (_IN_ORDER, _in_order),
)
"""Which operations are asked what."""


def _has_equals(numbers: Numbers) -> bool:
    """Whether two are equal; infinities, as masks put them in, have no derivative that could differ."""
    finite = numbers[np.isfinite(numbers)]
    return np.unique(finite).size < finite.size


def _numbers(x: Any) -> Any:
    return x.numbers if isinstance(x, Operand) else x
