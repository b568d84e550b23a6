import math
from collections.abc import Sequence

import pytest
from flint import arb, arb_series, ctx

from nn_from_scratch.verify.engines.loading import load
from nn_from_scratch.verify.judging.examine import WITNESSES, examine
from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.questions.cases import Case, single
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.questions.generate import case, seeded
from nn_from_scratch.verify.questions.operations import ELEMENTWISE


def derivatives(case: Case, precision: int = taylor.PRECISION) -> list[arb]:
    return taylor.enclose(case.expression, case.point, precision)[1]


@pytest.mark.parametrize(
    ("name", "operands", "one_sided"),
    [
        ("relu", [0.0], [(0, 1)]),
        ("abs", [0.0], [(-1, 1)]),
        ("maximum", [2.0, 2.0], [(0, 1), (0, 1)]),
        ("minimum", [-3.0, -3.0], [(0, 1), (0, 1)]),
    ],
)
def test_kink_gives_the_hull_of_the_one_sided_derivatives(
    name: str, operands: Sequence[float], one_sided: Sequence[tuple[int, int]]
) -> None:
    for ball, (low, high) in zip(
        derivatives(single(name, "x" * len(operands), operands)), one_sided, strict=True
    ):
        assert float(ball.lower()) == pytest.approx(low, abs=1e-6)
        assert float(ball.upper()) == pytest.approx(high, abs=1e-6)
        assert ball.contains(low)
        assert ball.contains(high)


def test_kink_behind_another_operation_gives_the_hull_too() -> None:
    # relu(3 x) - x at 0: between -1 and 2
    expression = Expression(
        1, (3.0,), (Step("mul", (0, 1)), Step("relu", (2,)), Step("sub", (3, 0))), output=4
    )
    (ball,) = derivatives(Case(expression, (0.0,)))
    assert (float(ball.lower()), float(ball.upper())) == pytest.approx((-1, 2), abs=1e-6)


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_extremum_of_a_node_and_itself_is_no_kink(name: str) -> None:
    expression = Expression(1, (), (Step(name, (0, 0)),), output=1)
    (ball,) = derivatives(Case(expression, (0.7,)))
    assert ball == 1


def test_a_node_minus_itself_is_exactly_nothing() -> None:
    steps = (Step("sin", (0,)), Step("sub", (1, 1)))
    value, (ball,) = taylor.enclose(Expression(1, (), steps, output=2), (0.7,))
    assert value == 0
    assert ball == 0


@pytest.mark.parametrize(
    ("name", "form", "operands"),
    [
        ("log", "x", [0.0]),
        ("log", "x", [-1.0]),
        ("sqrt", "x", [0.0]),
        ("sqrt", "x", [-1.0]),
        ("div", "cx", [1.0, 0.0]),
        ("pow", "xc", [0.0, -1.0]),
        ("pow", "xc", [-2.0, 0.5]),
        ("pow", "xx", [-2.0, 2.0]),
    ],
)
def test_point_outside_the_domain_has_no_finite_enclosure(
    name: str, form: str, operands: Sequence[float]
) -> None:
    assert not all(ball.is_finite() for ball in derivatives(single(name, form, operands)))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_what_is_outside_the_domain_stays_there(name: str) -> None:
    # The operation after log(-1): it must not raise, nor find its way back.
    operation = ELEMENTWISE[name]
    steps = (Step("log", (0,)), Step(name, (2,) * (operation.arity or 1)), Step("add", (3, 1)))
    (ball, _) = derivatives(Case(Expression(2, (), steps, output=4), (-1.0, 0.5)))
    exact = name == "sub"  # a node minus itself is 0, whatever it is
    assert exact or not ball.is_finite()


@pytest.mark.parametrize(
    ("base", "exponent", "slope"), [(0.0, 0.0, 0), (0.0, 1.0, 1), (0.0, 2.0, 0), (-2.0, 3.0, 12)]
)
def test_integer_powers_are_smooth_everywhere(base: float, exponent: float, slope: int) -> None:
    (ball,) = derivatives(single("pow", "xc", [base, exponent]))
    assert ball.contains(slope)
    assert ball.rad() < 1e-60


def test_enclosures_of_less_precision_contain_those_of_more() -> None:
    for index in range(100):
        one = case(seeded(4, index))
        for wide, narrow in zip(derivatives(one, 100), derivatives(one, 300), strict=True):
            if wide.is_finite() and wide.rad() < 1e-10:  # at a kink both are hulls
                assert wide.overlaps(narrow)
                assert narrow.rad() <= wide.rad()


def test_value_is_that_of_the_output() -> None:
    one = case(seeded(4, 1))
    value, _ = taylor.enclose(one.expression, one.point)
    assert float(value.mid()) == taylor.values(one.expression, one.point)[one.expression.output]


def test_values_are_nan_outside_the_domain() -> None:
    assert math.isnan(taylor.values(single("log", "x", [-1.0]).expression, [-1.0])[1])


def test_working_restores_flints_precision_even_after_an_error() -> None:
    before = ctx.prec, ctx.cap
    with taylor.working(77):
        assert (ctx.prec, ctx.cap) == (77, 2)
    with pytest.raises(ZeroDivisionError), taylor.working(77):
        1 / 0  # noqa: B018  the error is the point
    assert (ctx.prec, ctx.cap) == before


@pytest.mark.parametrize(
    ("name", "planted"),
    [
        ("sin", lambda x: x.cos()),
        ("tanh", lambda x: x * (1 - x * x / 3)),
        ("sub", lambda x, y: y - x),
        ("exp", lambda x: x.exp() * (1 + 2.0**-40)),
    ],
)
def test_a_fault_of_the_truth_is_seen_by_the_witnesses(
    name: str, planted: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taylor, "SERIES", {**taylor.SERIES, name: planted})
    engine = load("nn_from_scratch")
    seen = [examine(engine, case(seeded(0, index)), witnesses=WITNESSES) for index in range(300)]
    lonely = [one for one in seen if one.oracles.get("taylor") == "differs"]
    assert lonely, "the engine and the faulty truth agree"
    assert any(one.oracles["finite differences"] == "agrees" for one in lonely)
    assert all(one.oracles.get("pytorch", "agrees") == "agrees" for one in lonely)
    assert all(name in {s.operation for s in one.case.expression.live_steps()} for one in lonely)


def test_a_constant_condition_takes_its_side() -> None:
    # Such are made of array cases, where an empty sum decides: where(x @ y, -2, z).
    expression = Expression(1, (0.0, -2.0), (Step("where", (1, 2, 0)),), output=3)
    value, (ball,) = taylor.enclose(expression, (0.7,))
    assert value == 0.7
    assert ball == 1


def test_sign_has_a_value_at_its_jump_and_no_derivative() -> None:
    one = single("sign", "x", [0.0])
    value, (slope,) = taylor.enclose(one.expression, one.point)
    assert value == 0
    assert not slope.is_finite()
    assert taylor.values(one.expression, one.point)[1] == 0.0


@pytest.mark.parametrize(("x", "sign"), [(5e-324, 1), (-1e-8, -1), (3.0, 1)])
def test_sign_is_flat_beside_its_jump(x: float, sign: int) -> None:
    one = single("sign", "x", [x])
    value, (slope,) = taylor.enclose(one.expression, one.point)
    assert value == sign
    assert slope == 0


def test_value_behind_a_jump_is_known() -> None:
    expression = Expression(1, (), (Step("sign", (0,)), Step("exp", (1,))), 2)
    value, (slope,) = taylor.enclose(expression, (0.0,))
    assert value == 1
    assert not slope.is_finite()


@pytest.mark.parametrize("x", [0.3, 1e-8, -1e-150, 5e-324])
@pytest.mark.parametrize(("name", "derivatives"), [("sinh", ("cosh", "sinh")), ("cosh", ("sinh", "cosh"))])
def test_hyperbolic_functions_keep_their_digits_near_0(
    name: str, derivatives: tuple[str, str], x: float
) -> None:
    with taylor.working(taylor.PRECISION, 3):
        series = taylor.SERIES[name](arb_series([x, 1]))
        for order, derivative in enumerate((name, *derivatives)):
            assert series[order].rel_accuracy_bits() > 200
            assert series[order].overlaps(getattr(arb(x), derivative)() / math.factorial(order))
