"""What is said of engines at kinks: of right ones by any convention, and of wrong ones."""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from fake_engines import answering
from kink_engines import RIGHT, WRONG, Convention, engine, gradient
from kink_table import TABLE, Kinked, Operations, graph
from long_runs import tenth

from nn_from_scratch.verify import Case, Engine, Expression, Step, Verdict, load
from nn_from_scratch.verify.engines.answers import Answer
from nn_from_scratch.verify.judging.examine import WITNESSES, Examination, examine
from nn_from_scratch.verify.oracles import pytorch, taylor
from nn_from_scratch.verify.questions.generate import case, seeded
from nn_from_scratch.verify.questions.generate_arrays import array_case
from nn_from_scratch.verify.questions.operations import ALL_FORMS, ARRAY_FORMS, Form
from nn_from_scratch.verify.questions.second_order import with_tangent
from nn_from_scratch.verify.questions.symbols import Symbol

pytestmark = pytest.mark.once

GRAPHS = tenth(4000)
KINKS = ("relu", "abs", "maximum", "minimum", "clip", "where", "max", "min")
SMOOTH = ("add", "sub", "mul", "neg", "square", "exp", "tanh", "div", "sum", "index", "concatenate", "matmul")
OURS = load("nn_from_scratch")


def said(one: Case, *slopes: float, value: float = 0.0, dtype: str = "float64") -> Examination:
    """Examine an answer."""
    given = answering(replace(OURS, dtype=dtype), lambda case: Answer(value, slopes))
    return examine(given, one)


def forced(k: int, known: list[Form], *, arrays: bool = False) -> Case:
    """Draw a graph with many kinks, at a point of few numbers, so that much ties."""
    choose = seeded(31, k)
    forms = [form for form in known if form[0] in KINKS] * 3 + [form for form in known if form[0] in SMOOTH]
    drawn = array_case(choose, forms) if arrays else case(choose, forms, most_steps=12)
    numbers = (0.0, 1.0, -1.0, 2.0, 0.5)
    return replace(drawn, point=tuple(numbers[choose(5)] if choose(4) else x for x in drawn.point))


def forms_of(operations: set[str]) -> list[Form]:
    return [form for form in ALL_FORMS if form[0] in operations]


# -- single functions --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kinked", TABLE, ids=str)
def test_no_convention_is_accused_and_only_what_lies_between_is_right(kinked: Kinked) -> None:
    for name, convention in RIGHT.items():
        found = examine(engine(convention), kinked.case)
        between = all(
            min(sides) - 1e-12 <= got <= max(sides) + 1e-12
            for got, sides in zip(gradient(convention, kinked.case).gradient, kinked.sides, strict=True)
        )
        if convention.drawn is None:
            assert found.verdict is (Verdict.RIGHT if between else Verdict.CONVENTION), name
        assert found.verdict in (Verdict.RIGHT, Verdict.CONVENTION), name
        assert bool(found.choices) >= (found.verdict is Verdict.CONVENTION)


@pytest.mark.parametrize("kinked", TABLE, ids=str)
def test_the_middle_of_the_one_sided_derivatives_is_not_accused_of_one_input(kinked: Kinked) -> None:
    if len(kinked.point) == 1:
        ((below, above),) = kinked.sides
        value = gradient(Convention(), kinked.case).value
        for slope in (below, above):
            assert said(kinked.case, slope, value=value).verdict is Verdict.RIGHT


def test_a_derivative_that_exists_is_the_only_right_answer() -> None:
    difference = graph(lambda o, x: o.relu(x) - o.relu(-x), 0)
    assert examine(OURS, difference).verdict is Verdict.CONVENTION
    assert [str(choice) for choice in examine(OURS, difference).choices] == [
        "relu(x0) as 0",
        "relu(-x0) as 0",
    ]
    assert said(difference, 1.0).verdict is Verdict.RIGHT
    assert said(difference, 1.0).choices == ()
    for slope, verdict in (
        (0.0, "convention"),
        (2.0, "convention"),
        (1.5, "convention"),
        (2.5, "wrong"),
        (-1.0, "wrong"),
    ):
        assert said(difference, slope).verdict == verdict
    assert said(difference, 2.0 + 1e-10).verdict is Verdict.INACCURATE
    assert said(difference, math.nan).verdict is Verdict.WRONG


def test_autograd_has_the_derivative_by_its_slope_of_one_half() -> None:
    pytest.importorskip("autograd")
    difference = graph(lambda o, x: o.maximum(x, 0.0) - o.maximum(-x, 0.0), 0)
    assert examine(load("autograd"), difference).verdict is Verdict.RIGHT


@pytest.mark.parametrize(
    ("slopes", "verdict"),
    [
        ((1, 0), Verdict.RIGHT),
        ((0, -1), Verdict.RIGHT),
        ((0.25, -0.75), Verdict.RIGHT),
        ((1, -1), Verdict.WRONG),  # right entry by entry: a mass of 2
        ((0, 0), Verdict.WRONG),
        ((0.25, -0.25), Verdict.WRONG),
        ((0.25, -0.75 - 1e-10), Verdict.INACCURATE),
        ((1.5, 0.5), Verdict.WRONG),
    ],
)
def test_a_tie_is_shared(slopes: tuple[float, float], verdict: Verdict) -> None:
    found = said(graph(lambda o, x, y: o.maximum(x, -y), 0, 0), *slopes)
    assert found.verdict is verdict
    assert ("no choice at the kinks gives it" in found.message) is verdict.accuses


def test_a_choice_is_one_at_each_kink_however_often_it_is_used() -> None:
    def write(o: Operations, x: Symbol) -> Symbol:
        kink: Symbol = o.relu(x)
        polynomial: Symbol = kink * kink - 3.0 * kink  # of slopes 0 and -3
        return polynomial

    for slope, verdict in ((-3.0, "right"), (-1.0, "right"), (0.0, "right"), (3.0, "wrong")):
        assert said(graph(write, 0), slope).verdict == verdict


def test_the_sign_that_arrives_may_depend_on_choices() -> None:
    """What arrives at abs is w - 1/2, where w is what maximum gives its first operand."""

    def write(o: Operations, x: Symbol, y: Symbol) -> Symbol:
        inner = o.abs(x)
        difference: Symbol = o.maximum(inner, y) - 0.5 * inner
        return difference

    one = graph(write, 0, 0)
    assert said(one, 0.5, 0.0).verdict is Verdict.RIGHT
    assert said(one, -0.5, 1.0).verdict is Verdict.RIGHT
    assert said(one, 0.5, 1.0).verdict is Verdict.RIGHT
    assert said(one, 0.25, 0.5).verdict is Verdict.WRONG  # nothing arrives
    assert said(one, 0.0, 0.5).verdict is Verdict.RIGHT


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize(
    ("slopes", "verdict"),
    [
        ((1, 0, 0, 0), Verdict.RIGHT),
        ((0.5, 0.5, 0, 0), Verdict.RIGHT),
        ((0, 0.1, 0.9, 0), Verdict.RIGHT),
        ((1 / 3, 1 / 3, 1 / 3, 0), Verdict.RIGHT),
        ((1, 1, 0, 0), Verdict.WRONG),
        ((0.5, 0.5, 0.5, 0), Verdict.WRONG),  # central differences
        ((0, 0, 0, 0), Verdict.WRONG),
        ((0, 0, 0, 1), Verdict.WRONG),
        ((2, -1, 0, 0), Verdict.WRONG),
    ],
)
def test_a_tie_of_an_array_is_shared(name: str, slopes: tuple[float, ...], verdict: Verdict) -> None:
    last = 0.0 if name == "max" else 2.0
    step = Step(name, (0,), (("axis", None), ("keepdims", False)))
    one = Case(Expression(1, (), (step,), 1), (1.0, 1.0, 1.0, last), ((4,),), (1.0,))
    assert said(one, *slopes, value=1.0).verdict is verdict


def test_choices_name_the_entries_of_arrays() -> None:
    steps = (Step("abs", (0,)), Step("square", (1,)), Step("relu", (2,)))
    one = Case(Expression(1, (), steps, 3), (0.0, 1.0), ((2,),), (1.0, 1.0), (1.0, 1.0))
    found = examine(OURS, one)
    assert found.verdict is Verdict.CONVENTION
    assert list(map(str, found.choices)) == [
        "abs(x0[0]) as 0.5 of x0[0] and 0.5 of -x0[0]",
        "relu(square(abs(x0[0]))) as 0",
    ]


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_a_kink_that_the_format_cannot_tell_from_one_is_not_accused(dtype: str) -> None:
    """0.1 x - 0.3 is of a rounding's size at 3, in whatever format: its relu may have the slope 0.1 or 0."""
    working = replace(OURS, dtype=dtype).format
    tenth = working.nearest(0.1)
    one = graph(lambda o, x: o.relu(tenth * x - working.nearest(3 * tenth)), 3.0)
    for slope in (0.0, tenth, 0.5 * tenth):
        assert said(one, slope, dtype=dtype).verdict is Verdict.RIGHT
    assert said(one, 2 * tenth, dtype=dtype).verdict is Verdict.WRONG
    far = replace(one, point=(3.5,))
    assert said(far, 0.0, value=float(np.float64(tenth * 0.5)), dtype=dtype).verdict.accuses


def test_a_jump_that_rounding_may_cross_is_undecided() -> None:
    beside = graph(lambda o, x: o.where(0.1 * x - 0.3 * 0.1, 1.0 * x, 2.0 * x), 0.3)
    for value, slope in ((0.3, 1.0), (0.6, 2.0)):
        assert said(beside, slope, value=value).verdict is Verdict.UNDECIDED


def test_a_sign_that_rounding_may_change_is_undecided() -> None:
    beside = graph(lambda o, x: o.sign(0.1 * x - 0.3 * 0.1), 0.3)
    for value in (-1.0, 0.0, 1.0):
        assert said(beside, 0.0, value=value).verdict is Verdict.UNDECIDED


def test_a_value_is_judged_where_no_derivative_is_known() -> None:
    edge = graph(lambda o, x: o.sign(x) + o.abs(x), 0)
    assert said(edge, 0.0, value=0.0).verdict is Verdict.UNDECIDED
    assert said(edge, 0.0, value=1.0).verdict is Verdict.WRONG


# -- many inputs -------------------------------------------------------------------------------------------


def _sum_of(operation: str, count: int) -> Case:
    steps = (Step(operation, (0,)), Step("sum", (1,), (("axis", None), ("keepdims", False))))
    return Case(Expression(1, (), steps, 2), (0.0,) * count, ((count,),), (1.0,))


def _largest_of(count: int) -> Case:
    step = Step("max", (0,), (("axis", None), ("keepdims", False)))
    return Case(Expression(1, (), (step,), 1), (1.0,) * count, ((count,),), (1.0,))


def test_many_inputs_at_kinks_are_decided_and_fast() -> None:
    source = random.Random(0)
    drawn = [source.random() for _ in range(100)]
    for one, slopes, verdict in (
        (_sum_of("relu", 300), [0.0] * 300, Verdict.RIGHT),
        (_sum_of("relu", 300), [source.random() for _ in range(300)], Verdict.RIGHT),
        (_sum_of("relu", 300), [0.0] * 299 + [1.5], Verdict.WRONG),
        (_largest_of(100), [0.01] * 100, Verdict.RIGHT),
        (_largest_of(100), [x / sum(drawn) for x in drawn], Verdict.RIGHT),
        (_largest_of(100), [0.02] * 100, Verdict.WRONG),
    ):
        start = time.process_time()
        value = 1.0 if one.expression.steps[0].operation == "max" else 0.0
        assert said(one, *slopes, value=value).verdict is verdict
        assert time.process_time() - start < 2


def test_two_layers_that_are_all_0_are_decided() -> None:
    """relu(relu(x @ W) @ V), where each product is 0."""
    steps = (Step("matmul", (0, 1)), Step("relu", (3,)), Step("matmul", (4, 2)), Step("relu", (5,)))
    shapes = ((2, 4), (4, 4), (4, 3))
    one = Case(Expression(3, (), steps, 6), (0.0,) * 8 + (1.0,) * 28, shapes, (1.0,) * 6)
    found = examine(OURS, one)
    assert found.verdict is Verdict.RIGHT


# -- random graphs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RIGHT)
def test_right_engines_are_not_accused_on_graphs_forced_to_kinks(name: str) -> None:
    known = forms_of({*KINKS, "add", "sub", "mul", "neg", "square", "exp", "tanh"})
    verdicts = Counter(
        examine(engine(RIGHT[name]), forced(k, known)).verdict for k in range(max(20, GRAPHS // 4))
    )
    assert not any(verdict.accuses for verdict in verdicts), verdicts
    assert verdicts[Verdict.UNDECIDED] <= 0.1 * verdicts.total()


@pytest.mark.parametrize("name", WRONG)
def test_planted_faults_at_kinks_are_seen(name: str) -> None:
    """A fault that changes the answer is wrong, unless right choices give that answer too: at max(x, 0)."""
    known = forms_of({*KINKS, "add", "sub", "mul", "neg", "square"})
    seen = hidden = 0
    for k in range(GRAPHS):
        one = forced(k, known)
        if gradient(WRONG[name], one) != gradient(Convention(), one):
            verdict = examine(engine(WRONG[name]), one).verdict
            seen += verdict is Verdict.WRONG
            hidden += verdict in (Verdict.RIGHT, Verdict.CONVENTION)
    assert seen > hidden
    assert seen >= GRAPHS // 200


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        ("relu: 2", "relu"),
        ("relu: -1", "relu"),
        ("abs: 2", "abs"),
        ("clip: 2", "clip"),
        ("ties of mass 2", "maximum"),
        ("ties of mass 0", "maximum"),
        ("ties of mass 2", "minimum"),
        ("ties of mass 0", "minimum"),
    ],
)
def test_a_planted_fault_is_wrong_wherever_its_operation_stands_alone(name: str, operation: str) -> None:
    functions: dict[str, Callable[..., Symbol]] = {
        "relu": lambda o, x: o.exp(o.relu(x)) * 3.0,
        "abs": lambda o, x: o.tanh(o.abs(x)),
        "clip": lambda o, x: 2.0 * o.clip(x, 0.0, 1.0),
        "maximum": lambda o, x, y: o.square(o.maximum(x, y) + 2.0),
        "minimum": lambda o, x, y: o.exp(o.minimum(x, -y)),
    }
    alone = functions[operation]
    point = (0.0, 0.0)[: 2 if operation in ("maximum", "minimum") else 1]
    assert examine(engine(WRONG[name]), graph(alone, *point)).verdict is Verdict.WRONG


ENGINES = ("nn_from_scratch", "autograd", "pytorch", "jax")


@pytest.mark.parametrize("kind", ["scalar", "arrays", "second order", "second order of arrays"])
@pytest.mark.parametrize("name", ENGINES)
def test_real_engines_are_not_accused_on_graphs_forced_to_kinks(name: str, kind: str) -> None:
    if name != "nn_from_scratch":
        pytest.importorskip({"pytorch": "torch"}.get(name, name))
    asked = load(name)
    arrays, second = kind.endswith("arrays"), kind.startswith("second")
    if (arrays and not asked.arrays) or (second and not asked.second_order):
        pytest.skip(f"{name} is not asked for {kind}")
    count = GRAPHS // {"nn_from_scratch": 2, "jax": 50}.get(name, 4) // (2 if arrays else 1)
    known = [
        form for form in (asked.array_forms if arrays else asked.forms) if form in (*ALL_FORMS, *ARRAY_FORMS)
    ]
    verdicts: Counter[Verdict] = Counter()
    for k in range(count):
        one = forced(k, known, arrays=arrays)
        if second and one.point:
            one = with_tangent(one, seeded(37, k))
        found = examine(asked, one, witnesses=WITNESSES if name == "nn_from_scratch" else ())
        verdicts[found.verdict] += 1
        assert not found.verdict.accuses or is_known(name, one), (one, found.message)
        assert "differs" not in found.oracles.values(), (one, found.oracles)
    assert verdicts[Verdict.UNDECIDED] <= 0.1 * count, verdicts


def is_known(name: str, one: Case) -> bool:
    """Whether a case asks what an engine gets wrong: reference/findings/autograd-tanh-second.md."""
    operations = {step.operation for step in one.expression.steps}
    return name == "autograd" and bool(one.tangent) and "tanh" in operations


# -- witnesses ---------------------------------------------------------------------------------------------


def test_witnesses_with_other_conventions_contradict_nobody() -> None:
    for kinked in TABLE:
        for name in ("as PyTorch", "slopes of 1", "the left"):
            found = examine(engine(RIGHT[name]), kinked.case, witnesses=WITNESSES)
            assert "differs" not in found.oracles.values(), (str(kinked), name, found.oracles)


def test_witnesses_speak_against_a_wrong_answer_at_a_kink() -> None:
    found = examine(engine(WRONG["relu: 2"]), graph(lambda o, x: o.relu(x), 0), witnesses=WITNESSES)
    assert found.oracles["taylor"] == "differs"
    assert found.oracles["finite differences"] in ("differs", "no answer")
    if pytorch.version():
        assert found.oracles["pytorch"] == "differs"


# -- the ordinary ------------------------------------------------------------------------------------------


def test_without_a_kink_in_reach_nothing_of_this_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("nn_from_scratch.verify.judging.examine.InReach", never)
    away: Engine = OURS
    for write, point in (
        (lambda o, x: o.relu(x) - o.relu(-x), (1e-8,)),
        (lambda o, x, y: o.maximum(x, y), (1.0, 2.0)),
        (lambda o, x: o.where(x, o.exp(x), x), (-0.5,)),
    ):
        assert examine(away, graph(write, *point)).verdict is Verdict.RIGHT
    with pytest.raises(AssertionError):
        examine(away, graph(lambda o, x: o.relu(x), 0))


def test_a_derivative_beyond_every_format_is_judged_at_a_kink() -> None:
    """The derivative of tanh at 1e38 has an exponent of 38 digits."""
    steps = (Step("tanh", (0,)), Step("abs", (1,)), Step("add", (2, 3)))
    one = Case(Expression(2, (), steps, 4), (1e38, 0.0))
    assert said(one, 0.0, 0.0, value=1.0).verdict is Verdict.RIGHT
    assert said(one, 0.0, 2.0, value=1.0).verdict is Verdict.WRONG


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_second_derivative_that_is_no_number_is_judged_at_kinks_too(number: float) -> None:
    one = replace(graph(lambda o, x: o.mul(o.abs(x), x), 0), tangent=(1.0,))
    found = examine(answering(OURS, lambda case: Answer(0.0, (number,))), one)
    assert found.verdict is Verdict.WRONG
    assert "no finite number" in found.message


TIE_NEAR_A_MINIMUM = Case(
    Expression(1, (), (Step("cosh", (0,)), Step("max", (1,), (("axis", -1), ("keepdims", False)))), 2),
    (-1e-150, -1e-150),
    ((2,),),
    (1.0,),
)


@pytest.mark.parametrize("name", ["nn_from_scratch", "pytorch"])
def test_a_tie_is_shared_where_slopes_are_tiny(name: str) -> None:
    if name == "pytorch":
        pytest.importorskip("torch")
    found = examine(load(name), TIE_NEAR_A_MINIMUM)
    assert found.verdict is Verdict.RIGHT, found.message
    twice = answering(load(name), lambda _: Answer(1.0, (-1e-150, -1e-150)))
    assert examine(twice, TIE_NEAR_A_MINIMUM).verdict is Verdict.WRONG


def test_a_slope_of_which_no_digit_is_known_accuses_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a difference of exponentials nothing is left in 256 bits: what is not known is no fault."""
    cancelling = {**taylor.SERIES, "cosh": lambda x: (x.exp() + (-x).exp()) / 2}
    monkeypatch.setattr(taylor, "SERIES", cancelling)
    assert not examine(load("nn_from_scratch"), TIE_NEAR_A_MINIMUM).verdict.accuses
    second = replace(TIE_NEAR_A_MINIMUM, tangent=(1.0, 1.0))
    assert not examine(load("nn_from_scratch"), second).verdict.accuses
