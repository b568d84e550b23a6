"""Graphs by turns ask every form at every special number, and of arrays with all shapes and keywords."""

import hashlib
import json
from collections import Counter
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify.engines.loading import load
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.questions.by_turns import case_by_turns
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.constants import numbers_of
from nn_from_scratch.verify.questions.direct_arrays import whole
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.questions.generate import case, seeded
from nn_from_scratch.verify.questions.generate_arrays import array_case
from nn_from_scratch.verify.questions.graphs import SORTS, drafts, is_by_turns
from nn_from_scratch.verify.questions.guide_of_arrays import WHOLE
from nn_from_scratch.verify.questions.operations import (
    ALL_FORMS,
    ARRAY_FORMS,
    ARRAYS,
    CATALOGUE,
    ELEMENTWISE,
    EVERY_ARRAY_FORM,
    EVERY_FORM,
    Form,
)

OF_ARRAYS = (*ALL_FORMS, *ARRAY_FORMS)
TURNS = 500  # of each of the two sorts in 2,000 graphs
pytestmark = pytest.mark.once


def drawn(seed: int, *, arrays: bool, turns: int = TURNS) -> list[Case]:
    forms = OF_ARRAYS if arrays else ALL_FORMS
    return [case_by_turns(seeded(seed, k), seed, k, forms, arrays=arrays) for k in range(turns)]


def values(one: Case) -> list[float]:
    """Return the numbers of all nodes of a scalar case whose inputs are the operands, halved where inner."""
    expression = one.expression
    found = [*one.point, *numbers_of(expression.constants)]
    for step in expression.steps:
        halves = step.operation == "mul" and expression.operand_kinds(step) == "xc"
        found.append(found[step.operands[0]] * found[step.operands[1]] if halves else float("nan"))
    return found


def shapes(one: Case) -> list[tuple[int, ...]]:
    elementwise = {name: lambda *xs: np.broadcast_arrays(*xs)[0] for name in ELEMENTWISE}
    with np.errstate(all="ignore"):
        nodes = one.expression.evaluate({**elementwise, **WHOLE}, [np.ones(shape) for shape in one.shapes])
    return [np.shape(node) for node in nodes]


def steps(cases: list[Case]) -> list[tuple[Case, Expression, Step]]:
    return [(one, one.expression, step) for one in cases for step in one.expression.live_steps()]


@pytest.mark.parametrize("seed", range(3))
def test_every_form_is_asked_at_every_special_number(seed: int) -> None:
    met: dict[tuple[str, int], set[float]] = {}
    forms: Counter[Form] = Counter()
    for one, expression, step in steps(drawn(seed, arrays=False)):
        numbers = values(one)
        forms[step.operation, expression.operand_kinds(step)] += 1
        for side, operand in enumerate(step.operands):
            met.setdefault((step.operation, side), set()).add(numbers[operand])
    assert forms.keys() == set(ALL_FORMS)
    for name, operation in CATALOGUE.items():
        for side in range(1 if name == "clip" else operation.arity or 0):
            special = {x for x in operation.special if operation.arity != 1 or operation.inside(x)}
            if (name, side) in {("div", 1), ("arctan2", 0)}:
                special -= {0.0}
            assert special <= met[name, side], f"{name}, operand {side}: {special - met[name, side]}"


@pytest.mark.parametrize("seed", range(3))
def test_arrays_are_asked_with_all_ranks_axes_and_broadcasts(seed: int) -> None:
    asked: dict[str, set[tuple[Any, Any]]] = {}
    for one, _, step in steps(drawn(seed, arrays=True, turns=TURNS)):
        known = shapes(one)
        of = tuple(known[k] for k in step.operands)
        asked.setdefault(step.operation, set()).add((of, step.parameters))
    for name in ARRAYS:
        wanted = {
            (tuple(map(np.shape, asked.values)), tuple(asked.parameters.items())) for _, asked in whole(name)
        }
        assert wanted <= asked[name], name
    for name in ("add", "pow", "hypot"):
        broadcast = {of for of, _ in asked[name] if len(set(of)) > 1}
        assert {((3,), (2, 3)), ((2, 1), (2, 3)), ((2, 1), (3,)), ((2, 2, 3), (2, 1, 3))} <= broadcast


@pytest.mark.parametrize("arrays", [False, True])
def test_an_operand_is_used_again_in_half_of_the_graphs(arrays: bool) -> None:
    def again(one: Case) -> bool:
        used = Counter(k for step in one.expression.live_steps() for k in {*step.operands})
        return max(used.values()) > 1

    assert TURNS // 2 <= sum(map(again, drawn(0, arrays=arrays))) <= 0.75 * TURNS


def test_cotangents_are_unequal_and_none_is_1() -> None:
    cotangents = [one.cotangent for one in drawn(0, arrays=True)]
    assert all(len(set(each)) == min(len(each), 7) for each in cotangents)
    assert not any(1.0 in each for each in cotangents)


@pytest.mark.parametrize("arrays", [False, True])
def test_seed_and_turn_alone_decide(arrays: bool) -> None:
    once, again, other = (drawn(seed, arrays=arrays, turns=60) for seed in (0, 0, 1))
    assert once == again
    assert len({*once, *other}) >= 110  # alone at a special number a graph may come twice


def test_a_later_round_asks_the_same_of_other_numbers() -> None:
    forms = (("sqrt", "x"), ("mul", "xc"))
    found = [case_by_turns(seeded(0, k), 0, k, forms, arrays=False) for k in range(60)]
    counts = Counter(
        step.operation for one in found for step in one.expression.live_steps() if step.operation == "sqrt"
    )
    assert counts["sqrt"] > 20
    assert len(set(found)) >= 40  # alone at a special number a graph may come twice


def test_only_forms_that_may_be_asked_are_asked() -> None:
    forms = (("exp", "x"), ("tanh", "x"), ("sum", "x"))
    for arrays in (False, True):
        for k in range(40):
            one = case_by_turns(seeded(1, k), 1, k, forms if arrays else forms[:2], arrays=arrays)
            for step in one.expression.steps:
                assert (step.operation, one.expression.operand_kinds(step)) in forms


@pytest.mark.parametrize("arrays", [False, True])
def test_our_engine_is_right_and_hardly_anything_is_undecided(arrays: bool) -> None:
    engine = load("nn_from_scratch")
    found = Counter(examine(engine, one).verdict.value for one in drawn(5, arrays=arrays, turns=200))
    assert found["right"] + found["convention"] >= 195
    assert found["undecided"] == 200 - found["right"] - found["convention"]


def test_further_operations_are_asked_inside_their_domains() -> None:
    for arrays, forms in ((False, EVERY_FORM), (True, (*EVERY_FORM, *EVERY_ARRAY_FORM))):
        asked = set()
        for k in range(1200):  # a card of each is dealt
            one = case_by_turns(seeded(0, k), 0, k, forms, arrays=arrays)
            asked |= {step.operation for step in one.expression.live_steps()}
        assert asked == {name for name, _ in forms}


# The graphs of a campaign: -------------------------------------------------


def graph(index: int, seed: int = 3) -> Case:
    return next(drafts(seeded(seed, index), seed, index, ALL_FORMS, OF_ARRAYS))


def test_random_graphs_and_those_by_turns_alternate() -> None:
    assert [is_by_turns(k) for k in range(2 * SORTS)] == [*[False] * 4, *[True] * 4] * 2
    for index in (0, 1, 2, 3, 8, 9):
        draw = array_case if index % 2 else case
        assert graph(index) == draw(seeded(3, index))
    turns = [graph(index) for index in range(100) if is_by_turns(index)]
    assert turns[::2] == [
        case_by_turns(seeded(3, 8 * (k // 2) + 4 + 2 * (k % 2)), 3, k, ALL_FORMS, arrays=False)
        for k in range(len(turns[::2]))
    ]
    assert all(one.shapes for one in turns[1::2])


def test_an_engine_without_arrays_gets_every_turn() -> None:
    indices = [index for index in range(64) if is_by_turns(index)]
    found = [next(drafts(seeded(0, k), 0, k, ALL_FORMS, ())) for k in indices]
    assert found == [
        case_by_turns(seeded(0, k), 0, turn, ALL_FORMS, arrays=False) for turn, k in enumerate(indices)
    ]


def test_what_an_engine_lacks_is_replaced_by_random_graphs_and_at_last_by_one_of_scalars() -> None:
    for index in (1, 5):
        every = list(drafts(seeded(0, index), 0, index, ALL_FORMS, OF_ARRAYS))
        assert len(every) == 51 + is_by_turns(index)
        assert [bool(one.shapes) for one in every] == [*[True] * (len(every) - 1), False]
    assert len(list(drafts(seeded(0, 0), 0, 0, ALL_FORMS, OF_ARRAYS))) == 1


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        (False, "8c491e461f1722356ea56612ca3322427cce166b695e25e5dd1a82505457e726"),
        (True, "ef55892dfa78dd35530e8bc748b6ae2fbef8d179f0a622c991554b32c57b7ffb"),
    ],
)
def test_graphs_are_those_that_were_recorded(arrays: bool, expected: str) -> None:
    text = "\n".join(
        json.dumps([one.expression.to_json(), list(one.point), list(one.cotangent)])
        for one in drawn(0, arrays=arrays, turns=300)
    )
    assert hashlib.sha256(text.encode()).hexdigest() == expected
