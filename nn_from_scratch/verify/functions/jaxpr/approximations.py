"""What in a function of JAX's may approximate another, whose derivative is the one that is meant."""

from __future__ import annotations

from typing import Any

from nn_from_scratch.verify.functions.jaxpr.interpreter import Interpreter
from nn_from_scratch.verify.functions.tracing.constants import decimal, significant
from nn_from_scratch.verify.functions.tracing.repetition import ITERATES

FITTED = 7
"""Significant digits from which on a constant looks like one of a fitted formula."""

MANY = 4
"""Steps from which on a loop may iterate to a limit."""


def approximation(primal: Any, interpreter: Interpreter) -> str | None:
    """Say why a function may be an approximation, whose own derivative nobody means."""
    if "while" in interpreter.primitives or _iterates(primal.jaxpr):
        return ITERATES
    many = [number for number, dtype in interpreter.numbers if significant(decimal(number, dtype)) >= FITTED]
    if len(many) >= 3:
        return f"it has the constants of a fitted formula, {min(many)!r} among them"
    return "it uses a table of numbers" if interpreter.fitted_arrays else None


def _iterates(jaxpr: Any) -> bool:
    """Whether a loop of many steps that reads no sequence is somewhere in a jaxpr."""
    for equation in jaxpr.eqns:
        parameters = equation.params
        if equation.primitive.name == "scan":
            read = len(equation.invars) - parameters["num_consts"] - parameters["num_carry"]
            if parameters["length"] >= MANY and read == 0:
                return True
        for x in parameters.values():
            inner = getattr(x, "jaxpr", x)
            if hasattr(inner, "eqns") and _iterates(inner):
                return True
    return False
