"""Wrong local derivatives: signs, factors, the value for the operand, a neighbour's formula, no upstream."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from nn_from_scratch.verify.faults.array_rules import PULLS
from nn_from_scratch.verify.faults.planting import Fault, derivative, pull, scaled
from nn_from_scratch.verify.faults.rules import RULES, pow_partials, sigmoid
from nn_from_scratch.verify.faults.victim import Victim


def _upstream(rule: str, description: str, wrong: Callable[[Any], Any]) -> Fault:
    """Plant a rule that does something else to the cotangent than multiply by it."""
    compute, partials = RULES[rule]

    def wrongly(g: Any, z: Any, *xs: Any) -> tuple[Any, ...]:
        return tuple(wrong(g) * partial for partial in partials(z, *xs))

    table = {name: row for name, row in RULES.items() if name != rule}
    victim = Victim(table, {**PULLS, rule: (compute, wrongly)})
    return replace(derivative(rule, description, partials, "upstream"), victim=victim)


DERIVATIVES: tuple[Fault, ...] = (
    derivative("add", "nothing for its second operand", lambda z, x, y: (1.0, 0.0)),
    derivative("sub", "its signs exchanged", lambda z, x, y: (-1.0, 1.0)),
    derivative("mul", "nothing for its second operand", lambda z, x, y: (y, 0.0)),
    derivative("mul", "a square's rule, 2 x", lambda z, x, y: (2 * x, 2 * y)),
    derivative("div", "+x for -x", lambda z, x, y: (1 / y, x / (y * y))),
    derivative("div", "y for 1 / y", lambda z, x, y: (y, -x / (y * y))),
    derivative("div", "nothing for the divisor", lambda z, x, y: (1 / y, 0.0)),
    derivative("div", "a product's rule", lambda z, x, y: (y, x)),
    derivative(
        "pow", "no factor y", lambda z, x, y: (pow_partials(z, x, y)[0] / y, pow_partials(z, x, y)[1])
    ),
    derivative(
        "pow", "log y for log x", lambda z, x, y: (pow_partials(z, x, y)[0], z * np.log(np.maximum(y, 1e-9)))
    ),
    derivative("pow", "no logarithm", lambda z, x, y: (pow_partials(z, x, y)[0], z)),
    derivative("neg", "no sign", lambda z, x: (1.0,)),
    derivative("reciprocal", "no sign", lambda z, x: (z * z,)),
    derivative("reciprocal", "z for z squared", lambda z, x: (-z,)),
    derivative("square", "no factor 2", lambda z, x: (x,)),
    derivative("square", "2 z for 2 x", lambda z, x: (2 * z,)),
    derivative("exp", "x z for z, a power's rule", lambda z, x: (x * z,)),
    derivative("expm1", "z for z + 1", lambda z, x: (z,)),
    derivative("log1p", "1 / x", lambda z, x: (1 / x,)),
    derivative("log", "1 / z", lambda z, x: (1 / z,)),
    derivative("log", "the common logarithm's", lambda z, x: (1 / (x * math.log(10)),)),
    derivative("sqrt", "x for z", lambda z, x: (0.5 / x,)),
    derivative("sqrt", "z / 2", lambda z, x: (z / 2,)),
    derivative("sin", "the cosine of its value", lambda z, x: (np.cos(z),)),
    derivative("cos", "a cosine", lambda z, x: (-z,)),
    derivative("tan", "a cosine that is not squared", lambda z, x: (1 / np.cos(x),)),
    derivative("tan", "tanh's 1 - z squared", lambda z, x: (1 - z * z,)),
    derivative("arcsin", "no root", lambda z, x: (1 / (1 - x * x),)),
    derivative("arcsin", "1 + x squared", lambda z, x: (1 / np.sqrt(1 + x * x),)),
    derivative("arccos", "no sign", lambda z, x: (1 / np.sqrt(1 - x * x),)),
    derivative("arctan", "x for x squared", lambda z, x: (1 / (1 + abs(x)),)),
    derivative("arctan", "a root", lambda z, x: (1 / np.sqrt(1 + x * x),)),
    derivative("arctan2", "swapped operands", lambda z, y, x: (-y / (x * x + y * y), x / (x * x + y * y))),
    derivative("arctan2", "a root", lambda z, y, x: (x / np.hypot(x, y), -y / np.hypot(x, y))),
    derivative("arctan2", "no sign", lambda z, y, x: (x / (x * x + y * y), y / (x * x + y * y))),
    derivative("sinh", "a sign", lambda z, x: (-np.cosh(x),)),
    derivative("sinh", "a circle's cosine", lambda z, x: (np.cos(x),)),
    derivative("cosh", "a sign", lambda z, x: (-np.sinh(x),)),
    derivative("tanh", "1 + z squared", lambda z, x: (1 + z * z,)),
    derivative("tanh", "x for z", lambda z, x: (1 - x * x,)),
    derivative("sigmoid", "z (z - 1)", lambda z, x: (z * (z - 1),)),
    derivative("sigmoid", "x (1 - x)", lambda z, x: (x * (1 - x),)),
    derivative("sigmoid", "tanh's 1 - z squared", lambda z, x: (1 - z * z,)),
    derivative("softplus", "tanh for the sigmoid", lambda z, x: (np.tanh(x),)),
    derivative("softplus", "the sigmoid of -x", lambda z, x: (sigmoid(-x),)),
    derivative("softplus", "relu's", lambda z, x: ((x > 0) * 1.0,)),
    derivative("hypot", "no division", lambda z, x, y: (x, y)),
    derivative("hypot", "the first operand's for both", lambda z, x, y: (x / z, x / z)),
    derivative("logaddexp", "swapped shares", lambda z, x, y: (sigmoid(y - x), sigmoid(x - y))),
    derivative("logaddexp", "no normalization", lambda z, x, y: (np.exp(x), np.exp(y))),
    derivative("relu", "slope 1 everywhere", lambda z, x: (1.0,)),
    derivative("relu", "a leak", lambda z, x: (np.where(x > 0, 1.0, 0.01),)),
    derivative("relu", "the operand for the mask", lambda z, x: (z,)),
    derivative("abs", "the wrong sign", lambda z, x: (-np.sign(x),)),
    derivative("sign", "slope 1, straight through", lambda z, x: (1.0,)),
    derivative("sign", "slope 1 up to 1, straight through", lambda z, x: ((abs(x) <= 1) * 1.0,)),
    derivative("maximum", "the smaller operand", lambda z, x, y: ((x < y) * 1.0, (x >= y) * 1.0)),
    derivative("maximum", "a half for each", lambda z, x, y: (0.5, 0.5)),
    derivative("minimum", "the first operand always", lambda z, x, y: (1.0, 0.0)),
    derivative("where", "the other branch", lambda z, c, x, y: (0.0, (c <= 0) * 1.0, (c > 0) * 1.0)),
    derivative("where", "both branches", lambda z, c, x, y: (0.0, 1.0, 1.0)),
    derivative(
        "where",
        "the condition's value for a mask",
        lambda z, c, x, y: (0.0, np.maximum(c, 0.0), (c <= 0) * 1.0),
    ),
    derivative(
        "where", "something for the condition", lambda z, c, x, y: (x - y, (c > 0) * 1.0, (c <= 0) * 1.0)
    ),
    derivative("clip", "slope 1 everywhere", lambda z, x, low, high: (1.0, 0.0, 0.0)),
    derivative("clip", "no lower bound", lambda z, x, low, high: ((x <= high) * 1.0, 0.0, 0.0)),
    derivative("clip", "slope 1 outside", lambda z, x, low, high: ((x < low) + (x > high) * 1.0, 0.0, 0.0)),
    derivative("rsub", "the slope of a - 2", lambda z, x, y: (0.0, 1.0)),
    derivative("rdiv", "the slope of a / 2", lambda z, x, y: (0.0, 1 / x)),
    derivative("rpow", "the slope of a ** 2", lambda z, x, y: (0.0, x * np.power(abs(y), x - 1))),
    _upstream("tanh", "no cotangent", np.ones_like),
    _upstream("mul", "no cotangent", np.ones_like),
    _upstream("sin", "only the cotangent's sign", np.sign),
    _upstream("sigmoid", "the cotangent squared", np.square),
    pull("sum", "no cotangent", lambda g, z, x, axis, keepdims: (np.ones(np.shape(x)),), "upstream"),
    pull("softmax", "the cotangent's sum", lambda g, z, x, axis: (z * (1 - z) * np.sum(g),), "upstream"),
    scaled("arctan2", 2.0),
    scaled("expm1", -1.0),
    scaled("log1p", 0.5),
)
