"""Inputs of other numbers than those given, which may hide what a gradient has wrong.

A weight of ones hides a factor, a bias of zeros a term, an identity a product, and of two inputs that are
equal nobody sees which is read. But a gradient may be right for such inputs alone, on purpose: for masks and
labels, for numbers that sum to 1 or 0, for skew matrices or rotations. So any numbers are drawn first, and
then, where it is wrong for these, some of each kind that those given may be of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.symmetric import has_square_matrices, is_symmetric, symmetric
from nn_from_scratch.verify.judging.verdicts import Verdict

Drawn = list[Any | None]
"""In the place of each input another, or None where it stays."""
Draw = Callable[[Any, np.random.Generator], Any | None]
"""Draws an array like another; None if that is not of its kind."""


@dataclass(frozen=True, slots=True)
class OtherNumbers:
    """Inputs of the shapes given, of which some are drawn.

    Attributes
    ----------
    drawn
        Any numbers.
    kinds
        Some of each kind that those given may be of.
    hides
        What is said of the inputs that do not stay.
    accuses
        Whether a gradient that is wrong for any numbers, and for each kind, is wrong; else it may be meant
        for inputs such as were given.

    """

    drawn: Drawn
    kinds: list[Drawn]
    hides: str
    accuses: bool

    def blames(self, is_right: Callable[[Drawn], bool], *, plain: bool) -> bool | None:
        """Say whether a gradient that is wrong for any numbers is accused; None if nothing is to be said.

        A difference that is not plain to see may be that of an approximation, and is not accused.
        """
        of_a_kind = any(map(is_right, self.kinds))
        if of_a_kind and not self.accuses:
            return None
        return self.accuses and plain and not of_a_kind


def other_numbers(inputs: Sequence[Any], seed: int) -> Iterator[OtherNumbers]:
    """Draw other numbers for inputs that may hide something; a symmetric matrix stays one."""
    floats = [x for x in inputs if _has_floats(x)]
    for hiding in _HIDING:
        if hiding.everywhere and not all(hiding.is_one(x, ()) for x in floats):
            continue
        places = [k for k, x in enumerate(inputs) if _has_floats(x) and hiding.is_one(x, inputs[:k])]
        drawn = _drawn(inputs, places, hiding.any_numbers, seed)
        kinds = [_drawn(inputs, places, draw, seed) for draw in hiding.kinds]
        if _is_other(drawn):
            yield OtherNumbers(drawn, list(filter(_is_other, kinds)), hiding.said, hiding.accuses)


def hidden_from_values(
    inputs: Sequence[Any], seed: int, verdict_at: Callable[[Drawn], Verdict | None]
) -> str | None:
    """Say what hides that a gradient which is not traced is wrong, if other numbers show it.

    Parameters
    ----------
    inputs, seed
        The point, at which its values are right, and which numbers are drawn.
    verdict_at
        Judges the values with other numbers; None where the function has none there.

    """
    for other in other_numbers(inputs, seed):
        if verdict_at(other.drawn) is not Verdict.WRONG:
            continue
        blamed = other.blames(lambda drawn: verdict_at(drawn) is Verdict.RIGHT, plain=True)
        if blamed is not None:  # it may be meant for such inputs
            return f"right where an input {other.hides}, but with drawn ones the gradient is wrong"
    return None


def _drawn(inputs: Sequence[Any], places: Sequence[int], draw: Draw, seed: int) -> Drawn:
    drawn: Drawn = [None] * len(inputs)
    for k in places:
        x = inputs[k]
        found = draw(x, np.random.default_rng([seed, k, *x.shape]))
        if found is not None and not np.array_equal(found, x):
            drawn[k] = np.asarray(found, x.dtype)
    return drawn


def _is_other(drawn: Drawn) -> bool:
    return any(x is not None for x in drawn)


def _has_floats(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.size > 0


# What hides something, of an array and the inputs before it


def _is_0_or_1_throughout(x: Any, _: Sequence[Any]) -> bool:
    return _is_flat(x) and _is_of_0_and_1(x)


def is_one_number_throughout(x: Any, _: Sequence[Any] = ()) -> bool:
    """Whether an array has several numbers that are one, and not 0, 1 or -1."""
    return _has_floats(x) and x.size > 1 and _is_flat(x) and not _is_of_0_and_1(x)


def _is_identity(x: Any, _: Sequence[Any]) -> bool:
    return x.ndim == 2 and len(x) > 1 and np.array_equal(x, np.eye(*x.shape)) and has_square_matrices(x)


def _is_of_some_0_and_1(x: Any, _: Sequence[Any]) -> bool:
    return _is_of_0_and_1(x)


def _is_an_earlier_mask(x: Any, earlier: Sequence[Any]) -> bool:
    return _is_of_0_and_1(x) and not _is_flat(x) and any(_is_multiple(x, y) for y in earlier)


def _is_an_earlier_one(x: Any, earlier: Sequence[Any]) -> bool:
    flat = _is_flat(x) and x.size > 1
    return not flat and not _is_of_0_and_1(x) and any(_is_multiple(x, y) for y in earlier)


def _is_flat(x: Any) -> bool:
    return bool((x == x.flat[0]).all())


def _is_of_0_and_1(x: Any) -> bool:
    return bool(np.isin(x, (0, 1, -1)).all())


def _is_multiple(x: Any, y: Any) -> bool:
    """Whether an array is a multiple of another, which may be reshaped or transposed."""
    if not _has_floats(y) or x.size != y.size or x.dtype != y.dtype or not y.any():
        return False
    scale = np.abs(x).max() / np.abs(y).max()
    ways = (y.ravel(), y.T.ravel())
    return any(np.array_equal(x.ravel(), factor * way) for way in ways for factor in (scale, -scale))


# Any numbers


def _beside(x: Any, rng: np.random.Generator) -> Any:
    return _as_symmetric(x, x + rng.uniform(-0.5, 0.5, x.shape))


def _scaled(x: Any, rng: np.random.Generator) -> Any:
    return _as_symmetric(x, x * rng.uniform(0.5, 1.5, x.shape))


def _as_symmetric(x: Any, found: Any) -> Any:
    """Return what was drawn, symmetric or skew where an array is."""
    if is_symmetric(x):
        return symmetric(found)
    return found - symmetric(found) if has_square_matrices(x) and _is_skew(x) else found


def _is_skew(x: Any) -> bool:
    """Whether square matrices are skew: each is its own transpose with the other sign."""
    return np.array_equal(x, -x.swapaxes(-1, -2))


# Numbers of a kind


def _of_0_and_1(x: Any, rng: np.random.Generator) -> Any:
    """Return zeros and ones, as a mask and labels have them; of a -1 zeros and that."""
    return rng.choice([0, -1 if x.min() < 0 else 1], x.shape)


def _of_signs(x: Any, rng: np.random.Generator) -> Any | None:
    """Return both signs of what is 1 throughout, as labels have them."""
    return x * rng.choice([-1, 1], x.shape) if x.any() else None


def _skew(x: Any, rng: np.random.Generator) -> Any | None:
    """Return skew matrices in place of zeros."""
    if x.any() or not has_square_matrices(x):
        return None
    found = rng.uniform(-0.5, 0.5, x.shape)
    return found - symmetric(found)


def _of_the_same_sums(x: Any, rng: np.random.Generator) -> Any | None:
    """Return numbers with the same sums along the last axis, as distributions and what is centred have."""
    if x.ndim == 0 or x.shape[-1] < 2:
        return None
    found = x + (np.abs(x).max() or 1.0) * rng.uniform(-0.5, 0.5, x.shape)
    return found + (x.mean(-1) - found.mean(-1))[..., None]


def _rotation(x: Any, rng: np.random.Generator) -> Any | None:
    """Return a rotation in place of the identity."""
    return np.linalg.qr(rng.normal(size=x.shape))[0] if _is_identity(x, ()) else None


def _along_the_first(x: Any, _: np.random.Generator) -> Any | None:
    """Return the same numbers in other places: rows that are moved on by one."""
    return np.roll(x, 1, 0) if x.ndim else None


def _along_the_last(x: Any, _: np.random.Generator) -> Any | None:
    return np.roll(x, 1, -1) if x.ndim else None


@dataclass(frozen=True, slots=True)
class _Hiding:
    """What hides something: whether an array is one, given the inputs before it, and what is drawn for it."""

    is_one: Callable[[Any, Sequence[Any]], bool]
    said: str
    any_numbers: Draw
    kinds: tuple[Draw, ...] = ()
    accuses: bool = False
    everywhere: bool = False
    """Whether it hides something only where all arrays are such: beside others it is a mask, or labels."""


_HIDING = (
    _Hiding(
        _is_0_or_1_throughout,
        "has one number throughout",
        _beside,
        (_of_0_and_1, _of_signs, _skew, _of_the_same_sums),
        accuses=True,
    ),
    _Hiding(is_one_number_throughout, "has one number throughout", _scaled, (_of_the_same_sums,)),
    _Hiding(
        _is_identity,
        "is the identity",
        _beside,
        (_rotation, _along_the_first, _of_0_and_1, _of_the_same_sums),
    ),
    _Hiding(_is_an_earlier_mask, "has the numbers of an earlier one", _along_the_first),
    _Hiding(
        _is_an_earlier_one,
        "has the numbers of an earlier one",
        _scaled,
        (_along_the_first, _along_the_last, _of_the_same_sums),
    ),
    _Hiding(
        _is_of_some_0_and_1,
        "is of nothing but 0, 1 and -1",
        _beside,
        (_rotation, _of_the_same_sums),
        everywhere=True,
    ),
)
