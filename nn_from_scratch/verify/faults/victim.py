"""The victim: a plain tape engine over floats and arrays, in parts that a fault may replace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.faults.array_rules import PULLS, Pull
from nn_from_scratch.verify.faults.rules import RULES, Row
from nn_from_scratch.verify.questions.operations import OPERATIONS


@dataclass(eq=False, slots=True)
class Value:
    """A node: a float or a float64 array, how it was computed, and its gradient, of the same shape."""

    data: Any
    rule: str = ""
    operands: tuple[Value | float, ...] = ()
    seen: tuple[Any, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    grad: Any = 0.0

    def __post_init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Set the gradient to 0."""
        self.grad = np.zeros(np.shape(self.data)) if np.ndim(self.data) else 0.0

    @property
    def parents(self) -> list[Value]:
        """The operands that are nodes."""
        return [operand for operand in self.operands if isinstance(operand, Value)]


def topological(output: Value, *, last_first: bool = False) -> list[Value]:
    """Return the nodes that `output` depends on, consumers before their operands: in one order of many."""
    order: list[Value] = []
    visited: set[Value] = set()
    stack = [(output, False)]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif node not in visited:
            visited.add(node)
            stack.append((node, True))
            stack.extend((parent, False) for parent in node.parents[:: -1 if last_first else 1])
    return order[::-1]


def summed(_rule: str, cotangent: Any, shape: tuple[int, ...]) -> Any:
    """Sum a cotangent over the axes along which an operand of `shape` was broadcast."""
    if np.shape(cotangent) == shape:
        return cotangent
    cotangent = np.sum(cotangent, axis=tuple(range(np.ndim(cotangent) - len(shape))))
    stretched = tuple(a for a, n in enumerate(shape) if n == 1 != np.shape(cotangent)[a])
    return np.sum(cotangent, axis=stretched, keepdims=True)


@dataclass(frozen=True)
class Victim:
    """An engine in parts, all of them right by default.

    Parameters
    ----------
    table
        For each operation that works element by element, its value and its partial derivatives. A row
        "rsub" serves ``2 - x``, if there is one.
    whole
        For each operation on whole arrays, its value and how it pulls a cotangent back.
    order
        The nodes that a reverse pass visits.
    seen
        The operand values that the reverse pass uses.
    combine
        How what comes from a node's rule is added to what an operand has.
    scale
        What a rule's derivatives are multiplied by.
    reduce
        How a cotangent gets the shape of its operand.
    shares
        Which of a node's operands get something, and what.
    start
        What the output's gradient is, given the cotangent.
    fresh
        Whether a pass forgets what the last one left in inner nodes.
    leaf
        Makes a leaf.

    """

    table: Mapping[str, Row] = field(default_factory=lambda: RULES)
    whole: Mapping[str, tuple[Callable[..., Any], Pull]] = field(default_factory=lambda: PULLS)
    order: Callable[[Value], list[Value]] = topological
    seen: Callable[[Value], Iterable[Any]] = lambda node: node.seen
    combine: Callable[[str, Any, Any], Any] = lambda rule, old, new: old + new
    scale: Callable[[Value], Any] = lambda node: node.grad
    reduce: Callable[[str, Any, tuple[int, ...]], Any] = summed
    shares: Callable[[list[tuple[Value, Any]]], Iterable[tuple[Value, Any]]] = lambda shares: shares
    start: Callable[[Value, Any], Any] = lambda output, cotangent: cotangent
    fresh: bool = True
    leaf: Callable[[Any], Value] = Value

    def apply(self, name: str, *operands: Value | float, **parameters: Any) -> Value:
        """Compute an operation and record it."""
        seen = tuple(x.data if isinstance(x, Value) else x for x in operands)
        if not isinstance(operands[0], Value) and f"r{name}" in self.table:
            name = f"r{name}"
        return Value(self.value(name, *seen, **parameters), name, operands, seen, parameters)

    def value(self, name: str, *operands: Any, **parameters: Any) -> Any:
        """Compute an operation on floats and arrays."""
        return (self.table.get(name) or self.whole[name])[0](*operands, **parameters)

    def pull(self, name: str, g: Any, z: Any, *operands: Any, **parameters: Any) -> tuple[Any, ...]:
        """Return what the cotangent `g` of the result `z` of an operation gives each operand."""
        if name in self.table:
            parts = tuple(g * partial for partial in self.table[name][1](z, *operands))
        else:
            parts = self.whole[name][1](g, z, *operands, **parameters)
        pairs = zip(parts, operands, strict=True)
        return tuple(self.reduce(name, part, np.shape(operand)) for part, operand in pairs)

    def backward(self, output: Value, cotangent: Any = 1.0) -> None:
        """Add the gradient of `output`, weighed by the cotangent, to every leaf."""
        order = self.order(output)
        start = self.start(output, cotangent)
        if self.fresh:
            for node in order:
                if node.rule:
                    node.forget()
        output.grad = output.grad + start if self.fresh else start
        for node in order:
            if node.rule:
                parts = self.pull(node.rule, self.scale(node), node.data, *self.seen(node), **node.parameters)
                pairs = zip(node.operands, parts, strict=True)
                for operand, part in self.shares([(x, part) for x, part in pairs if isinstance(x, Value)]):
                    operand.grad = self.combine(node.rule, operand.grad, part)

    def engine(self, name: str) -> Engine:
        """Return the victim as an engine under test."""
        return Engine.from_tape(
            name=name,
            variable=self.leaf,
            backward=self.backward,
            value=lambda node: node.data,
            gradient=lambda node: node.grad,
            assign=lambda leaf, value: setattr(leaf, "data", value),
            operations={
                rule: self._operation(rule) for rule in OPERATIONS if rule in {*self.table, *self.whole}
            },
            arrays=True,
            complete=True,
        )

    def _operation(self, rule: str) -> Callable[..., Value]:
        return lambda *operands, **parameters: self.apply(rule, *operands, **parameters)
