"""Errors too small for an accusation: those that a function computed to some digits only explains as well.

The values of an ODE solver, a quadrature or an iteration are those of a function nearby, often without any
noise that would tell. Its derivative differs from the one that was meant by about as many digits as the
solver keeps. How many those are, its noise tells, or the jumps and bends between its pieces farther away.
Such an error is everywhere; one that is in a few entries only, while all others agree to many more digits, is
the gradient's.
"""

from __future__ import annotations

import numpy as np

from nn_from_scratch.verify.functions.black_box import BlackBox, Measured
from nn_from_scratch.verify.oracles.pieces import Pieces, find_pieces

_TINY = 2e-6  # of the gradient's norm: what a function computed to six digits may be off by without noise
_SMALL = 1e-4  # likewise, if its noise shows that it is computed coarsely
_COARSE = 5e-4  # likewise, if every single entry is off
_LARGE = 3e-2  # likewise, if its pieces show it
_NOISES = 100.0  # times its noise or a jump
_BENDS = 30.0  # times what its pieces' derivatives differ by
_KINK = 0.1  # of the gradient's norm: a bend that is larger is the function's own
_DIRECTIONS = 2  # along which pieces are looked for
_MANY = 4096  # inputs of a function that is not asked so often
_FEW = 4  # a part of the entries, 1 in so many


def doubt(box: BlackBox, whole: Measured, wrong: dict[int, Measured], *, complete: bool) -> str:
    """Return why an accusation is not certain, or nothing.

    Parameters
    ----------
    box, whole
        The question, and what was measured along a direction.
    wrong
        The entries that are wrong.
    complete
        Whether they are all.

    """
    measured = list(wrong.values()) or [whole]
    if not all(np.isfinite([x.got, x.expected]).all() for x in measured):
        return ""
    lengths = np.where(box.point != 0, np.abs(box.point), box.sizes) if wrong else box.sizes
    size = float(np.linalg.norm(box.slopes * lengths))
    largest = float(np.linalg.norm([x.got - x.expected for x in measured]))
    everywhere = complete and len(wrong) == len(box.point)
    few = bool(wrong) and complete and len(wrong) * _FEW <= len(box.point) and not box.coarseness
    if few or largest > _LARGE * size:
        return ""
    rough = box.coarseness
    tiny = _COARSE if everywhere else _TINY
    if largest > max(tiny * size, min(_NOISES * rough, _SMALL * size)):
        rough = _roughness_afar(box, whole.noise, largest, size)
        if largest > _NOISES * rough:
            return ""
    digits = int(-np.log10(largest / size)) if largest < size else 0
    coarse = f"its values are rough by {rough:.1g}; " if rough else ""
    return (
        f"the gradient and the function agree to {digits} digits, and not to more: {coarse}either the "
        "gradient was computed in float32 or is slightly wrong, or the function is only computed to so many "
        "digits (by a solver, a quadrature or an iteration). Compute it more exactly, or return the gradient "
        "as float32"
    )


def _roughness_afar(box: BlackBox, noise: float, error: float, size: float) -> float:
    """Return how roughly the function is computed, if its pieces show that it is by as much as an error."""
    if len(box.point) > _MANY:
        return 0.0
    least, rough = Pieces(error / _NOISES, error / _BENDS), 0.0
    for number in range(_DIRECTIONS):
        pieces = find_pieces(box.line(box.direction(number)), noise, least)
        bend = pieces.bend if pieces.bend <= _KINK * size else 0.0
        rough = max(rough, pieces.jump, bend * _BENDS / _NOISES)
    return rough
