"""What a rule of an operation is given: its arguments by name, each tensor with numbers and shadow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from nn_from_scratch.verify.functions.tracing.complexes import paired
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow, exact

Rule = Callable[["Call"], Any]
"""Returns the shadow of the result, or a tuple with one for each result (None where it has no shadow)."""


class NotTracedError(Exception):
    """An operation has no formula here, or a number comes from outside the trace; says which and where."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What the schema of an operation says, which PyTorch makes anew whenever it is asked."""

    names: tuple[str, ...]
    defaults: dict[str, Any]
    written: tuple[str, ...]
    """The arguments that it writes into."""
    is_mutable: bool
    returns_views: bool
    """Whether it may return what it is given, in another form."""


@cache
def signature(operation: Any) -> Signature:
    """Return what the schema of an operation says."""
    schema = operation._schema  # noqa: SLF001  there is no other way to ask
    return Signature(
        tuple(x.name for x in schema.arguments),
        {x.name: x.default_value for x in schema.arguments if x.has_default_value()},
        tuple(x.name for x in schema.arguments if x.alias_info and x.alias_info.is_write),
        bool(schema.is_mutable),
        any(x.alias_info for x in schema.returns),
    )


def by_name(operation: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return all arguments of an operation by the names of its schema, defaults included."""
    known = signature(operation)
    return {**known.defaults, **dict(zip(known.names, args, strict=False)), **kwargs}


def leaves(x: Any) -> list[Any]:
    """Return what lists, tuples and dicts hold; operations take and return no other containers."""
    if isinstance(x, dict):
        x = list(x.values())
    if not isinstance(x, (list, tuple)):
        return [x]
    found: list[Any] = []
    for part in x:
        if isinstance(part, (list, tuple, dict)):
            found += leaves(part)
        else:
            found.append(part)
    return found


def mapped_leaves(function: Callable[[Any], Any], x: Any) -> Any:
    """Apply a function to all that lists, tuples and dicts hold."""
    if isinstance(x, dict):
        return {name: mapped_leaves(function, part) for name, part in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)([mapped_leaves(function, part) for part in x])
    return function(x)


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
        operands = [x for x in leaves(self.arguments) if isinstance(x, Operand)]
        return any(x.dtype.kind == "c" for x in (*(x.numbers for x in operands), *self.results))

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
