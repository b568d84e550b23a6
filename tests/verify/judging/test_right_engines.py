"""Right engines that compute otherwise: by another order, grouping, path or contraction. None is accused."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from fake_engines import answering

from nn_from_scratch.verify import Engine, load
from nn_from_scratch.verify.engines.answers import Answer
from nn_from_scratch.verify.faults.rules import RULES
from nn_from_scratch.verify.judging.examine import WITNESSES, examine
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.power.right_engines import RIGHT_ENGINES
from nn_from_scratch.verify.power.right_engines.tape import OTHER_SLOPES, Way, fma
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.constants import ConstantArray
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.questions.generate import case, seeded
from nn_from_scratch.verify.questions.operations import ALL_FORMS

pytestmark = pytest.mark.once

GRAPHS = 60
PACKAGES = {
    "pytorch": "torch",
    "casadi": "casadi",
    "micrograd": "micrograd",
    "autograd": "autograd",
    "jax under jit": "jax",
}


def engine_of(name: str) -> Engine:
    if name in PACKAGES:
        pytest.importorskip(PACKAGES[name])
    return RIGHT_ENGINES[name]() if name in RIGHT_ENGINES else load(name)


def graph(
    point: Sequence[float],
    constants: Sequence[float],
    *steps: tuple[str, int] | tuple[str, int, int] | tuple[str, int, int, int],
) -> Case:
    """Return the case whose output is the last step; operands are numbered inputs, constants, steps."""
    made = tuple(Step(name, tuple(operands)) for name, *operands in steps)
    size = len(point) + len(constants) + len(steps)
    return Case(Expression(len(point), tuple(constants), made, size - 1), tuple(point))


SHARED_PRODUCTS = graph(
    (1.5, 0.001, 1e5, -1e5),
    (),
    ("mul", 0, 1),
    ("mul", 0, 2),
    ("mul", 0, 3),
    ("add", 5, 6),
    ("add", 4, 7),
)
EXACT_QUOTIENT = graph((49.0,), (49.0, 1.0), ("div", 0, 1), ("sub", 3, 2))
NOTHING_LEFT = graph((0.7,), (0.001,), ("add", 0, 1), ("mul", 1, 2), ("mul", 0, 3), ("sub", 4, 4))
LARGE_TERMS = graph((1e16, -1e16, 1.0), (), ("add", 0, 1), ("add", 3, 2))
PRODUCT_LESS_ITSELF = graph((0.1, 0.3), (), ("mul", 0, 1), ("sub", 2, 2))
QUOTIENT_OF_ONE = graph((0.1, 0.3), (), ("mul", 0, 1), ("div", 2, 2), ("arctan", 3))


@pytest.mark.parametrize("name", ["nn_from_scratch", "micrograd", "path by path", "sorted sums"])
def test_shared_products_may_be_summed_in_any_order(name: str) -> None:
    engine = engine_of(name)
    found = engine.answer(SHARED_PRODUCTS).gradient[0]
    # Half an ulp of 1e5 off; micrograd's order depends on a set in memory.
    assert found == 0.0010000000038417056 or (name == "micrograd" and found == 0.001)
    assert examine(engine, SHARED_PRODUCTS).verdict is Verdict.RIGHT


@pytest.mark.parametrize("name", ["micrograd", "division by the reciprocal"])
def test_a_quotient_may_be_a_product_with_the_reciprocal(name: str) -> None:
    engine = engine_of(name)
    assert engine.answer(EXACT_QUOTIENT).value == -(2.0**-53)
    assert examine(engine, EXACT_QUOTIENT).verdict is Verdict.RIGHT


def test_adjoints_may_be_added_path_by_path() -> None:
    engine = engine_of("path by path")
    (left,) = engine.answer(NOTHING_LEFT).gradient
    assert 0 < abs(left) < 1e-18
    assert examine(engine, NOTHING_LEFT).verdict is Verdict.RIGHT


@pytest.mark.parametrize("name", ["sorted sums", "sums from the largest", "pairwise sums"])
def test_a_sum_may_lose_what_is_small_beside_its_terms(name: str) -> None:
    engine = engine_of(name)
    assert engine.answer(LARGE_TERMS).value == 0  # for 1
    assert examine(engine, LARGE_TERMS).verdict in (Verdict.RIGHT, Verdict.UNDECIDED)


def test_a_product_may_be_contracted_with_a_difference() -> None:
    engine = engine_of("fused multiply-add")
    assert engine.answer(PRODUCT_LESS_ITSELF).value == pytest.approx(1.7e-18, rel=0.1)
    assert examine(engine, PRODUCT_LESS_ITSELF).verdict is Verdict.RIGHT


def test_a_reciprocal_may_be_a_unit_off() -> None:
    def off(_z: float, x: float, y: float) -> tuple[float, float]:
        return math.nextafter(1 / y, math.inf), -x / (y * y)

    engine = Way(rules={**RULES, "div": (RULES["div"][0], off)}).engine("a unit off")
    assert 1e-16 < abs(engine.answer(QUOTIENT_OF_ONE).gradient[0]) < 2e-15
    assert examine(engine, QUOTIENT_OF_ONE).verdict is Verdict.RIGHT


@pytest.mark.parametrize("one", [SHARED_PRODUCTS, EXACT_QUOTIENT, NOTHING_LEFT, LARGE_TERMS])
def test_what_no_order_explains_is_accused(one: Case) -> None:
    """The same cases by an engine whose derivatives are wrong by a millionth."""
    wrong = {name: (RULES[name][0], steeper(name)) for name in ("add", "sub", "mul", "div")}
    assert examine(Way(rules={**RULES, **wrong}).engine("wrong"), one).verdict.accuses


def steeper(name: str) -> Callable[..., tuple[float, ...]]:
    """Return an operation's partial derivatives, the first a millionth too large."""

    def partials(*numbers: float) -> tuple[float, ...]:
        first, *others = RULES[name][1](*numbers)
        return first * (1 + 1e-6), *others

    return partials


def test_units_in_the_last_place_of_an_elementary_function_are_allowed() -> None:
    def above(name: str, units: int) -> Callable[[float], float]:
        compute = RULES[name][0]
        return lambda x: compute(x) + units * math.ulp(compute(x)) if compute(x) else compute(x)

    def off_by(units: int) -> Engine:
        rules = {name: (above(name, units), RULES[name][1]) for name in names}
        return Way(rules={**RULES, **rules}).engine(f"{units} units off")

    names = ("exp", "log", "sin", "tanh", "arctan")
    forms = [form for form in ALL_FORMS if form[0] in names]
    drawn = [case(seeded(3, index), forms, most_steps=1) for index in range(200)]
    assert not any(examine(off_by(2), one).verdict.accuses for one in drawn)
    assert sum(examine(off_by(6), one).verdict.accuses for one in drawn) > 100


@pytest.mark.parametrize("name", [name for name in RIGHT_ENGINES if name.startswith("other formulas")])
def test_a_derivative_may_be_computed_by_another_formula(name: str) -> None:
    """Each at many points on its own: 1 / cosh(x) ** 2 for tanh is up to 5 units off, two roundings 1."""
    engine = engine_of(name)
    operations = [rule for rule in OTHER_SLOPES if OTHER_SLOPES[rule] is not RULES[rule]]
    assert "tanh" in operations
    for rule in operations:
        for index in range(200):
            x = random.Random(index).uniform(0.001, 1)  # within every domain
            found = examine(engine, graph((x,), (), (rule, 0)))
            assert not found.verdict.accuses, f"{found.case}: {found.message}"


def test_the_slope_of_tanh_may_be_a_squared_secant() -> None:
    one = graph((0.159,), (), ("tanh", 0))
    engine = engine_of("autograd")  # 2.6 units off
    assert examine(engine, one).verdict is Verdict.RIGHT
    assert examine(engine, replace(one, tangent=(1.0,))).verdict is Verdict.RIGHT


def test_a_branch_that_is_not_taken_may_overflow_in_forward_mode() -> None:
    """The slopes of 1 / x and of a logarithm, one after the other, where no adjoint arrives."""
    one = graph(
        (-1e-150,),
        (7.0,),
        ("square", 0),
        ("log", 2),
        ("neg", 3),
        ("exp", 4),
        ("log", 5),
        ("where", 6, 1, 5),
    )
    engine = engine_of("dual numbers")
    assert math.isnan(engine.answer(one).gradient[0])
    assert examine(engine, one).verdict is Verdict.UNDECIDED
    assert examine(engine_of("textbook reverse mode"), one).verdict is Verdict.RIGHT


@pytest.mark.parametrize(
    "beside",
    [
        (("log", 0), ("maximum", 2, 1)),  # a complex number has no order
        (
            ("exp", 1),
            ("exp", 2),
            ("exp", 3),
            ("exp", 4),
            ("exp", 5),
            ("sin", 6),
        ),  # of 10 ** 10 ** 1000 digits
    ],
)
def test_fifty_digits_compute_what_is_beside_the_point_as_other_engines_do(
    beside: tuple[tuple[str, int] | tuple[str, int, int], ...],
) -> None:
    one = graph((-0.5, 2.0), (), *beside, ("square", 1))
    assert examine(engine_of("50 digits"), one).verdict is Verdict.RIGHT


def test_a_sum_with_a_dominating_last_term_is_right_for_any_length() -> None:
    numbers = [0.1 + 0.001 * k for k in range(1000)]
    parameters = (("axis", None), ("keepdims", False))
    one = Case(
        Expression(1, (), (Step("sum", (0,), parameters),), 1), (*numbers, -1e3 * 0.5995), ((1001,),), (1.0,)
    )
    for name in ("nn_from_scratch", "pytorch"):
        assert examine(engine_of(name), one).verdict is Verdict.RIGHT


@pytest.mark.parametrize("name", RIGHT_ENGINES)
def test_right_engine_is_not_accused(name: str) -> None:
    """Of random graphs, and of sums of few numbers of many sizes, which cancel."""
    engine = engine_of(name)
    count = 3 if name == "jax under jit" else GRAPHS
    drawn = [case(seeded(23, index), engine.forms) for index in range(count)]
    sums = [form for form in engine.forms if form[0] in ("add", "sub", "mul", "div")]
    drawn += [awkward(case(seeded(24, index), sums), index) for index in range(count)]
    seen = [examine(engine, one) for one in drawn]
    assert [one.message for one in seen if one.verdict.accuses] == []
    undecided = sum(one.verdict is Verdict.UNDECIDED for one in seen)
    assert undecided <= {"float64": 0.02, "float32": 0.05}.get(engine.dtype, 0.15) * len(seen)


def awkward(one: Case, seed: int) -> Case:
    """Return the case at a point of two numbers, of any size, and their negatives."""
    source = random.Random(seed)
    numbers = [source.uniform(1, 10) * 10.0 ** source.randint(-4, 4) for _ in range(2)]
    return replace(one, point=tuple(source.choice((-1, 1)) * source.choice(numbers) for _ in one.point))


@pytest.mark.parametrize("name", ["textbook reverse mode", "dual numbers", "path by path", "casadi"])
def test_no_witness_contradicts_a_right_engine(name: str) -> None:
    engine = engine_of(name)
    for index in range(GRAPHS):
        seen = examine(engine, case(seeded(25, index), engine.forms), witnesses=WITNESSES[:1])
        assert "differs" not in seen.oracles.values(), str(seen.case)


def test_engines_of_one_way_differ_in_their_last_digits() -> None:
    """The engines are no copies of one another: on the same graphs each answers something of its own."""
    forms = [form for form in ALL_FORMS if form[0] in ("add", "sub", "mul", "div", "tanh")]
    drawn = [awkward(case(seeded(26, index), forms), index) for index in range(900)]
    names = [name for name in RIGHT_ENGINES if "float" not in name and name not in PACKAGES]
    with np.errstate(all="ignore"):
        answers = {
            # As text, for a NaN would differ from itself.
            name: tuple(repr((found.value, *found.gradient)) for found in map(engine_of(name).answer, drawn))
            for name in names
        }
    assert len(set(answers.values())) == len(answers)


def test_fma_rounds_once() -> None:
    x = 1 + 2.0**-30
    assert fma(x, x, -1.0) == 2.0**-29 + 2.0**-60
    assert x * x - 1.0 == 2.0**-29
    assert fma(1e300, 1e300, 0.0) == math.inf
    assert math.isnan(fma(math.inf, 0.0, 1.0))


def test_the_sign_of_a_product_less_itself_is_any_where_products_are_contracted() -> None:
    steps = (Step("arccos", (0,)), Step("mul", (1, 1)), Step("sub", (2, 2)), Step("sign", (3,)))
    one = Case(Expression(1, (), steps, 4), (0.0,))
    assert RIGHT_ENGINES["fused multiply-add"]().answer(one).value == -1.0
    assert not examine(RIGHT_ENGINES["fused multiply-add"](), one).verdict.accuses
    zero = Case(Expression(1, (), (Step("sub", (0, 0)), Step("sign", (1,))), 2), (0.5,))
    assert examine(answering(load("nn_from_scratch"), lambda _: Answer(1.0, (0.0,))), zero).verdict.accuses


def of_array(operation: str, point: Sequence[float], shape: tuple[int, ...], **parameters: object) -> Case:
    expression = Expression(1, (), (Step(operation, (0,), tuple(parameters.items())),), 1)
    return Case(expression, tuple(point), (shape,), (1.0,))


@pytest.mark.parametrize(("factor", "right"), [(1.0, True), (1 + 1e-12, False)])
def test_a_median_may_be_a_part_of_the_difference_above_the_lower_one(factor: float, right: bool) -> None:
    low, high = -1.8619999999999985, 1.875
    one = of_array("median", (high, -1.862, 2.874, low), (4,), axis=0, keepdims=False)
    value = (low + 0.5 * (high - low)) * factor
    assert value != (low + high) / 2  # by 16 units in the last place
    engine = answering(load("nn_from_scratch"), lambda _: Answer(value, (0.5, 0.0, 0.0, 0.5)))
    assert examine(engine, one).verdict.accuses is not right


@pytest.mark.parametrize("size", [1e150, 2.0])
def test_cofactors_may_be_exponentials_of_logarithms(size: float) -> None:
    one = of_array("det", (-size, 0.286, -size, 0.286), (2, 2))
    assert examine(load("nn_from_scratch"), one).verdict is Verdict.RIGHT
    off = Answer(0.0, (0.286, size * (1 + 1e-12), -0.286, -size))
    assert examine(answering(load("nn_from_scratch"), lambda _: off), one).verdict.accuses


@pytest.mark.parametrize(("factor", "right"), [(1.0, True), (1 + 1e-6, False)])
@pytest.mark.parametrize("x", [2.3e-4, 0.067])
def test_a_determinant_may_be_differentiated_as_itself_times_the_inverse(
    x: float, factor: float, right: bool
) -> None:
    """Of a single number one over it is all that the second derivative has, twice, less each other."""
    first = Expression(1, (), (Step("det", (0,)), Step("sin", (1,))), 2)
    one = Case(first, (x,), ((1, 1),), (1.0,), (1.0,))
    inverse = 1 / x
    by_determinant = -math.sin(x) * x * inverse + math.cos(x) * inverse
    bend = by_determinant - math.cos(x) * x * (inverse * inverse)
    assert abs(bend / -math.sin(x) - 1) > 1e-15
    engine = answering(load("nn_from_scratch"), lambda _: Answer(math.cos(x), (bend * factor,)))
    assert examine(engine, one).verdict.accuses is not right


def test_a_determinant_whose_inverse_squared_overflows_is_judged() -> None:
    one = Case(Expression(1, (), (Step("det", (0,)),), 1), (1e-200,), ((1, 1),), (1.0,), (1.0,))
    assert not examine(load("nn_from_scratch"), one).verdict.accuses


@pytest.mark.parametrize(("factor", "right"), [(1.0, True), (1 + 1e-13, False)])
def test_constants_that_are_joined_with_nodes_may_be_added_in_any_order(factor: float, right: bool) -> None:
    """Their sum was taken for one exact number, which engines have to make first."""
    rows = ConstantArray.of([[0.062, -1.752, 1.0], [-30.0, -0.675, 2.989]])
    step = Step("concatenate", (1, 0), (("axis", 0),))
    cotangent = (1.5, -1.75, 0.75, -0.5, 2.0, 1.25, -3.0, 1.5, -1.75)
    one = Case(Expression(1, (rows,), (step,), 2), (0.08, 0.0, 0.0), ((1, 3),), cotangent)
    value = 21.05525 * factor
    assert abs(value - 21.055249999999997) > 3e-15
    engine = answering(load("nn_from_scratch"), lambda _: Answer(value, (-3.0, 1.5, -1.75)))
    assert examine(engine, one).verdict.accuses is not right


def always(answer: Answer) -> Engine:
    return answering(load("nn_from_scratch"), lambda _: answer)


@pytest.mark.parametrize("tangent", [(), (0.0, 1.0, *(0.0,) * 7)], ids=["first", "second"])
def test_the_reverse_of_a_factor_puts_rounding_where_its_derivative_is_0(tangent: tuple[float, ...]) -> None:
    """At kinks, where each entry is asked, our own engine was accused of 6e-17; of second order, of 3e-20."""
    point = (3.87, -1.69, -1.7, 0.44, 3.92, 0.08, 0.59, 0.35, 3.11)
    steps = (Step("cholesky", (0,)), Step("min", (1,), (("axis", (0, 1)), ("keepdims", False))))
    one = Case(Expression(1, (), steps, 2), point, ((3, 3),), (1.0,), tangent)
    right = load("nn_from_scratch").answer(one)
    for place in (4, 5, 8):  # the least entry is not moved by these
        for off, accused in ((1e-17, False), (1e-13, True)):
            gradient = tuple(x + off * (k == place) for k, x in enumerate(right.gradient))
            engine = always(replace(right, gradient=gradient))
            assert examine(engine, one).verdict.accuses is accused, (place, off)


@pytest.mark.parametrize(("size", "accuses"), [(1e300, False), (1e-300, False), (1e3, True)])
def test_products_may_be_multiplied_in_any_order(size: float, accuses: bool) -> None:
    # 0 * 1e300 * 1e300 is 0 from the left, and from the right NaN.
    one = of_array("prod", (0.0, size, size, 0.0, 1.0), (5,), axis=0, keepdims=False)
    nowhere = answering(load("nn_from_scratch"), lambda _: Answer(0.0, (math.nan,) * 5))
    assert examine(nowhere, one).verdict.accuses is accuses
    assert not examine(load("nn_from_scratch"), one).verdict.accuses
