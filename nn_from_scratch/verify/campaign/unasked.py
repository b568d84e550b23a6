"""What an engine offers in public and nobody asked."""

from __future__ import annotations

from collections.abc import Collection

from nn_from_scratch.verify.engines.engine import Engine

_NO_OPERATIONS = """
    all any apply argmax argmin argsort astype backprop backward clone conj conjugate copy cpu cuda data
    detach dim double eval fill float from_numpy grad half item label name ndim new no_grad nonzero numel
    numpy parameters realize requires_grad retain_grad round searchsorted set_data shape size step to to_dot
    tolist topo_sort topological_sort train type zero_grad
"""
"""Public names of nodes that compute nothing new, or what has no derivative."""
_MOST_NAMED = 12


def unasked(engine: Engine, asked: Collection[str]) -> str:
    """Say which public operations of an engine nobody asked; nothing where there is none."""
    names = [
        name for name in engine.driver.public() if name not in asked and name not in _NO_OPERATIONS.split()
    ]
    if not names:
        return ""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"nobody asked what else the engine offers: {', '.join(names[:_MOST_NAMED])}{more}"
