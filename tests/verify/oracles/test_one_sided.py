"""The exact one-sided derivatives: by hand, and by plain fractions beside the point."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import reduce

import pytest
from flint import arb
from kink_table import TABLE, Kinked, Operations, graph
from long_runs import tenth

from nn_from_scratch.verify import Case
from nn_from_scratch.verify.judging.choices import fraction
from nn_from_scratch.verify.judging.rounding_at_kinks import held_values
from nn_from_scratch.verify.oracles import one_sided
from nn_from_scratch.verify.oracles.kinks import State, UnsettledError, find
from nn_from_scratch.verify.oracles.one_sided import OneSided
from nn_from_scratch.verify.oracles.selections import KINKED, as_selections
from nn_from_scratch.verify.questions.expressions import Arithmetic
from nn_from_scratch.verify.questions.formats import FORMATS
from nn_from_scratch.verify.questions.generate import case, seeded
from nn_from_scratch.verify.questions.operations import ALL_FORMS
from nn_from_scratch.verify.questions.symbols import Symbol

GRAPHS = tenth(4000)
STEP = Fraction(1, 2**300)

PLAIN: Arithmetic = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "neg": lambda x: -x,
    "square": lambda x: x * x,
    "relu": lambda x: max(x, Fraction(0)),
    "abs": abs,
    "maximum": max,
    "minimum": min,
    "clip": lambda x, low, high: min(max(x, Fraction(low)), Fraction(high)),
    "where": lambda c, x, y: x if c > 0 else y,
}


def kinks_of(one: Case) -> OneSided:
    selecting = as_selections(one.expression)
    held = held_values(selecting.expression, one.point, FORMATS["float64"])
    return OneSided(find(selecting, one.point, held), near_is_exact=False)


def sides_of(one: Case) -> list[tuple[arb, arb]]:
    """Return the derivatives on the sides below and above."""
    return [(below, above) for above, below in kinks_of(one).derivatives()]


@pytest.mark.parametrize("kinked", TABLE, ids=str)
def test_one_sided_derivatives_are_those_worked_out_by_hand(kinked: Kinked) -> None:
    for found, expected in zip(sides_of(kinked.case), kinked.sides, strict=True):
        assert [float(side.mid()) for side in found] == list(map(float, expected))
        assert all(side.rad() < 1e-60 for side in found)


def test_the_table_has_every_operation_with_a_kink() -> None:
    asked = {step.operation for kinked in TABLE for step in kinked.case.expression.steps}
    assert asked >= KINKED
    assert len({str(kinked) for kinked in TABLE}) == len(TABLE) >= 56


def with_ties(k: int) -> Case:
    """Draw a graph of polynomials and kinks at a point of small integers, where much ties."""
    forms = [form for form in ALL_FORMS if form[0] in PLAIN]
    drawn = case(seeded(17, k), forms, most_steps=8)
    source = random.Random(k)
    return replace(drawn, point=tuple(float(source.choice((0, 0, 1, -1, 2))) for _ in drawn.point))


def exactly(one: Case, moved: int, by: Fraction) -> list[Fraction]:
    """Evaluate all nodes of a case in fractions, at a point one of whose numbers is moved."""
    arithmetic = {name: in_fractions(function) for name, function in PLAIN.items()}
    inputs = [Fraction(x) + by * (k == moved) for k, x in enumerate(one.point)]
    return [Fraction(x) for x in one.expression.evaluate(arithmetic, inputs)]


def slope_unless_a_node_jumps(one: Case, moved: int, by: Fraction) -> Fraction | None:
    """Return the output's slope on a side; None if a node jumps there: then the point's own piece counts."""
    slopes = [
        (beside - here) / by
        for beside, here in zip(exactly(one, moved, by), exactly(one, moved, Fraction(0)), strict=True)
    ]
    return slopes[one.expression.output] if max(map(abs, slopes)) < 2**100 else None


def in_fractions(function: Callable[..., Fraction]) -> Callable[..., Fraction]:
    return lambda *operands: function(*map(Fraction, operands))


def test_one_sided_derivatives_are_those_of_plain_fractions_beside_the_point() -> None:
    compared = bent = 0
    for k in range(GRAPHS):
        one = with_ties(k)
        try:
            found = sides_of(one)
        except UnsettledError:
            continue
        for i, sides in enumerate(found):
            slopes = [slope_unless_a_node_jumps(one, i, by) for by in (-STEP, STEP)]
            known = [slope for slope in slopes if slope is not None]
            bent += max(known, default=0) - min(known, default=0) > 1e-9
            for slope, side in zip(slopes, sides, strict=True):
                if slope is not None:
                    assert abs(slope - fraction(side)) < Fraction(1, 2**150), (one, i)
                    compared += 1
    assert compared > 2 * GRAPHS
    assert bent > GRAPHS // 20


def test_many_inputs_are_followed_each() -> None:
    def total(o: Operations, *xs: Symbol) -> Symbol:
        return reduce(lambda x, y: x + y, map(o.relu, xs))

    found = sides_of(graph(total, *[0.0] * 40))
    assert [(float(below), float(above)) for below, above in found] == [(0.0, 1.0)] * 40


def test_what_is_as_good_as_a_tie_is_near_and_counts_as_it_is_and_as_a_tie() -> None:
    # The float 0.3 times 1/10, as a float, is less than 1/10 of 0.3 by a few 1e-18.
    near = graph(lambda o, x, y: o.maximum(0.1 * x, y), 0.3, 0.3 * 0.1)
    selecting = as_selections(near.expression)
    held = held_values(selecting.expression, near.point, FORMATS["float64"])
    kinks = find(selecting, near.point, held)
    assert kinks.has(State.NEAR)
    larger = Fraction(0.1) * Fraction(0.3) > Fraction(0.3 * 0.1)
    as_it_is = [(0.1, 0.1), (0.0, 0.0)] if larger else [(0.0, 0.0), (1.0, 1.0)]
    for exact, expected in ((False, as_it_is), (True, [(0.1, 0.0), (1.0, 0.0)])):
        found = OneSided(kinks, near_is_exact=exact).derivatives()
        assert [(float(above), float(below)) for above, below in found] == expected


def test_a_jump_that_rounding_may_cross_is_unsettled() -> None:
    beside = graph(lambda o, x: o.where(0.1 * x - 0.3 * 0.1, 1.0 * x, 2.0 * x), 0.3)
    with pytest.raises(UnsettledError, match="which side of a jump"):
        sides_of(beside)


def test_too_many_inputs_are_unsettled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_sided, "_MOST_STEPS", 3)
    with pytest.raises(UnsettledError, match="too many inputs"):
        sides_of(graph(lambda o, x, y: o.relu(x) + o.relu(y), 0.0, 0.0))


def hessian(one: Case, tangent: Sequence[float]) -> list[set[float]]:
    """Return the one-sided second derivatives along a tangent, by each input."""
    return [{float(side) for side in sides} for sides in kinks_of(one).second_derivatives(tangent)]


@pytest.mark.parametrize(
    ("name", "write", "point", "tangent", "expected"),
    [
        ("relu(x)", lambda o, x: o.relu(x), [0], [1.0], [{0}]),
        ("abs(x) squared", lambda o, x: o.square(o.abs(x)), [0], [1.0], [{2}]),
        ("relu(x * x)", lambda o, x: o.relu(x * x), [0], [3.0], [{6}]),
        ("abs(x) * x", lambda o, x: o.abs(x) * x, [0], [1.0], [{2, -2}]),
        ("relu(x) squared", lambda o, x: o.square(o.relu(x)), [0], [1.0], [{0, 2}]),
        ("both squares", lambda o, x: o.square(o.relu(x)) + o.square(o.relu(-x)), [0], [1.0], [{2}]),
        ("exp(abs(x))", lambda o, x: o.exp(o.abs(x)), [0], [1.0], [{1}]),
        ("max(x * x, y)", lambda o, x, y: o.maximum(x * x, y), [1, 1], [1.0, 1.0], [{0, 2}, {0}]),
        (
            "max(x, y) * min(x, y)",
            lambda o, x, y: o.maximum(x, y) * o.minimum(x, y),
            [2, 2],
            [1.0, 3.0],
            [{3}, {1}],
        ),
        ("relu(x) * y", lambda o, x, y: o.relu(x) * y, [0, 5], [1.0, 2.0], [{0, 2}, {0, 1}]),
    ],
)
def test_one_sided_second_derivatives_are_those_worked_out_by_hand(
    name: str,
    write: Callable[..., Symbol],
    point: Sequence[float],
    tangent: Sequence[float],
    expected: list[set[float]],
) -> None:
    assert hessian(graph(write, *point), tangent) == expected, name
