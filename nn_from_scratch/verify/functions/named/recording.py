"""What a test asks: its calls of `check_gradient`, `gradcheck` or `check_grads`, noted instead of made."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from nn_from_scratch.verify.functions.named.target import Door, Target

CALLS: tuple[tuple[str, str, Door], ...] = (
    ("nn_from_scratch.verify", "check_gradient", Door.NUMPY),
    ("nn_from_scratch.verify.torch", "gradcheck", Door.PYTORCH),
    ("torch.autograd", "gradcheck", Door.PYTORCH),
    ("torch.autograd.gradcheck", "gradcheck", Door.PYTORCH),
    ("nn_from_scratch.verify.jax", "check_grads", Door.JAX),
    ("jax.test_util", "check_grads", Door.JAX),
)
"""Module, name and door of each check that is noted: ours, and those that they take the place of."""


@dataclass(slots=True)
class _Noting:
    """Notes the calls of a check, and answers that all is right."""

    door: Door
    name: str
    found: list[Target]

    def __call__(self, function: Any, *arguments: Any, **keywords: Any) -> bool:
        self.found.append(self._target(function, *arguments, **keywords))
        return True

    def _target(self, function: Any, *arguments: Any, **keywords: Any) -> Target:
        name = f"{self.name}: {getattr(function, '__qualname__', None) or type(function).__name__}"
        match self.door:
            case Door.NUMPY:
                return _of_numpy(name, function, *arguments, **keywords)
            case Door.PYTORCH:
                return _of_pytorch(name, function, *arguments, **keywords)
            case Door.JAX:
                return _of_jax(name, function, *arguments, **keywords)


def _of_numpy(name: str, function: Any, gradient: Any = None, inputs: Any = (), **_: Any) -> Target:
    return Target(name, Door.NUMPY, function, inputs, gradient)


def _of_pytorch(name: str, function: Any, inputs: Any = (), *_: Any, **__: Any) -> Target:
    return Target(name, Door.PYTORCH, function, inputs)


def _of_jax(
    name: str, function: Any, args: Any = (), order: int = 1, modes: Any = ("fwd", "rev"), *_: Any, **__: Any
) -> Target:
    modes = (modes,) if isinstance(modes, str) else tuple(modes)
    return Target(name, Door.JAX, function, tuple(args), order=order, modes=modes)


def recorded(test: Callable[[], Any], name: str) -> tuple[list[Target], Any]:
    """Run a test; return what it would have checked, and what it returned."""
    found: list[Target] = []
    with _noting(found, name):
        returned = test()
    return found, returned


@contextmanager
def _noting(found: list[Target], name: str) -> Iterator[None]:
    """Put a note-taker in the place of every check, wherever a module holds one, inside of the block."""
    stand_ins = {
        id(check): _Noting(door, name, found)
        for module, attribute, door in CALLS
        if (check := getattr(sys.modules.get(module), attribute, None)) is not None
    }
    undo: list[tuple[dict[str, Any], str, Any]] = []
    try:
        for module in list(sys.modules.values()):
            if isinstance(module, ModuleType):
                names = vars(module)
                for attribute, value in list(names.items()):
                    if id(value) in stand_ins:
                        undo.append((names, attribute, value))
                        names[attribute] = stand_ins[id(value)]
        yield
    finally:
        for names, attribute, value in undo:
            names[attribute] = value
