import math

import pytest

from nn_from_scratch.verify.report.figures.errors import Checks, scatter


def test_checks_keep_only_what_can_be_drawn() -> None:
    checks = Checks.of(
        {
            "gradient": [2.0, 0.0, None, 1.0],
            "error": [1e-16, 0.0, 1.0, None],
            "tolerance": [1e-15, 0.0, 0.0, 1.0],
            "verdict": ["right", "right", "wrong", "error"],
        }
    )
    assert checks.verdict.tolist() == ["right", "right", "wrong"]
    assert checks.scale.tolist() == [2.0, 1.0, 1.0]
    assert checks.ratio.tolist() == [pytest.approx(0.1), 0.0, math.inf]


def test_checks_without_a_verdict_are_not_drawn_as_right() -> None:
    assert Checks.of({"error": [0.0], "tolerance": [1.0]}).verdict.tolist() == ["undecided"]


def test_gradients_that_are_all_zero_are_drawn() -> None:
    checks = Checks.of({"gradient": [0.0], "error": [0.0], "tolerance": [1.0], "verdict": ["right"]})
    assert "<svg" in str(scatter(checks))
