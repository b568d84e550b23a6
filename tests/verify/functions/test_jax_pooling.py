"""Pooling in JAX, traced: right formulas equal to all digits, planted faults proved, ties accuse nobody."""

import re
from typing import Any

import numpy as np
import pytest

jax: Any = pytest.importorskip("jax")

from jax import lax  # noqa: E402

from nn_from_scratch.verify import GradientError  # noqa: E402
from nn_from_scratch.verify.functions.jaxpr.checking import examine  # noqa: E402
from nn_from_scratch.verify.jax import check_grads  # noqa: E402
from nn_from_scratch.verify.judging.verdicts import Verdict  # noqa: E402

pytestmark = pytest.mark.once

IMAGE = np.random.default_rng(0).normal(size=(1, 2, 5, 6)).astype(np.float32)


def pooled(monoid: Any, start: float, window: int, stride: int, padding: str) -> Any:
    sizes, strides = (1, 1, window, window), (1, 1, stride, stride)
    return lambda x: lax.reduce_window(x, start, monoid, sizes, strides, padding)


LARGEST = pooled(lax.max, -np.inf, 2, 2, "VALID")


@pytest.mark.parametrize(
    "pool",
    [
        pooled(lax.add, 0.0, 3, 2, "SAME"),
        pooled(lax.max, -np.inf, 3, 2, "SAME"),
        pooled(lax.min, np.inf, 3, 1, "VALID"),
    ],
)
def test_right_formula_is_equal_to_all_digits(pool: Any) -> None:
    rows = {row.name: row for row in examine(pool, (IMAGE,), 1, ("fwd", "rev"))}
    assert all(row.verdict is Verdict.RIGHT for row in rows.values()), rows
    for mode in ("forward mode", "reverse mode"):
        digits = re.search(r"formula equal at this point to (\d+) digits", str(rows[mode]))
        assert digits is not None, str(rows[mode])
        assert int(digits[1]) >= 70


def averaging(scale: float) -> Any:
    """Return an average over windows of four, with a backward by hand."""
    total = pooled(lax.add, 0.0, 2, 2, "VALID")
    average = jax.custom_vjp(lambda x: total(x) / 4)

    def backward(_: Any, g: Any) -> Any:
        return ((g * scale / 4).repeat(2, -1).repeat(2, -2),)

    average.defvjp(lambda x: (total(x) / 4, None), backward)
    return average


def test_factor_of_an_average_is_proved_wrong() -> None:
    image = IMAGE[:, :, :4]
    check_grads(averaging(1.0), (image,), 1, ("rev",))
    with pytest.raises(GradientError, match="formula proved to differ"):
        check_grads(averaging(1.00001), (image,), 1, ("rev",))


def test_equal_numbers_in_a_window_accuse_nobody() -> None:
    for tied in (np.zeros((1, 1, 4, 4)), np.ones((1, 1, 4, 4))):
        rows = list(examine(LARGEST, (tied.astype(np.float32),), 1, ("fwd", "rev")))
        assert not [row for row in rows if row.accuses], rows
    assert any("reduce_window_max compares equal numbers" in str(row) for row in rows)
