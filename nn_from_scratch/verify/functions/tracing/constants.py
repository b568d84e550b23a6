"""Which exact number a rounded constant stands for.

A program says ``0.1`` or ``1 / math.sqrt(2 * math.pi)`` and computes with a rounding of it. Read literally,
two sides that round the same number differently disagree in the 16th digit, and every real difference below
is hidden. So a constant is read in one of three ways, one after the other, until forward and backward agree:

* RECOGNISED: as the decimal, small rational, root, or multiple of one of `_family` that it is the rounding
  of;
* LITERAL: as the very number it is;
* ROUNDED: as a ball of what rounding may have done to it, which holds the two others: only a difference
  beyond this one proves anything.

After a difference, a decimal of 7 or more digits is read as the simple number that it is too short for
(SHORT). Where balls are too wide to tell, each constant is read as other numbers of its ball (MOVED).
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from flint import arb, fmpq

from nn_from_scratch.verify.functions.tracing.places import within
from nn_from_scratch.verify.oracles.taylor import PRECISION, working
from nn_from_scratch.verify.questions.formats import FORMATS

LITERAL_DIGITS = {"float64": 15, "float32": 6, "float16": 3}
"""Digits that a format keeps of every decimal: a number that needs no more was written by a person."""

SHORT_DIGITS = {"float64": 12, "float32": 6, "float16": 2}
"""Up to so many digits a decimal is no chance: one random double in ten thousand has as few."""

_CHANCE = Fraction(1, 1000)
"""How likely, at most, a random number is near a fraction that is recognised."""

UNIT = {name: kind.unit_roundoff for name, kind in FORMATS.items()}
"""Unit roundoffs: a rounding changes a number x by at most this times x."""

ROUNDINGS_OF_A_TABLE = 16
"""How many roundings of its largest entry each of a table is allowed that was computed."""

ROUNDINGS = 8
"""How many roundings a constant is allowed that was computed outside of the trace, not written down."""


@cache
def format_name(dtype: np.dtype[Any]) -> str:
    """Return what numpy calls a format, which takes it longer than to compute a number."""
    return str(dtype)


def unit_roundoff(dtype: str) -> float:
    """Return the unit roundoff of a format; of wider ones that of float64, in which shadows read numbers."""
    return UNIT.get(dtype, UNIT["float64"])


_OF_A_TABLE = 2.0**-9
"""The part of itself that a number of a table is moved by, at least."""


class Reading(enum.Enum):
    """How constants are read."""

    RECOGNISED = "recognised"
    LITERAL = "literal"
    ROUNDED = "rounded"
    MOVED = "moved within its rounding"
    SHORT = "written short"


def read(number: float, reading: Reading, dtype: str = "float64") -> arb:
    """Return what a constant of a format stands for: a ball that is exact, or that its rounding explains."""
    if reading is Reading.LITERAL or _is_never_rounded(number, dtype):
        return arb(number)
    if reading is Reading.RECOGNISED:
        known = recognise(number, dtype)
        return _explained(number, dtype) if known is None else known
    if reading is Reading.SHORT:
        return _written_short(number, dtype)
    rounded = _explained(number, dtype)
    return within(rounded) if reading is Reading.MOVED else rounded


def rounded_entries(entries: Sequence[float], dtype: str) -> Iterator[arb]:
    """Return balls around the entries of a table: those near 0 are as far off as the largest."""
    if all_recognised(entries, dtype):
        return (read(x, Reading.ROUNDED, dtype) for x in entries)
    radius = ROUNDINGS_OF_A_TABLE * unit_roundoff(dtype) * max(map(abs, entries), default=0.0)
    return (arb(x, radius) for x in entries)


def _near_zero(entries: Sequence[float], dtype: str) -> float:
    """Return up to which size an entry of a table may be what rounding left of larger ones.

    So is the cosine of half of pi, which is 0 where a table is written down; in formats of a few digits an
    entry as small, beside the largest, is one like others.
    """
    unit = min(unit_roundoff(dtype), unit_roundoff("float32"))
    return ROUNDINGS_OF_A_TABLE * unit * max(map(abs, entries), default=0.0)


def all_recognised(entries: Iterable[float], dtype: str) -> bool:
    """Whether every entry of a table is the rounding of a simple number."""
    return all(recognise(x, dtype) is not None for x in set(entries))


def read_table(
    entries: Sequence[float], dtype: str, reading: Reading, one: Callable[[float, str], arb]
) -> Iterator[arb]:
    """Return the numbers of a table, moved or each read by `one`, and, rounded, with what is left near 0."""
    if reading is Reading.MOVED:
        return moved_entries(entries, dtype)
    radius = _near_zero(entries, dtype) if reading is Reading.ROUNDED else 0.0
    return (one(x, dtype) + arb(0, radius if 0 < abs(x) < radius else 0.0) for x in entries)


def moved_entries(entries: Sequence[float], dtype: str) -> Iterator[arb]:
    """Return the numbers of a table moved by far more than rounding: nobody knows how they were computed.

    Two tables of the same numbers move alike, so that an error beside them stays what it is.
    """
    radius = _near_zero(entries, dtype)
    return (within(arb(x, radius)) if 0 < abs(x) < radius else _moved_entry(x, dtype) for x in entries)


def _moved_entry(number: float, dtype: str) -> arb:
    if is_certain(number, dtype):
        return arb(number)
    part = max(_OF_A_TABLE, ROUNDINGS * unit_roundoff(dtype))
    return within(arb(number, abs(number) * part))


@cache
def recognise(number: float, dtype: str = "float64") -> arb | None:
    """Return the simple number that a constant is the rounding of, or None.

    Roots and multiples of pi and logarithms are recognised in float64 only: elsewhere chance would find them.
    """
    if _is_never_rounded(number, dtype):
        return arb(number)
    text = decimal(number, dtype)
    with working(PRECISION):
        if significant(text) <= SHORT_DIGITS.get(dtype, 2):
            return _rational(Fraction(text))
        reach = Fraction(abs(number)) * Fraction(unit_roundoff(dtype)) * 4
        simple = _fraction(Fraction(number), reach, 1000 if dtype == "float64" else 30)
        if simple and abs(Fraction(number) - simple) <= reach:
            return _rational(simple)
        return _irrational(number, arb(number, float(reach))) if dtype == "float64" else None


def _fraction(number: Fraction, reach: Fraction, most: int) -> Fraction:
    """Return the nearest fraction of a denominator up to `most`, or 0 where one is within reach by chance.

    As many fractions as the square of their largest denominator lie between two integers.
    """
    largest = min(most, math.isqrt(int(_CHANCE / reach)))
    return number.limit_denominator(largest) if largest else Fraction(0)


def decimal(number: float, dtype: str) -> str:
    """Return the shortest decimal that rounds to the number in its format."""
    return repr(float(str(np.float32(number)))) if dtype == "float32" else repr(float(number))


def significant(text: str) -> int:
    """Return how many significant digits a decimal has."""
    return len(text.lower().split("e")[0].replace(".", "").replace("-", "").strip("0"))


@cache
def _is_never_rounded(number: float, dtype: str) -> bool:
    """Whether it is no rounding of another number, but by chance.

    So is what is not finite, a power of two, an integer that a format holds with 8 bits to spare, and what
    leaves 12 bits of the format empty.
    """
    if not math.isfinite(number) or number == 0:
        return True
    kind = FORMATS.get(dtype, FORMATS["float64"])
    mantissa, exponent = math.frexp(number)
    if exponent <= kind.smallest_exponent:  # of a number this small few bits are kept
        return False
    integer = number.is_integer() and abs(number) < 2.0 ** (kind.precision - 8)
    return integer or math.ldexp(mantissa, max(kind.precision - 12, 1)).is_integer()


def is_certain(number: float, dtype: str) -> bool:
    """Whether there is no doubt what a constant stands for: shorter formats have simple numbers by chance."""
    return _is_never_rounded(number, dtype) or (dtype == "float64" and recognise(number, dtype) is not None)


def _explained(number: float, dtype: str) -> arb:
    """Return the ball of a rounded constant: of one rounding if it was written down, of a few if computed.

    That of a constant which is recognised reaches to the number that it stands for.
    """
    unit = abs(number) * UNIT.get(dtype, UNIT["bfloat16"]) * 1.01
    known = recognise(number, dtype)
    if known is not None:
        return arb(number, max(unit, 1.01 * float(abs(known - arb(number)).abs_upper())))
    written = significant(decimal(number, dtype)) <= LITERAL_DIGITS.get(dtype, 3)
    roundings = 1 if written else ROUNDINGS
    return arb(number, unit * roundings)


def _written_short(number: float, dtype: str) -> arb:
    """Return the simple number that a decimal of 7 or more digits is the rounding or truncation of."""
    text = decimal(number, dtype)
    digits = significant(text)
    if 7 <= digits <= LITERAL_DIGITS.get(dtype, 3):
        unit = 10.0 ** (math.floor(math.log10(abs(number))) - digits + 1)  # of the last digit
        with working(PRECISION):
            near = arb(number) + arb(math.copysign(0.2 * unit, number), 0.7 * unit)
            simple = Fraction(number).limit_denominator(100)
            found = _rational(simple) if near.contains(_rational(simple)) else _irrational(number, near)
        if found is not None:
            return found
    return read(number, Reading.RECOGNISED, dtype)


def _rational(fraction: Fraction) -> arb:
    return arb(fmpq(fraction.numerator, fraction.denominator))


@cache
def _family() -> tuple[arb, ...]:
    """Return the irrational numbers of which small multiples are recognised."""
    with working(PRECISION):
        pi = arb.pi()
        roots = [arb(n).sqrt() for n in (2, 3, 5, 6, 7, 10)]
        circle = [pi, pi.sqrt(), (2 * pi).sqrt(), (2 / pi).sqrt(), pi * pi]
        logarithms = [arb(2).log(), arb(3).log(), arb(10).log(), pi.log(), (2 * pi).log()]
        base = [*roots, *circle, *logarithms, arb(1).exp()]
        return (*base, *(1 / x for x in base))


def _irrational(number: float, near: arb) -> arb | None:
    for known in _family():
        quotient = number / float(known.mid())
        ratio = Fraction(quotient).limit_denominator(64) if abs(quotient) <= 64 else Fraction(0)
        if ratio and abs(ratio.numerator) <= 64:
            candidate = _rational(ratio) * known
            if near.contains(candidate):
                return candidate
    reach = Fraction(float(near.rad()))
    square = _fraction(Fraction(number) ** 2, 2 * Fraction(abs(number)) * reach, 1024) if reach else None
    if square:
        root = _rational(square).sqrt() * (1 if number > 0 else -1)
        if near.contains(root):
            return root
    return None
