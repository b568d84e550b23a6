"""What is asked of the operations that an engine need not have, and only of those that have them."""

import hashlib
import json
import math
from collections import Counter
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from nn_from_scratch.verify.engines.loading import load
from nn_from_scratch.verify.oracles import finite_differences
from nn_from_scratch.verify.questions.by_turns import _deck, case_by_turns
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.direct import SPECIAL, direct_questions
from nn_from_scratch.verify.questions.direct_further import ROWS
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.questions.generate import askable, case, seeded
from nn_from_scratch.verify.questions.generate_arrays import array_case
from nn_from_scratch.verify.questions.guide_of_arrays import WHOLE
from nn_from_scratch.verify.questions.lower import lower
from nn_from_scratch.verify.questions.operations import (
    ARRAYS,
    CATALOGUE,
    EVERY_ARRAY_FORM,
    FURTHER,
    FURTHER_ARRAY_FORMS,
    FURTHER_FORMS,
    OF_NUMPY,
    OF_SCIENCE,
    VECTOR_ARRAY_FORMS,
)

OF_SCALARS = "2a6cd0c1c28f56c8b6725300ea5a5214866a126d2c9f5ec33cb6035d2976be3a"
OF_ARRAYS = "fa8feaacbcec1b73b887b65d28c666e94db4ce9ef4b56190961552d2e7ed431d"


def digest(drawn: list[Case]) -> str:
    text = "\n".join(json.dumps([one.expression.to_json(), list(one.point)]) for one in drawn)
    return hashlib.sha256(text.encode()).hexdigest()


def test_graphs_of_an_engine_that_lacks_them_are_those_before_there_were_any() -> None:
    # Pinned before the first of them: what is recorded of engines without them stays true.
    ours = load("nn_from_scratch")
    known = {name: one for name, one in ours.operations.items() if name in CATALOGUE | ARRAYS}
    engine = replace(ours, operations=known)
    assert digest([case(seeded(0, k), engine.forms) for k in range(300)]) == OF_SCALARS
    assert digest([array_case(seeded(0, k), engine.array_forms) for k in range(300)]) == OF_ARRAYS


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    around = (("mul", "xc"), ("add", "xx"))
    return [case(seeded(0, index), (*around, *FURTHER_FORMS)) for index in range(10000)]


@pytest.mark.once
def test_every_further_form_is_generated_with_its_special_points(cases: list[Case]) -> None:
    forms: Counter[tuple[str, str]] = Counter()
    met: dict[str, set[float]] = {name: set() for name in FURTHER}
    for one in cases:
        for step in one.expression.live_steps():
            forms[step.operation, one.expression.operand_kinds(step)] += 1
            if step.operation in FURTHER:
                met[step.operation].update(one.point[k] for k in step.operands if k < one.expression.inputs)
    assert min(forms[form] for form in FURTHER_FORMS) >= 20
    for name, operation in FURTHER.items():
        assert set(operation.special) <= met[name], f"{name}: {set(operation.special) - met[name]}"


@pytest.mark.once
def test_every_row_of_what_numpy_has_is_drawn_at_random_and_by_turns_and_asked_directly() -> None:
    news = [form for form in FURTHER_ARRAY_FORMS if form[0] in OF_NUMPY]
    forms = (*news, ("mul", "xc"), ("add", "xx"))
    deck = len(_deck(forms, arrays=True))
    by_turns = [case_by_turns(seeded(0, k), 0, k, forms, arrays=True) for k in range(deck)]
    at_random = [array_case(seeded(0, k), forms) for k in range(2500)]
    directly = [question.case for question in direct_questions((), forms)]
    every = {(name, *row[0], *row[1].items()) for name in OF_NUMPY for row in ROWS[name]}
    for drawn in (by_turns, at_random, directly):
        assert every <= {row for one in drawn for row in rows_of(one)}


def rows_of(one: Case) -> set[tuple[Any, ...]]:
    """Return the operation, the shapes of its operands and the keywords of each step."""
    values = one.expression.evaluate({**finite_differences.NUMPY, **WHOLE}, one.inputs())
    return {
        (step.operation, *(np.shape(values[k]) for k in step.operands), *step.parameters)
        for step in one.expression.live_steps()
    }


@pytest.mark.once
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", OF_NUMPY)
def test_smaller_shapes_are_lowered_or_refused_as_shapes_that_do_not_fit(name: str) -> None:
    lowered = 0
    for shapes, parameters in ROWS[name]:
        smaller = [[*np.ndindex(*shape), shape[1:], shape] for shape in shapes]
        for drawn in product(*smaller):
            numbers = [np.arange(1.0, math.prod(shape) + 1).reshape(shape) for shape in drawn]
            step = Step(name, tuple(range(len(drawn))), tuple(parameters.items()))
            graph = Expression(len(drawn), (), (step,), len(drawn))
            point = tuple(float(x) for each in numbers for x in each.ravel())
            if not point:
                continue
            try:
                with np.errstate(all="ignore"):
                    result = WHOLE[name](*numbers, **parameters)
            except (ValueError, IndexError):
                continue
            lower(Case(graph, point, drawn, (1.0,) * np.size(result)))
            lowered += 1
    assert lowered >= len(ROWS[name])


def test_test_vectors_do_not_ask_what_numpy_has() -> None:
    assert {name for name, _ in VECTOR_ARRAY_FORMS} == {*ARRAYS, *OF_SCIENCE}


@pytest.mark.parametrize(
    ("form", "points"),
    [
        (("erf", "x"), {(0.0,), (5.9,), (-30.0,)}),
        (("erfc", "x"), {(10.0,), (26.0,), (-30.0,)}),
        (("lgamma", "x"), {(1.0,), (2.0,), (-0.99999999,), (1e30,)}),
        (("digamma", "x"), {(1e-8,), (-7.000001,), (1e30,)}),
        (("pow", "xc"), {(0.0, 0.0), (0.0, 2.0), (-1.3, -1.0)}),
    ],
)
def test_special_points_are_asked_directly(form: tuple[str, str], points: set[tuple[float, ...]]) -> None:
    assert points <= asked_at_special_numbers(form)


@pytest.mark.parametrize("kinds", ["xx", "cx"])
def test_zero_to_a_zero_that_is_a_node_has_no_derivative_and_is_not_asked(kinds: str) -> None:
    assert (0.0, 0.0) not in asked_at_special_numbers(("pow", kinds))


def asked_at_special_numbers(form: tuple[str, str]) -> set[tuple[Any, ...]]:
    """Return the inputs and then the constants of each direct question about special numbers."""
    questions = direct_questions([form, ("mul", "xc"), ("add", "xx")])
    return {
        (*question.case.point, *question.case.expression.constants)
        for question in questions
        if question.form == form and question.role == SPECIAL
    }


@pytest.mark.parametrize(
    ("matrix", "asked"),
    [
        ([[0.0]], False),  # has a factor, and no engine that factors it
        ([[1.0, 1.0], [1.0, 1.0]], False),
        ([[1e-9, 0.0], [0.0, 1e-9]], True),
        ([[1.0, 1.0], [1.0, 1.0 + 1e-6]], False),
        ([[[4.0, 1.0], [1.0, 3.0]], [[1.0, 1.0], [1.0, 1.0]]], False),
        ([[4.0, 1.0], [1.0, 3.0]], True),
    ],
    ids=str,
)
def test_a_factor_is_asked_where_rounding_leaves_a_matrix_positive_definite(matrix: Any, asked: bool) -> None:
    assert np.all(np.isfinite(WHOLE["cholesky"](np.array(matrix)))) == asked


def test_an_engine_factors_what_it_is_asked() -> None:
    """Of a hundred thousand random graphs one asked for the factor of [[0.0]]: graph 65,465 of seed 6."""
    engine = load("nn_from_scratch")
    forms = [form for form in EVERY_ARRAY_FORM if form[0] in ("cholesky", "transpose", "det", "mul")]
    for index in range(400):
        engine.answer(array_case(seeded(6, index), forms))


@pytest.mark.parametrize("name", ["jv", "iv"])
def test_a_bessel_function_is_asked_where_libraries_have_it(name: str) -> None:
    """A random graph asked for iv(2, -1e-150), of which scipy says 0."""
    assert askable(name, "cx", (2.0, 0.0))
    assert askable(name, "cx", (2.0, -1e-8))
    assert not askable(name, "cx", (2.0, -1e-150))
    assert not askable(name, "cx", (0.5, 1.0))
    assert not askable(name, "cx", (2.0, 25.0))
