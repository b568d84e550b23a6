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

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from nn_from_scratch.verify.oracles import special_values
from nn_from_scratch.verify.oracles.special_values import normal_below
from nn_from_scratch.verify.questions.expressions import Arithmetic, Expression
from nn_from_scratch.verify.questions.lower_eigen import rows_with
from nn_from_scratch.verify.questions.operations import ELEMENTWISE

Floats = npt.NDArray[np.float64]

_COUNT = 33
_STEPS = 2.0 ** -np.arange(3, 3 + _COUNT)  # times the scale, a power of two that is at least |x| and 1
_PROBES = np.arange(-4, 5) * 2.0**-44  # times the scale; they are not steps, but measure noise
_OFFSETS = np.concatenate([_STEPS, -_STEPS, _PROBES])
_CENTRE = 2 * _COUNT + 4
_SLOPE = _PROBES / (_PROBES @ _PROBES)  # of a straight line through values at the probes
_RESIDUAL = np.eye(9) - 1 / 9 - np.outer(_PROBES, _SLOPE)  # what it leaves
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
    used = [k for k in sorted(expression.reachable()) if k < len(x)]
    along = np.eye(len(x))[used] if directions is None else np.asarray(directions, dtype=np.float64)
    function = expression.function(NUMPY)
    found = differentiate(lambda points: function(list(points.T)), x, along)
    if directions is not None:
        return found
    derivatives, error = np.zeros((2, len(x)))  # what is not used has no influence
    derivatives[used], error[used] = found
    return derivatives, error


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
        largest = sizes.max(axis=1)
        scale = np.exp2(np.ceil(np.log2(np.maximum(largest, 1.0))))[:, None]
        # One evaluation serves all points: an input is the array of its values in every one of them.
        moved = x[:, None, None] + along.T[:, :, None] * (scale * _OFFSETS)  # (inputs, directions, points)
        f = np.asarray(function(moved.reshape(len(x), -1).T))
        f = f.reshape(moved.shape[1:]) if f.ndim else np.full(moved.shape[1:], f)
        rounding = _ROUNDOFF * largest / np.abs(along).max(axis=1)  # of the point
        derivative, error = _extrapolate(f, scale, rounding[:, None])
        # A step that suits one input is lost in another, or far too long for it.
        smallest = sizes.min(axis=1, where=along != 0, initial=np.inf)
        error[largest > _WIDEST * smallest] = np.inf
        return derivative, error


def _extrapolate(f: Floats, scale: Floats, rounding: Floats) -> tuple[Floats, Floats]:
    """Take the best entry of each row's extrapolation table.

    Parameters
    ----------
    f
        Values at the offsets: shape (directions, points).
    scale
        What the offsets are multiples of: shape (directions, 1).
    rounding
        How far the point may be off, in units of the direction: shape (directions, 1).

    """
    steps = scale * _STEPS
    change = f - f[:, _CENTRE, None]
    moves = np.abs(change[:, : 2 * _COUNT])
    up, down = change[:, :_COUNT], change[:, _COUNT : 2 * _COUNT]
    first, bend = (up - down) / (2 * steps), np.abs(up + down) / steps
    outside = ~np.isfinite(first)
    broken = outside.any()
    if broken:
        first[outside] = bend[outside] = moves[~np.isfinite(moves)] = 0.0
    near = _noise(np.abs(f[:, _CENTRE]), change[:, 2 * _COUNT :], moves, scale[:, 0])[:, None]
    far = rounding * np.abs(first) + _ROUNDOFF * (moves[:, :_COUNT] + moves[:, _COUNT:])
    noise = np.maximum(near, far) / (2 * steps)
    if broken:
        noise[outside] = bend[outside] = np.inf
    entries = first @ _TABLE
    spread = np.abs(first @ _DIFFERENCES).reshape(len(f), 2, -1).max(axis=1)
    at = _SAFETY * noise + 2 * rounding * bend / steps + _kink(bend, noise)
    error = _SAFETY * spread + at[:, _FINEST] + 2 * _ROUNDOFF * np.maximum(np.abs(entries), 1.0)
    if broken:
        error[outside @ _USED] = np.inf
    np.copyto(error, np.inf, where=np.isnan(error))
    rows, chosen = np.arange(len(f)), error.argmin(axis=1)
    best, error = entries[rows, chosen], error[rows, chosen]
    # Steps longer than many periods of the function agree on nothing; its slope among the probes tells.
    missed = np.abs(best - change[:, 2 * _COUNT :] @ _SLOPE / scale[:, 0])
    blur = _SAFETY * np.maximum(near, far)[:, -1] / (2.0**-43 * scale[:, 0])
    return best, np.where(missed > blur, np.maximum(error, missed + blur), error)


def _noise(size: Floats, probes: Floats, moves: Floats, scale: Floats) -> Floats:
    """Return how far values near the point lie from a straight line.

    It is at least half a unit in the last place. It is infinite where so few digits are left between
    neighbours that either noise has eaten them or no step is short enough for the function.

    Parameters
    ----------
    size, probes, moves
        The absolute value at the point, how much more it is at the probes, and how far it is off at the
        steps: a row for each direction.
    scale
        What the offsets are multiples of: shape (directions,).

    """
    rough = np.abs(probes @ _RESIDUAL).max(axis=1)
    noise: Floats = np.maximum(rough, _ROUNDOFF * size)
    flat = ~probes.any(axis=1)
    if flat.any():
        # What rounding has hidden shows in the smallest change at longer steps, or is lost in a 1 - 1.
        least = moves.min(axis=1, where=moves > 0, initial=np.inf)
        hidden = np.where(least < 2.0**-30 * np.maximum(size, 1.0), least, _ROUNDOFF)
        noise = np.where(flat, scale * np.maximum(noise, hidden), noise)
    noise[~(rough <= 2.0**-20 * (_usual_move(moves) + size))] = np.inf
    return noise


def _usual_move(moves: Floats) -> Floats:
    """Return how far the longer steps move a value: their median, for of a pole's values one may be huge."""
    longer = moves.reshape(len(moves), 2, _COUNT)[:, :, : _COUNT // 2].reshape(len(moves), -1)
    usual = np.partition(longer, longer.shape[1] // 2, axis=1)[:, longer.shape[1] // 2]
    return np.where(usual > 0, usual, moves.max(axis=1))  # it is 0 where most steps leave the domain


def _kink(bend: Floats, noise: Floats) -> Floats | float:
    """Return what kinks may change at each step, from how far the slopes at either side differ."""
    excess = bend[:, 1:] - 0.75 * bend[:, :-1]
    seen = excess > _SURE * noise[:, 1:]
    if not seen.any():
        return 0.0
    beyond = np.maximum.accumulate(np.where(seen, excess, 0.0)[:, ::-1], axis=1)[:, ::-1]
    # Where there is a kink, finer steps are only free of it where noise does not cover it.
    possible = np.where(seen.any(axis=1, keepdims=True), excess + _SAFETY * noise[:, 1:], 0.0)
    return np.asarray(np.pad(3 * np.maximum(beyond, possible), ((0, 0), (1, 0))))


def _table() -> tuple[Floats, Floats, npt.NDArray[np.intp]]:
    """Write the extrapolation table's entries as weights of the first column.

    Returns
    -------
    entries, differences, finest
        Weights of all entries, shape (steps, entries), and of their differences to both entries that they
        were made of, shape (steps, 2 entries); and the index of the finest step of each.

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
    return np.hstack(entries), np.hstack(before + beside), np.hstack(finest)


_TABLE, _DIFFERENCES, _FINEST = _table()
_USED = _TABLE != 0


def _digamma(x: npt.ArrayLike) -> Any:
    """Return the slope of lgamma: by reflection below 0, and far out by the asymptotic series."""
    x = np.asarray(x, dtype=np.float64)
    right = np.where(x < 0, 1 - x, x)
    far = right + 16
    series = sum(
        c / far**k for k, c in ((2, 1 / 12), (4, -1 / 120), (6, 1 / 252), (8, -1 / 240), (10, 1 / 132))
    )
    passed = sum(1 / (right + k) for k in range(15, -1, -1))
    value = np.log(far) - 0.5 / far - series - passed
    return np.where(x < 0, value - np.pi / np.tan(np.pi * (x - np.round(x))), value)


def _symmetric(entries: Sequence[Any]) -> Any:
    """Return the matrices of entries on and above the diagonal, which are numbers or arrays of as many."""
    rows = rows_with(len(entries))
    whole = np.broadcast_arrays(*entries)
    found = np.zeros((*whole[0].shape, rows, rows))
    for one, i, j in zip(whole, *np.triu_indices(rows), strict=True):
        found[..., i, j] = found[..., j, i] = one
    # LAPACK does not end where an entry is no number.
    known = np.isfinite(found).all(axis=(-2, -1), keepdims=True)
    return np.where(known, found, 0.0)


NUMPY: Arithmetic = {
    **{
        name: getattr(np, name) for name in ELEMENTWISE if hasattr(np, name)
    },  # the catalogue's names are numpy's
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "pow": np.power,
    "neg": operator.neg,
    "reciprocal": lambda x: 1 / x,
    "square": lambda x: x * x,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.logaddexp(x, 0.0),
    "relu": lambda x: np.maximum(x, 0.0),
    "where": lambda c, x, y: np.where(c > 0, x, y),
    "erf": np.vectorize(math.erf, otypes=[float]),
    "erfc": np.vectorize(math.erfc, otypes=[float]),
    "lgamma": special_values.lgamma,
    "digamma": _digamma,
    "expit": lambda x: 1 / (1 + np.exp(-x)),
    "log_expit": lambda x: -np.logaddexp(-x, 0.0),
    "logit": lambda x: np.log(x / (1 - x)),
    "xlogy": lambda x, y: x * np.log(y),
    "xlog1py": lambda x, y: x * np.log1p(y),
    "entr": lambda x: -x * np.log(x),
    "ndtr": normal_below,
    "log_ndtr": lambda x: np.where(x > 0, np.log1p(-normal_below(-x)), np.log(normal_below(x))),
    "erfinv": special_values.erfinv,
    "erfcinv": lambda x: -special_values.normal_quantile(x / 2) / math.sqrt(2),
    "ndtri": special_values.normal_quantile,
    "erfcx": special_values.erfcx,
    "j0": special_values.j0,
    "j1": special_values.j1,
    "i0": special_values.i0,
    "i1": special_values.i1,
    "jv": special_values.jv,
    "iv": special_values.iv,
    "zeta": special_values.zeta,
    "betainc": special_values.betainc,
    "gammainc": special_values.gammainc,
    "gammaincc": lambda a, x: 1 - special_values.gammainc(a, x),
    "gamma": special_values.gamma,
    "beta": lambda x, y: np.exp(special_values.log_of_beta(x, y)),
    "betaln": special_values.log_of_beta,
    "rel_entr": lambda x, y: x * (np.log(x) - np.log(y)),
    "side_off": lambda *_: 0.0,
    "factored": lambda *_: 0.0,
    "mixed": lambda *_: 0.0,
    "mixed_slope": lambda *_: 0.0,
    "inverted": lambda *_: 0.0,
    "inverted_slope": lambda *_: 0.0,
    "eigenvalue": lambda k, *entries: np.linalg.eigvalsh(_symmetric(entries))[..., int(k)],
    "eigenvector": lambda i, k, *entries: np.linalg.eigh(_symmetric(entries))[1][..., int(i), int(k)],
}
"""The values of operations, over numpy arrays."""
