"""Gradients of PyTorch whose code is not traced are judged by the formula of their function."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch")
pytestmark = pytest.mark.once

from torch_functions import question  # noqa: E402

from nn_from_scratch.verify.functions.pytorch.by_forward import numbers_by_forward  # noqa: E402
from nn_from_scratch.verify.functions.pytorch.question import Question, cotangents  # noqa: E402
from nn_from_scratch.verify.functions.tracing.by_forward import ByForward  # noqa: E402
from nn_from_scratch.verify.judging.verdicts import Verdict  # noqa: E402
from nn_from_scratch.verify.torch import examine  # noqa: E402

Function: Any = torch.autograd.Function


def by_numpy(forward: Callable[..., Any], backward: Callable[..., Any]) -> Any:
    """Make a function whose backward is numpy's: it maps a cotangent and the inputs to gradients."""

    class ByNumpy(Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, *inputs: Any) -> Any:
            ctx.save_for_backward(*inputs)
            return forward(*inputs)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            inputs = ctx.saved_tensors
            found = backward(*(x.detach().double().numpy() for x in (g, *inputs)))
            parts = found if isinstance(found, tuple) else (found,)
            return tuple(torch.from_numpy(np.array(x)).to(g.dtype) for x in parts)

    return ByNumpy.apply


def off(function: Callable[..., Any], size: float, entry: int = 0) -> Any:
    """Return a function of which one entry of the first gradient is off by a part of its norm."""

    def backward(g: Any, _: Any) -> Any:
        found = g.copy()
        found.flat[entry] += size * np.linalg.norm(g)
        return found

    wrong = by_numpy(torch.clone, backward)
    return lambda x, *others: function(wrong(x), *others)


def found(function: Any, *inputs: Any, dtype: Any = torch.float64, seed: int = 0) -> ByForward:
    tensors = [torch.tensor(x, dtype=dtype, requires_grad=True) for x in inputs]
    return judged(function, tensors, seed)


def judged(function: Any, inputs: Any, seed: int = 0) -> ByForward:
    asked = Question(function, inputs)
    return numbers_by_forward(asked, cotangents(asked.run().outputs, seed), seed)


@pytest.mark.parametrize(
    ("factor", "dtype"),
    [(1.0, torch.float64), (1.001, torch.float64), (1.0, torch.bfloat16), (1.2, torch.bfloat16)],
)
def test_a_gradient_below_the_noise_of_values_is_right_or_wrong(factor: float, dtype: Any) -> None:
    drowned = by_numpy(
        lambda x: 1e10 + 1e-6 * torch.sin(x).sum(), lambda g, x: g * np.cos(x) * (1e-6 * factor)
    )
    row = numbers_of(drowned, dtype)
    if factor == 1.0:
        assert row.verdict is Verdict.RIGHT, row
        assert "units of the function's own formula" in row.said
    else:
        assert row.verdict is Verdict.WRONG, row
        assert re.search(r"the derivative for input 0\[1\] is 1\.\d+e-07, the truth is 1\.(40|39)", row.said)


def numbers_of(function: Any, dtype: Any) -> Any:
    x = torch.tensor([0.3, -0.7, 1.1], dtype=dtype, requires_grad=True)
    return {row.name: row for row in examine(function, x, transforms=[]).rows}["numbers"]


def test_what_digits_of_a_narrow_format_explain_is_open_in_float64() -> None:
    """A backward may keep numbers of its own, in the format that it was made for."""
    kept = torch.tensor([0.3, -0.7, 1.1], dtype=torch.bfloat16).cos().double().numpy()
    drowned = by_numpy(lambda x: 1e10 + 1e-6 * torch.sin(x).sum(), lambda g, x: g * kept * 1e-6)
    assert numbers_of(drowned, torch.bfloat16).verdict is Verdict.UNDECIDED
    assert found(drowned, [0.30078125, -0.69921875, 1.1015625]).verdict is Verdict.WRONG


SEEN = ["layer norm", "logsumexp", "gelu", "cumsum"]


@pytest.mark.parametrize("name", [*SEEN, "huber"])
def test_functions_as_people_write_them_are_right_and_an_entry_that_is_off_is_seen(name: str) -> None:
    function, inputs = question(name, torch.float64)
    assert judged(function, inputs).verdict is Verdict.RIGHT
    wrong = judged(off(function, 1e-3), inputs)
    if name == "huber":
        assert wrong.verdict is None
        assert "switches between formulas that are nearly alike" in wrong.said
    else:
        assert wrong.verdict is Verdict.WRONG, wrong.said


X, W = [0.3, -0.7, 1.1, 0.0], [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("forward", "backward", "said"),
    [
        (lambda x, w: x.round() * w, lambda g, x, w: (g * w, g * np.round(x)), "it has steps"),
        (lambda x, w: x.sign() * w, lambda g, x, w: (g * w, g * np.sign(x)), "values decide"),
        (lambda x, w: (x > 0.2).to(x.dtype) * w, lambda g, x, w: (g * w, g * (x > 0.2)), "values decide"),
        (
            lambda x, w: (4 * x).to(torch.int32).to(x.dtype) * w,
            lambda g, x, w: (4 * g * w, g * np.trunc(4 * x)),
            "values decide",
        ),
        (
            lambda x, w: w[(x[:, None] - w).abs().argmin(1)],
            lambda g, x, w: (g, g @ (np.abs(x[:, None] - w).argmin(1)[:, None] == np.arange(4))),
            "a kink|values decide",
        ),
        (
            lambda x, w: x.detach().sin() * w,
            lambda g, x, w: (0 * g * w, g * np.sin(x)),
            "the function detaches",
        ),
        (lambda x, w: torch.rand(4, dtype=x.dtype) * x * w, lambda g, x, w: (g * w, g * x), "random"),
    ],
)
def test_what_stands_for_something_else_is_left_open(forward: Any, backward: Any, said: str) -> None:
    answer = found(by_numpy(forward, backward), X, W)
    assert answer.verdict is None
    assert any(part in answer.said for part in said.split("|")), answer.said


def test_what_is_cut_off_around_a_function_is_a_constant() -> None:
    sine = by_numpy(torch.sin, lambda g, x: g * np.cos(x))

    def scaled(x: Any) -> Any:
        with torch.no_grad():
            size = x.abs().max()
        return sine(x) * size * x.detach()

    assert found(scaled, W).verdict is Verdict.RIGHT
    answer = found(lambda x: scaled(off(lambda y: y, 0.1)(x)), W)
    assert answer.verdict is None
    assert "the function detaches" in answer.said


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_compiled_code_computes_without_gradients_is_a_constant() -> None:
    def scaled(x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            size = x.abs().max()
        return size * x

    compiled = torch.jit.script(scaled)
    assert found(lambda x: compiled(off(lambda y: y, 0.0)(x)), W).verdict is Verdict.RIGHT
    answer = found(lambda x: compiled(off(lambda y: y, 0.1)(x)), W)
    assert answer.verdict is None
    assert "the function detaches" in answer.said


def newton(x: Any, steps: int = 5) -> Any:
    y = x
    for _ in range(steps):
        y = 0.5 * (y + x / y)
    return y


def test_an_iteration_that_ends_early_is_left_open() -> None:
    answer = found(by_numpy(lambda x: newton(x, 4), lambda g, x: g * 0.495 / np.sqrt(x)), [2.0, 1.5, 1.3])
    assert answer.verdict is None
    assert "it may iterate to a limit" in answer.said


def approximate_erf(x: Any) -> Any:
    t = 1 / (1 + 0.3275911 * x)
    terms = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return 1 - terms * torch.exp(-x * x)


def test_a_fitted_formula_is_left_open() -> None:
    density = by_numpy(approximate_erf, lambda g, x: g * 1.001 * 2 / np.sqrt(np.pi) * np.exp(-x * x))
    answer = found(density, [0.3, 0.7, 1.1])
    assert answer.verdict is None
    assert "the constants of a fitted formula" in answer.said


def quadrature(x: Any) -> Any:
    nodes = torch.linspace(0, 1, 20, dtype=x.dtype)
    return torch.exp(-(nodes[:, None] ** 2) * x).mean(0)


def of_its_integral(g: Any, x: Any) -> Any:
    nodes = np.linspace(0, 1, 10001)[:, None] ** 2
    return g * np.mean(-nodes * np.exp(-nodes * x), axis=0)


def test_a_sum_over_a_grid_is_left_open() -> None:
    answer = found(by_numpy(quadrature, of_its_integral), [0.3, 0.7])
    assert answer.verdict is None
    assert "it uses a grid of numbers" in answer.said


def test_a_gradient_without_the_noise_of_its_function_is_left_open() -> None:
    noisy = by_numpy(lambda x: x.sin() + 1e-3 * torch.sin(1e9 * x), lambda g, x: g * np.cos(x))
    answer = found(noisy, [0.3, 0.7])
    assert answer.verdict is None
    assert "the function may be noisy" in answer.said


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("at", [0.0, 1e-14])
def test_entries_beside_a_kink_have_a_derivative(slope: float, at: float) -> None:
    def backward(g: Any, x: Any) -> Any:
        return g * 2 * np.where(np.abs(x) <= at, slope, x > 0)

    kinked = by_numpy(lambda x: 2 * torch.relu(x), backward)
    point = [0.3, at, -0.7, 1.1]
    own = found(kinked, point).verdict
    assert own is (Verdict.RIGHT if at and slope == 1 else None)
    answer = found(off(kinked, 0.1, 3), point)
    assert answer.verdict is Verdict.WRONG, answer.said
    assert [line.partition(" is ")[0] for line in answer.said.splitlines()[1:]] == [
        "the derivative for input 0[3]"
    ]


def test_parameters_are_judged_by_their_names() -> None:
    class Layer(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.scale = torch.nn.Parameter(torch.tensor([1.5, 2.5], dtype=torch.float64))

        def forward(self, x: Any) -> Any:
            scaled = by_numpy(lambda x, s: torch.tanh(x * s), self.backward)
            return scaled(x, self.scale)

        factor = 1.0

        def backward(self, g: Any, x: Any, s: Any) -> Any:
            slope = g * (1 - np.tanh(x * s) ** 2)
            return slope * s, self.factor * slope * x

    layer = Layer()
    assert found(layer, [0.3, -0.2]).verdict is Verdict.RIGHT
    layer.factor = 1.01
    answer = found(layer, [0.3, -0.2])
    assert answer.verdict is Verdict.WRONG
    assert "the derivative for parameter scale[0] is" in answer.said
    assert "input 0" not in answer.said


def test_numbers_are_judged_by_the_format_that_is_computed_in() -> None:
    def halves(x: Any) -> Any:
        return (x.half() ** 2).to(x.dtype)

    for right in (lambda g, x: 2 * g * x, lambda g, x: 2 * g * x.astype(np.float16).astype(np.float64)):
        assert found(by_numpy(halves, right), X).verdict is not Verdict.WRONG
    assert found(by_numpy(halves, lambda g, x: 2.3 * g * x), X).verdict is Verdict.WRONG
    near = by_numpy(halves, lambda g, x: 2.001 * g * x)
    assert found(near, X) == ByForward(None, "rounding may explain it")


def test_where_the_forward_is_not_traced_nothing_is_said() -> None:
    sine = by_numpy(lambda x: torch.from_numpy(np.sin(x.detach().numpy())), lambda g, x: 2 * g * np.cos(x))
    answer = found(sine, X)
    assert answer.verdict is None
    assert "outside of the trace" in answer.said
