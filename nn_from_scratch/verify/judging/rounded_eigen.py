"""Eigenvalues and eigenvectors over rounded numbers: what engines may find of a matrix that is off.

They turn a symmetric matrix until it is diagonal, and what they find is right for a matrix that is off by a
few roundings of its largest eigenvalue (J. W. Demmel, "Applied Numerical Linear Algebra", SIAM 1997, section
5.2). An eigenvalue is moved by no more than the matrix is (H. Weyl); an eigenvector is turned towards each of
the others by that over how far their eigenvalues are apart (theorem 5.4 there, to first order).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from flint import arb

from nn_from_scratch.verify.judging.rounded_numbers import Operand, Rounded, StandardModel
from nn_from_scratch.verify.questions.lower_eigen import rows_with

_OFF = 4.0
"""Roundings of the largest eigenvalue, by the number of rows: of 20,000 matrices numpy is up to 9 u off."""


@dataclass(frozen=True)
class _Spectrum:
    values: list[Rounded]
    vectors: list[list[Rounded]]
    """By place, then by number."""


@dataclass(frozen=True)
class EigenFunctions:
    """Those of the entries on and above the diagonal of a symmetric matrix."""

    model: StandardModel

    def eigenvalue(self, number: float, *entries: Operand) -> Rounded:
        """Return an eigenvalue, counted from the smallest."""
        return _spectrum(self.model, entries).values[int(number)]

    def eigenvector(self, place: float, number: float, *entries: Operand) -> Rounded:
        """Return an entry of the eigenvector of an eigenvalue."""
        return _spectrum(self.model, entries).vectors[int(place)][int(number)]


_KEPT: OrderedDict[tuple[int, ...], tuple[Any, _Spectrum]] = OrderedDict()
"""By which entries they are: a matrix is asked for entry by entry, and again on the way back."""
_MOST_KEPT = 64


def _spectrum(model: StandardModel, entries: tuple[Operand, ...]) -> _Spectrum:
    key = (id(model), *map(id, entries))
    known = _KEPT.get(key)
    if known is None:
        # What is kept keeps its entries, so that no others are told by the same number.
        known = _KEPT[key] = (model, entries), _rounded(model, [model.number(one) for one in entries])
        if len(_KEPT) > _MOST_KEPT:
            _KEPT.popitem(last=False)
    return known[1]


def _rounded(model: StandardModel, entries: list[Rounded]) -> _Spectrum:
    matrix = _symmetric([float(one.ball.mid()) for one in entries])
    off = _symmetric([float(one.ball.rad()) for one in entries])
    rows = len(matrix)
    if not (np.isfinite(matrix).all() and np.isfinite(off).all()):
        return _unknown(model, rows)
    if rows == 1:
        return _Spectrum(entries, [[model.number(1.0)]])
    values, vectors = np.linalg.eigh(matrix)
    largest = float(np.abs(values).max())
    rounding = _OFF * rows * model.unit_roundoff
    moved = float(np.linalg.norm(off)) + rounding * largest
    apart = np.abs(values[:, None] - values) + np.diag([np.inf] * rows)
    if 4 * moved < apart.min():
        turned = np.abs(vectors) @ (moved / (apart - 2 * moved)) + rounding
    else:
        turned = np.full((rows, rows), 2.0)  # they may be any vectors
    return _Spectrum(
        [model.term(arb(float(value), moved), largest) for value in values],
        [
            [model.term(arb(float(x), float(by)), 1.0) for x, by in zip(*row, strict=True)]
            for row in zip(vectors, turned, strict=True)
        ],
    )


def _symmetric(entries: list[float]) -> npt.NDArray[np.float64]:
    rows = rows_with(len(entries))
    found = np.zeros((rows, rows))
    found[np.triu_indices(rows)] = entries
    return found + np.triu(found, 1).T


def _unknown(model: StandardModel, rows: int) -> _Spectrum:
    nothing = model.term(arb.nan(), 0.0)
    return _Spectrum([nothing] * rows, [[nothing] * rows] * rows)
