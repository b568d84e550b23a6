"""Python's own functions of numbers, ``float`` and the module ``math``, over traced numbers.

They stand in for them in the user's modules. A number of Python's is immutable: what stands for one is an
array of its own, of no dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.tracing.arrays.array import TracedArray, computed, is_traced, plain
from nn_from_scratch.verify.functions.tracing.arrays.ufuncs import COMPOSED, scale_of
from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.shadows import Shadow, mapped

SMOOTH: Mapping[str, str] = {
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
    "cbrt": "cbrt",
    "cos": "cos",
    "cosh": "cosh",
    "degrees": "degrees",
    "erf": "erf",
    "erfc": "erfc",
    "exp": "exp",
    "exp2": "exp2",
    "expm1": "expm1",
    "gamma": "gamma",
    "hypot": "hypot",
    "lgamma": "lgamma",
    "log10": "log10",
    "log1p": "log1p",
    "log2": "log2",
    "pow": "power",
    "radians": "radians",
    "sin": "sin",
    "sinh": "sinh",
    "sqrt": "sqrt",
    "tan": "tan",
    "tanh": "tanh",
}
"""Functions of ``math`` by the name of their formula; their numbers are ``math``'s own."""

BY_NUMPY: Mapping[str, Callable[..., Any]] = {"copysign": np.copysign, "fabs": np.fabs, "fmod": np.fmod}
"""Functions of which numbers choose the branch: numpy's are the same."""

STAIRS = frozenset({"ceil", "floor", "trunc"})
"""Functions that are constant between their jumps, and give integers."""

_ABSOLUTE = {"lgamma": "gammaln"}
"""Functions that keep absolute accuracy near their zeros, by their names in scipy."""


class _Type(type):
    """The type of `Float`, which makes traced numbers of traced arrays, and Python's of everything else."""

    def __call__(cls, *given: Any) -> Any:
        return as_number(given[0]) if given and type(given[0]) is TracedArray else float(*given)

    def __instancecheck__(cls, x: object) -> bool:
        return isinstance(x, float) or (type(x) is TracedArray and x.ndim == 0)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, float)


class Float(float, metaclass=_Type):
    """Stands for ``float`` in the user's modules: called, asked for, and as a dtype."""

    dtype = np.dtype(np.float64)


def as_number(x: TracedArray) -> TracedArray:
    """Return a traced array of one entry as a number of Python's: of float64, and of no dimensions.

    Raises
    ------
    TraceEndedError
        If it has more entries.

    """
    if x.size != 1:
        raise x.traced_by.end("an array becomes a number of Python's")
    number: TracedArray = x.reshape(()).astype(np.float64)
    return number


def of_math() -> dict[int, Callable[..., Any]]:
    """Return what stands for the functions of ``math``, by the identity of each."""
    made = {name: _smooth(name, formula) for name, formula in SMOOTH.items() if hasattr(math, name)}
    made |= {name: _by_numpy(name, function) for name, function in BY_NUMPY.items()}
    made |= {name: _stairs(name) for name in STAIRS}
    made |= {"log": _log, "fsum": _fsum, "isclose": _isclose}
    made |= {name: _plainly(name) for name in ("isfinite", "isinf", "isnan")}
    return {id(getattr(math, name)): stand_in for name, stand_in in made.items()}


def _smooth(name: str, formula: str) -> Callable[..., Any]:
    function = getattr(math, name)

    def stand_in(*operands: Any) -> Any:
        if not any(map(is_traced, operands)):
            return function(*operands)
        numbers = tuple(as_number(x) if type(x) is TracedArray else x for x in operands)
        trace = next(x.traced_by for x in numbers if type(x) is TracedArray)
        if len(operands) > 2:
            raise trace.end(f"math.{name} of more than two numbers is not traced")
        scale = scale_of(_ABSOLUTE.get(name, formula), list(map(plain, numbers)))
        result = np.float64(function(*(float(plain(x)) for x in numbers)))
        return computed(trace, formula, _of_entries(formula), numbers, result, scale)

    return stand_in


def _of_entries(formula: str) -> Callable[..., Shadow]:
    """Return an operation on shadows by its name."""
    if formula in COMPOSED:
        return lambda *shadows: mapped(COMPOSED[formula], *shadows)
    return lambda *shadows: apply(formula, *shadows)


def _by_numpy(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    real = getattr(math, name)

    def stand_in(*operands: Any) -> Any:
        if not any(map(is_traced, operands)):
            return real(*operands)
        return function(*(as_number(x) if type(x) is TracedArray else float(x) for x in operands))

    return stand_in


def _log(x: Any, base: Any = math.e) -> Any:
    """Return a logarithm: Python divides two natural ones."""
    if not (is_traced(x) or is_traced(base)):
        return math.log(x, base) if base is not math.e else math.log(x)
    natural = _smooth("log", "log")
    return natural(x) if base is math.e else natural(x) / natural(base)


def _fsum(numbers: Any) -> Any:
    """Return a sum; the traced one rounds as any sum may."""
    listed = list(numbers)
    return sum(listed) if any(map(is_traced, listed)) else math.fsum(listed)


def _stairs(name: str) -> Callable[..., Any]:
    function = getattr(math, name)

    def stand_in(x: Any) -> Any:
        if type(x) is not TracedArray:
            return function(x)
        number = as_number(x)
        return function(
            float(plain(getattr(np, name)(number)))
        )  # which notes the step, and how near a jump is

    return stand_in


def _plainly(name: str) -> Callable[..., Any]:
    function = getattr(math, name)
    return lambda x: function(float(plain(x))) if type(x) is TracedArray else function(x)


def _isclose(x: Any, y: Any, **within: Any) -> bool:
    """Compare numbers, which decides what is run."""
    for one in (x, y):
        if type(one) is TracedArray:
            one.traced_by.note_decision()
    return math.isclose(*(float(plain(z)) if is_traced(z) else z for z in (x, y)), **within)
