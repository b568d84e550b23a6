"""numpy's error state, several times as fast as numpy: whether it is the usual one, and how to silence it.

numpy keeps the state in a context variable, which it does not document. Where that is not found, `np.geterr`
and `np.errstate` do the same.
"""

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

_P = ParamSpec("_P")
_R = TypeVar("_R")

_USUAL_VALUES = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
USUAL: Any = object()
"""What `state` returns where numpy warns of what it warns of unless it is told otherwise."""


def _state_by_value() -> Any:
    return USUAL if np.geterr() == _USUAL_VALUES else None


state: Callable[[], Any] = _state_by_value
"""Return the error state, to be compared with `USUAL` by identity."""
_variable: ContextVar[Any] | None = getattr(
    getattr(getattr(np, "_core", None), "umath", None), "_extobj_contextvar", None
)
_SILENT: Any = None
if _variable is not None and np.geterr() == _USUAL_VALUES:
    state = _variable.get
    USUAL = state()
    with np.errstate(all="ignore"):
        _SILENT = state()


def silent(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Return a function during which numpy warns of nothing, and raises nothing."""
    if _variable is None or _SILENT is None:
        return np.errstate(all="ignore")(function)
    variable = _variable

    @wraps(function)
    def silenced(*arguments: _P.args, **options: _P.kwargs) -> _R:
        earlier = variable.set(_SILENT)
        try:
            return function(*arguments, **options)
        finally:
            variable.reset(earlier)

    return silenced
