"""Errors too small for an accusation: those that a function computed to some digits only explains as well.

The values of an ODE solver, a quadrature or an iteration are those of a function nearby, often without any
noise that would tell. Its derivative differs from the one that was meant by about as many digits as the
solver keeps. Such an error is everywhere; one that is in a few entries only, while all others agree to many
more digits, is the gradient's.
"""

from __future__ import annotations

import numpy as np

from nn_from_scratch.verify.functions.black_box import BlackBox, Measured

_TINY = 2e-6  # of the gradient's norm: what a function computed to six digits may be off by without noise
_SMALL = 1e-4  # likewise, if its noise shows that it is computed coarsely
_COARSE = 5e-4  # likewise, if every single entry is off
_NOISES = 100.0
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
    tiny = _COARSE if everywhere else _TINY
    if largest > max(tiny * size, min(_NOISES * box.coarseness, _SMALL * size)):
        return ""
    if wrong and complete and len(wrong) * _FEW <= len(box.point) and not box.coarseness:
        return ""
    digits = int(-np.log10(largest / size)) if largest < size else 0
    coarse = f"its values are rough by {box.coarseness:.1g}; " if box.coarseness else ""
    return (
        f"the gradient and the function agree to {digits} digits, and not to more: {coarse}either the "
        "gradient was computed in float32 or is slightly wrong, or the function is only computed to so many "
        "digits (by a solver, a quadrature or an iteration). Compute it more exactly, or return the gradient "
        "as float32"
    )
