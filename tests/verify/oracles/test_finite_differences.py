from collections.abc import Iterator

import numpy as np
import pytest

from nn_from_scratch.verify.judging.many_inputs import direction
from nn_from_scratch.verify.oracles import finite_differences, taylor
from nn_from_scratch.verify.questions.cases import Case, single
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.questions.generate import case, seeded
from nn_from_scratch.verify.questions.generate_arrays import array_case
from nn_from_scratch.verify.questions.lower import lower

pytestmark = pytest.mark.once


def questions(seed: int, count: int) -> Iterator[tuple[Case, list[list[float]] | None]]:
    """Yield scalar cases, each of them asked for all derivatives, and array cases along a direction."""
    for index in range(count):
        choose = seeded(seed, index)
        if index % 4:
            yield case(choose), None
        else:
            one = array_case(choose)
            yield lower(one), [direction(len(one.point), one.point)]


def test_stated_error_holds_in_999_of_1000_derivatives() -> None:
    stated = missed = graphs = useful = 0
    for one, along in questions(seed=5, count=3000):
        value, truth = taylor.enclose(one.expression, one.point, directions=along)
        if not all(ball.is_finite() for ball in truth):
            continue
        estimate, error = finite_differences.gradient(one.expression, one.point, along)
        off = [float(abs(ball - got).abs_lower()) for ball, got in zip(truth, estimate.tolist(), strict=True)]
        finite = np.isfinite(error) & (error > 0)  # it is 0 for an input that is not used
        stated += finite.sum()
        missed += (off > error)[finite].sum()
        graphs += 1
        size = max(*abs(estimate), abs(float(value.mid())), 1e-6)
        # At a kink the truth itself is an interval.
        useful += all(error <= [max(1e-6 * size, 2 * float(ball.rad())) for ball in truth])
    assert missed <= 1e-3 * stated
    assert useful >= 0.95 * graphs


def test_gradient_is_precise_where_the_function_is_smooth() -> None:
    estimate, error = finite_differences.gradient(single("sin", "x", [0.3]).expression, [0.3])
    assert abs(estimate[0] - np.cos(0.3)) <= error[0] <= 1e-11


def test_gradient_of_a_polynomial_is_nearly_exact() -> None:
    _, error = finite_differences.gradient(single("pow", "xc", [2.0, 3.0]).expression, [2.0])
    assert error[0] <= 1e-12


def test_error_admits_a_kink_between_the_steps() -> None:
    # abs(x) at 2^-30: coarse differences give 0, and the truth is 1.
    estimate, error = finite_differences.gradient(single("abs", "x", [2.0**-30]).expression, [2.0**-30])
    assert abs(estimate[0] - 1) <= error[0]


@pytest.mark.parametrize(
    ("name", "form", "operands"),
    [
        ("relu", "x", [0.0]),
        ("relu", "x", [1e-40]),
        ("abs", "x", [1e-8]),
        ("maximum", "cx", [1e-3, 0.0]),
        ("minimum", "xc", [-1e-5, 0.0]),
        ("where", "xxc", [1e-8, 1e-8, 0.0]),
    ],
)
def test_error_admits_a_kink_at_any_distance(name: str, form: str, operands: list[float]) -> None:
    one = single(name, form, operands)
    for got, within, ball in zip(
        *finite_differences.gradient(one.expression, one.point),
        taylor.enclose(one.expression, one.point)[1],
        strict=True,
    ):
        assert float((ball - float(got)).abs_lower()) <= within <= 1.5


@pytest.mark.parametrize(
    ("steps", "constants", "x"),
    [
        # The cosine rounds to 1 nearby, so that every value is 0; true is about 1e-8.
        ((Step("cosh", (0,)), Step("log", (1,))), (), 1e-8),
        # x is lost in the sum, whose digits are all that is left of 1e6 + x.
        ((Step("add", (0, 1)), Step("sub", (2, 1))), (1e6,), 0.3),
        # Only the finest of all steps stay within one of a trillion periods.
        ((Step("div", (1, 0)), Step("sin", (2,))), (1e-4,), 1e-8),
    ],
)
def test_error_admits_what_rounding_and_steps_hide(
    steps: tuple[Step, ...], constants: tuple[float, ...], x: float
) -> None:
    expression = Expression(1, constants, steps, output=len(constants) + len(steps))
    (got,), (within,) = finite_differences.gradient(expression, [x])
    (ball,) = taylor.enclose(expression, [x])[1]
    assert float((ball - float(got)).abs_lower()) <= within


@pytest.mark.parametrize(
    ("name", "point", "along"),
    [("cos", [1e100], [1.0]), ("mul", [1e100, 0.3], [0.7, -1.2]), ("hypot", [0.3, 1e160], [1.0, 1.0])],
)
def test_error_is_infinite_where_no_step_resolves_the_function(
    name: str, point: list[float], along: list[float]
) -> None:
    expression = single(name, "x" * len(point), point).expression
    _, error = finite_differences.gradient(expression, point, [along])
    assert np.isinf(error).all()


def test_error_is_infinite_outside_the_domain() -> None:
    _, error = finite_differences.gradient(single("log", "x", [-1.0]).expression, [-1.0])
    assert np.isinf(error).all()


def test_error_grows_where_the_function_is_noisy() -> None:
    # (x + 1e6) - 1e6 keeps ten digits of x only.
    noisy = Expression(1, (1e6,), (Step("add", (0, 1)), Step("sub", (2, 1))), output=3)
    _, rough = finite_differences.gradient(noisy, [0.3])
    _, smooth = finite_differences.gradient(single("neg", "x", [0.3]).expression, [0.3])
    assert rough[0] > 1e3 * smooth[0]


def test_gradient_of_an_unused_input_is_zero() -> None:
    expression = Expression(2, (), (Step("exp", (1,)),), output=2)
    estimate, error = finite_differences.gradient(expression, [0.3, 0.7])
    assert (estimate[0], error[0]) == (0, pytest.approx(0, abs=1e-6))


def test_a_fault_of_the_table_contradicts_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    def disagrees(one: Case) -> bool:
        estimate, error = finite_differences.gradient(one.expression, one.point)
        truth = taylor.enclose(one.expression, one.point)[1]
        off = [float(abs(ball - got).abs_lower()) for ball, got in zip(truth, estimate.tolist(), strict=True)]
        return any(off > error)

    one = single("cos", "x", [0.3])
    assert not disagrees(one)
    monkeypatch.setattr(finite_differences, "NUMPY", {**finite_differences.NUMPY, "cos": np.sin})
    assert disagrees(one)


@pytest.mark.parametrize("names", [("tan", "expm1"), ("tan", "exp", "exp"), ("tan", "sinh"), ("tan", "exp")])
@pytest.mark.parametrize("x", [-1e150, 1e150, 1e25, -1e18])
def test_a_function_that_no_step_resolves_has_no_answer_though_one_value_is_huge(
    names: tuple[str, ...], x: float
) -> None:
    """Between steps there are many periods, and a few values near a pole are huge beside all others."""
    steps = tuple(Step(name, (k,)) for k, name in enumerate(names))
    expression = Expression(1, (), steps, len(names))
    (estimate,), (error,) = finite_differences.gradient(expression, (x,))
    _, (truth,) = taylor.enclose(expression, (x,))
    assert not abs(float(truth.mid()) - estimate) > error
