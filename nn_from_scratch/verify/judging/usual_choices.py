"""The choices that engines usually make at kinks: tried first, being quick to try and simple to tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import islice, product

from nn_from_scratch.verify.judging.choices import Weights
from nn_from_scratch.verify.judging.splits import Split
from nn_from_scratch.verify.oracles.kinks import Kinks, State
from nn_from_scratch.verify.questions.expressions import Expression

_Rule = Callable[[Kinks, Split], tuple[Fraction, ...]]


def usual_choices(kinks: Kinks, written: Expression, splits: Sequence[Split]) -> list[Weights]:
    """Return some weights for all kinks: one rule everywhere, or the usual one of each operation.

    Parameters
    ----------
    kinks, splits
        What is chosen at.
    written
        The expression before its kinks were written as selections.

    """
    by_operation: dict[str, _Rule] = {"relu": _last, "where": _last}
    found = [
        {
            k: by_operation.get(name, _equal)(kinks, splits[k])
            for k, name in _operations(kinks, written, splits)
        },
        *({k: rule(kinks, split) for k, split in enumerate(splits)} for rule in _RULES),
    ]
    if kinks.has(State.NEAR):
        near = {
            k: _only(split, _selected(kinks, split))
            for k, split in enumerate(splits)
            if kinks.open[split.nodes[0]].state is State.NEAR
        }
        found = [*(weights | near for weights in found), *found]
    return found


def more_choices(kinks: Kinks, written: Expression, splits: Sequence[Split], most: int) -> Iterator[Weights]:
    """Yield as many combinations: first a rule for each operation, then one for each kink."""
    names = dict(_operations(kinks, written, splits))
    operations = sorted(set(names.values()))
    for rules in islice(product(_RULES, repeat=len(operations)), most):
        chosen = dict(zip(operations, rules, strict=True))
        yield {k: chosen[names[k]](kinks, split) for k, split in enumerate(splits)}
    options = [
        [*(_only(split, k) for k in range(len(split.operands))), _equal(kinks, split)] for split in splits
    ]
    for weights in islice(product(*options), most):
        yield dict(enumerate(weights))


def _operations(kinks: Kinks, written: Expression, splits: Sequence[Split]) -> list[tuple[int, str]]:
    """Return the number of each split, and the operation that has the kink."""
    originals = (kinks.original[split.nodes[0]] for split in splits)
    return [(k, written.steps[node - written.first_step].operation) for k, node in enumerate(originals)]


def _equal(_: Kinks, split: Split) -> tuple[Fraction, ...]:
    """Give the same to each operand."""
    return (Fraction(1, len(split.operands)),) * len(split.operands)


def _halved(kinks: Kinks, split: Split) -> tuple[Fraction, ...]:
    """Give the same to both sides of each comparison: max(max(x, y), z) gives z as much as x and y."""
    found: list[Fraction] = []
    waiting = [(split.nodes[0], Fraction(1))]
    while len(found) < len(split.operands):
        node, weight = waiting.pop()
        below = _below(kinks, split, node)
        if node == split.operands[len(found)] and node not in split.nodes:
            found.append(weight)
        else:
            waiting += [(k, weight / len(below)) for k in reversed(below)]
    return tuple(found)


def _below(kinks: Kinks, split: Split, node: int) -> Sequence[int]:
    """Return the operands among which a node of a split selects, one where that is clear."""
    if node < kinks.expression.first_step:
        return ()
    operands = kinks.expression.steps[node - kinks.expression.first_step].operands[-2:]
    if node in split.nodes or operands[0] == operands[-1]:
        return operands
    return operands[kinks.selected.get(node, 0) :][:1]


def _first(_: Kinks, split: Split) -> tuple[Fraction, ...]:
    return _only(split, 0)


def _last(_: Kinks, split: Split) -> tuple[Fraction, ...]:
    return _only(split, -1)


_RULES: tuple[_Rule, ...] = (_first, _last, _equal, _halved)


def _only(split: Split, chosen: int) -> tuple[Fraction, ...]:
    every = range(len(split.operands))
    return tuple(Fraction(int(k == every[chosen])) for k in every)


def _selected(kinks: Kinks, split: Split) -> int:
    """Return which operand is selected where kinks are only near."""
    node = split.nodes[0]
    while node in split.nodes or node not in split.operands:
        below = _below(kinks, split, node)
        node = below[kinks.open[node].side if node in split.nodes else 0]
    return split.operands.index(node)
