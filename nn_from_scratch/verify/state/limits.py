"""The checks of limits: how deep, how wide and how large a graph may be, in what time and memory.

The numbers are small integers, so that every expected value is exact in every format.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Iterator
from itertools import pairwise

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


def nothing_left(moves: Moves) -> Iterator[Finding]:
    def build() -> None:
        a, b = moves.leaf(2.0), moves.leaf(3.0)
        u = moves.mul(a, b)
        moves.backward(moves.add(moves.mul(u, u), a))

    def used() -> int:
        for _ in range(graphs):
            build()
        return moves.blocks()

    def timed() -> float:
        start = time.monotonic()
        moves.seconds(build)
        return time.monotonic() - start

    each = min(timed() for _ in range(3))  # the first may wait for other work
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
