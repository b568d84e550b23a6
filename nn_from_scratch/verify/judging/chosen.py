"""Choices at kinks, for people: what each kink was taken for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nn_from_scratch.verify.judging.choices import Weights
from nn_from_scratch.verify.judging.splits import Split
from nn_from_scratch.verify.oracles.kinks import Kinks
from nn_from_scratch.verify.questions.expressions import Expression
from nn_from_scratch.verify.questions.operations import SCALARS, bare

_MOST_PARTS = 4  # of a mean, that are told
_LONGEST = 60  # letters of a node that is written out


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen at a kink: the weight of each of the operands that meet there.

    Parameters
    ----------
    node
        The kink's node in the scalar expression.
    kink, operands
        Written as Python would, or by their number if that is long.
    weights
        At least 0; their sum is 1.
    again
        Whether this is the choice in the derivative of a derivative.

    """

    node: int
    kink: str
    operands: tuple[str, ...]
    weights: tuple[float, ...]
    again: bool = False

    def __str__(self) -> str:
        """Return the kink and what it was taken for."""
        parts = [
            operand if weight == 1 else f"{weight:.6g} of {operand}"
            for operand, weight in zip(self.operands, self.weights, strict=True)
            if weight
        ]
        if len(parts) > _MOST_PARTS:
            parts = [*parts[:_MOST_PARTS], f"{len(parts) - _MOST_PARTS} more"]
        return f"{self.kink} as {' and '.join(parts)}{' (differentiated again)' if self.again else ''}"


def chosen(
    kinks: Kinks, written: Expression, splits: Sequence[Split], weights: Weights, inputs: Sequence[str]
) -> tuple[Choice, ...]:
    """Tell weights.

    Parameters
    ----------
    kinks, splits, weights
        What was chosen. Splits that come twice are those of a second derivative.
    written
        The expression before its kinks were written as selections.
    inputs
        The name of each input.

    """
    text = _Text(kinks, written, inputs)
    in_order = sorted(weights, key=lambda k: (splits[k] in splits[:k], splits[k].nodes[0]))
    return tuple(
        Choice(
            node=kinks.original[splits[k].nodes[0]],
            kink=text.of(splits[k].nodes[0]),
            operands=tuple(map(text.of, splits[k].operands)),
            weights=tuple(map(float, weights[k])),
            again=splits[k] in splits[:k],
        )
        for k in in_order
    )


class _Text:
    """The nodes of an expression of selections as text: as the original one where they are the same."""

    def __init__(self, kinks: Kinks, written: Expression, inputs: Sequence[str]) -> None:
        self._texts = _texts(kinks.expression, inputs)
        originals = _texts(written, inputs)
        made_last = {original: node for node, original in kinks.original.items()}
        for original, node in made_last.items():
            self._texts[node] = originals[original]

    def of(self, node: int) -> str:
        """Return the text of a node."""
        return self._texts[node]


def _texts(expression: Expression, inputs: Sequence[str]) -> list[str]:
    """Write every node as Python would; what gets long by its number."""
    texts = [*inputs, *map(repr, expression.constants)]
    for node, step in enumerate(expression.steps, expression.first_step):
        text = SCALARS[step.operation].text(*(texts[k] for k in step.operands))
        texts.append(text if len(text) <= _LONGEST else f"{step.operation} (node {node})")
    for k, constant in enumerate(expression.constants, expression.inputs):
        if constant is not None:
            texts[k] = f"{constant:g}"  # on its own
    return [*map(bare, texts)]
