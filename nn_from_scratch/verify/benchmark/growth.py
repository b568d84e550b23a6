"""How time and memory grow with a graph: exponents, fitted on logarithmic axes, with intervals."""

from __future__ import annotations

import gc
import time
import tracemalloc
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
TIMED = tuple(name for name in PEERS if name not in programs.SLOW)
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


def growth(
    *, seconds: float, sizes: Sequence[int] = SIZES, unit: str = "seconds"
) -> tuple[list[dict[str, Any]], list[str], bool]:
    """Measure a chain of scalars at growing sizes, by everybody who is installed, in turns.

    Parameters
    ----------
    seconds
        A peer is asked no larger graph once that would take it longer than this for a run.
    sizes
        How many operations.
    unit
        "seconds", or "bytes": the peak of what Python allocates.

    Returns
    -------
    tuple
        Curves, of each peer ``peer``, ``unit``, ``sizes``, ``medians``, and where there are three sizes
        ``exponent`` with its 95 % interval ``low`` and ``high``; notes, of who stopped where; and whether
        anybody's results differed from ours.
    """
    measure, names = MEASURES[unit]
    samples: dict[str, dict[int, list[float]]] = {}
    notes: list[str] = []
    differ = False
    asked = list(names)
    for size in sizes:
        sides, stopped = _sides(size, asked)
        notes += [f"Chain of {size:,} scalars: {name}: {why_not(error)}" for name, error in stopped.items()]
        differ = differ or any(isinstance(error, DifferentResultsError) for error in stopped.values())
        with like_conditions():  # now that all of them are imported
            measuring = {name: measure(side) for name, side in sides.items()}
            for _ in range(SAMPLES):
                for name, one in measuring.items():
                    samples.setdefault(name, {}).setdefault(size, []).append(one())
        asked = [name for name, side in sides.items() if _may_grow(side, seconds)]
    return [_curve(name, unit, found) for name, found in samples.items()], notes, differ


def _sides(size: int, names: Iterable[str]) -> tuple[dict[str, Contender], dict[str, Exception]]:
    """Return who computes the same as the subject, and what others raise."""
    makers = programs.chained(size).contenders()
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
    """Whether ten times as much takes no longer than it may, and compiling no longer than ten times that."""
    start = time.process_time()
    side.run()
    return (time.process_time() - start) * 10 <= seconds and (side.compile_seconds or 0.0) <= seconds


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
    return float(slope(np.median(values, axis=1))), float(low), float(high)
