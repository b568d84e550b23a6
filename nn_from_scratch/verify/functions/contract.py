"""What every gradient must keep, whatever its numbers: the same twice, and nothing else changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from nn_from_scratch.verify.functions.inputs import Arguments, dense
from nn_from_scratch.verify.functions.outputs import Outputs
from nn_from_scratch.verify.judging.checking import GradientError
from nn_from_scratch.verify.oracles.noise import shown_unit

Floats = npt.NDArray[np.float64]

TIMES = (2.0**10, 2.0**-10, 2.0**20)  # a cotangent so much larger or smaller shows what is clipped
UNDERFLOWS = 2.0**40  # times the smallest number: of a gradient below that a smaller one says nothing
_SAME = 64.0  # roundings: what threads may change from one call to the next


@dataclass
class Answered:
    """A gradient that kept the contract: its numbers, their formats and unit roundoff, and what to note."""

    slopes: Floats
    kinds: list[np.dtype[Any] | None]
    """The format of each array that it returned; None where that was None."""
    unit: float
    """The one that the numbers show."""
    notes: list[str] = field(default_factory=list)


def ask(gradient: Callable[..., Any], arguments: Arguments, outputs: Outputs) -> Answered:
    """Call a gradient function at the point, as often as its contract needs.

    Raises
    ------
    GradientError
        If it changes its inputs or its cotangent, answers otherwise the second time or for a cotangent that
        lies otherwise in memory, is not linear in the cotangent, or overwrites what it returned.
    ValueError
        If it returns no gradient: another shape, another nesting, no real numbers.

    """
    first, parts, shared = _asked(gradient, arguments, outputs, 1.0)
    kinds = [None if part is None else np.asarray(dense(part)).dtype for part in parts]
    floating = [kind for kind in kinds if kind is not None and kind.kind == "f"]
    unit = max((shown_unit(first, kind) for kind in floating), default=2.0**-53)
    _check_repeated(gradient, arguments, outputs, (first, parts), unit)
    if outputs.asks_cotangent:
        _check_linearity(gradient, arguments, outputs, first, unit)
        _check_layouts(gradient, arguments, outputs, unit)
    notes = [f"the derivative for {name} shares its memory with an input" for name in shared]
    return Answered(first, kinds, unit, notes)


def _asked(
    gradient: Callable[..., Any], arguments: Arguments, outputs: Outputs, factor: float
) -> tuple[Floats, list[Any], list[str]]:
    """Return the gradient, the parts as they came, and the names of those that share memory with an input."""
    given = arguments.arguments(arguments.point)
    cotangents = outputs.cotangents(factor)
    before, passed = _digests(given, cotangents, arguments, outputs), arguments.passed(given)
    as_given = [x.copy() for x in passed]
    found = arguments.apply(gradient, given, *cotangents)
    slopes, parts = arguments.gradient(found)
    names = [f"input {leaf.name}" for leaf in arguments.leaves]
    for k, (old, new) in enumerate(zip(before, _digests(given, cotangents, arguments, outputs), strict=True)):
        if old != new:
            raise GradientError(f"the gradient writes into its {names[k] if k < len(names) else 'cotangent'}")
    for array, other in zip(as_given, passed, strict=True):
        if not np.array_equal(array, other):
            raise GradientError(
                "the gradient writes into an array of integers, or of no numbers, that it was given"
            )
    arrays = [x for x in arguments.moved(given) if isinstance(x, np.ndarray)]
    shared = [
        leaf.name
        for leaf, part in zip(arguments.leaves, parts, strict=True)
        if isinstance(part, np.ndarray) and any(np.may_share_memory(part, x) for x in arrays)
    ]
    return slopes, parts, shared


def _digests(given: list[Any], cotangents: list[Any], arguments: Arguments, outputs: Outputs) -> list[bytes]:
    """Return what tells whether inputs and cotangents were written into, in less memory than copies take."""
    sent = [x for cotangent in cotangents for x in outputs.flat(cotangent)]
    arrays = (*arguments.moved(given), *sent)  # None where the gradient has taken an input away
    return [b"" if x is None else hashlib.blake2b(np.ascontiguousarray(x).data).digest() for x in arrays]


def _check_repeated(
    gradient: Callable[..., Any],
    arguments: Arguments,
    outputs: Outputs,
    earlier: tuple[Floats, list[Any]],
    unit: float,
) -> None:
    """Refuse a gradient that is another the second time, or whose array the second call overwrites."""
    first, parts = earlier
    second, again, _ = _asked(gradient, arguments, outputs, 1.0)
    if not _same(first, second, unit):
        third, *_ = _asked(gradient, arguments, outputs, 1.0)
        if _same(third - second, second - first, unit):
            raise GradientError(
                "the gradient adds to its last result on each call: at the same point each returns as much "
                "more as the one before. Start from zeros in each call"
            )
        index = int(np.nanargmax(np.where(np.isfinite(second - first), np.abs(second - first), np.inf)))
        raise GradientError(
            "the gradient is not the same twice: called again at the same point, the derivative for "
            f"{arguments.name(index)} is {float(second[index])!r}, and was {float(first[index])!r}"
        )
    _check_overwriting(gradient, arguments, outputs, first, (parts, again))


def _check_overwriting(
    gradient: Callable[..., Any],
    arguments: Arguments,
    outputs: Outputs,
    first: Floats,
    calls: tuple[list[Any], list[Any]],
) -> None:
    """Refuse an array that a later call overwrites: whoever keeps a gradient has another one then."""
    parts, again = calls
    pairs = [
        (x, y)
        for x, y in zip(parts, again, strict=True)
        if isinstance(x, np.ndarray) and isinstance(y, np.ndarray)
    ]
    if not any(np.may_share_memory(x, y) for x, y in pairs):
        return
    try:
        arguments.call(gradient, arguments.rounded(arguments.point * 1.25 + 0.125), *outputs.cotangents(1.0))
    except Exception:  # noqa: BLE001  # the function need not be defined there
        return
    kept = [
        np.array_equal(np.asarray(x, np.float64).ravel(), first[leaf.start : leaf.stop], equal_nan=True)
        for leaf, x in zip(arguments.leaves, parts, strict=True)
        if isinstance(x, np.ndarray)
    ]
    if not all(kept):
        raise GradientError(
            "the gradient overwrites what it returned: after a call at another point, the array that an "
            "earlier call returned holds other numbers. Return a new array, or a copy"
        )


def _check_linearity(
    gradient: Callable[..., Any], arguments: Arguments, outputs: Outputs, first: Floats, unit: float
) -> None:
    """Refuse a gradient that does not grow as its cotangent does."""
    doubled = _asked(gradient, arguments, outputs, 2.0)[0]
    if not _same(doubled, 2 * first, unit):
        if _same(doubled, first, unit):
            raise GradientError(
                "the gradient ignores its incoming cotangent: with twice the cotangent it is the same. "
                "Multiply the derivatives of the outputs by the cotangent"
            )
        raise GradientError(
            "the gradient is not linear in its cotangent: twice the cotangent does not give twice as much"
        )
    largest = float(np.abs(first[np.isfinite(first)]).max(initial=0.0))
    vanishes = largest < UNDERFLOWS * float(np.finfo(outputs.dtype).tiny)
    for times in TIMES if outputs.dtype != np.float16 else TIMES[:1]:
        if times < 1 and vanishes:
            continue
        many = _asked(gradient, arguments, outputs, times)[0] / times
        if np.isfinite(many).all() and not _same(many, first, unit):
            raise GradientError(
                f"the gradient is not linear in its cotangent: {times:g} times the cotangent does not give "
                "so many times as much, as where it is clipped"
            )
    with np.errstate(all="ignore"):
        nothing = _asked(gradient, arguments, outputs, 0.0)[0]
    if not np.isfinite(nothing[np.isfinite(first)]).all():
        raise GradientError(
            "the gradient is not finite for a cotangent of zeros, as an output has that nobody uses"
        )


def _check_layouts(gradient: Callable[..., Any], arguments: Arguments, outputs: Outputs, unit: float) -> None:
    """Refuse a gradient that is another for a cotangent that lies otherwise in memory."""
    for layout, cotangents in outputs.layouts():
        try:
            found = arguments.gradient(arguments.call(gradient, arguments.point, *cotangents))[0]
        except Exception as error:
            raise GradientError(
                f"the gradient raises for a {layout} cotangent: {type(error).__name__}: {error}"
            ) from error
        straight = [np.ascontiguousarray(x) if isinstance(x, np.ndarray) else x for x in cotangents]
        expected = arguments.gradient(arguments.call(gradient, arguments.point, *straight))[0]
        if not _same(found, expected, unit):
            raise GradientError(
                f"the gradient is another for a {layout} cotangent than for the same numbers in a new array"
            )


def _same(found: Floats, expected: Floats, unit: float) -> bool:
    finite = np.isfinite(expected)
    if not np.array_equal(finite, np.isfinite(found)):
        return False
    largest = float(np.abs(expected[finite]).max(initial=0.0))
    return bool((np.abs(found[finite] - expected[finite]) <= _SAME * unit * largest).all())
