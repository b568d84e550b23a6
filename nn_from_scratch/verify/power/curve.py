"""The smallest relative error of one derivative among n that a tool detects."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import median

import numpy as np
from flint import arb

from nn_from_scratch.verify.judging.tolerance import derive_rounding
from nn_from_scratch.verify.judging.verdicts import judge
from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.power.functions import Array, Function
from nn_from_scratch.verify.power.peers import Peer
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.questions.formats import FORMATS
from nn_from_scratch.verify.questions.lower import lower

_GRID = 10.0 ** np.arange(-16, 3.01, 0.25)
"""The relative errors that are tried."""

Detects = Callable[[Array, int, float], bool]
"""Whether a tool accuses sum(sin(x)) when the derivative for entry k is wrong by a factor 1 + error."""


def smallest(detects: Detects, inputs: int, *, trials: int = 5) -> float | None:
    """Return the smallest error that is detected in at least half of the trials.

    Each trial draws `inputs` normal numbers and one of them, and bisects a grid of four errors a decade.

    Returns
    -------
    float or None
        None where not even a factor of 1000 is detected.

    """
    found = []
    for trial in range(trials):
        source = np.random.default_rng([inputs, trial])
        x, k = source.normal(size=inputs), int(source.integers(inputs))
        low, high = 0, len(_GRID)
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if detects(x, k, float(_GRID[middle])) else (middle + 1, high)
        found.append(float(_GRID[low]) if low < len(_GRID) else np.inf)
    result = median(found)
    return result if np.isfinite(result) else None


def _wrong(k: int, error: float) -> Callable[[Array], Array]:
    def slope(x: Array) -> Array:
        result = np.cos(x)
        result[k] *= 1 + error
        return result

    return slope


def by_peer(peer: Peer) -> Detects:
    """Return whether a peer detects the error."""

    def detects(x: Array, k: int, error: float) -> bool:
        slope = _wrong(k, error)
        function = Function(lambda x: np.sum(np.sin(x)), lambda g, x: (g * slope(x),))
        return peer.accuses(function, (x,))

    return detects


def by_suite(x: Array, k: int, error: float) -> bool:
    """Return whether the suite detects the error, by one random direction."""
    direction, truth, radius = _along(x.tobytes())
    derivative = math.fsum(direction * _wrong(k, error)(x))
    return judge(derivative, truth, radius, FORMATS["float64"]).verdict.accuses


@lru_cache(maxsize=1)
def _along(buffer: bytes) -> tuple[Array, arb, float]:
    """Return a random direction, the derivative along it, and how far rounding may move that."""
    point = tuple(np.frombuffer(buffer).tolist())
    steps = (Step("sin", (0,)), Step("sum", (1,), (("axis", None), ("keepdims", False))))
    scalar = lower(Case(Expression(1, (), steps, 2), point, ((len(point),),), (1.0,)))
    source = np.random.default_rng(len(point))
    direction = source.choice([-1.0, 1.0], len(point)) * source.uniform(0.5, 1.5, len(point))
    _, (truth,) = taylor.enclose(scalar.expression, point, directions=[direction.tolist()])
    rounding = derive_rounding(scalar.expression, point, FORMATS["float64"], [direction.tolist()])
    return direction, truth, rounding.derivatives[0]
