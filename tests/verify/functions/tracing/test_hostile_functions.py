"""Right functions are never accused, wrong ones never called right, and what is not traced says so."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flint import ctx

from nn_from_scratch.verify import (
    NotTraced,
    Traced,
    UndecidedError,
    Verdict,
    check_gradient,
    trace_backward,
    trace_gradient,
)

Function = Callable[..., Any]
RNG = np.random.default_rng(0)
X, POSITIVE, MATRIX = RNG.normal(size=5), RNG.uniform(0.5, 2, size=5), RNG.normal(size=(4, 4))
TABLE = np.cos(np.pi * np.outer(np.arange(5), 2 * np.arange(5) + 1) / 10)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(6)
WEIRD = math.exp(-0.1234) * math.sqrt(1.7)


def newton(x: Any) -> Any:
    y = np.ones_like(x)
    for _ in range(4):
        y = 0.5 * (y + x / y)
    return y.sum()


def fixed_point(x: Any) -> Any:
    y = np.zeros_like(x)
    while True:
        new = 0.5 * np.cos(y) + x
        if np.abs(new - y).max() < 1e-8:
            return new.sum()
        y = new


def fixed_point_gradient(x: Any) -> Any:
    y = np.zeros_like(x)
    for _ in range(100):
        y = 0.5 * np.cos(y) + x
    return 1 / (1 + 0.5 * np.sin(y))


def euler(x: Any) -> Any:
    y = x
    for _ in range(100):
        y = y - 0.01 * y
    return y.sum()


def fitted_erf(x: Any) -> Any:
    t = 1 / (1 + 0.3275911 * np.abs(x))
    series = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
    return (np.sign(x) * (1 - series * np.exp(-x * x))).sum()


def in_place(x: Any) -> Any:
    y = np.empty(x.shape)
    y[:] = x
    y *= 2
    y[1:] += y[:-1]
    np.multiply(y, y, out=y)
    return y.sum()


def in_place_gradient(x: Any) -> Any:
    z = 2 * x
    z[1:] += 2 * x[:-1]
    d = 2 * z
    d[:-1] += 2 * z[1:]
    return 2 * d


def recurrent(x: Any) -> Any:
    h = x[0]
    for step in range(1, 5):
        h = np.tanh(0.3 * h + x[step])
    return h


def recurrent_gradient(x: Any) -> Any:
    states = [x[0]]
    for step in range(1, 5):
        states.append(np.tanh(0.3 * states[-1] + x[step]))
    d, a = np.zeros_like(x), 1.0
    for step in range(4, 0, -1):
        a = a * (1 - states[step] ** 2)
        d[step] = a
        a = 0.3 * a
    d[0] = a
    return d


def sorted_gradient(x: Any) -> Any:
    d = np.zeros_like(x)
    d[np.argsort(x)] = np.arange(5.0)
    return d


def stable(x: Any) -> Any:
    m = x.max()
    return np.log(np.exp(x - m).sum()) + m


def softmax_that_overflows(x: Any) -> Any:
    return np.exp(x) / np.exp(x).sum()


RIGHT: dict[str, tuple[Function, Function, Any]] = {
    "elementwise": (lambda x: np.sin(x).sum(), np.cos, X),
    "at a minimum": (lambda x: (x * x).sum(), lambda x: 2 * x, np.zeros(3)),
    "scaled": (lambda x: 1e-12 * np.sin(x).sum(), lambda x: 1e-12 * np.cos(x), X),
    "constant of float32": (
        lambda x: (x * np.float32(0.1)).sum(),
        lambda x: np.full_like(x, 0.1),
        X.astype("f4"),
    ),
    "a third": (lambda x: (x * (1 / 3)).sum(), lambda x: np.ones_like(x) / 3, X),
    "three tenths": (lambda x: (x * 0.3).sum(), lambda x: np.ones_like(x) * (0.1 * 3), X),
    "constants multiplied outside": (
        lambda x: (x * math.exp(-0.1234) * math.sqrt(1.7)).sum(),
        lambda x: np.ones_like(x) * WEIRD,
        X,
    ),
    "a table": (lambda x: (TABLE @ x).sum() * 0.3, lambda _: 0.3 * TABLE.sum(0), X),
    "in place": (in_place, in_place_gradient, X),
    "a loop": (recurrent, recurrent_gradient, X),
    "sort": (lambda x: (np.sort(x) * np.arange(5.0)).sum(), sorted_gradient, X),
    "relu": (lambda x: np.maximum(x, 0).sum(), lambda x: np.where(x > 0, 1.0, 0.0), X),
    "powers": (
        lambda x: (x**1.5 + x**-2 + 2.0**x).sum(),
        lambda x: 1.5 * x**0.5 - 2 * x**-3 + np.log(2) * 2.0**x,
        POSITIVE,
    ),
    "determinant": (np.linalg.det, lambda a: np.linalg.det(a) * np.linalg.inv(a).T, MATRIX),
    "log determinant": (lambda a: np.linalg.slogdet(a)[1], lambda a: np.linalg.inv(a).T, MATRIX),
    "sample variance": (lambda x: np.var(x, ddof=1), lambda x: 2 * (x - x.mean()) / (len(x) - 1), X),
    "a size that is a constant": (lambda x: np.sum(x) / 5, lambda x: np.ones_like(x) / x.size, X),
    "list of numbers": (
        lambda x: np.array([x[0] * x[1], np.sin(x[2])]).sum(),
        lambda x: np.array([x[1], x[0], np.cos(x[2]), 0, 0]),
        X,
    ),
    "backward in float32": (lambda x: np.sin(x).sum(), lambda x: np.cos(x).astype(np.float32), X),
    "a constant written short": (
        lambda x: np.tanh(math.sqrt(2 / math.pi) * x).sum(),
        lambda x: 0.7978845608 * (1 - np.tanh(0.7978845608 * x) ** 2),
        X,
    ),
}

MAY_BE_UNKNOWN: dict[str, tuple[Function, Function, Any]] = {
    "Newton's method": (newton, lambda x: 0.5 / np.sqrt(x), POSITIVE),
    "fixed point": (fixed_point, fixed_point_gradient, X),
    "Euler's method": (euler, lambda x: np.full_like(x, np.exp(-1)), X),
    "fitted formula": (fitted_erf, lambda x: 2 / np.sqrt(np.pi) * np.exp(-x * x), X),
    "quadrature": (
        lambda x: np.sum(WEIGHTS * np.sin(np.outer(x, NODES))),
        lambda x: np.array([(WEIGHTS * NODES * np.cos(v * NODES)).sum() for v in x]),
        X,
    ),
    "trapezoids": (
        lambda x: np.exp(np.outer(x, np.linspace(0, 1, 101))).sum() / 101,
        lambda x: (np.exp(x) * (x - 1) + 1) / x**2,
        POSITIVE,
    ),
    "threshold": (
        lambda x: np.sum(np.where(x > 20, x, np.log1p(np.exp(x)))),
        lambda x: 1 / (1 + np.exp(-x)),
        np.array([25.0, 1.0]),
    ),
    "oscillation": (
        lambda x: np.exp(-x * x).sum() + 1e-12 * np.sin(1e6 * x).sum(),
        lambda x: -2 * x * np.exp(-x * x),
        X,
    ),
    "slow oscillation": (
        lambda x: np.exp(-x * x).sum() + 1e-12 * np.sin(100 * x).sum(),
        lambda x: -2 * x * np.exp(-x * x),
        X,
    ),
    "rounded": (lambda x: np.round(np.sin(x), 8).sum(), np.cos, X),
    "partly rounded": (lambda x: (x + np.floor(x * 1e8) / 1e8).sum(), lambda x: 2 * np.ones_like(x), X),
    "relu at 0, slope 0": (lambda x: np.maximum(x, 0).sum(), lambda x: (x > 0) * 1.0, np.array([0.0, 1.0])),
    "relu at 0, slope 1/2": (
        lambda x: np.maximum(x, 0).sum(),
        lambda x: (1 + np.sign(x)) / 2,
        np.array([0.0, 1.0]),
    ),
    "abs at 0": (lambda x: np.abs(x).sum(), np.sign, np.array([0.0, 1.0])),
    "ties": (lambda x: x.max(), lambda x: (x == x.max()) / 2, np.array([2.0, 2.0, 1.0])),
    "edge of a domain": (lambda x: np.sqrt(x).sum(), lambda x: 0.5 / np.sqrt(x), np.array([0.0, 1.0])),
    "outside the domain": (lambda x: np.log(x).sum(), lambda x: 1 / x, -POSITIVE),
    "digits that cancel": (lambda x: ((x + 1e8) ** 2 - 1e16).sum(), lambda x: 2 * (x + 1e8), np.ones(1)),
    "float16": (lambda x: (x * x).sum(), lambda x: 2 * x, X.astype(np.float16)),
}

WRONG: dict[str, tuple[Function, Function, Any]] = {
    "a factor": (lambda x: (x**3).sum(), lambda x: x**2, X),
    "a sign": (lambda x: np.cos(x).sum(), np.sin, X),
    "a small term": (lambda x: np.cos(x).sum() + 1e-9 * (x**2).sum(), lambda x: -np.sin(x), X),
    "an epsilon": (
        lambda x: np.sqrt((x * x).sum() + 1e-5),
        lambda x: x / np.sqrt((x * x).sum() + 1e-6),
        X.astype(np.float32),
    ),
    "a limit": (
        lambda x: np.where(np.abs(x) < 0.7, 0.5 * x * x, 0.7 * (np.abs(x) - 0.35)).sum(),
        lambda x: np.clip(x, -0.7001, 0.7001),
        2 * X,
    ),
    "the value overflows": (
        lambda x: np.log(np.exp(x).sum()),
        lambda x: np.exp(x) / np.exp(x).sum(),
        800 + X,
    ),
    "the gradient overflows": (stable, softmax_that_overflows, 800 + X),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_functions_are_right(name: str) -> None:
    function, gradient, point = RIGHT[name]
    found = trace_gradient(function, gradient, [point])
    assert isinstance(found, Traced), found
    assert found.verdict is Verdict.RIGHT, found


@pytest.mark.parametrize("name", MAY_BE_UNKNOWN)
def test_what_a_formula_cannot_decide_is_not_accused(name: str) -> None:
    function, gradient, point = MAY_BE_UNKNOWN[name]
    found = trace_gradient(function, gradient, [point])
    assert isinstance(found, NotTraced) or found.verdict is Verdict.RIGHT, found


@pytest.mark.parametrize("name", WRONG)
def test_wrong_functions_are_wrong(name: str) -> None:
    function, gradient, point = WRONG[name]
    found = trace_gradient(function, gradient, [point])
    assert isinstance(found, Traced), found
    assert found.verdict is Verdict.WRONG


def test_float32_inside_is_inaccurate_and_its_line_named() -> None:
    found = trace_gradient(
        lambda x: np.sin(x).sum(), lambda x: np.cos(x.astype(np.float32)).astype(np.float64), [X]
    )
    assert isinstance(found, Traced)
    assert found.verdict is Verdict.INACCURATE
    assert "float32 at test_hostile_functions.py" in str(found)


def swallowing(x: Any) -> Any:
    try:
        return x.sum() * complex(x[0]).real
    except Exception:  # noqa: BLE001
        return x.sum()


def without_numpy_at_module_level(x: Any) -> Any:
    import numpy as np

    y = np.zeros(5)
    y[:] = x
    return (y * y).sum()


ESCAPES: dict[str, Function] = {
    "complex()": lambda x: sum(complex(v).real for v in x),
    "a function of math that is not known": lambda x: math.dist(x, [0.0] * 5),
    "an exception that is caught": swallowing,
    "tobytes": lambda x: np.sum(np.frombuffer(x.tobytes()) ** 2),
    "ctypes": lambda x: x.ctypes.data * 1.0,
    "memoryview": lambda x: sum(memoryview(x)),
    "an array that is not traced": without_numpy_at_module_level,
    "an unknown function": lambda x: np.fft.rfft(x).real.sum(),
}


@pytest.mark.parametrize("name", ESCAPES)
def test_what_leaves_the_trace_is_not_judged(name: str) -> None:
    before = ctx.prec, ctx.cap
    found = trace_gradient(ESCAPES[name], lambda x: 2 * x, [X])
    assert isinstance(found, NotTraced)
    assert (ctx.prec, ctx.cap) == before
    if name != "memoryview":
        assert "test_hostile_functions.py" in found.reason


def test_random_numbers_and_state_are_not_judged() -> None:
    rng = np.random.default_rng()
    found = trace_gradient(lambda x: (x * (rng.random(5) > 0.5)).sum(), lambda _: rng.random(5), [X])
    assert isinstance(found, NotTraced)
    kept: dict[str, Any] = {}

    def remembers(x: Any) -> Any:
        return kept.setdefault("value", (x**3).sum())

    assert isinstance(trace_gradient(remembers, lambda x: 3 * x**2, [X]), NotTraced)


def test_a_number_that_leaves_the_trace_as_text_is_not_judged() -> None:
    """Its derivative is lost: the gradient that takes it for a constant is wrong."""
    found = trace_gradient(
        lambda x: x.sum() * float(f"{x[0]:.17g}"), lambda x: np.ones_like(x) * float(f"{x[0]:.17g}"), [X]
    )
    assert isinstance(found, NotTraced)
    assert "a number that is no input changes from run to run" in found.reason


@pytest.mark.parametrize("call", [3, 4, 5])
def test_a_function_that_answers_otherwise_once_is_not_judged(call: int) -> None:
    calls: list[int] = []

    def forward(x: Any) -> Any:
        calls.append(1)
        return (x * (2 if len(calls) == call else 1)).sum()

    found = trace_gradient(forward, np.ones_like, [X])
    assert isinstance(found, NotTraced)
    assert "asked twice" in found.reason if call == 5 else "other numbers than by itself" in found.reason


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_gradient_that_is_right_at_the_point_asked_only_is_not_judged(dtype: type) -> None:
    point: Any = X.astype(dtype)
    computed_before = np.cos(point)
    found = trace_gradient(lambda x: np.sum(np.sin(x)), lambda _: computed_before, [point])
    assert isinstance(found, NotTraced)
    assert "fit at the point asked only" in found.reason


def test_numpy_is_put_back_on_every_way_out() -> None:
    def fails(_: Any) -> Any:
        raise ValueError("no")

    numpy_before, zeros = np, np.zeros
    assert isinstance(trace_gradient(fails, fails, [X]), NotTraced)
    assert isinstance(trace_gradient(ESCAPES["tobytes"], np.cos, [X]), NotTraced)
    assert np is numpy_before
    assert globals()["np"].zeros is zeros


def test_a_backward_that_ignores_its_cotangent_is_wrong() -> None:
    found = trace_backward(lambda x: (np.sin(x), x), lambda _, x: np.cos(x), [X])
    assert isinstance(found, Traced)
    assert found.verdict is Verdict.WRONG


def test_a_gradient_that_takes_a_cotangent_is_given_one() -> None:
    right = trace_gradient(np.sin, lambda x, g: np.cos(x) * g, [X])
    assert isinstance(right, Traced)
    assert right.verdict is Verdict.RIGHT
    wrong = trace_gradient(np.sin, lambda x, g: np.cos(x) * g.sum(), [X])
    assert isinstance(wrong, Traced)
    assert wrong.verdict is Verdict.WRONG


def test_a_size_that_is_a_constant_of_a_layer_is_wrong_at_other_shapes() -> None:
    def backward(g: Any, x: Any) -> Any:
        return np.ones_like(x) * g / 20

    x = RNG.normal(size=(5, 4))
    found = trace_backward(lambda x: (x.mean(), x), backward, [x])
    assert isinstance(found, Traced)
    assert found.verdict is Verdict.WRONG
    assert "is a size a constant?" in str(found)
    alone = trace_backward(lambda x: (x.mean(), x), backward, [x], shapes=False)
    assert isinstance(alone, Traced)
    assert alone.verdict is Verdict.RIGHT


def test_too_many_operations_end_the_trace() -> None:
    def long(x: Any) -> Any:
        for _ in range(1200):
            x = x + 1.0
        return x.sum()

    found = trace_gradient(long, np.ones_like, [np.ones(1000)])
    assert isinstance(found, NotTraced)
    assert "scalar operations" in found.reason


@pytest.mark.parametrize(
    ("point", "seed"), [(0.5640987514192071, 20), (0.2650610614602896, 29), (0.20802889875925712, 126)]
)
def test_an_oscillation_of_which_hardly_a_period_is_near_accuses_nobody(point: float, seed: int) -> None:
    def function(x: Any) -> Any:
        return np.exp(-x * x) + 1e-12 * np.sin(100 * x)

    with pytest.raises(UndecidedError):
        check_gradient(function, lambda x: -2 * x * np.exp(-x * x), point, seed=seed)
