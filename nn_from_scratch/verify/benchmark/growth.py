"""How time and memory grow with a graph: exponents, fitted on logarithmic axes, with intervals."""

from __future__ import annotations

import gc
import time
import tracemalloc
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_from_scratch.verify.benchmark import programs
from nn_from_scratch.verify.benchmark.measuring import (
    Contender,
    DifferentResultsError,
    like_conditions,
    require_same_results,
    run_seconds,
)
from nn_from_scratch.verify.benchmark.peers import NOT_MEASURED, PEERS, why_not
from nn_from_scratch.verify.benchmark.workloads import SUBJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

SIZES = tuple(10**k for k in range(1, 7))
SAMPLES, RESAMPLES = 5, 1000
FITTED = 3
"""How many of the largest sizes an exponent is fitted to: below, what a call costs counts for more."""
LEFT_OUT = dict.fromkeys(("tinygrad", "PyTorch, compile"), "it takes minutes for a thousand operations")
TIMED = tuple(PEERS)
IN_PYTHON = (SUBJECT, "closures", "micrograd", "autograd", "MyGrad")
"""Peers whose graphs are Python's objects, which tracemalloc counts; PyTorch and JAX allocate apart."""


def peak_bytes(side: Contender) -> Callable[[], float]:
    """Return a function that measures the most memory that a run holds at once, as Python allocated it."""

    def measured() -> float:
        gc.collect()
        tracemalloc.start()
        try:
            side.run()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    return measured


MEASURES = {"seconds": (run_seconds, TIMED), "bytes": (peak_bytes, IN_PYTHON)}


@dataclass
class Growth:
    """A chain of scalars measured at growing sizes, by everybody who is installed; kept as it is measured.

    Attributes
    ----------
    unit
        "seconds", or "bytes": the peak of what Python allocates.
    samples
        By peer and size, what was measured; a size is there when all who are asked it were measured.
    notes
        Who stopped where, and why.
    differ
        Whether anybody's results differed from ours.
    """

    unit: str
    samples: dict[str, dict[int, list[float]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    differ: bool = False

    @property
    def curves(self) -> list[dict[str, Any]]:
        """Of each peer ``peer``, ``unit``, ``sizes`` and ``medians``; of three sizes an exponent as well.

        That is ``exponent``, with its 95 % interval ``low`` and ``high``.
        """
        return [_curve(name, self.unit, found) for name, found in self.samples.items()]

    def measure(self, *, seconds: float, sizes: Sequence[int] = SIZES) -> None:
        """Measure each size in turns.

        Parameters
        ----------
        seconds
            A peer is asked no larger graph once that would take it longer than this for a run.
        sizes
            How many operations.
        """
        measure, names = MEASURES[self.unit]
        asked = list(names)
        for size in sizes:
            sides, stopped = _sides(size, asked)
            for name, error in stopped.items():
                self.notes.append(why_not(error, f"Chain of {size:,} scalars: {name}", name))
                self.differ |= isinstance(error, DifferentResultsError)
            with like_conditions():  # now that all of them are imported
                measuring = {name: measure(side) for name, side in sides.items()}
                rounds = [{name: one() for name, one in measuring.items()} for _ in range(SAMPLES)]
            for name in measuring:
                self.samples.setdefault(name, {})[size] = [one[name] for one in rounds]
            asked = [name for name, side in sides.items() if _may_grow(side, seconds)]


def _sides(size: int, names: Iterable[str]) -> tuple[dict[str, Contender], dict[str, Exception]]:
    """Return who computes the same as the subject, and what others raise."""
    makers = programs.chained(size, without=LEFT_OUT).contenders()
    subject = makers[SUBJECT]()
    sides: dict[str, Contender] = {}
    stopped: dict[str, Exception] = {}
    for name in names:
        try:
            side = makers[name]()
            require_same_results(side, subject, repeats=1)
        except NOT_MEASURED as error:
            stopped[name] = error
        else:
            sides[name] = side
    return sides, stopped


def _may_grow(side: Contender, seconds: float) -> bool:
    """Whether ten times as much takes no longer than it may, and compiling no longer than ten times that.

    What compiles may take time and memory by the square of a chain's length: JAX under jit took 7 s for 1,000
    operations, and 61 s and 2 GB more for 3,000.
    """
    start = time.process_time()
    side.run()
    compiling = 100 * (side.compile_seconds or 0.0)
    return (time.process_time() - start) * 10 <= seconds and compiling <= 10 * seconds


def _curve(name: str, unit: str, samples: dict[int, list[float]]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "peer": name,
        "unit": unit,
        "sizes": list(samples),
        "medians": [float(np.median(of_size)) for of_size in samples.values()],
    }
    largest = dict(list(samples.items())[-FITTED:])
    if len(largest) == FITTED:
        found |= dict(zip(("exponent", "low", "high"), exponent(largest), strict=True))
    return found


def exponent(samples: dict[int, list[float]]) -> tuple[float, float, float]:
    """Fit a power of the size to samples, by least squares of the logarithms of medians.

    Returns
    -------
    tuple
        The exponent, and its 95 % interval by bootstrap: samples drawn anew, with replacement, within each
        size.
    """
    sizes = np.log(np.array(list(samples), dtype=np.float64))
    values = np.log(np.array(list(samples.values()), dtype=np.float64))
    centred = sizes - sizes.mean()
    generator = np.random.default_rng(0)
    drawn = generator.integers(values.shape[1], size=(RESAMPLES, *values.shape))
    resampled = np.take_along_axis(values[None], drawn, axis=2)

    def slope(medians: Any) -> Any:
        return medians @ centred / (centred @ centred)

    low, high = np.quantile(slope(np.median(resampled, axis=2)), [0.025, 0.975])
    found = float(slope(np.median(values, axis=1)))
    # Of samples that are alike rounding may put an end beside it.
    return found, min(float(low), found), max(float(high), found)
