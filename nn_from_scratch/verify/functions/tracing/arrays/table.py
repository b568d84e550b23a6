"""The table of numpy's functions that are answered over traced arrays, which each room of them fills."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.tracing.arrays.trace import Trace

Handler = Callable[..., Any]

TABLE: dict[Callable[..., Any], Handler] = {}
"""How each further function is answered."""


def answers(*functions: Callable[..., Any]) -> Callable[[Handler], Handler]:
    """Enter a handler for functions; it is given the trace and their operands."""

    def enter(handler: Handler) -> Handler:
        for function in functions:
            TABLE[function] = handler
        return handler

    return enter


def refuse_others(trace: Trace, keywords: dict[str, Any]) -> None:
    """End the trace for arguments that no handler has."""
    unset = (None, np._NoValue)  # noqa: SLF001
    if unknown := [name for name, value in keywords.items() if not any(value is x for x in unset)]:
        raise trace.end(f"the argument {unknown[0]}= is not traced")
