"""Constants that only Python has: numpy's scalars and arrays without axes, and None for a bound of ``clip``.

In ``np.float64(2.0) * x`` numpy's own operator comes first: where it takes ``x`` for an array, the graph is
lost, and the value is right. Random graphs and vectors have plain numbers: what is here is asked directly,
and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from nn_from_scratch.verify.questions.constants import Numbers
from nn_from_scratch.verify.questions.direct_arrays import entries
from nn_from_scratch.verify.questions.direct_integers import integral
from nn_from_scratch.verify.questions.operations import OPERATIONS
from nn_from_scratch.verify.questions.roles import (
    USED_BEFORE,
    Asked,
    DirectQuestion,
    Surroundings,
    alone,
    roles,
)

SCALAR = "a scalar of numpy's for the constant"
INTEGER = "an integer of numpy's for the constant"
WITHOUT_AXES = "numpy's array without axes for the constant"
ONE_BOUND = "one bound only"
_BOUNDED = ((None, 1.1), (-0.8, None))
_POINTS = (-2.5, -0.8, 0.4, 1.1, 2.5)


def with_numpy(asked: Asked, around: Surroundings) -> Iterator[DirectQuestion]:
    """Ask an operation on a constant number with numpy's for it; of an operator, beside its operand too."""
    if "c" not in asked.kinds:
        return
    yield _given(alone(asked), "numpy", SCALAR)
    if OPERATIONS[asked.operation].symbol is None:
        return
    whole = alone(replace(asked, values=integral(asked)))
    yield _given(replace(whole, case=replace(whole.case, integers=True)), "numpy", INTEGER)
    yield _given(alone(asked), "array", WITHOUT_AXES)
    for role, ask in roles(asked, around):
        question = ask() if role == USED_BEFORE else None
        if question is not None:
            yield _given(question, "numpy", SCALAR)
            yield _given(question, "array", WITHOUT_AXES)


def with_one_bound(*, arrays: bool) -> Iterator[DirectQuestion]:
    """Ask ``clip`` with one bound, at it and on either side of it."""
    for bounds in _BOUNDED:
        for x in [np.array([_POINTS, entries((5,))])] if arrays else _POINTS:
            yield alone(Asked("clip", "xcc", (x, *bounds), {}, arrays=arrays), ONE_BOUND)


def _given(question: DirectQuestion, numbers: Numbers, role: str) -> DirectQuestion:
    return replace(question, case=replace(question.case, numbers=numbers), role=role)
