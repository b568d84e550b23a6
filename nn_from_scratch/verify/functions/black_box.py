"""The check of one function and its hand-written derivative, of which nothing but the values is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nn_from_scratch.verify.engines.answers import real_numbers
from nn_from_scratch.verify.judging.many_inputs import bisect, direction, miss_probability
from nn_from_scratch.verify.oracles import finite_differences
from nn_from_scratch.verify.oracles.finite_differences import Floats

VAGUE = 1e-6
"""A relative error of finite differences from which on they say nothing."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A derivative by finite differences, with what the gradient makes of it.

    `interval` is the largest difference of `got` from `expected` that the oracle's error, and rounding by
    16 units in the last place of each entry, explain.
    """

    got: float
    expected: float
    interval: float
    scale: float
    evaluations: int

    @property
    def wrong(self) -> bool:
        """Whether the gradient is; NaN is."""
        return not abs(self.got - self.expected) <= self.interval

    @property
    def vague(self) -> bool:
        """Whether the interval is too wide to say anything."""
        return not self.interval <= VAGUE * self.scale

    def miss_probability(self, error: float) -> float:
        """Bound the probability that a gradient passed although its worst entry is off by `error`."""
        return miss_probability(2 * self.interval, error)


@dataclass
class BlackBox:
    """A function, a gradient and a point, as one vector of numbers.

    Parameters
    ----------
    function
        Maps arrays to a number.
    gradient
        Maps the same arrays to the gradient: an array of the shape of each, in a tuple if there are several.
    inputs
        The arrays.

    Raises
    ------
    ValueError
        If the function returns no real number, or the gradient has another shape than the inputs.

    """

    function: Callable[..., Any]
    gradient: Callable[..., Any]
    inputs: Sequence[Any]
    evaluations: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.arrays = [np.array(x, dtype=np.float64) for x in self.inputs]
        self.point = _joined(self.arrays)
        if not self.point.size or not np.isfinite(self.point).all():
            raise ValueError("the inputs must be finite numbers, at least one")
        self.height = abs(self.value(self.point))
        found = self.gradient(*self._split(self.point))
        parts = [real_numbers(x, "the gradient") for x in (found if len(self.arrays) > 1 else [found])]
        shapes = [part.shape for part in parts]
        if shapes != [x.shape for x in self.arrays]:
            expected = ", ".join(str(x.shape) for x in self.arrays)
            raise ValueError(f"the gradient has shape {', '.join(map(str, shapes))}, the input {expected}")
        self.slopes = _joined(parts)

    def value(self, point: Floats) -> float:
        """Ask the function, which is given arrays of its own."""
        self.evaluations += 1
        value = real_numbers(self.function(*self._split(point)), "the value")
        if value.size != 1:
            raise ValueError(
                f"the function must return a number, not shape {value.shape}: "
                "sum its entries, each times a weight, and give the gradient of that"
            )
        return float(value.reshape(()))

    def along(self, vector: Floats) -> Measured:
        """Compare the derivative along a vector."""
        before = self.evaluations
        (expected,), (error,) = finite_differences.differentiate(
            lambda points: [self.value(point) for point in points], self.point, vector[None]
        )
        chosen = vector != 0
        products = vector[chosen] * self.slopes[chosen]
        finite = bool(np.isfinite(products).all())
        got = math.fsum(products) if finite else float(products[~np.isfinite(products)][0])
        size = float(np.abs(products).sum()) if finite else 0.0
        scale = max(size, abs(float(expected)), self.height / max(1.0, float(np.abs(self.point).max())))
        interval = float(error) + 2.0**-48 * size
        return Measured(got, float(expected), interval, scale, self.evaluations - before)

    def names(self) -> Iterator[str]:
        """Yield the name of each number: ``x``, ``x[1, 2]``, or ``x0[1, 2]`` if there are several inputs."""
        for k, x in enumerate(self.arrays):
            name = f"x{k}" if len(self.arrays) > 1 else "x"
            for entry in np.ndindex(*x.shape):
                yield f"{name}[{', '.join(map(str, entry))}]" if entry else name

    def locate(self, vector: Floats) -> list[range]:
        """Return where the gradient is wrong, given a vector along which it is."""
        return bisect(lambda part: self.along(_only(vector, part)).wrong, len(vector))

    def _split(self, point: Floats) -> list[Floats]:
        ends = np.cumsum([x.size for x in self.arrays])[:-1]
        parts = np.split(point.copy(), ends)
        return [part.reshape(x.shape) for part, x in zip(parts, self.arrays, strict=True)]


def random_vector(box: BlackBox, seed: int) -> Floats:
    """Return the direction along which a gradient is checked first."""
    return np.array(direction(len(box.point), seed))


def describe(box: BlackBox, place: range) -> str:
    """Say what is wrong in one place: entry, got, expected, interval and oracle."""
    vector = np.zeros(len(box.point))
    vector[list(place)] = 1.0
    found = box.along(vector)
    names = list(box.names())
    what = names[place[0]] if len(place) == 1 else f"{names[place[0]]} to {names[place[-1]]} together"
    error = abs(found.got - found.expected)
    return (
        f"the derivative for {what} is {found.got!r}, expected {found.expected!r} "
        f"within {found.interval:.2g} (finite differences): the error is {error:.3g}"
    )


def _only(vector: Floats, part: range) -> Floats:
    kept = np.zeros_like(vector)
    kept[part.start : part.stop] = vector[part.start : part.stop]
    return kept


def _joined(arrays: Sequence[Floats]) -> Floats:
    return np.concatenate([x.ravel() for x in arrays]) if arrays else np.zeros(0)
