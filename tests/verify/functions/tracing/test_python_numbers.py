"""Python's own numbers and the module math are traced as numpy is."""

import math
from collections.abc import Callable
from math import erf, exp
from math import sin as sine
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, check_gradient
from nn_from_scratch.verify.functions.result import FunctionResult
from nn_from_scratch.verify.functions.tracing.arrays.array import TracedArray
from nn_from_scratch.verify.functions.tracing.arrays.ended import TraceEndedError
from nn_from_scratch.verify.functions.tracing.arrays.python_numbers import SMOOTH, Float
from nn_from_scratch.verify.functions.tracing.arrays.runs import Subject
from nn_from_scratch.verify.functions.tracing.arrays.stand_in import standing_in
from nn_from_scratch.verify.functions.tracing.arrays.trace import Trace
from nn_from_scratch.verify.functions.tracing.constants import Reading
from nn_from_scratch.verify.functions.tracing.shadows import exact, exactly_computing, slope, value

PAIR = np.array([0.3, 0.7])


def said(found: FunctionResult) -> str:
    return next(row.said for row in found.rows if row.name == "rules")


def wave(x: float) -> float:
    return math.exp(-x * x) * math.sin(x)


def of_wave(x: float) -> float:
    return math.exp(-x * x) * (math.cos(x) - 2 * x * math.sin(x))


def wave_by_names(x: float) -> float:
    return exp(-x * x) * sine(x)


def loop(x: Any) -> float:
    total = 0.0
    for entry in x.tolist():
        total += math.tanh(entry)
    return total


def of_loop(x: Any) -> Any:
    return np.array([1 - math.tanh(entry) ** 2 for entry in x.tolist()])


def length(x: Any) -> float:
    first, second = x[0].item(), x.item(1)
    return math.hypot(first, second)


def typed(x: Any) -> Any:
    scale: Any = np.asarray([1, 2], dtype=float)
    total: Any = float((scale * x).sum())
    return total * total if isinstance(total, float) else None


RIGHT: dict[str, tuple[Callable[..., Any], Callable[..., Any], Any]] = {
    "float of the result": (lambda x: float(np.sum(np.sin(x))), np.cos, PAIR),
    "math": (wave, of_wave, 0.3),
    "names of math": (wave_by_names, of_wave, 0.3),
    "a loop over a list": (loop, of_loop, PAIR),
    "items": (length, lambda x: np.array([float(t) for t in x]) / math.hypot(*x), PAIR),
    "float as a dtype and a type": (typed, lambda x: 2 * (x[0] + 2 * x[1]) * np.array([1.0, 2.0]), PAIR),
    "a list": (
        lambda p: math.sqrt(p[0] ** 2 + p[1] ** 2),
        lambda p: [p[0] / math.hypot(*p), p[1] / math.hypot(*p)],
        [3.0, 4.0],
    ),
    "logarithms": (
        lambda x: math.log(x, 3) + math.log(x) + math.log1p(x) + math.log10(x),
        lambda x: 1 / (x * math.log(3)) + 1 / x + 1 / (1 + x) + 1 / (x * math.log(10)),
        0.3,
    ),
    "a sum": (lambda x: math.fsum(t * t for t in x), lambda x: 2 * x, PAIR),
    "a sign": (lambda x: math.copysign(x * x, x) + math.fabs(x), lambda x: 2 * math.fabs(x) - 1, -0.4),
    "the error function": (
        lambda x: float(erf(x)) + math.erfc(2 * x),
        lambda x: 2 / math.sqrt(math.pi) * (math.exp(-x * x) - 2 * math.exp(-4 * x * x)),
        0.4,
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_formulas_with_numbers_of_python_are_equal(name: str) -> None:
    function, gradient, x = RIGHT[name]
    assert "formula equal at this point to 7" in said(check_gradient(function, gradient, x))
    with pytest.raises(GradientError, match="formula proved to differ"):
        check_gradient(function, lambda x: np.asarray(gradient(x)) * (1 + 1e-12), x)


@pytest.mark.parametrize("name", SMOOTH)
def test_every_function_has_its_own_derivative(name: str) -> None:
    if not hasattr(math, name):
        pytest.skip(f"this Python has no math.{name}")
    function = getattr(math, name)
    x = 1.3 if name == "acosh" else 0.6
    others = (0.4,) if name in {"atan2", "hypot", "pow"} else ()
    h = 1e-5
    difference = (function(x + h, *others) - function(x - h, *others)) / (2 * h)
    subject = Subject(lambda t: (named(name)(t, *others), t), lambda g, _: g, (np.array(x),))
    with exactly_computing():
        (output,), _ = subject.derivative([np.array(1.0)], Reading.RECOGNISED)
        assert float(value(output[()]).mid()) == pytest.approx(function(x, *others), rel=1e-15)
        assert float(slope(output[()]).mid()) == pytest.approx(difference, rel=1e-8)


def named(name: str) -> Callable[..., Any]:
    """Return a function of math, as it stands in this module while something is traced."""
    function: Callable[..., Any] = getattr(math, name)
    return function


def test_an_array_of_several_entries_becomes_no_number() -> None:
    trace = Trace()
    array = TracedArray(PAIR, exact(PAIR), trace)
    with (
        standing_in(trace, (wave,)),
        pytest.raises(TraceEndedError, match="an array becomes a number of Python's"),
    ):
        math.sin(array)


@pytest.mark.parametrize("rounded", [math.floor, int, round, lambda x: round(x, 0)])
def test_what_python_rounds_has_steps(rounded: Callable[[Any], Any]) -> None:
    name = getattr(rounded, "__name__", "")
    function = (lambda x: x * math.floor(x)) if name == "floor" else lambda x: x * rounded(x)
    assert "it has steps" in said(check_gradient(function, lambda x: 2.0 + 0 * x, 2.3))


def test_names_are_put_back() -> None:
    names = globals()
    assert "float" not in names
    before = math, exp, sine
    with pytest.raises(GradientError):
        check_gradient(wave, lambda x: 2 * of_wave(x), 0.3)
    assert "float" not in names
    assert before == (math, exp, sine)


def test_the_stand_in_makes_plain_numbers_of_everything_else() -> None:
    assert type(Float("2.5")) is float
    assert Float() == 0.0
    assert isinstance(1.0, Float)
    assert not isinstance(1, Float)
    assert issubclass(np.float64, Float)
    assert not issubclass(int, Float)
    assert np.zeros(2, Float).dtype == np.float64
    assert Float.fromhex("0x1p-1") == 0.5


_IN_FLOAT64 = {  # what numpy computes in float64 whatever it is given, as functions that are linear in x
    "interp": lambda x: np.interp([0.5, 1.25], [0.0, 1.0, 2.0, 4.0], x),
    "polyval": lambda x: np.polyval(x, 2.0),
    "vander": lambda x: np.vander(x, 2),
    "bincount": lambda x: np.bincount([0, 1, 0, 1], weights=x),
}
_AS_GIVEN = {
    "nanmean": np.nanmean,
    "mean of some": lambda x: np.mean(x, where=[True, False, True, False]),
    "quantile": lambda x: np.quantile(x, 0.25),
    "percentile": lambda x: np.percentile(x, 25.0),
    "polynomial at x": lambda x: np.polyval([2.0, 1.0], x),
}


@pytest.mark.parametrize("name", [*_IN_FLOAT64, *_AS_GIVEN])
def test_functions_are_traced_in_the_format_that_numpy_computes_in(name: str) -> None:
    function: Any = {**_IN_FLOAT64, **_AS_GIVEN}[name]
    at = np.array([0.25, 1.5, -0.5, 0.75], np.float32)
    rows = [np.asarray(function(at + one) - function(at)) for one in np.eye(4, dtype=np.float32) / 4]
    slopes = 4 * np.stack([row.astype(np.float64) for row in rows])
    found = check_gradient(function, lambda x, c: np.tensordot(slopes, c, np.ndim(c)).astype(np.float32), at)
    assert "rules: right: formula equal at this point" in str(found)
