import numpy as np
import pytest

from nn_from_scratch.verify.engines import single
from nn_from_scratch.verify.expressions import Case, Expression, Step
from nn_from_scratch.verify.generate import case, seeded
from nn_from_scratch.verify.oracles import finite_differences, taylor


def test_stated_error_holds_on_generated_graphs() -> None:
    graphs = misses = useful = 0
    for index in range(1000):
        one = case(seeded(5, index))
        value, truth = taylor.enclose(one.expression, one.point)
        if not all(ball.is_finite() for ball in truth):
            continue
        estimate, error = finite_differences.gradient(one.expression, one.point)
        off = [float(abs(ball - got).abs_lower()) for ball, got in zip(truth, estimate.tolist(), strict=True)]
        graphs += 1
        misses += any(off > error)
        size = max(*abs(estimate), abs(float(value.mid())), 1e-300)
        useful += all(error <= 1e-6 * size)
    assert misses <= 1e-3 * graphs
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
