"""What an engine answers, as plain numbers, whatever its own numbers are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from nn_from_scratch.verify.engines.deaths import NotAskedError
from nn_from_scratch.verify.engines.legible import seen, told
from nn_from_scratch.verify.engines.preserving import settings_kept
from nn_from_scratch.verify.questions.cases import Case
from nn_from_scratch.verify.questions.expressions import Arithmetic

Floats = npt.NDArray[np.float64]
_NO_REAL_NUMBERS = {"c": "complex", "b": "boolean", "S": "text", "U": "text", "M": "a date", "m": "a date"}
"""What numpy would convert to real numbers without a word, by its kinds of data types."""
NO_NUMBER = "no number"
"""The kind of what is none of any other."""


class AnswerError(ValueError):
    """What an engine answered is no value or no gradient."""


class ExitError(Exception):
    """What is asked would end the process: it raised what is no `Exception`."""


class TextlessError(Exception):
    """What is asked raised an exception whose text raises."""


class asking(settings_kept):  # noqa: N801  read as a function
    """Ask something of an engine, which may raise any exception but may not end the process by one.

    What the suite itself depends on is put back afterwards.

    Raises
    ------
    ExitError
        Instead of `SystemExit` and the like; an interruption by Ctrl-C stays what it is, and so does
        `NotAskedError`.
    TextlessError
        Instead of an exception that cannot be told.

    """

    __slots__ = ()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        super().__exit__(kind, error, trace)
        if error is None or isinstance(error, (KeyboardInterrupt, NotAskedError)):
            return
        if not isinstance(error, Exception):
            raise ExitError(told(error)) from error
        if not _has_text(error):
            raise TextlessError(told(error)) from None


def _has_text(error: Exception) -> bool:
    try:
        return isinstance(str(error), str)
    except BaseException:  # noqa: BLE001  an engine's own `__str__`
        return False


@dataclass(frozen=True, slots=True)
class Answer:
    """What an engine returned for a case: the value, and a derivative for each number of the point."""

    value: float
    gradient: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class NoNumber:
    """What an engine in another process answered that is no real number: its kind, and what is to be seen."""

    kind: str
    seen: str

    def __repr__(self) -> str:
        """Return what was to be seen there."""
        return self.seen


def real_numbers(x: Any, what: str) -> Floats:
    """Convert a number or an array of any library to float64.

    Parameters
    ----------
    x
        A real number, or an array of them.
    what
        What it is, for the message.

    Raises
    ------
    AnswerError
        If it is complex (even where the imaginary part is 0), boolean, text, nothing or no number.

    """
    found = x if isinstance(x, NoNumber) else as_numbers(x)
    if isinstance(found, NoNumber):
        no_real = "" if found.kind == NO_NUMBER else ", and no real number"
        raise AnswerError(f"{what} is {found.kind}{no_real}: {found.seen}")
    return found


def as_numbers(x: Any) -> Floats | NoNumber:
    """Convert a number or an array of any library to float64; return what it is otherwise."""
    try:
        found = np.asarray(x)
        if found.dtype == np.float64:
            return found
        kind = _kind_that_is_no_number(found)
        return NoNumber(kind, seen(x)) if kind else found.astype(np.float64)
    except Exception:  # noqa: BLE001  what numpy asks of an engine's own object may raise anything
        return NoNumber(NO_NUMBER, seen(x))


def shape_of(x: Any) -> tuple[int, ...]:
    """Return the shape of a value of any library, whatever its class makes of numpy's functions."""
    return np.asarray(x).shape


def _kind_that_is_no_number(found: npt.NDArray[Any]) -> str:
    """Return of what kind entries are that are no real numbers, though numpy would make them some."""
    # Of objects that numpy does not know, such as fractions, each may be of another kind.
    entries = found.ravel().tolist() if found.dtype.kind == "O" else [found]
    for entry in entries:
        kind = "nothing" if entry is None else _NO_REAL_NUMBERS.get(np.asarray(entry).dtype.kind, "")
        if kind:
            return kind
    return ""


def flat_value(value: Any, size: int) -> Floats:
    """Convert a value to floats, given how many numbers it must be.

    Raises
    ------
    AnswerError
        If it is not real, or another number of numbers.

    """
    found = real_numbers(value, "the value").ravel()
    if found.size != size:
        numbers = "one number is" if size == 1 else f"{size} numbers are"
        raise AnswerError(f"the value has shape {np.shape(value)}, where {numbers} expected")
    return found


def flat_gradient(case: Case, gradient: Sequence[Any]) -> tuple[float, ...]:
    """Convert a gradient of any library's scalars and arrays to floats, one for each number of the point.

    Parameters
    ----------
    case
        What was asked.
    gradient
        A derivative for each input, in the input's shape; None stands for 0.

    Raises
    ------
    AnswerError
        If there is not a derivative for each input, or one that is not real, or of another shape than its
        input.

    """
    check_count(case.expression.inputs, gradient)
    derivatives: list[float] = []
    for number, (x, derivative) in enumerate(zip(case.inputs(), gradient, strict=True)):
        if derivative is None:
            derivatives += [0.0] * np.size(x)
        elif isinstance(derivative, float) and isinstance(x, float):
            derivatives.append(float(derivative))
        else:
            found = real_numbers(derivative, f"the gradient for x{number}")
            check_shape(number, np.shape(x), found.shape)
            derivatives += found.ravel().tolist()
    return tuple(derivatives)


def check_count(inputs: int, gradient: Sequence[Any]) -> None:
    """Compare the number of derivatives with that of the inputs that they were asked for.

    Raises
    ------
    AnswerError
        If they are not the same.

    """
    if len(gradient) != inputs:
        raise AnswerError(f"{len(gradient)} derivatives for {inputs} inputs")


def check_shape(number: int, shape: tuple[int, ...], found: tuple[int, ...]) -> None:
    """Compare the shape of an input with that of its gradient.

    Raises
    ------
    AnswerError
        If they are not the same, even if they would broadcast.

    """
    if found != shape:
        raise AnswerError(f"the gradient for x{number} has shape {found}, x{number} has {shape}")


def along_tangent(operations: Arithmetic, gradient: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Return the sum of all entries of a gradient, each times the tangent's, in the engine's operations."""
    parts = [operations["mul"](g, v) for g, v in zip(gradient, tangents, strict=True)]
    if not isinstance(tangents[0], float):
        parts = [operations["sum"](part, axis=None, keepdims=False) for part in parts]
    return reduce(operations["add"], parts)
