"""The door for numpy: what is said of formula, numbers and values, and which of them holds."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flint import ctx
from hand_written_gradients import examples, planted

from nn_from_scratch.verify import FunctionResult, GradientError, UndecidedError, Verdict, check_gradient
from nn_from_scratch.verify.functions.checking import examine_gradient
from nn_from_scratch.verify.functions.values import check_values

RNG = np.random.default_rng(0)
X, POSITIVE = RNG.normal(size=5), RNG.uniform(0.5, 2, 5)


def loss(x: Any) -> Any:
    return np.sum(np.log(np.sqrt(x * x + 1e-5)))


def loss_gradient(x: Any, epsilon: float = 1e-5) -> Any:
    return x / (x * x + epsilon)


def row(found: FunctionResult, name: str) -> Any:
    return next(row for row in found.rows if row.name == name)


def raised(function: Callable[..., Any], gradient: Callable[..., Any], inputs: Any) -> GradientError:
    with pytest.raises(GradientError) as caught:
        check_gradient(function, gradient, inputs)
    return caught.value


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_was_possible_is_said(dtype: type) -> None:
    found = check_gradient(loss, loss_gradient, X.astype(dtype))
    assert found.verdict is Verdict.RIGHT
    assert row(found, "rules").said.startswith("formula equal at this point to 7")
    assert row(found, "accuracy").said.startswith("numbers within ")
    assert row(found, "values").verdict is Verdict.RIGHT
    assert row(found, "contract").verdict is Verdict.RIGHT
    assert found.message.startswith("formula equal at this point to 7")
    assert abs(found.got - found.expected) <= found.interval


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_formula_that_is_proved_wrong_is_wrong_where_no_number_shows_it(dtype: type) -> None:
    error = raised(loss, lambda x: loss_gradient(x, 1.0000001e-5), X.astype(dtype))
    assert not isinstance(error, UndecidedError)
    assert "formula proved to differ" in str(error)
    assert "with 1e-05 in place of 1.0000001e-05 it is equal to" in str(error)
    assert "test_formulas_of_functions.py" in str(error)
    assert isinstance(error.result, FunctionResult)
    assert row(error.result, "values").verdict is Verdict.RIGHT
    assert row(error.result, "rules").verdict is Verdict.WRONG


def through_fourier(x: Any) -> Any:
    return float((np.fft.rfft(x).real ** 2).sum())


def through_fourier_gradient(x: Any) -> Any:
    turned = np.exp(-2j * np.pi * np.outer(np.arange(len(x) // 2 + 1), np.arange(len(x))) / len(x)).real
    return 2 * turned.T @ (turned @ x)


def test_what_is_not_traced_is_named_with_its_line_and_judged_by_its_values() -> None:
    found = check_gradient(through_fourier, through_fourier_gradient, X)
    assert found.verdict is Verdict.RIGHT
    said = row(found, "rules").said
    assert said.startswith("numbers compared only: ")
    assert "test_formulas_of_functions.py" in said
    assert row(found, "rules").verdict is None


def test_float32_inside_is_inaccurate_and_the_operation_is_named() -> None:
    error = raised(lambda x: np.sin(x).sum(), lambda x: np.cos(x.astype(np.float32)).astype(np.float64), X)
    assert isinstance(error.result, FunctionResult)
    assert error.result.verdict is Verdict.INACCURATE
    assert "float32 at test_formulas_of_functions.py" in str(error)
    assert "inside" in str(error)


def test_a_function_in_float32_inside_may_have_such_a_gradient() -> None:
    def shorter(x: Any) -> Any:
        return np.sin(x.astype(np.float32)).sum()

    assert check_gradient(shorter, np.cos, X)
    assert check_gradient(shorter, lambda x: np.cos(x.astype(np.float32)), X)
    assert check_gradient(shorter, lambda x: np.cos(x.astype(np.float32)).astype(np.float64), X)


def test_a_right_formula_hides_no_broken_contract() -> None:
    kept = np.zeros(5)

    def adding(x: Any) -> Any:
        np.add(kept, np.cos(x), out=kept)
        return kept.copy()

    error = raised(lambda x: np.sin(x).sum(), adding, X)
    assert "adds to its last result" in str(error)
    assert isinstance(error.result, FunctionResult)
    assert row(error.result, "contract").verdict is Verdict.WRONG


def test_a_right_formula_holds_against_differences() -> None:
    """The function oscillates below what steps resolve; its gradient is exactly its derivative."""

    def oscillating(x: Any) -> Any:
        return np.exp(-x * x).sum() + 1e-9 * np.sin(1e7 * x).sum()

    def exactly(x: Any) -> Any:
        return -2 * x * np.exp(-x * x) + 1e-2 * np.cos(1e7 * x)

    found = check_gradient(oscillating, exactly, X)
    assert found.verdict is Verdict.RIGHT
    values = row(found, "values")
    assert values.verdict is not Verdict.WRONG
    if values.verdict is Verdict.UNDECIDED:
        assert "the formula, which is exact at the point, holds" in values.said or "noise" in values.said


def test_a_right_formula_that_loses_its_digits_is_not_accused() -> None:
    def losing(x: Any) -> Any:
        return ((1 + x) ** 2 - 1 - x * x) / 2 * np.sin(x) / x

    point = 1e-9 * POSITIVE
    found = examine_gradient(lambda x: np.sum(1 - np.cos(x)), losing, point)
    assert not found.verdict.accuses
    accuracy = row(found, "accuracy")
    assert accuracy.verdict is Verdict.UNDECIDED
    assert "digits here, lost at subtract, test_formulas_of_functions.py" in row(found, "rules").said


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_gradient_overflows_where_its_formula_does_not() -> None:
    def stable(x: Any) -> Any:
        m = x.max()
        return np.log(np.exp(x - m).sum()) + m

    check_gradient(stable, lambda x: np.exp(x) / np.exp(x).sum(), X)
    assert "nan" in str(raised(stable, lambda x: np.exp(x) / np.exp(x).sum(), 800 + X))


@pytest.mark.parametrize("slope", [2.0, -1.0])
def test_at_a_kink_the_values_decide(slope: float) -> None:
    point = np.array([0.0, 1.0, 2.0])

    def relu(x: Any) -> Any:
        return np.maximum(x, 0).sum()

    found = check_gradient(relu, lambda x: np.where(x >= 0, 1.0, 0.0), point)
    assert "on the branch that the numbers take" in row(found, "rules").said
    check_gradient(relu, lambda x: np.where(x > 0, 1.0, 0.0), point)
    error = raised(relu, lambda x: np.where(x == 0, slope, np.where(x > 0, 1.0, 0.0)), point)
    assert "there is a kink here" in str(error)


def nested(tree: Any, c: Any) -> Any:
    y = np.tanh(tree["w"] @ tree["x"] + tree["b"][0])
    return {"y": y * c, "s": [y.sum(), 2.0 * tree["b"][1]]}


def nested_gradient(tree: Any, c: Any, g: Any) -> Any:
    y = np.tanh(tree["w"] @ tree["x"] + tree["b"][0])
    d = (g["y"] * c + g["s"][0]) * (1 - y * y)
    first = {"w": np.outer(d, tree["x"]), "x": tree["w"].T @ d, "b": (d.sum(), 2.0 * g["s"][1])}
    return first, (g["y"] * y).sum()


def test_nested_arguments_and_outputs_are_traced() -> None:
    tree = {"w": RNG.normal(size=(2, 3)), "x": RNG.normal(size=3), "b": (0.3, -0.7)}
    found = check_gradient(nested, nested_gradient, (tree, 1.5))
    assert row(found, "rules").said.startswith("formula equal at this point to 7"), found

    def wrong(tree: Any, c: Any, g: Any) -> Any:
        first, second = nested_gradient(tree, c, g)
        return {**first, "x": first["x"] * (1 + 1e-12)}, second

    assert "formula proved to differ" in str(raised(nested, wrong, (tree, 1.5)))


class Layer:
    """An example's forward and backward, as an object that brings both."""

    def __init__(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> None:
        self.forward, self.backward = forward, backward


@pytest.mark.once
@pytest.mark.parametrize("name", list(examples("float32")))
def test_sixteen_functions_are_right_by_every_row(name: str) -> None:
    forward, backward, inputs = examples("float32")[name]
    found = check_gradient(Layer(forward, backward), tuple(inputs))
    assert row(found, "rules").said.startswith("formula equal at this point to 7")
    verdicts = {row.name: row.verdict for row in found.rows}
    if verdicts.pop("other shapes") is None:
        assert name in {"cross entropy", "embedding"}, "their indices are of a fixed size"
    assert set(verdicts.values()) == {Verdict.RIGHT}
    with planted(1e-12), pytest.raises(GradientError, match="formula proved to differ"):
        check_gradient(Layer(forward, backward), tuple(inputs))


def test_what_is_not_traced_costs_one_more_call_and_long_traces_keep_the_count() -> None:
    calls = 0

    def counted(x: Any) -> Any:
        nonlocal calls
        calls += 1
        return through_fourier(x)

    found = check_gradient(counted, through_fourier_gradient, X)
    assert calls == found.evaluations
    calls_before, calls = calls, 0
    check_values(counted, through_fourier_gradient, X)
    assert calls_before <= calls + 3  # one elsewhere, before

    calls = 0

    def long(x: Any) -> Any:
        nonlocal calls
        calls += 1
        for _ in range(200):
            x = x + 0.0
        return np.sum(np.sin(x))

    found = check_gradient(long, np.cos, np.linspace(0, 1, 10_000))
    assert "scalar operations" in row(found, "rules").said
    assert calls <= 20


def test_flint_keeps_its_precision_whatever_is_found() -> None:
    before = ctx.prec, ctx.cap
    check_gradient(loss, loss_gradient, X)
    raised(loss, lambda x: x, X)

    def fails_under_the_tracer(x: Any) -> Any:
        return np.sin(x).sum() if type(x) is np.ndarray else 1 / 0

    assert check_gradient(fails_under_the_tracer, np.cos, X)
    assert (ctx.prec, ctx.cap) == before


SQUARE = RNG.normal(size=(3, 3))


def mean_of_rows(x: Any) -> Any:
    return np.sum(np.mean(np.sin(x), axis=1))


@pytest.mark.parametrize("cotangent", [False, True])
def test_a_fault_that_only_another_shape_shows_is_wrong_and_the_shape_is_told(cotangent: bool) -> None:
    if cotangent:
        error = raised(
            lambda x: np.mean(np.sin(x), axis=1), lambda x, g: g[:, None] * np.cos(x) / x.shape[0], SQUARE
        )
    else:
        error = raised(mean_of_rows, lambda x: np.cos(x) / x.shape[0], SQUARE)
        check_gradient(mean_of_rows, lambda x: np.cos(x) / x.shape[0], SQUARE, shapes=False)
    assert "at drawn inputs of shape (5, 3)" in str(error)
    assert isinstance(error.result, FunctionResult)
    assert row(error.result, "rules").verdict is Verdict.RIGHT
    assert row(error.result, "other shapes").verdict is Verdict.WRONG


def test_two_other_shapes_are_asked_and_said() -> None:
    found = check_gradient(mean_of_rows, lambda x: np.cos(x) / x.shape[1], SQUARE)
    assert row(found, "other shapes").verdict is Verdict.RIGHT
    assert row(found, "other shapes").said.count("formula equal") == 2
    assert "(5, 3)" in row(found, "other shapes").said


FIXED: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "a loop": (lambda x: sum(x[i] ** 2 for i in range(5)), lambda x: 2 * x),
    "a slice": (lambda x: np.sum(x[:5] ** 2), lambda x: 2 * x),
    "a number": (lambda x: np.sum(x) / 5, lambda x: np.ones_like(x) / x.size),
    "a root": (lambda x: np.sum(x) / np.sqrt(5.0), lambda x: np.ones_like(x) / np.sqrt(x.size)),
    "an array": (lambda x: np.sum(3 * x), lambda x: np.full(5, 3.0)),
}


def both_ends(x: Any) -> Any:
    g = np.zeros_like(x)
    g[0] = 2 * x[0]
    g[-1] = 2 * x[-1]
    return g


LABELS = np.array([2, 0, 4, 4])


def labelled(x: Any) -> Any:
    return np.log(np.exp(x).sum(axis=1)).sum() - x[np.arange(len(x)), LABELS].sum()


def labelled_gradient(x: Any) -> Any:
    g = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    g[np.arange(len(x)), LABELS] -= 1
    return g


def test_what_is_fixed_may_broadcast_against_a_batch_of_one() -> None:
    found = check_gradient(labelled, labelled_gradient, RNG.normal(size=(4, 5)))
    assert found
    assert "(1, 5)" not in row(found, "other shapes").said


FIXED["both ends"] = (lambda x: x[0] ** 2 + x[-1] ** 2, both_ends)


@pytest.mark.once
@pytest.mark.parametrize("name", FIXED)
def test_a_function_that_is_meant_for_one_size_is_not_accused_elsewhere(name: str) -> None:
    assert check_gradient(*FIXED[name], X)


@pytest.mark.once
def test_a_long_trace_tells_of_its_progress_and_takes_fifty_thousand_operations_a_second() -> None:
    told: list[tuple[int, int, str]] = []

    def told_of(done: int, of: int, words: str) -> None:
        told.append((done, of, words))

    def long(x: Any) -> Any:
        for _ in range(10):
            x = np.sin(x) * 1.5
        return np.sum(x)

    def backward(x: Any) -> Any:
        states = [x]
        for _ in range(10):
            states.append(np.sin(states[-1]) * 1.5)
        d = np.ones_like(x)
        for state in reversed(states[:-1]):
            d = d * 1.5 * np.cos(state)
        return d

    point = np.linspace(0.1, 1, 4000)
    before = time.process_time()
    found = check_gradient(long, backward, point, progress=told_of, shapes=False)
    taken = time.process_time() - before
    assert row(found, "rules").said.startswith("formula equal")
    assert told
    assert all(0 < done <= of and of % 5 == 0 and words for done, of, words in told)
    assert told == sorted(told)
    assert told[-1][1] / 5 / taken > 50_000


def test_factor_that_an_input_of_one_number_hides_is_seen_with_other_numbers() -> None:
    def shifted(x: Any, b: Any) -> Any:
        return (np.sin(x) * (1 + b)).sum()

    def right(x: Any, b: Any) -> Any:
        return np.cos(x) * (1 + b), np.sin(x)

    def forgets(x: Any, _: Any) -> Any:
        return np.cos(x), np.sin(x)

    assert check_gradient(shifted, right, (X, np.zeros(X.shape)))
    error = raised(shifted, forgets, (X, np.zeros(X.shape)))
    assert "right where input 1 has one number throughout" in str(error)
    assert "in the gradient of x0 a term is missing" in str(error)


def test_a_term_that_an_input_of_zeros_hides_is_not_called_right_for_being_small() -> None:
    def shifted(x: Any, b: Any) -> Any:
        return (np.sin(x) * (1 + b / 500)).sum()

    def right(x: Any, b: Any) -> Any:
        return np.cos(x) * (1 + b / 500), np.sin(x) / 500

    def forgets(x: Any, _: Any) -> Any:
        return np.cos(x), np.sin(x) / 500

    assert check_gradient(shifted, right, (X, np.zeros(X.shape)))
    with pytest.raises(UndecidedError, match="right where input 1 has one number throughout"):
        check_gradient(shifted, forgets, (X, np.zeros(X.shape)))


def test_a_value_that_is_0_and_computed_to_no_digit_hides_no_right_gradient() -> None:
    x = np.random.default_rng(67).normal(size=7)
    found = check_gradient(lambda x: np.sum(x - x.mean()), lambda x: 0 * x, x, seed=67)
    assert found
    assert "the numbers of the value keep only 0 digits here" in row(found, "rules").said
