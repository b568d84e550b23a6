"""Straight-line Python for what was recorded: a line an operation, or none if it is part of another's.

Scalars are Python's floats and their operations Python's own, so that little is done beside the arithmetic.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from nn_from_scratch.recorded import SYMBOLS, Recorded
from nn_from_scratch.rule import Elementwise, Operand, Options, Rule

_DEEPEST = 12
"""How many operations one line nests."""
_OPERATORS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}


def is_number(x: Operand) -> bool:
    """Return whether this is a number, no array."""
    return not np.shape(x.example if isinstance(x, Recorded) else x)


def is_element(node: Recorded) -> bool:
    """Return whether this is an element, by its number, of a vector that is an input."""
    if node.rule is None or node.rule.name != "index" or type(node.options["key"]) is not int:
        return False
    (vector,) = node.operands
    return isinstance(vector, Recorded) and vector.rule is None and len(vector.shape) == 1


class Writer:
    """Writes a function that computes what is wanted, in the order in which it was recorded.

    Attributes
    ----------
    names
        Functions and constants, by the names under which the text has them.

    """

    def __init__(self, inputs: Sequence[Recorded], wanted: Sequence[Operand]) -> None:
        self.names: dict[str, Any] = {"errstate": np.errstate}
        self._uses = _uses(wanted)
        self._constants: dict[int, str] = {}
        self._texts: dict[Recorded, tuple[str, int]] = {}
        self._indent = "    "
        self._lines = [f"def replayed({', '.join(f'x{k}' for k in range(len(inputs)))}):"]
        self._vectors: dict[Recorded, str] = {}
        for k, node in enumerate(inputs):
            self._texts[node] = f"x{k}", 0
            if any(is_element(user) and user.operands[0] is node for user in self._uses):
                self._vectors[node] = f"e{k}"
                self._lines.append(f"    e{k} = x{k}.tolist()")

    def write(self, nodes: Iterable[Recorded]) -> None:
        """Write what is used of these operations."""
        for node in nodes:
            uses = self._uses[node]
            if node.rule is None or not uses:
                continue
            parts = [*node.operands, *node.options.values()]
            text = self._expression(node)
            depth = 1 + max((self._texts[x][1] for x in parts if isinstance(x, Recorded)), default=0)
            can_warn = not all(map(is_number, node.operands))  # then it must stand where it was recorded
            if uses > 1 or depth > _DEEPEST or can_warn:
                name = f"v{len(self._lines)}"
                self._lines.append(f"{self._indent}{name} = {text}")
                text, depth = name, 0
            self._texts[node] = text, depth

    def without_warnings(self) -> None:
        """Let what is written from now on not warn."""
        self._lines.append('    with errstate(all="ignore"):')
        self._indent = "        "

    def returning(self, value: Operand, gradient: Sequence[Operand]) -> str:
        """Return the text of the function, which returns these."""
        parts = "".join(f"{self._text(part)}, " for part in gradient)
        return "\n".join([*self._lines, f"{self._indent}return {self._text(value)}, ({parts})", ""])

    def _text(self, x: Any) -> str:
        """Return an expression for an operand or option."""
        if isinstance(x, Recorded):
            return self._texts[x][0]
        if type(x) is float and math.isfinite(x):
            return repr(x) if x > 0 or str(x) == "0.0" else f"({x!r})"
        if (
            x is None
            or isinstance(x, bool | int | str)
            or (isinstance(x, tuple) and set(map(type, x)) <= {int})
        ):
            return repr(x)
        return self._named(x, f"c{len(self._constants)}")

    def _named(self, x: Any, name: str) -> str:
        """Return the name of a function or constant."""
        if id(x) not in self._constants:
            name = re.sub(r"\W", "_", name)
            if name in self.names:  # of another
                name = f"{name}_{len(self.names)}"
            self._constants[id(x)] = name
            self.names[name] = x
        return self._constants[id(x)]

    def _expression(self, node: Recorded) -> str:
        """Return the text of an operation, in brackets if need be."""
        if is_element(node):
            return f"{self._vectors[node.operands[0]]}[{node.options['key']}]"
        rule = node.rule
        assert rule is not None  # noqa: S101 - the caller leaves inputs out
        operands = [self._text(operand) for operand in node.operands]
        of_numbers = all(map(is_number, (*node.operands, node.options.get("condition"))))
        if text := self._with_operators(rule, operands, node.options, of_numbers=of_numbers):
            return f"({text})"
        if of_numbers and isinstance(rule, Elementwise) and rule.scalar is not None:
            return f"{self._named(rule.scalar, rule.name)}({', '.join(operands)})"
        options = [f"{name}={self._text(value)}" for name, value in node.options.items()]
        function = self._named(rule.compute, f"np_{rule.name}")
        call = f"{function}({', '.join([*operands, *options])})"
        return f"float({call})" if type(node.example) is float else call

    def _with_operators(self, rule: Rule, operands: list[str], options: Options, *, of_numbers: bool) -> str:
        """Return an operation written with Python's operators; nothing if there are none for it."""
        x, *others = operands
        symbol = _OPERATORS.get(rule.name) or SYMBOLS.get(rule.compute)
        if symbol and (of_numbers or symbol not in {"and", "or"}):
            return f"{x} {symbol} {others[0]}"
        if rule.name == "neg":
            return f"-{x}"
        if not of_numbers:
            return ""
        if rule.name == "where":
            return f"{x} if {self._text(options['condition'])} else {others[0]}"
        return {"square": f"{x} * {x}", "relu": f"0.0 if {x} < 0.0 else {x}"}.get(rule.name, "")


_TWICE = {"square", "relu"}
"""Operations whose text names their operand twice."""


def _uses(wanted: Sequence[Operand]) -> Counter[Recorded]:
    """Return how many times each operation that is needed stands in the text."""
    uses = Counter(x for x in wanted if isinstance(x, Recorded))
    needed = list(uses)
    for node in needed:  # grows on the way
        times = 2 if node.rule is not None and node.rule.name in _TWICE else 1
        for part in (*node.operands, *node.options.values()):
            if isinstance(part, Recorded):
                if part not in uses:
                    needed.append(part)
                uses[part] += times
    return uses
