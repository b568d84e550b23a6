"""What is asked: a function, its inputs and its gradient, and the Python code that finds them again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from nn_from_scratch.verify.functions.named.importing import TargetError


class Door(StrEnum):
    """Whose arrays a function takes."""

    NUMPY = "numpy"
    PYTORCH = "pytorch"
    JAX = "jax"


@dataclass(frozen=True, slots=True)
class Code:
    """How a script comes by what was asked.

    `imports` are whole lines. `function` and `gradient` are expressions. Of a layer, `forward` and `backward`
    are: a forward returns its output and what it saves, a backward takes a cotangent and that.
    """

    imports: tuple[str, ...]
    function: str
    gradient: str = ""
    forward: str = ""
    backward: str = ""


@dataclass(frozen=True, slots=True)
class Layer:
    """A forward that returns its output and what it saves, and a backward of a cotangent and that."""

    forward: Callable[..., tuple[Any, Any]]
    backward: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Target:
    """One function to ask.

    `gradient` is None where the function brings its own, as those of PyTorch and JAX do. `inputs` is a tuple
    of arguments, or whatever the door takes. Without `code` nobody finds the function again. `missing` says
    why it cannot be asked, where others of its file can.
    """

    name: str
    door: Door
    function: Callable[..., Any]
    inputs: Any
    gradient: Callable[..., Any] | None = None
    layer: Layer | None = None
    code: Code | None = None
    order: int = 1
    modes: tuple[str, ...] = ("fwd", "rev")
    missing: str = ""


def not_called(target: Target, error: Exception) -> TargetError:
    """Say that a function cannot be called with the inputs that were found for it."""
    said = f"{type(error).__name__}: {error}"
    return TargetError(f"{target.name} raises when it is called with its inputs: {said}")
