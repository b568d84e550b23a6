"""A stand-in for numpy, scipy and math in the user's modules, so that new arrays are traced from the start.

Only names in the user's own modules are replaced, and put back on every way out: numpy itself stays as it is.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.tracing.arrays import factoring, linear
from nn_from_scratch.verify.functions.tracing.arrays.array import (
    NONE,
    TracedArray,
    is_traced,
    plain,
    shadow_of,
)
from nn_from_scratch.verify.functions.tracing.arrays.lists import taking_lists
from nn_from_scratch.verify.functions.tracing.arrays.python_numbers import Float, of_math
from nn_from_scratch.verify.functions.tracing.arrays.trace import Trace, is_users
from nn_from_scratch.verify.functions.tracing.shadows import Shadow, exact, of_entries

SCIPY: Mapping[tuple[str, str], Callable[..., Any]] = {
    ("scipy.linalg", "solve_triangular"): linear.solve_triangular,
    ("scipy.linalg", "cholesky"): linear.scipy_cholesky,
    ("scipy.linalg", "cho_factor"): linear.cho_factor,
    ("scipy.linalg", "cho_solve"): linear.cho_solve,
    ("scipy.linalg", "solve"): linear.scipy_solve,
    ("scipy.linalg", "inv"): linear.scipy_inv,
    ("scipy.linalg", "expm"): factoring.exponential,
    ("scipy.special", "logsumexp"): linear.logsumexp,
    ("scipy.special", "softmax"): linear.softmax,
    ("scipy.special", "log_softmax"): linear.log_softmax,
    ("scipy.special", "polygamma"): linear.polygamma,
}
"""Functions of scipy that numpy's protocols do not reach."""

_ABSENT = object()
"""Stands for what a module does not have."""

FILLED: tuple[Callable[..., Any], ...] = (np.zeros, np.ones, np.eye, np.identity)
COPIED: tuple[Callable[..., Any], ...] = (
    np.array,
    np.asarray,
    np.ascontiguousarray,
    np.asanyarray,
    np.asfortranarray,
    np.copy,
)


class StandIn(ModuleType):
    """Passes for a module, with some of its functions replaced."""

    def __init__(self, module: ModuleType, replaced: dict[int, Callable[..., Any]]) -> None:
        super().__init__(module.__name__)
        self._module, self._replaced = module, replaced

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        if isinstance(found, ModuleType) and _is_replaced(found):
            return StandIn(found, self._replaced)
        return self._replaced.get(id(found), found)


def _is_replaced(module: ModuleType) -> bool:
    return module.__name__.split(".")[0] in {"numpy", "scipy", "math"}


@contextmanager
def standing_in(trace: Trace, functions: Iterable[Callable[..., Any]] = ()) -> Iterator[None]:
    """Let new arrays be traced from the start, inside the block."""
    with replacing(_replacements(trace), functions, {"float": Float}):
        yield


@contextmanager
def replacing(
    replaced: dict[int, Callable[..., Any]],
    functions: Iterable[Callable[..., Any]] = (),
    built_in: Mapping[str, Any] = NONE,
) -> Iterator[None]:
    """Replace functions of numpy, scipy and math in the user's modules, and where functions are defined.

    Parameters
    ----------
    replaced
        What stands in for each function, by its id.
    functions
        The user's functions, which may be of no module that Python knows.
    built_in
        What stands in for names that are built in, where a module does not have them as its own.

    """
    undo: list[tuple[dict[str, Any], str, Any]] = []
    try:
        for names in [*_users_modules(), *map(_names_around, functions)]:
            for name, found in list(names.items()):
                stand_in: Any = None
                if isinstance(found, ModuleType) and type(found) is not StandIn and _is_replaced(found):
                    stand_in = StandIn(found, replaced)
                elif callable(found):
                    stand_in = replaced.get(id(found))
                if stand_in is not None:
                    undo.append((names, name, found))
                    names[name] = stand_in
            for name in built_in.keys() - names.keys():
                undo.append((names, name, _ABSENT))
                names[name] = built_in[name]
        yield
    finally:
        for names, name, found in undo:
            if found is _ABSENT:
                del names[name]
            else:
                names[name] = found


def _users_modules() -> Iterator[dict[str, Any]]:
    """Yield the names of every module that is the user's own."""
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if is_users(path) if path else getattr(module, "__name__", "") == "__main__":
            yield vars(module)


def _names_around(function: Any) -> dict[str, Any]:
    """Return the global names of a function, which may be of no module that Python knows."""
    while isinstance(function, functools.partial) or hasattr(function, "__wrapped__"):
        function = function.func if isinstance(function, functools.partial) else function.__wrapped__
    candidates: list[Any] = [
        function,
        getattr(function, "__func__", None),
        vars(type(function)).get("__call__"),
    ]
    for inner in candidates:
        code = getattr(inner, "__code__", None)
        if code is not None and is_users(code.co_filename):
            names: dict[str, Any] = inner.__globals__
            return names
    return {}


def _replacements(trace: Trace) -> dict[int, Callable[..., Any]]:
    """Return what stands for each function, by its identity."""
    replaced: dict[int, Callable[..., Any]] = {id(make): _filled(trace, make) for make in FILLED}
    replaced |= {id(copy): _copied(trace, copy) for copy in COPIED}
    replaced |= of_math()
    replaced |= taking_lists(lambda x: stacked(trace, x))
    replaced[id(np.empty)] = _empty(trace)
    replaced[id(np.full)] = _full(trace)
    replaced[id(np.arange)] = _arange(trace)
    replaced[id(np.linspace)] = _linspace(trace)
    for (module, name), handler in SCIPY.items():
        if module in sys.modules and hasattr(sys.modules[module], name):
            real = getattr(sys.modules[module], name)
            replaced[id(real)] = _dispatched(trace, real, handler)
    return replaced


def _dispatched(trace: Trace, real: Callable[..., Any], handler: Callable[..., Any]) -> Callable[..., Any]:
    def stand_in(*operands: Any, **keywords: Any) -> Any:
        if any(map(is_traced, operands)) or any(map(is_traced, keywords.values())):
            return handler(trace, real, *operands, **keywords)
        return real(*operands, **keywords)

    return stand_in


def _new(trace: Trace, numbers: Any, shadow: Shadow | None = None) -> Any:
    """Return a new array as traced, if it holds real numbers."""
    if not (isinstance(numbers, np.ndarray) and numbers.dtype.kind == "f"):
        return numbers
    return TracedArray(numbers, trace.shadow(numbers) if shadow is None else shadow, trace)


def _filled(trace: Trace, function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *operands, **keywords: _new(trace, function(*operands, **keywords))


def _empty(trace: Trace) -> Callable[..., Any]:
    def empty(*operands: Any, **keywords: Any) -> Any:
        numbers = np.empty(*operands, **keywords)
        if numbers.dtype.kind == "f":
            numbers[...] = np.nan  # what is read before it is set is not 0
        return _new(trace, numbers)

    return empty


def _full(trace: Trace) -> Callable[..., Any]:
    def full(shape: Any, fill_value: Any, dtype: Any = None, **keywords: Any) -> Any:
        numbers = np.full(shape, plain(fill_value), dtype, **keywords)
        if numbers.dtype.kind != "f":
            return numbers
        shadow = np.broadcast_to(shadow_of(trace, fill_value), numbers.shape).copy()
        return _new(trace, numbers, shadow)

    return full


def _copied(trace: Trace, function: Callable[..., Any]) -> Callable[..., Any]:
    def copied(x: Any, dtype: Any = None, **keywords: Any) -> Any:
        if type(x) is TracedArray:
            if dtype is not None and np.dtype(dtype) != x.dtype:
                return x.astype(dtype)
            numbers = function(x.numbers, **keywords)  # in another order it is a copy, as by ndmin= a view
            return x if numbers is x.numbers else TracedArray(numbers, function(x.shadow, **keywords), trace)
        if is_traced(x):
            joined = stacked(trace, x)
            return joined if dtype is None else joined.astype(dtype)
        numbers = function(x, **keywords) if dtype is None else function(x, dtype=dtype, **keywords)
        if not (isinstance(numbers, np.ndarray) and numbers.dtype.kind == "f"):
            return numbers
        if numbers is x:
            return x
        return _new(trace, numbers, trace.constant(numbers))

    return copied


def stacked(trace: Trace, x: Any) -> Any:
    """Return a list of traced numbers, and lists of them, as an array."""
    parts = [stacked(trace, part) if isinstance(part, (list, tuple)) else part for part in x]
    arrays = [
        part
        if type(part) is TracedArray
        else _new(trace, np.asarray(part, dtype=float), shadow_of(trace, part))
        for part in parts
    ]
    return np.stack(arrays)


def _arange(trace: Trace) -> Callable[..., Any]:
    def arange(*operands: Any, dtype: Any = None, **keywords: Any) -> Any:
        numbers = np.arange(*map(plain, operands), dtype=dtype, **keywords)
        if numbers.dtype.kind != "f" or trace.rehearsal:
            return _new(trace, numbers)
        start = operands[0] if len(operands) > 1 else 0
        step = operands[2] if len(operands) > 2 else keywords.get("step", 1)
        if trace.forward:
            trace.tables.append("np.arange")
        first, by = shadow_of(trace, start)[()], shadow_of(trace, step)[()]
        return _new(trace, numbers, of_entries((first + by * k for k in range(len(numbers))), numbers.shape))

    return arange


def _linspace(trace: Trace) -> Callable[..., Any]:
    def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, **keywords: Any) -> Any:
        numbers = np.linspace(plain(start), plain(stop), num, endpoint, **keywords)
        if keywords.get("retstep"):
            raise trace.end("linspace with its step is not traced")
        if trace.rehearsal:
            return _new(trace, numbers)
        first, last = np.broadcast_arrays(shadow_of(trace, start), shadow_of(trace, stop))
        parts = max(num - 1 if endpoint else num, 1)
        counted = exact(np.arange(num))[:, None]
        rows = (first.ravel() + (last.ravel() - first.ravel()) * counted / parts).reshape(num, *first.shape)
        if trace.forward:
            trace.tables.append("np.linspace")
        return _new(trace, numbers, np.moveaxis(rows, 0, keywords.get("axis", 0)))

    return linspace
