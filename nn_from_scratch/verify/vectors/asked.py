"""What the vectors ask: every operation, form, role, structure and special point, and why.

Most cases are asked of numbers of 8 bits, which every format holds, so that one truth serves all of them.
Those of other numbers, whose products are not exact, are for double precision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from nn_from_scratch.verify.judging.question import representable
from nn_from_scratch.verify.questions.by_turns import case_by_turns
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.direct import direct_questions
from nn_from_scratch.verify.questions.direct_scalars import ordinary, special
from nn_from_scratch.verify.questions.formats import FORMATS
from nn_from_scratch.verify.questions.generate import Choose, seeded
from nn_from_scratch.verify.questions.generate import case as random_case
from nn_from_scratch.verify.questions.generate_arrays import array_case
from nn_from_scratch.verify.questions.operations import ELEMENTWISE, VECTOR_ARRAY_FORMS, VECTOR_FORMS, Form
from nn_from_scratch.verify.questions.roles import (
    Asked,
    DirectQuestion,
    Surroundings,
    alone,
    in_roles,
    second_order,
    twice,
)
from nn_from_scratch.verify.questions.second_order import with_tangent
from nn_from_scratch.verify.questions.telling_points import telling_cases
from nn_from_scratch.verify.vectors.structures import structures

COMMON = ("add", "sub", "mul", "div", "pow", "neg", "exp", "log", "sin", "tanh", "relu", "maximum")
"""What small engines have: half of the graphs are made of these alone."""
_GRAPHS, _ARRAY_GRAPHS = 1100, 250
_SECOND_ORDER_EVERY = 8
SEED = 1
_COMMON_FORMS: tuple[Form, ...] = tuple(form for form in VECTOR_FORMS if form[0] in COMMON)


@dataclass(frozen=True, slots=True)
class Why:
    """Why a case is asked.

    Parameters
    ----------
    operation
        What it is about; "" for several.
    operands
        Which of them are nodes ("x"), numbers ("c") and constant arrays ("a").
    role
        What stands around it, or what the graph's structure is.
    point
        At what kind of numbers.

    """

    operation: str
    operands: str
    role: str
    point: str

    def words(self) -> str:
        """Say it in words."""
        about = self.operation and f"{self.operation}{self._of()}: "
        return f"{about}{self.role}, at {self.point}"

    def _of(self) -> str:
        """Return the operands in words, if it is said which."""
        return f" of {' and '.join(_OPERANDS[kind] for kind in self.operands)}" if self.operands else ""


_OPERANDS = {"x": "a node", "c": "a number", "a": "a constant array"}
Reasoned = tuple[Why, Case]


def scalar_cases() -> Iterator[Reasoned]:
    """Yield every operation of scalars in every form and role, and every structure."""
    around = Surroundings.of(VECTOR_FORMS)
    for form in VECTOR_FORMS:
        for question in _not_rare(direct_questions([form], (), around, second=True)):
            yield from _in_two_ways(_why(question, "ordinary numbers"), question.case)
    for form in VECTOR_FORMS:
        for case in telling_cases([form]):
            yield from _in_two_ways(Why(*form, "alone", "numbers where formulas lose digits"), case)
        for numbers, values in _points(form):
            asked = Asked(*form, values, {}, arrays=False)
            questions = [*in_roles(asked, around), twice(asked), *second_order(alone(asked))]
            yield from (
                (_why(question, numbers), coarse(question.case)) for question in questions if question
            )
    for name, role, case in structures():
        yield from _in_two_ways(Why(name, "", role, "ordinary numbers"), case)


def array_cases() -> Iterator[Reasoned]:
    """Yield every operation of arrays in every form and role, and random graphs."""
    forms = (*VECTOR_FORMS, *VECTOR_ARRAY_FORMS)
    for question in _not_rare(direct_questions((), forms, second=True)):
        whys = _in_two_ways(_why(question, "ordinary numbers"), question.case)
        # Element by element an operation rounds as it does of scalars, of which more numbers are asked.
        yield from islice(whys, 1 if question.operation in ELEMENTWISE else 2)
    for index in range(_ARRAY_GRAPHS):
        by_turns = partial(case_by_turns, seed=SEED, turn=index, forms=forms, arrays=True)
        drawn: dict[str, Callable[[Choose], Case]] = {
            "a random graph of arrays": partial(array_case, forms=forms),
            "a random graph of arrays about one operation": by_turns,
        }
        yield from _drawn(index, drawn)


def graph_cases() -> Iterator[Reasoned]:
    """Yield random graphs of scalars."""
    for index in range(_GRAPHS):
        drawn: dict[str, Callable[[Choose], Case]] = {
            "a random graph of all operations": partial(random_case, forms=VECTOR_FORMS),
            "a random graph of common operations": partial(random_case, forms=_COMMON_FORMS),
            "a random graph about one of all operations": partial(
                case_by_turns, seed=SEED, turn=index, forms=VECTOR_FORMS, arrays=False
            ),
            "a random graph about one of the common operations": partial(
                case_by_turns, seed=SEED, turn=index, forms=_COMMON_FORMS, arrays=False
            ),
        }
        yield from _drawn(index, drawn)


def _not_rare(questions: Iterator[DirectQuestion]) -> Iterator[DirectQuestion]:
    """Leave out what was added since engines in other languages keep the vectors."""
    return (question for question in questions if not question.rare)


def _drawn(index: int, sorts: dict[str, Callable[[Choose], Case]]) -> Iterator[Reasoned]:
    """Yield a graph of each sort: of 8 bits or, every other one, of 53; some to second order as well."""
    for role, draw in sorts.items():
        choose = seeded(SEED, index)
        case = draw(choose)
        why = Why("", "", role, "drawn numbers")
        yield why, case if index % 2 else coarse(case)
        if index % _SECOND_ORDER_EVERY == 0:
            yield replace(why, role=f"{role}, differentiated twice"), coarse(with_tangent(case, choose))


def _points(form: Form) -> Iterator[tuple[str, tuple[float, ...]]]:
    """Yield operand values for questions in roles, each with what it is."""
    yield from (("other numbers", values) for values in ordinary(*form)[1:])
    yield from (("special numbers", values) for values in special(*form))


def _why(question: DirectQuestion, numbers: str) -> Why:
    if question.role in {"special numbers", "other numbers"}:
        return Why(*question.form, "alone", question.role)
    return Why(*question.form, question.role, numbers)


def _in_two_ways(why: Why, case: Case) -> Iterator[Reasoned]:
    """Yield a case at its numbers rounded to 8 bits, and as it is."""
    yield why, coarse(case)
    yield replace(why, point=f"{why.point} of more than 8 bits"), case


def coarse(case: Case) -> Case:
    """Round the numbers of a case to 8 bits, which every format has."""
    return representable(case, FORMATS["bfloat16"])
