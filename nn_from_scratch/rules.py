"""The table: one row per operation, how to compute it and how to differentiate it.

In a row ``x`` and ``y`` are the operands, ``z`` is the result and ``g`` the cotangent of the result. The rows
of this file are elementwise: they give partial derivatives, ``dz/dx`` and ``dz/dy``, and where Python's
floats have a faster computation it is ``scalar``. Operations on whole arrays have their rows in
`array_rules`.

Conventions at kinks
--------------------

Where a function has a kink it has no derivative, and any *subgradient* is a right answer: every slope between
the one-sided ones. For relu at 0 that is all of [0, 1], for abs at 0 all of [-1, 1], and of a tie any two
shares from 0 to 1 that add up to 1. One has to be chosen. This table chooses as PyTorch does:

- relu has derivative 0 at 0, and abs has 0. (JAX has 0 for relu, and 1 for abs.)
- A tie gives `maximum` and `minimum` 1/2 by each operand; `max` and `min` of an array share equally among
  all largest or smallest elements. (JAX and autograd share as well. A relu written as a maximum of x and 0,
  as in autograd, therefore has 1/2 at 0.)
- At a bound `clip` has derivative 1 by x, and none by the bound; if the bounds cross, 1 by the upper one.
- `where` has the derivative of the branch that is taken, the condition none.
- `sign` jumps at 0, where no number is its derivative: the table has 0 there, as everywhere else.

And where a formula fails, but the function does not:

- ``x ** 0`` is 1 whatever x is: its derivative by x is 0, at 0 as well. That of ``0 ** y`` by y is 0 for
  every y >= 0, at the jump y = 0 as well.
- `sqrt` has derivative inf at 0, its limit.
- `hypot` and `arctan2` have derivative 0 at the origin. (Of hypot this is a subgradient; PyTorch has NaN.)
"""

import math
import operator

import numpy as np

from nn_from_scratch.array_rules import ARRAY_ROWS
from nn_from_scratch.rule import Elementwise, Function, Operand, Rule, Value


def _row(name: str, compute: Function, *partials: Function, scalar: Function | None = None) -> Elementwise:
    return Elementwise(name, compute, partials, scalar=scalar)


def _quotient(x: Operand, y: Operand) -> Operand:
    """Return x / y, and 0 for 0 / 0."""
    return x / (y + (y == 0))


# Powers


def _power_by_base(_z: Operand, x: Operand, y: Operand) -> Operand:
    """Return y x^(y - 1); where y is 0 it is 0, though x^(y - 1) may be infinite.

    There it is written as y / x, which has the right derivative by y in turn.
    """
    return np.where(y == 0, _quotient(y, x), y * np.power(x, y - 1))


def _power_by_exponent(z: Operand, x: Operand, y: Operand) -> Operand:
    """Return x^y log(x); 0 where x is 0, though log(x) is infinite."""
    return np.where((x == 0) & (y >= 0), 0.0, z * np.log(x))


# The sigmoid, 1 / (1 + exp(-x)): nothing overflows, and both tails keep their precision


def _sigmoid(x: Value) -> Value:
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))


def _sigmoid_of_float(x: float) -> float:
    return math.exp(min(x, 0.0)) / (1 + math.exp(-abs(x)))


def _sigmoid_slope(z: Operand, x: Operand) -> Operand:
    """Return z (1 - z), with the sigmoid of -x for 1 - z: to subtract would lose the upper tail."""
    return z * SIGMOID(-x)


SIGMOID: Rule = _row("sigmoid", _sigmoid, _sigmoid_slope, scalar=_sigmoid_of_float)


# Angles


def one_less_square(x: Operand) -> Operand:
    """Return 1 - x²; near 1 as (1 - x) (1 + x), for 1 - x² there is mostly the rounding of x²."""
    return np.where(np.abs(x) < 0.5, 1 - x * x, (1 - x) * (1 + x))


def _cosine_of_arcsin(x: Operand) -> Operand:
    return np.sqrt(one_less_square(x))


def _over_squared_radius(a: Operand, x: Operand, y: Operand) -> Operand:
    """Return a / (x² + y²), in two steps since squares overflow; 0 at the origin, if a is 0 there."""
    return _quotient(_quotient(a, np.hypot(x, y)), np.hypot(x, y))


# Kinks: see the conventions above


def _relu(x: Value) -> Value:
    return np.maximum(x, 0)


def _first_is_larger(_z: Operand, x: Operand, y: Operand) -> Operand:
    """Return 1 where x is larger than y, 1/2 at a tie, else 0."""
    return (x > y) + 0.5 * (x == y)


def _second_is_larger(_z: Operand, x: Operand, y: Operand) -> Operand:
    """Return 1 where y is larger than x, 1/2 at a tie, else 0."""
    return (y > x) + 0.5 * (y == x)


def _clip_by_value(_z: Operand, x: Operand, low: Operand, high: Operand) -> Operand:
    return 1.0 * ((low <= x) & (x <= high))


def _clip_by_low(_z: Operand, x: Operand, low: Operand, high: Operand) -> Operand:
    return 1.0 * ((x < low) & (low < high))


def _clip_by_high(_z: Operand, x: Operand, low: Operand, high: Operand) -> Operand:
    return 1.0 * ((x > high) | (low > high))


def _where(x: Value, y: Value, condition: Value) -> Value:
    return np.where(condition, x, y)


def _where_by_first(g: Operand, _z: Operand, _x: Operand, _y: Operand, condition: Value) -> Operand:
    """Give the cotangent to x where it was taken: a zero, not a product with zero, to all others."""
    return np.where(condition, g, 0.0)


def _where_by_second(g: Operand, _z: Operand, _x: Operand, _y: Operand, condition: Value) -> Operand:
    """Give the cotangent to y where it was taken."""
    return np.where(condition, 0.0, g)


_ELEMENTWISE_ROWS = (
    # Arithmetic
    _row("add", np.add, lambda z, x, y: 1.0, lambda z, x, y: 1.0, scalar=operator.add),
    _row("sub", np.subtract, lambda z, x, y: 1.0, lambda z, x, y: -1.0, scalar=operator.sub),
    _row("mul", np.multiply, lambda z, x, y: y, lambda z, x, y: x, scalar=operator.mul),
    _row("div", np.divide, lambda z, x, y: 1 / y, lambda z, x, y: -z / y, scalar=operator.truediv),
    _row("pow", np.power, _power_by_base, _power_by_exponent, scalar=math.pow),
    _row("neg", np.negative, lambda z, x: -1.0, scalar=operator.neg),
    _row("reciprocal", np.reciprocal, lambda z, x: -z * z, scalar=lambda x: 1 / x),
    _row("square", np.square, lambda z, x: x + x, scalar=lambda x: x * x),
    # Exponentials, logarithms and roots
    _row("exp", np.exp, lambda z, x: z, scalar=math.exp),
    _row("expm1", np.expm1, lambda z, x: np.exp(x), scalar=math.expm1),
    _row("log", np.log, lambda z, x: 1 / x, scalar=math.log),
    _row("log1p", np.log1p, lambda z, x: 1 / (1 + x), scalar=math.log1p),
    _row("logaddexp", np.logaddexp, lambda z, x, y: SIGMOID(x - y), lambda z, x, y: SIGMOID(y - x)),
    _row("sqrt", np.sqrt, lambda z, x: 0.5 / z, scalar=math.sqrt),
    # Trigonometry
    _row("sin", np.sin, lambda z, x: np.cos(x), scalar=math.sin),
    _row("cos", np.cos, lambda z, x: -np.sin(x), scalar=math.cos),
    _row("tan", np.tan, lambda z, x: 1 + z * z, scalar=math.tan),
    _row("arcsin", np.arcsin, lambda z, x: 1 / _cosine_of_arcsin(x), scalar=math.asin),
    _row("arccos", np.arccos, lambda z, x: -1 / _cosine_of_arcsin(x), scalar=math.acos),
    _row("arctan", np.arctan, lambda z, x: 1 / (1 + x * x), scalar=math.atan),
    _row("hypot", np.hypot, lambda z, x, y: _quotient(x, z), lambda z, x, y: _quotient(y, z)),
    _row(
        "arctan2",  # of x over y, as numpy has it
        np.arctan2,
        lambda z, x, y: _over_squared_radius(y, x, y),
        lambda z, x, y: -_over_squared_radius(x, x, y),
    ),
    # Hyperbolic functions and their kin
    _row("sinh", np.sinh, lambda z, x: np.cosh(x), scalar=math.sinh),
    _row("cosh", np.cosh, lambda z, x: np.sinh(x), scalar=math.cosh),
    _row("tanh", np.tanh, lambda z, x: 1 - z * z, scalar=math.tanh),
    SIGMOID,
    _row("softplus", lambda x: np.logaddexp(x, 0), lambda z, x: SIGMOID(x)),
    # Kinks
    _row("relu", _relu, lambda z, x: (z > 0) * 1.0),
    _row("abs", np.absolute, lambda z, x: np.sign(x), scalar=abs),
    _row("sign", np.sign, lambda z, x: 0.0),
    _row("maximum", np.maximum, _first_is_larger, _second_is_larger),
    _row("minimum", np.minimum, _second_is_larger, _first_is_larger),
    _row("clip", np.clip, _clip_by_value, _clip_by_low, _clip_by_high),
    # Elementwise too, but its condition is no operand: the cotangent goes one way or the other
    Rule("where", _where, [_where_by_first, _where_by_second]),
)

RULES: dict[str, Rule] = {rule.name: rule for rule in (*_ELEMENTWISE_ROWS, *ARRAY_ROWS)}
"""Every operation by its name."""
