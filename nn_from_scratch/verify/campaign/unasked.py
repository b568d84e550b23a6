"""What an engine offers in public and nobody asked."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.transform import Transform
from nn_from_scratch.verify.questions.operations import OPERATIONS

_NO_OPERATIONS = """
    apply astype backprop backward clone copy cpu cuda data detach dim double eval float from_numpy grad
    half item label name ndim new no_grad numel numpy parameters realize requires_grad retain_grad
    set_data shape size step to tolist topo_sort topological_sort train type zero_grad
"""
"""Public names of nodes that compute nothing new."""
_FUNCTIONS = """
    arccosh arcsinh arctanh cbrt cumprod cumsum deg2rad diagonal dot einsum exp2 float_power fmax fmin
    inner log10 log2 logaddexp2 median outer pad rad2deg repeat roll sinc sort std swapaxes tensordot
    tile trace tril triu var
"""
"""Functions of a namespace like numpy's that are differentiable, and that not every engine is asked."""
_MOST_NAMED = 12


def unasked(engine: Engine, asked: Collection[str]) -> str:
    """Say which public operations of an engine nobody asked; nothing where there is none."""
    names = [name for name in _public(engine) if name not in asked]
    if not names:
        return ""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"nobody asked what else the engine offers: {', '.join(names[:_MOST_NAMED])}{more}"


def _public(engine: Engine) -> list[str]:
    """Return the names of public methods of a node, or of further functions of a namespace."""
    if isinstance(engine.driver, Transform):
        return [name for name in _FUNCTIONS.split() if callable(getattr(engine.driver.namespace, name, None))]
    if engine.tape is None:
        return []
    try:
        kind: type[Any] = type(engine.tape.variable(0.5))
    except Exception:  # noqa: BLE001  an engine that makes no leaf has no operation either
        return []
    beside = {*OPERATIONS, *_NO_OPERATIONS.split()}
    return [
        name
        for name in dir(kind)
        if not name.startswith("_")
        and not name.endswith("_")
        and name not in beside
        and callable(getattr(kind, name, None))
    ]
