"""Whether linear equations have a solution in numbers that are not negative: exactly, in fractions.

The simplex method with Bland's rule, which cannot cycle (R. G. Bland, "New finite pivoting rules for the
simplex method", Mathematics of Operations Research 2, 1977).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

Equation = tuple[Mapping[int, Fraction], Fraction]
"""The coefficient of each unknown, and what they add up to."""


def solve(equations: Sequence[Equation], unknowns: int) -> list[Fraction] | None:
    """Return numbers, none of them negative, that satisfy the equations; None if there are none.

    Parameters
    ----------
    equations
        Over the unknowns 0, 1, ...
    unknowns
        How many there are.

    """
    tableau = _Tableau(equations, unknowns)
    while tableau.error > 0:
        if not tableau.improve():
            return None
    return tableau.solution()


class _Tableau:
    """The equations, solved for one unknown each: at first for errors, which are then made 0.

    The errors are numbered after the unknowns. `rates` say how fast the sum of all errors changes with each
    unknown that is 0.
    """

    def __init__(self, equations: Sequence[Equation], unknowns: int) -> None:
        self.unknowns = unknowns
        self.rows: list[dict[int, Fraction]] = []
        self.rights: list[Fraction] = []
        for coefficients, right in equations:
            sign = -1 if right < 0 else 1
            self.rows.append({k: sign * c for k, c in coefficients.items() if c})
            self.rights.append(sign * right)
        self.basis = [unknowns + k for k in range(len(self.rows))]
        self.error = sum(self.rights, Fraction(0))
        self.rates: dict[int, Fraction] = {}
        for row in self.rows:
            for k, c in row.items():
                self.rates[k] = self.rates.get(k, Fraction(0)) - c

    def improve(self) -> bool:
        """Let one unknown grow until another becomes 0; False if that makes no error smaller."""
        entering = min((k for k, rate in self.rates.items() if rate < 0), default=None)
        if entering is None:
            return False
        limits = [
            (self.rights[r] / row[entering], self.basis[r], r)
            for r, row in enumerate(self.rows)
            if row.get(entering, 0) > 0
        ]
        _, _, leaving = min(limits)
        self._pivot(entering, leaving)
        return True

    def _pivot(self, entering: int, leaving: int) -> None:
        factor = self.rows[leaving][entering]
        pivot = self.rows[leaving] = {k: c / factor for k, c in self.rows[leaving].items()}
        right = self.rights[leaving] = self.rights[leaving] / factor
        for r, row in enumerate(self.rows):
            if r != leaving and (c := row.get(entering)):
                _subtract(row, c, pivot)
                self.rights[r] -= c * right
        rate = self.rates[entering]
        _subtract(self.rates, rate, pivot)
        self.error += rate * right
        self.basis[leaving] = entering

    def solution(self) -> list[Fraction]:
        """Return the unknowns, those that are not solved for being 0."""
        found = [Fraction(0)] * self.unknowns
        for unknown, right in zip(self.basis, self.rights, strict=True):
            if unknown < self.unknowns:
                found[unknown] = right
        return found


def _subtract(row: dict[int, Fraction], factor: Fraction, other: Mapping[int, Fraction]) -> None:
    """Subtract a multiple of another row, and drop what becomes 0."""
    for k, c in other.items():
        difference = row.get(k, 0) - factor * c
        if difference:
            row[k] = difference
        else:
            row.pop(k, None)
