"""Whether two formulas differ by something smooth, or by noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.tracing.rules import Comparison

REACH = 0.3
"""How far, relatively, the points are along which a small difference must be smooth."""

POINTS = 17
"""How many they are, the point asked included: more than a cubic has coefficients."""

ROUGH = 0.01
"""What a cubic may leave of a smooth difference, relative to its largest: of one period of an oscillation it
leaves more."""


def is_smooth(compared: Callable[[float], Comparison], rng: np.random.Generator) -> bool:
    """Whether a difference is smooth nearby, as that of two formulas is, and noise is not.

    Along a ray at drawn distances, a cubic must fit it, or fit the backward's own formula no better.

    Parameters
    ----------
    compared
        Compares the two at a relative distance along the ray.
    rng
        Draws the distances.

    """
    distances = [0.0, *(REACH * rng.uniform(size=POINTS - 1))]
    found = [compared(distance) for distance in distances]
    if not all(x.finite for x in found):
        return False
    gaps = _roughness(distances, [x.truth - x.formula for x in found])
    return gaps <= ROUGH or gaps <= 10 * _roughness(distances, [x.formula for x in found])


def _roughness(distances: Sequence[float], found: Sequence[arb]) -> float:
    """Return what a cubic leaves of numbers along a line, relative to the largest of them."""
    largest = max(found, key=lambda x: float(abs(x).mid()))
    if largest.contains(0):
        return 0.0
    sizes = np.array([float((x / largest).mid()) for x in found])
    cubic = np.polynomial.Polynomial.fit(distances, sizes, 3)
    return float(np.abs(sizes - cubic(np.array(distances))).max())
