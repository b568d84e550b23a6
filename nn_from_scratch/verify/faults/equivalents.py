"""Changes that are no faults: each gives the same gradients, for the reason that stands beside it."""

from __future__ import annotations

from functools import partial

import numpy as np

from nn_from_scratch.verify.failures.shrink import REVERSE_PASS
from nn_from_scratch.verify.faults.array_rules import softmax
from nn_from_scratch.verify.faults.planting import Fault, derivative, part, pull
from nn_from_scratch.verify.faults.rules import sigmoid
from nn_from_scratch.verify.faults.victim import topological

KIND = "equivalent"


EQUIVALENTS: tuple[tuple[Fault, str], ...] = (
    (
        derivative("relu", "a mask that tests its value", lambda z, x: ((z > 0) * 1.0,), KIND),
        "z = max(x, 0) is above 0 exactly where x is.",
    ),
    (
        derivative("reciprocal", "-1 / x squared", lambda z, x: (-1 / (x * x),), KIND),
        "z is 1 / x: the two differ by rounding only.",
    ),
    (
        derivative("div", "-z / y", lambda z, x, y: (1 / y, -z / y), KIND),
        "z is x / y: the two differ by rounding only.",
    ),
    (
        derivative("sigmoid", "s(x) s(-x)", lambda z, x: (sigmoid(x) * sigmoid(-x),), KIND),
        "s(-x) = 1 - s(x); where they differ, this is the more accurate.",
    ),
    (
        derivative("tanh", "1 / cosh squared", lambda z, x: (1 / np.cosh(np.clip(x, -350, 350)) ** 2,), KIND),
        "1 - tanh squared = 1 / cosh squared; both are 0 to within the smallest number beyond 350.",
    ),
    (
        derivative(
            "maximum",
            "a half for each at a tie",
            lambda z, x, y: ((x > y) + (np.equal(x, y)) * 0.5, (x < y) + np.equal(x, y) * 0.5),
            KIND,
        ),
        "At a tie any shares between 0 and 1 that sum to 1 lie between the one-sided derivatives.",
    ),
    (
        derivative("abs", "slope 1 at 0", lambda z, x: (np.where(x < 0, -1.0, 1.0),), KIND),
        "At 0 anything from -1 to 1 lies between the one-sided derivatives.",
    ),
    (
        derivative("relu", "slope a half at 0", lambda z, x: (np.heaviside(x, 0.5),), KIND),
        "At 0 anything from 0 to 1 lies between the one-sided derivatives.",
    ),
    (
        pull(
            "log_softmax",
            "softmax computed anew",
            lambda g, z, x, axis: (g - softmax(x, axis) * np.sum(g, axis=axis, keepdims=True),),
            KIND,
        ),
        "exp(log_softmax(x)) is softmax(x).",
    ),
    (
        part(
            "swapped operands",
            "another topological order",
            REVERSE_PASS,
            KIND,
            order=partial(topological, last_first=True),
        ),
        "Every consumer still comes before its operands; the order of sums changes, which rounding bounds.",
    ),
    (
        part(
            "last operand first",
            "shares given out from the last operand to the first",
            REVERSE_PASS,
            KIND,
            shares=lambda shares: shares[::-1],
        ),
        "Sums commute; rounding bounds the difference.",
    ),
)
"""Each change, and why it changes nothing. They are not counted among the faults."""
