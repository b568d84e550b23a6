"""Numpy's functions over traced arrays; what is not known ends the trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.tracing.arrays import (
    composed,
    factoring,
    filling,
    linear,
    selections,
    sums,
)
from nn_from_scratch.verify.functions.tracing.arrays.array import TracedArray, plain
from nn_from_scratch.verify.functions.tracing.arrays.choices import note_choice
from nn_from_scratch.verify.functions.tracing.arrays.movements import MOVEMENTS, move
from nn_from_scratch.verify.functions.tracing.arrays.table import TABLE
from nn_from_scratch.verify.functions.tracing.arrays.trace import Trace

ROOMS = (composed, factoring, filling, linear, selections, sums)
"""The modules that fill the table."""

_OF_NUMBERS = """
    argmax argmin argsort nonzero shape ndim size any all isclose allclose array_equal unique
    searchsorted flatnonzero argwhere count_nonzero may_share_memory shares_memory result_type
    iscomplexobj isrealobj array_repr array_str can_cast digitize lexsort argpartition array2string
    min_scalar_type isreal iscomplex isin
"""
OF_NUMBERS = frozenset(getattr(np, name) for name in _OF_NUMBERS.split())
"""Functions whose results carry no derivative."""

DECIDING = frozenset({np.any, np.all, np.allclose, np.array_equal, np.isclose})
"""Those of them that may decide what is run."""


def call(trace: Trace, function: Callable[..., Any], operands: Any, keywords: dict[str, Any]) -> Any:
    """Answer a call of a function of numpy's."""
    if function in OF_NUMBERS:
        if function in DECIDING:
            trace.note_decision()
        note_choice(trace, function, operands, keywords)
        return function(*(plain(x) for x in operands), **{name: plain(x) for name, x in keywords.items()})
    out = keywords.pop("out", None) if function in TABLE else None
    if function is np.where and len(operands) == 1:
        return np.where(plain(operands[0]))
    if function in TABLE:
        result = TABLE[function](trace, *operands, **keywords)
    elif function in MOVEMENTS:
        result = move(trace, function, operands, keywords)
    else:
        raise trace.end(f"the function {function.__module__}.{function.__name__} is not traced")
    if out is None:
        return result
    if type(out) is not TracedArray:
        raise trace.end("traced values are written into an array that is not traced")
    out[...] = result
    return out
