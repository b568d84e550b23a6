"""Which operation is to blame for a failing case, and for what kind of fault."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.failures.adjoints import NodeView, inspect, uses
from nn_from_scratch.verify.failures.kinds import kind
from nn_from_scratch.verify.failures.shrink import FORWARD_PASS, REVERSE_PASS, accused_alone
from nn_from_scratch.verify.judging.examine import Examination
from nn_from_scratch.verify.questions.expressions import Expression


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The operation to blame, or the forward or reverse pass; the kind of fault; and what led there.

    `node` is the operation's node, None for a pass; `nodes` are those of the case.
    """

    operation: str
    kind: str
    node: int | None
    nodes: tuple[NodeView, ...]


def diagnose(engine: Engine, found: Examination) -> Diagnosis:
    """Find the operation whose value or local derivative is wrong in a (minimal) failing case.

    Where the engine keeps the adjoints of inner nodes, the first wrong one from the output down tells where
    to look: its consumers had right ones. Each suspect is then asked on its own, which convicts it; if none
    is wrong on its own, the reverse pass is, or the forward pass if it is the value that is wrong.
    """
    expression = found.case.expression
    nodes = tuple(inspect(engine, found.case))
    for index in dict.fromkeys(_suspects(expression, nodes)):
        alone = accused_alone(engine, found.case, index)
        if alone is not None:
            operation = expression.steps[index - expression.first_step].operation
            return Diagnosis(operation, kind(engine, alone), index, nodes)
    value_is_wrong = found.value is not None and found.value.verdict.accuses and not found.case.tangent
    return Diagnosis(FORWARD_PASS if value_is_wrong else REVERSE_PASS, kind(engine, found), None, nodes)


def _suspects(expression: Expression, nodes: Sequence[NodeView]) -> Iterator[int]:
    """Yield operations, the most suspicious first."""
    first_wrong = next((node.index for node in reversed(nodes) if node.wrong), None)
    if first_wrong is not None:
        yield from (index for index, _ in uses(expression, first_wrong))
    yield from (node.index for node in reversed(nodes) if node.index >= expression.first_step)
