"""Training runs recorded in `reference/`: from which weights, with which curve, how exactly known."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from numpy.typing import NDArray

MARGIN = 4
"""Spreads of rounding that an error may reach: 2 exp(-MARGIN**2 / 2) bounds the chance of a false alarm."""


@dataclass(frozen=True)
class Recorded:
    """A recorded run; `load` reads it.

    Parameters
    ----------
    name, about
        The file's name without its ending, and a sentence.
    provenance
        What recorded it: script, versions, seed, dtype.
    sizes, activations, learning_rate, batch
        The network (an activation per layer), the step length, and the samples per iteration (None: all).
    x, y
        Inputs (samples, inputs) and targets (samples,).
    start
        The flat initial weights: neuron by neuron, weights before the bias.
    losses
        PyTorch's losses, one per iteration.
    final
        PyTorch's final weights, flat.
    spread
        How far rounding may move each loss, absolute: one standard deviation bound.
    final_positions, final_spread
        Likewise the final weights at these positions.
    true_losses
        The exact losses, as decimal strings whose digits are all certified.

    """

    name: str
    about: str
    provenance: dict[str, Any]
    sizes: list[int]
    activations: list[str]
    learning_rate: float
    batch: int | None
    x: NDArray[np.float64]
    y: NDArray[np.int64]
    start: NDArray[np.float64]
    losses: NDArray[np.float64]
    final: NDArray[np.float64]
    spread: NDArray[np.float64]
    final_positions: list[int]
    final_spread: NDArray[np.float64]
    true_losses: list[str]

    @property
    def iterations(self) -> int:
        """How many iterations were recorded."""
        return len(self.losses)

    def samples(self, iteration: int) -> slice:
        """Return which samples an iteration sees: the batch, cyclically."""
        if self.batch is None:
            return slice(None)
        start = iteration * self.batch % len(self.x)
        return slice(start, start + self.batch)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The floating-point type that the run was recorded in."""
        dtype: np.dtype[Any] = np.dtype(self.provenance["dtype"])
        return dtype

    @property
    def descent(self) -> dict[str, Any]:
        """What `formula.step` needs beside weights and data."""
        return {"learning_rate": self.learning_rate, "activations": self.activations}

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


def reference() -> Traversable:
    """Return the folder of recorded truth: inside the installed package, or at the top of a checkout."""
    installed = files("nn_from_scratch") / "reference"
    return installed if installed.is_dir() else Path(__file__).resolve().parents[3] / "reference"


def read(path: str) -> Any:
    """Read a JSON file of the reference folder.

    Raises
    ------
    FileNotFoundError
        If it is not there.

    """
    file = reference().joinpath(*path.split("/"))
    if not file.is_file():
        raise FileNotFoundError(
            f"no recorded {path} in {reference()}: reinstall nn_from_scratch, or record it"
        )
    return json.loads(file.read_text(encoding="utf-8"))


def names() -> list[str]:
    """Return the names of all recorded runs."""
    found = (reference() / "training").iterdir()
    return sorted(file.name.removesuffix(".json") for file in found if file.name.endswith(".json"))


def load(name: str) -> Recorded:
    """Read the recorded run of this name."""
    record = read(f"training/{name}.json")
    data = read("moons.json")
    dtype = record["provenance"]["dtype"]
    return Recorded(
        name=name,
        about=record["about"],
        provenance=record["provenance"],
        sizes=record["sizes"],
        activations=record["activations"],
        learning_rate=record["learning_rate"],
        batch=record["batch"],
        x=np.array(data["x"]).astype(dtype).astype(np.float64),
        y=np.array(data["y"]),
        start=np.array(record["start"]),
        losses=np.array(record["losses"]),
        final=np.array(record["final"]),
        spread=np.array(record["spread"]),
        final_positions=record["final_positions"],
        final_spread=np.array(record["final_spread"]),
        true_losses=record["true_losses"],
    )
