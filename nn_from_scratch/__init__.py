"""A small reverse-mode autodiff engine from numpy alone.

Each name is imported when it is used first: the suite beside the engine judges others without it.
PYTEST_DONT_REWRITE: pytest may come after it, and rewrites no assertion of the suite.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nn_from_scratch.derivatives import hessian, hvp, jacobian, jvp, value_and_gradient
    from nn_from_scratch.functional import gradients
    from nn_from_scratch.joining import array
    from nn_from_scratch.nn import MLP, Layer
    from nn_from_scratch.node import Node
    from nn_from_scratch.own_rules import checkpoint, custom
    from nn_from_scratch.recording import no_grad
    from nn_from_scratch.replaying import replay

__all__ = [
    "MLP",
    "Layer",
    "Node",
    "array",
    "checkpoint",
    "custom",
    "gradients",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "no_grad",
    "replay",
    "value_and_gradient",
]

_FOUND_IN = {
    "MLP": "nn_from_scratch.nn",
    "Layer": "nn_from_scratch.nn",
    "Node": "nn_from_scratch.node",
    "array": "nn_from_scratch.joining",
    "checkpoint": "nn_from_scratch.own_rules",
    "custom": "nn_from_scratch.own_rules",
    "gradients": "nn_from_scratch.functional",
    "hessian": "nn_from_scratch.derivatives",
    "hvp": "nn_from_scratch.derivatives",
    "jacobian": "nn_from_scratch.derivatives",
    "jvp": "nn_from_scratch.derivatives",
    "no_grad": "nn_from_scratch.recording",
    "replay": "nn_from_scratch.replaying",
    "value_and_gradient": "nn_from_scratch.derivatives",
}


def __getattr__(name: str) -> Any:
    """Import a public name, or a module of the engine (PEP 562)."""
    if name in ("nn", "node"):
        return importlib.import_module(f"nn_from_scratch.{name}")
    if name not in _FOUND_IN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(_FOUND_IN[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return the public names, imported or not."""
    return sorted({*globals(), *__all__})
