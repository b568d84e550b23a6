"""Eigenvalues and eigenvectors: truth, what rounding may do to them, and where they are asked."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from fake_engines import answering

from nn_from_scratch.verify.engines.answers import Answer
from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.engines.loading import load
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.judging.question import Question
from nn_from_scratch.verify.judging.rounded_numbers import MARGIN
from nn_from_scratch.verify.judging.verdicts import Verdict
from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.questions.formats import FORMATS
from nn_from_scratch.verify.questions.guide_of_arrays import WHOLE
from nn_from_scratch.verify.questions.lower import lower

NAMES = ("eigvalsh", "eigh")


def asked(name: str, matrix: Any, cotangent: Any = None, tangent: Any = ()) -> Case:
    """Ask for all eigenvalues, or eigenvectors, of a matrix."""
    size = len(matrix) if name == "eigvalsh" else np.size(matrix)
    weights = np.arange(2.0, size + 2) if cotangent is None else np.ravel(cotangent)
    point = tuple(map(float, np.ravel(matrix)))
    expression = Expression(1, (), (Step(name, (0,)),), 1)
    return Case(expression, point, (np.shape(matrix),), tuple(map(float, weights)), tuple(tangent))


def giving(answer: Answer) -> Engine:
    """Return an engine that always answers the same."""
    return answering(load("nn_from_scratch"), lambda _: answer)


def inside(name: str, count: int) -> Iterator[Any]:
    """Yield matrices inside the domain: of other sizes, some with the smallest gaps, some nearly diagonal."""
    random = np.random.default_rng(5)
    while count:
        rows = int(random.integers(2, 4))
        vectors, _ = np.linalg.qr(random.normal(size=(rows, rows)))
        gaps = random.uniform(0.05, 0.06, rows) if random.integers(2) else random.uniform(0.05, 1.0, rows)
        values = (1 - np.cumsum([0.0, *gaps[1:]])) * random.choice([-1, 1]) * 10.0 ** random.integers(-3, 4)
        if random.integers(4) == 0 and name == "eigvalsh":
            vectors = np.eye(rows)[random.permutation(rows)] + 1e-9 * vectors * random.integers(2)
        skew = random.normal(size=(rows, rows)) * random.integers(2)
        matrix = vectors * values @ vectors.T + skew - skew.T
        found = WHOLE[name](matrix)
        if np.isfinite(found).all():
            count -= 1
            yield matrix


@pytest.mark.parametrize("name", NAMES)
def test_truth_is_that_of_another_algorithm_with_as_many_digits(name: str) -> None:
    """The derivative is a difference quotient of 60 digits; mpmath turns the matrix until it is diagonal."""

    def value(matrix: Any, weights: Any) -> Any:
        values, vectors = mp.eigsy(mp.matrix(((matrix + matrix.T) / 2).tolist()))
        if name == "eigvalsh":
            return mp.fsum(w * x for w, x in zip(weights, values, strict=True))
        rows = range(len(matrix))
        signs = [mp.sign(vectors[0, k]) for k in rows]
        return mp.fsum(weights[i * len(matrix) + k] * vectors[i, k] * signs[k] for i in rows for k in rows)

    with mp.workdps(80):
        for matrix in inside(name, 12):
            case = lower(asked(name, matrix))
            along = np.linspace(-1.0, 1.5, matrix.size)
            true, (slope,) = taylor.enclose(case.expression, case.point, directions=[along.tolist()])
            weights = [mp.mpf(w) for w in asked(name, matrix).cotangent]
            exact = np.array([[mp.mpf(x) for x in row] for row in matrix.tolist()])
            step = mp.mpf(10) ** -30 * np.array([mp.mpf(x) for x in along.tolist()]).reshape(matrix.shape)
            ahead, here, back = (value(one, weights) for one in (exact + step, exact, exact - step))
            size = max(1, float(abs(matrix).max()), float(abs(slope)))
            assert abs(float(mp.mpf(true.mid().str(50, radius=False)) - here)) < 1e-40 * size
            estimate = (ahead - back) / mp.mpf("2e-30")
            assert abs(float(mp.mpf(slope.mid().str(50, radius=False)) - estimate)) < 1e-25 * size


@pytest.mark.once
@pytest.mark.parametrize("second", [False, True], ids=["first", "second"])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_right_is_accused_and_little_is_unknown(name: str, second: bool) -> None:
    """Not even where gaps are smallest; and there, too, a relative error of 1e-9 is beyond the tolerance."""
    engine, random = load("nn_from_scratch"), np.random.default_rng(6)
    for matrix in inside(name, 150):
        tangent = random.normal(size=matrix.size).round(2) if second else ()
        case = asked(name, matrix, tangent=tangent)
        each = Question.of(case).towards(None)
        value, truth = each.truth()
        rounding = each.rounding(value, truth, FORMATS["float64"])
        answer = engine.answer(case)
        for got, true, radius in zip(answer.gradient, truth, rounding.derivatives, strict=True):
            assert float(abs(true - got)) <= 0.5 * MARGIN * radius + 1e-300, (matrix, tangent)
        largest = int(np.argmax(np.abs(answer.gradient)))
        if abs(answer.gradient[largest]) < 1e-6 * abs(answer.value):
            continue  # the derivatives cancel
        off = tuple(x * (1 + 1e-9 * (k == largest)) for k, x in enumerate(answer.gradient))
        assert examine(engine, case).verdict is Verdict.RIGHT
        assert examine(giving(replace(answer, gradient=off)), case).verdict.accuses, (matrix, tangent)


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_the_answer_of_short_numbers_is_not_accused(name: str) -> None:
    working = FORMATS[name]
    exact = load("nn_from_scratch")

    def rounded(case: Case) -> Any:
        answer = exact.answer(case)
        return replace(
            answer, value=working.nearest(answer.value), gradient=tuple(map(working.nearest, answer.gradient))
        )

    engine = answering(replace(exact, dtype=name), rounded)
    for question in NAMES:
        for matrix in inside(question, 40):
            assert not examine(engine, asked(question, matrix)).verdict.accuses


@pytest.mark.parametrize(
    ("name", "matrix", "is_asked"),
    [
        ("eigvalsh", [[1.0, 0.0], [0.0, 1.0]], False),
        ("eigvalsh", [[1.0, 0.01], [0.01, 1.0]], False),
        ("eigvalsh", [[1.0, 0.03], [0.03, 1.0]], True),
        ("eigvalsh", [[0.0, 0.0], [0.0, 0.0]], False),
        ("eigvalsh", [[0.0]], True),
        ("eigvalsh", [[3.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 2.0]], True),
        ("eigvalsh", [[3.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 3.0]], False),
        ("eigvalsh", [[[2.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]]], False),
        ("eigh", [[2.0, 0.0], [0.0, 1.0]], False),  # the first entry of a vector is 0
        ("eigh", [[2.0, 1.0], [1.0, 1.0]], True),
        ("eigh", [[2.0, 2.0], [0.0, 1.0]], True),
        ("eigh", [[2.0, 2.0], [-2.0, 2.0]], False),  # the symmetric part has one eigenvalue
        ("eigh", [[2.0, 0.1], [0.1, 1.0]], False),
    ],
    ids=str,
)
def test_they_are_asked_where_eigenvalues_are_apart(name: str, matrix: Any, is_asked: bool) -> None:
    assert np.isfinite(WHOLE[name](np.array(matrix))).ravel()[-1] == is_asked


def test_eigenvalues_ascend_and_vectors_are_columns_that_begin_above_0() -> None:
    for matrix in inside("eigh", 20):
        assert all(x < y for x, y in pairwise(WHOLE["eigvalsh"](matrix)))
        found = WHOLE["eigh"](matrix)
        assert (found[0] > 0).all()
        turned = (matrix + matrix.T) / 2 @ found
        assert np.allclose(turned, WHOLE["eigvalsh"](matrix) * found)


def test_more_rows_than_there_is_a_closed_form_for_are_refused() -> None:
    with pytest.raises(ValueError, match="no closed form of 4 rows"):
        lower(asked("eigvalsh", np.diag([1.0, 2.0, 3.0, 4.0])))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_right_is_accused_at_a_kink_in_front(name: str) -> None:
    """Of more than two operands no mixed second derivatives were known: graph 50,200 of seed 31 was wrong."""
    steps = (Step("abs", (0,)), Step(name, (1,)))
    size = 4 if name == "eigh" else 2
    case = Case(Expression(1, (), steps, 2), (5.0, 0.0, 7.0, 0.25), ((2, 2),), (0.5, 1.0, 2.0, 3.0)[:size])
    engine = load("nn_from_scratch")
    assert not examine(engine, case).verdict.accuses
    assert not examine(engine, replace(case, tangent=(5.0, 7.0, 0.25, 4.0))).verdict.accuses
    answer = engine.answer(case)
    off = tuple(x * (1 + 1e-6) for x in answer.gradient)
    assert examine(giving(replace(answer, gradient=off)), case).verdict is Verdict.WRONG


def test_which_number_is_asked_for_stays_a_constant_where_all_entries_are() -> None:
    """Of constants alone one operand is made a node, as beside a kink: the eigenvalue's number was."""
    steps = (Step("where", (0, 0, 2)), Step("eigvalsh", (3,)), Step("maximum", (4, 1)))
    case = Case(Expression(2, (1.5,), steps, 5), (-0.26, 1.5), ((1, 1), ()), (2.0,), (0.75, 0.75))
    assert not examine(load("nn_from_scratch"), case).verdict.accuses
