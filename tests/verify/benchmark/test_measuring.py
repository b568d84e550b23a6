from __future__ import annotations

import gc
import math
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from nn_from_scratch.verify.benchmark import measuring
from nn_from_scratch.verify.benchmark.measuring import (
    Contender,
    DifferentResultsError,
    Pairs,
    compare,
    held_bytes,
    like_conditions,
    median_interval,
    require_same_results,
    run_seconds,
    take_pairs,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager


def constant(*arrays: Any) -> Contender:
    return Contender(lambda: None, lambda _: arrays)


@pytest.mark.parametrize(
    ("n", "low", "high"),  # from the tables of the sign test at 95 %
    [(6, 1, 6), (7, 1, 7), (9, 2, 8), (10, 2, 9), (15, 4, 12), (20, 6, 15), (25, 8, 18), (100, 40, 61)],
)
def test_median_interval_is_the_tabulated_order_statistics(n: int, low: int, high: int) -> None:
    samples = np.random.default_rng(n).permutation(np.arange(1, n + 1)).tolist()
    assert median_interval(samples) == (low, high)


def test_median_interval_covers_the_median_of_a_skewed_distribution() -> None:
    samples = np.random.default_rng(0).lognormal(size=(4000, 25))  # the median is 1
    intervals = [median_interval(row) for row in samples.tolist()]
    coverage = np.mean([low <= 1 <= high for low, high in intervals])
    assert 0.95 <= coverage <= 0.97  # exactly 0.957 in the limit


def end_of_the_bootstrap(n: int, tail: float = 0.025) -> int:
    """Return k, the lower end x_(k) of the percentile bootstrap of the median of an odd number of samples.

    A resample's median is at most x_(k) if more than half of n draws are, each with probability k / n.
    """

    def at_most(k: int) -> float:
        p = k / n
        return math.fsum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range((n + 1) // 2, n + 1))

    return next(k for k in range(1, n + 1) if at_most(k) >= tail)


def coverage(n: int, k: int) -> float:
    return 1 - math.fsum(math.comb(n, i) for i in range(k)) / 2.0 ** (n - 1)


def test_median_interval_covers_what_a_bootstrap_promises_and_does_not_keep() -> None:
    for n in range(measuring.FEWEST_PAIRS, measuring.MOST_PAIRS + 1, 2):
        low, high = median_interval(range(1, n + 1))
        assert high == n + 1 - low
        assert low <= end_of_the_bootstrap(n)
        assert coverage(n, int(low)) >= 0.95
    assert end_of_the_bootstrap(7) == 2
    assert coverage(7, 2) == 0.875
    assert coverage(23, end_of_the_bootstrap(23)) == pytest.approx(0.907, abs=5e-4)


def test_median_interval_refuses_too_few_samples() -> None:
    with pytest.raises(ValueError, match="95% confidence needs more than 5 samples"):
        median_interval([1.0] * 5)


def test_pairs_take_the_median_of_the_ratios() -> None:
    pairs = Pairs([1.0, 2.0, 4.0, 1.0, 1.0, 1.0, 1.0], [2.0, 2.0, 12.0, 9.0, 5.0, 4.0, 6.0])
    assert pairs.ratios == [2, 1, 3, 9, 5, 4, 6]
    assert pairs.ratio == 4  # the ratio of the medians would be 5
    assert pairs.interval == (1, 9)


def test_take_pairs_takes_the_fewest_when_there_is_no_time_left() -> None:
    assert len(take_pairs(lambda index: (1.0, float(index)), seconds=0).ratios) == measuring.FEWEST_PAIRS


def test_take_pairs_stops_at_the_most() -> None:
    pairs = take_pairs(lambda index: (1.0, float(index)), seconds=1e9)
    assert pairs.baseline == tuple(range(measuring.MOST_PAIRS))


@pytest.mark.parametrize(
    ("ours", "theirs", "message"),
    [
        ([1.0], [1.0 + 1e-6], "array 0 .* differs by 1e-06"),
        ([1.0, [3.0, 0.0]], [1.0, [3.0, 1e-8]], "array 1 .* differs by 1e-08 where the largest entry is 3"),
        ([[1.0, 1.0]], [1.0], "shapes"),
        ([1.0, 2.0], [1.0], "shapes"),
        ([np.nan], [np.nan], "differs by nan"),
        ([np.inf], [1.0], "differs by inf"),
        ([1.0], [np.inf], "differs by inf"),
        ([0.0], [1.0], "differs by 1"),
        ([1e-300], [0.0], "differs by"),
    ],
)
def test_require_same_results_refuses_another_result(ours: Any, theirs: Any, message: str) -> None:
    with pytest.raises(DifferentResultsError, match=message):
        require_same_results(constant(*ours), constant(*theirs))


def test_require_same_results_allows_for_rounding() -> None:
    require_same_results(constant(0.1 + 0.2, [1.0, 1e-17], []), constant(0.3, [1.0, 0.0], []))


def test_compare_measures_nothing_before_the_results_agree() -> None:
    def measure(_: Contender) -> Callable[[], float]:
        pytest.fail("measured different work")

    with pytest.raises(DifferentResultsError):
        compare(constant(1.0), constant(2.0), seconds=0, measure=measure)


class Clock:
    """A clock that only the work advances."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(time, "process_time", lambda: self.now)
        self.costs: dict[str, float] = {"run": 0.004, "collect": 0.0}
        monkeypatch.setattr(gc, "collect", lambda: self.spend("collect"))

    def spend(self, what: str) -> float:
        self.now += self.costs[what]
        return self.now


def test_run_seconds_is_the_mean_of_enough_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    measured = run_seconds(Contender(partial(clock.spend, "run"), lambda _: []))
    clock.now = 0.0
    assert measured() == pytest.approx(0.004)
    assert clock.now == pytest.approx(0.012)  # three runs: the fewest that last 10 ms


def test_run_seconds_takes_no_cold_run_for_how_long_one_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    clock.costs["run"] = 0.009

    def warming() -> None:
        clock.spend("run")
        clock.costs["run"] = 0.002

    measured = run_seconds(Contender(warming, lambda _: []))
    clock.now = 0.0
    assert measured() == pytest.approx(0.002)
    assert clock.now == pytest.approx(0.010)


def test_run_seconds_charges_a_side_for_its_own_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    measured = run_seconds(Contender(partial(clock.spend, "run"), lambda _: []))
    clock.costs["collect"] = 0.006
    assert measured() == pytest.approx(0.004 + 0.006 / 3)


def test_held_bytes_counts_what_the_result_holds_and_no_garbage() -> None:
    class Cycle:
        def __init__(self) -> None:
            self.itself, self.ballast = self, bytearray(500_000)

    def run() -> bytearray:
        Cycle()
        bytearray(700_000)
        return bytearray(100_000)

    assert 100_000 <= held_bytes(Contender(run, lambda _: []))() < 110_000


def test_compare_alternates_the_order_of_the_pairs() -> None:
    order: list[str] = []
    sides = {"subject": constant(), "baseline": constant()}

    def measure(side: Contender) -> Callable[[], float]:
        name = next(name for name, known in sides.items() if known is side)

        def measured() -> float:
            order.append(name)
            return {"subject": 1.0, "baseline": 3.0}[name]

        return measured

    pairs = compare(sides["subject"], sides["baseline"], seconds=0, measure=measure)
    pair = ["subject", "baseline"]
    assert order == [*pair, *pair[::-1], *pair, *pair[::-1], *pair, *pair[::-1], *pair]
    assert pairs.ratio == 3


@pytest.mark.parametrize(("before", "during"), [(on, off) for on in (True, False) for off in (True, False)])
def test_like_conditions_switch_the_collector_and_restore_it(before: bool, during: bool) -> None:
    (gc.enable if before else gc.disable)()
    try:
        with like_conditions(collector=during):
            assert gc.isenabled() == during
            assert gc.get_freeze_count() > 0
        assert gc.isenabled() == before
        assert gc.get_freeze_count() == 0
    finally:
        gc.enable()


def threads() -> list[int]:
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_like_conditions_use_one_blas_thread_and_restore_them() -> None:
    before = threads()
    with like_conditions():
        assert set(threads()) == {1}
    assert threads() == before


@pytest.mark.parametrize("conditions", [like_conditions, measuring._one_torch_thread])
def test_like_conditions_use_one_torch_thread_and_restore_them(
    conditions: Callable[[], AbstractContextManager[None]],
) -> None:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with conditions():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_like_conditions_do_not_load_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    with like_conditions():
        assert "torch" not in sys.modules
