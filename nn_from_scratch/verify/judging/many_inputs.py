"""Many inputs at the cost of one: a random direction decides, and bisection finds the wrong entries.

A gradient g is right only if its product v.g with a direction v is the derivative along v. The direction's
components have random signs and are uniform in size between 1/2 and 3/2. If a single entry is wrong by d, v.g
is wrong by at least d / 2: it is never missed while d / 2 exceeds the tolerance. If several are, the error
of v.g may cancel; given all other components, the one at the largest error d would have to fall into an
interval of length 2 t / d where its density is 1/2: the probability to stay within t is at most t / d.
"""

from __future__ import annotations

import random
from collections.abc import Callable


def direction(count: int, seed: object) -> list[float]:
    """Return a direction that no engine can know, but that is the same for the same seed."""
    source = random.Random(repr(seed))
    return [source.choice((-1, 1)) * source.uniform(0.5, 1.5) for _ in range(count)]


def miss_probability(tolerance: float, error: float) -> float:
    """Bound the probability that one direction misses a wrong gradient.

    Parameters
    ----------
    tolerance
        How far the derivative along the direction may be off unnoticed.
    error
        The largest absolute error of any entry of the gradient, above 0.

    """
    return min(1.0, tolerance / error)


def bisect(wrong: Callable[[range], bool], count: int, *, most: int = 4) -> list[range]:
    """Find the wrong entries among `count` of which some are, asking about 2 log2(count) times for each.

    Parameters
    ----------
    wrong
        Whether the entries of a range, taken together, are wrong.
    count
        How many entries there are.
    most
        How many places to find at most.

    Returns
    -------
    list
        Ranges of one entry, or of several of which neither half is wrong by itself.

    """
    found: list[range] = []
    parts = [range(count)]
    while parts and len(found) < most:
        part = parts.pop()
        middle = len(part) // 2
        halves = [half for half in (part[middle:], part[:middle]) if middle and wrong(half)]
        if halves:
            parts += halves
        else:
            found.append(part)
    return found
