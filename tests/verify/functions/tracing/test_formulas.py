from collections.abc import Sequence

import numpy as np
import pytest
from flint import arb

from nn_from_scratch.verify.functions.tracing.constants import Reading, read
from nn_from_scratch.verify.functions.tracing.local import LocalCheck
from nn_from_scratch.verify.functions.tracing.operations import apply
from nn_from_scratch.verify.functions.tracing.rules import Rule, Rules, judge
from nn_from_scratch.verify.functions.tracing.shadows import Shadow, exact, exactly_computing, series

POINT, DIRECTION, COTANGENT = np.array([0.3, 1.7]), np.array([0.4, -1.1]), np.array([1.3, 0.2])


def judged(forward_constant: float, backward_constant: float) -> Rules:
    """Judge y = sin(c x) with the backward g c' cos(c' x)."""

    def derivative(reading: Reading) -> Sequence[Shadow]:
        x = series(POINT, DIRECTION)
        return [apply("sin", apply("multiply", x, read(forward_constant, reading)))]

    def gradients(reading: Reading) -> Sequence[Shadow]:
        c = read(backward_constant, reading)
        slope = apply("multiply", c, apply("cos", apply("multiply", exact(POINT), c)))
        return [apply("multiply", exact(COTANGENT), slope)]

    with exactly_computing():
        return judge(derivative, gradients, [COTANGENT], [DIRECTION])


def test_equal_formulas_are_equal_to_70_digits() -> None:
    found = judged(0.1, 0.1)
    assert found.rule is Rule.EQUAL
    assert found.comparison.digits > 70


@pytest.mark.parametrize("error", [1e-14, 1e-10, 1e-3])
def test_a_changed_constant_is_proved(error: float) -> None:
    found = judged(0.1, 0.1 * (1 + error))
    assert found.rule is Rule.DIFFERENT
    assert error / 3 < found.comparison.relative < error  # of sizes, which do not cancel


def test_a_rounding_of_a_constant_is_no_difference() -> None:
    irrational = 0.8346193784619278
    assert judged(irrational, np.nextafter(irrational, 1)).rule is Rule.ROUNDED


def test_a_constant_written_short_is_told_from_a_wrong_one() -> None:
    exact_constant = float((2 / arb.pi()).sqrt().mid())
    assert judged(exact_constant, 0.7978845608).rule is Rule.SHORT
    assert judged(0.7978845608, exact_constant).rule is Rule.SHORT
    assert judged(exact_constant, 0.7978855608).rule is Rule.DIFFERENT
    assert judged(0.7978845608, 0.7978845609).rule is Rule.DIFFERENT


def test_what_is_not_finite_is_unknown() -> None:
    assert judged(0.1, float("nan")).rule is Rule.UNKNOWN


def test_local_check_names_the_operation_that_rounding_does_not_explain() -> None:
    local = LocalCheck()
    with exactly_computing():
        x = np.array([0.3, 1.7], dtype=np.float32)
        local.observe("sin", "here", np.sin(x), apply("sin", exact(x)), dtype="float32")
        assert local.failed is None
        local.observe("cos", "there", np.sin(x), apply("cos", exact(x)), dtype="float32")
    assert local.failed is not None
    assert (local.failed.operation, local.failed.line) == ("cos", "there")
