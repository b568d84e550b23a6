"""What is not right is false: an assertion about a result cannot pass by accident."""

from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import NotTraced, Traced, trace_gradient
from nn_from_scratch.verify.functions.kernels import Judged
from nn_from_scratch.verify.judging.verdicts import Verdict


def log_of_size(x: Any) -> Any:
    return np.sum(np.log(np.sqrt(x * x + 1e-5)))


@pytest.mark.parametrize(("epsilon", "right"), [(1e-5, True), (1.0000001e-5, False)])
def test_traced_gradient_is_true_if_it_is_right(epsilon: float, right: bool) -> None:
    point = [np.array([0.5, -2.0, 3.0], np.float32)]
    found = trace_gradient(log_of_size, lambda x: x / (x * x + epsilon), point)
    assert isinstance(found, Traced)
    assert found.verdict is (Verdict.RIGHT if right else Verdict.WRONG)
    assert bool(found) is right


def test_what_was_not_traced_is_false() -> None:
    found = trace_gradient(lambda x: np.frombuffer(x.tobytes())[0], np.ones_like, [np.ones(1)])
    assert isinstance(found, NotTraced)
    assert not found


@pytest.mark.parametrize("verdict", Verdict)
def test_judged_kernel_is_true_if_it_is_right(verdict: Verdict) -> None:
    assert bool(Judged(verdict, "", 0.0)) is (verdict is Verdict.RIGHT)
