"""Arrays that carry how far rounding alone may move them: the derived tolerance of one training step.

Probabilistic rounding analysis (Higham and Mary, *A New Approach to Probabilistic Rounding Error
Analysis*, 2019): rounding errors that are independent of mean 0, each at most one unit roundoff, add up as
the root of their squares: the sum of n products is off by sqrt(n) units of the sum of their sizes, *in
whatever order, blocked or fused* it is computed. So one spread serves numpy's BLAS, PyTorch's, and an engine
that adds sample by sample. Errors that reach a number on two paths need not be independent; those add up
plainly, as their sizes do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRANSCENDENTAL_ULPS = 4  # numpy's own bound for its vectorized tanh and exp; libm's stay below 1


@dataclass(frozen=True, eq=False)
class Rounded:
    """A matrix, and the spread of its rounding error about exact arithmetic.

    Parameters
    ----------
    value
        The matrix, shape (rows, columns), float64.
    error
        The spread of its absolute error, of the same shape.
    unit
        Unit roundoff: 2**-53 for float64, 2**-24 for float32.

    """

    value: NDArray[np.float64]
    error: NDArray[np.float64]
    unit: float

    @property
    def mT(self) -> Rounded:  # noqa: N802 (numpy's name)
        """The transposed matrix."""
        return Rounded(self.value.mT, self.error.mT, self.unit)

    def __matmul__(self, other: Rounded) -> Rounded:
        size, terms = abs(self.value) @ abs(other.value), self.value.shape[-1]
        passed = np.sqrt(self.value**2 @ other.error**2) + np.sqrt(self.error**2 @ other.value**2)
        return Rounded(self.value @ other.value, passed + np.sqrt(terms) * self.unit * size, self.unit)

    def __mul__(self, other: Rounded) -> Rounded:
        value = self.value * other.value
        passed = abs(self.value) * other.error + self.error * abs(other.value)
        return Rounded(value, passed + self.unit * abs(value), self.unit)

    def __rmul__(self, scalar: float) -> Rounded:
        value = scalar * self.value
        return Rounded(value, abs(scalar) * self.error + self.unit * abs(value), self.unit)

    def __sub__(self, other: Rounded) -> Rounded:
        value = self.value - other.value
        return Rounded(value, self.error + other.error + self.unit * abs(value), self.unit)


@dataclass(frozen=True)
class Rounding:
    """The arithmetic of `Rounded` matrices with a given unit roundoff."""

    unit: float = 2.0**-53

    def exact(self, value: Any) -> Rounded:
        """Return a matrix known without error."""
        value = np.asarray(value, dtype=np.float64)
        return Rounded(value, np.zeros_like(value), self.unit)

    def activate(self, name: str, z: Rounded) -> tuple[Rounded, Rounded]:
        """Return the activation and its derivative, with what the usual formulas round off."""
        if name == "relu":
            on = (z.value > 0).astype(np.float64)
            # where rounding may push an input over the kink, the derivative itself is uncertain
            unsure = (abs(z.value) <= z.error).astype(np.float64)
            return Rounded(z.value * on, z.error, self.unit), Rounded(on, unsure, self.unit)
        if name == "tanh":
            a = np.tanh(z.value)
            slope = 1 - a * a
        else:
            a = np.exp(-np.logaddexp(0, -z.value))
            slope = a * (1 - a)
        activated = Rounded(a, slope * z.error + 2 * TRANSCENDENTAL_ULPS * self.unit * abs(a), self.unit)
        one = self.exact(np.ones_like(a))
        return activated, (one - activated * activated if name == "tanh" else activated * (one - activated))

    def with_ones(self, a: Rounded) -> Rounded:
        """Append a column of ones."""
        ones = np.ones_like(a.value[:, :1])
        return Rounded(np.hstack([a.value, ones]), np.hstack([a.error, 0 * ones]), self.unit)

    def without_last(self, g: Rounded) -> Rounded:
        """Drop the last column."""
        return Rounded(g.value[:, :-1], g.error[:, :-1], self.unit)
