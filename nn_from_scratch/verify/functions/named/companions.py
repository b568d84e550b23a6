"""What stands beside a function under a name like its own: its gradient, and the inputs to ask it at."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nn_from_scratch.verify.functions.named.importing import TargetError

GRADIENTS = (
    "{}_gradient",
    "{}_grad",
    "{}_backward",
    "{}_derivative",
    "{}_vjp",
    "{}_prime",
    "gradient_{}",
    "grad_{}",
    "backward_{}",
    "d_{}",
    "d{}",
)
"""How the gradient of a function is called."""

INPUTS = ("{}_inputs", "{}_input", "inputs", "example_inputs")
"""How the inputs are called: something, or a function of nothing that returns it."""


def gradient_names(name: str) -> Iterator[str]:
    """Yield the names under which the gradient of a function is looked for, in their order."""
    if "forward" in name:
        yield name.replace("forward", "backward")
    for base in dict.fromkeys((name, _base(name))):
        if base:
            yield from (pattern.format(base) for pattern in GRADIENTS)


def inputs_names(name: str) -> Iterator[str]:
    """Yield the names under which the inputs of a function are looked for, in their order."""
    for base in dict.fromkeys((name, _base(name))):
        if base:
            yield from (pattern.format(base) for pattern in INPUTS[:2])
    yield from INPUTS[2:]


def _base(name: str) -> str:
    """Return the name without its "forward", which a gradient and inputs do not carry."""
    return name.replace("forward", "").strip("_")


def gradient_beside(names: Mapping[str, Any], name: str) -> str | None:
    """Return the name of a function's gradient, None if there is none."""
    return next((other for other in gradient_names(name) if callable(names.get(other))), None)


def inputs_beside(names: Mapping[str, Any], name: str) -> str | None:
    """Return the name of a function's inputs, None if there are none."""
    return next((other for other in inputs_names(name) if other in names), None)


def made(inputs: Any, name: str) -> Any:
    """Return inputs, which may be a function of nothing that makes them."""
    if not callable(inputs):
        return inputs
    try:
        return inputs()
    except Exception as error:
        raise TargetError(f"{name}() raises {type(error).__name__}: {error}") from error


def needs_nothing(function: Callable[..., Any]) -> bool:
    """Say whether a function can be called without arguments, and takes none that it needs."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return not any(
        p.default is inspect.Parameter.empty
        and p.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        for p in parameters
    )
