"""A scalar engine of reverse mode, textbook style, in parts that may be done in other orders.

Whatever the order, it is right: its rules are those of `faults.rules`, each result is rounded once to the
format, and only sums, products, divisions and paths are computed in ways that differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Any, Self

import numpy as np

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.faults.rules import RULES, Row
from nn_from_scratch.verify.questions.formats import FORMATS
from nn_from_scratch.verify.questions.operations import CATALOGUE

MOST_PATHS = 4096
"""Paths that are followed one by one; where there are more, adjoints are joined."""


@dataclass(eq=False, slots=True)
class Value:
    """A number, how it was computed, and its gradient.

    `terms` are the numbers of which it is the sum, each with a sign, and `factors` the two of which it is
    the product.
    """

    data: float
    operands: tuple[Value, ...] = ()
    partials: tuple[float, ...] = ()
    terms: tuple[tuple[int, Value], ...] = ()
    factors: tuple[float, float] | None = None
    grad: float = 0.0

    def __post_init__(self) -> None:
        self.terms = self.terms or ((1, self),)


Total = Callable[[Sequence[float]], float]
"""How a list of numbers is added up."""


def left_to_right(numbers: Sequence[float]) -> float:
    """Add up in the given order."""
    total = 0.0
    for x in numbers:
        total += x
    return total


def right_to_left(numbers: Sequence[float]) -> float:
    """Add up from the last one."""
    return left_to_right(numbers[::-1])


def smallest_first(numbers: Sequence[float]) -> float:
    """Add up in the order of their size."""
    return left_to_right(sorted(numbers, key=abs))


def largest_first(numbers: Sequence[float]) -> float:
    """Add up in the order of their value, from the largest."""
    return left_to_right(sorted(numbers, reverse=True))


def pairwise(numbers: Sequence[float]) -> float:
    """Add up both halves first."""
    middle = len(numbers) // 2
    if not middle:
        return left_to_right(numbers)
    return pairwise(numbers[:middle]) + pairwise(numbers[middle:])


@dataclass(frozen=True)
class Way:
    """A way to compute.

    Parameters
    ----------
    rules
        Value and partial derivatives of each operation.
    total
        How adjoints, and with `reassociates` sums, are added up.
    reassociates
        Whether a sum of sums and differences is added up anew, from all of its terms.
    path_by_path
        Whether each path from the output to a leaf is followed on its own.
    contracts
        Whether a product that is added is not rounded on its own (fma).
    dtype
        The format to which each result is rounded.

    """

    rules: Mapping[str, Row] = field(default_factory=lambda: RULES)
    total: Total = left_to_right
    reassociates: bool = False
    path_by_path: bool = False
    contracts: bool = False
    dtype: str = "float64"

    def engine(self, name: str) -> Engine:
        """Return an engine that computes in this way."""
        return Engine.from_tape(
            name=name,
            variable=Value,
            backward=self.backward,
            value=lambda node: node.data,
            gradient=lambda node: node.grad,
            operations={rule: partial(self.apply, rule) for rule in CATALOGUE},
            complete=True,
            dtype=self.dtype,
        )

    def rounded(self, x: Any) -> float:
        """Round to the format; what is too large for it is infinite."""
        number, chosen = float(x), FORMATS[self.dtype]
        if self.dtype == "float64" or not math.isfinite(number):
            return number
        if abs(number) >= 2.0 ** (chosen.largest_exponent + 1):
            return math.copysign(math.inf, number)
        return chosen.nearest(number)

    def apply(self, rule: str, *operands: Value | float) -> Value:
        """Compute an operation and record it."""
        numbers = [np.float64(x.data if isinstance(x, Value) else x) for x in operands]
        compute, derive = self.rules[rule]
        result = self.rounded(compute(*numbers))
        partials = [self.rounded(slope) for slope in derive(np.float64(result), *numbers)]
        nodes = [(x, slope) for x, slope in zip(operands, partials, strict=True) if isinstance(x, Value)]
        made = Value(result, tuple(x for x, _ in nodes), tuple(slope for _, slope in nodes))
        if rule in ("add", "sub", "neg"):
            signs = (-1,) if rule == "neg" else (1, -1 if rule == "sub" else 1)
            self._sum(made, signs, [x if isinstance(x, Value) else Value(float(x)) for x in operands])
        if rule in ("mul", "square"):
            made.factors = float(numbers[0]), float(numbers[-1])
        return made

    def _sum(self, made: Value, signs: Sequence[int], operands: Sequence[Value]) -> None:
        """Compute a sum by its terms, or with a product that is not rounded before."""
        if self.reassociates:
            made.terms = tuple(
                (sign * own, term)
                for sign, operand in zip(signs, operands, strict=True)
                for own, term in operand.terms
            )
            made.data = self.rounded(self.total([sign * term.data for sign, term in made.terms]))
        if self.contracts and len(signs) == 2:
            (first, second), (_, sign) = operands, signs
            if first.factors:
                made.data = fma(*first.factors, sign * second.data)
            elif second.factors:
                made.data = fma(sign * second.factors[0], second.factors[1], first.data)

    def backward(self, output: Value) -> None:
        """Add the gradient of `output` to every leaf."""
        order = topological(output)
        if self.path_by_path and _paths(order) <= MOST_PATHS:
            parts: dict[Value, list[float]] = {}
            self._follow(output, 1.0, parts)
            for leaf, found in parts.items():
                leaf.grad += self._added(found)
            return
        parts = {node: [] for node in order}
        parts[output].append(1.0)
        for node in order:
            if not node.operands:
                node.grad += self._added(parts[node])
                continue
            adjoint = self._added(parts[node])
            for operand, slope in zip(node.operands, node.partials, strict=True):
                if self.contracts and parts[operand]:
                    parts[operand] = [fma(adjoint, slope, parts[operand][0])]
                else:
                    parts[operand].append(self.rounded(adjoint * slope))

    def _follow(self, node: Value, adjoint: float, parts: dict[Value, list[float]]) -> None:
        if not node.operands:
            parts.setdefault(node, []).append(adjoint)
        for operand, slope in zip(node.operands, node.partials, strict=True):
            self._follow(operand, self.rounded(adjoint * slope), parts)

    def _added(self, numbers: Sequence[float]) -> float:
        if self.dtype == "float64":
            return self.total(numbers)
        return float(self.total([_Short(x, self.dtype) for x in numbers]))


class _Short(float):
    """A number of a short format: each addition is rounded to it."""

    way: Way

    def __new__(cls, number: float, dtype: str) -> Self:
        made = super().__new__(cls, number)
        made.way = Way(dtype=dtype)
        return made

    def __add__(self, other: float) -> _Short:
        return _Short(self.way.rounded(float(self) + float(other)), self.way.dtype)

    __radd__ = __add__


def topological(output: Value) -> list[Value]:
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
            stack.extend((operand, False) for operand in node.operands)
    return order[::-1]


def _paths(order: Sequence[Value]) -> int:
    """Return how many paths there are from the first node to all leaves."""
    count = dict.fromkeys(order, 0)
    count[order[0]] = 1
    for node in order:
        for operand in node.operands:
            count[operand] += count[node]
    return sum(number for node, number in count.items() if not node.operands)


def fma(x: float, y: float, z: float) -> float:
    """Return x * y + z, rounded once."""
    if not all(map(math.isfinite, (x, y, z))):
        return x * y + z
    try:
        return float(Fraction(x) * Fraction(y) + Fraction(z)) or x * y + z  # a zero keeps its sign
    except OverflowError:
        return x * y + z


RECIPROCAL: Mapping[str, Row] = {
    **RULES,
    "div": (lambda x, y: x * (1 / y), lambda z, x, y: (1 / y, -x * (1 / y) * (1 / y))),
    "hypot": (RULES["hypot"][0], lambda z, x, y: (x * (1 / z), y * (1 / z))),
    "arctan2": (
        RULES["arctan2"][0],
        lambda z, y, x: (x * (1 / (x * x + y * y)), -y * (1 / (x * x + y * y))),
    ),
}
"""The rules with a reciprocal in place of every division."""

OTHER_SLOPES: Mapping[str, Row] = {
    **RULES,
    "reciprocal": (RULES["reciprocal"][0], lambda z, x: (-(x**-2.0),)),
    "expm1": (RULES["expm1"][0], lambda z, x: (z + 1,)),
    "sqrt": (RULES["sqrt"][0], lambda z, x: (0.5 * x**-0.5,)),
    "tan": (RULES["tan"][0], lambda z, x: ((1 / np.cos(x)) ** 2,)),
    "arcsin": (RULES["arcsin"][0], lambda z, x: (1 / np.sqrt((1 - x) * (1 + x)),)),
    "arccos": (RULES["arccos"][0], lambda z, x: (-1 / np.sqrt((1 - x) * (1 + x)),)),
    "tanh": (RULES["tanh"][0], lambda z, x: (1 / np.cosh(x) ** 2,)),
    "sigmoid": (RULES["sigmoid"][0], lambda z, x: (np.exp(-abs(x)) / (1 + np.exp(-abs(x))) ** 2,)),
    "softplus": (RULES["softplus"][0], lambda z, x: (np.exp(x - z),)),
}
"""The rules with derivatives by other formulas that engines use."""

WAYS: Mapping[str, Way] = {
    "textbook reverse mode": Way(),
    "adjoints in reverse order": Way(total=right_to_left),
    "adjoints in sorted order": Way(total=smallest_first),
    "adjoints from the largest": Way(total=largest_first),
    "division by the reciprocal": Way(rules=RECIPROCAL),
    "other formulas of derivatives": Way(rules=OTHER_SLOPES),
    "pairwise sums": Way(total=pairwise, reassociates=True),
    "sorted sums": Way(total=smallest_first, reassociates=True),
    "sums from the largest": Way(total=largest_first, reassociates=True),
    "fused multiply-add": Way(contracts=True),
    "path by path": Way(path_by_path=True),
    "path by path, sorted, reciprocal": Way(
        rules=RECIPROCAL, total=smallest_first, reassociates=True, path_by_path=True
    ),
}
"""Ways in which right engines compute."""
