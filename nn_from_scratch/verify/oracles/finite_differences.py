"""Finite differences in numpy, with an error estimate: a witness that knows no derivative rule at all.

Central differences at a ladder of steps, extrapolated to step 0 (L. F. Richardson; C. J. F. Ridders,
"Accurate computation of F'(x) and F'(x) F''(x)", Advances in Engineering Software 4, 1982). Of all entries
of the table the one with the smallest estimated error is taken. The estimate adds what the neighbours in
the table differ by and the noise of the function itself, which is measured on a few points so close to
each other that the function is a straight line between them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from nn_from_scratch.verify.expressions import Arithmetic, Expression

Floats = npt.NDArray[np.float64]

_STEPS = 2.0 ** -np.arange(3, 36)  # relative to max(|x|, 1)
_COLUMNS = 4  # of the extrapolation table: errors of order 2, 4, 6, 8
_PROBES = np.arange(-4, 5) * 2.0**-44  # relative to max(|x|, 1); they are not steps, but measure noise
_SAFETY = 8.0
EVALUATIONS = 2 * len(_STEPS) + len(_PROBES)
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
    scale = np.maximum((np.abs(along) * np.abs(x)).max(axis=1), 1.0)
    offsets = scale[:, None] * np.concatenate([_STEPS, -_STEPS, _PROBES])
    # One evaluation serves all points: an input is the array of its values in every one of them.
    moved = x[:, None, None] + along.T[:, :, None] * offsets  # (inputs, directions, points)
    with np.errstate(all="ignore"):
        f = np.broadcast_to(function(moved.reshape(len(x), -1).T), offsets.size).reshape(offsets.shape)
        # How far rounded points really are from the first, in units of the direction.
        length = (along * along).sum(axis=1)[:, None]
        t = np.einsum("idp,di->dp", moved - x[:, None, None], along) / length
        count = len(_STEPS)
        width = t[:, :count] - t[:, count : 2 * count]
        first = (f[:, :count] - f[:, count : 2 * count]) / width
        rounding = _noise(t[:, 2 * count :], f[:, 2 * count :])[:, None] / width
        return _extrapolate(first, rounding)


def _noise(x: Floats, f: Floats) -> Floats:
    """Return how far values lie from a straight line, at least half a unit in the last place."""
    x = x - x.mean(axis=1, keepdims=True)
    rest = f - f.mean(axis=1, keepdims=True)
    slope = (x * rest).sum(axis=1, keepdims=True) / (x * x).sum(axis=1, keepdims=True)
    noise = np.abs(rest - slope * x).max(axis=1)
    return np.asarray(np.maximum(noise, np.abs(f).max(axis=1) * 2.0**-53))


def _extrapolate(first: Floats, rounding: Floats) -> tuple[Floats, Floats]:
    """Take the best entry of each row's extrapolation table, given the noise of its first column."""
    best = np.zeros(len(first))
    error = np.full(len(first), np.inf)
    finest = np.zeros(len(first), dtype=np.intp)
    column = first
    for order in range(1, _COLUMNS):
        better = column[:, 1:] + (column[:, 1:] - column[:, :-1]) / (4.0**order - 1)
        spread = np.maximum(np.abs(better - column[:, 1:]), np.abs(better - column[:, :-1]))
        estimate = _SAFETY * (spread + rounding[:, order:] + 2.0**-53 * np.abs(better))
        estimate[~np.isfinite(better) | ~np.isfinite(estimate)] = np.inf
        rows, chosen = np.arange(len(first)), estimate.argmin(axis=1)
        smaller = estimate[rows, chosen] < error
        best = np.where(smaller, better[rows, chosen], best)
        finest = np.where(smaller, chosen + order, finest)
        error = np.minimum(error, estimate[rows, chosen])
        column = better
    # A kink closer than the chosen step shows in finer differences, where neither their noise nor the
    # differences before them (twice as wide, so four times as wrong) explain how far they are off.
    off = np.abs(first - best[:, None])
    unexplained = off[:, 1:] - off[:, :-1] / 2 - _SAFETY * rounding[:, 1:]
    finer = np.arange(1, first.shape[1]) > finest[:, None]
    kink = np.where(finer, np.nan_to_num(2 * unexplained, nan=np.inf), 0.0).max(axis=1)
    return best, np.maximum(error, kink)


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
