"""Training in FLINT ball arithmetic: every number is a ball that provably contains the true one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import flint

from nn_from_scratch.verify.training.formula import step, unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from nn_from_scratch.verify.training.recorded import Configuration


@dataclass(frozen=True, eq=False)
class Balls:
    """A matrix of balls; products and differences are enclosures."""

    matrix: flint.arb_mat

    @classmethod
    def exact(cls, array: NDArray[np.float64]) -> Balls:
        """Return a two-dimensional float array, every entry exact."""
        return cls(flint.arb_mat(array.tolist()))

    @property
    def mT(self) -> Balls:  # noqa: N802 (numpy's name)
        """The transposed matrix."""
        return Balls(self.matrix.transpose())

    def __matmul__(self, other: Balls) -> Balls:
        return Balls(self.matrix * other.matrix)

    def __mul__(self, other: Balls) -> Balls:
        pairs = zip(self.matrix.entries(), other.matrix.entries(), strict=True)
        return self.like(a * b for a, b in pairs)

    def __rmul__(self, scalar: float) -> Balls:
        return Balls(self.matrix * flint.arb(scalar))

    def __sub__(self, other: Balls) -> Balls:
        return Balls(self.matrix - other.matrix)

    def like(self, entries: Iterable[flint.arb]) -> Balls:
        """Return a matrix of this shape with other entries, row by row."""
        return Balls(flint.arb_mat(self.matrix.nrows(), self.matrix.ncols(), list(entries)))


class BallArithmetic:
    """The arithmetic of `Balls`, at FLINT's current precision."""

    def activate(self, name: str, z: Balls) -> tuple[Balls, Balls]:
        """Return the activation and its derivative.

        Raises
        ------
        ArithmeticError
            If an input of relu contains 0.

        """
        function: Callable[[flint.arb], tuple[flint.arb, flint.arb]] = {
            "tanh": _tanh,
            "sigmoid": _sigmoid,
            "relu": _relu,
        }[name]
        values, slopes = zip(*map(function, z.matrix.entries()), strict=True)
        return z.like(values), z.like(slopes)

    def with_ones(self, a: Balls) -> Balls:
        """Append a column of ones."""
        return Balls(flint.arb_mat([[*row, 1] for row in a.matrix.tolist()]))

    def without_last(self, g: Balls) -> Balls:
        """Drop the last column."""
        return Balls(flint.arb_mat([row[:-1] for row in g.matrix.tolist()]))


def _tanh(z: flint.arb) -> tuple[flint.arb, flint.arb]:
    a = z.tanh()
    return a, 1 - a * a


def _sigmoid(z: flint.arb) -> tuple[flint.arb, flint.arb]:
    a = 1 / (1 + (-z).exp())
    return a, a * (1 - a)


def _relu(z: flint.arb) -> tuple[flint.arb, flint.arb]:
    if z > 0:
        return z, flint.arb(1)
    if z < 0:
        return flint.arb(0), flint.arb(0)
    raise ArithmeticError("an input of relu contains 0")


def enclose(configuration: Configuration, bits: int) -> Iterator[tuple[flint.arb, list[Balls]]]:
    """Train in balls of this precision: yield each iteration's loss, and the layers after it.

    Balls widen from step to step, by about one digit each for the seed README's network: 1,024 bits begin
    with 308.
    """
    arithmetic = BallArithmetic()
    layers = [Balls.exact(layer) for layer in unflatten(configuration.start, configuration.sizes)]
    for iteration in range(configuration.iterations):
        x, y = map(Balls.exact, configuration.samples(iteration))
        with flint.ctx.workprec(bits):
            loss, layers = step(arithmetic, layers, x, y, **configuration.descent)
        yield loss.matrix[0, 0], layers
