"""Whether a function is pieced together along a line: by a solver that takes another step, or one more.

The values of an adaptive solver are those of a smooth function from one mesh to the next, and there they
jump, or bend. Neither shows at short steps, where the function is as smooth as any; and its derivative is off
the one that was meant by about what the pieces differ by. So both are looked for farther away: where a
polynomial of degree 5 leaves most of seven values at equal distances, they are asked again four times as
densely. What is smooth is then left 4^6 times less of, a bend 4 times less, and a jump stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nn_from_scratch.verify.oracles.line import Line

Floats = npt.NDArray[np.float64]

_REACH = 0.5  # the longest step
_VALUES, _SLOPES = 64, 32  # distances that it is divided into at first
_ORDER = 6
_MOST = 10.0  # the differences of order 6 of a jump of 1: the largest of 1, 5, 10, 10, 5, 1
_DENSER = 4
_CLOSEST = 2.0**-22  # the shortest distance: there a bend is nothing beside a jump
_PLACES = 3  # that are looked at
_SHORT = 0.4  # power of the noise: the step of a difference that a slope is taken for
_APART = 4.0  # times that step: slopes that tell a bend from a jump of the second derivative
_LOUD = 64.0  # times the noise: differences of order 6 are of thirty times as much
_ROUNDINGS = 16.0  # that values may be off, even if their noise looks smaller


@dataclass(frozen=True, slots=True)
class Pieces:
    """By how much a function's values jump along a line, and by how much its derivative does; 0 if smooth."""

    jump: float
    bend: float


NONE = Pieces(0.0, 0.0)


def find_pieces(line: Line, noise: float, least: Pieces = NONE) -> Pieces:
    """Look for jumps and bends of a function along a line.

    Parameters
    ----------
    line
        The function.
    noise
        That of its values: what is no larger is neither.
    least
        What is smaller is not looked for.

    Returns
    -------
    Pieces
        The largest that were found; 0 where none is, or where the function is not defined.

    """
    height = abs(line.centre) or 1.0
    noise = max(noise, _ROUNDINGS * line.unit * height)
    short = float((noise / height) ** _SHORT)

    def slope(step: float) -> float:
        return (line(step + short) - line(step - short)) / (2 * short)

    return Pieces(
        _largest(line, _VALUES, _CLOSEST, _PLACES, max(_LOUD * noise, least.jump)),
        _largest(slope, _SLOPES, _APART * short, 1, max(_LOUD * noise / short, least.bend)),
    )


def _largest(
    function: Callable[[float], float], count: int, closest: float, places: int, least: float
) -> float:
    """Return the largest jump of a function of a step, as it is left when looked at ever more closely."""
    steps = np.linspace(-_REACH, _REACH, count + 1)
    left = _left(function, steps)
    found = 0.0
    for _ in range(places):
        worst = int(left.argmax())
        jump = float(left[worst])
        low, high = steps[worst], steps[worst + _ORDER]
        left[max(0, worst - _ORDER) : worst + _ORDER + 1] = 0.0
        while jump > max(found, least) and high - low > _ORDER * _DENSER * closest:
            dense = np.linspace(low, high, _DENSER * _ORDER + 1)
            nearer = _left(function, dense)
            worst = int(nearer.argmax())
            jump = min(jump, float(nearer[worst]))
            low, high = dense[worst], dense[worst + _ORDER]
        if jump > max(found, least):
            found = jump
    return found


def _left(function: Callable[[float], float], steps: Floats) -> Floats:
    """Return what polynomials leave of each seven values, in units of a jump; 0 where one is not defined."""
    values = np.array([function(float(step)) for step in steps])
    left = np.abs(np.diff(values, _ORDER)) / _MOST
    return np.asarray(np.where(np.isfinite(left), left, 0.0))
