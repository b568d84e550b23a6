"""How two ways of doing the same work are measured against each other.

Absolute times on a shared machine vary by a factor of two within minutes. So only ratios are
quoted, of samples of processor time taken right after one another in one process, the order
alternating, and each ratio with an interval.
"""

from __future__ import annotations

import gc
import math
import statistics
import sys
import time
import tracemalloc
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

SAMPLE_SECONDS = 0.01  # 10^5 times the resolution of the clock, and short beside other load's ups and downs
FEWEST_PAIRS = 7  # a 95 % interval needs six; an odd number makes the median a sample
MOST_PAIRS = 101


class DifferentResultsError(AssertionError):
    """The two sides of a comparison did not compute the same thing."""


@dataclass(frozen=True)
class Contender:
    """One side of a comparison.

    Attributes
    ----------
    run
        Does the work once and returns what `result` needs; this alone is measured.
    result
        The numbers that the work came to: arrays, in an order that both sides share.
    compile_seconds
        How long the first call took, of a side that compiles: no part of what is measured.
    """

    run: Callable[[], Any]
    result: Callable[[Any], Sequence[npt.ArrayLike]]
    compile_seconds: float | None = None


@dataclass(frozen=True)
class Pairs:
    """Measurements of two sides, taken in pairs, in whatever unit; and how long the baseline compiled."""

    subject: Sequence[float]
    baseline: Sequence[float]
    compile_seconds: float | None = None

    @property
    def ratios(self) -> list[float]:
        """Baseline / subject of each pair: above 1, the subject needs less."""
        return [baseline / subject for subject, baseline in zip(self.subject, self.baseline, strict=True)]

    @property
    def ratio(self) -> float:
        """Median of the ratios."""
        return statistics.median(self.ratios)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of that median."""
        return median_interval(self.ratios)


def median_interval(samples: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Return the confidence interval of a median, whatever the distribution of the samples.

    The number of samples below the true median is binomial(n, 1/2). So the k-th smallest and the
    k-th largest sample enclose it, but for a probability of twice that of fewer than k successes.

    The percentile bootstrap of a median ends at order statistics as well, never outside of these, and
    promises nothing of few samples: of 7 pairs it covers the median in 87.5 % of all cases, of 23 in 90.7 %.
    This interval is exact, and needs no random numbers.

    Source: H. A. David and H. N. Nagaraja, Order Statistics, 3rd edition (2003), section 7.1.

    Raises
    ------
    ValueError
        If there are fewer samples than the confidence needs (six for 95 %).
    """
    n = len(samples)
    k = 0
    missed = 0.0  # the probability that the k-th smallest and the k-th largest do not enclose the median
    while (missed := missed + 2 * math.comb(n, k) / 2**n) <= 1 - confidence:
        k += 1
    if k == 0:
        raise ValueError(f"an interval of {confidence:.0%} confidence needs more than {n} samples")
    ordered = sorted(samples)
    return ordered[k - 1], ordered[n - k]


def require_same_results(subject: Contender, baseline: Contender, *, repeats: int = 2) -> None:
    """Run both sides `repeats` times and compare what they came to, each time.

    The second time shows what the first left behind: parameters not updated, gradients not zeroed.
    Arrays may differ by 1e-9 of the largest entry: room for rounding (2**-53, in another order of
    summation), and far from room for other work.

    Raises
    ------
    DifferentResultsError
        If they differ in number, shape or value, or are not finite.
    """
    for repeat in range(1, repeats + 1):
        ours, theirs = (
            [np.asarray(array, dtype=np.float64) for array in side.result(side.run())]
            for side in (subject, baseline)
        )
        shapes = [array.shape for array in ours], [array.shape for array in theirs]
        if shapes[0] != shapes[1]:
            raise DifferentResultsError(f"run {repeat}: the results have shapes {shapes[0]} and {shapes[1]}")
        for index, (got, expected) in enumerate(zip(ours, theirs, strict=True)):
            difference = np.abs(got - expected).max(initial=0.0)
            largest = np.abs(expected).max(initial=0.0)
            if not difference <= 1e-9 * largest < np.inf:  # so put that NaN fails
                raise DifferentResultsError(
                    f"run {repeat}: array {index} of the results, of shape {got.shape}, differs by "
                    f"{difference:.3g} where the largest entry is {largest:.3g}"
                )


def compare(
    subject: Contender,
    baseline: Contender,
    *,
    seconds: float,
    measure: Callable[[Contender], Callable[[], float]],
    collector: bool = True,
) -> Pairs:
    """Measure two sides in interleaved pairs, once their results are known to agree.

    Parameters
    ----------
    subject, baseline
        The two sides.
    seconds
        About how long to go on; but at least `FEWEST_PAIRS` and at most `MOST_PAIRS` pairs are taken.
    measure
        Makes of a side a function that measures it: `run_seconds` or `held_bytes`.
    collector
        Whether Python's garbage collector is on, for both.

    Raises
    ------
    DifferentResultsError
        If the two sides do not compute the same thing.
    """
    with like_conditions(collector=collector):
        require_same_results(subject, baseline)
        of_subject, of_baseline = measure(subject), measure(baseline)

        def pair(index: int) -> tuple[float, float]:
            if index % 2:
                second = of_baseline()
                return of_subject(), second
            return of_subject(), of_baseline()

        return replace(take_pairs(pair, seconds), compile_seconds=baseline.compile_seconds)


def take_pairs(pair: Callable[[int], tuple[float, float]], seconds: float) -> Pairs:
    """Call `pair(0)`, `pair(1)`, ... for about `seconds`: the measurements of (subject, baseline)."""
    end = time.perf_counter() + seconds
    samples: list[tuple[float, float]] = []
    while len(samples) < FEWEST_PAIRS or (len(samples) < MOST_PAIRS and time.perf_counter() < end):
        samples.append(pair(len(samples)))
    subject, baseline = zip(*samples, strict=True)
    return Pairs(subject, baseline)


def run_seconds(side: Contender) -> Callable[[], float]:
    """Return a function that measures the mean duration of a run, over enough of them for the clock.

    The clock is the processor time of this process: that of one thread, so the time that passes, but for
    what other processes take of a shared machine. Each measurement ends with a collection of garbage: a
    side pays for what it left behind, and not for what the other did.
    """

    def timed(loops: int) -> float:
        start = time.process_time()
        for _ in range(loops):
            side.run()
        gc.collect()
        return (time.process_time() - start) / loops

    gc.collect()
    duration = timed(1)
    if duration < SAMPLE_SECONDS:
        duration = timed(1)  # the first run is a cold one, and may take several times as long
    loops = math.ceil(SAMPLE_SECONDS / duration)
    return lambda: timed(loops)


def held_bytes(side: Contender) -> Callable[[], float]:
    """Return a function that measures the memory held by what a run returns, as Python allocated it."""

    def measured() -> float:
        gc.collect()
        tracemalloc.start()
        try:
            kept = side.run()
            gc.collect()
            held, _peak = tracemalloc.get_traced_memory()
            del kept
        finally:
            tracemalloc.stop()
        return held

    return measured


@contextmanager
def like_conditions(*, collector: bool = True) -> Iterator[None]:
    """One thread for every numerical library, and the garbage collector on or off, over new objects alone.

    It is on by default because to clean up is part of an engine's work. What existed before (the
    modules of large libraries) is put out of its sight, as it is no part of anybody's.
    """
    was_enabled = gc.isenabled()
    gc.collect()
    gc.freeze()
    (gc.enable if collector else gc.disable)()
    try:
        with threadpool_limits(1), _one_torch_thread():
            yield
    finally:
        gc.unfreeze()
        (gc.enable if was_enabled else gc.disable)()


@contextmanager
def _one_torch_thread() -> Iterator[None]:
    torch = sys.modules.get("torch")  # never loaded for this alone
    if torch is None:
        yield
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
