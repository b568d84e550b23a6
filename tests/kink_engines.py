"""A small engine in reverse mode, whose conventions at kinks are parameters: right ones, and wrong ones."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fake_engines import answering

from nn_from_scratch.verify import Case, Engine, load
from nn_from_scratch.verify.engines.answers import Answer
from nn_from_scratch.verify.questions.constants import numbers_of

SMOOTH: Mapping[str, tuple[Callable[..., float], Callable[..., tuple[float, ...]]]] = {
    "add": (lambda x, y: x + y, lambda x, y: (1.0, 1.0)),
    "sub": (lambda x, y: x - y, lambda x, y: (1.0, -1.0)),
    "mul": (lambda x, y: x * y, lambda x, y: (y, x)),
    "div": (lambda x, y: x / y, lambda x, y: (1 / y, -x / (y * y))),
    "neg": (lambda x: -x, lambda x: (-1.0,)),
    "square": (lambda x: x * x, lambda x: (2 * x,)),
    "exp": (math.exp, lambda x: (math.exp(x),)),
    "tanh": (math.tanh, lambda x: (1 - math.tanh(x) ** 2,)),
}
"""The value, and the partial derivatives."""


@dataclass(frozen=True)
class Convention:
    """What an engine answers at kinks: slopes of relu, abs and clip; the mass of either side of a tie."""

    relu: float = 0.0
    abs: float = 0.0
    tie: tuple[float, float] = (0.5, 0.5)
    clip: float = 1.0
    drawn: random.Random | None = field(default=None, compare=False)

    def partials(self, operation: str, operands: list[float]) -> tuple[float, ...]:
        """Return the partial derivatives of an operation that has a kink."""
        x = operands[0]
        if operation == "relu":
            return (self._at(x, self.relu, 0.0, 1.0),)
        if operation == "abs":
            return (self._at(x, self.abs, -1.0, 1.0),)
        if operation == "clip":
            _, low, high = operands
            inside = 0.0 if x < low or x > high else 1.0
            return (self._drawn(self.clip, 0.0, 1.0) if inside and x in (low, high) else inside, 0.0, 0.0)
        if operation == "where":
            return (0.0, 1.0, 0.0) if x > 0 else (0.0, 0.0, 1.0)
        first, second = operands
        if first == second:
            share = self._drawn(self.tie[0], 0.0, 1.0)
            return share, self.tie[1] if self.drawn is None else 1 - share
        return (1.0, 0.0) if (first > second) == (operation == "maximum") else (0.0, 1.0)

    def _at(self, x: float, slope: float, below: float, above: float) -> float:
        return above if x > 0 else below if x < 0 else self._drawn(slope, below, above)

    def _drawn(self, slope: float, low: float, high: float) -> float:
        return (
            slope
            if self.drawn is None
            else self.drawn.choice((low, high, 0.5 * (low + high), self.drawn.uniform(low, high)))
        )


RIGHT = {
    "as PyTorch": Convention(),
    "slopes of 1": Convention(relu=1.0, abs=1.0, tie=(1.0, 0.0)),
    "slopes of 1/2": Convention(relu=0.5, clip=0.5),
    "the left": Convention(relu=0.0, abs=-1.0, tie=(1.0, 0.0), clip=0.0),
    "the right": Convention(relu=1.0, abs=1.0, tie=(0.0, 1.0), clip=1.0),
    "relu 1, abs -1": Convention(relu=1.0, abs=-1.0),
    "ties to the second": Convention(tie=(0.0, 1.0)),
    "ties to the first": Convention(tie=(1.0, 0.0)),
    "ties by thirds": Convention(tie=(1 / 3, 2 / 3), clip=0.25),
    "odd slopes": Convention(relu=0.3, abs=0.25, tie=(0.875, 0.125), clip=0.6),
    "drawn anew at each kink": Convention(drawn=random.Random(0)),
}
WRONG = {
    "relu: 2": Convention(relu=2.0),
    "relu: -1": Convention(relu=-1.0),
    "abs: 2": Convention(abs=2.0),
    "ties of mass 2": Convention(tie=(1.0, 1.0)),
    "ties of mass 0": Convention(tie=(0.0, 0.0)),
    "clip: 2": Convention(clip=2.0),
}


def gradient(convention: Convention, case: Case) -> Answer:
    """Run the expression and reverse mode, in Python's floats."""
    expression = case.expression
    values = [*case.point, *numbers_of(expression.constants)]
    slopes: list[tuple[float, ...]] = []
    for step in expression.steps:
        operands = [values[k] for k in step.operands]
        if step.operation in SMOOTH:
            value, partials = SMOOTH[step.operation]
            values.append(value(*operands))
            slopes.append(partials(*operands))
        else:
            values.append(KINKED[step.operation](*operands))
            slopes.append(convention.partials(step.operation, operands))
    adjoints = [0.0] * len(expression)
    adjoints[expression.output] = 1.0
    for index in range(len(expression) - 1, expression.first_step - 1, -1):
        step = expression.steps[index - expression.first_step]
        for k, slope in zip(step.operands, slopes[index - expression.first_step], strict=True):
            adjoints[k] += adjoints[index] * slope
    return Answer(values[expression.output], tuple(adjoints[: expression.inputs]))


KINKED: Mapping[str, Callable[..., float]] = {
    "relu": lambda x: max(x, 0.0),
    "abs": abs,
    "maximum": max,
    "minimum": min,
    "clip": lambda x, low, high: min(max(x, low), high),
    "where": lambda c, x, y: x if c > 0 else y,
}


def engine(convention: Convention) -> Engine:
    """Return the engine with a convention."""
    return answering(load("nn_from_scratch"), lambda case: gradient(convention, case))
