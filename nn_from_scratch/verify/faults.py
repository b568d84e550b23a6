"""Planted bugs: what the suite must catch, so that its silence means something.

A plain tape engine stands as the victim. Its rules are a table and its reverse pass has replaceable parts;
a fault replaces one of them. The faults are of kinds that real engines have had.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nn_from_scratch.verify.engines import Engine
from nn_from_scratch.verify.shrink import REVERSE_PASS

Row = tuple[Callable[..., float], Callable[..., tuple[float, ...]]]
"""An operation: its value, and its partial derivatives from the value and the operands."""


@dataclass(eq=False, slots=True)
class Value:
    """A node of the victim."""

    data: float
    rule: str = ""
    operands: tuple[Value | float, ...] = ()
    seen: tuple[float, ...] = ()
    grad: float = 0.0

    @property
    def parents(self) -> list[Value]:
        """The operands that are nodes."""
        return [operand for operand in self.operands if isinstance(operand, Value)]


def _topological(output: Value) -> list[Value]:
    """Return the nodes that `output` depends on, consumers before their operands."""
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
            stack.extend((parent, False) for parent in node.parents)
    return order[::-1]


def _breadth_first(output: Value) -> list[Value]:
    order = {output: None}
    queue = [output]
    for node in queue:
        new = [parent for parent in node.parents if parent not in order]
        order.update(dict.fromkeys(new))
        queue.extend(new)
    return list(order)


def _every_path(output: Value) -> list[Value]:
    order = [output]
    for node in order:
        order.extend(node.parents)
        if len(order) > 5000:  # exponential on shared graphs; long enough to be wrong
            break
    return order


@dataclass(frozen=True)
class Victim:
    """An engine in parts, all of them right by default.

    `seen` says which operand values the reverse pass uses, `combine` how what comes from a node's rule is
    added to what an operand has, `scale` what a rule's partial derivative is multiplied by, and `fresh`
    whether a pass forgets what the last one left in inner nodes.
    """

    table: Mapping[str, Row] = field(default_factory=lambda: _RULES)
    order: Callable[[Value], list[Value]] = _topological
    seen: Callable[[Value], Iterable[float]] = lambda node: node.seen
    combine: Callable[[str, float, float], float] = lambda rule, old, new: old + new
    scale: Callable[[Value], float] = lambda node: node.grad
    fresh: bool = True
    leaf: Callable[[float], Value] = Value

    def apply(self, name: str, *operands: Value | float) -> Value:
        """Compute an operation and record it."""
        seen = tuple(x.data if isinstance(x, Value) else x for x in operands)
        return Value(self.table[name][0](*seen), name, operands, seen)

    def backward(self, output: Value) -> None:
        """Add the gradient of `output` to every leaf."""
        order = self.order(output)
        if self.fresh:
            for node in order:
                node.grad = 0.0 if node.rule else node.grad
        output.grad = output.grad + 1.0 if self.fresh else 1.0
        for node in order:
            if node.rule:
                partials = self.table[node.rule][1](node.data, *self.seen(node))
                for operand, partial in zip(node.operands, partials, strict=True):
                    if isinstance(operand, Value):
                        operand.grad = self.combine(node.rule, operand.grad, self.scale(node) * partial)

    def engine(self, name: str) -> Engine:
        """Return the victim as an engine under test."""
        return Engine.from_tape(
            name=name,
            variable=self.leaf,
            backward=self.backward,
            value=lambda node: node.data,
            gradient=lambda node: node.grad,
            assign=lambda leaf, value: setattr(leaf, "data", value),
            operations={rule: self._operation(rule) for rule in self.table},
            complete=True,
        )

    def _operation(self, rule: str) -> Callable[..., Value]:
        return lambda *operands: self.apply(rule, *operands)


def _sigmoid(x: float) -> float:
    e = math.exp(-abs(x))
    return (1.0 if x >= 0 else e) / (1 + e)


def _pow_partials(z: float, x: float, y: float) -> tuple[float, float]:
    return (y * math.pow(x, y - 1) if y else 0.0), (z * math.log(x) if x > 0 else 0.0)


def _where_partials(_z: float, c: float, _x: float, _y: float) -> tuple[float, float, float]:
    return 0.0, float(c > 0), float(c <= 0)


_RULES: Mapping[str, Row] = {
    "add": (operator.add, lambda z, x, y: (1.0, 1.0)),
    "sub": (operator.sub, lambda z, x, y: (1.0, -1.0)),
    "mul": (operator.mul, lambda z, x, y: (y, x)),
    "div": (operator.truediv, lambda z, x, y: (1 / y, -x / (y * y))),
    "pow": (math.pow, _pow_partials),
    "neg": (operator.neg, lambda z, x: (-1.0,)),
    "reciprocal": (lambda x: 1 / x, lambda z, x: (-z * z,)),
    "square": (lambda x: x * x, lambda z, x: (2 * x,)),
    "exp": (math.exp, lambda z, x: (z,)),
    "expm1": (math.expm1, lambda z, x: (math.exp(x),)),
    "log1p": (math.log1p, lambda z, x: (1 / (1 + x),)),
    "log": (math.log, lambda z, x: (1 / x,)),
    "sqrt": (math.sqrt, lambda z, x: (0.5 / z,)),
    "sin": (math.sin, lambda z, x: (math.cos(x),)),
    "cos": (math.cos, lambda z, x: (-math.sin(x),)),
    "tan": (math.tan, lambda z, x: (1 + z * z,)),
    "arcsin": (math.asin, lambda z, x: (1 / math.sqrt(1 - x * x),)),
    "arccos": (math.acos, lambda z, x: (-1 / math.sqrt(1 - x * x),)),
    "arctan": (math.atan, lambda z, x: (1 / (1 + x * x),)),
    "arctan2": (math.atan2, lambda z, y, x: (x / (x * x + y * y), -y / (x * x + y * y))),
    "sinh": (math.sinh, lambda z, x: (math.cosh(x),)),
    "cosh": (math.cosh, lambda z, x: (math.sinh(x),)),
    "tanh": (math.tanh, lambda z, x: (1 - z * z,)),
    "sigmoid": (_sigmoid, lambda z, x: (z * (1 - z),)),
    "softplus": (lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))), lambda z, x: (_sigmoid(x),)),
    "hypot": (math.hypot, lambda z, x, y: (x / z, y / z)),
    "logaddexp": (
        lambda x, y: max(x, y) + math.log1p(math.exp(-abs(x - y))),
        lambda z, x, y: (_sigmoid(x - y), _sigmoid(y - x)),
    ),
    "relu": (lambda x: max(x, 0.0), lambda z, x: (float(x > 0),)),
    "abs": (abs, lambda z, x: (float(np.sign(x)),)),
    "maximum": (max, lambda z, x, y: (float(x >= y), float(x < y))),
    "minimum": (min, lambda z, x, y: (float(x <= y), float(x > y))),
    "where": (lambda c, x, y: x if c > 0 else y, _where_partials),
    "clip": (
        lambda x, low, high: min(max(x, low), high),
        lambda z, x, low, high: (float(low <= x <= high), 0.0, 0.0),
    ),
}


@dataclass(frozen=True)
class Fault:
    """A bug, planted: its name, what it does, what must be blamed for it, and the engine that has it."""

    name: str
    description: str
    blamed: str
    victim: Victim

    def engine(self) -> Engine:
        """Return the engine that has the fault."""
        return self.victim.engine(self.name)


def _partials(rule: str, description: str, wrong: Callable[..., tuple[float, ...]]) -> Fault:
    table = {**_RULES, rule: (_RULES[rule][0], wrong)}
    return Fault(f"{rule}: {description}", f"{rule} has {description}", rule, Victim(table))


def _value(rule: str, description: str, wrong: Callable[..., float]) -> Fault:
    table = {**_RULES, rule: (wrong, _RULES[rule][1])}
    return Fault(
        f"{rule}: {description}", f"{rule} has {description}, in the forward pass", rule, Victim(table)
    )


def _scaled(rule: str, factor: float) -> Fault:
    def wrong(*numbers: float) -> tuple[float, ...]:
        return tuple(factor * partial for partial in _RULES[rule][1](*numbers))

    return _partials(rule, f"its derivative times {factor!r}", wrong)


def _part(name: str, description: str, blamed: str, **parts: Any) -> Fault:
    return Fault(name, description, blamed, replace(Victim(), **parts))


def _interning() -> Callable[[float], Value]:
    """Return a leaf maker that gives one leaf for equal values."""
    leaves: dict[float, Value] = {}
    return lambda x: leaves.setdefault(x, Value(x))


FAULTS: tuple[Fault, ...] = (
    _scaled("sin", -1.0),
    _scaled("cos", -1.0),
    _scaled("exp", 1 + 1e-9),
    _scaled("tanh", 1 + 1e-9),
    _scaled("add", 1 - 1e-12),
    _scaled("sqrt", 2.0),
    _partials("sub", "a second derivative of +1", lambda z, x, y: (1.0, 1.0)),
    _partials("mul", "swapped operands", lambda z, x, y: (x, y)),
    _partials("div", "y where y squared belongs", lambda z, x, y: (1 / y, -x / y)),
    _partials("pow", "no gradient for the exponent", lambda z, x, y: (_pow_partials(z, x, y)[0], 0.0)),
    _partials("pow", "the exponent not lowered", lambda z, x, y: (y * z, _pow_partials(z, x, y)[1])),
    _partials("log", "1 / x squared", lambda z, x: (1 / (x * x),)),
    _partials("tanh", "1 - z for 1 - z squared", lambda z, x: (1 - z,)),
    _partials("sigmoid", "z for the operand", lambda z, x: (_sigmoid(z) * (1 - _sigmoid(z)),)),
    _partials("relu", "a mask that tests x > 1", lambda z, x: (float(x > 1),)),
    _partials("relu", "slope 2 at 0", lambda z, x: (2.0 if x == 0 else float(x > 0),)),
    _partials("abs", "slope 1 everywhere", lambda z, x: (1.0,)),
    _partials("maximum", "both operands at a tie", lambda z, x, y: (float(x >= y), float(x <= y))),
    _partials("minimum", "the larger operand", lambda z, x, y: (float(x > y), float(x <= y))),
    _partials("cos", "float32 inside", lambda z, x: (-float(np.sin(np.float32(x))),)),
    _partials("neg", "its operand's gradient dropped", lambda z, x: (0.0,)),
    _value("sub", "its operands swapped", lambda x, y: y - x),
    replace(
        _value("sigmoid", "an exponential that overflows", lambda x: 1 / (1 + math.exp(-x))),
        blamed="sigmoid at -800",
    ),
    _value("sqrt", "float32 inside", lambda x: float(np.sqrt(np.float32(x)))),
    _part(
        "assigned",
        "`=` where `+=` belongs, in mul",
        "mul",
        combine=lambda rule, old, new: new if rule == "mul" else old + new,
    ),
    _part(
        "subtracted",
        "`-=` where `+=` belongs, in sin",
        "sin",
        combine=lambda rule, old, new: old - new if rule == "sin" else old + new,
    ),
    _part("breadth first", "a reverse pass in order of depth", REVERSE_PASS, order=_breadth_first),
    _part("every path", "nodes visited once a path, with all they have", REVERSE_PASS, order=_every_path),
    _part(
        "upstream dropped",
        "an exp that ignores the cotangent",
        "exp",
        scale=lambda node: 1.0 if node.rule == "exp" else node.grad,
    ),
    _part(
        "left over",
        "inner nodes that keep the last pass's gradient",
        "a second backward does not count inner nodes again",
        fresh=False,
    ),
    _part(
        "current values",
        "a reverse pass that reads values as they are now",
        "values assigned after the forward pass change nothing",
        seen=lambda node: (x.data if isinstance(x, Value) else x for x in node.operands),
    ),
    _part(
        "interned",
        "leaves merged when their values are equal",
        "leaves of equal value stay apart",
        leaf=_interning(),
    ),
)
"""All planted bugs."""
