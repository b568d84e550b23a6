"""Training runs recorded in `reference/`: from which weights, with which curve, how exactly known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_from_scratch.verify.oracles import reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MARGIN = 4
"""Spreads of rounding that an error may reach: 2 exp(-MARGIN**2 / 2) bounds the chance of a false alarm."""


@dataclass(frozen=True)
class Configuration:
    """What is trained, on what, from where, and how.

    Parameters
    ----------
    sizes
        Inputs, then the neurons of each layer.
    activations
        "tanh", "sigmoid" or "relu", one per layer.
    learning_rate
        Step length of gradient descent on the sum of squared errors.
    batch
        Samples per iteration, taken in order and cyclically; None takes all.
    iterations
        How many.
    x, y
        Inputs of shape (samples, sizes[0]) and targets of shape (samples,).
    start
        Flat initial weights: layer by layer, neuron by neuron, weights before the bias.

    """

    sizes: Sequence[int]
    activations: Sequence[str]
    learning_rate: float
    batch: int | None
    iterations: int
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    start: NDArray[np.float64]

    def samples(self, iteration: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what an iteration sees: inputs, and targets of shape (samples, 1)."""
        seen = slice(None)
        if self.batch is not None:
            first = iteration * self.batch % len(self.x)
            seen = slice(first, first + self.batch)
        return self.x[seen], self.y[seen, None]

    @property
    def descent(self) -> dict[str, Any]:
        """What `formula.step` needs beside weights and data."""
        return {"learning_rate": self.learning_rate, "activations": self.activations}


@dataclass(frozen=True)
class Recorded(Configuration):
    """A recorded run; `load` reads it.

    Parameters
    ----------
    name, about
        The file's name without its ending, and a sentence.
    provenance
        What recorded it: script, versions, seed, dtype.
    losses
        PyTorch's losses, one per iteration.
    final
        PyTorch's final weights, flat.
    spread
        How far rounding may move each loss, absolute.
    final_positions, final_spread
        Likewise the final weights at these positions.
    true_losses
        The exact losses, as decimal strings whose digits are all certified.

    """

    name: str
    about: str
    provenance: dict[str, Any]
    losses: NDArray[np.float64]
    final: NDArray[np.float64]
    spread: NDArray[np.float64]
    final_positions: list[int]
    final_spread: NDArray[np.float64]
    true_losses: list[str]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The floating-point type that the run was recorded in."""
        dtype: np.dtype[Any] = np.dtype(self.provenance["dtype"])
        return dtype

    @cached_property
    def tolerance(self) -> NDArray[np.float64]:
        """How far a correct run may be from the true losses, absolute, one per iteration."""
        return MARGIN * self.spread

    @cached_property
    def horizon(self) -> int:
        """The first iteration from which on nothing is compared: rounding may have taken half of the digits.

        From there on the first-order propagation that the spread rests on describes nothing any more.
        """
        half_of_the_digits = np.sqrt(np.finfo(self.dtype).eps)
        lost = self.tolerance > half_of_the_digits * self.losses
        return int(np.argmax(lost)) if lost.any() else self.iterations


def names() -> list[str]:
    """Return the names of all recorded runs."""
    found = (reference.folder() / "training").iterdir()
    return sorted(file.name.removesuffix(".json") for file in found if file.name.endswith(".json"))


def data(dtype: str = "float64") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the moons, rounded to a dtype: inputs of shape (100, 2) and targets of shape (100,)."""
    moons = reference.read("moons.json")
    return np.array(moons["x"]).astype(dtype).astype(np.float64), np.array(moons["y"], dtype=np.float64)


def load(name: str) -> Recorded:
    """Read the recorded run of this name."""
    record: dict[str, Any] = reference.read(f"training/{name}.json")
    x, y = data(record["provenance"]["dtype"])
    for key in ("start", "losses", "final", "spread", "final_spread"):
        record[key] = np.array(record[key])
    return Recorded(**record, name=name, iterations=len(record["losses"]), x=x, y=y)
