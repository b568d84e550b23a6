"""Random expressions as Hypothesis strategies, which shrink."""

from __future__ import annotations

from collections.abc import Collection

from hypothesis import strategies as st

from nn_from_scratch.verify.expressions import Case
from nn_from_scratch.verify.generate import ALL_FORMS, Form, case


@st.composite
def cases(draw: st.DrawFn, forms: Collection[Form] = ALL_FORMS, *, most_steps: int = 30) -> Case:
    """Draw an expression and a point inside its domain, by the generator that campaigns use.

    Parameters
    ----------
    draw
        Given by Hypothesis.
    forms
        The operations, and sides of constants, that may be used: an engine's ``forms``.
    most_steps
        The largest number of operations.

    """
    return case(lambda n: draw(st.integers(0, n - 1)), forms, most_steps=most_steps)
