from __future__ import annotations

import numpy as np
import pytest

from nn_from_scratch.verify.benchmark import second_order
from nn_from_scratch.verify.benchmark.by_hand import Array
from nn_from_scratch.verify.benchmark.measuring import DifferentResultsError, require_same_results
from nn_from_scratch.verify.benchmark.second_order import SECOND_ORDER
from nn_from_scratch.verify.benchmark.workloads import SUBJECT

pytestmark = pytest.mark.once


@pytest.mark.parametrize("name", SECOND_ORDER.baselines)
def test_everybody_comes_to_the_same(name: str) -> None:
    try:
        other = SECOND_ORDER.contenders[name]()
    except ModuleNotFoundError as error:
        pytest.skip(f"{error.name} is not installed")
    require_same_results(SECOND_ORDER.contenders[SUBJECT](), other)


def test_by_hand_is_the_difference_of_gradients() -> None:
    matrix, x, v = second_order.numbers()

    def gradient(at: Array) -> Array:
        t = np.tanh(matrix @ at)
        return np.asarray(matrix.T @ (2 * t * (1 - t**2)))

    h = 1e-5
    np.testing.assert_allclose(
        second_order.by_hand(matrix, x, v), (gradient(x + h * v) - gradient(x - h * v)) / (2 * h), rtol=1e-6
    )


def test_first_derivatives_for_second_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_order, "by_hand", lambda matrix, x, _: matrix.T @ np.tanh(matrix @ x))
    wrong = second_order._by_hand()
    with pytest.raises(DifferentResultsError, match="array 0"):
        require_same_results(SECOND_ORDER.contenders[SUBJECT](), wrong)
