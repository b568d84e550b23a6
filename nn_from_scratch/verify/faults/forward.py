"""Wrong values: reflected operators that forget the reflection, a neighbour's function, lost digits."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from nn_from_scratch.verify.faults.planting import Fault, consistent, derivative, value
from nn_from_scratch.verify.faults.rules import RULES, pow_partials

FORWARD: tuple[Fault, ...] = (
    consistent("rsub", "a - 2 for 2 - a", lambda x, y: y - x, lambda z, x, y: (0.0, 1.0)),
    consistent("rsub", "-a for 2 - a", lambda x, y: -y, lambda z, x, y: (0.0, -1.0)),
    consistent("rdiv", "a / 2 for 2 / a", lambda x, y: y / x, lambda z, x, y: (0.0, 1 / x)),
    consistent("rdiv", "1 / a for 2 / a", lambda x, y: 1 / y, lambda z, x, y: (0.0, -1 / (y * y))),
    consistent(
        "rpow",
        "a ** 2 for 2 ** a",
        lambda x, y: np.power(y, x),
        lambda z, x, y: (0.0, pow_partials(z, y, x)[0]),
    ),
    consistent("cosh", "sinh", np.sinh, lambda z, x: (np.cosh(x),)),
    consistent("log", "the binary logarithm", np.log2, lambda z, x: (1 / (x * math.log(2)),)),
    consistent("sigmoid", "tanh", np.tanh, lambda z, x: (1 - z * z,)),
    consistent("maximum", "the minimum", np.minimum, RULES["minimum"][1]),
    consistent("arctan2", "the arctangent of y / x", lambda y, x: np.arctan(y / x), RULES["arctan2"][1]),
    consistent(
        "where",
        "a condition that tests c > 1",
        lambda c, x, y: np.where(c > 1, x, y),
        lambda z, c, x, y: (0.0, (c > 1) * 1.0, (c <= 1) * 1.0),
    ),
    consistent("relu", "0 below 1", lambda x: x * (x > 1), lambda z, x: ((x > 1) * 1.0,)),
    value("cosh", "sinh with cosh's derivative", np.sinh),
    value("div", "the remainder dropped", lambda x, y: np.floor(x / y)),
    value("square", "x cubed", lambda x: x * x * x),
    value("hypot", "the sum of absolute values", lambda x, y: abs(x) + abs(y)),
    value("clip", "the upper bound only", lambda x, low, high: np.minimum(x, high)),
    value("abs", "the operand", lambda x: x * 1.0),
    value("sign", "1 at 0", lambda x: np.where(x >= 0, 1.0, -1.0)),
    value("expm1", "exp(x) - 1, which cancels", lambda x: np.exp(x) - 1, "precision"),
    value("log1p", "log(1 + x), which cancels", lambda x: np.log(1 + x), "precision"),
    value("sinh", "exponentials that cancel", lambda x: (np.exp(x) - np.exp(-x)) / 2, "precision"),
    value(
        "softplus", "x itself above 20", lambda x: np.where(x > 20, x, RULES["softplus"][0](x)), "precision"
    ),
    value(
        "tanh",
        "exponentials that cancel",
        lambda x: 1 - 2 / (np.exp(np.minimum(2 * x, 700.0)) + 1),
        "precision",
    ),
    replace(
        value(
            "tanh",
            "exponentials that overflow",
            lambda x: np.sinh(x) / np.cosh(x) if np.all(abs(x) < 350) else x * np.nan,
        ),
        blamed="tanh at 400",
        kind="limits",
        rule="",
    ),
    replace(
        derivative(
            "sigmoid",
            "a derivative that overflows",
            lambda z, x: (np.where(x < -700, np.nan, z * (1 - z)),),
        ),
        blamed="sigmoid at -800",
        kind="limits",
        rule="",
    ),
)
