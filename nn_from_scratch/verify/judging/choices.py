"""Which choices at kinks give an answer: found, or shown not to exist.

The conditions on the shares (see `splits`) are linear, once it is known which sign arrives at each kink: an
exact linear program decides them. Where the sign depends on choices further up, both are tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from flint import arb

from nn_from_scratch.verify.judging.simplex import Equation, solve
from nn_from_scratch.verify.judging.splits import CONSTANT, Form, OpenGradient, Split
from nn_from_scratch.verify.oracles import taylor

_MOST_PROGRAMS = 100  # linear programs, for the kinks that are connected

Weights = dict[int, tuple[Fraction, ...]]
"""By the number of a split, the weight of each of its operands. Where nothing arrives, there are none."""
_Linear = dict[int, Fraction]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether choices give the derivatives of some `entries`, and which; None where that is not known."""

    entries: tuple[int, ...]
    possible: bool | None
    weights: Weights = field(default_factory=dict)


_BEYOND = 4096  # a power of two outside every format


def fraction(number: arb) -> Fraction:
    """Return a ball's midpoint; beyond every format it is 0, or a power of two with its sign.

    The derivative of tanh at 1e38 has an exponent of 38 digits, which no fraction can write out.
    """
    mantissa, exponent = (int(part) for part in number.mid().man_exp())
    size = exponent + mantissa.bit_length()
    if size < -_BEYOND:
        return Fraction(0)
    if size > _BEYOND:
        return Fraction((1 if mantissa > 0 else -1) * 2**_BEYOND)
    return Fraction(mantissa) * Fraction(2) ** exponent


def explain(
    gradient: OpenGradient,
    got: Sequence[Fraction],
    tolerances: Sequence[Fraction],
    conventions: Sequence[Weights],
) -> list[Explanation]:
    """Explain an answer by choices, for each set of derivatives that kinks connect.

    Parameters
    ----------
    gradient
        The derivatives as forms in the shares.
    got, tolerances
        The answer, and how far it may be off: a number for each derivative.
    conventions
        Weights that are tried first, for all splits.

    """
    linear = [_fractions(form) for form in gradient.derivatives]
    arriving = [_fractions(split.arriving) for split in gradient.splits]
    bounds = _bounds(gradient.splits)
    signs = [_sign(split, bounds) for split in gradient.splits]
    unknown = _unknown(gradient, bounds)
    found = []
    for entries, numbers in _connected(gradient):
        part = _Part(
            {k: gradient.splits[k].shares for k in numbers},
            {k: arriving[k] for k in numbers},
            {k: signs[k] for k in numbers},
            [(linear[i], got[i], tolerances[i] + unknown[i]) for i in entries],
        )
        weights = next(filter(part.gives, conventions), None)
        if weights is not None:
            found.append(Explanation(entries, possible=True, weights=part.that_matter(weights)))
        else:
            found.append(Explanation(entries, *part.search()))
    return found


def _fractions(form: Form) -> _Linear:
    return {share: fraction(coefficient) for share, coefficient in form.items()}


_Bounds = Mapping[int, arb]
"""By share, a ball of all that it may be, whatever is chosen."""


def _bounds(splits: Sequence[Split]) -> _Bounds:
    bounds: dict[int, arb] = {CONSTANT: arb(1)}
    with taylor.working(taylor.PRECISION):
        for split in splits:
            bounds |= dict.fromkeys(split.shares, _arriving(split, bounds).union(arb(0)))
    return bounds


def _arriving(split: Split, bounds: _Bounds) -> arb:
    return sum((c * bounds[share] for share, c in split.arriving.items()), arb(0))


def _sign(split: Split, bounds: _Bounds) -> int:
    """Return the sign of what arrives at a split whatever is chosen; 0 where it depends on choices."""
    with taylor.working(taylor.PRECISION):
        arriving = _arriving(split, bounds)
        return 1 if arriving >= 0 else -1 if arriving <= 0 else 0


def _unknown(gradient: OpenGradient, bounds: _Bounds) -> list[Fraction]:
    """Return how far each derivative may be from what the midpoints of all coefficients give.

    A coefficient is known to all digits that matter, unless differences on the way to it cancel.
    """
    off: dict[int, arb] = {CONSTANT: arb(0)}

    def of(form: Form) -> arb:
        return sum(
            (c.rad() * bounds[share].abs_upper() + c.abs_upper() * off[share] for share, c in form.items()),
            arb(0),
        ).upper()

    with taylor.working(taylor.PRECISION):
        for split in gradient.splits:
            off |= dict.fromkeys(split.shares, of(split.arriving))
        return [fraction(of(form)) for form in gradient.derivatives]


def _connected(gradient: OpenGradient) -> Iterator[tuple[tuple[int, ...], list[int]]]:
    """Yield the derivatives that share kinks, with the numbers of the splits; those that none moves alone."""
    owner = {share: k for k, split in enumerate(gradient.splits) for share in split.shares}
    parents = list(range(len(gradient.splits)))

    def root(k: int) -> int:
        while parents[k] != k:
            parents[k] = parents[parents[k]]
            k = parents[k]
        return k

    met = [[owner[share] for share in form if share != CONSTANT] for form in gradient.derivatives]
    above = [[owner[share] for share in split.arriving if share != CONSTANT] for split in gradient.splits]
    for group in (*met, *([k, *others] for k, others in enumerate(above))):
        for k in group[1:]:
            parents[root(k)] = root(group[0])
    parts: dict[int, tuple[list[int], list[int]]] = {}
    for entry, group in enumerate(met):
        if group:
            parts.setdefault(root(group[0]), ([], []))[0].append(entry)
        else:
            yield (entry,), []
    for k in range(len(gradient.splits)):
        if root(k) in parts:
            parts[root(k)][1].append(k)
    for entries, numbers in parts.values():
        yield tuple(entries), numbers


@dataclass(frozen=True, slots=True)
class _Part:
    """Some derivatives (form, answer, tolerance), and the splits that they depend on, by number."""

    shares: Mapping[int, Sequence[int]]
    arriving: Mapping[int, _Linear]
    signs: Mapping[int, int]
    rows: Sequence[tuple[_Linear, Fraction, Fraction]]

    def gives(self, weights: Weights) -> bool:
        """Whether weights give the answer."""
        values = self._values(weights)
        return all(abs(_value(form, values) - got) <= tolerance for form, got, tolerance in self.rows)

    def that_matter(self, weights: Weights) -> Weights:
        """Return the weights of those splits at which something arrives."""
        values = self._values(weights)
        return {k: weights[k] for k, form in self.arriving.items() if _value(form, values)}

    def _values(self, weights: Weights) -> dict[int, Fraction]:
        values = {CONSTANT: Fraction(1)}
        for k, form in self.arriving.items():  # from the output on
            arriving = _value(form, values)
            for share, weight in zip(self.shares[k], weights[k], strict=False):
                values[share] = arriving * weight
        return values

    def search(self) -> tuple[bool | None, Weights]:
        """Return whether weights can give the answer, and which."""
        waiting = [dict(self.signs)]
        for _ in range(_MOST_PROGRAMS):
            if not waiting:
                return False, {}
            signs = waiting.pop()
            values = self._solved(signs)
            if values is None:
                continue
            doubtful = next(
                (k for k, sign in signs.items() if not sign and not self._have_its_sign(k, values)), None
            )
            if doubtful is None:
                return True, {
                    k: tuple(values[share] / arriving for share in self.shares[k])
                    for k, form in self.arriving.items()
                    if (arriving := _value(form, values))
                }
            waiting += [signs | {doubtful: sign} for sign in (-1, 1)]
        return (None, {}) if waiting else (False, {})

    def _have_its_sign(self, k: int, values: Mapping[int, Fraction]) -> bool:
        arriving = _value(self.arriving[k], values)
        shares = [values[share] for share in self.shares[k]]
        return all(share * arriving > 0 or share == 0 for share in shares)

    def _solved(self, signs: Mapping[int, int]) -> dict[int, Fraction] | None:
        """Return shares that add up and have the signs given; one whose sign is 0 may be anything."""
        unknowns = _Unknowns()
        for k, sign in signs.items():
            for share in self.shares[k]:
                unknowns.add(share, sign)
        equations: list[Equation] = []
        for k, form in self.arriving.items():
            rest = dict.fromkeys(self.shares[k], Fraction(1))
            for share, c in form.items():
                if share != CONSTANT:
                    rest[share] = -c
            equations.append((unknowns.row(rest), form.get(CONSTANT, Fraction(0))))
        for form, got, tolerance in self.rows:
            above, below = unknowns.slack(), unknowns.slack()
            row = unknowns.row({share: c for share, c in form.items() if share != CONSTANT})
            row[above] = Fraction(1)
            equations.append((row, got + tolerance - form.get(CONSTANT, Fraction(0))))
            equations.append(({above: Fraction(1), below: Fraction(1)}, 2 * tolerance))
        solution = solve(equations, unknowns.count)
        return None if solution is None else unknowns.values(solution)


class _Unknowns:
    """Shares as differences of unknowns that are not negative; one is enough where the sign is known."""

    def __init__(self) -> None:
        self.count = 0
        self._parts: dict[int, list[tuple[int, int]]] = {}

    def slack(self) -> int:
        """Return a new unknown."""
        self.count += 1
        return self.count - 1

    def add(self, share: int, sign: int) -> None:
        self._parts[share] = [(self.slack(), s) for s in ((sign,) if sign else (1, -1))]

    def row(self, form: Mapping[int, Fraction]) -> dict[int, Fraction]:
        return {unknown: sign * c for share, c in form.items() for unknown, sign in self._parts[share]}

    def values(self, solution: Sequence[Fraction]) -> dict[int, Fraction]:
        found = {
            share: sum((sign * solution[unknown] for unknown, sign in parts), Fraction(0))
            for share, parts in self._parts.items()
        }
        return found | {CONSTANT: Fraction(1)}


def _value(form: _Linear, values: Mapping[int, Fraction]) -> Fraction:
    return sum((c * values[share] for share, c in form.items()), Fraction(0))
