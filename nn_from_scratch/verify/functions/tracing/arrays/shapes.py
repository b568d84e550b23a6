"""Inputs of other shapes than those given, which a function may take or not."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.symmetric import has_square_matrices, is_symmetric, symmetric
from nn_from_scratch.verify.functions.tracing.arrays.other_numbers import is_one_number_throughout

MOST = 4000
"""Numbers in all inputs of a drawn shape, at most."""

LARGE = 256
"""Numbers from which on sizes are halved, not doubled."""

TRIES = 24
"""Ways to make a square no square that are tried, at most."""

REPEATED = (
    "right where each index occurs once, as given, and not where one occurs twice: then what it is for adds "
    "up. Give one that does, or pass shapes=False if none may"
)
"""Why a gradient that writes by indices is undecided."""

_TIMES = 3
"""How often inputs of the shapes given are drawn."""

Place = tuple[int, int]
"""Which input, and which of its axes."""


def other_inputs(inputs: Sequence[Any], seed: int) -> Iterator[tuple[Any, ...]]:
    """Draw inputs of unlike shapes: squares that are none, all sizes doubled or halved, a batch of 1 or 3.

    Where equal sizes are not taken apart they stay equal, whichever inputs have them. Indices stay as they
    are, repeated or cut to their shape; a permutation is another one. Symmetric matrices that stay square
    stay symmetric, and what has no numbers but 0, 1 and -1, as a mask or labels, has none but its own. A size
    that is an input too, as a number, stays.
    """
    arrays = [x for x in inputs if isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.ndim]
    if not arrays:
        return
    counts = {int(x) for x in inputs if _is_count(x)}
    rng = np.random.default_rng(seed)
    batch, total = arrays[0].shape[0], sum(x.size for x in arrays)
    whole = [_resized(inputs, _halved if total > LARGE else _doubled), _resized(inputs, _replaced(batch, 1))]
    whole.append(_resized(inputs, _replaced(batch, 3 if batch != 3 else 5)))
    for sizes in itertools.chain(_without_squares(inputs), whole):
        drawn = tuple(_drawn(x, k, sizes, rng) for k, x in enumerate(inputs))
        changed = _changed_sizes(inputs, drawn)
        small = sum(x.size for x in drawn if isinstance(x, np.ndarray)) <= MOST
        if small and changed and not changed & counts:
            yield drawn


def _is_count(x: Any) -> bool:
    """Whether an input is one whole number; a key of JAX's random numbers is none."""
    if isinstance(x, int):
        return not isinstance(x, bool)
    return np.ndim(x) == 0 and getattr(getattr(x, "dtype", None), "kind", None) in {"i", "u"}


def _changed_sizes(inputs: Sequence[Any], drawn: Sequence[Any]) -> set[int]:
    pairs = zip(inputs, drawn, strict=True)
    return {old for x, y in pairs for old, new in zip(np.shape(x), np.shape(y), strict=True) if old != new}


def same_shapes(inputs: Sequence[Any], seed: int) -> Iterator[tuple[Any, ...]]:
    """Draw inputs of the shapes given, as `other_inputs` does: what differs here too is no matter of a size.

    They are drawn a few times: one mask of three rows in twelve has a single 1 in each by chance.

    A gradient may be right for numbers that sum to 1, for rotations, or for a mask alone. One number
    throughout may be one of those, as 1/4 four times is: then any others are drawn.
    """
    rng = np.random.default_rng(seed)
    for _ in range(_TIMES):
        drawn = [_drawn(x, k, {}, rng) for k, x in enumerate(inputs)]
        yield tuple(_scaled_apart(x, rng) if is_one_number_throughout(x) else x for x in drawn)


def _scaled_apart(x: Any, rng: np.random.Generator) -> Any:
    return np.asarray(x * rng.uniform(0.5, 1.5, x.shape), x.dtype)


def three_for_one(inputs: Sequence[Any], drawn: Sequence[Any]) -> list[Any]:
    """Return inputs with 3 entries along each axis of which one was drawn, and more were given.

    What is of a fixed size broadcasts against one entry, but not against three.
    """
    rng = np.random.default_rng(0)
    sizes: dict[Place, int] = {}
    for k, x in enumerate(drawn):
        for axis, size in enumerate(np.shape(x)):
            given = np.shape(inputs[k])[axis]
            more = 3 if given != 3 else 5  # not as many as were given, which what is fixed fits
            sizes[k, axis] = more if size == 1 < given else size
    return [_drawn(x, k, sizes, rng) for k, x in enumerate(inputs)]


def without_repeats(inputs: Sequence[Any], drawn: Sequence[Any]) -> list[Any] | None:
    """Return drawn inputs in which indices that were given once each are so again; None if they are."""
    apart = [
        _each_once(y) if _occur_once(x) and not _occur_once(y) else y
        for x, y in zip(inputs, drawn, strict=True)
    ]
    return None if all(x is y for x, y in zip(apart, drawn, strict=True)) else apart


def _occur_once(x: Any) -> bool:
    """Whether no row of an array of integers has one of them twice, and one has several."""
    if not isinstance(x, np.ndarray) or x.dtype.kind not in "iu" or not x.ndim or not x.size:
        return False
    rows = np.sort(x, axis=-1)
    return x.shape[-1] > 1 and not (rows[..., 1:] == rows[..., :-1]).any()


def _each_once(x: Any) -> Any:
    """Return rows with the smallest numbers that are left in place of what occurs twice."""
    rows = x.reshape(-1, x.shape[-1]).tolist()
    for row in rows:
        others = (k for k in itertools.count() if k not in row)
        for place, number in enumerate(row):
            if number in row[:place]:
                row[place] = next(others)
    return np.array(rows, x.dtype).reshape(x.shape)


def has_squares(inputs: Sequence[Any]) -> bool:
    """Whether an input has two axes of one size."""
    return any(len(_square(x)) > 0 for x in inputs)


def _without_squares(inputs: Sequence[Any]) -> Iterator[dict[Place, int]]:
    """Yield new sizes for some of the axes that are as long as the two of a square."""
    size = next((s for x in inputs for s in _square(x)), None)
    if size is None:
        return
    places = [(k, axis) for k, x in enumerate(inputs) for axis in range(np.ndim(x)) if x.shape[axis] == size]
    first = [place for place in places if place[1] == 0]
    last = [place for place in places if place[1] == np.ndim(inputs[place[0]]) - 1]
    some = [set(chosen) for n in range(1, len(places)) for chosen in itertools.combinations(places, n)]
    ways: list[set[Place]] = []
    for chosen in [set(first), set(last), *some]:
        if chosen not in ways and 0 < len(chosen) < len(places):
            ways.append(chosen)
    for chosen in ways[:TRIES]:
        yield dict.fromkeys(chosen, size + 2)


def _square(x: Any) -> list[int]:
    """Return the sizes that more than one axis of an array has."""
    if not (isinstance(x, np.ndarray) and x.dtype.kind == "f"):
        return []
    return [size for size in dict.fromkeys(x.shape) if size > 1 and x.shape.count(size) > 1]


def _resized(inputs: Sequence[Any], resize: Callable[[int], int]) -> dict[Place, int]:
    return {
        (k, axis): resize(size)
        for k, x in enumerate(inputs)
        if isinstance(x, np.ndarray)
        for axis, size in enumerate(x.shape)
    }


def _doubled(size: int) -> int:
    return size if size == 1 else 2 * size


def _halved(size: int) -> int:
    return size if size <= 2 else (size + 1) // 2


def _replaced(old: int, new: int) -> Callable[[int], int]:
    return lambda size: new if size == old else size


def _is_mask(x: Any) -> bool:
    """Whether an array has several numbers, and all are 0, 1 or -1."""
    return x.size > 1 and bool(np.isin(x, (-1, 0, 1)).all() and (x != x.flat[0]).any())


def _is_permutation(x: Any) -> bool:
    whole = x.dtype.kind in "iu" and x.ndim == 1 and x.size > 1
    return whole and np.array_equal(np.sort(x), np.arange(x.size))


def _drawn(x: Any, which: int, sizes: Mapping[Place, int], rng: np.random.Generator) -> Any:
    if not isinstance(x, np.ndarray) or x.ndim == 0:
        return x
    shape = tuple(sizes.get((which, axis), size) for axis, size in enumerate(x.shape))
    if x.dtype.kind == "f" and _is_mask(x):
        return rng.choice(x.ravel(), shape)
    if x.dtype.kind == "f":
        largest = float(np.abs(x).max(initial=0.0)) or 1.0
        scaled = x.astype(np.float64) / largest  # squares, and sums, of large numbers are out of range
        spread, centre = largest * float(np.std(scaled)) or 1.0, largest * float(np.mean(scaled))
        low, high = float(np.min(x, initial=np.inf)), float(np.max(x, initial=-np.inf))
        drawn = rng.normal(centre, spread, size=shape)
        if is_symmetric(x) and has_square_matrices(drawn):
            drawn = symmetric(drawn)
        # Within what was given: it is known that the function is defined there.
        return np.clip(drawn, low, high).astype(x.dtype) if low < high else np.full(shape, low, x.dtype)
    if _is_permutation(x):
        return rng.permutation(*shape).astype(x.dtype)
    return np.resize(x, shape)
