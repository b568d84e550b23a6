"""Whether a function can be called with arguments: what its signature says of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any


def takes_one_more(gradient: Callable[..., Any], count: int, *, needed: bool) -> bool:
    """Say whether a gradient takes a cotangent after so many arguments.

    One that takes any number of arguments does if a cotangent is `needed`, for the value is no number.
    A parameter with a default is none: the second parameter of numpy's `cos` is where to write.
    """
    try:
        signature = inspect.signature(gradient)
    except (TypeError, ValueError):
        return False
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return needed
    required = [
        p
        for p in signature.parameters.values()
        if p.default is inspect.Parameter.empty
        and p.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    ]
    return len(required) == count + 1


def takes_by_name(function: Callable[..., Any], inputs: Mapping[Any, Any]) -> bool:
    """Say whether a dict holds a function's arguments by their names."""
    return all(isinstance(key, str) for key in inputs) and takes(function, **inputs)


def takes(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> bool:
    """Say whether a function can be called with these arguments."""
    try:
        inspect.signature(function).bind(*arguments, **keywords)
    except (TypeError, ValueError):
        return False
    return True
