"""The passes over a failing graph, step by step: the engine's numbers beside the true ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nn_from_scratch.verify.report.formats import exact, listed
from nn_from_scratch.verify.report.headline import Results

_ENTRIES = 8  # of an array that are shown


@dataclass(frozen=True)
class Step:
    """One number, or array, of one of the two passes.

    `got` is empty where the engine tells nothing; `lit` are the nodes that are shown to be at fault.
    """

    backward: bool
    node: int
    what: str
    got: str
    expected: str
    differs: bool
    lit: tuple[int, ...]

    @property
    def word(self) -> str:
        """Say in a word how the engine's number is."""
        return "differs" if self.differs else "agrees" if self.got else "not told"


@dataclass(frozen=True)
class Steps:
    """The forward pass, then the reverse pass; `first` is where the engine differs first, from 1."""

    rows: tuple[Step, ...]
    first: int | None
    is_silent: bool
    """Whether the engine tells no adjoints of some inner nodes."""
    is_mute: bool
    """Whether it tells nothing at all."""
    of_second_order: bool


def steps(failure: Results) -> Steps:
    """Return the steps of a failure's graph, as its results hold them; none where there is no graph."""
    nodes = (failure.get("graph") or {}).get("nodes") or []
    names = _names(nodes)
    rows = [_value(nodes, names, k) for k in range(len(nodes)) if not _is_constant(nodes[k])]
    rows += [_adjoint(nodes, names, k) for k in reversed(range(len(nodes))) if not _is_constant(nodes[k])]
    first = next((number for number, row in enumerate(rows, 1) if row.differs), None)
    silent = any(row.backward and not row.got for row in rows)
    mute = not any(row.got for row in rows)
    return Steps(tuple(rows), first, silent, mute, bool(failure.get("tangent")))


def _value(nodes: Sequence[Results], names: Sequence[str], k: int) -> Step:
    held = nodes[k].get("value") or {}
    operands = [names[operand] for operand in nodes[k].get("operands") or ()]
    what = f"{names[k]} of {listed(operands)}" if operands else names[k]
    return Step(
        False, k, what, _text(held.get("got")), _text(held.get("expected")), bool(held.get("wrong")), (k,)
    )


def _adjoint(nodes: Sequence[Results], names: Sequence[str], k: int) -> Step:
    held = nodes[k].get("adjoint") or {}
    users = [user for user, other in enumerate(nodes) if k in (other.get("operands") or ())]
    what = (
        f"{names[k]}, handed down by {listed([names[user] for user in users])}"
        if users
        else f"{names[k]}, the output"
    )
    blamed = tuple(user for user in users if nodes[user].get("blamed"))
    differs = bool(nodes[k].get("wrong"))
    return Step(True, k, what, _text(held.get("got")), _text(held.get("expected")), differs, blamed or (k,))


def _is_constant(node: Results) -> bool:
    """Whether a node is neither an input nor computed: its adjoint nobody asks for."""
    return not node.get("operands") and not (node.get("adjoint") or {}).get("expected")


def _names(nodes: Sequence[Results]) -> list[str]:
    """Return the nodes' labels, numbered where several are alike."""
    labels = [str(node.get("label")) for node in nodes]
    several = {label for label, count in Counter(labels).items() if count > 1}
    seen: Counter[str] = Counter()
    names = []
    for label, node in zip(labels, nodes, strict=True):
        seen[label] += 1
        numbered = label in several and node.get("operands")
        names.append(f"{label} ({seen[label]})" if numbered else label)
    return names


def _text(numbers: Any) -> str:
    """Write numbers with all their digits; of a long array the first."""
    if not isinstance(numbers, list):
        return ""
    texts = ["no number" if x is None else str(exact(x)) for x in numbers]
    if len(texts) == 1:
        return texts[0]
    more = [f"… {len(texts) - _ENTRIES} more"] if len(texts) > _ENTRIES else []
    return f"[{', '.join(texts[:_ENTRIES] + more)}]"
