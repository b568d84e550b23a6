"""Gradients of many inputs: few evaluations, little memory, and one wrong entry found and named alone."""

import contextlib
import inspect
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, UndecidedError, check_gradient
from nn_from_scratch.verify.functions.values import check_values

pytestmark = pytest.mark.once

COUNT = 2**17
X = np.random.default_rng(0).normal(size=COUNT)
PLACE = COUNT // 3

Pair = tuple[Callable[..., Any], Callable[..., Any]]
SMOOTH: dict[str, Pair] = {
    "tanh": (np.tanh, lambda x, c: c * (1 - np.tanh(x) ** 2)),
    "sum of tanh": (lambda x: np.tanh(x).sum(), lambda x: 1 - np.tanh(x) ** 2),
    "centred": (lambda x: x - x.mean(), lambda x, c: c - c.mean()),
    "squares": (lambda x: (x * x).sum(), lambda x: 2 * x),
    "mean of exp": (lambda x: np.exp(x).mean(), lambda x: np.exp(x) / x.size),
    "norm": (lambda x: np.sqrt((x * x).sum()), lambda x: x / np.sqrt((x * x).sum())),
    "running sum": (lambda x: np.cumsum(x) / 100, lambda x, c: np.cumsum(c[::-1])[::-1] / 100),
}
BENT: dict[str, Pair] = {
    "relu": (lambda x: np.maximum(x, 0), lambda x, c: (x > 0) * c),
    "sum of sizes": (lambda x: np.abs(x).sum(), lambda x: (x > 0) - 1.0 * (x < 0)),
}


class Counted:
    """A function, and how often it was called."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.calls = function, 0

    def __call__(self, x: Any) -> Any:
        self.calls += 1
        return self.function(x)


def spoiled(gradient: Callable[..., Any], place: int = PLACE, times: float = 1.5) -> Callable[..., Any]:
    """Return a gradient of which one entry is wrong."""

    def wrong(found: Any) -> Any:
        found = np.array(found)
        found[place] *= times
        return found

    if len(inspect.signature(gradient).parameters) == 1:
        return lambda x: wrong(gradient(x))
    return lambda x, c: wrong(gradient(x, c))


@pytest.mark.parametrize("name", SMOOTH)
def test_a_smooth_function_takes_20_evaluations_and_100_bytes_an_input(name: str) -> None:
    function, gradient = SMOOTH[name]
    counted = Counted(function)
    check_gradient(function, gradient, X[: COUNT // 3])  # which imports what it needs
    tracemalloc.start()
    check_gradient(counted, gradient, X)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert counted.calls <= 20
    own = 16  # bytes that the function or its gradient take for themselves
    assert taken <= (100 + own) * COUNT


@pytest.mark.parametrize("name", [*SMOOTH, *BENT])
def test_one_wrong_entry_is_found_and_named_alone(name: str) -> None:
    function, gradient = (SMOOTH | BENT)[name]
    place = int(np.argmax(X)) if name in BENT else PLACE
    counted = Counted(function)
    with pytest.raises(GradientError) as raised:
        check_gradient(counted, spoiled(gradient, place), X)
    assert counted.calls <= 20 + 4 * 17 + (2 if name in BENT else 0)
    first, last = str(raised.value).splitlines()
    assert first.startswith(f"the derivative for x[{place}] is ")
    assert last.startswith("(found by ")


@pytest.mark.parametrize("name", BENT)
def test_kinks_everywhere_are_right_by_short_steps(name: str) -> None:
    function, gradient = BENT[name]
    counted = Counted(function)
    assert check_gradient(counted, gradient, X)
    assert counted.calls <= 30


def test_a_wrong_entry_that_is_tiny_is_all_that_is_wrong() -> None:
    x = X.copy()
    x[PLACE] = 1e-6  # what is left of the error is uncertain by more than the direction is
    function, gradient = SMOOTH["squares"]
    with pytest.raises(GradientError) as raised:
        check_gradient(function, spoiled(gradient, times=1e3), x)
    assert len(str(raised.value).splitlines()) == 2


@pytest.mark.parametrize("name", ["tanh", "centred"])
def test_one_wrong_entry_is_found_in_float32(name: str) -> None:
    function, gradient = SMOOTH[name]
    x = X.astype(np.float32)
    counted = Counted(function)
    assert check_gradient(counted, gradient, x)
    assert counted.calls <= 31
    with pytest.raises(GradientError, match=rf"the derivative for x\[{PLACE}\] is "):
        check_gradient(function, spoiled(gradient), x)


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_gradient_that_a_table_stands_for_is_not_accused(seed: int) -> None:
    x = np.random.default_rng([seed, 5000]).normal(size=5000)
    knots = np.linspace(-8, 8, 100)
    heights = np.sin(knots)
    with pytest.raises(UndecidedError):
        check_values(lambda x: np.interp(x, knots, heights).sum(), np.cos, x, seed=seed)


def test_an_oscillation_that_the_gradient_has_is_right() -> None:
    x = np.random.default_rng([0, 5000]).normal(size=5000)

    def function(x: Any) -> Any:
        return np.sin(x).sum() + 1e-7 * np.sin(1e5 * x).sum()

    check_values(function, lambda x: np.cos(x) + 1e-2 * np.cos(1e5 * x), x)
    with pytest.raises(GradientError):  # or undecided, for the function may be meant without
        check_values(function, np.cos, x)


def test_an_order_that_changes_everywhere_is_not_accused() -> None:
    rng = np.random.default_rng([0, 5000])
    x, w = rng.normal(size=5000), rng.normal(size=5000)

    def gradient(x: Any) -> Any:
        found = np.empty_like(x)
        found[np.argsort(x)] = w
        return found

    with contextlib.suppress(UndecidedError):
        check_values(lambda x: (np.sort(x) * w).sum(), gradient, x)


def test_few_digits_beside_a_steep_function_are_not_right() -> None:
    x = X.astype(np.float32)
    z = 1 + 0.1 * np.random.default_rng(1).normal(size=COUNT).astype(np.float32)
    with pytest.raises(GradientError):  # or undecided; it grows by a hundred times what its gradient says
        check_values(lambda x: np.maximum(x, 0).sum(), lambda x: (x > 0) * z, x)


@pytest.mark.parametrize("count", [5000, 100_000])
def test_a_kink_at_the_point_allows_what_lies_between(count: int) -> None:
    x = X[:count].copy()
    x[7] = 0.0

    def check(slope: float) -> None:
        check_values(lambda x: np.maximum(x, 0).sum(), lambda x: np.where(x == 0, slope, x > 0), x)

    for slope in (0.0, 0.5, 1.0):
        check(slope)
    for slope in (2.0, -1.0):
        with pytest.raises(GradientError, match=r"the derivative for x\[7\] is .* there is a kink here"):
            check(slope)
