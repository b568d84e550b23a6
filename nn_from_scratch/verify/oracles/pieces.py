"""Whether a function is pieced together along a line: by a solver that takes another step, or one more.

The values of an adaptive solver are those of a smooth function from one mesh to the next, and there they
jump, or bend. Neither shows at short steps, where the function is as smooth as any; and its derivative is off
the one that was meant by about what the pieces differ by. So both are looked for farther away: where a
polynomial of degree 5 leaves most of seven values at equal distances, they are asked again four times as
densely. What is smooth is then left 4^6 times less of, a bend 4 times less, and a jump stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from nn_from_scratch.verify.oracles.line import FAR, Line
from nn_from_scratch.verify.oracles.noise import unit_roundoff

Floats = npt.NDArray[np.float64]

_VALUES, _SLOPES = 64, 32  # distances that a reach of 1/2 is divided into at first
_ORDER = 6
_MOST = 10.0  # the differences of order 6 of a jump of 1: the largest of 1, 5, 10, 10, 5, 1
_DENSER = 4
_CLOSEST = 2.0**-22  # the shortest distance: there a bend is nothing beside a jump
_PLACES = 4  # that are looked at
_STEADY = 0.7  # of what was left at the last look: a cusp, such as a root has, is left less of
_ALONE = 4.0  # times all other changes beside it: those of a pole, or of a logarithm, are not
_SHORT = 0.4  # power of the noise: the step of a difference that a slope is taken for
_APART = 4.0  # times that step: slopes that tell a bend from a jump of the second derivative
_LOUD = 64.0  # times the noise: differences of order 6 are of thirty times as much
_ROUNDINGS = 16.0  # that values may be off, even if their noise looks smaller


def largest_jump(line: Line, noise: float, least: float = 0.0, reach: float = 0.5) -> float:
    """Return the largest jump of a function's values along a line.

    Parameters
    ----------
    line
        The function.
    noise
        That of its values: what is no larger is no jump, nor is what the rounding of larger values explains.
    least
        What is smaller is not looked for.
    reach
        The longest step.

    Returns
    -------
    float
        0 where there is none, or where the function is not defined.

    """
    unit = max(line.unit, unit_roundoff(line.dtype))
    noise = max(noise, _ROUNDINGS * unit * (abs(line.centre) or 1.0))
    steps = np.linspace(-reach, reach, round(_VALUES * 2 * reach) + 1)

    def is_jump(places: Floats) -> bool:
        values = np.array([line(float(step)) for step in places])
        changes = np.diff(values)
        first, second = np.sort(np.abs(changes - np.median(changes)))[:-3:-1]
        return bool(first > max(_ALONE * second, _LOUD * unit * float(np.abs(values).max())))

    return _largest(line, steps, _CLOSEST, _PLACES, max(_LOUD * noise, least), is_jump=is_jump)


def jump_from_nothing(line: Line) -> tuple[float, float]:
    """Return the jump with which a constant function begins to change along a line, and at which step.

    Both are 0 where it is not constant up to a step of 1, or never changes. The jump is tiny where the
    function is continuous.
    """
    sides = (1.0, -1.0)
    if any(line(side * step) != line.centre for side in sides for step in (0.5, 1.0)):
        return 0.0, 0.0
    for still, step in pairwise((1.0, *FAR)):
        for side in sides:
            value = line(side * step)
            if np.isfinite(value) and value != line.centre:
                return line.change_where_it_begins(side, still, step), step
    return 0.0, 0.0


def largest_bend(
    line: Line,
    noise: float,
    least: float = 0.0,
    reach: float = 0.5,
    *,
    known: Callable[[float], float] | None = None,
) -> float:
    """Return by how much the derivative of a function jumps along a line, as `largest_jump` does.

    Of a derivative that is `known` at each step only what it lacks is looked at, and less closely: within the
    step of a difference about a kink the mean of both sides is no more than about what the difference is.
    """
    height = abs(line.centre) or 1.0
    noise = max(noise, _ROUNDINGS * line.unit * height)
    short = float((noise / height) ** _SHORT)

    def slope(step: float) -> float:
        found = (line(step + short) - line(step - short)) / (2 * short)
        return found if known is None else found - (known(step - short) + known(step + short)) / 2

    apart = _APART * short * (1 if known is None else _DENSER**2)
    steps = np.linspace(-reach, reach, round(_SLOPES * 2 * reach) + 1)
    return _largest(slope, steps, apart, 1, max(_LOUD * noise / short, least))


def _largest(
    function: Callable[[float], float],
    steps: Floats,
    closest: float,
    places: int,
    least: float,
    *,
    is_jump: Callable[[Floats], bool] | None = None,
) -> float:
    """Return the largest jump of a function of a step, as it is left when looked at ever more closely.

    `is_jump` says of the steps of the closest look whether a jump is seen there.
    """
    left = _left(function, steps)
    found = 0.0
    for _ in range(places):
        worst = int(left.argmax())
        jump = last = float(left[worst])
        seen = steps[worst : worst + _ORDER + 1]
        left[max(0, worst - _ORDER) : worst + _ORDER + 1] = 0.0
        while jump > max(found, least) and seen[-1] - seen[0] > _ORDER * _DENSER * closest:
            dense = np.linspace(seen[0], seen[-1], _DENSER * _ORDER + 1)
            nearer = _left(function, dense)
            worst = int(nearer.argmax())
            last, jump = jump, min(jump, float(nearer[worst]))
            seen = dense[worst : worst + _ORDER + 1]
        if jump > max(found, least) and (is_jump is None or (jump >= _STEADY * last and is_jump(seen))):
            found = jump
    return found


def _left(function: Callable[[float], float], steps: Floats) -> Floats:
    """Return what polynomials leave of each seven values, in units of a jump; 0 where one is not defined."""
    values = np.array([function(float(step)) for step in steps])
    left = np.abs(np.diff(values, _ORDER)) / _MOST
    return np.asarray(np.where(np.isfinite(left), left, 0.0))
