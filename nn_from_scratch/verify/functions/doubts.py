"""Accusations that are not certain: a function computed to some digits only explains the error as well.

The values of an ODE solver, a quadrature or an iteration are those of a function nearby, often without any
noise that would tell. Its derivative differs from the one that was meant by about as many digits as the
solver keeps. How many those are, its noise tells, or the jumps and bends between its pieces farther away.
Such an error is everywhere; one that is in a few entries only, while all others agree to many more digits and
nothing jumps along them, is the gradient's.

However large an error is, a jump tells that the function may be as coarse. A bend does not, for many
functions have kinks of their own. It counts where the error of the gradient does not add up: what the
function gains by long steps is what the gradient says, and by short ones it is not.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from nn_from_scratch.verify.functions.black_box import BlackBox, Floats, Measured
from nn_from_scratch.verify.oracles.pieces import jump_from_nothing, largest_bend, largest_jump

_TINY = 2e-6  # of the gradient's norm: what a function computed to six digits may be off by without noise
_SMALL = 1e-4  # likewise, if its noise shows that it is computed coarsely
_COARSE = 5e-4  # likewise, if every single entry is off
_LARGE = 3e-2  # likewise, if its bends show it, or jumps that are much smaller
_NOISES = 100.0  # times its noise, or a jump
_JUMPS = 30.0  # times a jump, if the error is larger
_BENDS = 30.0  # times what its pieces' derivatives differ by
_BENT = 4.0  # likewise, if the error is larger
_OF_THE_ERROR = 2.0  # times the part of a gradient that it is off by: so much of a kink it may be off by, too
_KINK = 0.1  # of the gradient's norm: a bend that is larger is the function's own
_ADDED = 0.5  # of what an error comes to along the way, if it is the gradient's
_LIKE = 0.8  # likewise, of what it came to if it were a part of the values
_RESOLVED = 0.25  # likewise, by which steps that are twice as long may say something else
_REACH = 0.9  # the longest step that is looked at: many functions have no value at 0
_BESIDE = 0.02  # of a line, where a function is asked beside its point
_STEPS = 32  # by which errors are added up
_DIRECTIONS = 4  # along which jumps are looked for
_BENDING = 2  # of these, along which small bends are
_WORST = 2  # entries, likewise
_MORE = 2.0  # times the error of the entries that are named: there are more of them
_FEW = 4  # a part of the entries, 1 in so many


def doubt(
    box: BlackBox, whole: Measured, vector: Floats, wrong: dict[int, Measured], *, complete: bool
) -> str:
    """Return why an accusation is not certain, or nothing.

    Parameters
    ----------
    box, whole, vector
        The question, what was measured along a direction, and which.
    wrong
        The entries that are wrong.
    complete
        Whether they are all.

    """
    measured = list(wrong.values()) or [whole]
    if not all(np.isfinite([x.got, x.expected]).all() for x in measured):
        return ""
    error = float(np.linalg.norm([x.beyond for x in measured]))
    # Of many inputs only the first wrong ones are looked for.
    has_more = box.is_large and not complete and (not wrong or whole.beyond > _MORE * error)
    lengths = np.where(box.point != 0, np.abs(box.point), box.sizes) if wrong and not has_more else box.sizes
    size = float(np.linalg.norm(box.slopes * lengths))
    worst = sorted(wrong, key=lambda index: -wrong[index].beyond)[:_WORST]
    entries = [box.unit_vector(index) for index in worst]
    few = bool(wrong) and complete and len(wrong) * _FEW <= len(box.point) and not box.coarseness
    everywhere = complete and len(wrong) == len(box.point)
    if has_more:
        error, everywhere = whole.beyond, True
    tiny = (_COARSE if everywhere else _TINY) * size
    if not few and error <= max(tiny, min(_NOISES * box.coarseness, _SMALL * size)):
        return _agreeing(error, size, box.coarseness)
    if box.is_large and not has_more:
        return ""
    directions = [] if few else [box.direction(number) for number in range(_DIRECTIONS)]
    rough = _jump(box, entries + directions, whole.noise, error, size)
    if not few and error <= _LARGE * size:
        rough = max(rough, _small_bend(box, directions[:_BENDING], whole.noise, error, size))
    if rough:
        return _agreeing(error, size, rough)
    if wrong:
        lines = [(box.unit_vector(index), wrong[index].noise, wrong[index].beyond) for index in worst]
    else:
        lines = [(vector, whole.noise, error)]
    if any(_fits_from_afar(box, *line) for line in lines):
        return (
            f"the gradient is off by {error:.2g} where steps are short, and that does not add up: what the "
            "function gains by long steps is what the gradient says. Its values are those of pieces that "
            "bend, each a little off: of a table, or of a solver. Compute the function more exactly, or give "
            "the derivative of its pieces"
        )
    return ""


def _agreeing(error: float, size: float, rough: float) -> str:
    """Say how well a gradient and a function agree, and what that may mean."""
    digits = int(-np.log10(error / size)) if 0 < error < size else 0
    if not digits:
        return (
            f"the function's values jump by {rough:.1g}, here or not far away: it is computed coarsely (by a "
            "solver, a quadrature or an iteration), or rounded, and then its differences are off by as much "
            f"as the gradient seems to be, {error:.2g}. Compute it more exactly"
        )
    coarse = f"its values are rough by {rough:.1g}; " if rough else ""
    return (
        f"the gradient and the function agree to {digits} digits, and not to more: {coarse}either the "
        "gradient was computed in float32 or is slightly wrong, or the function is only computed to so many "
        "digits (by a solver, a quadrature or an iteration). Compute it more exactly, or return the gradient "
        "as float32"
    )


def _jump(box: BlackBox, vectors: list[Floats], noise: float, error: float, size: float) -> float:
    """Return a jump of the values that explains an error, or 0."""
    times = _NOISES if error <= _LARGE * size else _JUMPS
    for vector in vectors:
        line = box.line(vector)
        jump = largest_jump(line, noise, error / times, _REACH)
        if jump:
            return jump
        jump, step = jump_from_nothing(line)
        if jump * times > error * step:
            return jump
    return 0.0


def _small_bend(box: BlackBox, vectors: list[Floats], noise: float, error: float, size: float) -> float:
    """Return what jump would explain as much as a bend does, if that explains an error."""
    for vector in vectors:
        line, least = box.line(vector), error / _BENDS
        bend = largest_bend(line, noise, least)
        if not 0 < bend <= _KINK * size:
            continue
        least = max(least, _OF_THE_ERROR * error / size * bend)
        bend = largest_bend(line, noise, least, known=partial(_slope_at, box, vector))
        if bend:
            return bend * _BENDS / _NOISES
    return 0.0


def _slope_at(box: BlackBox, vector: Floats, step: float) -> float:
    """Return what the gradient says at a step: where it bends as the function does, the kink is known to it.

    Where it has no answer it knows of none.
    """
    slope = box.slope(box.point + step * vector, vector)
    return slope if np.isfinite(slope) else 0.0


def _fits_from_afar(box: BlackBox, vector: Floats, noise: float, error: float) -> bool:
    """Say whether a function bends along a line by as much as an error, which does not add up there."""
    bends = largest_bend(box.line(vector), noise, error / _BENT, _REACH) > 0
    return bends and not _is_right_beside(box, vector, error) and not _adds_up(box, vector, error)


def _is_right_beside(box: BlackBox, vector: Floats, error: float) -> bool:
    """Say whether a gradient is right on both sides of where it is wrong: of a kink, and no coarse piece."""
    line = box.line(vector)
    for step in (-_BESIDE, _BESIDE):
        slope = (line(1.5 * step) - line(0.5 * step)) / step
        if not abs(slope - box.slope(box.point + step * vector, vector)) <= error / _BENT**2:
            return False
    return True


def _adds_up(box: BlackBox, vector: Floats, error: float) -> bool:
    """Say whether the error of a gradient is one along a line as well.

    The function's values less the integral of the gradient rise or fall all the way, if the gradient is
    wrong, or go up and down with the values where it is a part of them that is missing. They stay where they
    are, but for what the function is rough by, if it is right.
    """
    line, steps = box.line(vector), np.linspace(-_REACH, _REACH, _STEPS + 1)
    values = np.array([line(float(step)) for step in steps])
    slopes = np.array([box.slope(box.point + step * vector, vector) for step in steps])
    known = np.isfinite(values) & np.isfinite(slopes)
    steps, values, slopes = steps[known], values[known], slopes[known]
    gains = _gains(steps, values, slopes)
    added = np.concatenate([[0.0], np.cumsum(gains)])
    way = float(np.abs(gains).sum())
    if np.ptp(added) > _ADDED * max(way, error * float(np.ptp(steps))):
        return True
    turns = float(np.abs(np.diff(values)).sum())
    is_part_of_them = np.ptp(added) * turns > _LIKE * way * np.ptp(values)
    return bool(
        is_part_of_them and way > _ADDED * error * np.ptp(steps) and _are_resolved(steps, values, slopes)
    )


def _gains(steps: Floats, values: Floats, slopes: Floats) -> Floats:
    """Return what a function gains in each step beyond what its gradient says, by trapezoids."""
    return np.diff(values) - np.diff(steps) * (slopes[1:] + slopes[:-1]) / 2


def _are_resolved(steps: Floats, values: Floats, slopes: Floats) -> bool:
    """Say whether steps are short enough for a sum along them: whether twice as long ones say the same."""
    gains = _gains(steps, values, slopes)
    gains = gains[: len(gains) // 2 * 2].reshape(-1, 2).sum(1)
    coarser = _gains(steps[::2], values[::2], slopes[::2])[: len(gains)]
    return bool(np.abs(gains - coarser).sum() <= _RESOLVED * np.abs(gains).sum())
