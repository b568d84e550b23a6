"""Layers of numpy code, as they are written: two functions that share a cache, or a class."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from nn_from_scratch.verify.functions.named.target import Layer


def is_layer(found: Any) -> bool:
    """Say whether a class or an object has a forward and a backward."""
    return callable(getattr(found, "forward", None)) and callable(getattr(found, "backward", None))


def of_class(found: Any) -> Layer:
    """Return the layer that a class makes, or an object is: it saves what it needs in itself."""

    def forward(*inputs: Any) -> tuple[Any, Any]:
        layer = found() if isinstance(found, type) else found
        return layer.forward(*inputs), layer

    def backward(cotangent: Any, layer: Any) -> Any:
        return layer.backward(cotangent)

    return Layer(forward, backward)


def function_and_gradient(layer: Layer, arguments: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return a layer as a function of its inputs, and a gradient of those and of a cotangent after them."""

    def function(*inputs: Any) -> Any:
        return layer.forward(*inputs)[0]

    def gradient(*inputs_and_cotangent: Any) -> Any:
        *inputs, cotangent = inputs_and_cotangent
        return layer.backward(cotangent, layer.forward(*inputs)[1])

    names = [f"x{k}" for k in range(arguments)]
    function.__signature__ = _signature(names)  # type: ignore[attr-defined]
    gradient.__signature__ = _signature([*names, "cotangent"])  # type: ignore[attr-defined]
    return function, gradient


def _signature(names: list[str]) -> inspect.Signature:
    """Return a signature: whether a gradient takes a cotangent is told by how many parameters it has."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Signature([inspect.Parameter(name, kind) for name in names])
