"""Batch norm in training mode: its output and gradient are functions of the batch alone.

Running statistics are written beside, and change on every call; nothing that is returned depends on them.
"""

from __future__ import annotations

from typing import Any

_STATISTICS = ("running_mean", "running_var")
_PLACES = {"native_batch_norm": (3, 4), "native_batch_norm_backward": (3, 4)}
"""Where operations take the running statistics."""


def unread_statistics(name: str, bound: dict[str, Any]) -> set[int]:
    """Return which tensors, by id, are running statistics that an operation does not compute with."""
    in_training = bound.get("training") or bound.get("train")
    if name not in _PLACES or not in_training:
        return set()
    return {id(bound[statistic]) for statistic in _STATISTICS}


def without(unread: set[int], name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return arguments with none in place of running statistics that are not read."""
    places = _PLACES.get(name, ())
    return tuple(None if k in places and id(x) in unread else x for k, x in enumerate(args))
