"""The checks of limits: how deep, how wide and how large a graph may be, in what time and memory.

The numbers are small integers, so that every expected value is exact in every format.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from nn_from_scratch.verify.state import growth
from nn_from_scratch.verify.state.checks import Check, Finding
from nn_from_scratch.verify.state.moves import DoesNotApplyError, Moves, NotSupportedError

_SECONDS = 2.0  # that many graphs may take, one after another
_FEWEST, _TIMES = 10, 5  # graphs after which memory is counted, and how often


def chain(length: int) -> Check:
    def check(moves: Moves) -> Iterator[Finding]:
        a = moves.leaf(2.0)
        moves.backward(moves.repeat(length, lambda node: moves.add(node, 1.0), a))
        yield f"the derivative through {length:,} operations", moves.gradient(a), (1.0,)

    return check


LONGEST = 1_000_000
"""The chain that is asked only of an engine that has a process of its own."""


def longest_chain(moves: Moves) -> Iterator[Finding]:
    if not moves.engine.spec:
        raise NotSupportedError("not without a process of its own: the engine was not loaded by its name")
    for length in (10_000, LONGEST):  # fails early
        yield from chain(length)(moves)


def sharing(moves: Moves) -> Iterator[Finding]:
    a = moves.leaf(1.0)
    # What doubles is halved again, so that no format ends on the way.
    moves.backward(moves.repeat(20, lambda node: moves.mul(moves.add(node, node), 0.5), a))
    yield "the derivative over 2**20 paths, each of 2**-20", moves.gradient(a), (1.0,)


def time_over_paths(moves: Moves) -> Iterator[Finding]:
    def build(levels: int) -> None:
        a = moves.leaf(1.0)
        moves.backward(moves.repeat(levels, lambda node: moves.mul(moves.add(node, node), 0.5), a))

    found = growth.measured(moves, build, range(1, 61))
    too_steep = bool(found.ended) and found.base >= growth.STEEPEST_BASE  # no exponential reaches the end
    if found.ended and not too_steep:
        raise NotSupportedError(f"too slow, or too small, to tell: {found.so_far()}")
    got = growth.Law(f"{found.base:.1f}^n, {found.so_far()}" if too_steep else "n")
    yield "how time grows over n levels of shared paths", got, (growth.Law("n"),)


def time_over_operations(moves: Moves) -> Iterator[Finding]:
    def build(length: int) -> None:
        moves.backward(moves.repeat(length, lambda node: moves.add(node, 1.0), moves.leaf(2.0)))

    sizes = [125 * 2**k for k in range(10)]
    found = growth.measured(moves, build, sizes)
    if found.seconds and not any(found.seconds):  # as of a program whose answers have no `seconds`
        raise NotSupportedError("the engine does not say how long it takes")
    for _ in range(2):
        if found.too_steep:
            found = found.again(moves, build)
    if found.ended and math.isnan(found.power):
        raise NotSupportedError(f"too slow, or too small, to tell: {found.so_far()}")
    got = growth.Law(f"n^{found.power:.1f}, {found.so_far()}" if found.too_steep else "n")
    yield "how time grows over n operations", got, (growth.Law("n"),)


def saturation(name: str, at: float, expected: float) -> Check:
    def check(moves: Moves) -> Iterator[Finding]:
        if (name, "x") in moves.engine.lacks:
            raise DoesNotApplyError(f"the engine has no {name}")
        a = moves.leaf(at)
        output = moves.apply(name, a)
        moves.backward(output)
        yield f"{name}({at})", moves.value(output), (expected,)
        # The true slope is below the smallest number of any format.
        yield f"the derivative of {name} at {at}", moves.gradient(a), (0.0,)

    return check


MANY = 2**16
"""More than float16 counts, which ends at 65,504; one part of so many is exact in it."""


def many_equal_entries(moves: Moves) -> Iterator[Finding]:
    """Look at how much of the cotangent comes through: all of it, however it is shared out."""
    name = _of_arrays(moves, "max", "min", "mean")[0]  # one alone: so many numbers take long to tell
    for few in (2**4, 2**6, 2**8, 2**10):  # a slow engine is slow at these
        seconds = min(_timed(partial(_come_through, moves, name, few)) for _ in range(2))
        if seconds > _SECONDS:
            raise NotSupportedError(f"too slow to tell: {name} of {few:,} entries takes {seconds:.1f} s")
    found = _come_through(moves, name, MANY)
    yield f"the sum of the derivatives of {name} for {MANY:,} ones", found, (1.0,)


def _come_through(moves: Moves, name: str, entries: int) -> float:
    """Return the sum of the derivatives of a reduction of so many ones."""
    a = moves.leaf(np.ones(entries))
    moves.backward(moves.apply(name, a, axis=None, keepdims=False))
    return float(np.sum(np.asarray(moves.gradient(a)), dtype=np.float64))


def _timed(work: Callable[[], object]) -> float:
    """Return how many seconds pass."""
    start = time.monotonic()
    work()
    return time.monotonic() - start


_HIDDEN: dict[str, tuple[list[float], list[float], list[float]]] = {
    "softmax": ([3.0, 2.0, 4.0], [0.0, 0.5, 0.5], [0.0, -0.5, 0.5]),
    "logsumexp": ([1.0], [0.7], [0.0, 0.5, 0.5]),
}
"""The cotangent, the value and the gradient at `_MASKED`, to one digit: what is looked for is NaN."""
_MASKED = (-math.inf, 0.0, 0.0)


def masked_entry(moves: Moves) -> Iterator[Finding]:
    """Look at what attention makes of a mask: the exponential of -inf is 0, and so is its derivative."""
    for name in _of_arrays(moves, *_HIDDEN):
        cotangent, value, gradient = _HIDDEN[name]
        a = moves.leaf(np.array(_MASKED))
        kept = {} if name == "softmax" else {"keepdims": True}
        output = moves.apply(name, a, axis=0, **kept)
        moves.backward(output, np.array(cotangent))
        yield f"{name} of (-inf, 0, 0)", _to_one_digit(moves.value(output)), (value,)
        yield f"the derivative of {name} at (-inf, 0, 0)", _to_one_digit(moves.gradient(a)), (gradient,)


def _of_arrays(moves: Moves, *names: str) -> list[str]:
    """Return those of some operations that the engine has for arrays."""
    if not moves.engine.arrays:
        raise DoesNotApplyError("the engine has no arrays")
    found = [name for name in names if (name, "x") in moves.engine.array_forms]
    if not found:
        raise DoesNotApplyError(f"the engine has none of {', '.join(names)}")
    return found


def _to_one_digit(x: Any) -> list[float]:
    return [round(number, 1) for number in np.ravel(x).astype(np.float64).tolist()]


def nothing_left(moves: Moves) -> Iterator[Finding]:
    def build() -> None:
        a, b = moves.leaf(2.0), moves.leaf(3.0)
        u = moves.mul(a, b)
        moves.backward(moves.add(moves.mul(u, u), a))

    def used() -> int:
        for _ in range(graphs):
            build()
        return moves.blocks()

    each = min(_timed(partial(moves.seconds, build)) for _ in range(3))  # the first may wait for other work
    # A slow engine is asked for fewer, among which it is less sure to show.
    graphs = min(200, max(_FEWEST, int(_SECONDS / each)))
    if _TIMES * graphs * each > growth.AFFORDABLE:
        raise NotSupportedError(f"too slow to tell: a graph takes {each:.1f} s")

    gc.freeze()  # what was there before need not be gone through
    try:
        counts = [used() for _ in range(_TIMES)]
    finally:
        gc.unfreeze()
    # The first may fill caches; whatever else allocates now and then is not there every time.
    left = min(after - before for before, after in pairwise(counts[1:]))
    yield "how many blocks of memory a graph leaves behind", max(0, left // graphs), (0,)
