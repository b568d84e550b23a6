"""What a rule of an operation is given: its arguments by name, each tensor with numbers and shadow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch.utils import _pytree as pytree

from nn_from_scratch.verify.functions.tracing.complexes import paired
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow, exact

Rule = Callable[["Call"], Any]
"""Returns the shadow of the result, or a tuple with one for each result (None where it has no shadow)."""


class NotTracedError(Exception):
    """An operation has no formula here, or a number comes from outside the trace; says which and where."""


def by_name(schema: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return all arguments of an operation by the names of its schema, defaults included."""
    bound = {x.name: x.default_value for x in schema.arguments if x.has_default_value()}
    bound |= {x.name: given for x, given in zip(schema.arguments, args, strict=False)}
    return bound | kwargs


def exactly(numbers: Numbers) -> Shadow:
    """Return the shadow of numbers, real or complex, that are taken exactly."""
    if numbers.dtype.kind != "c":
        return exact(numbers)
    return paired(exact(numbers.real), exact(numbers.imag))


@dataclass(slots=True)
class Operand:
    """A tensor that an operation was given: its numbers then, and their shadow if they are real numbers."""

    numbers: Numbers
    shadow: Shadow | None
    dtype: str
    contiguous: bool = True
    """Whether it lay row by row in memory: some operations then compute in another order."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of both."""
        return tuple(self.numbers.shape)


@dataclass(slots=True)
class Call:
    """One operation: its arguments by the names of its schema, and the numbers that came out."""

    name: str
    arguments: dict[str, Any]
    results: list[Numbers]
    constant: Callable[[float], Any]
    """Reads a constant of the program."""

    @property
    def is_complex(self) -> bool:
        """Whether complex numbers are taken or returned."""
        operands = [x for x in pytree.tree_leaves(self.arguments) if isinstance(x, Operand)]
        given = [x.numbers for x in operands] + self.results
        return any(x.dtype.kind == "c" for x in given)

    def __getitem__(self, name: str) -> Any:
        return self.arguments.get(name)

    def shadow(self, name: str) -> Shadow:
        """Return an argument's shadow, whether it is a tensor or a number."""
        return self.shadow_of(self.arguments[name])

    def shadow_of(self, x: Any) -> Shadow:
        """Return the shadow of a tensor, or of a number of the program."""
        if isinstance(x, Operand):
            return exactly(x.numbers) if x.shadow is None else x.shadow
        if isinstance(x, complex):
            return paired(self.shadow_of(x.real), self.shadow_of(x.imag))
        entry = np.empty((), dtype=object)
        entry[()] = self.constant(x)
        return entry

    def numbers(self, name: str) -> Any:
        """Return an argument's numbers, whether it is a tensor or a number."""
        x = self.arguments[name]
        return x.numbers if isinstance(x, Operand) else x
