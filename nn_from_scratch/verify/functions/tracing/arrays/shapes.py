"""Inputs of other shapes than those given, which a function may take or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

MOST = 4000
"""Numbers in all inputs of a drawn shape, at most."""


def other_inputs(inputs: Sequence[Any], seed: int) -> Iterator[tuple[Any, ...]]:
    """Draw inputs of unlike shapes: all sizes doubled, and a first size (a batch) of 1 or 3.

    Equal sizes stay equal, whichever inputs have them. Indices stay as they are, repeated or cut to their
    shape.
    """
    arrays = [x for x in inputs if isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.ndim]
    if not arrays:
        return
    batch = arrays[0].shape[0]
    rng = np.random.default_rng(seed)
    for resize in (_doubled, _replaced(batch, 3 if batch != 3 else 5), _replaced(batch, 1)):
        drawn = tuple(_drawn(x, resize, rng) for x in inputs)
        sizes = [x.size for x in drawn if isinstance(x, np.ndarray)]
        unchanged = [np.shape(x) for x in drawn] == [np.shape(x) for x in inputs]
        if sum(sizes) <= MOST and not unchanged:
            yield drawn


def _doubled(size: int) -> int:
    return size if size == 1 else 2 * size


def _replaced(old: int, new: int) -> Callable[[int], int]:
    return lambda size: new if size == old else size


def _drawn(x: Any, resize: Callable[[int], int], rng: np.random.Generator) -> Any:
    if not isinstance(x, np.ndarray) or x.ndim == 0:
        return x
    shape = tuple(resize(size) for size in x.shape)
    if x.dtype.kind == "f":
        spread, centre = float(np.std(x)) or 1.0, float(np.mean(x))
        low, high = float(np.min(x, initial=np.inf)), float(np.max(x, initial=-np.inf))
        drawn = rng.normal(centre, spread, size=shape)
        # Within what was given: it is known that the function is defined there.
        return np.clip(drawn, low, high).astype(x.dtype) if low < high else np.full(shape, low, x.dtype)
    return np.resize(x, shape)
