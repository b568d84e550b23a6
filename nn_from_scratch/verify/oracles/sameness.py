"""Which nodes are equal for certain, where ball arithmetic can only say that they may be.

Ball arithmetic encloses exp(x) - exp(x) in a small ball about 0. That it is exactly 0 follows from how the
two terms were made: nodes made alike from equal operands are equal (value numbering; J. Cocke, "Global common
subexpression elimination", 1970).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

ZERO = 0
"""The number of what is 0."""
_COMMUTATIVE = frozenset({"add", "mul", "maximum", "minimum", "hypot", "logaddexp"})


class Sameness:
    """Numbers for nodes: those with the same number are equal for certain.

    With inputs numbered by their position, "equal" means the same function of the inputs; with inputs
    numbered by their value, it means equal at the point.
    """

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {("value", 0.0): ZERO}
        self._negated = {ZERO: ZERO}
        self._one = self.leaf(("value", 1.0))

    def leaf(self, key: Hashable) -> int:
        """Return the number of what `key` stands for."""
        return self._numbers.setdefault(key, len(self._numbers))

    def constant(self, value: float) -> int:
        """Return the number of a constant; -0 is 0."""
        return self.leaf(("value", value + 0.0))

    def step(self, operation: str, operands: Sequence[int]) -> int:
        """Return the number of an operation's result, given the numbers of its operands."""
        known = self._simplified(operation, *operands)
        if known is not None:
            return known
        if operation in _COMMUTATIVE:
            operands = sorted(operands)
        number = self.leaf((operation, *operands))
        if operation == "neg":
            self._negated[number], self._negated[operands[0]] = operands[0], number
        return number

    def _simplified(self, operation: str, first: int, *others: int) -> int | None:
        """Return the number of what the result is known to equal."""
        if operation == "neg":
            return self._negated.get(first)
        second = others[0] if others else None
        if operation == "mul" and ZERO in (first, second):
            return ZERO
        if operation == "add" and ZERO in (first, second):
            return second if first == ZERO else first
        if operation == "add" and self._negated.get(first) == second:
            return ZERO
        if first == second:
            return {"sub": ZERO, "div": self._one, "maximum": first, "minimum": first}.get(operation)
        return None
