"""Constants: a float, an array that is written down so that it can be compared, hashed and printed, or None.

None stands for a bound that ``clip`` is not given: ``clip(x, None, 2.0)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class ConstantArray:
    """An array among the constants of an expression.

    Parameters
    ----------
    shape
        Its shape.
    numbers
        Its entries, one row after the other.

    Raises
    ------
    ValueError
        If there is not a number for each entry.

    """

    shape: tuple[int, ...]
    numbers: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.numbers) != math.prod(self.shape):
            raise ValueError(f"a constant of shape {self.shape} has {len(self.numbers)} numbers")

    @classmethod
    def of(cls, array: npt.ArrayLike) -> ConstantArray:
        """Write an array down."""
        known = np.asarray(array, dtype=np.float64)
        return cls(known.shape, tuple(known.ravel().tolist()))

    def array(self) -> npt.NDArray[np.float64]:
        """Return it as a new array, which whoever gets it may spoil."""
        return np.array(self.numbers, dtype=np.float64).reshape(self.shape)

    def __repr__(self) -> str:
        """Return how numpy is told to make it."""
        return f"np.array({self.array().tolist()!r})" if self.numbers else f"np.zeros({self.shape!r})"


Constant = float | ConstantArray | None
Numbers = Literal["python", "numpy", "array"]
"""As what a constant that is a number is given: Python's, numpy's scalar, or numpy's array without axes."""


def numbers_of(constants: Sequence[Constant]) -> list[float]:
    """Return the numbers of constants, one after the other."""
    return [
        number
        for one in constants
        if one is not None
        for number in (one.numbers if isinstance(one, ConstantArray) else (one,))
    ]


def renumbered(constants: Sequence[Constant], numbers: Sequence[float]) -> tuple[Constant, ...]:
    """Return the constants with other numbers, in the order of `numbers_of`."""
    rest = iter(numbers)
    return tuple(mapped(lambda _: next(rest), constant) for constant in constants)


def mapped(function: Callable[[float], float], constant: Constant) -> Constant:
    """Return the constant with a function applied to every number of it."""
    if isinstance(constant, ConstantArray):
        return ConstantArray(constant.shape, tuple(map(function, constant.numbers)))
    return None if constant is None else function(constant)


def as_given(constant: Constant, *, integer: bool = False, numbers: Numbers = "python") -> Any:
    """Return what an arithmetic is given: a float or a new float64 array, or an int or an int64 array.

    With `numbers` a number is numpy's, of the same two types.
    """
    if constant is None:
        return None
    dtype = np.int64 if integer else np.float64
    if isinstance(constant, ConstantArray):
        return constant.array().astype(dtype)
    if numbers == "python":
        return int(constant) if integer else constant
    return dtype(constant) if numbers == "numpy" else np.array(constant, dtype)


def text(constant: Constant, *, integer: bool = False, numbers: Numbers = "python") -> str:
    """Write in Python what an arithmetic is given."""
    given = as_given(constant, integer=integer, numbers=numbers)
    if isinstance(given, np.generic):
        return f"np.{given.dtype.name}({given.item()!r})"
    if isinstance(given, np.ndarray) and (integer or not given.ndim):
        return f"np.array({given.tolist()!r})"
    return repr(constant if isinstance(constant, ConstantArray) else given)


def to_json(constant: Constant) -> Any:
    """Return a number, null, or an object with `shape` and `numbers`."""
    if isinstance(constant, ConstantArray):
        return {"shape": list(constant.shape), "numbers": list(constant.numbers)}
    return constant


def from_json(data: Any) -> Constant:
    """Rebuild a constant from what `to_json` returned."""
    if isinstance(data, dict):
        return ConstantArray(tuple(map(int, data["shape"])), tuple(map(float, data["numbers"])))
    return None if data is None else float(data)
