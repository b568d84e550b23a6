"""Where a wrong formula is wrong, and which constant makes it so."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from flint import arb

from nn_from_scratch.verify.functions.tracing.arrays.runs import Subject
from nn_from_scratch.verify.functions.tracing.arrays.trace import Constant, Trace
from nn_from_scratch.verify.functions.tracing.constants import Reading, read
from nn_from_scratch.verify.functions.tracing.rules import ALL_DIGITS, compare
from nn_from_scratch.verify.functions.tracing.shadows import Numbers, Shadow, value
from nn_from_scratch.verify.judging.many_inputs import bisect

MOST_TRIES = 60
"""Constants that are tried in place of one of the backward, at most."""

NEAR = 0.1
"""How near, relatively, another constant must be to be tried."""

MOST_NUMBERS = 20_000
"""Scalar operations of a trace, up to which wrong entries are searched for."""


def explaining_constant(
    subject: Subject, outputs: Sequence[Shadow], directions: Sequence[Numbers], forward: Trace
) -> str | None:
    """Find a constant of the backward with another number for which the formulas are equal to all digits."""
    trace = subject.balls(Reading.RECOGNISED).trace
    own = {
        key: number
        for key, number in trace.numbers_of.items()
        if key not in forward.numbers_of and math.isfinite(number)
    }
    tries = 0
    tried: set[tuple[float, float]] = set()
    for key, number in own.items():
        for candidate in _candidates(number, list(forward.numbers_of.values())):
            tries += 1
            if tries > MOST_TRIES:
                return None
            if (number, candidate) in tried:
                continue  # at another line: it was changed there as well
            tried.add((number, candidate))
            exact = read(candidate, Reading.RECOGNISED)
            replaced: dict[Constant, arb] = {k: exact for k, n in own.items() if n == number}
            replaced |= {k: -exact for k, n in own.items() if n == -number}
            gradients = subject.balls(Reading.RECOGNISED, replaced=replaced).gradient_shadows
            found = compare(outputs, subject.cotangents, gradients, directions)
            if found.finite and not found.different and found.digits >= ALL_DIGITS:
                return (
                    f"with {candidate!r} in place of {number!r} "
                    f"it is equal to {found.digits:.0f} digits ({key[0]})"
                )
    return None


def _candidates(number: float, others: list[float]) -> Iterator[float]:
    """Yield constants near a number: those of the forward, and the number with fewer digits."""
    seen = {number}
    fewer = [float(f"{number:.{digits}g}") for digits in range(1, 8)]
    for candidate in [*others, *fewer, float(round(number))]:
        if candidate not in seen and candidate and abs(candidate - number) <= NEAR * abs(number):
            seen.add(candidate)
            yield candidate


@dataclass
class Places:
    """What is wrong, in words, and whether its entries are named."""

    lines: list[str] = field(default_factory=list)
    named: bool = True


def wrong_places(subject: Subject, literal: dict[Constant, arb], seed: int) -> Places:
    """Say which inputs' gradients are wrong, and some of their entries, with what they should be.

    `literal` are the constants that are recognised as nothing: they are taken as the numbers they are.
    """
    balls = subject.balls(Reading.RECOGNISED, replaced=literal)
    inputs = subject.differentiated
    rng = np.random.default_rng(seed + 2)
    found = Places()
    for k, x in enumerate(inputs):
        direction = np.asarray(rng.uniform(0.5, 1.5, x.shape))
        name = subject.name(k)

        def along(part: Numbers, k: int = k) -> tuple[arb, arb]:
            directions = [np.zeros(y.shape) for y in inputs]
            directions[k] = part
            outputs, _ = subject.derivative(directions, Reading.RECOGNISED, literal)
            compared = compare(outputs, subject.cotangents, balls.gradient_shadows, directions)
            return compared.truth, compared.formula

        def wrong(place: range, direction: Numbers = direction) -> bool:
            part = np.zeros(direction.size)
            part[list(place)] = direction.ravel()[list(place)]
            truth, formula = along(part.reshape(direction.shape))
            size = max(abs(float(truth.mid())), abs(float(formula.mid())))
            return bool(abs(truth - formula) > 1e-40 * size)

        if not wrong(range(x.size)):
            continue
        lone = _lone_entry(along, x)
        if lone is None and balls.trace.scalars > MOST_NUMBERS:
            found.lines.append(f"the gradient of {name} is wrong")
            found.named = False
            continue
        places = bisect(wrong, x.size, most=2) if lone is None else [range(lone, lone + 1)]
        for place in places:
            entry = np.unravel_index(place[0], x.shape)
            unit = np.zeros(x.shape)
            unit[entry] = 1.0
            truth, _ = along(unit)
            got = value(balls.gradient_shadows[k][entry])
            where = f"{name}[{', '.join(map(str, entry))}]" if x.ndim else name
            pair = f"{_shown(got, truth)} by its formula, the truth is {_shown(truth, got)}"
            found.lines.append(f"the derivative for {where} is {pair}")
    return found


def _lone_entry(along: Callable[[Numbers], tuple[arb, arb]], x: Numbers) -> int | None:
    """Return the place of the only wrong entry, or None if more are wrong.

    Moved by 1, by its place, and by its place squared, one entry makes errors of a constant ratio, its place
    (R. de Prony's method, of one term).
    """
    places = np.arange(x.size, dtype=np.float64).reshape(x.shape)
    errors = []
    for power in range(3):
        truth, formula = along(places**power)
        errors.append(formula - truth)
    if errors[0].contains(0):
        return None
    place = float((errors[1] / errors[0]).mid())
    alone = abs(errors[2] * errors[0] - errors[1] ** 2).abs_upper() < 1e-40 * abs(errors[0] ** 2).abs_lower()
    return round(place) if alone and 0 <= place < x.size else None


def _shown(x: arb, other: arb) -> str:
    """Write a number with as many digits as tell it from another."""
    gap = float(abs(x - other).mid()) / (float(abs(x).mid()) or 1.0)
    digits = 6 if gap > 1e-4 else min(60, int(-np.log10(gap or 1e-60)) + 3)
    return str(x.str(digits, radius=False))
