"""A small difference is accused where it is proved, and not where the forward may approximate."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import (
    GradientError,
    NotTraced,
    Traced,
    UndecidedError,
    Verdict,
    check_gradient,
    trace_gradient,
)

RNG = np.random.default_rng(3)
X, POSITIVE, WEIGHTS = RNG.normal(size=6), RNG.uniform(0.5, 2, 6), RNG.normal(size=(6, 4))
LARGE = np.array([25.0, 1.0, 22.0])
Case = tuple[Callable[..., Any], Callable[..., Any], Any]


def relu(x: Any) -> Any:
    y = x.copy()
    y[y < 0] = 0
    return y


def network(x: Any) -> Any:
    return np.sum(relu(x @ WEIGHTS) ** 2)


def network_gradient(x: Any) -> Any:
    return WEIGHTS @ (2 * relu(x @ WEIGHTS) * (1 + 1e-9 * np.abs(x @ WEIGHTS)))


PROVED: dict[str, Case] = {
    "a small wave": (lambda x: (np.cos(x) + 1e-6 * np.sin(5 * x)).sum(), lambda x: -np.sin(x), X),
    "a sign that changes": (lambda x: np.sum(np.sin(x) + 1e-7 * x**3), np.cos, X),
    "beside where": (
        lambda x: np.where(x > 0, x * x, 0.0).sum(),
        lambda x: np.where(x > 0, x + x + 1e-9 * x, 0),
        X,
    ),
    "beside a mask that is set": (network, network_gradient, np.abs(X)),
    "beside an assertion that fails for none": (
        lambda x: np.log(np.exp(x - x.max()).sum()) + x.max(),
        lambda x: np.exp(x) / (np.exp(x).sum() + 1e-9),
        X,
    ),
}


def scattered(x: Any) -> Any:
    out, big = np.empty_like(x), x > 20
    out[big] = x[big]
    out[~big] = np.log1p(np.exp(x[~big]))
    return out.sum()


def overwritten(x: Any) -> Any:
    out = np.log1p(np.exp(x))
    out[x > 20] = x[x > 20]
    return out.sum()


def multiplied(x: Any) -> Any:
    return np.sum((x > 20) * x + (x <= 20) * np.log1p(np.exp(np.minimum(x, 20))))


def chosen(x: Any) -> Any:
    return np.sum(np.select([x > 20, x <= 20], [x, np.log1p(np.exp(x))]))


def picked(x: Any) -> Any:
    big, small = np.nonzero(x > 20)[0], np.nonzero(x <= 20)[0]
    return np.sum(x[big]) + np.sum(np.log1p(np.exp(x[small])))


def stopped(x: Any) -> Any:
    y = np.ones_like(x)
    for _ in range(3):
        new = 0.5 * (y + x / y)
        if (np.abs(new - y) < 0.3).all():
            return np.sum(new)
        y = new
    return y.sum()


def one_by_one(x: Any) -> Any:
    total: Any = 0.0
    for v in x:
        total = total + (v if v > 20 else np.log1p(np.exp(v)))
    return total


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


APPROXIMATED: dict[str, Case] = {
    **{
        f.__name__: (f, sigmoid, LARGE)
        for f in (scattered, overwritten, multiplied, chosen, picked, one_by_one)
    },
    "where": (lambda x: np.sum(np.where(x > 20, x, np.log1p(np.exp(x)))), sigmoid, LARGE),
    "stopped": (stopped, lambda x: 0.5 / np.sqrt(x), 1 + 1e-3 * POSITIVE),
    "a wave too short": (
        lambda x: np.exp(-x * x).sum() + 1e-9 * np.sin(30 * x).sum(),
        lambda x: -2 * x * np.exp(-x * x),
        X[:1],
    ),
    "far out": (lambda x: np.sum(np.abs(x) - math.log(2)), np.tanh, np.array([25.0, 29.0, 32.0])),
}


@pytest.mark.parametrize("name", PROVED)
def test_what_is_proved_is_accused(name: str) -> None:
    function, gradient, point = PROVED[name]
    found = trace_gradient(function, gradient, [point], shapes=False)
    assert isinstance(found, Traced), found
    assert found.verdict is Verdict.WRONG


@pytest.mark.parametrize("name", APPROXIMATED)
def test_what_may_be_approximated_is_not(name: str) -> None:
    function, gradient, point = APPROXIMATED[name]
    found = trace_gradient(function, gradient, [point], shapes=False)
    assert isinstance(found, NotTraced), found
    assert "forward and backward differ by" in found.reason


def test_masks_are_arrays_of_truth_values_to_everybody() -> None:
    def function(x: Any) -> Any:
        mask = x > 0
        assert mask.shape == x.shape
        assert mask.dtype == bool
        assert (mask | ~mask).all()
        assert np.count_nonzero(mask) + np.sum(~mask) == x.size
        return np.sum(np.where(mask & (x > -1), x, 2 * x))

    found = trace_gradient(function, lambda x: np.where(x > 0, 1.0, 2.0), [X])
    assert isinstance(found, Traced)
    assert found.verdict is Verdict.RIGHT


def fixed_point(x: Any, until: float) -> Any:
    """Return the solution of y = cos(x y), iterated until it moves by less than that."""
    y = 0.5
    for _ in range(1000):
        new = np.cos(x * y)
        if abs(new - y) < until:
            break
        y = new
    return new


def slope_of_fixed_point(x: Any) -> Any:
    y = fixed_point(x, 1e-15)
    s = np.sin(x * y)
    return -y * s / (1 + x * s)


@pytest.mark.parametrize("until", [1e-1, 1e-2])
def test_what_is_stopped_far_from_its_limit_is_no_proof(until: float) -> None:
    """The formula of what was computed differs by 8% and more from that of what is meant."""
    with pytest.raises(UndecidedError, match=r"jump by|rough"):
        check_gradient(lambda x: fixed_point(x, until), slope_of_fixed_point, 0.7)


def test_wrong_gradient_of_what_is_stopped_is_seen_by_its_values() -> None:
    with pytest.raises(GradientError) as raised:
        check_gradient(lambda x: fixed_point(x, 1e-5), lambda x: 1.1 * slope_of_fixed_point(x), 0.7)
    assert not isinstance(raised.value, UndecidedError)
