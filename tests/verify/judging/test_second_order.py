"""Second derivatives: their truth, their tolerance, and engines that get only first ones right."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from fake_engines import answering

from nn_from_scratch import Node, gradients
from nn_from_scratch.rule import Rule
from nn_from_scratch.rules import RULES
from nn_from_scratch.verify import Case, Engine, Expression, Step, Verdict, load, verify
from nn_from_scratch.verify.engines.answers import Answer
from nn_from_scratch.verify.engines.calling import harmless
from nn_from_scratch.verify.failures.blame import diagnose
from nn_from_scratch.verify.failures.reproduce import written
from nn_from_scratch.verify.failures.shrink import minimal
from nn_from_scratch.verify.judging import written_derivative
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.judging.usual_derivatives import PARTIALS
from nn_from_scratch.verify.judging.written_derivative import derivative
from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.questions.cases import single
from nn_from_scratch.verify.questions.generate import case, seeded
from nn_from_scratch.verify.questions.generate_arrays import array_case
from nn_from_scratch.verify.questions.operations import ELEMENTWISE

pytestmark = pytest.mark.once

GRAPHS = 200


def with_tangent(one: Case) -> Case:
    return replace(one, tangent=tuple((-1) ** k * (1 + k % 3 / 2) for k in range(len(one.point))))


def test_truth_of_a_polynomial_is_its_hessian_times_the_tangent() -> None:
    # x^2 y^3 at (3, 2): the Hessian is [[2 y^3, 6 x y^2], [6 x y^2, 6 x^2 y]].
    cube = (Step("square", (0,)), Step("square", (1,)), Step("mul", (3, 1)), Step("mul", (2, 4)))
    value, products = taylor.enclose_second(Expression(2, (), cube, 5), (3.0, 2.0), (1.0, 10.0))
    assert value == 48 + 10 * 108
    assert products == [16 + 10 * 72, 72 + 10 * 108]


@pytest.mark.parametrize(
    ("name", "slope", "second"),
    [
        ("tanh", lambda x: 1 - math.tanh(x) ** 2, lambda x: -2 * math.tanh(x) * (1 - math.tanh(x) ** 2)),
        ("exp", math.exp, math.exp),
        ("log", lambda x: 1 / x, lambda x: -1 / x**2),
        ("arcsin", lambda x: (1 - x * x) ** -0.5, lambda x: x * (1 - x * x) ** -1.5),
        ("sinh", math.cosh, math.sinh),
    ],
)
def test_truth_of_an_operation_is_its_closed_form(
    name: str, slope: Callable[[float], float], second: Callable[[float], float]
) -> None:
    value, (product,) = taylor.enclose_second(single(name, "x", [0.3]).expression, (0.3,), (2.0,))
    assert float(value) == pytest.approx(2 * slope(0.3), rel=1e-14)
    assert float(product) == pytest.approx(2 * second(0.3), rel=1e-14)


def test_the_written_derivative_and_power_series_agree() -> None:
    decided = 0
    for k in range(GRAPHS):
        one = with_tangent(case(seeded(11, k)))
        expected, products = taylor.enclose_second(one.expression, one.point, one.tangent)
        value, derivatives = taylor.enclose(derivative(one.expression, one.tangent), one.point)
        for truth, in_words in zip((expected, *products), (value, *derivatives), strict=True):
            if truth.is_finite() and in_words.is_finite():
                assert truth.overlaps(in_words), one
                decided += 1
    assert decided > 2 * GRAPHS


@pytest.mark.parametrize("name", [name for name in ELEMENTWISE if name != "sign"])  # whose derivative is 0
def test_bug_in_a_written_derivative_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    form = ELEMENTWISE[name].operand_kinds[0]
    one = with_tangent(harmless(name, form))

    def agrees() -> bool:
        expected, _ = taylor.enclose_second(one.expression, one.point, one.tangent)
        written, _ = taylor.enclose(derivative(one.expression, one.tangent), one.point)
        return bool(expected.overlaps(written))

    assert agrees()
    right = PARTIALS[name]

    def wrong(*arguments: Any) -> tuple[Any, ...]:
        return tuple(part * (1 + 1e-12) for part in right(*arguments))

    monkeypatch.setattr(written_derivative, "PARTIALS", {**PARTIALS, name: wrong})
    assert not agrees()


@pytest.mark.parametrize("form", ["scalar", "arrays"])
def test_our_engine_is_right_to_second_order(form: str) -> None:
    engine = load("nn_from_scratch")
    draw = case if form == "scalar" else array_case
    seen = [examine(engine, with_tangent(draw(seeded(12, k)))) for k in range(GRAPHS)]
    assert not [one.message for one in seen if one.verdict.accuses]
    assert sum(one.verdict is Verdict.RIGHT for one in seen) > 0.8 * GRAPHS


def detached(rule: Rule) -> Rule:
    """Return the row with its local derivative taken for a constant, as when its operands are detached."""
    (slope,) = rule.derivatives
    value_of = lambda x: x.value if isinstance(x, Node) else x  # noqa: E731
    return rule.replace(derivatives=(lambda *xs: slope(*map(value_of, xs)),))


def detached_engine(name: str) -> Engine:
    return Engine.from_tape(
        name="detached",
        variable=Node,
        backward=Node.backprop,
        value=lambda node: node.value,
        gradient=lambda node: node.grad,
        gradients=lambda output, leaves: gradients(output, leaves, create_graph=True),
        operations={**load("nn_from_scratch").operations, name: detached(RULES[name])},
    )


@pytest.mark.parametrize("name", ["tanh", "exp", "sin", "square", "sqrt", "sigmoid"])
def test_a_derivative_that_is_detached_is_wrong_to_second_order_only(name: str) -> None:
    planted = detached_engine(name)
    one = single(name, "x", [0.75])
    assert examine(planted, one).verdict is Verdict.RIGHT
    found = examine(planted, replace(one, tangent=(2.0,)))
    assert found.verdict is Verdict.WRONG
    assert "its derivative for x0" in found.message
    assert examine(load("nn_from_scratch"), replace(one, tangent=(2.0,))).verdict is Verdict.RIGHT


@pytest.mark.parametrize("name", ["pytorch", "jax", "autograd"])
def test_other_engines_answer_to_second_order(name: str) -> None:
    pytest.importorskip({"pytorch": "torch"}.get(name, name))
    engine = load(name)
    assert engine.second_order
    one = Case(
        Expression(2, (), (Step("mul", (0, 1)), Step("tanh", (2,)), Step("mul", (3, 0))), 4), (0.5, 0.7)
    )
    assert examine(engine, with_tangent(one)).verdict is Verdict.RIGHT
    if engine.arrays:
        arrays = replace(one, shapes=((2, 1), (3,)), point=(0.5, 0.25, 1.0, 0.5, -0.5), cotangent=(1.0,) * 6)
        assert examine(engine, with_tangent(arrays)).verdict is Verdict.RIGHT


def test_pytorch_loses_the_exponents_share_of_a_power_at_zero() -> None:
    """The derivative of y x^(y - 1) by y is 1 / x at y = 0; PyTorch takes the zero there for a constant."""
    pytest.importorskip("torch")
    one = replace(single("pow", "xx", [2.0, 0.0]), tangent=(1.0, 0.0))
    found = examine(load("pytorch"), one)
    assert found.verdict is Verdict.WRONG
    assert [judged.got for judged in found.gradient] == [0.0, 0.0]
    assert found.gradient[1].expected == 0.5
    assert examine(load("nn_from_scratch"), one).verdict is Verdict.RIGHT


def test_what_cancels_to_second_order_has_a_kind_of_its_own() -> None:
    """The second derivative of a product loses digits in PyTorch where an element is small."""
    pytest.importorskip("torch")
    parameters = (("axis", None), ("keepdims", False))
    graph = Expression(1, (), (Step("prod", (0,), parameters),), 1)
    one = Case(graph, (1e-5, 3.0, 0.7), ((3,),), (1.0,), (1.0, 2.0, 3.0))
    engine = load("pytorch")
    found = examine(engine, one)
    assert found.verdict is Verdict.INACCURATE
    assert diagnose(engine, found).kind == "second derivative: digits lost, as when terms cancel"


def test_a_tangent_of_another_size_is_refused() -> None:
    one = single("tanh", "x", [0.5])
    with pytest.raises(ValueError, match=r"the tangent must be 1 numbers, got \(1.0, 2.0\)"):
        replace(one, tangent=(1.0, 2.0))


def test_slopes_of_sinc_that_overflow_on_the_way_are_judged_and_do_not_raise() -> None:
    tiny = replace(single("sinc", "x", [1e-200]), tangent=(1.0,))
    assert not examine(load("nn_from_scratch"), tiny).verdict.accuses


def test_sums_of_infinities_are_judged_and_do_not_raise() -> None:
    def infinite(one: Case) -> Answer:
        return Answer(1.0, tuple(np.inf * (-1) ** k for k in range(len(one.point))))

    engine = answering(load("nn_from_scratch"), infinite)
    one = replace(single("mul", "xx", [1.0, 1.0]), shapes=((), ()), cotangent=(1.0,))
    assert examine(engine, one).verdict is Verdict.WRONG


@pytest.mark.filterwarnings("ignore:Output seems independent of input")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # an engine in numpy overflows on the way
@pytest.mark.parametrize("name", ["nn_from_scratch", "pytorch", "jax", "autograd"])
def test_reproducer_in_the_syntax_of_each_adapter_passes_while_it_is_right(name: str) -> None:
    pytest.importorskip({"pytorch": "torch"}.get(name, name))
    engine = load(name)
    count = 3 if name == "jax" else 12
    drawn = [case(seeded(14, k)) for k in range(count)]
    drawn += [array_case(seeded(14, k)) for k in range(count) if engine.arrays]
    seen = [examine(engine, with_tangent(one)) for one in drawn]
    written_ones = (written(engine, one) for one in seen if one.verdict is Verdict.RIGHT)
    scripts = [script for script in written_ones if script]
    assert len(scripts) > count / 2
    for script in scripts:
        exec(compile(script, "reproducer", "exec"), {})  # noqa: S102  our own script


def test_reproducer_of_a_detached_derivative_fails_by_itself() -> None:
    engine = load("nn_from_scratch")
    found = examine(engine, replace(single("tanh", "x", [0.75]), tangent=(2.0,)))
    script = written(engine, found)
    assert "g = gradients(y, [x0], create_graph=True)\ny = g[0] * 2.0\ny.backprop()" in script
    exec(compile(script, "reproducer", "exec"), {})  # noqa: S102
    with pytest.raises(AssertionError, match="its derivative for x0 is 0"):
        exec(script.replace("np.tanh(x0)", "PLANTED(x0)"), {"PLANTED": detached(RULES["tanh"])})  # noqa: S102


def test_failure_is_shrunk_blamed_and_its_kind_told() -> None:
    planted = detached_engine("sin")
    steps = (Step("exp", (0,)), Step("sin", (3,)), Step("mul", (4, 2)), Step("add", (5, 1)))
    whole = with_tangent(Case(Expression(2, (3.0,), steps, 6), (0.25, -1.5)))
    smallest = minimal(planted, examine(planted, whole))
    assert str(smallest.case).startswith("sin(x0) at x0 = ")
    diagnosis = diagnose(planted, smallest)
    assert diagnosis.operation == "sin"
    assert diagnosis.kind == "second derivative: gradient detached: always 0"


def test_campaign_counts_second_order_apart() -> None:
    results = verify(
        replace(detached_engine("sin"), second_order=True), graphs=400, grades=["rules", "accuracy"]
    )
    counts = results["second_order"]
    assert counts["supported"]
    assert counts["checked"] == sum(counts[one.value] for one in Verdict) == 200
    assert counts["wrong"] > 0
    assert results["graphs"]["wrong"] == 0
    assert results["grades"]["rules"] == results["verdict"] == "wrong"
    (failure,) = results["failures"]
    assert failure["operation"] == "sin"
    assert len(failure["tangent"]) == len(failure["point"])


def test_campaign_does_not_ask_for_what_an_engine_has_not() -> None:
    engine = replace(load("nn_from_scratch"), second_order=False, spec="")
    results = verify(engine, graphs=40, grades=["rules"])
    assert results["second_order"]["supported"] is False
    assert results["second_order"]["checked"] == 0


@pytest.mark.parametrize("points", [(1.0, 3.0, 1.0), (-0.168,), (0.3, 7.0)])
def test_pytorch_is_not_accused_of_what_division_leaves_of_zero(points: tuple[float, ...]) -> None:
    """A product has the second derivative 0 by one element; PyTorch subtracts equal terms."""
    pytest.importorskip("torch")
    parameters = (("axis", None), ("keepdims", False))
    graph = Expression(1, (), (Step("prod", (0,), parameters),), 1)
    one = Case(graph, points, ((len(points),),), (0.75,), tuple(0.856 + k for k in range(len(points))))
    assert not examine(load("pytorch"), one).verdict.accuses


def test_a_tie_by_rounding_is_no_fault_to_second_order_either() -> None:
    """The square of 1.095 rounds to 1.199025, and is smaller: an engine sees a tie where there is none."""
    least = (Step("pow", (0, 2)), Step("minimum", (3, 1)))
    one = Case(Expression(2, (2.0,), least, 4), (-1.095, 1.199025), tangent=(2.258, -1.964))
    assert examine(load("nn_from_scratch"), one).verdict is Verdict.RIGHT


def _the_same(answer: Answer, _: Case) -> Answer:
    return answer


@pytest.mark.once
@pytest.mark.parametrize("outer", ["add", "exp"])
def test_slope_of_abs_as_x_over_its_size_may_round(outer: str) -> None:
    """Differentiated again, x / abs(x) leaves 1 / abs(x) less itself, but for some roundings."""
    graph = Expression(1, (), (Step("abs", (0,)), Step(outer, (0, 1) if outer == "add" else (1,))), 2)
    engine = load("nn_from_scratch")
    for x in np.random.default_rng(0).uniform(-2, 2, 100):
        size = abs(float(x))
        over, slope = float(x) / size, math.exp(size) if outer == "exp" else 1.0
        second = (slope * over * over if outer == "exp" else 0.0) + slope * (
            1 / size - float(x) / (size * size) * over
        )
        asked = Case(graph, (float(x),), tangent=(1.0,))
        for off, accused in ((0.0, False), (1e-12 * slope / size, True)):
            answer = Answer(slope * over + (outer == "add"), (second + off,))
            told = examine(answering(engine, partial(_the_same, answer)), asked)
            assert told.verdict.accuses == accused


@pytest.mark.once
def test_an_exponent_plus_1_rounds_too() -> None:
    """Where q is small, what is lost of the exponent of zeta is multiplied by the logarithm of q."""
    pytest.importorskip("scipy")
    engine = load("nn_from_scratch")
    for exponent in np.random.default_rng(0).uniform(1.1, 9.9, 60).tolist():
        steps = (Step("zeta", (1, 0)),)
        asked = Case(Expression(1, (exponent,), steps, 2), (0.001,), tangent=(2.0,))
        assert examine(engine, asked).verdict is Verdict.RIGHT
