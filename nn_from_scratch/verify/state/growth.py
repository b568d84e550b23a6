"""How the time of a reverse pass grows with the size of its graph: measured, fitted, and within a budget."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np

from nn_from_scratch.verify.state.moves import Moves, NotSupportedError

BUDGET = 3.0  # seconds of processor time for all sizes together
AFFORDABLE = 20.0  # seconds that one long chain may take, or as many small graphs as a check asks
_AGAIN = 3  # times that sizes are measured again before a chain is refused: other work makes times longer
_MEASURABLE = 1e-3  # seconds: shorter times are told apart by noise
_LARGEST = 3  # sizes that the power is fitted to: smaller ones are ruled by what grows slowly
_LAST = 6  # levels that the base is fitted to
_FEWEST = 10  # levels, among which a power of n looks like an exponential
STEEPEST_POWER = 1.5
"""An exponent of n that is too large: linear time and n log n stay far below, quadratic time far above."""
STEEPEST_BASE = 1.4
"""A factor of one more level that is too large: from 10 levels on linear time is at 1.15, and quadratic time
at 1.31, while time that doubles with a level is at 2."""
_EXCESS = 2.5
"""How much longer one operation must take in the largest graph than in a small one: a processor that changes
its speed, or memory that is farther away, makes up to 2."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Sizes, how many seconds each took, and why there are no larger ones: nothing if all were reached."""

    sizes: tuple[int, ...]
    seconds: tuple[float, ...]
    ended: str = ""

    @property
    def power(self) -> float:
        """The exponent of n: the slope of log time over log size. NaN if too few sizes took long enough."""
        return self._slope(math.log, _LARGEST)

    @property
    def base(self) -> float:
        """The factor of one more level: the slope of log time over size. NaN if there were few levels."""
        return math.exp(self._slope(float, _LAST)) if self.sizes and self.sizes[-1] >= _FEWEST else math.nan

    @property
    def too_steep(self) -> bool:
        """Whether time grows clearly faster than the size."""
        each = [t / n for n, t in zip(self.sizes, self.seconds, strict=True) if t >= _MEASURABLE]
        return self.power >= STEEPEST_POWER and each[-1] >= _EXCESS * min(each)

    def again(self, moves: Moves, build: Callable[[int], object]) -> Growth:
        """Measure the largest sizes once more, and keep the shorter times: other work makes them longer."""
        second = measured(moves, build, self.sizes[-_LARGEST:], math.inf)
        times = dict(zip(second.sizes, second.seconds, strict=True))
        seconds = (min(t, times.get(n, t)) for n, t in zip(self.sizes, self.seconds, strict=True))
        return Growth(self.sizes, tuple(seconds), self.ended)

    def _slope(self, scale: Callable[[int], float], count: int) -> float:
        """Fit log time over scaled sizes, by least squares over the largest sizes."""
        points = [(n, t) for n, t in zip(self.sizes, self.seconds, strict=True) if t >= _MEASURABLE]
        if len(points) < count:
            return math.nan
        sizes, seconds = zip(*points[-count:], strict=True)
        slope, _ = np.polyfit([*map(scale, sizes)], np.log(seconds), 1)
        return float(slope)

    def expected(self, size: int) -> float:
        """How many seconds a larger size will take, as the times grow."""
        power = self.power if math.isfinite(self.power) else 1.0
        return self.seconds[-1] * math.pow(size / self.sizes[-1], max(power, 1.0))

    def at_least(self, size: int) -> float:
        """How many seconds a larger size will take, if no operation takes longer than the fastest here."""
        return size * min(t / n for n, t in zip(self.sizes, self.seconds, strict=True))

    def so_far(self) -> str:
        """Say how far it came."""
        size = self.sizes[-1] if self.sizes else 0
        return f"reached {size:,} in {sum(self.seconds):.1f} s{self.ended and f', {self.ended}'}"


def measured(
    moves: Moves, build: Callable[[int], object], sizes: Iterable[int], budget: float = BUDGET
) -> Growth:
    """Call a function with ever larger sizes until the budget is spent.

    Parameters
    ----------
    moves
        What the function makes.
    build
        Makes a graph of a size and runs its reverse pass.
    sizes
        From small to large; each must not take many times as long as the one before.
    budget
        Seconds of processor time, which other processes do not stretch.

    """
    seconds: dict[int, float] = {}
    ended = ""
    collecting = gc.isenabled()
    gc.disable()  # collections that go through a growing graph are no time of the reverse pass
    try:
        for size in sizes:
            if sum(seconds.values()) > budget:
                ended = "the budget of time"
                break
            seconds[size] = moves.seconds(partial(build, size))
    except NotSupportedError:
        raise
    except Exception as error:  # noqa: BLE001  whatever an engine raises ends it
        ended = type(error).__name__
    finally:
        if collecting:
            gc.enable()
    return Growth(tuple(seconds), tuple(seconds.values()), ended)


def affordable(moves: Moves, length: int) -> None:
    """Estimate from shorter chains whether a chain can be asked in reasonable time.

    Raises
    ------
    NotSupportedError
        If it would take too long.

    """

    def build(size: int) -> None:
        moves.backward(moves.repeat(size, lambda node: moves.add(node, 1.0), moves.leaf(2.0)))

    found = measured(moves, build, (length // 256, length // 64, length // 32, length // 16))
    for _ in range(_AGAIN):
        if not found.ended and found.at_least(length) <= AFFORDABLE < found.expected(length):
            found = found.again(moves, build)
    if found.ended:
        return  # the long chain itself will show it, or take its time
    if found.expected(length) > AFFORDABLE:
        raise NotSupportedError(
            f"{length:,} operations would take about {found.expected(length):,.0f} s: "
            f"time grows as n^{found.power:.1f}, {found.so_far()}"
        )


class Law(str):
    """A law of growth, written without quotation marks."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)
