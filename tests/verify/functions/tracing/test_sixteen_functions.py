"""Sixteen functions as users write them: right in both formats, and proved wrong with a tiny fault."""

from itertools import cycle

import pytest
from hand_written_gradients import examples, planted
from long_runs import WHOLE

from nn_from_scratch.verify.functions.traced import Traced, trace_backward
from nn_from_scratch.verify.functions.tracing.rules import Rule
from nn_from_scratch.verify.judging.verdicts import Verdict

pytestmark = pytest.mark.once

NAMES = list(examples("float32"))
FORMATS = ["float64", "float32"]
IN_BOTH = [(name, dtype) for name in NAMES for dtype in FORMATS]
BY_TURNS = list(zip(NAMES, cycle(FORMATS), strict=False))


@pytest.mark.parametrize(("name", "dtype"), IN_BOTH if WHOLE else BY_TURNS)
def test_right_functions_are_equal_to_70_digits(name: str, dtype: str) -> None:
    forward, backward, inputs = examples(dtype)[name]
    found = trace_backward(forward, backward, inputs)
    assert isinstance(found, Traced), found
    assert found.verdict is Verdict.RIGHT
    assert found.rules.rule is Rule.EQUAL
    assert found.rules.comparison.digits >= 70
    assert found.units < 8
    assert found.local < 8
    assert len(found.elsewhere) >= 1, "other shapes are taken by all of them"
    assert all("formula equal" in line for line in found.elsewhere)


@pytest.mark.parametrize(("name", "dtype"), IN_BOTH if WHOLE else BY_TURNS)
def test_a_constant_changed_by_1e_14_is_proved_wrong(name: str, dtype: str) -> None:
    forward, backward, inputs = examples(dtype)[name]
    with planted(1e-14):
        found = trace_backward(forward, backward, inputs, shapes=False)
    assert isinstance(found, Traced), found
    assert found.verdict is Verdict.WRONG
    assert found.rules.rule is Rule.DIFFERENT
    assert found.rules.comparison.different
    assert found.rules.comparison.relative < 1e-13


def test_the_constant_is_named_with_what_it_should_be() -> None:
    forward, backward, inputs = examples("float32")["layer norm"]
    with planted(1e-3):
        found = trace_backward(forward, backward, inputs)
    assert isinstance(found, Traced)
    assert "with 1e-05 in place of 1.0009999999999999e-05 it is equal to" in found.message
    assert "hand_written_gradients.py" in found.message
    assert "the derivative for x0[0, 0] is " in found.message
    assert "x2" not in found.message, "the bias is right"
