"""A few faults of every kind: those that real engines have had most."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from nn_from_scratch.verify.failures.shrink import REVERSE_PASS
from nn_from_scratch.verify.faults.planting import Fault, derivative, part, scaled, value
from nn_from_scratch.verify.faults.rules import pow_partials, sigmoid
from nn_from_scratch.verify.faults.victim import Value


def breadth_first(output: Value) -> list[Value]:
    """Return the nodes in order of depth: a node may come before one of its consumers."""
    order = {output: None}
    queue = [output]
    for node in queue:
        new = [parent for parent in node.parents if parent not in order]
        order.update(dict.fromkeys(new))
        queue.extend(new)
    return list(order)


def every_path(output: Value) -> list[Value]:
    """Return a node once for each path to it."""
    order = [output]
    for node in order:
        order.extend(node.parents)
        if len(order) > 5000:  # exponential on shared graphs; long enough to be wrong
            break
    return order


def _interning() -> Callable[[float], Value]:
    """Return a leaf maker that gives one leaf for equal values."""
    leaves: dict[bytes, Value] = {}
    return lambda x: leaves.setdefault(np.asarray(x).tobytes(), Value(x))


def _overflowing(x: Any) -> Any:
    # The standard library raises where numpy returns infinity.
    return 1 / (1 + np.vectorize(math.exp, otypes=[float])(-x))


CORE: tuple[Fault, ...] = (
    scaled("sin", -1.0),
    scaled("cos", -1.0),
    scaled("exp", 1 + 1e-9, "precision"),
    scaled("tanh", 1 + 1e-9, "precision"),
    scaled("add", 1 - 1e-12, "precision"),
    scaled("sqrt", 2.0),
    derivative("sub", "a second derivative of +1", lambda z, x, y: (1.0, 1.0)),
    derivative("mul", "swapped operands", lambda z, x, y: (x, y)),
    derivative("div", "y where y squared belongs", lambda z, x, y: (1 / y, -x / y)),
    derivative("pow", "no gradient for the exponent", lambda z, x, y: (pow_partials(z, x, y)[0], 0.0)),
    derivative("pow", "the exponent not lowered", lambda z, x, y: (y * z, pow_partials(z, x, y)[1])),
    derivative("log", "1 / x squared", lambda z, x: (1 / (x * x),)),
    derivative("tanh", "1 - z for 1 - z squared", lambda z, x: (1 - z,)),
    derivative("sigmoid", "z for the operand", lambda z, x: (sigmoid(z) * (1 - sigmoid(z)),)),
    derivative("relu", "a mask that tests x > 1", lambda z, x: ((x > 1) * 1.0,)),
    derivative(
        "relu", "slope 2 at 0", lambda z, x: (np.where(np.equal(x, 0), 2.0, (x > 0) * 1.0),), "special points"
    ),
    derivative("abs", "slope 1 everywhere", lambda z, x: (1.0,)),
    derivative(
        "maximum",
        "both operands at a tie",
        lambda z, x, y: ((x >= y) * 1.0, (x <= y) * 1.0),
        "special points",
    ),
    derivative("minimum", "the larger operand", lambda z, x, y: ((x > y) * 1.0, (x <= y) * 1.0)),
    derivative("cos", "float32 inside", lambda z, x: (-np.float64(np.sin(np.float32(x))),), "precision"),
    derivative("neg", "its operand's gradient dropped", lambda z, x: (0.0,)),
    value("sub", "its operands swapped", lambda x, y: y - x),
    replace(
        value("sigmoid", "an exponential that overflows", _overflowing),
        blamed="sigmoid at -800",
        kind="limits",
        rule="",
    ),
    value("sqrt", "float32 inside", lambda x: np.float64(np.sqrt(np.float32(x))), "precision"),
    part(
        "assigned",
        "`=` where `+=` belongs, in mul",
        "mul",
        "accumulation",
        combine=lambda rule, old, new: new if rule == "mul" else old + new,
    ),
    part(
        "subtracted",
        "`-=` where `+=` belongs, in sin",
        "sin",
        "accumulation",
        ("sin", "mul", "add"),
        combine=lambda rule, old, new: old - new if rule == "sin" else old + new,
    ),
    part("breadth first", "a reverse pass in order of depth", REVERSE_PASS, "order", order=breadth_first),
    part(
        "every path", "nodes visited once a path, with all they have", REVERSE_PASS, "order", order=every_path
    ),
    part(
        "upstream dropped",
        "an exp that ignores the cotangent",
        "exp",
        "upstream",
        ("exp", "mul", "add"),
        scale=lambda node: 1.0 if node.rule == "exp" else node.grad,
    ),
    part(
        "left over",
        "inner nodes that keep the last pass's gradient",
        "a second backward of one output",
        "state",
        fresh=False,
    ),
    part(
        "current values",
        "a reverse pass that reads values as they are now",
        "values assigned after the forward pass",
        "state",
        seen=lambda node: (x.data if isinstance(x, Value) else x for x in node.operands),
    ),
    part(
        "interned",
        "leaves merged when their values are equal",
        "leaves of equal value",
        "state",
        leaf=_interning(),
    ),
)
"""The faults that are planted into training, too."""
