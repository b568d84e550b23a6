"""The gradient that a function brings of its own, where none is given beside it."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

from nn_from_scratch.verify.functions.inputs import Arguments
from nn_from_scratch.verify.functions.outputs import is_one_number

ATTRIBUTES = ("gradient", "grad", "vjp")
"""Where a function may keep its gradient, called as one that is given beside it."""

Pair = tuple[Callable[..., Any], Callable[..., Any]]


def with_own_gradient(function: Any, inputs: Any) -> Pair:
    """Return a function and the gradient that it brings.

    Parameters
    ----------
    function
        One of these, looked for in this order: an object with ``forward`` and ``backward``; a function with
        an attribute ``gradient``, ``grad`` or ``vjp``, which takes the inputs, and a cotangent after them if
        it has a parameter more; a function that returns its value and its gradient, as scipy's ``jac=True``
        has it. The backward takes a cotangent, after ``forward`` was called; or a cotangent and what
        ``forward`` returned beside its output.
    inputs
        The point.

    Raises
    ------
    TypeError
        If it brings none.

    """
    if callable(getattr(function, "forward", None)) and callable(getattr(function, "backward", None)):
        return _of_layer(function)
    for name in ATTRIBUTES:
        own = getattr(function, name, None)
        if callable(own) and callable(function):
            return function, own
    if callable(function):
        arguments = Arguments(function, inputs)
        if _returns_both(arguments, arguments.call(function, arguments.point)):
            return _Part(function, 0), _Part(function, 1)
    raise TypeError(
        f"{_name(function)} brings no gradient of its own: give one as the second argument; or let the "
        "function return (value, gradient), as scipy's jac=True has it; or give it an attribute gradient, "
        "grad or vjp; or give an object with forward and backward"
    )


def _of_layer(layer: Any) -> Pair:
    """Return forward and backward of an object as a function and its gradient, each call a pass of its own.

    What they save is saved in a copy of the object.
    """
    layer = copy.copy(layer)
    if _required(layer.backward) == 2:

        def function(*inputs: Any, **named: Any) -> Any:
            return layer.forward(*inputs, **named)[0]

        def gradient(*inputs: Any, **named: Any) -> Any:
            *given, cotangent = inputs
            return layer.backward(cotangent, layer.forward(*given, **named)[1])

        return _signed(function, gradient, layer)

    def forward(*inputs: Any, **named: Any) -> Any:
        return layer.forward(*inputs, **named)

    def backward(*inputs: Any, **named: Any) -> Any:
        *given, cotangent = inputs
        layer.forward(*given, **named)
        return layer.backward(cotangent)

    return _signed(forward, backward, layer)


def _signed(function: Any, gradient: Any, layer: Any) -> Pair:
    """Give a function the parameters of a layer's forward, and its gradient a cotangent after them."""
    function.__wrapped__, gradient.__wrapped__ = layer.forward, layer.backward
    parameters = list(inspect.signature(layer.forward).parameters.values())
    required = [p for p in parameters if p.default is inspect.Parameter.empty]
    cotangent = inspect.Parameter("cotangent", inspect.Parameter.POSITIONAL_ONLY)
    positional = [p.replace(kind=inspect.Parameter.POSITIONAL_ONLY) for p in required]
    function.__signature__ = inspect.Signature(parameters)
    gradient.__signature__ = inspect.Signature([*positional, cotangent])
    return function, gradient


def _returns_both(arguments: Arguments, value: Any) -> bool:
    """Whether a value is a number and a gradient that fits the inputs."""
    if not (isinstance(value, tuple) and len(value) == 2 and is_one_number(value[0])):
        return False
    try:
        arguments.gradient(value[1])
    except (TypeError, ValueError):
        return False
    return True


class _Part:
    """One of the two that a function returns."""

    def __init__(self, function: Callable[..., Any], which: int) -> None:
        self.function = function
        self.which = which
        self.__wrapped__ = function

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """Call the function, and return that part."""
        return self.function(*inputs, **named)[self.which]


def _required(function: Callable[..., Any]) -> int:
    parameters = inspect.signature(function).parameters.values()
    return sum(p.default is inspect.Parameter.empty for p in parameters)


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", None) or type(function).__name__)
