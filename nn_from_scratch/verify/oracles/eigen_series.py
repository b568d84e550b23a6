"""Eigenvalues and eigenvectors of symmetric matrices of up to three rows, over power series, in closed form.

Of two rows the eigenvalues are the mean of the diagonal, less and plus the root of a sum of two squares; of
three they are roots of a cubic polynomial, all of them real: cosines of a third of an angle (O. K. Smith,
"Eigenvalues of a symmetric 3 x 3 matrix", Communications of the ACM 4, 1961). Where w is an eigenvalue of A
and v its vector, the cofactors of A - w are the matrix v v' times the product of the other eigenvalues, each
less w: their first row is the vector, but for its length (P. B. Denton, S. J. Parke, T. Tao and X. Zhang,
"Eigenvectors from eigenvalues", Bulletin of the American Mathematical Society 59, 2022). What is
differentiated are these formulas: no rule of eigenvalues takes part.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from flint import arb, ctx

from nn_from_scratch.verify.oracles.series import divide, series
from nn_from_scratch.verify.questions.lower_eigen import rows_with

Matrix = Sequence[Sequence[Any]]


class _Spectrum:
    """The eigenvalues of a matrix, in ascending order, and vectors whose first entries are positive."""

    def __init__(self, entries: tuple[Any, ...]) -> None:
        self.entries, self._working = entries, (ctx.prec, ctx.cap)
        rows = _symmetric(entries)
        self._mean = sum(row[k] for k, row in enumerate(rows)) / len(rows)
        self._rest = _less(rows, self._mean)
        self._apart = (_of_one, _of_two, _of_three)[len(rows) - 1](self._rest)

    def is_of(self, entries: tuple[Any, ...]) -> bool:
        """Whether it is that of these very entries, with as many digits and derivatives."""
        same = len(entries) == len(self.entries) and self._working == (ctx.prec, ctx.cap)
        return same and all(one is known for one, known in zip(entries, self.entries, strict=True))

    @cached_property
    def values(self) -> list[Any]:
        return [self._mean + distance for distance in self._apart]

    @cached_property
    def vectors(self) -> list[list[Any]]:
        found = []
        for k, distance in enumerate(self._apart):
            first = _cofactors_of_first_row(_less(self._rest, distance))
            length = sum(entry * entry for entry in first).sqrt()
            # The product of the others, less this one, is negative where one of them is smaller.
            found.append([divide(-entry if k % 2 else entry, length) for entry in first])
        return found


class _Last:
    """What a matrix was asked for last is kept: it is asked for number by number."""

    def __init__(self) -> None:
        self.found: _Spectrum | None = None

    def spectrum(self, entries: tuple[Any, ...]) -> _Spectrum:
        found = self.found
        if found is None or not found.is_of(entries):
            self.found = found = _Spectrum(entries)
        return found


_LAST = _Last()


def eigenvalue(number: float, *entries: Any) -> Any:
    """Return an eigenvalue, counted from the smallest, given the entries on and above the diagonal."""
    return _LAST.spectrum(entries).values[int(number)]


def eigenvector(place: float, number: float, *entries: Any) -> Any:
    """Return an entry of the eigenvector of an eigenvalue."""
    return _LAST.spectrum(entries).vectors[int(number)][int(place)]


def _symmetric(entries: Sequence[Any]) -> list[list[Any]]:
    places = range(rows_with(len(entries)))
    found: list[list[Any]] = [[None for _ in places] for _ in places]
    left = map(series, entries)
    for i in places:
        for j in places[i:]:
            found[i][j] = found[j][i] = next(left)
    return found


def _of_one(rest: Matrix) -> list[Any]:
    return [rest[0][0]]


def _of_two(rest: Matrix) -> list[Any]:
    radius = (rest[0][0] * rest[0][0] + rest[0][1] * rest[0][1]).sqrt()
    return [-radius, radius]


def _of_three(rest: Matrix) -> list[Any]:
    """Return the eigenvalues of a matrix whose diagonal adds up to 0."""
    size = (sum(entry * entry for row in rest for entry in row) / 6).sqrt()
    scaled = [[divide(entry, size) for entry in row] for row in rest]
    terms = zip(scaled[0], _cofactors_of_first_row(scaled), strict=True)
    angle = (sum(entry * cofactor for entry, cofactor in terms) / 2).acos() / 3
    along, across = size * angle.cos(), size * angle.sin() * arb(3).sqrt()
    return [-along - across, across - along, 2 * along]


def _cofactors_of_first_row(rows: Matrix) -> list[Any]:
    if len(rows) == 1:
        return [series(1.0)]
    if len(rows) == 2:
        return [rows[1][1], -rows[1][0]]
    _, (d, e, f), (g, h, i) = rows
    return [e * i - f * h, f * g - d * i, d * h - e * g]


def _less(rows: Matrix, number: Any) -> list[list[Any]]:
    """Subtract a number from the diagonal."""
    places = range(len(rows))
    return [[rows[i][j] - number if i == j else rows[i][j] for j in places] for i in places]
