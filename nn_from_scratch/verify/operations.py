"""The catalogue of questions: which operations there are, and where they may be asked.

Names are numpy's. What an operation's value or derivative *is* does not stand here: every oracle and every
engine brings its own, so that no two can share a mistake.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate


def _everywhere(*_: float) -> bool:
    return True


def _power_is_real(x: float, y: float) -> bool:
    return x > 0 or (y.is_integer() and (x != 0 or y >= 0))


@dataclass(frozen=True, slots=True)
class Operation:
    """One primitive: how many operands it takes, where it is defined, and what is special about it.

    Parameters
    ----------
    arity
        The number of operands.
    inside
        Whether operand values lie in the domain, where the value is real and finite.
    special
        Operand values at which engines have gone wrong.
    symbol
        Python's operator for it, if there is one; other operations are written as a call.
    forms
        How it may be called: "x" stands for a node, "c" for a constant.

    """

    name: str
    arity: int
    inside: Callable[..., bool] = _everywhere
    special: tuple[float, ...] = ()
    symbol: str | None = None
    forms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.forms:
            object.__setattr__(self, "forms", ("x",) if self.arity == 1 else ("xx", "xc", "cx"))

    def text(self, *operands: str) -> str:
        """Write the operation as Python would."""
        if self.symbol is None:
            return f"{self.name}({', '.join(map(bare, operands))})"
        return (
            f"({self.symbol}{operands[0]})" if self.arity == 1 else f"({f' {self.symbol} '.join(operands)})"
        )


def bare(text: str) -> str:
    """Drop the outermost parentheses if they belong together."""
    if not text.startswith("("):
        return text
    depths = list(accumulate((c == "(") - (c == ")") for c in text))
    return text[1:-1] if depths.index(0) == len(text) - 1 else text


def _unary(name: str, inside: Callable[..., bool] = _everywhere, *special: float) -> Operation:
    return Operation(name, 1, inside, special)


CATALOGUE: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation("add", 2, symbol="+"),
        Operation("sub", 2, symbol="-"),
        Operation("mul", 2, symbol="*"),
        Operation("div", 2, lambda x, y: y != 0, (1.0, -1.0), "/"),
        Operation("pow", 2, _power_is_real, (0.0, 1.0, 2.0, 3.0, -1.0, -2.0, 0.5, -0.5), "**"),
        Operation("neg", 1, symbol="-"),
        _unary("reciprocal", lambda x: x != 0, 1.0, -1.0),
        _unary("square", _everywhere, 0.0),
        _unary("exp", _everywhere, 0.0, -20.0),
        _unary("expm1", _everywhere, 0.0, 1e-8, -30.0),
        _unary("log", lambda x: x > 0, 1.0, 1e-8, 1e8),
        _unary("log1p", lambda x: x > -1, 0.0, 1e-8),
        _unary("sqrt", lambda x: x > 0, 1.0, 4.0, 1e-8),
        _unary("sin", _everywhere, 0.0, math.pi / 2),
        _unary("cos", _everywhere, 0.0, math.pi),
        _unary("tan", _everywhere, 0.0, 1e-8),
        _unary("arcsin", lambda x: -1 < x < 1, 0.0, 1e-8, 0.5),
        _unary("arccos", lambda x: -1 < x < 1, 0.0, 0.5),
        _unary("arctan", _everywhere, 0.0, 1e-8, 1e5),
        Operation("arctan2", 2, lambda y, x: y != 0 or x > 0, (1.0, -1.0)),
        _unary("sinh", _everywhere, 0.0, 1e-8),
        _unary("cosh", _everywhere, 0.0, 1e-8),
        _unary("tanh", _everywhere, 0.0, 1e-8, 3.0, -20.0),
        _unary("sigmoid", _everywhere, 0.0, 20.0, -20.0),
        _unary("softplus", _everywhere, 0.0, 30.0, 100.0, -20.0),
        Operation("hypot", 2, lambda x, y: x != 0 or y != 0),
        Operation("logaddexp", 2, special=(0.0, 100.0, -100.0)),
        _unary("relu", _everywhere, 0.0, 0.5, 1.0, -1.0),
        _unary("abs", _everywhere, 0.0, -1.0),
        Operation("maximum", 2, special=(0.0,)),
        Operation("minimum", 2, special=(0.0,)),
        # where(c, x, y) is x where c > 0, else y: the condition is part of the question.
        Operation("where", 3, forms=("xxx", "xxc", "xcx")),
        Operation("clip", 3, lambda x, low, high: low < high, forms=("xcc",)),
    )
}
