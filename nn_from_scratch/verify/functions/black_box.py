"""One function and its hand-written gradient at one point, of which nothing but values is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nn_from_scratch.verify.functions.contract import ask
from nn_from_scratch.verify.functions.inputs import Arguments
from nn_from_scratch.verify.functions.outputs import Outputs, is_one_number
from nn_from_scratch.verify.functions.signatures import takes_one_more
from nn_from_scratch.verify.judging.checking import UndecidedError
from nn_from_scratch.verify.judging.many_inputs import miss_probability
from nn_from_scratch.verify.oracles.line import Line
from nn_from_scratch.verify.oracles.noise import unit_roundoff
from nn_from_scratch.verify.oracles.slopes import LONGER, QUICK, SHORT, SHORTER, Estimate, Slope, measure

Floats = npt.NDArray[np.float64]

MANY = 4096
"""Inputs beyond which evaluations are spared: steps are few, and other shapes are not asked as well."""
VAGUE = 1e-2
"""An error relative to the gradient, and to how the function changes, from which on nothing is right."""
_ROUNDINGS = 64.0  # units of a gradient's own roundoff, of its norm: what any way of computing it may lose
_SURE = 3.0  # times the interval: an error beyond it is the gradient's
_REPEATABLE = 1e-6  # relative: two values of one point that differ by more are not one function's
_DEEPEST = {8: 50, 4: 22, 2: 10}  # of the steps, by the size of the inputs' numbers in bytes
_QUICK_OF_MANY = {8: SHORTER, 4: LONGER, 2: QUICK}

_FLAT = (
    "the function does not change at all near the point, as the gradient says, and farther away it changes "
    "by stairs: it was rounded, or computed coarsely. Compute it more exactly"
)

_STILL = (
    "the function's values are the same around the point, to their last digit, and the gradient is not 0: a "
    "change as small as it says is lost beside them. Leave out what is large and constant"
)
_NEXT_TO_NOTHING = 1e-8
"""Of the whole gradient: an entry along which a function saturates may be as small as it likes."""


class NotFiniteError(ValueError):
    """A function has no finite value at the point."""

    def __init__(self, number: float, arguments: Arguments, outputs: Outputs) -> None:
        super().__init__(f"the function is {number} here: there is no derivative to compare with")
        self.arguments, self.outputs = arguments, outputs


@dataclass(frozen=True, slots=True)
class Measured:
    """A derivative by finite differences, with what the gradient makes of it.

    `interval` is the largest difference of `got` from `expected` that the function's noise, the differences'
    truncation and the gradient's own rounding explain; `bend` is half of what the derivative grows by at the
    point, negative where it falls. `scale` is what the interval is small or large beside, and `verdict`
    "right", "wrong" or "undecided", for `reason`. `noise` is that of the function's values, and `rough` what
    it is where steps are long, if it is larger there.
    """

    got: float
    expected: float
    interval: float
    bend: float
    scale: float
    verdict: str
    reason: str
    evaluations: int
    noise: float
    rough: float

    def __str__(self) -> str:
        """Say what was compared."""
        expected = f"{self.expected:.9g} within {self.interval:.2g} expected"
        said = f"{self.got:.9g} along a random direction, {expected}"
        if self.right and abs(self.got - self.expected) > self.interval:
            beside = f"or up to {self.kink:.3g} beside it, for there is a kink"
            said += f", {beside if self.kink else 'which is coarse: each entry was compared by itself'}"
        return said

    @property
    def kink(self) -> float:
        """By how much more a kink at the point lets the gradient differ."""
        return abs(self.bend)

    @property
    def wrong(self) -> bool:
        """Whether the gradient certainly is."""
        return self.verdict == "wrong"

    @property
    def right(self) -> bool:
        """Whether the gradient was seen to be."""
        return self.verdict == "right"

    @property
    def beyond(self) -> float:
        """By how much the gradient differs from what is expected, and from what a kink allows."""
        return max(0.0, abs(self.got - self.expected) - self.kink)

    @property
    def digits(self) -> int:
        """How many digits of the derivative were compared."""
        if not self.interval > 0 or not np.isfinite(self.scale):
            return 16
        return max(0, int(np.floor(np.log10(self.scale / self.interval)))) if self.scale > 0 else 0

    def miss_probability(self, error: float) -> float:
        """Bound the probability that a gradient passed although its worst entry is off by `error`."""
        return miss_probability(2 * (self.interval + self.kink), error)


class BlackBox:
    """A function, a gradient and a point, as one vector of numbers.

    Parameters
    ----------
    function
        Maps the inputs to a number, or to arrays if the gradient takes a cotangent.
    gradient
        Maps the inputs, and the cotangent if there is one, to the gradient.
    inputs
        The point: see `Arguments`.
    seed
        Which cotangent and which directions are drawn.

    Raises
    ------
    ValueError
        If the function returns no finite real number here, or the gradient has another shape than the inputs.
    UndecidedError
        If the function is not deterministic.
    GradientError
        If the gradient does not keep its contract: see `ask`.

    """

    def __init__(
        self, function: Callable[..., Any], gradient: Callable[..., Any], inputs: Any, seed: int
    ) -> None:
        self.function, self.seed, self.evaluations, self.coarseness = function, seed, 0, 0.0
        self.gradient = gradient
        self.arguments = Arguments(function, inputs)
        self.point = self.arguments.point
        self.evaluations += 1
        value, written = self._at_the_point()
        self.outputs = outputs_of(value, gradient, self.arguments, seed)
        self.centre = self.outputs.number(value)
        if not np.isfinite(self.centre):
            raise NotFiniteError(self.centre, self.arguments, self.outputs)
        self.roughness = self._roughness()
        answered = ask(gradient, self.arguments, self.outputs)
        self.slopes, self.unit, self.notes = answered.slopes, answered.unit, written + answered.notes
        self.formats = answered.kinds
        self.sizes = self._sizes()
        kinds = [leaf.dtype for leaf in self.arguments.leaves]
        self.believed = max(self.unit, *map(unit_roundoff, kinds))
        shortest = min(leaf.dtype.itemsize for leaf in self.arguments.leaves)
        self.deepest = _DEEPEST[shortest]
        self.is_large = len(self.point) > MANY
        self.quick = _QUICK_OF_MANY[shortest] if self.is_large else QUICK
        self.short = SHORT if SHORT.stop <= self.deepest else None

    def at(self, arguments: list[Any]) -> BlackBox:
        """Ask the same of other arguments; the errors are those of a new question."""
        names = self.arguments.keywords
        inputs = dict(zip(names, arguments, strict=True)) if names else tuple(arguments)
        return BlackBox(self.function, self.gradient, inputs, self.seed)

    def _at_the_point(self) -> tuple[Any, list[str]]:
        """Call the function, and note which inputs it writes into."""
        given = self.arguments.arguments(self.point)
        value = self.arguments.apply(self.function, given)
        return value, [
            f"the function writes into its input {name}: a gradient that is asked after it gets other numbers"
            for name in self.arguments.written(given)
        ]

    def value(self, point: Floats) -> float:
        """Ask the function; NaN where it is not defined, by its value or by what it raises."""
        self.evaluations += 1
        with np.errstate(all="ignore"):
            try:
                return self.outputs.number(self.arguments.call(self.function, point))
            except Exception:  # noqa: BLE001  # anything may be raised outside of the domain
                return np.nan

    def slope(self, point: Floats, vector: Floats) -> float:
        """Ask the gradient for the derivative along a vector; NaN where it is not defined."""
        with np.errstate(all="ignore"):
            try:
                found = self.arguments.call(self.gradient, point, *self.outputs.cotangents(1.0))
                return float(self.arguments.gradient(found)[0] @ vector)
            except Exception:  # noqa: BLE001  # anything may be raised outside of the domain
                return np.nan

    def along(
        self,
        vector: Floats,
        *,
        thorough: bool = True,
        steps: range | None = None,
        jitter: float = 1.0,
        floor: float = 0.0,
        deep: int | None = None,
    ) -> Measured:
        """Compare the derivative along a vector.

        Parameters
        ----------
        vector
            Float64, shape (numbers,).
        thorough
            Whether to ask at all steps, and not only at those that suffice for a smooth function.
        steps
            Exponents of the steps where not all are asked, if not those.
        jitter
            A factor for all steps.
        floor
            The least scale that the interval is compared with.
        deep
            The exponent of the shortest step, if not that of the inputs' type.

        """
        before = self.evaluations
        line = self.line(vector, jitter)
        if thorough:
            steps = range(self.deepest if deep is None else min(deep, self.deepest))
        elif steps is None:
            steps = self.quick
        slope = measure(line, steps, thorough=thorough)
        self.coarseness = max(self.coarseness, slope.rough)
        if thorough:  # straight lines at a few steps from a round number have short values by themselves
            self.believed = max(self.believed, slope.unit)
        return self._compare(vector, slope, floor, self.evaluations - before)

    def line(self, vector: Floats, jitter: float = 1.0) -> Line:
        """Return the function along a vector."""
        return Line(
            self.value,
            self.point,
            vector,
            self.centre,
            self.outputs.dtype,
            jitter=jitter,
            roughness=self.roughness + self._rounding_of_point(),
            unit=self.believed,
        )

    def direction(self, number: int) -> Floats:
        """Return a drawn direction: random signs, each number by about the size of its array."""
        rng = np.random.default_rng([self.seed, 2, number])
        vector = rng.uniform(0.5, 1.5, len(self.point))
        vector *= np.where(rng.random(len(vector)) < 0.5, -1.0, 1.0)
        vector *= self.sizes
        return vector

    def relative_direction(self, number: int) -> Floats:
        """Return a drawn direction that moves each number by about its own size."""
        vector = self.direction(number)
        vector *= np.where(self.point != 0, np.abs(self.point) / self.sizes, 1.0)
        return vector

    def unit_vector(self, index: int) -> Floats:
        """Return the direction of one number, as long as the number."""
        vector = np.zeros(len(self.point))
        vector[index] = abs(self.point[index]) or self.sizes[index]
        return vector

    def _compare(self, vector: Floats, slope: Slope, floor: float, evaluations: int) -> Measured:
        moved = vector != 0
        products = np.multiply(vector, self.slopes, out=np.zeros_like(vector), where=moved)
        bad = ~np.isfinite(products)
        finite = not bad.any()
        got = float(products.sum()) if finite else float(products[bad][0])
        norm = float(np.sqrt(products @ products)) if finite else 0.0
        summed = 2.0**-50 * float(np.abs(products, out=products).sum()) if finite else 0.0
        best = slope.best
        if best is None:
            reason = (
                "the function is not defined on one side of the point"
                if slope.edge
                else "no step shows a derivative"
            )
            verdict = "undecided" if finite else "wrong"
            return Measured(
                got, np.nan, np.inf, 0.0, 0.0, verdict, reason, evaluations, slope.noise, slope.rough
            )
        unit = max(self.unit, slope.unit)
        # A function of n numbers that changes by n of them has a gradient whose norm is the root of that.
        change = slope.scale / math.sqrt(max(int(moved.sum()), 1))
        own = _ROUNDINGS * unit * max(norm, change if np.isfinite(change) else 0.0) + summed
        kink = abs(slope.kink.value)
        bounds = [
            Estimate(e.value, e.error + own + kink) for e in (slope.fine, slope.coarse) if e is not None
        ]
        scale = max(norm, abs(best.value), change, floor)
        shown = slope.fine if slope.fine is not None and slope.fine.error + own <= VAGUE * scale else best
        interval = shown.error + own
        verdict, reason = _judged(got, shown, bounds, (interval, kink, scale), max(slope.noise, slope.rough))
        if verdict == "wrong" and slope.flat and abs(got) <= own:
            verdict, reason = "undecided", _FLAT
        elif verdict == "right" and slope.still and norm > _NEXT_TO_NOTHING * self._size():
            verdict, reason = "undecided", _STILL
        bend = slope.kink.value
        return Measured(
            got, shown.value, interval, bend, scale, verdict, reason, evaluations, slope.noise, slope.rough
        )

    def _size(self) -> float:
        """Return how large the whole gradient is, in units of the inputs' sizes."""
        return float(np.linalg.norm(self.slopes * self.sizes))

    def _roughness(self) -> float:
        """Ask a second time at the point, and return by how much that differs."""
        again = self.value(self.point)
        rough = abs(again - self.centre)
        if not rough <= _REPEATABLE * max(abs(again), abs(self.centre)) + 1e3 * float(
            np.finfo(self.outputs.dtype).tiny
        ):
            raise UndecidedError(
                f"the function is not deterministic: at the same point it is {self.centre!r}, then "
                f"{again!r}. Fix its random seed within each call, or take the randomness as an input"
            )
        return rough

    def _rounding_of_point(self) -> float:
        moved = np.where(np.isfinite(self.slopes), self.slopes, 0.0) * self.point
        return 2.0**-53 * float(np.sqrt(moved @ moved)) if self.deepest == _DEEPEST[8] else 0.0

    def _sizes(self) -> Floats:
        sizes = np.empty(len(self.point))
        for leaf in self.arguments.leaves:
            numbers = self.point[leaf.start : leaf.stop]
            largest = float(np.abs(numbers).max(initial=0.0))
            mean = largest * float(np.sqrt(np.mean((numbers / largest) ** 2))) if largest > 0 else 1.0
            sizes[leaf.start : leaf.stop] = mean
        return sizes


def outputs_of(value: Any, gradient: Callable[..., Any], arguments: Arguments, seed: int) -> Outputs:
    """Return the outputs of a function whose value this is, and whose gradient may take a cotangent."""
    asks_cotangent = takes_one_more(gradient, len(arguments.trees), needed=not is_one_number(value))
    return Outputs(value, asks_cotangent=asks_cotangent, seed=seed)


def _judged(
    got: float, shown: Estimate, bounds: list[Estimate], allowed: tuple[float, float, float], noise: float
) -> tuple[str, str]:
    """Return the verdict on a product of the gradient, and the reason for one that is not clear.

    Parameters
    ----------
    got, shown, bounds
        The product, the derivative that is shown, and all that are known with what they allow.
    allowed
        The interval of the one that is shown, what a kink adds to it, and what both are compared with.
    noise
        That of the function.

    """
    interval, kink, scale = allowed
    own = f"the function's own noise is about {noise:.1g}"
    inside = abs(got - shown.value) <= interval + kink
    low, high = min(x.low for x in bounds), max(x.high for x in bounds)
    room = (_SURE - 1) * (max(x.error for x in bounds) - kink)
    if not np.isfinite(got) or not low - room <= got <= high + room:
        return "wrong", ""
    if not inside and abs(got - shown.value) <= _SURE * interval + kink:
        return "undecided", (
            f"the gradient differs from finite differences by {abs(got - shown.value):.2g}, a little more "
            f"than the {interval:.2g} that they are good to: {own}. Compute the function in more digits"
        )
    if not inside:
        return "undecided", (
            f"{own} where steps are long: what the gradient says fits there, and not where they are short. "
            "The function may have been computed coarsely, or oscillate: compute it more exactly"
        )
    if not interval <= VAGUE * scale:
        return "undecided", (
            f"finite differences are only good to {interval:.2g} here, for a derivative of "
            f"{shown.value:.6g}: {own}, or there is a jump nearby. Compute the function in more digits, or "
            "without what cancels"
        )
    return "right", ""
