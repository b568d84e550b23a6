"""Cases: an expression and the point at which its value and gradient are asked."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from nn_from_scratch.verify.questions.constants import Numbers, as_given, numbers_of, text
from nn_from_scratch.verify.questions.expressions import Expression, Step


@dataclass(frozen=True, slots=True)
class Case:
    """An expression and the point at which its gradient is asked.

    Parameters
    ----------
    expression
        What is asked.
    point
        The numbers of all inputs, one input after the other.
    shapes
        The inputs' shapes; empty if all of them are scalars.
    cotangent
        What the reverse pass starts from: a number for each entry of the output. Empty stands for 1.
    tangent
        To ask for second derivatives, a direction: a number for each number of the point. The value asked is
        then the derivative along it, and the gradient is that derivative's. Empty stands for first ones.
        An input whose tangent is 0 is no variable of the first differentiation, only of the second.
    order
        How arrays lie in memory: "C", one row after the other, or "F", one column after the other.
    integers
        Whether the engine is given the constants as integers: numbers as Python's, arrays of int64.
    numbers
        As what it is given those constants that are numbers: Python's ("python"), numpy's scalars ("numpy"),
        or numpy's arrays without axes ("array").

    Raises
    ------
    ValueError
        If there is not a shape for each input, or not a number for each entry of the inputs or, if there is a
        tangent, for each of the tangent; or if a constant that is to be an integer is none.

    """

    expression: Expression
    point: tuple[float, ...]
    shapes: tuple[tuple[int, ...], ...] = ()
    cotangent: tuple[float, ...] = ()
    tangent: tuple[float, ...] = ()
    order: str = "C"
    integers: bool = False
    numbers: Numbers = "python"

    def __post_init__(self) -> None:
        if self.shapes and len(self.shapes) != self.expression.inputs:
            raise ValueError(f"{self.expression.inputs} inputs, but {len(self.shapes)} shapes")
        size = sum(map(math.prod, self.shapes)) if self.shapes else self.expression.inputs
        if len(self.point) != size:
            raise ValueError(f"the point must be {size} numbers, got {self.point}")
        if self.tangent and len(self.tangent) != size:
            raise ValueError(f"the tangent must be {size} numbers, got {self.tangent}")
        if self.integers and not all(map(float.is_integer, numbers_of(self.expression.constants))):
            raise ValueError(f"constants must be integers, got {self.expression.constants}")

    @property
    def only_in_python(self) -> bool:
        """Whether a constant is what only an engine in Python can be given: numpy's number, or None."""
        return self.numbers != "python" or None in self.expression.constants

    def constants(self) -> list[Any]:
        """Return the constants as the engine is given them: numbers, or new arrays."""
        return self._written_by(as_given)

    def lines(self, write: Callable[[Step, list[str]], str] | None = None) -> list[str]:
        """Write the expression (`Expression.lines`), its constants as the engine is given them."""
        return self.expression.lines(write, self._written_by(text))

    def _written_by(self, write: Callable[..., Any]) -> list[Any]:
        return [write(x, integer=self.integers, numbers=self.numbers) for x in self.expression.constants]

    def inputs(self) -> list[Any]:
        """Return the inputs' values: floats, or new float64 arrays of the inputs' shapes."""
        return self._by_input(self.point)

    def tangents(self) -> list[Any]:
        """Return the tangent's part for each input, if there is a tangent."""
        return self._by_input(self.tangent) if self.tangent else []

    def moved(self) -> list[int]:
        """Return the inputs that the first of two differentiations is by: those whose tangent is not 0.

        The others are not its variables, but captured by it.
        """
        moved = [k for k, part in enumerate(self.tangents()) if np.any(part)]
        return moved or list(range(self.expression.inputs))

    def _by_input(self, numbers: tuple[float, ...]) -> list[Any]:
        if not self.shapes:
            return list(numbers)
        ends = accumulate(map(math.prod, self.shapes), initial=0)
        whole = np.array(numbers)
        made = [
            whole[first:end].reshape(shape)
            for (first, end), shape in zip(pairwise(ends), self.shapes, strict=True)
        ]
        return made if self.order == "C" else [np.asfortranarray(x) for x in made]

    def __str__(self) -> str:
        """Return the expression and the point, on one line or more."""
        values = (f"x{i} = {_written(x)}" for i, x in enumerate(self.inputs()))
        cotangent = f", cotangent {list(self.cotangent)}" if self.cotangent else ""
        tangent = f", differentiated along {list(self.tangent)} first" if self.tangent else ""
        lines = "\n".join(self.lines())
        return f"{lines} at {', '.join(values)}{cotangent}{tangent}"


def _written(x: Any) -> str:
    if isinstance(x, float):
        return repr(x)
    return repr(x.tolist()) if x.size else f"empty{x.shape}"


def single(name: str, kinds: str, values: Sequence[float]) -> Case:
    """Return the case of one operation on its own, on operands of the kinds "x" (a node) or "c"."""
    point = tuple(value for kind, value in zip(kinds, values, strict=True) if kind == "x")
    constants = tuple(value for kind, value in zip(kinds, values, strict=True) if kind == "c")
    counters = {"x": iter(range(len(point))), "c": iter(range(len(point), len(kinds)))}
    step = Step(name, tuple(next(counters[kind]) for kind in kinds))
    return Case(Expression(len(point), constants, (step,), len(kinds)), point)
