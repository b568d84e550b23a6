"""The judgement of second derivatives where kinks are in reach.

An engine differentiates its own first derivative: at each kink it chooses once for the first derivative, and
once more for the derivative of that. Given the first choices, second derivatives are linear forms in the
shares of the second ones (`splits`), which a linear program decides. Of first choices those are tried that
engines make. An answer that none of them explains is wrong if it lies outside all that any weights can give,
and undecided otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from itertools import chain

from flint import arb

from nn_from_scratch.verify.judging.at_kinks import AtKinks, Entry, Finding, Place, judge_entries
from nn_from_scratch.verify.judging.choices import Explanation, Weights, explain, fraction
from nn_from_scratch.verify.judging.question import Question
from nn_from_scratch.verify.judging.rounding_at_kinks import second_magnitudes
from nn_from_scratch.verify.judging.splits import (
    CONSTANT,
    Form,
    OpenGradient,
    Split,
    all_slopes,
    curvatures,
    operands_of,
    reverse,
)
from nn_from_scratch.verify.judging.usual_choices import more_choices, usual_choices
from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.oracles.kinks import State, UnsettledError
from nn_from_scratch.verify.oracles.one_sided import OneSided
from nn_from_scratch.verify.questions.cases import Case

_MOST_CHOICES = 100  # of first choices, of either kind
_FORMULAS = 4  # times the radius: engines have second derivatives by many formulas


class SecondAtKinks:
    """The derivative of an expression along a tangent, and its gradient, where a kink is in reach.

    Parameters
    ----------
    first
        The expression at the point.
    tangent
        The direction v: a float for each input.

    Raises
    ------
    UnsettledError
        By this and everything that it is asked: where nothing can be said.

    """

    def __init__(self, first: AtKinks, tangent: Sequence[float]) -> None:
        if first.kinks.has(State.UNDECIDED):
            raise UnsettledError("whether the point lies at a kink is not known")
        self._first, self._kinks = first, first.kinks
        self._tangent = tangent
        with taylor.working(taylor.PRECISION, 3):
            self._slopes = all_slopes(self._kinks)
            self._curvatures = {
                node: curvatures(step, operands_of(self._kinks, step))
                for node, step in self._kinks.steps
                if node in self._slopes
            }

    @cached_property
    def entries(self) -> list[Entry]:
        """The truth: of the derivative along the tangent, then of its gradient."""
        sides = self._sides(near_is_exact=True)
        if self._kinks.has(State.NEAR):
            as_they_are = self._sides(near_is_exact=False)
            sides = [[*both, *more] for both, more in zip(sides, as_they_are, strict=True)]
        measured = second_magnitudes(self._kinks, self._tangent, self._first.format)
        scale = self._first.format.unit_roundoff * max(one.size for one in measured)
        return [
            Entry.of(
                both, _FORMULAS * max(radius, _FORMULAS * one.radius, scale), one.size, self._first.format
            )
            for both, one, radius in zip(sides, measured, self._radii_of_a_piece(), strict=True)
        ]

    def _radii_of_a_piece(self) -> list[float]:
        """Return how far rounding moves the derivative and its gradient, by the usual formulas."""
        piece = Case(self._kinks.smooth_piece(), tuple(self._kinks.point), tangent=tuple(self._tangent))
        asked = Question.of(piece)
        rounding = asked.rounding(*asked.truth(), self._first.format)
        return [rounding.value, *rounding.derivatives]

    def _sides(self, *, near_is_exact: bool) -> list[list[arb]]:
        one_sided = OneSided(self._kinks, near_is_exact=near_is_exact)
        # Along the tangent any right gradient is right: that of one-sided derivatives along each input.
        with taylor.working(taylor.PRECISION):
            ends = [arb(0), arb(0)]
            for v, pair in zip(self._tangent, one_sided.derivatives(), strict=True):
                below, above = sorted((v * side for side in pair), key=arb.mid)
                ends = [ends[0] + below, ends[1] + above]
        return [ends, *one_sided.second_derivatives(self._tangent)]

    @cached_property
    def splits(self) -> list[Split]:
        """The kinks of the first derivative, and again those of the second one: they choose apart."""
        return [*self._first.splits, *self._first.splits]

    @cached_property
    def _first_choices(self) -> list[Weights]:
        splits = self._first.splits
        usual = usual_choices(self._kinks, self._first.expression, splits)
        more = more_choices(self._kinks, self._first.expression, splits, _MOST_CHOICES)
        return [*usual, *more]

    def judge(self, got: Sequence[float]) -> Finding:
        """Judge the derivative along the tangent, followed by its gradient."""
        every = tuple(range(len(got)))

        def explained(tolerances: Sequence[float]) -> list[Explanation]:
            exactly, within = [*map(Fraction, got)], [*map(Fraction, tolerances)]
            places = [entry.place(*one) for entry, *one in zip(self.entries, got, tolerances, strict=True)]
            alone = self._first_alone(exactly[0], within[0])
            if alone.possible is False and places[0] is not Place.RIGHT:
                return [Explanation(every, possible=False)]
            for chosen in chain([self._first_choices[0] | alone.weights], self._first_choices):
                parts = self._given(chosen, exactly, within)
                if parts is not None and all(
                    part.possible or all(places[k] is Place.RIGHT for k in part.entries) for part in parts
                ):
                    later = {
                        k + len(self._first.splits): w for part in parts for k, w in part.weights.items()
                    }
                    return [Explanation(every, possible=True, weights=chosen | later)]
            outside = any(
                not hull.overlaps(arb(number, tolerance))
                for hull, number, tolerance in zip(self._hulls, got, tolerances, strict=True)
            )
            return [Explanation(every, possible=False if outside else None)]

        return judge_entries(self.entries, got, self._first.format, explained, doubtful=False)

    def _first_alone(self, got: Fraction, tolerance: Fraction) -> Explanation:
        """Explain the derivative along the tangent, which first choices give alone."""
        along: Form = {}
        with taylor.working(taylor.PRECISION):
            for form, v in zip(self._first.gradient.derivatives, self._tangent, strict=True):
                for share, c in form.items():
                    along[share] = along.get(share, arb(0)) + c * v
        (found,) = explain(
            OpenGradient(self._first.splits, [along]), [got], [tolerance], [self._first_choices[0]]
        )
        return found

    def _given(
        self, chosen: Weights, got: Sequence[Fraction], tolerances: Sequence[Fraction]
    ) -> list[Explanation] | None:
        """Explain an answer given the first choices; None if its first number is not what they give."""
        weights = {k: [arb(w.numerator) / w.denominator for w in of_one] for k, of_one in chosen.items()}
        with taylor.working(taylor.PRECISION):
            tangents = self._tangents(weights)
            along = {CONSTANT: tangents[self._kinks.expression.output]}
            if abs(fraction(along[CONSTANT]) - got[0]) > tolerances[0] + fraction(along[CONSTANT].rad()):
                return None
            sources = self._sources(tangents, self._adjoints(weights))
            later = reverse(self._kinks, sources, self._slopes)
        gradient = OpenGradient(later.splits, [along, *later.derivatives])
        return explain(
            gradient, got, tolerances, usual_choices(self._kinks, self._first.expression, later.splits)
        )

    @cached_property
    def _hulls(self) -> list[arb]:
        """Balls of all that any choices give."""
        weights = {k: (arb(0.5, 0.5),) * len(split.operands) for k, split in enumerate(self._first.splits)}
        with taylor.working(taylor.PRECISION):
            tangents = self._tangents(weights)
            adjoints = self._adjoints(weights)
            sources = self._sources(tangents, adjoints)
            gradient = self._reversed(
                {node: form[CONSTANT] for node, form in sources.items() if form}, weights
            )
            inputs = range(self._kinks.expression.inputs)
            return [tangents[self._kinks.expression.output], *(gradient.get(k, arb(0)) for k in inputs)]

    def _tangents(self, weights: Mapping[int, Sequence[arb]]) -> list[arb]:
        """Run forward mode along the tangent, given the weights of each split."""
        expression = self._kinks.expression
        found = [arb(v) for v in self._tangent] + [arb(0)] * (len(expression) - expression.inputs)
        roots = {split.nodes[0]: k for k, split in enumerate(self._first.splits)}
        for node, step in self._kinks.steps:
            if node in self._kinks.selected:
                found[node] = found[step.operands[self._kinks.selected[node] - 2]]
            elif node in roots:
                found[node] = _mixed(
                    [found[k] for k in self._first.splits[roots[node]].operands], weights[roots[node]]
                )
            elif node in self._slopes:
                terms = (slope * found[k] for slope, k in zip(self._slopes[node], step.operands, strict=True))
                found[node] = sum(terms, arb(0))
        return found

    def _adjoints(self, weights: Mapping[int, Sequence[arb]]) -> dict[int, arb]:
        return self._reversed({self._kinks.expression.output: arb(1)}, weights)

    def _reversed(self, adjoints: dict[int, arb], weights: Mapping[int, Sequence[arb]]) -> dict[int, arb]:
        """Run reverse mode, given the weights of each split."""
        roots = {split.nodes[0]: k for k, split in enumerate(self._first.splits)}
        for node, step in reversed(self._kinks.steps):
            arriving = adjoints.get(node)
            if arriving is None:
                continue
            if node in self._kinks.selected:
                passed = [(step.operands[self._kinks.selected[node] - 2], arriving)]
            elif node in roots:
                operands = self._first.splits[roots[node]].operands
                passed = [
                    (k, weight * arriving) for k, weight in zip(operands, weights[roots[node]], strict=True)
                ]
            else:
                passed = [
                    (k, slope * arriving) for k, slope in zip(step.operands, self._slopes[node], strict=True)
                ]
            for k, part in passed:
                adjoints[k] = adjoints.get(k, arb(0)) + part
        return adjoints

    def _sources(self, tangents: Sequence[arb], adjoints: Mapping[int, arb]) -> dict[int, Form]:
        """Return what the derivative along the tangent depends on directly, but for kinks: the values."""
        found: dict[int, Form] = {self._kinks.expression.output: {}}
        for node, products in self._curvatures.items():
            for by, other, curvature in products:
                term = adjoints.get(node, arb(0)) * curvature * tangents[other]
                if not term.is_zero():
                    form = found.setdefault(by, {})
                    form[CONSTANT] = form.get(CONSTANT, arb(0)) + term
        return found


def _mixed(numbers: Sequence[arb], weights: Sequence[arb]) -> arb:
    """Return the numbers' mean by weights; by weights that may be anything, the ball that holds them."""
    if all(weight.is_exact() or weight.rad() < 0.25 for weight in weights):
        return sum((weight * number for weight, number in zip(weights, numbers, strict=True)), arb(0))
    hull = numbers[0]
    for number in numbers[1:]:
        hull = hull.union(number)
    return hull
