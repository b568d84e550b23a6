from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fake_engines import answering
from flint import arb

from nn_from_scratch.verify import faults
from nn_from_scratch.verify.engines.answers import Answer
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.loading import load
from nn_from_scratch.verify.faults import Row, Value, Victim
from nn_from_scratch.verify.judging import tolerance, usual_derivatives
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.judging.tolerance import Rounding, derive_rounding
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.questions.cases import Case, single
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.questions.formats import FORMATS
from nn_from_scratch.verify.questions.generate import case, seeded
from nn_from_scratch.verify.questions.lower import lower
from nn_from_scratch.verify.questions.operations import ALL_FORMS


def radii(one: Case, working_format: str = "float64") -> Rounding:
    return derive_rounding(one.expression, one.point, FORMATS[working_format])


@pytest.mark.parametrize("working_format", FORMATS)
def test_radius_of_one_operation_is_about_a_rounding(working_format: str) -> None:
    found = radii(single("exp", "x", [1.0]), working_format)
    roundoff = FORMATS[working_format].unit_roundoff
    assert found.value == pytest.approx(np.e * roundoff, rel=2)
    assert found.derivatives[0] == pytest.approx(np.e * roundoff, rel=2)


@pytest.mark.parametrize(
    ("name", "operands", "value", "derivatives"),
    [
        ("add", [2.0, 3.0], 5.0, [0.0, 0.0]),
        ("mul", [2.0, 3.0], 6.0, [0.0, 0.0]),
        ("div", [6.0, 3.0], 4.0, [1 / 3, 6 / 9 * 3]),  # by the reciprocal: two roundings
        ("neg", [2.0], 0.0, [0.0]),
        ("maximum", [2.0, 3.0], 0.0, [0.0, 0.0]),
    ],
)
def test_every_operation_rounds_even_where_its_result_is_exact(
    name: str, operands: list[float], value: float, derivatives: list[float]
) -> None:
    found = radii(single(name, "x" * len(operands), operands))
    assert found.value == pytest.approx(value * 2.0**-53, rel=1e-6)
    assert found.derivatives == pytest.approx([x * 2.0**-53 for x in derivatives], rel=1e-6)


def test_radius_of_a_kink_is_not_the_width_of_its_interval() -> None:
    assert radii(single("relu", "x", [0.0])).derivatives[0] < 1e-12


def test_radius_grows_where_digits_cancel() -> None:
    # 1 - cos(x) at 1e-6: the value has lost twelve digits.
    steps = (Step("cos", (0,)), Step("sub", (1, 2)))
    found = radii(Case(Expression(1, (1.0,), steps, output=3), (1e-6,)))
    assert 1e-5 < found.value / 5e-13 < 1e-2


def test_radius_allows_for_the_usual_rule_of_tanh_near_saturation() -> None:
    # 1 - z * z has an error of a unit in the last place of 1, whatever is left of it.
    assert radii(single("tanh", "x", [18.0])).derivatives[0] > 2.0**-53


def test_radius_is_infinite_outside_the_domain() -> None:
    assert radii(single("log", "x", [-1.0])).value == float("inf")


def test_radii_explain_every_rounding_of_our_engine() -> None:
    engine = load("nn_from_scratch")
    seen = [examine(engine, case(seeded(7, index))) for index in range(500)]
    errors = [
        one.in_tolerances for found in seen if found.verdict is Verdict.RIGHT for one in found.judgements
    ]
    assert max(errors) < 0.5  # of the tolerance, which is four radii


@pytest.mark.parametrize("name", ["sin", "mul", "tanh"])
def test_a_fault_of_the_partials_only_widens_or_narrows(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The truth has no part in this table: a wrong sign in it must not change a verdict.
    def negated(functions: usual_derivatives.Functions, *numbers: arb) -> tuple[arb, ...]:
        return tuple(-partial for partial in rules[name](functions, *numbers))

    rules = usual_derivatives.PARTIALS
    monkeypatch.setattr(tolerance, "PARTIALS", {**rules, name: negated})
    engine = load("nn_from_scratch")
    for index in range(150):
        assert not examine(engine, case(seeded(8, index))).verdict.accuses


def float32_engine(dtype: str) -> Engine:
    """Return an engine that rounds each number it computes to float32, and claims `dtype`."""

    def single(x: float) -> Any:
        return np.float32(x)

    def rounded(row: Row) -> Row:
        value, partials = row
        return (
            lambda *xs: single(value(*map(float, xs))),
            lambda z, *xs: tuple(map(single, partials(float(z), *map(float, xs)))),
        )

    victim = Victim(
        table={name: rounded(row) for name, row in faults.RULES.items()},
        leaf=lambda x: Value(single(x)),
        scale=lambda node: single(node.grad),
        combine=lambda rule, old, new: single(old + new),
    )
    return replace(victim.engine("in float32"), dtype=dtype)


def test_float32_engine_is_right_at_24_bits() -> None:
    engine = float32_engine("float32")
    seen = [examine(engine, case(seeded(9, index), engine.forms)) for index in range(400)]
    assert [one.message for one in seen if one.verdict.accuses] == []
    assert sum(one.verdict is Verdict.RIGHT for one in seen) > 350


def test_float32_engine_is_accused_at_53_bits() -> None:
    engine = float32_engine("float64")
    seen = [examine(engine, case(seeded(9, index), engine.forms)) for index in range(100)]
    assert sum(one.verdict.accuses for one in seen) > 50


@pytest.mark.parametrize(
    ("ball", "held"),
    [
        (arb(0), True),
        (arb(1), True),
        (arb(-1, 0.5), True),
        (arb(2) ** -1030, False),
        (arb(2) ** 1025, False),
        (arb(0, 1e-17), True),  # what is left of a cancellation: its rounding is no underflow
        (arb(0, 1e-320), False),
        (arb.nan(), False),
        (arb("inf"), False),
    ],
)
def test_format_holds_what_neither_overflows_nor_underflows(ball: arb, held: bool) -> None:
    assert FORMATS["float64"].holds(ball) is held


@pytest.mark.parametrize("name", FORMATS)
def test_nearest_is_the_number_of_the_format(name: str) -> None:
    torch = pytest.importorskip("torch")
    for x in (0.0, 1.0, -0.1, 1 / 3, 3e-8, 1e-5, -123.456, 65000.0):
        expected = torch.tensor(x, dtype=torch.float64).to(getattr(torch, name)).item()
        assert FORMATS[name].nearest(x) == expected


def test_overflow_on_the_way_is_undecided() -> None:
    # 1 / exp(800) is 0 for an engine whose exp(800) is infinite, and so is 1e300 / exp(800).
    steps = (Step("exp", (0,)), Step("div", (1, 2)))
    one = Case(Expression(1, (1e300,), steps, output=3), (800.0,))
    assert not radii(one).in_range(FORMATS["float64"])
    assert examine(load("nn_from_scratch"), one).verdict is Verdict.UNDECIDED


def test_an_engine_computes_and_may_overflow_in_what_the_output_does_not_depend_on() -> None:
    unused = Case(Expression(1, (1.0,), (Step("exp", (0,)), Step("add", (0, 1))), output=3), (800.0,))
    assert not radii(unused).in_range(FORMATS["float64"])
    steps = (Step("hypot", (0, 1)), Step("add", (0, 1)))  # the square on the way overflows
    assert not radii(Case(Expression(1, (1.0,), steps, output=3), (1e200,))).in_range(FORMATS["float64"])
    assert radii(Case(Expression(1, (1.0,), steps, output=3), (1e100,))).in_range(FORMATS["float64"])


def added(*numbers: float) -> Case:
    """Return the case of a sum, written from left to right."""
    count = len(numbers)
    steps = [Step("add", (0, 1)), *(Step("add", (count + k - 2, k)) for k in range(2, count))]
    return Case(Expression(count, (), tuple(steps), 2 * count - 2), numbers)


@pytest.mark.parametrize("numbers", [(1.0, -1.0, 2.0**-60), (2.0**-60, -1.0, 1.0), (3.0, -3.0, 2.0, -2.0)])
def test_a_sum_of_n_terms_is_off_by_n_less_one_roundings_in_any_order(numbers: tuple[float, ...]) -> None:
    # 1 - 1 + 2**-60 is exact from left to right, but from right to left 2**-60 is lost in -1.
    most = (len(numbers) - 1) * sum(map(abs, numbers)) * 2.0**-53
    one = added(*numbers)
    assert radii(one).value == pytest.approx(most, rel=0.1)
    parameters = (("axis", None), ("keepdims", False))
    array = Case(Expression(1, (), (Step("sum", (0,), parameters),), 1), numbers, ((len(numbers),),), (1.0,))
    assert radii(lower(array)).value == radii(one).value


@pytest.mark.parametrize("name", ["div", "arctan2", "hypot"])
@pytest.mark.parametrize("size", [2.0**-10, 2.0**10])
def test_a_square_on_the_way_may_leave_the_format(name: str, size: float) -> None:
    # In float16 it is 2**-20 or 2**20, where the quotient and its derivatives are not far from 1.
    found = radii(single(name, "xx", [size, size]), "float16")
    assert FORMATS["float16"].holds(arb(size))
    assert not found.in_range(FORMATS["float16"])
    assert radii(single(name, "xx", [size, size])).in_range(FORMATS["float64"])


@pytest.mark.parametrize("name", ["nn_from_scratch", "autograd"])
def test_power_of_a_subnormal_is_undecided_where_the_usual_formula_overflows(name: str) -> None:
    pytest.importorskip(name)
    power = Expression(1, (), (Step("pow", (0, 0)),), 1)  # y x^(y - 1): x^(y - 1) is beyond every format
    assert examine(load(name), Case(power, (1e-310,))).verdict is Verdict.UNDECIDED
    assert examine(load(name), Case(power, (1e-300,))).verdict is Verdict.RIGHT


@pytest.mark.parametrize(
    ("working_format", "largest"), [("float32", float(np.finfo(np.float32).max)), ("float16", 65504)]
)
def test_nearest_number_of_a_format_is_its_largest_beyond_it(working_format: str, largest: float) -> None:
    assert FORMATS[working_format].nearest(1e300) == largest
    assert FORMATS[working_format].nearest(-1e300) == -largest


def test_a_derivative_out_of_range_counts_even_times_zero() -> None:
    # relu(1 / x) at -1e-300: nothing flows back, but 0 times the infinite 1 / x^2 is NaN in most engines.
    expression = Expression(1, (1.0,), (Step("div", (1, 0)), Step("relu", (2,))), 3)
    assert not radii(Case(expression, (-1e-300,))).in_range(FORMATS["float64"])
    assert radii(Case(expression, (-1e-100,))).in_range(FORMATS["float64"])


def test_an_engine_that_takes_subnormal_inputs_for_zero_is_not_accused() -> None:
    def flushed(case: Case) -> Answer:
        return ours.answer(replace(case, point=tuple(x if abs(x) >= 2.0**-1022 else 0.0 for x in case.point)))

    ours = load("nn_from_scratch")
    flushing = answering(ours, flushed)
    assert examine(flushing, single("where", "xcx", [5e-324, 1.0, 2.0])).verdict is Verdict.UNDECIDED
    assert examine(ours, single("where", "xcx", [5e-324, 1.0, 2.0])).verdict is Verdict.RIGHT
    assert examine(flushing, single("where", "xcx", [0.5, 1.0, 2.0])).verdict is Verdict.RIGHT


def multiplied(x: float, y: float) -> float:
    """Return a power by a whole number as CasADi and others do: by products, one after the other."""
    product = 1.0
    for _ in range(abs(int(y))):
        product *= x
    return product if y >= 0 else 1 / product


@pytest.mark.parametrize("exponent", [5.0, 10.0, -7.0, -30.0])
def test_powers_by_whole_numbers_may_be_made_of_products(exponent: float) -> None:
    def engine(factor: float) -> Engine:
        def partials(_z: float, x: float, y: float) -> tuple[float, float]:
            return factor * y * multiplied(x, y - 1.0), 0.0

        return Victim({**faults.RULES, "pow": (multiplied, partials)}).engine("multiplying")

    cases = [single("pow", "xc", [0.276 + 0.004 * k, exponent]) for k in range(200)]
    assert [str(one) for one in cases if examine(engine(1.0), one).verdict is not Verdict.RIGHT] == []
    assert all(examine(engine(1 + 1e-13), one).verdict.accuses for one in cases)


UNKNOWN = (arb.nan(), arb.pos_inf(), arb.neg_inf(), arb(0, arb.pos_inf()), arb(0.5, 1e308), arb(0, 1))


@pytest.mark.parametrize("ball", UNKNOWN, ids=str)
@pytest.mark.parametrize(("name", "kinds"), [form for form in ALL_FORMS if "c" not in form[1]])
def test_the_tolerance_of_what_is_not_known_is_unknown_and_not_an_error(
    name: str, kinds: str, ball: arb
) -> None:
    # As behind 1 / (x log(x / x)): sinc, lgamma, gamma and beta raised that the ball was not finite.
    functions = tolerance.rounded_functions(FORMATS["float64"])
    unknown, known = functions.model.term(ball, 1.0), functions.model.number(0.5)
    with taylor.working(taylor.PRECISION):
        for place in range(len(kinds)):
            given = [unknown if k == place else known for k in range(len(kinds))]
            value = tolerance._VALUES[name](functions, *given)
            partials = usual_derivatives.PARTIALS[name](functions, value, *given)
            assert len(partials) == len(given)


def test_a_graph_whose_tolerance_is_not_known_is_not_decided() -> None:
    steps = (Step("rel_entr", (0, 0)), Step("reciprocal", (1,)), Step("sinc", (2,)))
    behind = Case(Expression(1, (), steps, 3), (1e150,))
    assert examine(load("nn_from_scratch"), behind).verdict is Verdict.UNDECIDED
