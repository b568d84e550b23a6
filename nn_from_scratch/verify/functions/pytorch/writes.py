"""Operations that write where an index says: which of several writes to one place stays is left open."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch


def writes_twice(name: str, arguments: dict[str, Any], *, gradients: bool) -> bool:
    """Whether an operation writes numbers to one place more than once, so that the one that stays is chance.

    Parameters
    ----------
    name, arguments
        Of the operation, as `by_name` returns them.
    gradients
        Whether autograd sees the operation: then only what has a gradient counts. Where it does not, in a
        custom function, whatever differs does.

    """
    places = _PLACES.get(name.removesuffix("_"))
    if places is None or arguments.get("accumulate") or arguments.get("reduce"):
        return False
    written = next((arguments[key] for key in _WRITTEN if key in arguments), arguments["self"])
    if not isinstance(written, torch.Tensor) or not written.is_floating_point():
        return False
    if not (written.requires_grad if gradients else written.unique().numel() > 1):
        return False
    found = places(arguments)
    return bool(found.unique().numel() < found.numel())


def _numbered(x: torch.Tensor) -> torch.Tensor:
    return torch.arange(x.numel(), device=x.device).reshape(x.shape)


def _by_indices(arguments: dict[str, Any]) -> torch.Tensor:
    return torch.ops.aten.index(_numbered(arguments["self"]), arguments["indices"])


def _unpooled(arguments: dict[str, Any]) -> torch.Tensor:
    """Return the places in all planes, numbered on from one plane to the next."""
    size = arguments["output_size"]
    planes = arguments["indices"].flatten(-len(size)).flatten(0, -2)
    first = torch.arange(len(planes), device=planes.device) * math.prod(size)
    return planes + first[:, None]


# An operation writes where its opposite reads.
_PLACES: dict[str, Callable[[dict[str, Any]], torch.Tensor]] = {
    "scatter": lambda given: _numbered(given["self"]).gather(given["dim"], given["index"]),
    "put": lambda given: _numbered(given["self"]).take(given["index"]),
    "index_copy": lambda given: _numbered(given["self"]).index_select(given["dim"], given["index"]),
    **dict.fromkeys(("index_put", "_index_put_impl", "_unsafe_index_put"), _by_indices),
    **dict.fromkeys(("max_unpool2d", "max_unpool3d"), _unpooled),
}
_WRITTEN = ("src", "values", "source")
