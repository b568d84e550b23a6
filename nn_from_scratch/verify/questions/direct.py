"""Direct questions: every operation in every form and role, by construction, before any random graph.

A random graph asks many things at once, and asks each of them sometimes. A direct question asks one operation
one thing. What every engine is asked does not depend on a seed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from nn_from_scratch.verify.questions.direct_arrays import elementwise, whole
from nn_from_scratch.verify.questions.direct_scalars import ordinary, special
from nn_from_scratch.verify.questions.operations import ELEMENTWISE, OF_ARRAYS, OF_NUMPY, Form
from nn_from_scratch.verify.questions.roles import (
    DEAD,
    USED_BEFORE,
    Asked,
    DirectQuestion,
    Surroundings,
    alone,
    in_roles,
    second_order,
    strided,
    twice,
)

SPECIAL = "special numbers"
MORE_NUMBERS = "other numbers"
_LEFT_TO_TURNS = (DEAD, USED_BEFORE)
"""Roles in which graphs by turns alone ask what numpy has, of which there is much."""


def direct_questions(
    forms: Collection[Form],
    array_forms: Collection[Form] = (),
    around: Surroundings | None = None,
    *,
    second: bool = False,
) -> Iterator[DirectQuestion]:
    """Yield the questions for an engine that has these forms.

    Parameters
    ----------
    forms
        The operations, and sides of constants, that are asked of scalars.
    array_forms
        Those that are asked of arrays.
    around
        What stands around them; by default the best that `forms` allow.
    second
        Whether second derivatives are asked as well.

    """
    around = around or Surroundings.of((*forms, *array_forms))
    scalar_surroundings = replace(around, reduces=False)
    for name, kinds in forms:
        yield from _of_scalars(name, kinds, scalar_surroundings, second)
    for name, kinds in array_forms:
        if name in ELEMENTWISE:
            yield from _of_elements(name, kinds, around, second)
        elif name in OF_ARRAYS:
            yield from _of_arrays(name, around, second)


def _of_scalars(name: str, kinds: str, around: Surroundings, second: bool) -> Iterator[DirectQuestion]:
    first, *others = (Asked(name, kinds, values, {}, arrays=False) for values in ordinary(name, kinds))
    yield alone(first)
    yield from (alone(asked, MORE_NUMBERS) for asked in others)
    yield from (
        alone(Asked(name, kinds, values, {}, arrays=False), SPECIAL) for values in special(name, kinds)
    )
    yield from in_roles(first, around)
    yield from _present(twice(first))
    if second:
        yield from second_order(alone(first))


def _of_elements(name: str, kinds: str, around: Surroundings, second: bool) -> Iterator[DirectQuestion]:
    (role, first), *others = elementwise(name, kinds)
    yield alone(first, role)
    yield strided(alone(first))
    yield from in_roles(first, around)
    yield from (alone(asked, role) for role, asked in others)
    yield from _present(twice(first))
    if second:
        yield from second_order(alone(first))


def _of_arrays(name: str, around: Surroundings, second: bool) -> Iterator[DirectQuestion]:
    asked = list(whole(name))
    yield from (alone(one, role) for role, one in asked)
    (_, first), *_ = asked
    yield strided(alone(first))
    left_out = _LEFT_TO_TURNS if name in OF_NUMPY else ()
    yield from (question for question in in_roles(first, around) if question.role not in left_out)
    for _, one in asked:
        yield from _present(twice(one))
    if second:
        yield from second_order(alone(first))


def _present(question: DirectQuestion | None) -> Iterator[DirectQuestion]:
    if question is not None:
        yield question
