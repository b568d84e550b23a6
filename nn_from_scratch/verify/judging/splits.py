"""A gradient as reverse mode computes it, with the choices at kinks left open.

At a kink, reverse mode shares what arrives among the operands, and a choice is how. What each operand gets
is an unknown, its *share*. Every derivative is a linear form in the shares, and so is what arrives at each
kink. A choice is possible if the shares at each kink add up to what arrives, and have its sign: their
weights, share over arriving, are at least 0 and add up to 1.

That every engine's answer follows from such choices: S. Kakade and J. D. Lee, "Provably correct automatic
subdifferentiation for qualified programs", NeurIPS 2018; W. Lee, S. Park and A. Aiken, "On the correctness of
automatic differentiation for neural networks with machine-representable parameters", ICML 2023.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from flint import arb, arb_series

from nn_from_scratch.verify.oracles import taylor
from nn_from_scratch.verify.oracles.kinks import Kinks, UnsettledError
from nn_from_scratch.verify.questions.expressions import Step

Form = dict[int, arb]
"""A linear form: the coefficient of each share, by its number, and under `CONSTANT` what is added."""
CONSTANT = -1


@dataclass(frozen=True, slots=True)
class Split:
    """A kink, or nested ones of the same kind: what arrives, and the number of each operand's share.

    `nodes` are the kinks, the outermost first; `operands` the nodes among which they select. Where nothing
    arrives there are no shares.
    """

    nodes: tuple[int, ...]
    operands: tuple[int, ...]
    shares: tuple[int, ...]
    arriving: Form


@dataclass(frozen=True, slots=True)
class OpenGradient:
    """The kinks on the way to the inputs, from the output on, and the derivative by each input."""

    splits: list[Split]
    derivatives: list[Form]


def open_gradient(kinks: Kinks) -> OpenGradient:
    """Return the gradient of an expression at kinks, as forms in the shares.

    Raises
    ------
    UnsettledError
        Where an operation on the way has no derivative.

    """
    with taylor.working(taylor.PRECISION):
        return reverse(kinks, {kinks.expression.output: {CONSTANT: arb(1)}}, all_slopes(kinks))


def all_slopes(kinks: Kinks) -> dict[int, list[arb]]:
    """Return the partial derivatives of each step that is no selection, by each of its operands."""
    found = {}
    for node, step in kinks.steps:
        if node not in kinks.open and node not in kinks.selected:
            found[node] = slopes(kinks, step)
    return found


def slopes(kinks: Kinks, step: Step) -> list[arb]:
    """Return the partial derivatives of an operation, as coefficients of FLINT's series; 0 by a constant."""
    operands = operands_of(kinks, step)
    found = []
    for k, operand in enumerate(operands):
        constant = isinstance(operand, float)
        found.append(arb(0) if constant else _moved(step.operation, operands, (k,))[1])
    if not all(slope.is_finite() for slope in found):
        raise UnsettledError("outside the domain")
    return found


def curvatures(step: Step, operands: Sequence[Any]) -> list[tuple[int, int, arb]]:
    """Return the second partial derivatives that are not 0, each with the two nodes that it is by.

    Of a series along both operands x and y the coefficient of t^2 is (f_xx + 2 f_xy + f_yy) / 2. To be called
    where series have three coefficients.

    Parameters
    ----------
    step
        An operation that is no selection.
    operands
        The operands' values: balls, and constants as floats.

    """
    moving = [k for k, operand in enumerate(operands) if not isinstance(operand, float)]
    halves = {k: _moved(step.operation, operands, (k,))[2] for k in moving}
    found = [(step.operands[k], step.operands[k], 2 * half) for k, half in halves.items()]
    for k, other in combinations(moving, 2):
        first, second = step.operands[k], step.operands[other]
        mixed = _moved(step.operation, operands, (k, other))[2] - halves[k] - halves[other]
        found += [(first, second, mixed), (second, first, mixed)]
    return [one for one in found if not one[2].is_zero()]


def _moved(operation: str, operands: Sequence[Any], moving: Sequence[int]) -> Any:
    """Return the series of an operation, some of whose operands move at the speed of 1."""
    series = [
        x if isinstance(x, float) else arb_series([x, 1] if k in moving else [x])
        for k, x in enumerate(operands)
    ]
    return taylor.series(taylor.SERIES[operation](*series))


def operands_of(kinks: Kinks, step: Step) -> list[Any]:
    """Return the operands' values: balls, and constants as floats."""
    expression = kinks.expression
    return [
        expression.constants[k - expression.inputs] if expression.is_constant(k) else kinks.values[k]
        for k in step.operands
    ]


def reverse(kinks: Kinks, adjoints: dict[int, Form], slopes: Mapping[int, Sequence[arb]]) -> OpenGradient:
    """Run reverse mode, from the adjoints that some nodes have already.

    Parameters
    ----------
    kinks
        The expression.
    adjoints
        By node. They are changed: in the end they are those of all nodes.
    slopes
        The partial derivatives of each step that is no selection.

    """
    uses = Counter(k for _, step in kinks.steps for k in step.operands)
    splits: list[Split] = []
    count = 0
    expression = kinks.expression
    for node, step in reversed(kinks.steps):
        arriving = adjoints.get(node)
        if arriving is None:
            continue
        if node in kinks.selected:
            _add(adjoints, step.operands[kinks.selected[node] - 2], arriving, arb(1))
        elif node in kinks.open:
            nodes, operands = _nested(kinks, node, uses)
            shares = tuple(range(count, count + len(operands))) if arriving else ()
            count += len(shares)
            splits.append(Split(nodes, operands, shares, arriving))
            for operand in operands:
                _add(adjoints, operand, {}, arb(1))
            for operand, share in zip(operands, shares, strict=False):
                _add(adjoints, operand, {share: arb(1)}, arb(1))
        else:
            for operand, slope in zip(step.operands, slopes[node], strict=True):
                _add(adjoints, operand, arriving, slope)
    return OpenGradient(splits, [adjoints.get(k, {}) for k in range(expression.inputs)])


def _add(adjoints: dict[int, Form], node: int, form: Form, factor: arb) -> None:
    total = adjoints.setdefault(node, {})
    if factor.is_zero():
        return
    for share, coefficient in form.items():
        term = factor * coefficient
        total[share] = total[share] + term if share in total else term


def _nested(kinks: Kinks, node: int, uses: Counter[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the kinks that select as one, and their operands: max(max(x, y), z) has one tie of three.

    An operand that is there twice, as in max(max(x, x), y), is one twice.
    """
    expression = kinks.expression
    operation = expression.steps[node - expression.first_step].operation
    nodes, operands = [node], []
    waiting = [*reversed(expression.steps[node - expression.first_step].operands[-2:])]
    while waiting:
        k = waiting.pop()
        step = expression.steps[k - expression.first_step] if k >= expression.first_step else None
        if not step or step.operation != operation or operation == "where" or uses[k] > 1:
            operands.append(k)
        elif k in kinks.open:
            nodes.append(k)
            waiting += reversed(step.operands)
        elif step.operands[0] == step.operands[1]:
            operands += step.operands
        else:
            waiting.append(step.operands[kinks.selected[k]])
    return tuple(nodes), tuple(operands)
