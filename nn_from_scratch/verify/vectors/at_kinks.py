"""What is accepted where a case lies exactly at kinks: the one-sided derivatives, and what choices give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod

from flint import arb

from nn_from_scratch.verify.judging.at_kinks import AtKinks
from nn_from_scratch.verify.judging.splits import CONSTANT, OpenGradient, Split
from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.oracles.kinks import State
from nn_from_scratch.verify.oracles.one_sided import OneSided
from nn_from_scratch.verify.vectors.decimals import Enclosed, enclosed

_MOST_CHOICES = 64


@dataclass(frozen=True, slots=True)
class Accepted:
    """What is accepted at kinks.

    Parameters
    ----------
    sides
        For each derivative its one-sided ones: on the input's side below and above.
    choices
        Gradients, each by one choice at every kink: one operand gets all, or where there is more to choose
        than between two, all get the same.

    """

    sides: tuple[tuple[Enclosed, Enclosed], ...]
    choices: tuple[tuple[Enclosed, ...], ...]

    def truth(self) -> list[Enclosed | None]:
        """Return the derivatives, None where the one-sided ones differ."""
        return [below if below == above else None for below, above in self.sides]


def accepted(point: AtKinks) -> Accepted | None:
    """Return what is accepted at a point all of whose kinks are exact; None where there are too many choices.

    Raises
    ------
    UnsettledError, UncertainError
        Where nothing can be said.

    """
    gradient = point.gradient
    if prod(len(split.operands) + 1 for split in gradient.splits) > _MOST_CHOICES:
        return None
    one_sided = OneSided(point.kinks, near_is_exact=True).derivatives()
    sides = tuple((enclosed(below), enclosed(above)) for above, below in one_sided)
    with taylor.working(taylor.PRECISION):
        choices = [tuple(map(enclosed, _chosen(gradient, weights))) for weights in _weights(gradient.splits)]
    return Accepted(sides, tuple(dict.fromkeys(choices)))


def all_exact(point: AtKinks) -> bool:
    """Whether every kink in reach is one for certain, and in every format."""
    return all(kink.state is State.EXACT for kink in point.kinks.open.values())


def _weights(splits: list[Split]) -> Iterator[tuple[list[Fraction], ...]]:
    """Yield the weights of every split's operands, for each choice that is listed."""
    only_two = len(splits) == 1 and len(splits[0].operands) == 2
    options = []
    for split in splits:
        count = len(split.operands)
        options.append([[Fraction(k == chosen) for k in range(count)] for chosen in range(count)])
        if not only_two:
            options[-1].append([Fraction(1, count)] * count)
    yield from product(*options)


def _chosen(gradient: OpenGradient, weights: tuple[list[Fraction], ...]) -> list[arb]:
    """Return the gradient by weights at each split, in the order in which reverse mode meets them."""
    shares: dict[int, arb] = {CONSTANT: arb(1)}
    for split, of_one in zip(gradient.splits, weights, strict=True):
        arriving = sum((c * shares[share] for share, c in split.arriving.items()), arb(0))
        for share, weight in zip(split.shares, of_one, strict=False):
            shares[share] = arriving * weight.numerator / weight.denominator
    return [sum((c * shares[share] for share, c in form.items()), arb(0)) for form in gradient.derivatives]
