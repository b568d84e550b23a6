"""Random expressions as Hypothesis strategies, which shrink."""

from __future__ import annotations

from collections.abc import Collection

from hypothesis import strategies as st

from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.generate import case
from nn_from_scratch.verify.questions.generate_arrays import array_case
from nn_from_scratch.verify.questions.operations import ALL_FORMS, ARRAY_FORMS, Form
from nn_from_scratch.verify.questions.second_order import with_tangent


@st.composite
def cases(
    draw: st.DrawFn,
    forms: Collection[Form] = ALL_FORMS,
    *,
    most_steps: int = 30,
    second_order: bool = False,
) -> Case:
    """Draw an expression and a point inside its domain, by the generator that campaigns use.

    Parameters
    ----------
    draw
        Given by Hypothesis.
    forms
        The operations, and sides of constants, that may be used: an engine's ``forms``.
    most_steps
        The largest number of operations.
    second_order
        Whether second derivatives are asked.

    """

    def choose(n: int) -> int:
        return draw(st.integers(0, n - 1))

    drawn = case(choose, forms, most_steps=most_steps)
    return with_tangent(drawn, choose) if second_order else drawn


@st.composite
def array_cases(
    draw: st.DrawFn,
    forms: Collection[Form] = (*ALL_FORMS, *ARRAY_FORMS),
    *,
    most_steps: int = 8,
    second_order: bool = False,
) -> Case:
    """Draw an expression of arrays, a point inside its domain and a cotangent: as `cases` does.

    Parameters
    ----------
    draw, most_steps, second_order
        As for `cases`.
    forms
        Likewise: an engine's ``array_forms``.

    """

    def choose(n: int) -> int:
        return draw(st.integers(0, n - 1))

    drawn = array_case(choose, forms, most_steps=most_steps)
    return with_tangent(drawn, choose) if second_order else drawn
