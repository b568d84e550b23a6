"""How a fault is planted: which part of the victim it replaces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nn_from_scratch.verify.engines.engine import Engine
from nn_from_scratch.verify.faults.array_rules import PULLS
from nn_from_scratch.verify.faults.rules import RULES
from nn_from_scratch.verify.faults.victim import Victim, summed
from nn_from_scratch.verify.questions.operations import OF_ARRAYS

ANY = "any operation"
"""What is blamed for a fault that every operation shows alike."""


@dataclass(frozen=True)
class Fault:
    """A bug, planted.

    Parameters
    ----------
    name, description
        What it is called, and what it does.
    blamed
        What must be blamed for it: an operation, the reverse pass, a check of state or limits, or `ANY`.
    victim
        The engine that has it.
    kind
        The class of faults that it belongs to.
    operations
        The operations of which a graph needs some to show it.
    rule
        The victim's rule that is wrong, so that a tool which is given this one function can see it; empty
        if no single function shows it: what is wrong is between operations, or value and derivative agree
        with each other.

    """

    name: str
    description: str
    blamed: str
    victim: Victim
    kind: str
    operations: tuple[str, ...] = ("add", "mul")
    rule: str = ""

    def engine(self) -> Engine:
        """Return the engine that has the fault."""
        return self.victim.engine(self.name)

    def explains(self, blamed: str) -> bool:
        """Whether blaming this is right."""
        return self.blamed in (ANY, blamed)

    @property
    def arrays(self) -> bool:
        """Whether only arrays show it."""
        return self.kind == "arrays" or any(name in OF_ARRAYS for name in self.operations)


def _planted(rule: str, description: str, victim: Victim, kind: str) -> Fault:
    # "rsub" is what serves `2 - x`; the operation is sub.
    operation = rule if rule in RULES or rule in PULLS else rule[1:]
    text = f"{operation} has {description}"
    return Fault(f"{rule}: {description}", text, operation, victim, kind, (operation, "mul", "add"), rule)


def derivative(
    rule: str, description: str, wrong: Callable[..., tuple[Any, ...]], kind: str = "local derivative"
) -> Fault:
    """Plant wrong partial derivatives, computed from the value and the operands."""
    value = RULES[rule if rule in RULES else rule[1:]][0]
    return _planted(rule, description, Victim({**RULES, rule: (value, wrong)}), kind)


def scaled(rule: str, factor: float, kind: str = "local derivative") -> Fault:
    """Plant partial derivatives that are wrong by a factor."""

    def wrong(*numbers: Any) -> tuple[Any, ...]:
        return tuple(factor * partial for partial in RULES[rule][1](*numbers))

    return derivative(rule, f"its derivative times {factor!r}", wrong, kind)


def value(rule: str, description: str, wrong: Callable[..., Any], kind: str = "forward") -> Fault:
    """Plant a wrong value; the derivatives stay."""
    victim = (
        Victim({**RULES, rule: (wrong, RULES[rule][1])})
        if rule in RULES
        else Victim(whole={**PULLS, rule: (wrong, PULLS[rule][1])})
    )
    return _planted(rule, description, victim, kind)


def consistent(
    rule: str, description: str, wrong: Callable[..., Any], partials: Callable[..., tuple[Any, ...]]
) -> Fault:
    """Plant a wrong value with the derivative that belongs to it."""
    fault = _planted(rule, description, Victim({**RULES, rule: (wrong, partials)}), "forward")
    return replace(fault, rule="")


def pull(rule: str, description: str, wrong: Callable[..., tuple[Any, ...]], kind: str = "arrays") -> Fault:
    """Plant a wrong way of pulling a cotangent back through an operation on whole arrays."""
    return _planted(rule, description, Victim(whole={**PULLS, rule: (PULLS[rule][0], wrong)}), kind)


def reduced(rule: str, description: str, wrong: Callable[[Any, tuple[int, ...]], Any]) -> Fault:
    """Plant a wrong way for one operation of giving a cotangent its operand's shape."""

    def reduce(name: str, cotangent: Any, shape: tuple[int, ...]) -> Any:
        if name == rule and shape != np.shape(cotangent):
            return wrong(cotangent, shape)
        return summed(name, cotangent, shape)

    return _planted(rule, description, Victim(reduce=reduce), "arrays")


def part(
    name: str,
    description: str,
    blamed: str,
    kind: str,
    operations: tuple[str, ...] = ("add", "mul"),
    **parts: Any,
) -> Fault:
    """Plant a wrong part of the reverse pass."""
    return Fault(name, description, blamed, Victim(**parts), kind, operations)
