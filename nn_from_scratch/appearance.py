"""A node looks like its value: shape, length, and what is written of it."""

import importlib
import math
from typing import Any

from nn_from_scratch.array_rules import Shape
from nn_from_scratch.rule import Traced, value_of
from nn_from_scratch.values import FLOAT64


class Appearance(Traced):
    """What a node shows of its value."""

    __slots__ = ()

    @property
    def shape(self) -> Shape:
        """The shape of the value; () for a number."""
        return () if type(self._value) is float else self._value.shape

    @property
    def dtype(self) -> Any:
        """The precision of the value, as numpy names it."""
        return FLOAT64 if type(self._value) is float else self._value.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of a Node without axes")
        return self.shape[0]

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._value!r})"

    def __format__(self, specification: str) -> str:
        """Write the value as a number is written; an array takes the empty specification only."""
        return format(value_of(self), specification) if specification else str(self)

    def __round__(self, digits: int | None = None) -> Any:
        return round(value_of(self), digits)

    def to_dot(self) -> str:
        """Return the graph behind this node for Graphviz; of a large one the last 200 nodes."""
        found: str = _picture().to_dot(self)
        return found

    def _repr_svg_(self) -> str:
        found: str = _picture().svg(self)
        return found


def _picture() -> Any:
    """Return the module that draws, which is imported when somebody looks first."""
    return importlib.import_module("nn_from_scratch.picture")
