"""Finite differences in numpy, with an error estimate: a witness that knows no derivative rule at all.

Central differences at a ladder of steps, extrapolated to step 0 (L. F. Richardson; C. J. F. Ridders,
"Accurate computation of F'(x) and F'(x) F''(x)", Advances in Engineering Software 4, 1982). Of all entries
of the table the one with the smallest estimated error is taken. The estimate rests on values of the function
alone. It adds up

* what the neighbours in the table differ by;
* the noise of the function, measured on a few points so close to each other that it is a straight line
  between them, and what moving the point by its own rounding would change;
* kinks: the slopes at either side of a smooth function differ half as much at half the step. Where they do
  not, they differ by a kink that no step of that size or larger can see past.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from nn_from_scratch.verify.expressions import Arithmetic, Expression

Floats = npt.NDArray[np.float64]

_COUNT = 33
_STEPS = 2.0 ** -np.arange(3, 3 + _COUNT)  # times the scale, a power of two that is at least |x| and 1
_PROBES = np.arange(-4, 5) * 2.0**-44  # times the scale; they are not steps, but measure noise
_OFFSETS = np.concatenate([_STEPS, -_STEPS, _PROBES])
_CENTRE = 2 * _COUNT + 4
_RESIDUAL = np.eye(9) - 1 / 9 - np.outer(_PROBES, _PROBES) / (_PROBES @ _PROBES)  # from a straight line
_ORDERS = (1, 2, 3)  # of the extrapolation table: errors of order 4, 6, 8
_ROUNDOFF = 2.0**-53
_SAFETY = 8.0
_SURE = 32.0  # times the noise: nothing smaller is taken for a kink
_WIDEST = 2.0**24  # by how much inputs that move may differ in scale
EVALUATIONS = len(_OFFSETS)
"""How many values of a function one derivative takes."""


def gradient(
    expression: Expression, point: Sequence[float], directions: npt.ArrayLike | None = None
) -> tuple[Floats, Floats]:
    """Estimate the gradient, or derivatives along directions, and the error.

    Parameters
    ----------
    expression, point
        What is asked, and where; the inputs are scalars.
    directions
        Float64, shape (directions, inputs); by default each input on its own.

    Returns
    -------
    derivatives, error
        Arrays of shape (directions,), float64; the error is absolute, and infinite where no step stayed
        inside the domain.

    """
    x = np.asarray(point, dtype=np.float64)
    along = np.eye(len(x)) if directions is None else np.asarray(directions, dtype=np.float64)
    return differentiate(
        lambda points: expression.evaluate(NUMPY, list(points.T))[expression.output], x, along
    )


def differentiate(
    function: Callable[[Floats], npt.ArrayLike], x: Floats, along: Floats
) -> tuple[Floats, Floats]:
    """Estimate the derivatives of any function along directions, and the error, from its values only.

    Parameters
    ----------
    function
        Maps points, shape (points, inputs), to values, shape (points,), or one value if all are the same.
    x
        Where: shape (inputs,).
    along
        The directions: shape (directions, inputs).

    Returns
    -------
    derivatives, error
        As `gradient` does. Each direction takes `EVALUATIONS` points.

    """
    with np.errstate(all="ignore"):
        sizes = np.abs(along) * np.maximum(np.abs(x), 1.0)
        scale = np.exp2(np.ceil(np.log2(np.maximum(sizes.max(axis=1), 1.0))))
        offsets = scale[:, None] * _OFFSETS
        # One evaluation serves all points: an input is the array of its values in every one of them.
        moved = x[:, None, None] + along.T[:, :, None] * offsets  # (inputs, directions, points)
        f = np.broadcast_to(function(moved.reshape(len(x), -1).T), offsets.size).reshape(offsets.shape)
        rounding = _ROUNDOFF * sizes.max(axis=1) / np.abs(along).max(axis=1)  # of the point
        derivative, error = _extrapolate(f, offsets[:, :_COUNT], rounding[:, None])
        # A step that suits one input is lost in another, or far too long for it.
        smallest = np.where(along == 0, np.inf, sizes).min(axis=1)
        return derivative, np.where(scale > _WIDEST * smallest, np.inf, error)


def _extrapolate(f: Floats, steps: Floats, rounding: Floats) -> tuple[Floats, Floats]:
    """Take the best entry of each row's extrapolation table.

    Parameters
    ----------
    f
        Values at the offsets: shape (directions, points).
    steps
        Shape (directions, steps).
    rounding
        How far the point may be off, in units of the direction: shape (directions, 1).

    """
    change = f - f[:, _CENTRE, None]
    up, down = change[:, :_COUNT], change[:, _COUNT : 2 * _COUNT]
    first, bend = (up - down) / (2 * steps), np.abs(up + down) / steps
    outside = ~np.isfinite(first)
    first[outside] = bend[outside] = 0.0
    tail = rounding * np.abs(first) + _ROUNDOFF * (np.abs(up) + np.abs(down))
    noise = np.where(outside, np.inf, np.maximum(_noise(f, change, 8 * steps[:, 0]), tail) / (2 * steps))
    kink = _kink(bend, noise, outside)
    best = first @ _TABLE
    spread = np.maximum(np.abs(first @ _BEFORE), np.abs(first @ _BESIDE))
    shifted = rounding * (bend / steps)[:, _FINEST] + _ROUNDOFF * np.maximum(np.abs(best), 1.0)
    error = _SAFETY * (spread + noise[:, _FINEST]) + kink[:, _FINEST] + 2 * shifted
    error[~np.isfinite(error) | (outside @ _USED)] = np.inf
    rows, chosen = np.arange(len(f)), error.argmin(axis=1)
    best, error = best[rows, chosen], error[rows, chosen]
    # Steps longer than many periods of the function agree on nothing; its slope among the probes tells.
    slope = change[:, 2 * _COUNT :] @ (_PROBES / (_PROBES @ _PROBES)) / (8 * steps[:, 0])
    blur = _SAFETY * noise[:, -1] * 2.0**9  # the probes are that much closer than the finest steps
    missed = np.abs(best - slope)
    return best, np.where(missed > blur, np.maximum(error, missed + blur), error)


def _noise(f: Floats, change: Floats, scale: Floats) -> Floats:
    """Return how far values near the point lie from a straight line: shape (directions, 1).

    It is at least half a unit in the last place. It is infinite where so few digits are left between
    neighbours that either noise has eaten them or no step is short enough for the function.
    """
    probes, size = change[:, 2 * _COUNT :], np.abs(f[:, _CENTRE])
    rough = np.abs(probes @ _RESIDUAL).max(axis=1)
    noise = np.maximum(rough, _ROUNDOFF * size)
    moves = np.abs(change[:, : 2 * _COUNT])
    moves[~np.isfinite(moves)] = 0.0
    flat = ~probes.any(axis=1)
    if flat.any():
        # What rounding has hidden shows in the smallest change at longer steps, or is lost in a 1 - 1.
        least = np.where(moves == 0, np.inf, moves).min(axis=1)
        hidden = np.where(least < 2.0**-30 * np.maximum(size, 1.0), least, _ROUNDOFF)
        noise = np.where(flat, scale * np.maximum(noise, hidden), noise)
    resolved = rough <= 2.0**-20 * (moves.max(axis=1) + size)
    return np.where(resolved, noise, np.inf)[:, None]


def _kink(bend: Floats, noise: Floats, outside: npt.NDArray[np.bool_]) -> Floats:
    """Return what kinks may change at each step, from how far the slopes at either side differ."""
    excess = bend.copy()
    excess[:, 1:] -= 0.75 * bend[:, :-1]
    excess[outside] = np.inf
    excess[:, 0] = 0.0
    seen = np.where(excess > _SURE * noise, excess, 0.0)
    beyond = np.maximum.accumulate(seen[:, ::-1], axis=1)[:, ::-1]
    # Where there is a kink, finer steps are only free of it where noise does not cover it.
    possible = np.where(seen.any(axis=1, keepdims=True), excess + _SAFETY * noise, 0.0)
    return np.asarray(3 * np.maximum(beyond, possible))


def _table() -> tuple[Floats, Floats, Floats, npt.NDArray[np.intp]]:
    """Write the extrapolation table's entries as weights of the first column.

    Returns
    -------
    entries, before, beside, finest
        Weights of all entries, and of their differences to both entries that they were made of, each of
        shape (steps, entries); and the index of the finest step of each.

    """
    column = np.eye(_COUNT)
    entries, before, beside, finest = [], [], [], []
    for order in _ORDERS:
        better = column[:, 1:] + (column[:, 1:] - column[:, :-1]) / (4.0**order - 1)
        entries.append(better)
        before.append(better - column[:, :-1])
        beside.append(better - column[:, 1:])
        finest.append(np.arange(order, _COUNT))
        column = better
    return np.hstack(entries), np.hstack(before), np.hstack(beside), np.hstack(finest)


_TABLE, _BEFORE, _BESIDE, _FINEST = _table()
_USED = _TABLE != 0

NUMPY: Arithmetic = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "pow": np.power,
    "neg": operator.neg,
    "reciprocal": lambda x: 1 / x,
    "square": lambda x: x * x,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "arctan": np.arctan,
    "arctan2": np.arctan2,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.logaddexp(x, 0.0),
    "hypot": np.hypot,
    "logaddexp": np.logaddexp,
    "relu": lambda x: np.maximum(x, 0.0),
    "abs": np.abs,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "where": lambda c, x, y: np.where(c > 0, x, y),
    "clip": np.clip,
}
