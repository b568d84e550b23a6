"""One thing that an engine may lack, and the simplest question that needs it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nn_from_scratch.verify.engines.calling import inside
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Expression, Step
from nn_from_scratch.verify.questions.operations import ELEMENTWISE, Form

Shape = tuple[int, ...]
Parameters = Mapping[str, Any]
Needs = Callable[[Sequence[Shape], Parameters], bool]


@dataclass(frozen=True, slots=True, eq=False)
class Ability:
    """One thing that an engine may lack.

    Parameters
    ----------
    form
        Of which operation, and which operands are constants.
    what
        The kind of shape or keyword, in words.
    case
        The simplest question that needs it.
    needs
        Whether a step of this form needs it, given the shapes of its operands and its parameters.
    may_refuse
        Whether an engine may refuse it by any exception, not only by one that says that something is missing.

    """

    form: Form
    what: str
    case: Case
    needs: Needs
    may_refuse: bool = False


def shapes_of(case: Case) -> list[Shape]:
    """Return the shape of every node."""
    # Who asks needs the generator: a process that answers for an engine does not.
    from nn_from_scratch.verify.questions.guide_of_arrays import WHOLE  # noqa: PLC0415

    elementwise = {name: lambda *xs: np.broadcast_arrays(*xs)[0] for name in ELEMENTWISE}
    with np.errstate(all="ignore"):
        nodes = case.expression.evaluate({**elementwise, **WHOLE}, [np.ones(shape) for shape in case.shapes])
    return [np.shape(node) for node in nodes]


def case_of(form: Form, shapes: Sequence[Shape], parameters: Parameters) -> Case:
    """Return the case of one step on arrays of these shapes; constants are numbers."""
    name, kinds = form
    numbers = {"x": iter(range(len(kinds))), "c": iter(range(kinds.count("x"), len(kinds)))}
    operands = [next(numbers[kind]) for kind in kinds]
    values = list(zip(kinds, inside(name, kinds), strict=True))
    point = [
        x
        for x, shape in zip((x for kind, x in values if kind == "x"), shapes, strict=True)
        for _ in range(math.prod(shape))
    ]
    graph = Expression(
        kinds.count("x"),
        tuple(x for kind, x in values if kind == "c"),
        (Step(name, tuple(operands), tuple(parameters.items())),),
        len(kinds),
    )
    unweighed = Case(graph, tuple(point), tuple(shapes))
    size = math.prod(shapes_of(unweighed)[graph.output])
    return Case(graph, tuple(point), tuple(shapes), (1.0,) * size)


def rank(shapes: Sequence[Shape]) -> int:
    """Return the largest number of axes."""
    return max(map(len, shapes))


def always(*_: Any) -> bool:
    """Whether every step of the form needs it."""
    return True
