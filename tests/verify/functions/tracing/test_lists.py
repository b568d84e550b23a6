"""Lists of traced numbers are traced wherever numpy takes them, and so is what `np.c_` and `np.r_` join."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, check_gradient

POINT = np.array([0.3, -0.7, 1.1], np.float32)

JOINED: dict[str, Callable[[Any], Any]] = {
    "a list of a number beside an array": lambda x: np.concatenate([[x @ x], x]),
    "lists alone": lambda x: np.concatenate([[x @ x, x[0]], [0.0, 1.0]]),
    "a row that is a list": lambda x: np.stack([x, [x @ x, 0.0, x[1]]]),
    "a list that is padded": lambda x: np.pad([x @ x, x[0]], (1, 2)),
    "a list that is tiled": lambda x: np.tile([x @ x, x[0]], 2),
    "the sum of a list": lambda x: np.sum([x @ x, x[0] * x[1]]),
    "columns": lambda x: np.c_[x, x * x],
    "columns beside a matrix": lambda x: np.c_[np.outer(x, x), x],
    "a row of arrays and numbers": lambda x: np.r_[x @ x, 1.0, x[::-1], 0],
}


def derivative(joined: Callable[[Any], Any], x: Any, cotangent: Any) -> Any:
    """Return what a function that is a polynomial of the second degree has, by its exact differences."""
    wide = x.astype(np.float64)
    half = [np.sum((joined(wide + e) - joined(wide - e)) * cotangent) / 2 for e in np.eye(3)]
    return np.array(half).astype(x.dtype)


@pytest.mark.parametrize("name", JOINED)
def test_what_lists_join_is_traced(name: str) -> None:
    joined = JOINED[name]
    found = check_gradient(joined, lambda x, c: derivative(joined, x, c), POINT)
    assert found.message.startswith("formula equal at this point to 7")
    with pytest.raises(GradientError, match="formula proved to differ"):
        check_gradient(joined, lambda x, c: 1.0001 * derivative(joined, x, c), POINT)
