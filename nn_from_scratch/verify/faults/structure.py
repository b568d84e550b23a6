"""Faults of the reverse pass: its order, its sums, whose gradient is whose, and what outlives it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nn_from_scratch.verify.failures.shrink import REVERSE_PASS
from nn_from_scratch.verify.faults.array_rules import PULLS
from nn_from_scratch.verify.faults.planting import ANY, Fault, part
from nn_from_scratch.verify.faults.rules import RULES
from nn_from_scratch.verify.faults.victim import Value, Victim, topological

Shares = list[tuple[Value, Any]]


def depth_first(output: Value) -> list[Value]:
    """Return the nodes as a search meets them."""
    order: dict[Value, None] = {}
    stack = [output]
    while stack:
        node = stack.pop()
        if node not in order:
            order[node] = None
            stack.extend(node.parents)
    return list(order)


def recursive(output: Value) -> list[Value]:
    """Sort by recursion, which ends where the interpreter's stack does."""
    order: list[Value] = []
    visited: set[Value] = set()

    def visit(node: Value) -> None:
        if node not in visited:
            visited.add(node)
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(output)
    return order[::-1]


def _by_depth(output: Value) -> list[Value]:
    """Sort by the shortest distance from the leaves, the farthest first."""
    order = topological(output)
    height: dict[Value, int] = {}
    for node in reversed(order):
        height[node] = 1 + min((height[parent] for parent in node.parents), default=0)
    return sorted(order, key=lambda node: -height[node])


def _merged(output: Value) -> list[Value]:
    """Take nodes of equal value for one."""
    seen: set[bytes] = set()
    order = []
    for node in topological(output):
        key = np.asarray(node.data).tobytes()
        if key not in seen:
            seen.add(key)
            order.append(node)
    return order


def _remembering() -> Callable[[Value], list[Value]]:
    """Return an order whose visited set survives the pass."""
    visited: set[int] = set()
    kept: list[Value] = []  # keeps the ids from being used again

    def order(output: Value) -> list[Value]:
        found = [node for node in topological(output) if id(node) not in visited]
        visited.update(map(id, found))
        kept.extend(found)
        return found

    return order


class Freed(Victim):
    """Drops the graph after a pass; a second pass finds nothing, and says nothing."""

    def backward(self, output: Value, cotangent: Any = 1.0) -> None:
        """Add the gradient of `output` to every leaf."""
        order = topological(output)
        super().backward(output, cotangent)
        for node in order:
            node.rule, node.operands = "", ()


@dataclass(frozen=True)
class Waiting(Victim):
    """Lets a node wait for all its consumers, those included that the output does not depend on."""

    consumers: Counter[Value] = field(default_factory=Counter)

    def apply(self, name: str, *operands: Value | float, **parameters: Any) -> Value:
        """Compute an operation and record it."""
        node = super().apply(name, *operands, **parameters)
        self.consumers.update(set(node.parents))
        return node

    def backward(self, output: Value, cotangent: Any = 1.0) -> None:
        """Add the gradient of `output` to every leaf."""
        Victim(order=self._ready).backward(output, cotangent)

    def _ready(self, output: Value) -> list[Value]:
        order, waiting = [output], Counter(self.consumers)
        for node in order:
            for parent in set(node.parents):
                waiting[parent] -= 1
                if not waiting[parent]:
                    order.append(parent)
        return order


def _by_operand(shares: Shares) -> Iterable[tuple[Value, Any]]:
    """Keep one gradient for each operand: the last."""
    return dict(shares).items()


def _in_place(_rule: str, old: Any, new: Any) -> Any:
    """Keep the first gradient that comes, and add to it in place: it may be somebody else's, too."""
    if np.ndim(old) == 0:
        return old + new
    if not old.any() and new.flags.writeable:
        return new
    old += new
    return old


def _averaged(_rule: str, old: Any, new: Any) -> Any:
    return np.where(np.equal(old, 0), new, (old + new) / 2)


def _larger(_rule: str, old: Any, new: Any) -> Any:
    return np.where(abs(np.asarray(new)) > abs(np.asarray(old)), new, old)


def _in(rule: str, wrong: Callable[[Any, Any], Any]) -> Callable[[str, Any, Any], Any]:
    """Return a way to combine that is wrong after one operation."""
    return lambda name, old, new: wrong(old, new) if name == rule else old + new


def _order(
    name: str, description: str, order: Callable[[Value], list[Value]], blamed: str = REVERSE_PASS
) -> Fault:
    return part(name, description, blamed, "order", order=order)


_TWO_OUTPUTS = "two outputs that share a node"

STRUCTURE: tuple[Fault, ...] = (
    _order("depth first", "nodes in the order in which a search meets them", depth_first),
    _order("by depth", "nodes sorted by their shortest distance from the leaves", _by_depth),
    _order("upside down", "leaves before their consumers", lambda output: topological(output)[::-1], ANY),
    _order("output only", "a pass that ends at the output's operands", lambda output: [output], ANY),
    _order("merged", "nodes of equal value visited once", _merged),
    _order(
        "forgets the tenth",
        "a pass that leaves out every tenth node",
        lambda output: [node for k, node in enumerate(topological(output)) if k % 10 != 9],
    ),
    _order("recursive", "a recursive sort", recursive, "a chain of 3,000 operations"),
    _order(
        "cut off",
        "a sort that ends after 10,000 nodes",
        lambda output: topological(output)[:10_000],
        "a chain of 100,000 operations",
    ),
    part(
        "visited for ever",
        "visited nodes that the next pass leaves out",
        _TWO_OUTPUTS,
        "state",
        order=_remembering(),
    ),
    Fault("freed", "a graph that is silently empty after the first pass", _TWO_OUTPUTS, Freed(), "state"),
    Fault(
        "waiting",
        "a node that waits for a consumer outside the graph",
        "a dead branch beside the output",
        Waiting(),
        "state",
    ),
    *(
        part(
            f"assigned in {name}",
            f"`=` where `+=` belongs, in {name}",
            name,
            "accumulation",
            tuple(dict.fromkeys((name, "mul", "add"))),
            combine=_in(name, lambda old, new: new),
        )
        for name in ("add", "sub", "tanh", "sum", "matmul")
    ),
    part(
        "first come",
        "a gradient that is kept once it is not 0, in mul",
        "mul",
        "accumulation",
        combine=_in("mul", lambda old, new: np.where(np.equal(old, 0), new, old)),
    ),
    part("averaged", "contributions averaged", ANY, "accumulation", combine=_averaged),
    part("larger", "the larger contribution kept", ANY, "accumulation", combine=_larger),
    part(
        "multiplied",
        "contributions multiplied, in mul",
        "mul",
        "accumulation",
        combine=_in("mul", lambda old, new: np.where(np.equal(old, 0), new, old * new)),
    ),
    part(
        "by operand", "an operand that stands twice gets one share", ANY, "accumulation", shares=_by_operand
    ),
    part(
        "first share",
        "only the first operand gets anything",
        ANY,
        "accumulation",
        shares=lambda shares: shares[:1],
    ),
    Fault(
        "aliased",
        "an addition's operands that share one array, which sums in place corrupt",
        "add",
        Victim(
            {name: row for name, row in RULES.items() if name != "add"},
            {**PULLS, "add": (RULES["add"][0], lambda g, z, x, y: (g, g))},
            combine=_in_place,
        ),
        "arrays",
        ("add", "sum"),
    ),
    part(
        "ones",
        "a cotangent of ones, whatever is given",
        ANY,
        "upstream",
        ("sum", "add", "mul"),
        start=lambda output, cotangent: np.ones(np.shape(output.data)),
    ),
    part(
        "mean cotangent",
        "the cotangent's mean for each entry",
        ANY,
        "upstream",
        ("sum", "add", "mul"),
        start=lambda output, cotangent: (
            np.full(np.shape(output.data), np.mean(cotangent)) if np.size(cotangent) else cotangent
        ),
    ),
    part(
        "upstream of mul",
        "a mul that ignores the cotangent",
        "mul",
        "upstream",
        scale=lambda node: np.ones(np.shape(node.data)) if node.rule == "mul" else node.grad,
    ),
    part(
        "upstream of sum",
        "a sum that ignores the cotangent",
        "sum",
        "upstream",
        ("sum", "mul", "add"),
        scale=lambda node: np.ones(np.shape(node.data)) if node.rule == "sum" else node.grad,
    ),
    part(
        "no leaf",
        "an output that is a leaf gets nothing",
        "a leaf as the output",
        "state",
        start=lambda output, cotangent: cotangent if output.rule else 0.0,
    ),
    part(
        "doubled",
        "every pass starts from 2",
        ANY,
        "upstream",
        start=lambda output, cotangent: 2.0 * cotangent,
    ),
)
