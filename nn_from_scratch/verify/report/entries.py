"""The entries of a failing case, value and gradient, beside what they should be."""

import math
from itertools import zip_longest
from typing import Any

import numpy as np

from nn_from_scratch.verify.report.formats import exact
from nn_from_scratch.verify.report.headline import Results

_SHOWN = 64


def entries(failure: Results) -> dict[str, Any]:
    """Return rows of name, got, expected, difference and tolerance, and how many more there are.

    The results list the value's entries, then the gradient's, one for each coordinate of the point; an
    engine that raised has neither.
    """
    point, *columns = (_flat(failure.get(key)) for key in ("point", "got", "expected", "tolerance"))
    count = max(map(len, columns))
    names = [f"{name} = {exact(x)}" for name, x in zip(coordinates(failure), point, strict=True)]
    values = count - len(point)
    names = ["the value"] * values + names if values <= 1 else [f"value {n}" for n in range(values)] + names
    rows = [
        (name, got, expected, _difference(got, expected), tolerance)
        for name, got, expected, tolerance in zip_longest(names, *columns)
    ]
    return {"rows": rows[:_SHOWN] if count else [], "more": max(0, count - _SHOWN)}


def coordinates(failure: Results) -> list[str]:
    """Return the name of each coordinate of the point: ``x0``, or ``x0[1, 2]`` where an input is an array."""
    shapes, count = failure.get("shapes") or [], len(_flat(failure.get("point")))
    if sum(map(math.prod, shapes)) != count:
        return [f"x{index}" for index in range(count)]
    return [
        f"x{index}" + (f"[{', '.join(map(str, position))}]" if shape else "")
        for index, shape in enumerate(shapes)
        for position in np.ndindex(*shape)
    ]


def _flat(values: Any) -> list[Any]:
    if not isinstance(values, list):
        return [] if values is None else [values]
    return [entry for value in values for entry in (_flat(value) if isinstance(value, list) else [value])]


def _difference(got: Any, expected: Any) -> float | None:
    numeric = isinstance(got, int | float) and isinstance(expected, int | float)
    return abs(got - expected) if numeric else None
