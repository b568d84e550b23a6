from __future__ import annotations

from types import FunctionType

import numpy as np
import pytest

from nn_from_scratch.verify.benchmark import tutorials
from nn_from_scratch.verify.benchmark.measuring import DifferentResultsError, require_same_results
from nn_from_scratch.verify.benchmark.peers import CannotError
from nn_from_scratch.verify.benchmark.tutorial_programs import PROGRAMS
from nn_from_scratch.verify.benchmark.workloads import SUBJECT, Workload

pytestmark = pytest.mark.once
BEYOND_AUTOGRAD = {
    "Tutorial: kalman likelihood": "ValueError",  # np.outer of a matrix
    "Tutorial: gaussian mixture": "AttributeError",  # np.logaddexp.reduce
}
"""What autograd 1.9 cannot differentiate, as tutorials write it."""


@pytest.mark.parametrize("workload", tutorials.TUTORIALS, ids=lambda workload: str(workload.name))
def test_autograd_comes_to_the_same(workload: Workload) -> None:
    pytest.importorskip("autograd")
    error = BEYOND_AUTOGRAD.get(workload.name)
    if error:
        with pytest.raises(CannotError, match=f"autograd raises {error} in it"):
            workload.contenders["autograd"]()
    else:
        require_same_results(*(workload.contenders[name]() for name in (SUBJECT, "autograd")))


def test_another_point_is_noticed() -> None:
    first, point = PROGRAMS[0]
    ours, moved = (tutorials._ours(first, x) for x in (point, point * (1 + 1e-6)))
    with pytest.raises(DifferentResultsError, match="array 0"):
        require_same_results(ours, moved)


def test_twelve_programs_are_measured_each_with_the_other_numpy() -> None:
    assert len(tutorials.TUTORIALS) == 12

    class Other:
        linalg = array = None

    (attention,) = (program for program, _ in PROGRAMS if program.__name__ == "attention")
    assert isinstance(attention, FunctionType)
    with pytest.raises(AttributeError, match="einsum"):
        tutorials._with(attention, Other)([np.eye(3)] * 3)
