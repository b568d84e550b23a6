"""Integers for constants, as in ``x ** 2``: Python's, and arrays of int64.

A rule may tell an integer from a float, and be right about one of them only. Random graphs and vectors have
floats for constants: what is here is asked directly, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nn_from_scratch.verify.questions.roles import Asked, DirectQuestion, alone

NUMBER = "an integer for the constant"
ARRAY = "an array of integers for the constant"
_OF_ITS_OWN_DTYPE = ("scatter_add",)
"""Operations whose result has the dtype of what is changed: of integers it is no float."""
_POWERS = ((1.7, 2.0), (-1.3, 2.0), (1.7, 3.0), (1.7, -1.0), (-1.3, -2.0), (1.7, 1.0), (1.7, 0.0))


def with_integers(asked: Asked) -> Iterator[DirectQuestion]:
    """Ask an operation on a constant number with an integer for it; a power with several."""
    if "c" not in asked.kinds:
        return
    powers = asked.operation == "pow" and asked.kinds == "xc" and not asked.arrays
    for values in _POWERS if powers else (integral(asked),):
        yield _asked(replace(asked, values=values), NUMBER)


def with_arrays(asked: Iterable[Asked]) -> Iterator[DirectQuestion]:
    """Ask an operation on constant arrays, in the first of each form, with arrays of integers for them."""
    with_constants = [one for one in asked if "a" in one.kinds and one.operation not in _OF_ITS_OWN_DTYPE]
    for one in {each.kinds: each for each in reversed(with_constants)}.values():
        yield _asked(replace(one, values=integral(one)), ARRAY)


def _asked(asked: Asked, role: str) -> DirectQuestion:
    question = alone(asked, role)
    return replace(question, case=replace(question.case, integers=True))


def integral(asked: Asked) -> list[Any]:
    """Return an operation's operand values, those of constants made integers."""
    return [
        value if kind == "x" else _integral(value)
        for kind, value in zip(asked.kinds, asked.values, strict=True)
    ]


def _integral(value: Any) -> Any:
    """Return the nearest integers away from zero, 2 at least: by 0 and 1 many an operation is another one."""
    found = np.copysign(np.maximum(np.ceil(np.abs(value)), 2.0), value)
    return found if np.ndim(value) else float(found)
