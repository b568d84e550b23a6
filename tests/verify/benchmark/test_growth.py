from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pytest

from nn_from_scratch.verify.benchmark import growth, measuring, programs
from nn_from_scratch.verify.benchmark.measuring import Contender
from nn_from_scratch.verify.benchmark.workloads import SUBJECT

pytestmark = pytest.mark.once


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0])
def test_exponent_is_that_of_samples_with_noise_and_its_interval_holds_it(power: float) -> None:
    rng = np.random.default_rng(1)
    samples = {n: list(3e-7 * n**power * rng.lognormal(0, 0.05, 9)) for n in (10**3, 10**4, 10**5)}
    fitted, low, high = growth.exponent(samples)
    assert low <= fitted <= high
    assert low <= power <= high
    assert fitted == pytest.approx(power, abs=0.03)
    assert high - low < 0.1


def test_exponent_has_a_wider_interval_with_more_noise_and_none_without() -> None:
    def width(noise: float) -> float:
        rng = np.random.default_rng(2)
        samples = {n: list(n * rng.lognormal(0, noise, 9)) for n in (10**3, 10**4, 10**5)}
        _, low, high = growth.exponent(samples)
        return high - low

    assert width(0.0) == pytest.approx(0, abs=1e-12)
    assert width(0.01) < width(0.2)


@pytest.mark.parametrize("unit", ["seconds", "bytes"])
def test_growth_measures_everybody_who_is_installed(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "autograd", None)
    monkeypatch.setattr(growth, "SAMPLES", 2)
    monkeypatch.setitem(growth.MEASURES, unit, (growth.MEASURES[unit][0], [SUBJECT, "closures", "autograd"]))
    found = growth.Growth(unit)
    found.measure(seconds=60, sizes=(4, 8, 16))
    curves = found.curves
    assert not found.differ
    assert [curve["peer"] for curve in curves] == [SUBJECT, "closures"]
    assert found.notes == ["autograd: not installed: pip install autograd"]
    for curve in curves:
        assert curve["sizes"] == [4, 8, 16]
        assert min(curve["medians"]) > 0
        assert curve["low"] <= curve["exponent"] <= curve["high"]
        if unit == "bytes":
            assert curve["medians"] == sorted(curve["medians"])


def test_growth_stops_with_who_is_too_slow_too_deep_or_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "SAMPLES", 1)
    monkeypatch.setitem(growth.MEASURES, "seconds", (measuring.run_seconds, [SUBJECT, "closures", "off"]))
    asked = programs.Question.contenders

    def with_another(question: programs.Question) -> dict[str, object]:
        ours = asked(question)[SUBJECT]()
        off = Contender(ours.run, lambda found: [2 * np.asarray(x) for x in ours.result(found)])
        return {**asked(question), "off": lambda: off}

    monkeypatch.setattr(programs.Question, "contenders", with_another)
    found = growth.Growth("seconds")
    found.measure(seconds=60, sizes=(10, 3000))
    curves, notes = found.curves, found.notes
    assert found.differ
    assert [(curve["peer"], curve["sizes"]) for curve in curves] == [
        (SUBJECT, [10, 3000]),
        ("closures", [10]),
    ]
    assert "exponent" not in curves[0]
    assert "Chain of 10 scalars: off: not measured, they compute different things (run 1: array 0" in notes[0]
    assert notes[1] == "Chain of 3,000 scalars: closures: not measured, the graph is too deep: RecursionError"
    hurried = growth.Growth("seconds")
    hurried.measure(seconds=0, sizes=(10, 20))
    assert [curve["sizes"] for curve in hurried.curves] == [[10], [10]]


def test_growth_that_is_interrupted_keeps_whole_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = iter(range(5))

    def measure(_: Contender) -> Callable[[], float]:
        def measured() -> float:
            if next(runs, None) is None:
                raise KeyboardInterrupt
            return 1.0

        return measured

    monkeypatch.setattr(growth, "SAMPLES", 2)
    monkeypatch.setitem(growth.MEASURES, "seconds", (measure, [SUBJECT]))
    found = growth.Growth("seconds")
    with pytest.raises(KeyboardInterrupt):
        found.measure(seconds=60, sizes=(10, 20, 30, 40))
    assert found.samples == {SUBJECT: {10: [1.0, 1.0], 20: [1.0, 1.0]}}


def test_peak_bytes_counts_what_was_dropped_too() -> None:
    side = Contender(lambda: len(np.zeros(10**6)), lambda found: [found])
    assert 8e6 <= growth.peak_bytes(side)() < 8.1e6


@pytest.mark.parametrize(("compiling", "more"), [(None, True), (0.9, True), (1.1, False), (8.0, False)])
def test_what_compiles_is_given_ten_times_as_much_only_if_the_square_of_that_fits(
    compiling: float | None, more: bool
) -> None:
    side = Contender(lambda: None, lambda _: [], compile_seconds=compiling)
    assert growth._may_grow(side, 10.0) is more
