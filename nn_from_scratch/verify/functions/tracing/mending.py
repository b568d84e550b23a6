"""Which operation of a wrong backward, or which missing term, the difference comes from.

No framework enters here: a tracer runs the backward again with one operation changed, by a factor or to
another operation, and says what it gives along three drawn directions. What makes the formula right along all
of them, to nine digits of the difference, is no coincidence.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import arb

from nn_from_scratch.verify.functions.tracing.complexes import scaled
from nn_from_scratch.verify.functions.tracing.shadows import Shadow

DIRECTIONS = 3
"""Along which a change must make the formula right: one fits any factor, the others confirm it."""

LEFT = 1e-9
"""What a change may leave of the difference: constants that were rounded outside of the trace."""

MISTAKEN: tuple[frozenset[str], ...] = (
    frozenset({"sin", "cos"}),
    frozenset({"sinh", "cosh"}),
    frozenset({"tanh", "sigmoid", "exp"}),
    frozenset({"exp", "expm1", "log", "log1p"}),
    frozenset({"add", "subtract"}),
    frozenset({"multiply", "divide"}),
    frozenset({"sqrt", "square", "reciprocal", "rsqrt"}),
)
"""Operations that are taken for one another."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of a run: its place among those of the backward (0 in the forward), and what it gave.

    `others` are the names of the operations that it may have been taken for.
    """

    place: int
    operation: str
    line: str
    shadow: Shadow
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"the result of {self.operation} ({self.line})" if self.line else self.operation


@dataclass(frozen=True, slots=True)
class Mend:
    """A change of the operation at one place: another operation, by its number, or a factor."""

    place: int
    factor: arb | None = None
    other: int = 0

    def applied(self, result: Shadow, others: Sequence[Callable[[], Shadow]]) -> Shadow:
        """Return what the operation gives, given what it gave."""
        if self.factor is None:
            return others[self.other]()
        return scaled(result, self.factor)


def mistaken(operation: str) -> tuple[str, ...]:
    """Return the operations that one is taken for."""
    return tuple(sorted({other for names in MISTAKEN if operation in names for other in names} - {operation}))


Slopes = Sequence[arb]
"""The derivative along each direction."""


@dataclass(frozen=True)
class Mending:
    """A wrong backward, and how to run it changed.

    Attributes
    ----------
    truth, formula
        The derivative along each direction, and what the backward makes of it.
    changed
        Runs the backward with a change, and returns what it makes of the derivative; None where it fails.
    steps
        The operations that ran.
    terms
        Yields what may be missing as a term: of which input's gradient, in words, and what it adds along the
        directions.

    """

    truth: Slopes
    formula: Slopes
    changed: Callable[[Mend], Slopes | None]
    steps: Sequence[Step]
    terms: Callable[[], Iterator[tuple[str, str, Slopes]]]

    def cause(self, most: int) -> str | None:
        """Say what makes the formula right, by running it at most so many times."""
        for step, mend in itertools.islice(self._mends(), most):
            found = self.changed(mend)
            said = None if found is None else self._said(step, mend, found)
            if said is not None:
                return said
        return self._missing()

    def _mends(self) -> Iterator[tuple[Step, Mend]]:
        """Yield a change of each operation of the backward, the last first."""
        for step in reversed([step for step in self.steps if step.place]):
            yield from ((step, Mend(step.place, other=k)) for k in range(len(step.others)))
            yield step, Mend(step.place, factor=arb(0))

    def _said(self, step: Step, mend: Mend, found: Slopes) -> str | None:
        if mend.factor is None:
            if not self._right(found):
                return None
            return f"with {step.others[mend.other]} in place of {step.operation} it is right ({step.line})"
        factor = _ratio(
            [true - none for true, none in zip(self.truth, found, strict=True)],
            [formula - none for formula, none in zip(self.formula, found, strict=True)],
        )
        if factor is None:
            return None
        again = self.changed(Mend(step.place, factor=factor))
        if again is None or not self._right(again):
            return None
        if factor.contains(0):
            return f"without the result of {step.operation} it is right ({step.line})"
        return f"with {shown(factor)} times the result of {step.operation} it is right ({step.line})"

    def _missing(self) -> str | None:
        """Say which result is missing as a term, and how often."""
        errors = [true - formula for true, formula in zip(self.truth, self.formula, strict=True)]
        for name, term, slopes in self.terms():
            factor = _ratio(errors, slopes)
            if factor is not None and not factor.contains(0):
                times = "" if shown(factor) == "1" else f"{shown(factor)} times "
                return f"in the gradient of {name} a term is missing: {times}{term}"
        return None

    def _right(self, found: Slopes) -> bool:
        rows = zip(self.truth, self.formula, found, strict=True)
        return all(
            x.is_finite() and abs(true - x).abs_upper() <= LEFT * abs(true - formula).abs_lower()
            for true, formula, x in rows
        )


def shown(factor: arb) -> str:
    """Write a factor as a fraction of small numbers, if it is one."""
    middle = float(factor.mid())
    simple = Fraction(middle).limit_denominator(1000)
    if simple and abs(float(simple) / middle - 1) < LEFT:
        return str(simple)
    return decimal(factor)


def decimal(factor: arb) -> str:
    """Write a factor with nine digits; next to 1 by how much it is another."""
    said = f"{float(factor.mid()):.9g}"
    return said if said != "1" else f"(1 + {float((factor - 1).mid()):.2g})"


def _ratio(above: Slopes, below: Slopes) -> arb | None:
    """Return the quotient of two lists of numbers, if it is the same everywhere."""
    if any(x.contains(0) or not x.is_finite() for x in below) or not all(x.is_finite() for x in above):
        return None
    ratios = [a / b for a, b in zip(above, below, strict=True)]
    first = ratios[0].mid()
    alike = all(abs(x - first).abs_upper() <= LEFT * (1 + abs(first)).abs_upper() for x in ratios)
    if not alike:
        return None
    near = round(float(first))
    return arb(near) if abs(first - near).abs_upper() < LEFT else first
