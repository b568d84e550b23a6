"""Who catches what on made-up checks, and on one fault that everybody sees; nothing asserts a time."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from nn_from_scratch.verify.benchmark import catching
from nn_from_scratch.verify.benchmark.catching import Check
from nn_from_scratch.verify.faults import FAULTS, Victim

pytestmark = pytest.mark.once
(SINE,) = (fault for fault in FAULTS if fault.name == "sin: its derivative times -1.0")


def test_rows_say_what_a_catch_costs() -> None:
    ours = [Check(0, True, False, 1.0), Check(0, False, False, 1.0), Check(1, True, False, 2.0)]
    theirs = [Check(0, True, True, 3.0), Check(0, False, False, 3.0), Check(1, False, False, 6.0)]
    first, second = catching.rows({"ours": ours, "theirs": theirs})
    assert (first["faults"], first["faults_caught"], first["checks"], first["caught"]) == (2, 2, 3, 2)
    assert (first["seconds"], first["seconds_per_catch"], first["false_alarms"]) == (4, 2, 0)
    assert "ratio" not in first
    assert (second["faults_caught"], second["caught"], second["false_alarms"]) == (1, 1, 1)
    assert (second["seconds_per_catch"], second["ratio"]) == (12, 6)
    assert second["high"] is None  # a resample may have the second fault alone, which it never caught


def test_interval_of_a_constant_ratio_is_that_ratio_and_varies_with_the_faults() -> None:
    ours = [Check(k, True, False, 1.0 + k) for k in range(8)]
    (_, same) = catching.rows({"ours": ours, "same": [Check(k, True, False, 3 + 3 * k) for k in range(8)]})
    assert (same["ratio"], same["low"], same["high"]) == pytest.approx((3, 3, 3))
    (_, other) = catching.rows({"ours": ours, "other": [Check(k, k > 2, False, 3.0) for k in range(8)]})
    assert other["low"] < other["ratio"] < other["high"]


def test_tool_that_catches_nothing_has_no_cost_of_a_catch() -> None:
    blind = [Check(0, False, False, 1.0)]
    _, row = catching.rows({"ours": [Check(0, True, False, 1.0)], "blind": blind})
    assert row["seconds_per_catch"] is row["ratio"] is row["low"] is row["high"] is None


def test_everybody_catches_a_sine_of_the_wrong_sign_and_nobody_accuses_the_right_one() -> None:
    asked, _ = catching.tools()
    rows = catching.catching([SINE], asked, number=2)
    assert {row["tool"] for row in rows} == set(asked)
    for row in rows:
        assert row["faults_caught"] == 1
        assert row["false_alarms"] == 0
        assert row["checks"] == 2


def test_graph_as_a_function_has_the_value_and_gradient_of_the_engine() -> None:
    (one,) = catching.graphs(SINE, 1)
    engine = SINE.engine()
    function = catching.as_function(engine, one)
    point = [np.array(x) for x in one.point]
    answer = engine.answer(one)
    assert function.value(*point) == answer.value
    assert [float(part) for part in function.pull(2.0, *point)] == [2 * g for g in answer.gradient]
    right = catching.as_function(Victim().engine("right"), one).pull(2.0, *point)
    assert [float(part) for part in right] != [2 * g for g in answer.gradient]


def test_sample_takes_faults_in_rules_of_numbers() -> None:
    few, all_of_them = catching.sample(), catching.sample(1)
    assert 10 <= len(few) < len(all_of_them)
    assert {fault.name for fault in few} <= {fault.name for fault in all_of_them}
    assert all(fault.rule and not fault.arrays for fault in all_of_them)


def test_tool_that_is_not_installed_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numdifftools", None)
    asked, notes = catching.tools()
    assert "numdifftools" not in asked
    assert "numdifftools: not installed: pip install numdifftools" in notes
