"""Direct questions: every operation in every form and role, by construction, before any random graph.

A random graph asks many things at once, and asks each of them sometimes. A direct question asks one operation
one thing. What every engine is asked does not depend on a seed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

import numpy as np

from nn_from_scratch.verify.questions import direct_rare as rare
from nn_from_scratch.verify.questions.direct_arrays import elementwise, whole
from nn_from_scratch.verify.questions.direct_integers import with_arrays, with_integers
from nn_from_scratch.verify.questions.direct_python import with_numpy, with_one_bound
from nn_from_scratch.verify.questions.direct_scalars import ordinary, special
from nn_from_scratch.verify.questions.operations import (
    ARRAYS,
    ELEMENTWISE,
    OF_ARRAYS,
    OF_LIBRARIES,
    OF_NUMPY,
    Form,
)
from nn_from_scratch.verify.questions.roles import (
    DEAD,
    USED_BEFORE,
    Asked,
    DirectQuestion,
    Surroundings,
    alone,
    bent,
    in_roles,
    many_uses,
    second_order,
    strided,
    twice,
)

SPECIAL = "special numbers"
MORE_NUMBERS = "other numbers"
_LEFT_TO_TURNS = (DEAD, USED_BEFORE)
"""Roles in which graphs by turns alone ask what numpy and scipy have, of which there is much."""
_OF_SO_MANY = 3
"""Of so many shapes that are broadcast one is asked directly of what they have; graphs by turns ask all."""


def direct_questions(
    forms: Collection[Form],
    array_forms: Collection[Form] = (),
    around: Surroundings | None = None,
    *,
    second: bool = False,
    integers: bool = False,
    in_python: bool = False,
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
    integers
        Whether it can be given integers for constants.
    in_python
        Whether it can be given what only Python has: scalars of numpy's, and None for a bound.

    """
    questions = _every_question(forms, array_forms, around, second=second)
    return (
        question
        for question in questions
        if (integers or not question.case.integers) and (in_python or not question.case.only_in_python)
    )


def _every_question(
    forms: Collection[Form], array_forms: Collection[Form], around: Surroundings | None, *, second: bool
) -> Iterator[DirectQuestion]:
    around = around or Surroundings.of((*forms, *array_forms))
    scalar_surroundings = replace(around, reduces=False)
    for name, kinds in forms:
        yield from _of_scalars(name, kinds, scalar_surroundings, second)
        yield from _rare(_rarely_of_scalars(name, kinds, scalar_surroundings))
    for name, kinds in array_forms:
        if name in ELEMENTWISE:
            yield from _of_elements(name, kinds, around, second)
            yield from _rare(alone(asked, role) for role, asked in rare.elementwise(name, kinds))
        elif name in OF_ARRAYS:
            yield from _of_arrays(name, around, second)
            yield from _rare(_rarely_of_arrays(name, around, second))


def _of_scalars(name: str, kinds: str, around: Surroundings, second: bool) -> Iterator[DirectQuestion]:
    first, *others = (Asked(name, kinds, values, {}, arrays=False) for values in ordinary(name, kinds))
    yield alone(first)
    yield from (alone(asked, MORE_NUMBERS) for asked in others)
    yield from (
        alone(Asked(name, kinds, values, {}, arrays=False), SPECIAL) for values in special(name, kinds)
    )
    yield from _in_roles(first, around)
    yield from _present(twice(first))
    yield from _rare(with_integers(first))
    yield from _rare(_only_in_python(first, around))
    if second:
        yield from second_order(bent(first, around))


def _of_elements(name: str, kinds: str, around: Surroundings, second: bool) -> Iterator[DirectQuestion]:
    (role, first), *others = elementwise(name, kinds)
    others = others[::_OF_SO_MANY] if name in OF_LIBRARIES else others
    yield alone(first, role)
    yield strided(alone(first))
    yield from _in_roles(first, around)
    yield from (alone(asked, role) for role, asked in others)
    yield from _present(twice(first))
    yield from _rare(with_integers(first))
    yield from _rare(_only_in_python(first, around))
    yield from _rare(with_arrays(asked for _, asked in others))
    if second:
        yield from second_order(bent(first, around))


def _of_arrays(name: str, around: Surroundings, second: bool) -> Iterator[DirectQuestion]:
    asked = list(whole(name))
    yield from (alone(one, role) for role, one in asked)
    (_, first), *_ = asked
    yield strided(alone(first))
    yield from _in_roles(first, around)
    for _, one in asked:
        yield from _present(twice(one))
    yield from _rare(with_arrays(one for _, one in asked))
    if second:
        yield from second_order(bent(first, around))


def _in_roles(asked: Asked, around: Surroundings) -> Iterator[DirectQuestion]:
    left_out = _LEFT_TO_TURNS if asked.operation in OF_NUMPY | OF_LIBRARIES else ()
    return (question for question in in_roles(asked, around) if question.role not in left_out)


def _rare(questions: Iterator[DirectQuestion]) -> Iterator[DirectQuestion]:
    return (replace(question, rare=True) for question in questions)


def _only_in_python(first: Asked, around: Surroundings) -> Iterator[DirectQuestion]:
    yield from with_numpy(first, around)
    if first.operation == "clip":
        yield from with_one_bound(arrays=first.arrays)


def _rarely_of_scalars(name: str, kinds: str, around: Surroundings) -> Iterator[DirectQuestion]:
    for values in rare.numbers(name, kinds):
        yield alone(Asked(name, kinds, values, {}, arrays=False), SPECIAL)
    if (name, kinds) == around.join:
        yield from many_uses(around)


def _rarely_of_arrays(name: str, around: Surroundings, second: bool) -> Iterator[DirectQuestion]:
    asked = list(rare.whole(name))
    yield from (alone(one, role) for role, one in asked)
    if second and name in ARRAYS:
        yield from (next(second_order(bent(one, around))) for one in _unlike([*whole(name), *asked])[1:])


def _unlike(every: Iterable[tuple[str, Asked]]) -> list[Asked]:
    """Return one of those that have as many nodes of as many axes: differentiated twice, they are alike."""
    found: dict[tuple[object, ...], Asked] = {}
    for _, one in every:
        if "a" not in one.kinds:
            found.setdefault((one.kinds, *map(np.ndim, one.values), one.parameters.get("keepdims")), one)
    return list(found.values())


def _present(question: DirectQuestion | None) -> Iterator[DirectQuestion]:
    if question is not None:
        yield question
