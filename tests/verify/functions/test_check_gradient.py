from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify import GradientError, UndecidedError, check_gradient
from nn_from_scratch.verify.functions.black_box import BlackBox
from nn_from_scratch.verify.functions.values import check_values, differences
from nn_from_scratch.verify.judging.verdicts import Verdict

RNG = np.random.default_rng(0)


def softmax_loss(x: Any) -> Any:
    return np.log(np.exp(x).sum()) - x.flat[0]


def softmax_loss_gradient(x: Any) -> Any:
    g = np.exp(x) / np.exp(x).sum()
    g.flat[0] -= 1
    return g


def waves(x: Any) -> Any:
    return np.sum(np.sin(x) * x)


def waves_gradient(x: Any) -> Any:
    return np.cos(x) * x + np.sin(x)


def off(gradient: Any, entry: Any, factor: float) -> Any:
    def wrong(x: Any) -> Any:
        g = np.array(gradient(x))
        g[entry] *= factor
        return g

    return wrong


@pytest.mark.parametrize("x", [0.7, np.array(0.7), np.array([0.3, -0.2, 1.5]), RNG.normal(size=(3, 4))])
def test_right_gradient_passes(x: Any) -> None:
    found = check_gradient(waves, waves_gradient, x)
    assert abs(found.got - found.expected) <= found.interval < 1e-9
    assert found.miss_probability(1e-3) < 1e-5


def test_function_of_several_arguments_passes() -> None:
    x, y = RNG.normal(size=(2, 3)), RNG.normal(size=3)
    check_gradient(lambda x, y: np.sum(x @ y) ** 2, both, (x, y))
    with pytest.raises(GradientError, match=r"the derivative for x1\[0\] is .*\n.*x1\[1\].*\n.*x1\[2\]"):
        check_gradient(lambda x, y: np.sum(x @ y) ** 2, lambda x, y: (both(x, y)[0], y), (x, y))


def both(x: Any, y: Any) -> Any:
    s = 2 * np.sum(x @ y)
    return s * np.broadcast_to(y, x.shape), s * x.sum(axis=0)


def test_failure_names_entry_got_expected_interval_and_oracle() -> None:
    x = np.array([[0.5, 0.1], [-0.3, 0.8]])
    with pytest.raises(GradientError) as raised:
        check_gradient(softmax_loss, off(softmax_loss_gradient, (1, 0), 1.001), x)
    first, last = str(raised.value).splitlines()
    right = float(softmax_loss_gradient(x)[1, 0])
    assert first.startswith(f"the derivative for x[1, 0] is {right * 1.001!r}, expected 0.1295")
    assert "(finite differences): the error is " in first
    assert last.startswith("(found by ")


@pytest.mark.once
def test_ten_thousand_inputs_take_a_constant_number_of_evaluations() -> None:
    calls = 0

    def counted(x: Any) -> Any:
        nonlocal calls
        calls += 1
        return waves(x)

    x = RNG.normal(size=10_000)
    check_gradient(counted, waves_gradient, x)
    assert calls <= 20
    with pytest.raises(GradientError, match=r"the derivative for x\[7919\] is ") as raised:
        check_gradient(counted, off(waves_gradient, 7_919, 1 + 1e-6), x)
    _, _, cause, found_by = str(raised.value).splitlines()
    assert "with 1.0 in place of 1.000001 it is equal to" in cause
    assert "test_check_gradient.py" in cause
    assert found_by.startswith("(found by ")
    assert calls <= 20 + 20 + 4 * 14


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_gradient_that_is_no_number_fails(wrong: float) -> None:
    with pytest.raises(GradientError, match=r"the derivative for x\[2\] is (nan|inf)"):
        check_gradient(waves, off(waves_gradient, 2, wrong), np.array([0.3, 0.4, 0.5, 0.6]))


def test_gradient_of_zero_is_caught() -> None:
    with pytest.raises(GradientError, match=r"the derivative for x is 0\.0"):
        check_gradient(np.sin, lambda x: 0.0 * x, 0.3)


def test_constant_function_has_gradient_zero() -> None:
    check_gradient(lambda x: 3.0, np.zeros_like, np.array([1.0, 2.0]))
    with pytest.raises(GradientError):
        check_gradient(lambda x: 3.0, lambda x: 0 * x + 1e-3, np.array([1.0, 2.0]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("factor", [1.0, 1.1, -1.0])
def test_a_change_that_is_lost_beside_a_large_constant_is_not_called_right(
    dtype: Any, count: int, factor: float
) -> None:
    """Every value is 1e20, and so every difference 0: as good as any gradient that is smaller."""
    x = np.linspace(0.3, 0.9, count).astype(dtype)
    with pytest.raises(UndecidedError, match="the same around the point"):
        check_values(lambda x: dtype(1e20) + np.sin(x).sum(), lambda x: np.cos(x) * dtype(factor), x)
    assert check_values(lambda x: dtype(1e20), np.zeros_like, x).right


def test_what_a_kink_lets_differ_is_said() -> None:
    def last(text: str) -> str:
        return text.splitlines()[-2]

    x = np.array([0.0, 1.0, -2.0])
    at_kink = last(str(check_gradient(lambda x: np.abs(x).sum(), lambda x: np.where(x >= 0, 1.0, -1.0), x)))
    assert at_kink.endswith("beside it, for there is a kink")
    assert "kink" not in last(str(check_gradient(lambda x: (x * x).sum(), lambda x: 2 * x, x)))


def test_a_function_that_explodes_far_away_is_judged_by_what_it_is_nearby() -> None:
    def explodes(x: Any) -> Any:
        return np.sin(x).sum() + (x**400).sum()

    x = np.linspace(0.3, 0.9, 5)
    for factor in (1.0, 2.0):
        box = BlackBox(explodes, lambda x, factor=factor: np.cos(x) * factor, x, seed=0)
        found = box.along(box.direction(0), thorough=True)
        assert (found.right, found.wrong) == (factor == 1.0, factor == 2.0)
        assert found.interval < 1e-9


@pytest.mark.parametrize("factor", [1.0, 1.1])
def test_what_is_lost_nearby_is_not_called_right_because_it_grows_far_away(factor: float) -> None:
    def explodes(x: Any) -> Any:
        return np.float32(2**45) + np.exp(x).sum()

    x = np.linspace(0.3, 0.9, 4).astype(np.float32)
    with pytest.raises(UndecidedError, match="the same around the point"):
        check_values(explodes, lambda x: np.exp(x) * np.float32(factor), x)


def test_an_entry_that_saturates_may_be_as_small_as_it_likes() -> None:
    x = np.array([0.3, 40.0])
    assert check_values(lambda x: np.tanh(x).sum(), lambda x: 1 / np.cosh(x) ** 2, x).right


@pytest.mark.parametrize(("function", "x"), [(np.round, -1.17560953), (np.floor, -1.29702002)])
def test_derivative_of_stairs_is_not_accused(function: Any, x: float) -> None:
    with pytest.raises(UndecidedError):
        check_gradient(lambda x: function(x).sum(), np.zeros_like, np.array([x]))


@pytest.mark.once
@pytest.mark.parametrize(("decimals", "count"), [(1, 80), *((d, n) for d in range(12) for n in (1, 4))])
def test_neither_derivative_of_what_is_rounded_is_accused(decimals: int, count: int) -> None:
    def rounded(x: Any) -> Any:
        return np.round(x, decimals).sum()

    for seed in range(2):
        x = np.random.default_rng(seed).normal(size=count)
        for gradient in (np.zeros_like, np.ones_like)[: 1 + (decimals > 0)]:
            try:
                check_gradient(rounded, gradient, x, seed=seed)
            except UndecidedError:
                continue


@pytest.mark.parametrize("decimals", [4, 8, 10])
def test_derivative_that_is_neither_of_what_is_rounded_is_wrong(decimals: int) -> None:
    x = np.random.default_rng(3).normal(size=4)
    with pytest.raises(GradientError) as raised:
        check_gradient(lambda x: np.round(x, decimals).sum(), lambda x: np.full_like(x, 0.9), x)
    assert not isinstance(raised.value, UndecidedError)


def test_second_look_at_other_steps_clears_what_a_first_one_accuses() -> None:
    table = np.sin(np.linspace(-4, 4, 10))
    with pytest.raises(UndecidedError, match="a second look at other steps"):
        check_gradient(
            lambda x: table[np.round((x + 4) / 8 * 9).astype(int)].sum(),
            np.cos,
            np.random.default_rng(1).normal(size=1),
            seed=1,
        )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_gradient_of_zero_is_wrong_where_stairs_are_those_of_rounding(dtype: Any) -> None:
    x = (np.random.default_rng(0).normal(size=5) * 1000).astype(dtype)
    with pytest.raises(GradientError) as raised:
        check_gradient(lambda x: np.sum(x * x), np.zeros_like, x)
    assert not isinstance(raised.value, UndecidedError)


@pytest.mark.parametrize("error", [0.0, 1e-3, -1e-2])
@pytest.mark.parametrize("seed", range(4))
def test_terms_that_cancel_in_float16_hide_errors_and_are_undecided(error: float, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=7).astype(np.float16)
    with pytest.raises(UndecidedError, match="noise is about"):  # the formula would show it
        check_values(lambda x: np.sum(x - np.mean(x)), lambda x: np.full_like(x, error), x, seed=seed)


@pytest.mark.once
@pytest.mark.parametrize(("dtype", "error"), [(np.float64, 1e-3), (np.float32, 0.1)])
@pytest.mark.parametrize("seed", range(4))
def test_terms_that_cancel_in_longer_types_show_errors(dtype: Any, error: float, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=7).astype(dtype)
    check_gradient(lambda x: np.sum(x - np.mean(x)), np.zeros_like, x, seed=seed)
    with pytest.raises(GradientError) as raised:
        check_gradient(lambda x: np.sum(x - np.mean(x)), lambda x: np.full_like(x, error), x, seed=seed)
    assert not isinstance(raised.value, UndecidedError)


@pytest.mark.parametrize("function", [np.floor, np.sign])
@pytest.mark.parametrize("count", [3, 40])
@pytest.mark.parametrize("slope", [0.5, 5.0])
def test_stairs_call_no_other_slope_right(function: Any, count: int, slope: float) -> None:
    x = np.random.default_rng(4).normal(size=count) * 3
    with pytest.raises(GradientError):  # or UndecidedError, which is one
        check_gradient(lambda x: function(x).sum(), lambda x: np.full_like(x, slope), x)


@pytest.mark.parametrize("slope", [-1.0, 0.0, 0.3, 1.0])
def test_any_slope_between_those_at_both_sides_of_a_kink_is_right(slope: float) -> None:
    check_gradient(np.abs, lambda x: slope, 0.0)


ROUND = ([0.0, 1.0, -1.0, 0.0], [0.0, 2.0, -0.3], [0.0, 0.7, 0.3, -1.1, 0.0, 2.0])


@pytest.mark.parametrize("slope", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("point", ROUND, ids=str)
def test_straight_lines_among_round_numbers_show_no_short_format(point: Any, slope: float) -> None:
    """Their values at a few steps, and their gradients, have few digits in any format."""
    for seed in range(12):
        rng = np.random.default_rng(seed)
        sizes = rng.choice([-1.0, 1.0], len(point)) * (2 * rng.integers(0, 32, len(point)) + 1) / 16
        box = BlackBox(
            lambda x, c=sizes: float(c @ np.maximum(x, 0)),
            lambda x, c=sizes: c * np.where(x == 0, slope, x > 0),
            np.array(point),
            seed,
        )
        assert differences(box).verdict is (Verdict.WRONG if slope > 1 else Verdict.RIGHT)


@pytest.mark.parametrize("slope", [2.0, -1.5])
def test_slope_beyond_those_at_both_sides_of_a_kink_is_wrong(slope: float) -> None:
    with pytest.raises(GradientError, match="there is a kink here, and anything from -1 to 1 would do"):
        check_gradient(np.abs, lambda x: slope, 0.0)


@pytest.mark.parametrize("seed", range(4))
def test_shares_of_a_tie_are_no_more_than_the_whole(seed: int) -> None:
    x = np.array([1.0, 3.0, 3.0])
    check_gradient(np.max, lambda x: (x == x.max()) / 2, x, seed=seed)
    with pytest.raises(GradientError, match="expected"):
        check_gradient(np.max, lambda x: np.where(x == x.max(), 1.0, 0.0), x, seed=seed)


TIES: dict[str, tuple[Any, Any, Any]] = {
    "largest": (np.max, lambda x: (x == x.max()) / 2, np.array([1.0, 3.0, 3.0])),
    "largest size": (
        lambda x: np.max(np.abs(x)),
        lambda x: np.sign(x) * (np.abs(x) == np.abs(x).max()) / 2,
        np.array([1.0, -3.0, 3.0]),
    ),
    "of three, scaled and squared": (
        lambda x: 1.7 * np.max(x) ** 2,
        lambda x: 3.4 * x.max() * (x == x.max()) / 3,
        np.array([2.0, 0.5, 2.0, 2.0, -1.0]),
    ),
    "of terms that grow unlike": (
        lambda x: max(2 * x[0], 3 * x[1]) + x[0] ** 2,
        lambda x: np.array([1 + 2 * x[0], 1.5]),
        np.array([3.0, 2.0]),
    ),
}


@pytest.mark.parametrize("name", TIES)
def test_shares_of_a_tie_make_the_whole_to_all_digits(name: str) -> None:
    # Where all of them grow alike there is no kink: up to a hundredth too much was right before.
    function, gradient, x = TIES[name]
    check_values(function, gradient, x)
    for factor in (1.0001, 1.001, 1.01):
        with pytest.raises(GradientError):  # or UndecidedError, which is one
            check_values(function, lambda x, factor=factor: factor * gradient(x), x)


def test_derivative_of_the_formula_that_another_stands_for_is_not_accused() -> None:
    # x for log(1 + exp(x)) from 20 on: of four numbers one is so large, and off by 2.6e-11.
    def softplus(x: Any) -> Any:
        return np.sum(np.where(x > 20, x, np.log1p(np.exp(x))))

    def sigmoid(x: Any) -> Any:
        return 1 / (1 + np.exp(-x))

    x = np.array([0.51, 5.03, 24.37, 60.1])
    with pytest.raises(UndecidedError, match="may be the derivative of the other formula"):
        check_gradient(softplus, sigmoid, x)
    with pytest.raises(GradientError) as raised:
        check_gradient(softplus, lambda x: 1.01 * sigmoid(x), x)
    assert not isinstance(raised.value, UndecidedError)


def test_choice_between_equal_numbers_is_not_accused() -> None:
    x = np.array([3.0, 3.0, 3.0])
    for share in ([0.0, 1.0, 0.0], [1 / 3, 1 / 3, 1 / 3]):
        with pytest.raises(UndecidedError, match="has no derivative here"):
            check_gradient(np.median, lambda x, share=share: np.array(share), x)


def test_float16_that_is_near_no_tie_is_judged_by_its_formula() -> None:
    x = np.array([0.7, 1.1, -0.4], np.float16)

    def softmax(x: Any, cotangent: Any) -> Any:
        p = np.exp(x - x.max()) / np.exp(x - x.max()).sum()
        return p * (cotangent - (p * cotangent).sum())

    check_gradient(lambda x: np.exp(x - x.max()) / np.exp(x - x.max()).sum(), softmax, x)


def test_function_and_gradient_cannot_change_the_inputs() -> None:
    x = np.array([1.0, 2.0])

    def destructive(x: Any) -> Any:
        x *= 2
        return np.sum(x)

    check_gradient(destructive, lambda x: np.full(2, 2.0), x)
    assert x.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("function", "gradient", "inputs", "message"),
    [
        (np.sin, np.cos, [0.1, 0.2], r"must return a number, not shape \(2,\): sum its entries"),
        (np.sum, np.sum, [0.1, 0.2], r"the gradient has shape \(\), the input \(2,\)"),
        (np.sum, np.ones_like, [], "finite numbers, at least one"),
        (np.sum, np.ones_like, [np.nan], "finite numbers, at least one"),
    ],
)
def test_bad_input_is_told(function: Any, gradient: Any, inputs: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_gradient(function, gradient, inputs)


def test_looking_for_wrong_entries_of_sizes_that_are_unlike_comes_to_an_end() -> None:
    def function(x: Any) -> Any:
        return float(np.sum(np.log(x) ** 2))

    def gradient(x: Any) -> Any:
        return 2 * np.log(x) / x

    x = np.logspace(-6, 6, 100)
    check_values(function, gradient, x)
    with pytest.raises(GradientError) as raised:
        check_values(function, lambda x: 1.5 * gradient(x), x)
    assert not isinstance(raised.value, UndecidedError)


@pytest.mark.once
def test_numbers_of_unlike_size_move_by_their_own_size_too() -> None:
    """Small numbers have the large derivatives here: along a direction of one size nothing else is seen."""
    point = np.logspace(-6, 6, 40)

    def value(x: Any) -> float:
        return float(np.sum(np.log(x) ** 2))

    def wrong_at_large_numbers(x: Any) -> Any:
        return np.where(x > 1e3, 1.5, 1.0) * 2 * np.log(x) / x

    assert check_gradient(value, lambda x: 2 * np.log(x) / x, point)
    with pytest.raises(GradientError):
        check_gradient(value, wrong_at_large_numbers, point)


@pytest.mark.once
@pytest.mark.parametrize(("count", "zeros"), [(6, 3), (30, 10), (200, 6)])
@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0, 2.0, -1.0])
def test_each_of_several_kinks_has_a_choice_of_its_own(count: int, zeros: int, slope: float) -> None:
    x = np.random.default_rng(0).normal(size=count)
    x[:zeros] = 0.0

    def gradient(x: Any, cotangent: Any) -> Any:
        return cotangent * np.where(x > 0, 1.0, np.where(x < 0, 0.0, slope))

    for seed in range(2):
        if 0 <= slope <= 1:
            check_gradient(lambda x: np.maximum(x, 0), gradient, x, seed=seed)
        else:
            with pytest.raises(GradientError, match="there is a kink here"):
                check_gradient(lambda x: np.maximum(x, 0), gradient, x, seed=seed)


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_kinks_at_many_inputs_are_no_accusation(slope: float) -> None:
    x = np.random.default_rng(0).normal(size=2000)
    x[:700] = 0.0

    def gradient(x: Any, cotangent: Any) -> Any:
        return cotangent * np.where(x > 0, 1.0, np.where(x < 0, 0.0, slope))

    if slope in {0.0, 1.0}:  # by one choice at all of them
        assert check_gradient(lambda x: np.maximum(x, 0), gradient, x)
        return
    with pytest.raises(UndecidedError, match="kinks for too many of the inputs"):
        check_gradient(lambda x: np.maximum(x, 0), gradient, x)


def test_pools_with_ties_share_no_more_than_the_whole() -> None:
    x = np.array([1.0, 1.0, 2.0, 2.0, 3.0, 0.0])

    def gradient(x: Any, cotangent: Any, most: float) -> Any:
        pairs = x.reshape(3, 2)
        largest = pairs == pairs.max(axis=1, keepdims=True)
        return (cotangent[:, None] * largest * np.minimum(1, most / largest.sum(axis=1))[:, None]).ravel()

    for seed in range(5):
        check_gradient(lambda x: x.reshape(3, 2).max(axis=1), lambda x, g: gradient(x, g, 1.0), x, seed=seed)
        with pytest.raises(GradientError):
            check_gradient(
                lambda x: x.reshape(3, 2).max(axis=1), lambda x, g: gradient(x, g, 2.0), x, seed=seed
            )


def recurrent(x: Any, w: Any) -> Any:
    h = np.zeros(2, x.dtype)
    for row in x:
        h = np.tanh(w @ h + row)
    return h


def recurrent_gradient(x: Any, w: Any, cotangent: Any, shift: int = 0) -> Any:
    states = [np.zeros(2, x.dtype)]
    for row in x:
        states.append(np.tanh(w @ states[-1] + row))
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for t in reversed(range(len(x))):
        inner = cotangent * (1 - states[t + 1] ** 2)
        dx[t], dw = inner, dw + np.outer(inner, states[t + shift])
        cotangent = w.T @ inner
    return dx, dw


@pytest.mark.once
def test_loop_of_twenty_steps_is_proved_right_or_wrong() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(20, 2)), np.array([[0.9, 0.4], [-0.4, 0.9]])
    rules = str(check_gradient(recurrent, recurrent_gradient, (x, w), shapes=False)).splitlines()[0]
    assert rules.startswith("rules: right: formula equal at this point to ")
    with pytest.raises(GradientError, match=r"x1\[\d, \d\]"):
        check_gradient(recurrent, lambda x, w, g: recurrent_gradient(x, w, g, 1), (x, w), shapes=False)


def test_a_function_may_put_more_into_what_it_is_given() -> None:
    def centred(x: Any, settings: Any) -> Any:
        settings["mean"] = x.mean(0)
        settings.setdefault("calls", []).append(1.0)
        return x - settings["mean"]

    def gradient(x: Any, settings: Any, d: Any) -> Any:
        settings["seen"] = x
        return d - d.mean(0), None

    assert check_gradient(centred, gradient, (np.arange(6.0).reshape(3, 2), {"mode": "train"}))


def test_an_input_that_is_taken_out_of_a_dict_was_written_into() -> None:
    def popping(parameters: Any) -> Any:
        return {"w": 2 * parameters.pop("w")}

    with pytest.raises(GradientError, match="writes into its input x"):
        check_gradient(lambda parameters: np.sum(parameters["w"] ** 2), popping, {"w": np.ones(2)})


def test_one_branch_of_many_is_seen_though_the_function_jumps_nearby() -> None:
    def function(x: Any) -> Any:
        return np.sum(np.select([x < -1, x < 1], [-2 * x, x**2], default=3 * x))

    def gradient(x: Any, first: float = -2.0) -> Any:
        return np.select([x < -1, x < 1], [first + 0 * x, 2 * x], default=3.0)

    x = np.array([-2.0, 0.5, 4.0])
    assert check_gradient(function, gradient, x)
    with pytest.raises(GradientError, match=r"the derivative for x\[0\] is 2.00000 by its formula"):
        check_gradient(function, lambda x: gradient(x, 2.0), x)


def test_arrays_are_given_in_their_order_in_memory() -> None:
    x = np.asfortranarray(np.arange(6.0).reshape(2, 3))

    def function(x: Any) -> Any:
        assert x.flags.f_contiguous
        return np.sum(x.ravel(order="K") * np.arange(6))

    assert check_gradient(function, lambda x: np.arange(6.0).reshape(3, 2).T, x)
    with pytest.raises(GradientError):
        check_gradient(function, lambda x: np.arange(6.0).reshape(2, 3), x)
