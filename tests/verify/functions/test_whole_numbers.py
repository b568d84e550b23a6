"""A gradient may be of whole numbers, as signs and counts are."""

from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, check_gradient

POINT = np.array([0.7, -1.2, 2.5])
CASES: dict[str, tuple[Any, Any, Any]] = {
    "signs": (lambda x: np.sum(np.abs(x)), lambda x: np.where(x > 0, 1, -1), POINT),
    "ones": (np.sum, lambda x: np.ones(x.shape, int), POINT.astype(np.float32)),
    "a matrix": (np.trace, lambda x: np.eye(len(x), dtype=int), np.outer(POINT, POINT)),
    "objects": (np.sum, lambda x: np.ones(x.shape, object), POINT),
}


@pytest.mark.parametrize("name", CASES)
def test_gradient_of_whole_numbers_is_judged(name: str) -> None:
    function, gradient, point = CASES[name]
    check_gradient(function, gradient, point)
    with pytest.raises(GradientError, match=r"expected|truth"):
        check_gradient(function, lambda x: 2 * gradient(x), point)
